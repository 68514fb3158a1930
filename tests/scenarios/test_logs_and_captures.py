"""Logs beside captures: what is told once, on which clock, and what a log must never change."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from analyzers.model.alignment import ClockBasis
from analyzers.model.black_hole import BlackHoleClass
from analyzers.model.exchange import Lost, Outcome
from analyzers.model.peer import LocalBasis, PeerState, PeerView
from analyzers.model.records import Basis, Confidence, ProblemKind
from analyzers.model.sa import SaEnd
from analyzers.model.time import NS_PER_MS, NS_PER_SECOND, ClockQuality
from analyzers.session import ClockOptions
from tests.scenarios.inputs import alone, asked, together
from tests.scenarios.logs import (
    Clock,
    Stamp,
    charon,
    ios_zoned,
    isakmp,
    iso,
    iso_zoned,
    no_stamp,
    star,
    syslog,
    uptime,
)
from tests.scenarios.logs import (
    Lost as LostOnTheWay,
)
from tests.scenarios.timeline import at, capture

A, B, C = "192.0.2.1", "192.0.2.2", "192.0.2.3"
DAY = 86_400

HEALTHY2 = """
0 a>b v2 handshake
10..100/20 a>b liveness 2+
10.02..100/20 b>a liveness 2+ resp
"""
DEAD2 = """
0 a>b v2 handshake
0.2..60/0.2 a>b esp out
0.3..30/0.2 b>a esp in
20 a>b liveness 2
20.02 b>a liveness 2 resp
40 a>b liveness 3
42 a>b liveness 3
44 a>b liveness 3
46 a>b liveness 3
48 a>b liveness 3
"""
HEALTHY1 = """
0 a>b v1 main-mode
0.1 a>b v1 quick
10..100/20 a>b v1 info 108 says=ruthere number=7
10.02..100/20 b>a v1 info 108 says=ack number=7
"""
DEAD1 = """
0 a>b v1 main-mode
0.1 a>b v1 quick
0.2..50/0.2 a>b esp out
0.3..30/0.2 b>a esp in
10 a>b v1 info 108 says=ruthere number=7
10.02 b>a v1 info 108 says=ack number=7
40 a>b v1 info 108 says=ruthere number=8
42 a>b v1 info 108 says=ruthere number=8
44 a>b v1 info 108 says=ruthere number=8
46 a>b v1 info 108 says=ruthere number=8
48 a>b v1 info 108 says=ruthere number=8
50.02 a>b v1 info 108 says=delete
"""
CHARON_GIVES_UP = [
    (50.0, "09[IKE] giving up after 4 retransmits"),
    (50.001, "09[IKE] IKE_SA gw[1] state change: ESTABLISHED => DESTROYING"),
]
IOS_GIVES_UP = [
    (50.0, "ISAKMP:(1001):peer 192.0.2.2 not responding!"),
    (
        50.001,
        'ISAKMP:(1001):deleting SA reason "peers alive" state (I) QM_IDLE       (peer 192.0.2.2)',
    ),
]


def between(text: str, one: str, two: str) -> str:
    """A timeline between two other hosts."""
    return re.sub(
        r"\b[ab]>[ab]\b", lambda m: f"{one}>{two}" if m[0] == "a>b" else f"{two}>{one}", text
    )


def sources_of(peer: PeerView) -> set[str]:
    """The inputs that the exchanges of a peer were tracked from."""
    return {t.ref.source for x in peer.exchanges for t in x.transmissions}


# --- one clock, whatever the stamps --------------------------------------------------------------


@pytest.mark.parametrize("stamp", [iso, iso_zoned, syslog])
@pytest.mark.parametrize("shift", [0.0, -2.5, 3607.0, -3 * 3600.0])
def test_a_charon_log_beside_its_capture(tmp_path: Path, stamp: Stamp, shift: float) -> None:
    told = together(tmp_path, capture(DEAD2), charon(DEAD2, "a", Clock(stamp, shift)))
    coarse = stamp is syslog
    tolerance = NS_PER_SECOND if coarse else 2 * NS_PER_MS
    assert abs(told.alignment.offset_ns - round(shift * NS_PER_SECOND)) <= tolerance
    assert told.alignment.matched == 11
    assert asked(told.peer) == asked(alone(tmp_path, DEAD2))
    assert sources_of(told.peer) == {"s1"}
    assert {ref.source for x in told.peer.exchanges for t in x.transmissions for ref in t.seen} == {
        "s2"
    }
    assert (told.peer.local, told.peer.local_basis) == (A, LocalBasis.LOG)


@pytest.mark.parametrize("stamp", [star, iso, ios_zoned, uptime])
@pytest.mark.parametrize("shift", [0.0, 3607.0, -40 * DAY, 3.2 * 365 * DAY])
def test_an_ios_log_beside_its_capture(tmp_path: Path, stamp: Stamp, shift: float) -> None:
    """Message IDs of IKEv1 are unique: any clock whatever is found out."""
    if stamp is uptime:
        shift = abs(shift) % DAY
    told = together(
        tmp_path, capture(DEAD1), isakmp(DEAD1, "a", Clock(stamp, shift), said=IOS_GIVES_UP)
    )
    assert told.alignment.evidence == "IKEv1 message IDs"
    answered, unanswered = told.peer.exchanges
    assert {(x.basis, x.confidence) for x in told.peer.exchanges} == {
        (Basis.CORRELATED, Confidence.CERTAIN)
    }
    assert (answered.outcome, len(answered.transmissions)) == (Outcome.ANSWERED, 1)
    assert (unanswered.outcome, len(unanswered.transmissions)) == (Outcome.UNANSWERED, 5)
    assert unanswered.verdict_ref is not None
    assert unanswered.verdict_ref.source == "s2"
    # The Delete follows the verdict: 20 ms later, though stamps may be whole seconds.
    tolerance = NS_PER_SECOND if stamp is uptime else 2 * NS_PER_MS
    assert unanswered.verdict_ns is not None
    assert abs(unanswered.verdict_ns - at(50)) <= tolerance
    assert unanswered.verdict_ns < at(50.02)
    (delete,) = told.peer.deletes
    assert (delete.at_ns, delete.sender, delete.confidence) == (at(50.02), A, Confidence.CERTAIN)
    (hole,) = told.peer.black_holes
    assert (hole.dead_basis, hole.dead_ns) == ("log", unanswered.verdict_ns)
    assert told.peer.state is PeerState.DEAD


def test_a_clock_that_drifts_for_four_hours(tmp_path: Path) -> None:
    text = """
    0 a>b v2 handshake
    10..14400/30 a>b liveness 2+
    10.02..14400/30 b>a liveness 2+ resp
    """
    clock = Clock(iso, 5, drift=200e-6)
    told = together(tmp_path, capture(text), charon(text, "a", clock))
    assert told.alignment.matched == 964
    assert told.alignment.drift_ppm == pytest.approx(200, abs=1)
    assert told.peer.ike_messages == 964
    assert sources_of(told.peer) == {"s1"}


def test_stamps_of_whole_seconds_keep_the_order_of_the_log(tmp_path: Path) -> None:
    """The verdict is written before the Delete: in the capture it must not come after it."""
    told = together(
        tmp_path,
        capture(DEAD1),
        isakmp(DEAD1, "a", Clock(lambda ns: star(ns)[:16] + ": "), said=IOS_GIVES_UP),
    )
    (exchange, dead) = told.peer.exchanges
    assert exchange.outcome is Outcome.ANSWERED
    assert dead.verdict_ns is not None
    assert at(49) <= dead.verdict_ns < at(50.02)
    assert [s.state for s in told.peer.states][-2:] == [PeerState.PROBING, PeerState.DEAD]


def test_a_manual_offset_and_no_alignment(tmp_path: Path) -> None:
    log = isakmp(HEALTHY1, "a", Clock(iso, 3607))
    clocks = ClockOptions(align=False, offsets_ns={"1.txt": -3607 * NS_PER_SECOND})
    told = together(tmp_path, capture(HEALTHY1), log, clocks=clocks)
    assert told.sources[1].clock_basis is ClockBasis.MANUAL
    assert sources_of(told.peer) == {"s1"}
    assert len(told.peer.exchanges) == 5


# --- no stamps -----------------------------------------------------------------------------------


def test_lines_without_stamps_take_the_times_of_their_packets(tmp_path: Path) -> None:
    log = isakmp(DEAD1, "a", Clock(no_stamp), said=IOS_GIVES_UP)
    told = together(tmp_path, capture(DEAD1), log)
    answered, dead = told.peer.exchanges
    assert answered.basis is Basis.CORRELATED
    assert (dead.outcome, len(dead.transmissions)) == (Outcome.UNANSWERED, 5)
    # Between the last question and the Delete: a device acts on its verdict at once.
    assert dead.verdict_ns is not None
    assert at(50.019) <= dead.verdict_ns < at(50.02)
    assert told.sources[1].clock is ClockQuality.RELATIVE


def test_retries_without_stamps_are_told_once(tmp_path: Path) -> None:
    log = charon(DEAD2, "a", Clock(no_stamp), said=CHARON_GIVES_UP)
    told = together(tmp_path, capture(DEAD2), log)
    assert asked(told.peer) == asked(alone(tmp_path, DEAD2))
    assert told.peer.black_holes == alone(tmp_path, DEAD2).black_holes
    # Nothing follows that the capture shows: when the verdict was, nobody knows.
    assert [h.text for h in told.peer.hints] == [
        "its log says that it gave the peer up, but not when"
    ]


def test_a_log_without_stamps_and_one_with_them(tmp_path: Path) -> None:
    """The other end's log gives it its times."""
    told = together(
        tmp_path,
        charon(HEALTHY2, "a", Clock(no_stamp)),
        charon(HEALTHY2, "b", Clock(iso_zoned)),
    )
    assert [x.outcome for x in told.peer.exchanges] == [Outcome.ANSWERED] * 5
    assert [x.first_ns for x in told.peer.exchanges] == [
        at(t) + NS_PER_MS for t in (10, 30, 50, 70, 90)
    ]


