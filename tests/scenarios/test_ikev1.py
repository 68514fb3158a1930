"""IKEv1 without keys: what the rhythm of encrypted Informationals tells, and what it must not."""

from __future__ import annotations

import pytest

from analyzers.model.black_hole import BlackHoleClass
from analyzers.model.exchange import DeleteProtocol, ExchangeKind, Outcome
from analyzers.model.peer import PeerState, PeerView
from analyzers.model.records import Basis, Confidence
from analyzers.model.sa import SaEnd
from tests.scenarios.conftest import Tell
from tests.scenarios.timeline import at

A, B = "192.0.2.1", "192.0.2.2"

SETUP = """
0 a>b v1 main-mode
0.1 a>b v1 quick
"""

# The transcript of the Cisco IOS guide: five R-U-THERE, then the Delete in the same rhythm.
CISCO_QUESTIONS = """
35.343 a>b v1 info 108
37.351 a>b v1 info 108
39.363 a>b v1 info 108
41.375 a>b v1 info 108
43.387 a>b v1 info 108
"""
CISCO_DELETE = "45.411 a>b v1 info 108\n"
CISCO_TIMES = [at(t) for t in (35.343, 37.351, 39.363, 41.375, 43.387)]

# With traffic both ways until the peer dies, and two tries to begin anew.
CISCO_DEATH = f"""{SETUP}{CISCO_QUESTIONS}{CISCO_DELETE}
0.5..45.4/0.5 a>b esp out        # 0.5 … 45.0
0.6..25/0.5 b>a esp in           # 0.6 … 24.6
45.431 a>b v1 mm1 sa=2
55.431 a>b v1 mm1 sa=2
"""

# A frame that is nobody's: the capture goes on.
LATER = "90 c:4500>a:4500 keepalive\n"


def times(peer: PeerView) -> list[list[int]]:
    return [[t.at_ns for t in x.transmissions] for x in peer.exchanges]


def expect_alive(peer: PeerView) -> None:
    assert peer.state not in (PeerState.DEAD, PeerState.PROBING, PeerState.DELETED)
    assert PeerState.DEAD not in {s.state for s in peer.states}
    assert not peer.black_holes


def test_cisco_peer_dies_five_questions_and_one_delete(tell: Tell) -> None:
    """Fact 12 of the semantics: the Delete has the length and the spacing of a sixth question."""
    peer = tell(CISCO_DEATH).peer
    (exchange,) = peer.exchanges
    assert times(peer) == [CISCO_TIMES]
    assert exchange.kind is ExchangeKind.DPD
    assert exchange.outcome is Outcome.UNANSWERED
    assert (exchange.basis, exchange.confidence) == (Basis.RHYTHM, Confidence.INFERRED)
    assert exchange.verdict_ns is not None
    assert at(45.387) <= exchange.verdict_ns <= at(45.411)
    (delete,) = peer.deletes
    assert (delete.at_ns, delete.sender) == (at(45.411), A)
    assert delete.protocol is DeleteProtocol.IKE
    assert delete.confidence is Confidence.INFERRED
    assert peer.unknown_informationals == 0
    assert peer.state is PeerState.DEAD


def test_cisco_peer_dies_the_black_hole(tell: Tell) -> None:
    peer = tell(CISCO_DEATH).peer
    (hole,) = peer.black_holes
    assert hole.black_hole_class is BlackHoleClass.DETECTED
    assert (hole.last_proof_ns, hole.first_exposed_ns) == (at(24.6), at(25))
    assert (hole.questionable_ns, hole.first_probe_ns) == (at(26), at(35.343))
    assert hole.max_packets == 41  # 25.0 … 45.0 every 0.5 s
    assert hole.min_packets == 20  # 35.5 … 45.0
    assert at(45) <= hole.stop_ns <= at(45.411)


@pytest.mark.parametrize("anew", [75, 120])
def test_cisco_peer_dies_and_nobody_begins_anew_for_long(tell: Tell, anew: int) -> None:
    """Traffic ends with the sixth message, a whole wait before a sixth question would run out."""
    text = CISCO_DEATH.replace("45.431 a>b v1 mm1 sa=2", "").replace("55.431", str(anew))
    peer = tell(text + f"{anew + 100} c:4500>a:4500 keepalive\n").peer
    assert times(peer) == [CISCO_TIMES]
    (delete,) = peer.deletes
    assert (delete.at_ns, delete.protocol) == (at(45.411), DeleteProtocol.IKE)
    (hole,) = peer.black_holes
    assert (hole.dead_ns, hole.stop_ns) == (peer.exchanges[0].verdict_ns, at(45.411))


