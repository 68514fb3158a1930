"""Times in which a capture was interrupted: nothing is said of them, live and afterwards."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from analyzers.model.black_hole import BlackHoleClass
from analyzers.model.exchange import Outcome
from analyzers.model.peer import PeerState, PeerView
from analyzers.model.records import Confidence, ProblemKind
from analyzers.session import Session
from analyzers.session.live import LiveSession
from analyzers.session.live_store import CaptureStore
from analyzers.sources.feed import Restart, SourceState
from analyzers.sources.ring_files import RingFiles
from tests.given_source import GivenSource
from tests.scenarios.timeline import at, capture

UP = "0 a>b v2 handshake\n"
HEAD = 24


def pieces(text: str, *cuts: float) -> list[bytes]:
    """A timeline as captures of their own, cut at these times."""
    data = capture(text)
    made, place = [data[:HEAD] for _ in range(len(cuts) + 1)], HEAD
    while place < len(data):
        seconds, fraction, size, _ = struct.unpack_from("<IIII", data, place)
        record = data[place : place + 16 + size]
        unit = 1 if data[:4] == b"\x4d\x3c\xb2\xa1" else 1000
        at_ns = seconds * 1_000_000_000 + fraction * unit
        number = sum(at_ns >= at(cut) for cut in cuts)
        made[number] += record
        place += len(record)
    return made


class Watch:
    """A session that is looked at; `saved` is what it kept."""

    def __init__(self, tmp_path: Path, *, remote: bool = False) -> None:
        self.source = GivenSource()
        self.source.remote = remote
        self.saved = tmp_path / "saved.pcapng"
        store = CaptureStore(RingFiles(self.saved), "test")
        self.session = LiveSession([self.source], store=store)
        self.session.start()

    def take(self, data: bytes, now_s: float) -> None:
        if data:
            self.source.feed.put(data)
        self.session.pump(at(now_s))

    def breaks(self, now_s: float, back_s: float, state: SourceState) -> None:
        self.source.feed.tell(state, "gone")
        self.session.pump(at(now_s))
        if state is SourceState.WAITING:
            self.source.feed.put(Restart())
        self.source.feed.tell(SourceState.OPEN)
        self.session.pump(at(back_s))

    def now(self, now_s: float) -> PeerView:
        self.session.pump(at(now_s))
        (peer,) = self.session.peers_so_far(at(now_s))
        return peer

    def end(self, now_s: float) -> PeerView:
        """The end of it, as the session and as what it kept tell it."""
        self.session.pump(at(now_s))
        self.session.end(at(now_s))
        offline = Session()
        offline.run([str(self.saved)])
        assert self.session.peers() == offline.peers()
        assert self.session.sources[0].gaps == offline.sources[0].gaps
        assert self.session.sources[0].problems == offline.sources[0].problems
        assert self.session.judgement() == offline.judgement()
        (peer,) = offline.peers()
        return peer


def states(peer: PeerView) -> list[tuple[str, float]]:
    return [(span.state.value, round((span.start_ns - at(0)) / 1e9, 1)) for span in peer.states]


@pytest.mark.parametrize("state", [SourceState.WAITING, SourceState.DOWN, SourceState.MISSING])
def test_nobody_is_alive_while_nobody_captures(tmp_path: Path, state: SourceState) -> None:
    text = UP + "10..50/10 a>b liveness 2+\n10.02..50.02/10 b>a liveness 2+ resp\n"
    before, _, after = pieces(text, 22, 28)
    watch = Watch(tmp_path)
    watch.take(before, 22.0)
    assert watch.now(22.1).state is PeerState.ALIVE
    watch.source.feed.tell(state, "gone")
    peer = watch.now(25.0)
    assert (peer.state, peer.confidence) == (PeerState.UNKNOWN, Confidence.SUSPECT)
    assert peer.until_ns == at(25.0)
    assert states(peer)[-1] == ("unknown", 22.1)
    if state is SourceState.WAITING:
        watch.source.feed.put(Restart())
    watch.source.feed.tell(SourceState.OPEN)
    watch.now(28.0)
    watch.take(after if state is SourceState.WAITING else after[HEAD:], 31.0)
    assert watch.now(31.0).state is PeerState.ALIVE
    watch.end(52.0)


@pytest.mark.parametrize("state", [SourceState.WAITING, SourceState.DOWN, SourceState.MISSING])
def test_a_quiet_tunnel_is_unknown_until_it_is_heard_again(
    tmp_path: Path, state: SourceState
) -> None:
    text = UP + "10..50/10 a>b liveness 2+\n10.02..50/10 b>a liveness 2+ resp\n"
    before, _, after = pieces(text, 22, 28)
    watch = Watch(tmp_path)
    watch.take(before, 22)
    watch.breaks(22.1, 28, state)
    assert states(watch.now(29))[-1] == ("unknown", 22.0)
    head = HEAD if state is not SourceState.WAITING else 0
    watch.take(after[head:], 45)
    peer = watch.end(46)
    assert states(peer)[-2:] == [("unknown", 22.0), ("alive", 30.0)]
    (told,) = [p for p in peer.problems if p.kind is ProblemKind.CAPTURE_INSUFFICIENT]
    assert told.detail.startswith("capturing was interrupted for 6.0 s")


def test_busy_traffic_goes_on_where_it_is_seen_again(tmp_path: Path) -> None:
    text = UP + "0.1..40/0.01 a>b esp out\n0.105..40/0.01 b>a esp in\n"
    before, _, after = pieces(text, 20, 28)
    watch = Watch(tmp_path)
    watch.take(before, 20)
    watch.breaks(20.1, 28, SourceState.WAITING)
    watch.take(after, 35)
    assert states(watch.now(35))[-1] == ("alive", 28.0)
    peer = watch.end(40)
    assert not peer.black_holes
    assert states(peer)[-2:] == [("unknown", 20.0), ("alive", 28.0)]


@pytest.mark.parametrize("state", [SourceState.WAITING, SourceState.DOWN])
def test_traffic_that_is_seen_again_is_life_at_once(tmp_path: Path, state: SourceState) -> None:
    """Also where somebody looked when capturing had begun again, and nothing was there yet."""
    text = UP + "0.1..40/0.2 a>b esp out\n0.15..40/0.2 b>a esp in\n"
    before, _, after = pieces(text, 20, 28)
    watch = Watch(tmp_path)
    watch.take(before, 20)
    watch.now(20.1)
    watch.breaks(20.1, 28, state)
    head = after[:HEAD] if state is SourceState.WAITING else b""
    watch.take(head, 28)
    assert watch.now(28.01).state is PeerState.UNKNOWN
    _, soon, later = pieces(text, 28, 28.5)
    watch.take(soon[HEAD:], 28.5)
    assert watch.now(28.51).state is PeerState.ALIVE
    watch.take(later[HEAD:], 40)
    assert states(watch.end(40))[-1] == ("alive", 28.0)


def test_nobody_is_given_up_over_an_interruption(tmp_path: Path) -> None:
    """Three tries were seen; further ones, and the answer, may have come meanwhile."""
    text = UP + "10 a>b liveness 2\n10.02 b>a liveness 2 resp\n20..25/2 a>b liveness 3\n"
    watch = Watch(tmp_path)
    watch.take(pieces(text)[0], 24.5)
    assert watch.now(25).state is PeerState.PROBING
    watch.breaks(25.1, 29, SourceState.WAITING)
    assert watch.now(60).state is PeerState.UNKNOWN
    peer = watch.end(90)
    assert PeerState.DEAD not in {span.state for span in peer.states}
    last = peer.exchanges[-1]
    assert (last.outcome, last.confidence) == (Outcome.OPEN, Confidence.SUSPECT)


def test_a_verdict_from_before_it_stands(tmp_path: Path) -> None:
    text = UP + "10 a>b liveness 2\n10.02 b>a liveness 2 resp\n20..25/2 a>b liveness 3\n"
    watch = Watch(tmp_path)
    watch.take(pieces(text)[0], 40)
    watch.breaks(40.1, 50, SourceState.WAITING)
    assert watch.end(90).state is PeerState.DEAD


def test_a_glimpse_is_no_interruption(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    watch.take(pieces(UP + "0.5..9/0.2 a>b esp out\n0.55..9/0.2 b>a esp in\n")[0], 9)
    watch.breaks(9.01, 9.05, SourceState.WAITING)
    assert states(watch.end(9.2))[-1] == ("alive", 0.0)
    assert not watch.session.sources[0].gaps


def test_before_the_first_packet_there_is_nothing_to_interrupt(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    watch.take(capture("0 a>b v2 handshake\n")[:HEAD], -20)
    watch.breaks(-18, -10, SourceState.DOWN)
    watch.take(pieces(UP)[0][HEAD:], 5)
    assert states(watch.end(6))[-1] == ("alive", 0.0)
    assert not watch.session.sources[0].gaps


def test_a_gap_of_one_of_two_interfaces_is_one_of_its_peers(tmp_path: Path) -> None:
    other = "0 c>n v2 handshake\n10..50/10 c>n liveness 2+\n10.02..50/10 n>c liveness 2+ resp\n"
    text = UP + "10..50/10 a>b liveness 2+\n10.02..50/10 b>a liveness 2+ resp\n"
    before, _, after = pieces(text, 22, 28)
    whole, broken = GivenSource(), GivenSource()
    session = LiveSession([whole, broken])
    session.start()
    whole.feed.put(capture(other))
    broken.feed.put(before)
    session.pump(at(22))
    broken.feed.tell(SourceState.WAITING, "gone")
    session.pump(at(22.1))
    broken.feed.put(Restart())
    broken.feed.tell(SourceState.OPEN)
    session.pump(at(28))
    broken.feed.put(after)
    session.pump(at(51))
    session.end(at(52))
    by_local = {peer.local: peer for peer in session.peers()}
    assert [span.state.value for span in by_local["192.0.2.1"].states][-2:] == ["unknown", "alive"]
    assert states(by_local["192.0.2.3"])[-1] == ("alive", 0.0)


SILENT = UP + "0.1..60/0.2 a>b esp out\n0.15..20/0.2 b>a esp in\n22..25/2 a>b liveness 3\n"


def interrupted(tmp_path: Path, text: str, *, remote: bool) -> PeerView:
    """Nobody captured from second 25 to 40."""
    before, _, after = pieces(text, 25, 40)
    watch = Watch(tmp_path, remote=remote)
    watch.take(before, 25)
    watch.source.feed.tell(SourceState.WAITING, "gone")
    watch.now(25.1)
    watch.source.feed.put(Restart())
    watch.source.feed.tell(SourceState.OPEN)
    if not remote:
        watch.now(40)
    watch.take(after, 60)
    return watch.end(61)


@pytest.mark.parametrize("remote", [False, True])
def test_a_time_that_nobody_saw_is_no_lower_bound(tmp_path: Path, *, remote: bool) -> None:
    """The peer may have come back at once, and the next try may have been answered."""
    peer = interrupted(tmp_path, SILENT + "40.05..60/0.2 b>a esp in\n", remote=remote)
    (hole,) = peer.black_holes
    assert hole.black_hole_class is BlackHoleClass.TRANSIENT
    assert (hole.min_seconds, hole.min_packets) == (0.0, 0)
    assert hole.max_seconds == pytest.approx(19.95)
    assert hole.confidence is Confidence.SUSPECT
    (asked,) = peer.exchanges
    assert (asked.outcome, asked.confidence) == (Outcome.OPEN, Confidence.SUSPECT)


def test_who_asks_the_same_again_had_no_answer_meanwhile(tmp_path: Path) -> None:
    text = SILENT + "44 a>b liveness 3\n50.05..60/0.2 b>a esp in\n"
    (hole,) = interrupted(tmp_path, text, remote=True).black_holes
    assert hole.min_seconds == pytest.approx(27.95)


@pytest.mark.parametrize("after", ["45 a>b v2 handshake sa=new\n", "45 a>b delete 4\n"])
@pytest.mark.parametrize("traffic", [True, False])
def test_no_verdict_rests_on_what_nobody_saw(tmp_path: Path, after: str, *, traffic: bool) -> None:
    """An answer, and a Delete of the peer, may have been missed."""
    text = SILENT if traffic else UP + "22..25/2 a>b liveness 3\n"
    peer = interrupted(tmp_path, text.replace("0.1..60", "0.1..45") + after, remote=False)
    assert PeerState.DEAD not in {span.state for span in peer.states}
    assert {x.verdict_ns for x in peer.exchanges} == {None}
    assert {h.dead_ns for h in peer.black_holes} <= {None}


def test_what_was_seen_of_a_silence_says_whether_nobody_asked(tmp_path: Path) -> None:
    text = UP + "0.1..46/0.2 a>b esp out\n0.15..23/0.2 b>a esp in\n"
    (hole,) = interrupted(tmp_path, text, remote=False).black_holes
    assert hole.max_seconds > 20
    assert hole.black_hole_class is BlackHoleClass.OPEN