def test_a_log_without_stamps_of_another_tunnel(tmp_path: Path) -> None:
    """Nothing tells when it was: nothing of it can be told beside what has times."""
    text = between(DEAD1, "a", "c").replace("info 108", "info 108 sa=9")
    log = isakmp(text, "a", Clock(no_stamp))
    told = together(tmp_path, capture(HEALTHY1), log)
    assert told.peer.remote == B
    assert asked(told.peer) == asked(alone(tmp_path, HEALTHY1))
    assert (told.sources[1].first_ns, told.sources[1].last_ns) == (None, None)
    assert "left out" in told.problem(ProblemKind.NOT_ALIGNED).detail


def test_two_logs_without_stamps(tmp_path: Path) -> None:
    """There are no times at all: the order of each log's lines is what there is."""
    one = isakmp(DEAD1, "a", Clock(no_stamp), said=IOS_GIVES_UP)
    other = charon(HEALTHY2, "c", Clock(no_stamp)) + charon(
        between(HEALTHY2, "c", "n"), "c", Clock(no_stamp)
    )
    told = together(tmp_path, one, other)
    states = {p.remote: p.state for p in told.peers}
    assert states == {B: PeerState.DEAD, "198.51.100.1": PeerState.ALIVE}


# --- addresses -----------------------------------------------------------------------------------


