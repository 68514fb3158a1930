"""Captures that lose one direction, or both: what is missing there says nothing of the peer."""

from __future__ import annotations

import pytest

from analyzers.export import words
from analyzers.model.black_hole import BlackHoleClass, PhaseName
from analyzers.model.exchange import AnswerEvidence, Outcome
from analyzers.model.peer import PeerState, PeerView
from analyzers.model.records import Confidence, ProblemKind
from tests.scenarios.conftest import Tell
from tests.scenarios.timeline import at

A, B = "192.0.2.1", "192.0.2.2"

SETUP = "0 a>b v2 handshake\n"
SETUP_V1 = "0 a>b v1 main-mode\n0.1 a>b v1 quick\n"
TRAFFIC = """
0.1..120/0.2 a>b esp out
0.15..120/0.2 b>a esp in
"""
ASKED = """
10..120/10 a>b liveness 2+
10.02..120/10 b>a liveness 2+ resp
"""
ASKED_V1 = """
10..120/10 a>b v1 info 108
10.02..120/10 b>a v1 info 108
"""


def deaf(peer: PeerView) -> list[str]:
    """What the report says of directions that the capture lost."""
    return [p.detail for p in peer.problems if p.kind is ProblemKind.CAPTURE_INSUFFICIENT]


def expect_no_accusation(peer: PeerView) -> None:
    """Nobody died, nothing was lost: not even perhaps."""
    assert not peer.black_holes
    assert not {s.state for s in peer.states} & {
        PeerState.DEAD,
        PeerState.QUESTIONABLE,
        PeerState.PROBING,
    }
    assert Outcome.UNANSWERED not in {x.outcome for x in peer.exchanges}
    assert {sa.end for sa in peer.ike_sas} == {None}


def test_the_answers_direction_is_lost_midway(tell: Tell) -> None:
    """Not a frame of b from 20 s on, and the message IDs of a go on: b answers (semantics 5.6)."""
    peer = tell(SETUP + TRAFFIC + ASKED + "unseen b>a 20..").peer
    expect_no_accusation(peer)
    (said,) = deaf(peer)
    assert B in said
    proven = [x for x in peer.exchanges if x.answer_evidence is AnswerEvidence.NEXT_REQUEST]
    assert len(proven) == 9


def test_the_answers_direction_is_lost_from_the_start(tell: Tell) -> None:
    peer = tell(SETUP + TRAFFIC + ASKED + "unseen b>a 0.1..").peer
    expect_no_accusation(peer)
    assert len(deaf(peer)) == 1


def test_the_answers_direction_comes_back(tell: Tell) -> None:
    peer = tell(SETUP + TRAFFIC + ASKED + "unseen b>a 40..80").peer
    expect_no_accusation(peer)
    assert len(deaf(peer)) == 1


@pytest.mark.parametrize("back", [81, 83, 86])
def test_the_answers_direction_comes_back_and_esp_a_little_later(tell: Tell, back: float) -> None:
    peer = tell(SETUP + TRAFFIC + ASKED + f"unseen b>a 40..80\nunseen b>a 80.1..{back}").peer
    expect_no_accusation(peer)


def test_a_dropped_answer_hides_no_dead_data_plane(tell: Tell) -> None:
    """One answer of many is missing: the others prove that the capture sees the direction."""
    peer = tell(SETUP + TRAFFIC.replace("0.15..120", "0.15..30") + ASKED + "unseen b>a 60..61").peer
    (hole,) = peer.black_holes
    assert hole.black_hole_class is BlackHoleClass.DATA_PLANE
    assert hole.last_proof_ns == at(29.95)
    assert not deaf(peer)


def test_a_dropped_answer_of_an_idle_tunnel_is_nothing_to_tell(tell: Tell) -> None:
    peer = tell(SETUP + ASKED + "unseen b>a 60..61").peer
    expect_no_accusation(peer)
    assert not deaf(peer)


def test_the_peer_dies_after_its_direction_was_lost(tell: Tell) -> None:
    """Who repeats a question has no answer, whatever the capture misses."""
    peer = tell(
        SETUP
        + TRAFFIC
        + """
        10..70/10 a>b liveness 2+
        10.02..70/10 b>a liveness 2+ resp
        unseen b>a 20..
        70 a>b liveness 8
        72 a>b liveness 8
        74 a>b liveness 8
        76 a>b liveness 8
        78 a>b liveness 8
        200 c:4500>a:4500 keepalive
        """
    ).peer
    assert peer.state is PeerState.DEAD
    assert peer.exchanges[-1].verdict_ns == at(80)
    (hole,) = peer.black_holes
    assert hole.first_probe_ns == at(70)
    assert hole.first_exposed_ns is not None
    assert hole.first_exposed_ns >= at(70)


