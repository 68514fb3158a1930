"""Sessions that end while a source is gone: nobody claims anything of the time that nobody saw."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.export.spans import last_known_ns
from analyzers.model.exchange import Outcome
from analyzers.model.peer import PeerState
from analyzers.model.records import Confidence
from analyzers.session import Session
from analyzers.session.live import LiveSession
from analyzers.session.live_store import CaptureStore
from analyzers.sources.feed import SourceState
from analyzers.sources.ring_files import RingFiles
from tests.given_source import GivenSource
from tests.scenarios.timeline import at, capture
from tests.unit.analyzers.session.test_live_gaps import HEAD, UP, Watch, pieces, states

CALM = UP + "10..50/10 a>b liveness 2+\n10.02..50.02/10 b>a liveness 2+ resp\n"
BUSY = UP + "0.1..40/0.2 a>b esp out\n0.15..40/0.2 b>a esp in\n"
ASKED = UP + "10 a>b liveness 2\n10.02 b>a liveness 2 resp\n20..25/2 a>b liveness 3\n"
OTHER = "0 c>n v2 handshake\n10..60/5 c>n liveness 2+\n10.02..60/5 n>c liveness 2+ resp\n"
GONE = [SourceState.WAITING, SourceState.MISSING, SourceState.DOWN]


@pytest.mark.parametrize("gone", GONE)
@pytest.mark.parametrize("text", [CALM, BUSY], ids=["calm", "busy"])
def test_who_was_alive_is_unknown_at_the_end(tmp_path: Path, text: str, gone: SourceState) -> None:
    watch = Watch(tmp_path)
    watch.take(pieces(text, 22)[0], 22)
    watch.now(22.1)
    watch.source.feed.tell(gone, "gone")
    live = watch.now(40)
    peer = watch.end(60)
    assert (peer.state, peer.confidence) == (PeerState.UNKNOWN, Confidence.SUSPECT)
    assert peer.until_ns == last_known_ns(peer) == at(60)
    assert states(peer) == states(live)
    assert states(peer)[-1] == ("unknown", 22.1)
    assert not peer.black_holes
    assert watch.session.sources[0].gaps == [(at(22.1), at(60))]


@pytest.mark.parametrize("gone", GONE)
def test_a_question_that_nobody_saw_to_its_end_stays_open(
    tmp_path: Path, gone: SourceState
) -> None:
    watch = Watch(tmp_path)
    watch.take(capture(ASKED), 24.5)
    watch.source.feed.tell(gone, "gone")
    watch.now(25)
    peer = watch.end(400)
    last = peer.exchanges[-1]
    assert (last.outcome, last.confidence) == (Outcome.OPEN, Confidence.SUSPECT)
    assert peer.state is PeerState.UNKNOWN


def test_what_breaks_off_for_good_just_before_the_end_is_told(tmp_path: Path) -> None:
    """A source that was back, and went again: both times are told."""
    first, _, last = pieces(BUSY, 10, 20)
    watch = Watch(tmp_path)
    watch.take(first, 10)
    watch.breaks(10.1, 20, SourceState.WAITING)
    watch.take(last, 30)
    watch.source.feed.tell(SourceState.DOWN, "gone")
    watch.now(31)
    peer = watch.end(50)
    assert [state for state, _ in states(peer)][-3:] == ["unknown", "alive", "unknown"]
    assert len(watch.session.sources[0].gaps) == 2


def test_what_came_with_the_break_is_no_life_after_it(tmp_path: Path) -> None:
    """Its last packets and its end may be taken at once."""
    watch = Watch(tmp_path)
    watch.take(pieces(BUSY, 21)[0], 21)
    _, more, _ = pieces(BUSY, 21, 22)
    watch.source.feed.put(more[HEAD:])
    watch.source.feed.tell(SourceState.WAITING, "gone")
    for peer in (watch.now(22.1), watch.now(40), watch.end(60)):
        assert states(peer)[-1] == ("unknown", 21.9)


def test_a_capture_that_ends_while_another_goes_on() -> None:
    one, other = GivenSource(), GivenSource(name="eth1")
    session = LiveSession([one, other])
    session.start()
    one.feed.put(pieces(CALM, 22)[0])
    other.feed.put(capture(OTHER))
    session.pump(at(22))
    one.feed.tell(SourceState.ENDED)
    session.pump(at(22.1))
    session.end(at(60))
    found = {peer.local: states(peer)[-1] for peer in session.peers()}
    assert found == {"192.0.2.1": ("unknown", 22.0), "192.0.2.3": ("alive", 0.0)}


@pytest.mark.parametrize("back_s", [None, 200])
def test_what_one_of_two_interfaces_missed_is_in_the_file(
    tmp_path: Path, back_s: float | None
) -> None:
    """The other one went on: nobody is given up for what nobody saw, live nor afterwards."""
    saved = tmp_path / "saved.pcapng"
    one, other = GivenSource(), GivenSource(name="eth1")
    session = LiveSession([one, other], store=CaptureStore(RingFiles(saved), "test"))
    session.start()
    one.feed.put(capture(ASKED))
    other.feed.put(capture(OTHER.replace("..60", "..400")))
    session.pump(at(24.5))
    one.feed.tell(SourceState.DOWN, "gone")
    session.pump(at(25))
    if back_s is not None:
        one.feed.tell(SourceState.OPEN)
        session.pump(at(back_s))
    for now_s in (300, 400):
        session.pump(at(now_s))
    session.end(at(401))
    offline = Session()
    offline.run([str(saved)])
    # In the file there is one source.
    assert [states(peer) for peer in offline.peers()] == [states(peer) for peer in session.peers()]
    asked, well = sorted(offline.peers(), key=lambda peer: peer.local)
    assert (asked.state, well.state) == (PeerState.UNKNOWN, PeerState.ALIVE)
    assert asked.exchanges[-1].outcome is Outcome.OPEN
    assert states(well)[-1] == ("alive", 0.0)