@pytest.mark.parametrize("mask", ["x.x.x.x", "192.0.2.x", "A.B.C.D"])
def test_masked_addresses_become_those_on_the_wire(tmp_path: Path, mask: str) -> None:
    said = [(t, line.replace(B, mask)) for t, line in IOS_GIVES_UP]
    log = isakmp(DEAD1, "a", Clock(star, 55), said=said, peer=mask)
    told = together(tmp_path, capture(DEAD1), log)
    assert (told.peer.local, told.peer.remote) == (A, B)
    assert told.peer.exchanges[-1].verdict_ref is not None
    assert told.peer.state is PeerState.DEAD


def test_a_mask_for_two_peers_is_told_apart_by_the_sa(tmp_path: Path) -> None:
    """Every peer is `x.x.x.x`: the conn id says which one did not respond."""
    other = re.sub("(main-mode|quick|info 108)", r"\1 sa=2", between(HEALTHY1, "a", "c"))
    log = isakmp(DEAD1 + other, "a", Clock(star), said=IOS_GIVES_UP)
    told = together(tmp_path, capture(DEAD1 + other), re.sub(r"192\.0\.2\.[23]", "x.x.x.x", log))
    states = {p.remote: p.state for p in told.peers}
    assert states == {B: PeerState.DEAD, C: PeerState.ALIVE}


@pytest.mark.parametrize("own", ["10.0.0.5", "192.168.1.1"])
def test_a_device_behind_a_nat(tmp_path: Path, own: str) -> None:
    """Its log has its own address, the capture that of the NAT."""
    log = charon(DEAD2, "a", Clock(iso, 60), names={A: own}, said=CHARON_GIVES_UP)
    told = together(tmp_path, capture(DEAD2), log)
    assert told.alignment.offset_ns == 60 * NS_PER_SECOND
    assert (told.peer.local, told.peer.remote) == (A, B)
    assert told.peer.exchanges[-1].verdict_ref is not None
    assert asked(told.peer)[0] == asked(alone(tmp_path, DEAD2))[0]


# --- another tunnel, another day -----------------------------------------------------------------


@pytest.mark.parametrize("ends", [("a", "c"), ("c", "n")])
def test_the_log_of_another_tunnel_in_the_same_rhythm(
    tmp_path: Path, ends: tuple[str, str]
) -> None:
    """Every IKEv2 tunnel counts from the same ID, and everybody asks every 20 seconds."""
    text = between(HEALTHY2, *ends)
    text += "".join(f"{t} {ends[0]}>{ends[1]} liveness 7\n" for t in (110, 112, 114))
    gives_up = [(116.0, "09[IKE] giving up after 2 retransmits")]
    log = charon(text, ends[0], Clock(iso, 500), said=gives_up)
    told = together(tmp_path, capture(HEALTHY2), log)
    assert told.alignments == ()
    assert ProblemKind.NOT_ALIGNED in told.kinds(1)
    ours, theirs = told.peers
    assert asked(ours) == asked(alone(tmp_path, HEALTHY2))
    assert ours.state is PeerState.ALIVE
    assert not ours.black_holes
    assert theirs.state is PeerState.DEAD