def test_ikev1_questions_keep_their_interval_when_the_direction_is_lost(tell: Tell) -> None:
    """Every 10 s with an answer, every 10 s without: retries look the same (strongSwan).

    All of b ends at once: it went, or the capture lost it. So nobody died, and what a goes on
    sending may be in vain.
    """
    peer = tell(SETUP_V1 + TRAFFIC + ASKED_V1 + "unseen b>a 40..").peer
    assert PeerState.DEAD not in {s.state for s in peer.states}
    assert peer.state is PeerState.PROBING
    assert peer.exchanges[-1].outcome is Outcome.OPEN
    (hole,) = peer.black_holes
    assert (hole.black_hole_class, hole.min_packets) == (BlackHoleClass.OPEN, 0)
    assert hole.confidence is Confidence.SUSPECT
    assert hole.last_proof_ns == at(39.95)
    assert hole.phase_s(PhaseName.PROBING) == pytest.approx(79.8)
    (said,) = deaf(peer)
    assert f"{B} fell silent, or the capture lost" in said


def test_ikev1_only_the_answers_end(tell: Tell) -> None:
    """ESP of b had ended long before: its answers may come another way now."""
    peer = tell(
        SETUP_V1
        + """
        0.1..4/0.2 a>b esp out
        0.15..4/0.2 b>a esp in
        10..170/10 a>b v1 info 108
        10.02..40/10 b>a v1 info 108
        100..230/1 a>b esp out
        """
    ).peer
    assert not peer.black_holes
    assert peer.state is PeerState.UNKNOWN


def test_ikev1_of_a_one_way_tunnel_the_answers_come_back(tell: Tell) -> None:
    """Nothing but answers shows that b gets anything, and five in a row are missing."""
    peer = tell(
        SETUP_V1
        + """
        10..110/10 a>b v1 info 108
        10.02..110/10 b>a v1 info 108
        unseen b>a 45..95
        40.1..80/1 a>b esp out
        """
    ).peer
    assert PeerState.DEAD not in {s.state for s in peer.states}
    (hole,) = peer.black_holes
    assert hole.black_hole_class is BlackHoleClass.TRANSIENT
    assert (hole.last_proof_ns, hole.recovered_ns) == (at(40.02), at(100.02))
    assert (hole.min_packets, hole.max_packets) == (0, 40)
    assert hole.confidence is Confidence.SUSPECT


def test_ikev1_without_traffic(tell: Tell) -> None:
    told = SETUP_V1 + ASKED_V1 + "unseen b>a 40..\n150 c:4500>a:4500 keepalive"
    peer = tell(told).peer
    expect_no_accusation(peer)
    assert len(deaf(peer)) == 1


def test_ikev1_the_direction_comes_back(tell: Tell) -> None:
    """Questions that were not repeated in between, and ESP whose numbers went on meanwhile."""
    peer = tell(SETUP_V1 + TRAFFIC + ASKED_V1 + "unseen b>a 40..80").peer
    expect_no_accusation(peer)
    assert [x.retries for x in peer.exchanges] == [0] * 11
    assert len(deaf(peer)) == 1


@pytest.mark.parametrize("tries", [3, 4, 5, 14])
def test_a_stack_that_repeats_at_its_interval(tell: Tell, tries: int) -> None:
    """strongSwan, FortiOS: the questions keep their interval, the SA goes with the last of them."""
    last = 40 + 10 * tries
    peer = tell(
        SETUP_V1
        + f"""
        0.1..{last}/0.2 a>b esp out
        0.15..34/0.2 b>a esp in
        10..40/10 a>b v1 info 108
        10.02..40/10 b>a v1 info 108
        40..{last}/10 a>b v1 info 108
        """
        + f"{last + 60} c:4500>a:4500 keepalive"
    ).peer
    assert peer.exchanges[-1].outcome is Outcome.UNANSWERED
    assert len(peer.exchanges[-1].transmissions) == tries
    assert peer.state is PeerState.DEAD
    (hole,) = peer.black_holes
    assert hole.first_probe_ns == at(40)


def test_a_stack_that_repeats_at_its_interval_cut_short(tell: Tell) -> None:
    """Three questions in: they may be answered unseen or not. Nothing is certain, nobody dead."""
    peer = tell(SETUP_V1 + TRAFFIC + ASKED_V1 + "unseen b>a 40..\ncapture 0..65").peer
    assert peer.exchanges[-1].outcome is Outcome.OPEN
    assert PeerState.DEAD not in {s.state for s in peer.states}
    for hole in peer.black_holes:
        assert (hole.black_hole_class, hole.min_packets) == (BlackHoleClass.OPEN, 0)


@pytest.mark.parametrize("traffic", ["", TRAFFIC])
def test_regular_informationals_that_never_met_an_answer(tell: Tell, traffic: str) -> None:
    """A heartbeat of some kind: nobody can tell what it is, and so it is no dead peer."""
    told = SETUP_V1 + traffic + "10..100/10 b>a v1 info 108\n150 c:4500>a:4500 keepalive"
    peer = tell(told + ("\ncapture 0..119" if traffic else "")).peer
    assert not peer.exchanges
    assert peer.unknown_informationals == 9
    expect_no_accusation(peer)
    assert not peer.policies