def test_a_sixth_question_that_runs_out_is_no_delete(tell: Tell) -> None:
    """Traffic goes on for its wait, or phase 1 follows that: the SA was there meanwhile."""
    for last, anew in ((47.3, 120), (45.4, 47.42)):
        text = CISCO_DEATH.replace("45.431 a>b v1 mm1 sa=2", "").replace("55.431", str(anew))
        peer = tell(text.replace("0.5..45.4", f"0.5..{last}") + LATER).peer
        assert times(peer) == [[*CISCO_TIMES, at(45.411)]]
        assert not peer.deletes


def test_cisco_peer_dies_without_traffic_and_without_renewal(tell: Tell) -> None:
    """Nothing tells the Delete from a question of a stack that may ask as often, at an interval
    that nobody knows; it is one exchange all the same."""
    peer = tell(SETUP + CISCO_QUESTIONS + CISCO_DELETE + LATER).peer
    (exchange,) = peer.exchanges
    assert exchange.outcome is Outcome.UNANSWERED
    assert len(exchange.transmissions) == 6
    assert exchange.confidence is Confidence.INFERRED
    assert peer.state is PeerState.DEAD
    assert {h.black_hole_class for h in peer.black_holes} <= {BlackHoleClass.IDLE}


@pytest.mark.parametrize("anew", ["", "75.4 a>b v1 main-mode sa=2\n"])
def test_cisco_peer_dies_while_both_ends_ask_and_nothing_else_is_sent(
    tell: Tell, anew: str
) -> None:
    """Both ends had asked every 10 s: of the sixth message nothing follows on that SA."""
    asked = "5.3..35/10 a>b v1 info 108\n5.33..35/10 b>a v1 info 108\n"
    asked += "5.305..35/10 b>a v1 info 108\n5.335..35/10 a>b v1 info 108\n"
    peer = tell(SETUP + asked + CISCO_QUESTIONS + CISCO_DELETE + anew + LATER).peer
    (exchange,) = (x for x in peer.exchanges if x.outcome is not Outcome.ANSWERED)
    assert tuple(t.at_ns for t in exchange.transmissions) == tuple(CISCO_TIMES)
    assert exchange.verdict_ns == pytest.approx(at(45.399), abs=15_000_000)
    (delete,) = peer.deletes
    assert (delete.at_ns, delete.confidence) == (at(45.411), Confidence.INFERRED)
    policy = next(p for p in peer.policies if p.holder == A)
    assert policy.retry_s == pytest.approx(2, abs=0.02)
    assert policy.retries == 4


def test_six_questions_in_their_interval_and_a_sixth_that_runs_out_are_questions(
    tell: Tell,
) -> None:
    """strongSwan repeats at its DPD delay; and who begins anew a wait later has waited."""
    asked = "5.3..{end}/{step} a>b v1 info 108\n5.33..{end}/{step} b>a v1 info 108\n"
    anew = "47.42 a>b v1 main-mode sa=2\n"
    for before, after in (
        (asked.format(end=35, step=2), ""),
        (asked.format(end=35, step=10), anew),
    ):
        text = SETUP + before + CISCO_QUESTIONS + CISCO_DELETE + after + LATER
        peer = tell(text).peer
        (exchange,) = (x for x in peer.exchanges if x.outcome is not Outcome.ANSWERED)
        assert len(exchange.transmissions) == 6
        assert not peer.deletes


def test_a_new_negotiation_a_whole_wait_after_the_last_question_is_the_verdict(tell: Tell) -> None:
    """strongSwan with a DPD delay of 2 s sends no Delete when it gives a peer up."""
    peer = tell(
        SETUP
        + """
        1..14/0.2 a>b esp out
        1.1..6/0.2 b>a esp in
        8..13/2 a>b v1 info 108
        13.999 a>b v1 mm1 sa=2
        18.001 a>b v1 mm1 sa=2
        """
        + LATER
    ).peer
    assert times(peer) == [[at(t) for t in (8, 10, 12)]]
    assert peer.exchanges[0].verdict_ns == pytest.approx(at(14), abs=2_000_000)
    assert not peer.deletes