def test_the_log_of_another_ikev1_tunnel(tmp_path: Path) -> None:
    text = between(DEAD1, "a", "c").replace("info 108", "info 108 sa=9")
    log = isakmp(text, "a", Clock(iso), said=[(50, "ISAKMP:(1009):peer 192.0.2.3 not responding!")])
    told = together(tmp_path, capture(HEALTHY1), log)
    assert told.alignments == ()
    ours, theirs = told.peers
    assert {x.basis for x in ours.exchanges} == {Basis.RHYTHM}
    assert ours.state is PeerState.ALIVE
    assert (theirs.remote, theirs.state) == (C, PeerState.DEAD)


@pytest.mark.parametrize("days", [1, 7, 400])
def test_the_log_of_another_day_of_the_same_tunnel(tmp_path: Path, days: int) -> None:
    """The same IDs in the same rhythm, and stamps of a clock that is set."""
    log = charon(DEAD2, "a", Clock(iso_zoned, -days * DAY), said=CHARON_GIVES_UP)
    told = together(tmp_path, capture(HEALTHY2), log)
    assert told.alignments == ()
    captured = [x for x in told.peer.exchanges if x.transmissions[0].ref.source == "s1"]
    assert [x.outcome for x in captured] == [Outcome.ANSWERED] * 5
    assert told.peer.state is PeerState.ALIVE
    (gave_up,) = [x for x in told.peer.exchanges if x.outcome is Outcome.UNANSWERED]
    assert gave_up.first_ns < at(0) - days * DAY * NS_PER_SECOND + at(100)


def test_a_log_whose_clock_puts_it_into_a_capture_that_has_nothing_of_it(tmp_path: Path) -> None:
    """Its times are wrong, or it is of other devices: it says nothing of the captured peer."""
    other = DEAD1.replace("info 108", "info 108 sa=9")
    log = isakmp(other, "a", Clock(iso), said=IOS_GIVES_UP)
    told = together(tmp_path, capture(HEALTHY1), log)
    assert told.peer.state is PeerState.ALIVE
    assert asked(told.peer) == asked(alone(tmp_path, HEALTHY1))
    assert not told.peer.black_holes
    (left_out,) = [p for p in told.sources[1].problems if p.detail.startswith("left out")]
    assert (left_out.kind, left_out.count) == (ProblemKind.NOT_ALIGNED, 10)


def test_only_periodic_questions_without_ids(tmp_path: Path) -> None:
    """A steady rhythm fits at every period: it is aligned at none."""
    text = "10..300/10 a>b v1 info 108 says=ruthere\n10.02..300/10 b>a v1 info 108 says=ack\n"
    log = re.sub(r"(ID = |node )-?\d+", r"\g<1>0", isakmp(text, "a", Clock(iso, 1234)))
    told = together(tmp_path, capture(text), log)
    assert told.alignments == ()


def test_questions_without_ids_on_a_clock_that_is_right(tmp_path: Path) -> None:
    """They are the packets of their time: nothing is told twice."""
    text = "10..300/10 a>b v1 info 108 says=ruthere\n10.02..300/10 b>a v1 info 108 says=ack\n"
    log = re.sub(r"(ID = |node )-?\d+", r"\g<1>0", isakmp(text, "a", Clock(iso)))
    told = together(tmp_path, capture(text), log)
    assert asked(told.peer) == asked(alone(tmp_path, text))
    assert told.peer.ike_messages == 58


def test_questions_without_ids_in_a_rhythm_with_a_pattern(tmp_path: Path) -> None:
    text = """
    10..40/10 a>b v1 info 108 says=ruthere
    10.02..40/10 b>a v1 info 108 says=ack
    57 a>b v1 info 108 says=ruthere
    57.02 b>a v1 info 108 says=ack
    81..140/13 a>b v1 info 108 says=ruthere
    81.02..140/13 b>a v1 info 108 says=ack
    """
    log = re.sub(r"(ID = |node )-?\d+", r"\g<1>0", isakmp(text, "a", Clock(iso, 3607)))
    told = together(tmp_path, capture(text), log)
    assert told.alignment.evidence == "rhythm of questions"
    assert abs(told.alignment.offset_ns - 3607 * NS_PER_SECOND) <= 5 * NS_PER_MS
    assert len(told.peer.exchanges) == 9
    assert sources_of(told.peer) == {"s1"}


# --- more than the capture -----------------------------------------------------------------------


