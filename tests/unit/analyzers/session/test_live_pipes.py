"""A FIFO whose writer ends: nothing is known of the peers until somebody writes again."""

from __future__ import annotations

import os
import struct
from pathlib import Path

from analyzers.model.peer import PeerState
from analyzers.model.records import ProblemKind
from analyzers.session import Session
from analyzers.session.live import LiveSession
from analyzers.session.live_again import again
from analyzers.session.live_log_store import LogStore
from analyzers.session.live_store import CaptureStore
from analyzers.sources.feed import SourceState
from analyzers.sources.follow import FollowedFile
from analyzers.sources.pipe import PipeSource
from analyzers.sources.ring_files import RingFiles
from tests.scenarios.timeline import at, capture
from tests.unit.analyzers.session.test_live import until
from tests.unit.analyzers.session.test_live_gaps import pieces

BUSY = "0 a>b v2 handshake\n0.1..30/0.2 a>b esp out\n0.15..30/0.2 b>a esp in\n"
COOKED = 113  # LINKTYPE_LINUX_SLL
ETHERTYPE = 12


def _cooked(data: bytes) -> bytes:
    """A capture as `tcpdump -i any` writes it."""
    made = bytearray(data[:20] + struct.pack("<I", COOKED))
    place = 24
    while place < len(data):
        seconds, fraction, size, wire = struct.unpack_from("<IIII", data, place)
        frame = data[place + 16 : place + 16 + size]
        sll = struct.pack(">HHH8s", 0, 1, 6, bytes(8)) + frame[ETHERTYPE:]
        made += struct.pack("<IIII", seconds, fraction, len(sll), wire + 2) + sll
        place += 16 + size
    return bytes(made)


class Watched:
    """A session with a FIFO that several write into, one after the other."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "fifo"
        os.mkfifo(self.path)
        self.source = PipeSource(str(self.path), "capture", again=True)
        self.saved = folder / "saved.pcapng"
        self.session = LiveSession([self.source], store=CaptureStore(RingFiles(self.saved), "test"))
        self.session.start()

    def writes(self, data: bytes, now_s: float) -> None:
        """Somebody opens it, writes all that, and ends."""
        known = self.session.sources[0].packets

        def is_taken() -> bool:
            self.session.pump(at(now_s))
            return self.session.sources[0].packets > known

        handle = os.open(self.path, os.O_WRONLY)
        os.write(handle, data)
        until(is_taken)
        os.close(handle)
        until(lambda: self.source.feed.status.state is SourceState.WAITING)

    def state(self, now_s: float) -> PeerState:
        self.session.pump(at(now_s))
        (peer,) = self.session.peers_so_far(at(now_s))
        return peer.state


def test_nobody_is_alive_until_the_next_one_writes(tmp_path: Path):
    first, _, last = pieces(BUSY, 10, 20)
    seen = Watched(tmp_path)
    seen.writes(first, 10)
    assert seen.state(10.3) is PeerState.UNKNOWN
    assert seen.state(18) is PeerState.UNKNOWN
    assert not seen.session.over
    seen.writes(last, 30)
    (peer,) = seen.session.peers_so_far(at(30))
    states = [span.state for span in peer.states if span.start_ns >= at(20)]
    assert PeerState.ALIVE in states
    assert PeerState.DEAD not in {span.state for span in peer.states}
    assert not peer.black_holes
    seen.session.end(at(31))
    offline = Session()
    offline.run([str(seen.saved)])
    assert offline.peers() == seen.session.peers()


def test_the_next_one_may_capture_another_kind_of_interface(tmp_path: Path):
    first, _, last = pieces(BUSY, 10, 20)
    seen = Watched(tmp_path)
    seen.writes(first, 10)
    seen.writes(_cooked(last), 30)
    (peer,) = seen.session.peers_so_far(at(30))
    assert peer.last_proof_ns is not None
    assert peer.last_proof_ns > at(29)
    seen.session.end(at(31))
    (gap,) = seen.session.sources[0].problems
    assert "interrupted" in gap.detail
    offline = Session()
    offline.run([str(seen.saved)])
    assert offline.peers() == seen.session.peers()


def test_a_writer_that_was_killed_leaves_half_a_packet(tmp_path: Path):
    first, _, last = pieces(BUSY, 10, 20)
    seen = Watched(tmp_path)
    seen.writes(first[:-7], 10)
    seen.writes(last, 30)
    (peer,) = seen.session.peers_so_far(at(30))
    assert peer.last_proof_ns is not None
    assert peer.last_proof_ns > at(29)
    seen.session.end(at(31))


def test_what_is_no_capture_is_told(tmp_path: Path):
    seen = Watched(tmp_path)
    seen.writes(capture(BUSY), 30)
    handle = os.open(seen.path, os.O_WRONLY)
    os.write(handle, b"tcpdump: listening on eth0\n")

    def has_failed() -> bool:
        seen.session.pump(at(31))
        return seen.source.feed.status.state is SourceState.FAILED

    until(has_failed)
    os.close(handle)
    assert seen.state(40) is PeerState.UNKNOWN
    seen.session.end(at(41))


def test_what_a_log_lost_is_a_problem_of_it(tmp_path: Path):
    """Live, and in the report that is made of what was kept."""
    log = tmp_path / "r1.log"
    log.touch()
    follower = FollowedFile(str(log))
    os.mkfifo(tmp_path / "fifo")
    pipe = PipeSource(str(tmp_path / "fifo"), "capture")
    session = LiveSession(
        [pipe, follower],
        store=CaptureStore(RingFiles(tmp_path / "saved.pcapng"), "test"),
        log_store=LogStore(tmp_path, "kept"),
    )
    session.start()
    with (tmp_path / "fifo").open("wb", buffering=0) as writer:
        writer.write(capture(BUSY))
        line = "2023-11-14T22:13:20.000 05[IKE] <gw|1> sending DPD request\n"
        # What is opened anew while it is empty may have been written and emptied, too.
        for text, mode in ((line, "a"), ("x" * len(line) + "\n", "w")):
            known = session.sources[1].lines
            with log.open(mode) as file:
                file.write(text)

            def is_taken(known: int = known) -> bool:
                session.pump(at(30))
                return session.sources[1].lines > known

            until(is_taken)
    session.end(at(31))
    for told in (session, again(session, ()).session):
        assert told is not None
        lost = [p for p in told.sources[1].problems if p.kind is ProblemKind.LINES_LOST]
        assert [p.count for p in lost] == [1]
        assert "emptied in place" in lost[0].detail