def test_one_question_in_a_first_outage_does_not_hide_those_of_the_next(tell: Tell) -> None:
    """The first two have no common rhythm with the others: the second is theirs all the same."""
    peer = tell(
        SETUP
        + """
        1..24.2/0.2 a>b esp out
        1.1..6/0.2 b>a esp in
        9 a>b v1 info 108
        10.1..12/0.2 b>a esp in
        22..32/3 a>b v1 info 108
        34.001 a>b v1 mm1 sa=2
        36 a>b v1 main-mode sa=2
        """
        + LATER
    ).peer
    assert times(peer) == [[at(t) for t in (22, 25, 28, 31)]]
    assert peer.exchanges[0].verdict_ns == pytest.approx(at(34), abs=2_000_000)
    assert peer.unknown_informationals == 1
    transient, hole = peer.black_holes
    assert transient.black_hole_class is BlackHoleClass.TRANSIENT
    assert hole.black_hole_class is BlackHoleClass.DETECTED
    assert hole.first_probe_ns == at(22)
    assert hole.min_packets == 11  # 22.2 … 24.2


def test_deletes_of_one_teardown_are_no_question(tell: Tell) -> None:
    peer = tell(
        SETUP
        + """
        1..20/0.5 a>b esp out
        1.1..20/0.5 b>a esp in
        10 a>b v1 info 108
        10.02 b>a v1 info 108
        20 a>b v1 info 92                # the Child SA
        20.002 a>b v1 info 108           # the ISAKMP SA: as long as an R-U-THERE
        """
        + LATER
    ).peer
    assert times(peer) == [[at(10)]]
    assert [(d.at_ns, d.protocol) for d in peer.deletes] == [
        (at(20), DeleteProtocol.ESP),
        (at(20.002), DeleteProtocol.IKE),
    ]
    assert peer.ike_sas[0].end is SaEnd.DELETE
    assert peer.state is PeerState.DELETED
    assert not peer.black_holes


def test_a_lone_informational_stays_unknown(tell: Tell) -> None:
    peer = tell(SETUP + "10 a>b v1 info 108\n" + LATER).peer
    assert not peer.exchanges
    assert not peer.deletes
    assert peer.unknown_informationals == 1
    expect_alive(peer)


def test_a_lone_informational_among_traffic_ends_nothing(tell: Tell) -> None:
    peer = tell(
        SETUP
        + """
        1..60/1 a>b esp out
        1.1..60/1 b>a esp in
        10 a>b v1 info 108
        30 b>a v1 info 92
        """
    ).peer
    assert not peer.exchanges
    assert peer.unknown_informationals == 2
    expect_alive(peer)


def test_a_notice_after_phase_1_is_no_question(tell: Tell) -> None:
    """INITIAL-CONTACT has the length of an R-U-THERE; its silence says nothing."""
    peer = tell(
        SETUP
        + """
        0.06 a>b v1 info 108
        10..60/10 a>b v1 info 108
        10.02..60/10 b>a v1 info 108
        """
    ).peer
    assert times(peer) == [[at(t)] for t in (10, 20, 30, 40, 50)]
    assert {x.outcome for x in peer.exchanges} == {Outcome.ANSWERED}
    assert {x.rtt_ns for x in peer.exchanges} == {20_000_000}
    assert peer.unknown_informationals == 1
    assert peer.policies[0].interval_s == pytest.approx(10, abs=0.05)
    expect_alive(peer)


def test_both_sides_ask_in_turn(tell: Tell) -> None:
    peer = tell(
        SETUP
        + """
        10..60/10 a>b v1 info 108
        10.02..60/10 b>a v1 info 108
        13..60/10 b>a v1 info 108
        13.02..60/10 a>b v1 info 108
        """
    ).peer
    assert [x.prober for x in peer.exchanges] == [A, B] * 5
    assert {(x.outcome, x.retries) for x in peer.exchanges} == {(Outcome.ANSWERED, 0)}
    assert peer.unknown_informationals == 0
    assert {p.holder for p in peer.policies} == {A, B}
    expect_alive(peer)


def test_questions_of_both_sides_cross(tell: Tell) -> None:
    """Four equal messages in flight: whoever is taken for the answer, both peers live."""
    peer = tell(
        SETUP
        + """
        10..60/10 a>b v1 info 108
        10.005..60/10 b>a v1 info 108    # asked before a's question came
        10.02..60/10 b>a v1 info 108     # b's answer
        10.025..60/10 a>b v1 info 108    # a's answer
        """
    ).peer
    assert sorted(x.prober for x in peer.exchanges) == [A] * 5 + [B] * 5
    assert {(x.outcome, x.retries) for x in peer.exchanges} == {(Outcome.ANSWERED, 0)}
    expect_alive(peer)