def test_a_log_that_begins_before_and_ends_after_the_capture(tmp_path: Path) -> None:
    text = """
    0 a>b v2 handshake
    30..3600/30 a>b liveness 2+
    30.02..3600/30 b>a liveness 2+ resp
    3600 a>b liveness 121
    3602 a>b liveness 121
    3604 a>b liveness 121
    """
    said = [(3606.0, "09[IKE] giving up after 2 retransmits")]
    log = charon(text, "a", Clock(iso, 777), said=said)
    told = together(tmp_path, capture(text + "capture 1000..1400"), log)
    assert told.alignment.offset_ns == 777 * NS_PER_SECOND
    outcomes = [x.outcome for x in told.peer.exchanges]
    assert outcomes == [Outcome.ANSWERED] * 119 + [Outcome.UNANSWERED]
    times = [x.first_ns for x in told.peer.exchanges]
    assert times == sorted(times)
    gaps = {round((b - a) / NS_PER_SECOND, 2) for a, b in pairwise(times)}
    assert gaps == {30.0}
    assert {x.basis for x in told.peer.exchanges} == {Basis.HEADER, Basis.LOG}
    assert told.peer.state is PeerState.DEAD
    assert told.peer.exchanges[-1].verdict_ns == at(3606)


def test_several_peers_in_one_log(tmp_path: Path) -> None:
    other = between(HEALTHY2, "a", "c")
    other = other.replace("10..", "13..").replace("10.02..", "13.02..")
    other = re.sub("(handshake|liveness 2[+])", r"\1 sa=2", other)
    text = HEALTHY2 + other
    log = charon(text, "a", Clock(iso, 500))
    told = together(tmp_path, capture(HEALTHY2), log)
    assert {p.remote: len(p.exchanges) for p in told.peers} == {B: 5, C: 5}
    assert {p.remote: sources_of(p) for p in told.peers} == {B: {"s1"}, C: {"s2"}}
    both = together(tmp_path, capture(text), log)
    assert {p.remote: sources_of(p) for p in both.peers} == {B: {"s1"}, C: {"s1"}}
    assert both.alignment.matched == 28


# --- the other end -------------------------------------------------------------------------------

# The log of b goes on: it is there, and would have heard.
AFTER = "100 b>c v2 sa-init sa=3\n"


def test_the_responders_log_alone_says_that_the_question_was_lost(tmp_path: Path) -> None:
    """Nothing of the questions arrived there, though it was there until later."""
    log = charon(DEAD2 + AFTER, "b", Clock(iso, 7200), lost=[LostOnTheWay("a", 30, 60)])
    told = together(tmp_path, capture(DEAD2 + "capture 0..70"), log)
    peer, _ = told.peers
    answered, lost = peer.exchanges
    assert (answered.lost, lost.lost) == (None, Lost.REQUEST)
    assert peer.black_holes[0].max_packets == 150


def test_the_responders_log_alone_says_that_the_answer_was_lost(tmp_path: Path) -> None:
    answers = "40.01 b>a liveness 3 resp\n42.01 b>a liveness 3 resp\nunseen b>a 30..70\n"
    log = charon(DEAD2 + answers + AFTER, "b", Clock(iso, 7200))
    told = together(tmp_path, capture(DEAD2 + answers + "capture 0..70"), log)
    peer, _ = told.peers
    assert peer.exchanges[1].outcome is not Outcome.ANSWERED
    assert peer.exchanges[1].lost is Lost.ANSWER
    assert peer.black_holes == alone(tmp_path, DEAD2).black_holes


def test_a_question_that_only_a_log_shows_is_of_no_sa_that_is_but_attempted(
    tmp_path: Path,
) -> None:
    """While b repeats its question, a capture shows that a begins anew, and meets no answer."""
    text = """
    0 a>b v2 handshake
    10..21/10 a>b liveness 2+
    10.01..21/10 b>a liveness 2+ resp
    30 a>b liveness 4
    31 a>b liveness 4
    32 a>b liveness 4
    33 a>b v2 sa-init 0 sa=2
    40 a>b v2 sa-init 0 sa=2
    31.5..36/2 b>a liveness 0
    unseen b>a 31..
    """
    said = [(37.5, "09[IKE] giving up after 2 retransmits")]
    log = charon(text, "b", Clock(iso, 5), lost=[LostOnTheWay("a", 30)], said=said)
    peer = together(tmp_path, capture(text + "capture 0..60"), log).peer
    (asked,) = [x for x in peer.exchanges if x.prober == B]
    assert (asked.retries, asked.outcome) == (2, Outcome.UNANSWERED)
    assert asked.verdict_ns == at(37.5)


def test_what_is_dropped_behind_the_capture_is_no_answer(tmp_path: Path) -> None:
    """A filter of the asking device drops what the capture saw arrive; its log says what came."""
    asked = """
    0 a>b v2 handshake
    0.2..60/0.2 a>b esp out
    10..21/10 a>b liveness 2+
    10.01..21/10 b>a liveness 2+ resp
    """
    in_vain = """
    30..33.1/1 a>b liveness 4
    30.01..33.1/1 b>a liveness 4 resp
    """
    said = [(34.0, "09[IKE] giving up after 3 retransmits")]
    text = asked + in_vain
    log = charon(text, "a", Clock(iso, 500), lost=[LostOnTheWay("b", 30)], said=said)
    told = together(tmp_path, capture(text), log)
    last = told.peer.exchanges[-1]
    assert (last.outcome, last.lost, last.retries) == (Outcome.UNANSWERED, Lost.UNREAD, 3)
    assert len(last.lost_answers) == 4
    assert last.verdict_ns == at(34)
    (hole,) = told.peer.black_holes
    assert (hole.sender, hole.dead_ns, hole.dead_basis) == (A, at(34), "log")
    answered = charon(text, "a", Clock(iso, 500))
    assert together(tmp_path, capture(text), answered).peer.black_holes == ()


