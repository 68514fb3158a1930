"""What is old goes once somebody has seen it, and not before."""

from __future__ import annotations

import pytest

from analyzers.session import live_memory
from analyzers.session.live import LiveSession
from tests.given_source import GivenSource
from tests.scenarios.timeline import at, capture

ASKED = "0 a>b v2 handshake\n1..601/1 a>b liveness 2+\n1.01..601/1 b>a liveness 2+ resp\n"


@pytest.fixture
def session() -> LiveSession:
    """All of it has come, and nobody has looked yet."""
    source = GivenSource(remote=True)
    made = LiveSession([source])
    made.start()
    source.feed.put(capture(ASKED))
    for now_s in (700, 702, 704):
        made.pump(at(now_s))
    return made


def test_what_nobody_has_seen_stays(session: LiveSession) -> None:
    (peer,) = session.peers_so_far(at(705))
    assert len(peer.exchanges) == 600
    assert session.forgotten == 0
    session.pump(at(706))
    assert session.forgotten > 0


def test_memory_is_bounded_also_where_nobody_looks(
    monkeypatch: pytest.MonkeyPatch, session: LiveSession
) -> None:
    monkeypatch.setattr(live_memory, "_MOST_UNSEEN", 1000)
    session.pump(at(706))
    assert session.forgotten > 0


def test_who_drives_it_is_asked_to_look_in_time(
    monkeypatch: pytest.MonkeyPatch, session: LiveSession
) -> None:
    crowded = [session.is_crowded]
    monkeypatch.setattr(live_memory, "_CROWDED", 1000)
    crowded.append(session.is_crowded)
    session.peers_so_far(at(704.1))
    session.pump(at(704.2))
    crowded.append(session.is_crowded)
    assert crowded == [False, True, False]