def test_two_equal_informationals_are_no_question(tell: Tell) -> None:
    peer = tell(SETUP_V1 + "10 a>b v1 info 108\n15 a>b v1 info 108\n150 c:4500>a:4500 keepalive")
    assert not peer.peer.exchanges
    assert peer.peer.unknown_informationals == 2
    expect_no_accusation(peer.peer)


def test_a_question_of_ikev1_is_not_captured_but_its_answer(tell: Tell) -> None:
    """An answer alone looks like a question of the other side; nobody is dead of it."""
    unseen = "".join(f"unseen a>b {t - 0.01}..{t + 0.01}\n" for t in (30, 70, 110))
    for traffic in ("", TRAFFIC):
        peer = tell(SETUP_V1 + traffic + ASKED_V1 + unseen).peer
        expect_no_accusation(peer)
        assert {x.prober for x in peer.exchanges} == {A}
        assert peer.unknown_informationals == 3


def test_a_peer_that_deletes_lives(tell: Tell) -> None:
    """The question was out when the peer took the SA down: that is no dead peer."""
    peer = tell(
        SETUP
        + """
        10 a>b liveness 2
        10.02 b>a liveness 2 resp
        20 a>b liveness 3
        20.5 b>a delete 0
        20.51 a>b liveness 0 resp
        100 c:4500>a:4500 keepalive
        """
    ).peer
    assert peer.state is PeerState.DELETED
    assert Outcome.UNANSWERED not in {x.outcome for x in peer.exchanges}
    assert PeerState.DEAD not in {s.state for s in peer.states}


def test_both_directions_are_lost_for_a_while(tell: Tell) -> None:
    """A gap of the capture: both sides went on, as the numbers of ESP and of the requests tell."""
    for asked, setup in ((ASKED, SETUP), (ASKED_V1, SETUP_V1)):
        peer = tell(setup + TRAFFIC + asked + "unseen b>a 40.01..79.9\nunseen a>b 40.01..79.9").peer
        assert not peer.black_holes
        assert PeerState.DEAD not in {s.state for s in peer.states}
        assert [s.state for s in peer.states][-3:] == [
            PeerState.ALIVE,
            PeerState.UNKNOWN,
            PeerState.ALIVE,
        ]
        assert peer.states[-2].start_ns == pytest.approx(at(40), abs=200_000_000)
        (said,) = deaf(peer)
        assert "either side" in said


def test_a_question_before_a_gap_of_the_capture_was_answered(tell: Tell) -> None:
    """With a window of 1 a later message ID proves every earlier one (RFC 7296 section 2.3)."""
    peer = tell(SETUP + ASKED + "unseen b>a 40.01..79.9\nunseen a>b 40.01..79.9").peer
    assert {x.outcome for x in peer.exchanges} == {Outcome.ANSWERED}
    expect_no_accusation(peer)


def test_only_answers_were_captured(tell: Tell) -> None:
    """Somebody asked: that nobody did is not to be told."""
    peer = tell(SETUP + ASKED + "unseen a>b 0..").peer
    assert not peer.exchanges
    assert words.why_no_question(peer) == "only one direction was captured, in which nobody asked"
    assert words.no_question(peer) == "unknown"


def test_who_answers_a_proposal_is_no_initiator(tell: Tell) -> None:
    """The second message of phase 1 has an SA payload and a responder's cookie (RFC 2409 5)."""
    peer = tell(SETUP_V1 + ASKED_V1 + "unseen a>b 0..").peer
    assert (peer.local, peer.remote) == (A, B)
    (sa,) = peer.ike_sas
    assert (sa.initiator, sa.responder) == (A, B)


def test_no_time_since_a_proof_that_nobody_saw(tell: Tell) -> None:
    """That a request follows proves an answer, and not when it came."""
    peer = tell(SETUP + "4 a>b liveness 2\n23 a>b liveness 3\nunseen b>a 0..").peer
    assert [x.since_proof_ns for x in peer.exchanges] == [None, None]


def test_half_of_everything_is_lost(tell: Tell) -> None:
    """One of two paths is tapped: three questions without an answer are not one with retries."""
    one_of_two = "".join(
        f"unseen {path} {t / 2:.1f}..{t / 2 + 0.5:.1f}\n"
        for t in range(240)
        for path in ("a>b", "b>a")
        if (t * 7 + 3 * (path == "a>b")) % 4 < 2 and t % 20 > 2
    )
    lost = "".join(f"unseen b>a {t}.01..{t}.03\n" for t in (20, 40, 60, 80, 90))
    lost += "".join(f"unseen a>b {t - 0.01:.2f}..{t}.01\n" for t in (20, 40))
    told = tell(SETUP_V1 + TRAFFIC + ASKED_V1 + one_of_two + lost)
    expect_no_accusation(told.peer)
    assert not told.of("dpd-late-ack")
    assert {len(x.transmissions) for x in told.peer.exchanges} == {1}
    (policy,) = told.peer.policies
    assert policy.retry_s is None