def test_an_answer_that_a_log_does_not_show_was_read_unless_it_complains(tmp_path: Path) -> None:
    """Lines may be missing; the retransmission or the verdict that would tell is missing too."""
    log = charon(HEALTHY2, "a", Clock(iso, 500), lost=[LostOnTheWay("b", 30, 40)])
    peer = together(tmp_path, capture(HEALTHY2), log).peer
    assert {x.outcome for x in peer.exchanges} == {Outcome.ANSWERED}
    assert {x.lost for x in peer.exchanges} == {None}


def test_an_answer_on_another_sa_is_none_to_an_old_question(tmp_path: Path) -> None:
    """Each IKE SA has message 0: b answers the Delete of the new one, not the old question."""
    text = """
    0 a>b v2 handshake
    10 b>a liveness 0
    10.01 a>b liveness 0 resp
    30 a>b liveness 2
    32 a>b liveness 2
    34 a>b liveness 2
    40 a>b v2 handshake sa=2
    68.5 b>a liveness 0 sa=2
    68.51 a>b liveness 0 sa=2 resp
    70 a>b delete 2 sa=2
    """
    answer = "70.01 b>a liveness 2 sa=2 resp\n"
    log = charon(text + answer, "b", Clock(iso, 5), lost=[LostOnTheWay("a", 29, 39)])
    peer = together(tmp_path, capture(text + "capture 0..69"), log).peer
    asked = next(x for x in peer.exchanges if x.first_ns == at(30))
    assert (asked.lost, asked.lost_answers) == (Lost.REQUEST, ())


def test_what_the_other_end_sent_in_vain_proves_nothing(tmp_path: Path) -> None:
    """Both directions are dead: that b asks is no sign of life for a, who does not hear it."""
    text = """
    0 a>b v2 handshake
    0.2..90/0.2 a>b esp out
    0.3..30/0.2 b>a esp in
    40 a>b liveness 2
    42 a>b liveness 2
    44 a>b liveness 2
    35 b>a liveness 0
    37 b>a liveness 0
    39 b>a liveness 0
    unseen b>a 31..
    """
    said = [(41.0, "09[IKE] giving up after 2 retransmits")]
    log = charon(text, "b", Clock(iso, 5), lost=[LostOnTheWay("a", 31)], said=said)
    told = together(tmp_path, capture(text), log)
    (hole,) = alone(tmp_path, text).black_holes
    (same,) = [h for h in told.peer.black_holes if h.sender == A]
    assert (same.last_proof_ns, same.max_packets, same.first_probe_ns) == (
        hole.last_proof_ns,
        hole.max_packets,
        hole.first_probe_ns,
    )
    by_prober = {x.prober: x for x in told.peer.exchanges}
    assert (by_prober[B].outcome, by_prober[B].basis) == (Outcome.UNANSWERED, Basis.LOG)
    assert by_prober[B].verdict_ns == at(41)


def test_both_logs_and_no_capture(tmp_path: Path) -> None:
    ours = charon(DEAD2, "a", Clock(iso), said=CHARON_GIVES_UP)
    theirs = charon(DEAD2 + AFTER, "b", Clock(iso, 3), lost=[LostOnTheWay("a", 30, 60)])
    told = together(tmp_path, ours, theirs)
    assert told.alignment.offset_ns == 3 * NS_PER_SECOND
    peer, _ = told.peers
    answered, dead = peer.exchanges
    assert (answered.outcome, len(answered.transmissions)) == (Outcome.ANSWERED, 1)
    assert (dead.outcome, len(dead.transmissions), dead.lost) == (
        Outcome.UNANSWERED,
        5,
        Lost.REQUEST,
    )
    # The question is the asking end's line, the answer that of the end it reached: s1 both.
    assert answered.transmissions[0].ref.source == "s1"
    assert answered.answer is not None
    assert answered.answer.ref.source == "s1"
    assert peer.black_holes[0].dead_basis == "log"


def test_both_ios_logs_and_no_capture(tmp_path: Path) -> None:
    """Neither log says its own address: the other one does."""
    ours = isakmp(HEALTHY1, "a", Clock(star))
    theirs = isakmp(HEALTHY1, "b", Clock(star, 9.5))
    told = together(tmp_path, ours, theirs)
    assert {told.peer.local, told.peer.remote} == {A, B}
    assert len(told.peer.exchanges) == 5
    assert [x.outcome for x in told.peer.exchanges] == [Outcome.ANSWERED] * 5


# --- the same log again --------------------------------------------------------------------------