def test_libreswan_repeats_at_the_interval(tell: Tell) -> None:
    """dpddelay 10 s, dpdtimeout 30 s: the retries keep the interval of the questions."""
    peer = tell(
        SETUP
        + """
        1..50/0.5 a>b esp out            # 1.0 … 49.5
        1.1..15/0.5 b>a esp in           # 1.1 … 14.6
        10.2 a>b v1 info 108
        10.23 b>a v1 info 108
        20.2..50/10 a>b v1 info 108      # 20.2, 30.2, 40.2
        50.21 a>b v1 mm1 sa=2
        60.21 a>b v1 mm1 sa=2
        """
    ).peer
    assert times(peer) == [[at(10.2)], [at(20.2), at(30.2), at(40.2)]]
    assert [x.outcome for x in peer.exchanges] == [Outcome.ANSWERED, Outcome.UNANSWERED]
    assert peer.exchanges[1].verdict_ns == at(50.2)
    assert peer.ike_sas[0].end is SaEnd.DEAD_PEER
    assert peer.state is PeerState.DEAD
    (hole,) = peer.black_holes
    assert (hole.last_proof_ns, hole.first_probe_ns) == (at(14.6), at(20.2))
    assert (hole.min_packets, hole.max_packets) == (59, 70)  # 20.5 … 49.5, 15.0 … 49.5
    assert hole.probes == 3


def test_libreswan_capture_ends_among_the_retries(tell: Tell) -> None:
    peer = tell(
        SETUP
        + """
        10 a>b v1 info 108
        10.03 b>a v1 info 108
        20..35/10 a>b v1 info 108
        """
    ).peer
    assert [x.outcome for x in peer.exchanges] == [Outcome.ANSWERED, Outcome.OPEN]
    assert peer.state is not PeerState.DEAD


def test_phase_1_is_renewed_while_the_peer_lives(tell: Tell) -> None:
    """IKEv1 Child SAs outlive the ISAKMP SA: traffic goes on, on the same SPIs."""
    peer = tell(
        SETUP
        + """
        1..100/0.5 a>b esp out
        1.1..100/0.5 b>a esp in
        10..50/10 a>b v1 info 108
        10.02..50/10 b>a v1 info 108
        50 a>b v1 main-mode sa=2
        60..100/10 a>b v1 info 108 sa=2
        60.02..100/10 b>a v1 info 108 sa=2
        """
    ).peer
    assert [sa.end for sa in peer.ike_sas] == [SaEnd.REKEYED, None]
    assert peer.ike_sas[0].rekeyed_into == peer.ike_sas[1].id
    assert {x.outcome for x in peer.exchanges} == {Outcome.ANSWERED}
    assert len(peer.exchanges) == 8
    expect_alive(peer)


def test_phase_1_is_renewed_and_the_old_sa_deleted(tell: Tell) -> None:
    peer = tell(
        SETUP
        + """
        1..100/0.5 a>b esp out
        1.1..100/0.5 b>a esp in
        10..50/10 a>b v1 info 108
        10.02..50/10 b>a v1 info 108
        50 b>a v1 main-mode sa=2
        sa 2 by b
        50.5 b>a v1 info 108 sa=1        # the Delete of the old one
        60..100/10 a>b v1 info 108 sa=2
        60.02..100/10 b>a v1 info 108 sa=2
        """
    ).peer
    assert peer.ike_sas[0].end is SaEnd.REKEYED
    assert {x.outcome for x in peer.exchanges} == {Outcome.ANSWERED}
    expect_alive(peer)


RENEWED_AND_GONE = """
0 a>b v1 main-mode
0.1 a>b v1 quick
4..17/4 b>a v1 info 108
4.02..17/4 a>b v1 info 108
17 a>b v1 main-mode sa=2
20 b>a v1 info 108
{retries}
27.2 b>a v1 info 108
22..41/4 b>a v1 info 108 sa=2
60 a>b v1 main-mode sa=3
"""


