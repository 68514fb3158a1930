"""A peer that has just fallen silent is questionable before that is a black hole."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from analyzers.export.words import IKE_ONLY, peer_phrase, phase
from analyzers.model.black_hole import BlackHoleClass, PhaseName
from analyzers.model.exchange import Outcome
from analyzers.model.peer import PeerState, PeerView
from analyzers.model.records import Basis, Confidence
from analyzers.session import Session, SessionOptions
from analyzers.session.expectations import expectations
from analyzers.session.live import LiveSession
from analyzers.sources.feed import SourceState
from analyzers.sources.pipe import PipeSource
from analyzers.tracking.unread import unread_asks
from tests.scenarios.timeline import at, capture
from tests.unit.analyzers.session.test_live import Fifo, until
from tests.unit.analyzers.session.test_live_gaps import Watch

SETUP = "0 a>b v2 handshake\n"
BUSY = SETUP + "0.1..{out}/0.2 a>b esp out\n0.15..{back}/0.2 b>a esp in\n"


def _seen(tmp_path: Path, text: str, now_s: float) -> PeerView:
    """The peer of a capture that is still going on at a moment."""
    fifo = Fifo(tmp_path / "pipe")
    session = LiveSession([fifo.source], SessionOptions())
    assert isinstance(fifo.source, PipeSource)
    session.start()
    fifo.write(capture(text))
    until(lambda: not fifo.source.feed.empty)
    session.pump(at(now_s))
    assert fifo.source.feed.status.state is SourceState.OPEN
    session.pump(at(now_s) + 1_000_000_000)
    (peer,) = session.peers_so_far(at(now_s) + 1_000_000_000)
    fifo.close()
    session.end(at(now_s) + 1_000_000_000)
    return peer


def test_silence_of_more_than_a_second_is_a_question(tmp_path: Path):
    peer = _seen(tmp_path, BUSY.format(out=11.5, back=10), 11.5)
    assert peer.state is PeerState.QUESTIONABLE
    assert not peer.black_holes
    assert at(10.9) < peer.states[-1].start_ns < at(11.3)


def test_silence_of_less_is_none(tmp_path: Path):
    assert _seen(tmp_path, BUSY.format(out=10.8, back=10), 10.8).state is PeerState.ALIVE


def test_who_answers_again_was_never_in_question(tmp_path: Path):
    text = BUSY.format(out=11.8, back=10) + "11.75 b>a esp in\n"
    peer = _seen(tmp_path, text, 11.8)
    assert [span.state for span in peer.states] == [PeerState.UNKNOWN, PeerState.ALIVE]


def test_a_flow_that_is_slow_by_nature_is_no_question(tmp_path: Path):
    text = SETUP + "0.1..21.4/0.2 a>b esp out\n2..20/2 b>a esp in\n"
    assert _seen(tmp_path, text, 21.4).state is PeerState.ALIVE


def test_a_flow_whose_pace_nobody_knows_is_no_question(tmp_path: Path):
    text = SETUP + "0.1..2.4/0.2 a>b esp out\n0.15 b>a esp in\n"
    assert _seen(tmp_path, text, 2.4).state is PeerState.ALIVE


@pytest.mark.parametrize("first_s", [0.9, 1.9])
def test_one_late_answer_at_the_set_up_is_no_pace(tmp_path: Path, first_s: float):
    text = SETUP + f"0.1..11.5/0.2 a>b esp out\n{first_s}..10/0.2 b>a esp in\n"
    peer = _seen(tmp_path, text, 11.5)
    assert peer.state is PeerState.QUESTIONABLE
    assert at(10.8) < peer.states[-1].start_ns < at(11.3)


def test_a_question_does_not_undo_the_doubt_that_led_to_it(tmp_path: Path):
    text = BUSY.format(out=12.2, back=10) + "12 a>b liveness 2\n"
    peer = _seen(tmp_path, text, 12.2)
    states = [PeerState.UNKNOWN, PeerState.ALIVE, PeerState.QUESTIONABLE, PeerState.PROBING]
    assert [span.state for span in peer.states] == states
    (found,) = expectations(peer)
    assert found.questionable_ns == peer.states[2].start_ns < at(12)


SPEAKS = """\
0 a>b v1 main-mode
0.1..36/0.2 a>b esp out
0.15..10/0.2 b>a esp in
13..24/3.3 a>b v1 info 108
14..23/4 b>a v1 info 108
14.01..23/4 a>b v1 info 108
"""
"""Nothing of a arrives at b, whose ESP are answers; b goes on asking, until 22."""


def _record(data: bytes, place: int) -> tuple[int, int]:
    """Time and bytes of a packet of a pcap with nanoseconds."""
    at_s, rest_ns, size, _ = struct.unpack_from("<IIII", data, place)
    return at_s * 1_000_000_000 + rest_ns, 16 + size


def test_who_goes_on_asking_is_in_question_once(tmp_path: Path):
    """And once more when its questions stay away, too."""
    watch, seen = Watch(tmp_path), list[str]()
    data, place, now_s = capture(SPEAKS), 24, 0.0
    watch.take(data[:24], 0)
    while now_s < 36:
        now_s += 0.25
        cut = place
        while cut < len(data) and _record(data, cut)[0] <= at(now_s):
            cut += _record(data, cut)[1]
        watch.take(data[place:cut], now_s)
        place = cut
        if place > 24:
            state = watch.session.peers_so_far(at(now_s))[0].state.value
            seen += [state] if seen[-1:] != [state] else []
    assert seen == ["alive", "questionable", "alive", "questionable"]


IDLE = """\
0 a>b v1 main-mode
0.5..3/0.2 a>b esp out
0.55..3/0.2 b>a esp in
8 a>b v1 info 108
8.02 b>a v1 info 108
20..22/0.2 a>b esp out
20.05..22/0.2 b>a esp in
27 a>b v1 info 108
27.02 b>a v1 info 108
40..52/0.2 a>b esp out
40.05..52/0.2 b>a esp in
57 a>b v1 info 108
57.02 b>a v1 info 108
100..107/0.2 a>b esp out
100.05..102/0.2 b>a esp in
"""
"""Without keys: who asks five seconds after the last proof of life, whenever that is."""


def test_the_first_question_in_vain_is_told_by_those_that_were_answered(tmp_path: Path):
    peer = _seen(tmp_path, IDLE + "107 a>b v1 info 108\n", 108)
    assert peer.state is PeerState.PROBING
    (found,) = expectations(peer)
    assert (found.sent, found.questionable_ns) == (1, min(at(108), peer.states[-2].start_ns))
    last = peer.exchanges[-1]
    assert (last.basis, last.confidence) == (Basis.RHYTHM, Confidence.INFERRED)


JOINED = """\
0 a>b v1 info 108
0.02 b>a v1 info 108
4..13/4 a>b v1 info 108
4.02..13/4 b>a v1 info 108
16..30/0.2 a>b esp out
16.05..25/0.2 b>a esp in
"""
"""Joined when the first question was sent: of that one nobody knows how long after what it came."""


def test_the_first_question_that_is_seen_need_not_tell_how_long_it_waited(tmp_path: Path):
    peer = _seen(tmp_path, JOINED + "28.85 a>b v1 info 108\n", 29.5)
    (found,) = expectations(peer)
    assert (found.sent, found.first_ns) == (1, at(28.85))


def test_one_at_another_moment_is_nothing_that_anybody_knows(tmp_path: Path):
    peer = _seen(tmp_path, IDLE + "105 a>b v1 info 108\n", 108)
    assert peer.state is PeerState.QUESTIONABLE
    assert len(peer.exchanges) == 3


def test_nobody_is_given_up_for_a_single_one(tmp_path: Path):
    """It may be a Delete: soon nobody says any more that it was a question."""
    peer = _seen(tmp_path, IDLE + "107 a>b v1 info 108\n150 a>b esp out\n", 150)
    assert PeerState.DEAD not in {span.state for span in peer.states}
    assert len(peer.exchanges) == 3


def test_what_a_new_phase_1_follows_was_no_question(tmp_path: Path):
    text = IDLE + "107 a>b v1 info 108\n107.3 a>b v1 main-mode sa=2\n"
    peer = _seen(tmp_path, text, 109)
    assert PeerState.DEAD not in {span.state for span in peer.states}
    assert len(peer.exchanges) == 3


SLOW = """\
0 a>b v1 main-mode
3..28/3 a>b v1 info 108
3.02..19/3 b>a v1 info 108
0.03..28/3 a>b esp out
0.08..19/3 b>a esp in
"""
"""Without keys: traffic as slow as the questions, each right after one."""


def test_a_question_is_no_delete_before_traffic_was_due_again(tmp_path: Path):
    watch = Watch(tmp_path)
    watch.take(capture(SLOW), 27.2)
    peer = watch.now(28.5)
    assert PeerState.DEAD not in {span.state for span in peer.states}
    assert peer.exchanges[-1].outcome is Outcome.OPEN
    assert not peer.deletes


BURSTS = """\
0 a>b v1 main-mode
1..19/2 b>a v1 info 108
1.01..19/2 a>b v1 info 108
0.1..20/0.2 a>b esp out
0.15..12/0.2 b>a esp in
17..28/5 a>b v1 info 108
22.5..26/0.2 a>b esp out
"""


def test_a_question_is_no_delete_while_the_next_may_come(tmp_path: Path):
    """However long traffic pauses meanwhile."""
    watch = Watch(tmp_path)
    watch.take(capture(BURSTS), 27.1)
    for tenth in range(272, 320, 4):
        states = {span.state for span in watch.now(tenth / 10).states}
        assert PeerState.DEAD not in states, tenth


def test_who_is_asked_in_vain_is_probed_however_long_the_silence(tmp_path: Path):
    """More questions than some stack asks may be of their own, and are unanswered all the same."""
    watch = Watch(tmp_path)
    watch.take(capture(SLOW.replace("28/3", "31/3")), 30.2)
    peer = watch.now(31.5)
    assert [span.state for span in peer.states][-2:] == [PeerState.ALIVE, PeerState.PROBING]


REPAIRED = """\
0 a>b {phase}
0.2..{out}/0.2 a>b esp out
0.25..20/0.2 b>a esp in
25..36/5 a>b {lost}
60 a>b {phase} sa=2
70..90/5 a>b {asks} sa=2
70.02..90/5 b>a {answers} sa=2
"""
"""The peer is given up and set up anew; no ESP follows on the new SA."""
V1 = {"phase": "v1 main-mode"} | dict.fromkeys(("lost", "asks", "answers"), "v1 info 108")
V2 = {
    "phase": "v2 handshake",
    "lost": "liveness 2",
    "asks": "liveness 2+",
    "answers": "liveness 2+ resp",
}


@pytest.mark.parametrize("out", [22, 30])
@pytest.mark.parametrize("version", [V1, V2], ids=["v1", "v2"])
def test_silence_on_an_sa_that_is_gone_is_no_question(
    tmp_path: Path, version: dict[str, str], out: int
) -> None:
    text = REPAIRED.format(out=out, **version)
    for now_s in (60.5, 76):
        folder = tmp_path / str(now_s)
        folder.mkdir()
        lines = text.replace("90/", f"{now_s}/") if now_s > 70 else text.partition("70..")[0]
        peer = _seen(folder, lines, now_s)
        (folder / "saved.pcap").write_bytes(capture(lines))
        offline = Session()
        offline.run([str(folder / "saved.pcap")])
        (reported,) = offline.peers()
        assert peer.state is PeerState.ALIVE
        assert peer.states == reported.states


def test_silence_on_the_sa_that_took_over_is_one(tmp_path: Path) -> None:
    text = REPAIRED.format(out=22, **V1) + "91..103.1/0.2 a>b esp out2 sa=2\n"
    text += "91.05..101/0.2 b>a esp in2 sa=2\n"
    peer = _seen(tmp_path, text, 103.1)
    assert peer.state is PeerState.QUESTIONABLE
    assert peer.states[-1].start_ns > at(101)


@pytest.mark.parametrize("now_s", [14.05, 14.5, 15.5, 16.8, 17.5])
def test_an_answer_of_ike_ends_no_silence_of_esp(tmp_path: Path, now_s: float):
    """Whether ESP comes back as well is not known yet; nothing is over."""
    text = BUSY.format(out=now_s, back=10) + "14 a>b liveness 2\n14.01 b>a liveness 2 resp\n"
    peer = _seen(tmp_path, text, now_s)
    (hole,) = peer.black_holes
    assert hole.black_hole_class is BlackHoleClass.DATA_PLANE
    assert hole.recovered_ns is None
    assert peer_phrase(peer) == IKE_ONLY


@pytest.mark.parametrize("now_s", [14.6, 17.5])
def test_an_answer_of_ike_and_esp_soon_after_it_do(tmp_path: Path, now_s: float):
    text = BUSY.format(out=now_s, back=10) + "14 a>b liveness 2\n14.01 b>a liveness 2 resp\n"
    peer = _seen(tmp_path, text + f"14.3..{now_s}/0.2 b>a esp in\n", now_s)
    (hole,) = peer.black_holes
    assert hole.black_hole_class is BlackHoleClass.TRANSIENT
    assert peer_phrase(peer) == "alive"


def test_where_traffic_ended_with_the_answer_nothing_is_missing(tmp_path: Path):
    text = BUSY.format(out=14.1, back=10) + "14 a>b liveness 2\n14.01 b>a liveness 2 resp\n"
    peer = _seen(tmp_path, text + "60 a>b liveness 3\n60.01 b>a liveness 3 resp\n", 61)
    (hole,) = peer.black_holes
    assert hole.black_hole_class is BlackHoleClass.TRANSIENT
    assert peer_phrase(peer) == "alive"


UNREAD = """\
0 a>b v1 main-mode
0.1..{now}/0.2 a>b esp out
0.15..10/0.2 b>a esp in
14 a>b v1 info 108
"""


def test_what_may_have_been_a_question_is_told_as_that(tmp_path: Path):
    """Two of them are no rhythm: whether anybody asked cannot be told."""
    text = UNREAD.format(now=19) + "18 a>b v1 info 108\n"
    peer = _seen(tmp_path, text, 19)
    (hole,) = peer.black_holes
    assert hole.unread == 2
    assert phase(hole, PhaseName.UNPROBED) == "unprobed or probing"
    asks = unread_asks(peer.messages, peer.exchanges, peer.deletes, at(5))
    assert [m.at_ns for m in asks] == [at(14), at(18)]


@pytest.mark.parametrize("more", ["14.02 b>a v1 info 108\n", "18..22.1/4 a>b v1 info 108\n"])
def test_what_was_answered_or_has_a_rhythm_is_known(tmp_path: Path, more: str):
    peer = _seen(tmp_path, UNREAD.format(now=23) + more, 23)
    assert unread_asks(peer.messages, peer.exchanges, peer.deletes, 0) == []
    assert all(hole.unread == 0 for hole in peer.black_holes)


def test_one_of_another_length_was_no_question(tmp_path: Path):
    text = UNREAD.format(now=19).replace("108", "76") + "2 a>b v1 info 108\n2.02 b>a v1 info 108\n"
    peer = _seen(tmp_path, text, 19)
    assert unread_asks(peer.messages, peer.exchanges, peer.deletes, at(5)) == []