@pytest.mark.parametrize("stamp", [iso, syslog, no_stamp])
def test_the_same_log_twice(tmp_path: Path, stamp: Stamp) -> None:
    log = charon(DEAD2, "a", Clock(stamp), said=CHARON_GIVES_UP)
    once, twice = together(tmp_path, log), together(tmp_path, log, log)
    assert asked(twice.peer) == asked(once.peer)
    assert twice.peer.black_holes == once.peer.black_holes
    assert twice.peer.hints == once.peer.hints
    assert twice.peer.states == once.peer.states


def test_the_same_log_twice_beside_a_capture(tmp_path: Path) -> None:
    log = isakmp(DEAD1, "a", Clock(star, 60), said=IOS_GIVES_UP)
    once = together(tmp_path, capture(DEAD1), log)
    twice = together(tmp_path, capture(DEAD1), log, log)
    assert asked(twice.peer) == asked(once.peer)
    assert twice.peer.black_holes == once.peer.black_holes
    assert len(twice.peer.hints) == len(once.peer.hints)


def test_parts_of_one_log_that_overlap(tmp_path: Path) -> None:
    whole = charon(DEAD2, "a", Clock(iso), said=CHARON_GIVES_UP)
    lines = whole.splitlines()
    middle = len(lines) // 2
    first, second = "\n".join(lines[: middle + 5]), "\n".join(lines[middle - 5 :])
    told = together(tmp_path, first + "\n", second + "\n")
    assert asked(told.peer) == asked(together(tmp_path, whole).peer)


def test_console_and_syslog_of_one_router(tmp_path: Path) -> None:
    """The same lines once with milliseconds, once as a relay received them."""
    console = charon(DEAD2, "a", Clock(iso), said=CHARON_GIVES_UP)
    relay = charon(DEAD2, "a", Clock(syslog, 1.2), said=CHARON_GIVES_UP)
    told = together(tmp_path, console, relay)
    assert asked(told.peer) == asked(together(tmp_path, console).peer)
    assert len(told.peer.black_holes) == 1


def test_the_same_ios_console_twice_without_an_own_address(tmp_path: Path) -> None:
    log = isakmp(DEAD1, "a", Clock(star), said=IOS_GIVES_UP)
    told = together(tmp_path, log, log)
    assert len(told.peers) == 1
    assert asked(told.peer) == asked(together(tmp_path, log).peer)


@pytest.mark.parametrize("stamp", [iso, syslog])
def test_a_log_that_was_printed_twice_into_one_file(tmp_path: Path, stamp: Stamp) -> None:
    log = charon(DEAD2, "a", Clock(stamp), said=CHARON_GIVES_UP)
    lines = log.splitlines(keepends=True)
    once = together(tmp_path, log).peer
    for text in (log + log, log + "".join(lines[6:]), "".join(lines[:-4]) + log):
        told = together(tmp_path, text)
        assert asked(told.peer) == asked(once)
        assert (told.peer.state, len(told.peer.ike_sas)) == (PeerState.DEAD, 1)
        assert ProblemKind.CAPTURE_DUPLICATE in told.kinds(0)


def test_an_ios_console_that_was_printed_twice_into_one_file(tmp_path: Path) -> None:
    log = isakmp(DEAD1, "a", Clock(star), said=IOS_GIVES_UP)
    told, once = together(tmp_path, log + log).peer, together(tmp_path, log).peer
    assert asked(told) == asked(once)
    assert (told.state, len(told.ike_sas)) == (once.state, len(once.ike_sas))


@pytest.mark.parametrize("stamp", [iso, syslog])
def test_a_newest_first_log_is_read_the_other_way_round(tmp_path: Path, stamp: Stamp) -> None:
    """Also where several of its lines have the same time."""
    log = charon(DEAD2, "a", Clock(stamp), said=CHARON_GIVES_UP)
    turned = "".join(reversed(log.splitlines(keepends=True)))
    peer, same = together(tmp_path, turned).peer, together(tmp_path, log).peer
    assert peer.state is same.state is PeerState.DEAD
    assert asked(peer) == asked(same)
    assert [sa.end for sa in peer.ike_sas] == [sa.end for sa in same.ike_sas]


# --- a healthy capture ---------------------------------------------------------------------------


def test_a_dead_data_plane_stays_one_beside_logs(tmp_path: Path) -> None:
    text = """
    0 a>b v2 handshake
    0.2..90/0.2 a>b esp out
    0.3..30/0.2 b>a esp in
    10..90/10 a>b liveness 2+
    10.02..90/10 b>a liveness 2+ resp
    """
    told = together(tmp_path, capture(text), charon(text, "a", Clock(syslog, 3600)))
    assert [h.black_hole_class for h in told.peer.black_holes] == [BlackHoleClass.DATA_PLANE]
    assert told.peer.black_holes == alone(tmp_path, text).black_holes