def test_the_delete_of_a_renewed_sa_is_no_retry(tell: Tell) -> None:
    """It comes 10 s after the renewal, whatever was asked meanwhile."""
    peer = tell(RENEWED_AND_GONE.format(retries="")).peer
    asked = [x for x in peer.exchanges if x.ike_sa == "i1" and x.first_ns == at(20)]
    assert [(x.retries, x.verdict_ns) for x in asked] == [(0, None)]
    (delete,) = peer.deletes
    assert (delete.at_ns, delete.ike_sa, delete.sender) == (at(27.2), "i1", peer.remote)
    assert delete.confidence is Confidence.INFERRED
    assert PeerState.DELETED not in {span.state for span in peer.states}


def test_retries_on_a_renewed_sa_are_retries(tell: Tell) -> None:
    """They come as on the new one."""
    text = RENEWED_AND_GONE.format(retries="24 b>a v1 info 108").replace("27.2", "28")
    peer = tell(text).peer
    (asked,) = [x for x in peer.exchanges if x.ike_sa == "i1" and x.first_ns == at(20)]
    assert asked.retries == 2
    two = RENEWED_AND_GONE.format(retries="").replace("27.2", "24")
    assert not tell(two).peer.deletes


def test_phase_2_is_renewed_while_the_peer_lives(tell: Tell) -> None:
    """Quick Mode, new SPIs, the Delete of the old ones: one length, never answered."""
    peer = tell(
        SETUP
        + """
        1..50.3/0.5 a>b esp out
        1.1..51/0.5 b>a esp in
        10..100/10 a>b v1 info 108
        10.02..100/10 b>a v1 info 108
        50.2 a>b v1 quick
        50.5..100/0.5 a>b esp out2
        51.1..100/0.5 b>a esp in2
        52 a>b v1 info 92
        """
    ).peer
    assert {(x.prober, x.outcome, x.retries) for x in peer.exchanges} == {(A, Outcome.ANSWERED, 0)}
    assert len(peer.exchanges) == 9
    expect_alive(peer)


def test_capture_that_starts_after_phase_1(tell: Tell) -> None:
    peer = tell(
        """
        1..50/0.5 a>b esp out
        1.1..50/0.5 b>a esp in
        10..50/10 a>b v1 info 92
        10.02..50/10 b>a v1 info 92
        """
    ).peer
    (sa,) = peer.ike_sas
    assert sa.dpd_vendor_id == (None, None)
    assert sa.established_ns is None
    assert times(peer) == [[at(t)] for t in (10, 20, 30, 40)]
    assert {(x.prober, x.outcome) for x in peer.exchanges} == {(A, Outcome.ANSWERED)}
    expect_alive(peer)


def test_capture_that_starts_after_phase_1_and_dies(tell: Tell) -> None:
    peer = tell(
        """
        1..60/0.5 a>b esp out
        1.1..25/0.5 b>a esp in
        10 a>b v1 info 92
        10.02 b>a v1 info 92
        30..40/2 a>b v1 info 92
        """
        + LATER
    ).peer
    assert times(peer) == [[at(10)], [at(t) for t in (30, 32, 34, 36, 38)]]
    assert peer.exchanges[1].verdict_ns == at(40)
    assert peer.state is PeerState.DEAD
    (hole,) = peer.black_holes
    assert hole.black_hole_class is BlackHoleClass.SLOW_TEARDOWN


def test_one_answer_was_lost_and_the_retry_answered(tell: Tell) -> None:
    peer = tell(
        SETUP
        + """
        10 a>b v1 info 108
        10.02 b>a v1 info 108
        20 a>b v1 info 108
        22 a>b v1 info 108
        22.02 b>a v1 info 108
        30 a>b v1 info 108
        30.02 b>a v1 info 108
        """
    ).peer
    assert times(peer) == [[at(10)], [at(20), at(22)], [at(30)]]
    assert {x.outcome for x in peer.exchanges} == {Outcome.ANSWERED}
    assert [x.rtt_ns for x in peer.exchanges] == [20_000_000] * 3
    expect_alive(peer)


def test_a_retransmitted_main_mode_message_is_no_second_sa(tell: Tell) -> None:
    peer = tell(
        """
        0 a>b v1 mm1
        2 a>b v1 mm1
        4 a>b v1 mm1
        4.1 b>a v1 mm2
        4.2 a>b v1 mm3
        4.3 b>a v1 mm4
        4.4 a>b v1 mm5
        4.5 b>a v1 mm6
        """
    ).peer
    (sa,) = peer.ike_sas
    assert (sa.retransmissions, sa.established_ns) == (2, at(4.5))
    expect_alive(peer)


