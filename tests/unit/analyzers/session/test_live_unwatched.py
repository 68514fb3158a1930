"""Peers whose sources are gone: unknown, and why, whatever they were; others go on."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.model.peer import PeerState, PeerView
from analyzers.session.live import LiveSession
from analyzers.sources.feed import SourceState
from dpdlab.present.live_lines import unwatched_words
from tests.given_source import GivenSource
from tests.scenarios.logs import Clock, charon, iso_zoned
from tests.scenarios.timeline import at, capture
from tests.unit.analyzers.session.test_live_gaps import UP, Watch

ASKED = UP + "10 a>b liveness 2\n10.02 b>a liveness 2 resp\n20..25/2 a>b liveness 3\n"
SILENT = UP + "0.1..30/0.2 a>b esp out\n0.15..20/0.2 b>a esp in\n"
DELETED = UP + "10 a>b delete 2\n10.02 b>a liveness 2 resp\n"
OTHER = "0 c>n v2 handshake\n10..60/5 c>n liveness 2+\n10.02..60/5 n>c liveness 2+ resp\n"
GONE = [SourceState.WAITING, SourceState.MISSING, SourceState.DOWN]


@pytest.mark.parametrize("gone", GONE)
@pytest.mark.parametrize(
    ("text", "was"),
    [
        (ASKED, PeerState.DEAD),
        (SILENT, PeerState.QUESTIONABLE),
        (DELETED, PeerState.DELETED),
    ],
    ids=["dead", "questionable", "deleted"],
)
def test_with_its_source_a_peer_is_unknown(
    tmp_path: Path, text: str, was: PeerState, gone: SourceState
) -> None:
    watch = Watch(tmp_path)
    watch.take(capture(text), 30)
    assert watch.now(31).state is was
    watch.source.feed.tell(gone, "a cable \x1b[31m")
    peers = [watch.now(now_s) for now_s in (32, 90)]
    for peer in peers:
        assert (peer.state, peer.unwatched) == (PeerState.UNKNOWN, "eth0: a cable \x1b[31m")
        assert "\x1b" not in unwatched_words(peer)
        assert peer.states[-1].start_ns == at(31)
    watch.source.feed.tell(SourceState.OPEN)
    assert not watch.now(91).unwatched


def peer_of(session: LiveSession, now_s: float) -> PeerView:
    (peer,) = session.peers_so_far(at(now_s))
    return peer


def test_a_peer_of_another_interface_goes_on() -> None:
    one, other = GivenSource(), GivenSource()
    other.name = "eth1"
    session = LiveSession([one, other])
    session.start()
    one.feed.put(capture(ASKED))
    other.feed.put(capture(OTHER))
    session.pump(at(60))
    one.feed.tell(SourceState.FAILED, "no such device")
    session.pump(at(61))
    session.pump(at(62))
    states = {peer.local: (peer.state, peer.unwatched) for peer in session.peers_so_far(at(62))}
    assert states["192.0.2.1"] == (PeerState.UNKNOWN, "eth0: no such device")
    assert states["192.0.2.3"] == (PeerState.ALIVE, "")
    session.end(at(63))


class Log:
    """A session with a log alone, as it is when a question was answered in it."""

    def __init__(self) -> None:
        self.source = GivenSource()
        self.source.kind, self.source.name = "log", "r1.log"
        self.session = LiveSession([self.source])
        self.session.start()
        text = UP + "10 a>b liveness 2\n10.02 b>a liveness 2 resp\n"
        self.source.feed.put(charon(text, "a", Clock(iso_zoned)).encode())
        assert self.now(12).state is PeerState.ALIVE

    def now(self, now_s: float) -> PeerView:
        for before_s in (0.9, 0.5, 0.0):
            self.session.pump(at(now_s - before_s))
        return peer_of(self.session, now_s)


def test_a_log_that_is_gone_tells_nothing_more() -> None:
    log = Log()
    log.source.feed.tell(SourceState.WAITING, "there is no such file")
    peer = log.now(20)
    assert (peer.state, peer.unwatched) == (PeerState.UNKNOWN, "r1.log: there is no such file")
    log.source.feed.tell(SourceState.OPEN)
    assert log.now(21).state is PeerState.ALIVE
    log.session.end(at(22))


def test_who_renames_a_log_may_write_on_into_it() -> None:
    log = Log()
    log.source.feed.tell(SourceState.WAITING, "there is no such file")
    line = "2023-11-14T22:13:42.000+00:00 gw charon: 05[IKE] giving up after 2 retransmits\n"
    log.source.feed.put(line.encode())
    assert log.now(23).state is PeerState.DEAD
    log.session.end(at(24))


def test_what_a_log_tells_while_nobody_captures_stands() -> None:
    """The capture is gone, and the log of the device that asks goes on."""
    wire, log = GivenSource(), GivenSource("log", "a.log")
    session = LiveSession([wire, log])
    session.start()
    calm = UP + "10 a>b liveness 2\n10.02 b>a liveness 2 resp\n"
    wire.feed.put(capture(calm))
    asked, clock = calm + "20..24.1/2 a>b liveness 3\n", Clock(iso_zoned)
    known = charon(calm, "a", clock)
    said = [(26.0, "09[IKE] giving up after 2 retransmits")]
    log.feed.put(known.encode())
    for now_s in (11.0, 12.0):
        session.pump(at(now_s))
    wire.feed.tell(SourceState.DOWN, "the interface is down")
    session.pump(at(15))
    assert peer_of(session, 15).state is PeerState.UNKNOWN
    log.feed.put(charon(asked, "a", clock, said=said).removeprefix(known).encode())
    for tenth in range(260, 300):
        session.pump(at(tenth / 10))
    peer = peer_of(session, 30)
    assert (peer.state, peer.states[-1].start_ns) == (PeerState.DEAD, at(26))
    session.end(at(30))


def test_a_log_waits_for_no_packet_that_nobody_can_capture() -> None:
    wire, log = GivenSource(), GivenSource("log", "a.log")
    session = LiveSession([wire, log])
    session.start()
    calm = UP + "10 a>b liveness 2\n10.02 b>a liveness 2 resp\n"
    wire.feed.put(capture(calm))
    clock = Clock(iso_zoned)
    known = charon(calm, "a", clock)
    log.feed.put(known.encode())
    for now_s in (11.0, 12.0, 13.5):
        session.pump(at(now_s))
    wire.feed.tell(SourceState.DOWN, "the interface is down")
    session.pump(at(15))
    asked = charon(calm + "20 a>b liveness 3\n", "a", clock).removeprefix(known)
    log.feed.put(asked.encode())
    for hundredth in range(2001, 2030, 2):
        session.pump(at(hundredth / 100))
    assert peer_of(session, 20.3).exchanges[-1].first_ns > at(19.9)
    session.end(at(21))
