"""Which peers a look at a live session builds anew: what it costs grows with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.model.peer import PeerView
from analyzers.session.live import LiveSession
from analyzers.tracking.tracks import PeerTrack
from analyzers.tracking.views import Viewer
from tests.benchmarks.live_traffic import PEERS, Mix
from tests.builders import pcap_bytes
from tests.unit.analyzers.session.test_live import SECOND, START_NS, Fifo, until

# Questions that were just under way are looked at again.
_UNDER_WAY = 4


class _Built:
    """Counts the views that are built as a whole."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.peers: set[int] = set()
        build = Viewer.view

        def counted(viewer: Viewer, peer: PeerTrack) -> PeerView:
            self.peers.add(peer.index)
            return build(viewer, peer)

        monkeypatch.setattr(Viewer, "view", counted)

    def by(self, session: LiveSession, now_ns: int) -> int:
        self.peers.clear()
        session.peers_so_far(now_ns)
        return len(self.peers)


def _records(mix: Mix, at_ns: int) -> list[bytes | tuple[int, bytes]]:
    frames = mix.second()
    return [(at_ns + number * SECOND // len(frames), each) for number, each in enumerate(frames)]


def _fed(fifo: Fifo, session: LiveSession, data: bytes, now_ns: int) -> None:
    """Write it piece by piece, and take all of it."""
    for start in range(0, len(data), 60_000):
        fifo.write(data[start : start + 60_000])
        until(lambda: not fifo.source.feed.empty)
        session.pump(now_ns)
    session.pump(now_ns)


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> _Built:
    return _Built(monkeypatch)


def test_what_is_forgotten_builds_nothing_anew(tmp_path: Path, built: _Built):
    """Peers that are asked in turn are trimmed together."""
    fifo = Fifo(tmp_path / "pipe")
    session = LiveSession([fifo.source], most_events=1)
    session.start()
    mix, now_ns = Mix(2_000, 2), START_NS + 14 * SECOND
    records = [r for number in range(12) for r in _records(mix, START_NS + number * SECOND)]
    _fed(fifo, session, pcap_bytes(records), START_NS)
    assert built.by(session, START_NS) == PEERS
    session.pump(now_ns)
    assert session.forgotten > PEERS
    assert built.by(session, START_NS) <= _UNDER_WAY
    fifo.close()
    session.end(now_ns)


def test_all_that_is_due_is_not_built_at_once(tmp_path: Path, built: _Built):
    """After a pause every peer in use is due; what else is new shall not wait for that."""
    fifo = Fifo(tmp_path / "pipe")
    session = LiveSession([fifo.source])
    session.start()
    asked, used = Mix(2_000, 2), Mix(2_000, 2_000, 1)
    records = _records(asked, START_NS)
    _fed(fifo, session, pcap_bytes(records), START_NS + SECOND)
    now_ns = START_NS + SECOND
    assert built.by(session, now_ns) == PEERS
    later = pcap_bytes(_records(used, START_NS + 60 * SECOND))[24:]
    now_ns += 60 * SECOND
    _fed(fifo, session, later, now_ns)
    counts = [built.by(session, now_ns + look) for look in range(PEERS)]
    assert max(counts) < PEERS // 4
    assert sum(counts) >= PEERS - _UNDER_WAY
    fifo.close()
    session.end(now_ns)