def test_two_isakmp_sas_live_side_by_side(tell: Tell) -> None:
    """Both sides set one up; either goes on being asked about on its own."""
    peer = tell(
        SETUP
        + """
        1..100/0.5 a>b esp out
        1.1..100/0.5 b>a esp in
        sa 2 by b
        20 b>a v1 main-mode sa=2
        10..100/10 a>b v1 info 108
        10.02..100/10 b>a v1 info 108
        25..100/10 b>a v1 info 108 sa=2
        25.02..100/10 a>b v1 info 108 sa=2
        """
    ).peer
    assert {x.outcome for x in peer.exchanges} == {Outcome.ANSWERED}
    expect_alive(peer)


def test_deletes_of_equal_length_are_no_dead_peer(tell: Tell) -> None:
    """A Delete of four Child SAs is as long as an ISAKMP Delete (semantics 2.7)."""
    peer = tell(
        SETUP
        + """
        1..20/0.5 a>b esp out
        1.1..20/0.5 b>a esp in
        10 a>b v1 info 108
        10.02 b>a v1 info 108
        20 a>b v1 info 108
        20.002 a>b v1 info 108
        """
        + LATER
    ).peer
    assert times(peer) == [[at(10)]]
    assert PeerState.DEAD not in {s.state for s in peer.states}
    assert not peer.black_holes


CROSSING = """
1..60/0.2 a>b esp out
1.1..{back}/0.2 b>a esp in
10..60/4 a>b v1 info 108
10.0001..60/4 b>a v1 info 108
10.0003..60/4 a>b v1 info 108
"""
"""Both ask at one moment, since both heard each other last at one; a answers."""
BACK = "10.0004..60/4 b>a v1 info 108\n"


def test_questions_that_cross_are_not_each_others_answers(tell: Tell) -> None:
    peer = tell(SETUP + CROSSING.format(back=60) + BACK + LATER).peer
    by_prober = {who: [x for x in peer.exchanges if x.prober == who] for who in (A, B)}
    assert [len(mine) for mine in by_prober.values()] == [13, 13]
    assert {x.outcome for x in peer.exchanges} == {Outcome.ANSWERED}
    assert {x.first_ns % 10**9 for x in by_prober[B]} == {100_000}
    assert {x.rtt_ns for x in by_prober[A]} == {400_000}


def test_a_question_that_crosses_proves_no_way_there(tell: Tell) -> None:
    """From 20 s on nothing of a arrives: b hears nothing either, and asks without a word back."""
    text = SETUP + CROSSING.format(back=20)
    text += BACK.replace("60/4", "20/4") + "58.05..60/0.2 b>a esp in\n"
    peer = tell(text + LATER).peer
    late = [x for x in peer.exchanges if x.first_ns > at(20)]
    assert {(x.prober, x.outcome) for x in late if x.outcome is Outcome.ANSWERED} == {
        (B, Outcome.ANSWERED)
    }
    assert not [x for x in late if x.verdict_ns is not None]
    (hole,) = peer.black_holes
    assert (hole.sender, hole.black_hole_class) == (A, BlackHoleClass.TRANSIENT)
    assert (hole.last_proof_ns, hole.stop_ns) == (at(19.9), at(58.05))


TRAFFIC = "0.5..200/0.5 a>b esp out\n0.6..200/0.5 b>a esp in\n"
SERIES = "".join(f"{t}..{t + 10}/2 a>b v1 info 108\n" for t in (20, 60, 100))


def test_a_question_and_its_retries_again_and_again_in_a_living_tunnel(tell: Tell) -> None:
    """Five in 8 s, then a pause, three times: who is answered does not ask like that."""
    peer = tell(SETUP + TRAFFIC + SERIES).peer
    assert times(peer) == [[at(t + 2 * n) for n in range(5)] for t in (20, 60, 100)]
    assert {(x.outcome, x.verdict_ns, x.peer_heard) for x in peer.exchanges} == {
        (Outcome.UNANSWERED, None, True)
    }
    assert {x.confidence for x in peer.exchanges} == {Confidence.INFERRED}
    assert peer.unknown_informationals == 0
    expect_alive(peer)