def test_a_log_that_begins_when_the_peer_is_given_up(tmp_path: Path) -> None:
    """It does not show what was asked, and the capture does; what follows is another IKE SA."""
    text = """
    0 a>b v2 handshake
    0.1..13/0.2 a>b esp out
    0.15..7/0.2 b>a esp in
    9 a>b liveness 2
    10 a>b liveness 2
    11 a>b liveness 2
    13.003 a>b v2 sa-init sa=2
    14.003 a>b v2 sa-init sa=2
    capture 3..30
    """
    log = "".join(
        f"{iso_zoned(at(when))}{said}\n"
        for when, said in (
            (11, "06[IKE] retransmit 2 of request with message ID 2"),
            (11, "06[NET] sending packet: from 192.0.2.1[4500] to 192.0.2.2[4500] (80 bytes)"),
            (13, "06[IKE] giving up after 2 retransmits"),
            (13, "06[IKE] initiating IKE_SA gw[2] to 192.0.2.2"),
            (13.002, "06[ENC] generating IKE_SA_INIT request 0 [ SA KE No ]"),
            (13.002, "06[NET] sending packet: from 192.0.2.1[500] to 192.0.2.2[500] (464 bytes)"),
            (13.004, "06[IKE] IKE_SA gw[1] state change: ESTABLISHED => DESTROYING"),
            (16.0, "07[IKE] giving up after 2 retransmits"),
            (16.0, "07[IKE] peer not responding, trying again (2/0)"),
            (16.0, "07[IKE] initiating IKE_SA gw[2] to 192.0.2.2"),
        )
    )
    peer = together(tmp_path, capture(text), log.encode()).peer
    assert [s.state for s in peer.states][-1] is PeerState.DEAD
    (exchange,) = peer.exchanges
    assert (exchange.outcome, exchange.verdict_ns) == (Outcome.UNANSWERED, at(13))
    assert exchange.verdict_ref is not None
    assert [sa.end for sa in peer.ike_sas] == [SaEnd.DEAD_PEER, None]


def test_a_question_that_never_left_leaves_a_peer_alive_that_is_heard_afterwards(
    tmp_path: Path,
) -> None:
    """The log has it, the wire does not: the interface was down, and came up again."""
    wire = """
    0 a>b v1 main-mode
    0.1 a>b v1 quick
    0.2..20/0.2 a>b esp out
    0.3..20/0.2 b>a esp in
    30..60/0.2 a>b esp out
    30.1..60/0.2 b>a esp in
    """
    log = wire + "25 a>b v1 info 108 says=ruthere number=7\n"
    peer = together(tmp_path, capture(wire), charon(log, "a")).peer
    (question,) = peer.exchanges
    assert (question.outcome, question.basis) == (Outcome.OPEN, Basis.LOG)
    assert peer.state is PeerState.ALIVE
    assert PeerState.PROBING not in {span.state for span in peer.states}


def test_a_log_that_outlasts_its_capture_goes_on_from_the_last_esp(tmp_path: Path) -> None:
    text = """
    0 a>b v2 handshake
    0.5..9.9/0.2 a>b esp out
    0.6..9.9/0.2 b>a esp in
    """
    asked = "20 a>b liveness 2\n22 a>b liveness 2\n24 a>b liveness 2\n"
    gives_up = [(26.0, "09[IKE] giving up after 2 retransmits")]
    log = charon(text + asked, "a", said=gives_up)
    (hole,) = together(tmp_path, capture(text), log).peer.black_holes
    assert hole.last_proof_ns == at(9.8)
    assert hole.first_probe_ns == pytest.approx(at(20), abs=NS_PER_SECOND // 100)


def test_the_hub_is_local_where_all_ends_have_logs(tmp_path: Path) -> None:
    """In whatever order the logs are given."""
    text = (
        "0 a>b v2 handshake\n1 c>b v2 handshake sa=2\n2 a>b liveness 2\n2.02 b>a liveness 2 resp\n"
    )
    logs = (charon(text, end) for end in "acb")
    told = together(tmp_path, capture(text), *logs)
    assert {peer.local for peer in told.peers} == {B}
    assert {peer.local_basis for peer in told.peers} == {LocalBasis.LOG}


@pytest.mark.parametrize("by_s", [5, -7200])
def test_a_log_of_few_messages_follows_a_capture_that_the_user_moves(
    tmp_path: Path, by_s: int
) -> None:
    """Its handshake alone would tell no clock that is so far off."""
    text = "0 a>b v2 handshake\n1..20/0.5 a>b esp out\n1.01..20/0.5 b>a esp in\n"
    clocks = ClockOptions(offsets_ns={"0.pcap": by_s * NS_PER_SECOND})
    told = together(tmp_path, capture(text), charon(text, "b"), clocks=clocks)
    assert told.alignment.offset_ns == pytest.approx(-by_s * NS_PER_SECOND, abs=NS_PER_MS * 5)
    assert told.peer.ike_messages == 4
