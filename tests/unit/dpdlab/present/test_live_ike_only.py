"""A peer whose IKE lives while no ESP comes back: since when, and that it is over."""

from __future__ import annotations

from msgspec.structs import replace

from analyzers.export.report import build_peer_head
from analyzers.model.peer import PeerView
from analyzers.session.live import LiveSession
from analyzers.session.live_facts import Fact, FactLog
from dpdlab.present.live_lines import FactLines
from tests.given_source import GivenSource
from tests.scenarios.timeline import at, capture

ANSWERED = "10..40/3 a>b liveness 2+\n10.02..40/3 b>a liveness 2+ resp\n"
SILENT = "0 a>b v2 handshake\n0.1..40/0.2 a>b esp out\n0.15..8/0.2 b>a esp in\n" + ANSWERED
BACK = "25.05..40/0.2 b>a esp in\n"


def told(text: str) -> tuple[list[str], list[PeerView]]:
    """What is said of the state of the peer, and the views behind it, looked at every 0.5 s."""
    source = GivenSource()
    session = LiveSession([source])
    session.start()
    facts, lines, said, views = FactLog(), FactLines(), [], []
    data, place = capture(text), 24
    source.feed.put(data[:place])
    for half in range(1, 80):
        end = len(capture(f"{text}capture 0..{half / 2}\n"))
        source.feed.put(data[place:end])
        place = max(place, end)
        now_ns = at(half / 2)
        session.pump(now_ns)
        found = facts.take(session.peers_so_far(now_ns), now_ns)
        found = [fact for fact in found if isinstance(fact.item, PeerView)]
        views += [fact.item for fact in found if isinstance(fact.item, PeerView)]
        said += [line.partition("192.0.2.2  ")[2].strip() for line in lines.of(found, now_ns)]
    session.end(at(40))
    return said, views


def test_since_when_no_esp_came_back() -> None:
    said, views = told(SILENT)
    assert said[0] == "alive"
    assert said[-1] == "IKE alive, no ESP back since 22:13:27.950"
    head = build_peer_head(views[-1])
    assert (head.ike_only, head.last_esp_ns) == (True, at(7.95))


def test_that_it_came_back() -> None:
    said, views = told(SILENT + BACK)
    assert [line for line in said if "IKE" in line] == ["IKE alive, no ESP back since 22:13:27.950"]
    assert said[-1].startswith("alive")
    assert not build_peer_head(views[-1]).ike_only


def test_of_what_never_came_there_is_no_time() -> None:
    _, views = told(SILENT)
    never = replace(views[-1], esp_flows=())
    (line,) = FactLines().of([Fact(never, never, 1)], at(40))
    assert line.endswith("IKE alive, no ESP back since the session began\n")
    assert build_peer_head(never).last_esp_ns is None