@pytest.mark.parametrize(
    "series",
    [
        SERIES.replace("60..70/2", "60..70/5"),
        SERIES.replace("60..70/2", "60..65/2"),
        SERIES.replace("60..70/2 a>b v1 info 108", "60..70/2 a>b v1 info 124"),
        "20..180/2 a>b v1 info 108",
    ],
    ids=["another distance", "fewer", "another length", "without a pause"],
)
def test_what_is_not_repeated_alike_may_be_anything(tell: Tell, series: str) -> None:
    peer = tell(SETUP + TRAFFIC + series).peer
    assert not peer.exchanges
    assert peer.unknown_informationals
    expect_alive(peer)


def test_outages_of_one_length_are_no_peer_whose_ike_is_deaf(tell: Tell) -> None:
    """Who asks in silence only has no answer because nothing comes at all."""
    heard = ((0.6, 17), (32.1, 57), (72.1, 97), (112.1, 200))
    theirs = "".join(f"{since}..{until}/0.5 b>a esp in\n" for since, until in heard)
    peer = tell(SETUP + TRAFFIC.splitlines()[0] + "\n" + theirs + SERIES).peer
    assert {x.peer_heard for x in peer.exchanges} == {False}
    assert len(peer.black_holes) == 3
    assert all(hole.min_packets for hole in peer.black_holes)


# AES with SHA2-256: a Delete of one Child SA is 92 bytes long, as an R-U-THERE is with SHA-1.
RENEWED_CHILD = """
0.5..20/0.5 a>b esp out
0.6..20/0.5 b>a esp in
20 a>b v1 quick
20.1..72/0.5 a>b esp out2
20.2..52/0.5 b>a esp in2
30..60/10 a>b v1 info 108
30.02..60/10 b>a v1 info 108
60..70/3 a>b v1 info 108
"""


@pytest.mark.parametrize("deleted", [20.03, 25, 45])
def test_deletes_of_both_ends_are_no_measure_of_questions(tell: Tell, deleted: float) -> None:
    """A capture that begins late does not show how long an R-U-THERE of this SA is."""
    deletes = f"{deleted} a>b v1 info 92\n{deleted + 0.01} b>a v1 info 92\n"
    peer = tell(SETUP + RENEWED_CHILD + deletes + LATER + "capture 5..").peer
    asked = [x for x in peer.exchanges if x.first_ns != at(deleted)]
    assert [x.first_ns for x in asked] == [at(30), at(40), at(50), at(60)]
    assert asked[-1].outcome is Outcome.UNANSWERED
    assert len(asked[-1].transmissions) == 4
    assert peer.state is PeerState.DEAD


@pytest.mark.parametrize("deleted", [25, 45, 65])
def test_deletes_of_both_ends_long_after_a_quick_mode_are_no_question(
    tell: Tell, deleted: float
) -> None:
    """A pair of a length that nothing else has: nobody can tell what it is."""
    deletes = f"{deleted} a>b v1 info 92\n{deleted + 0.01} b>a v1 info 92\n"
    peer = tell(SETUP + RENEWED_CHILD + deletes + LATER + "capture 5..").peer
    assert at(deleted) not in [x.first_ns for x in peer.exchanges]
    assert peer.unknown_informationals == 2
    alone = RENEWED_CHILD.split("30..60/10")[0] + deletes + LATER
    peer = tell(SETUP + alone + "capture 5..").peer
    assert not peer.exchanges
    assert peer.unknown_informationals == 2
    assert peer.state is not PeerState.DEAD


def test_pairs_that_come_again_without_a_quick_mode_are_questions(tell: Tell) -> None:
    again = "25 a>b v1 info 92\n25.01 b>a v1 info 92\n45 a>b v1 info 92\n45.01 b>a v1 info 92\n"
    text = SETUP + RENEWED_CHILD.split("30..60/10")[0] + again + LATER
    assert [x.first_ns for x in tell(text + "capture 5..").peer.exchanges] == [at(25), at(45)]
    # After another Quick Mode each pair may be the Deletes of what was renewed.
    renewed = text + "40 b>a v1 quick\ncapture 5..\n"
    assert not tell(renewed).peer.exchanges


def test_deletes_right_after_a_quick_mode_are_no_question(tell: Tell) -> None:
    deletes = "20.03 a>b v1 info 92\n20.04 b>a v1 info 92\n"
    peer = tell(SETUP + RENEWED_CHILD + deletes + LATER + "capture 5..").peer
    assert peer.exchanges[0].first_ns == at(30)
    assert peer.unknown_informationals == 2
