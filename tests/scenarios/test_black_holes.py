"""Black holes: windows, bounds and phases computed by hand, and silences that are none."""

from __future__ import annotations

import pytest

from analyzers.export.formatting import lasted
from analyzers.model.black_hole import BlackHole, BlackHoleClass, PhaseName, StopBasis
from analyzers.model.exchange import Outcome
from analyzers.model.peer import PeerState, PeerView
from analyzers.model.records import ProblemKind
from analyzers.session import SessionOptions
from tests.scenarios.conftest import Tell
from tests.scenarios.timeline import at

A, B = "192.0.2.1", "192.0.2.2"

SETUP = "0 a>b v2 handshake\n"
# The peer's last packet leaves at 19.95; what is sent from 20.1 on is exposed.
FIVE_TRIES = """
0.1..40/0.2 a>b esp out
30 a>b liveness 2
32 a>b liveness 2
34 a>b liveness 2
36 a>b liveness 2
38 a>b liveness 2
"""
PEER_UNTIL_20 = "0.15..20/0.2 b>a esp in\n"
LATER = "200 c:4500>a:4500 keepalive\n"

# strongSwan: 4 s, growing by 1.8; the verdict at 54.16 + 23.328 = 77.488.
GROWING = """
30 a>b liveness 2
34 a>b liveness 2
41.2 a>b liveness 2
54.16 a>b liveness 2
"""
# Every 2 s, five times; the verdict at 40.
STEADY = """
30 a>b liveness 2
32 a>b liveness 2
34 a>b liveness 2
36 a>b liveness 2
38 a>b liveness 2
"""


def only(peer: PeerView) -> BlackHole:
    (hole,) = peer.black_holes
    assert (hole.sender, hole.receiver) == (A, B)
    return hole


def phases(hole: BlackHole) -> list[tuple[PhaseName, int, int]]:
    return [(p.name, p.start_ns, p.end_ns) for p in hole.phases]


def expect_alive(peer: PeerView) -> None:
    assert not peer.black_holes
    assert not {s.state for s in peer.states} & {PeerState.DEAD, PeerState.DELETED}


SLOW = (
    SETUP
    + PEER_UNTIL_20
    + GROWING
    + """
    0.1..77.5/0.2 a>b esp out            # 0.1 … 77.3
    77.5 a>b v2 handshake sa=2
    78..90/0.2 a>b esp out2
    78.1..90/0.2 b>a esp in2
    """
)


def test_slow_dpd_and_its_phases(tell: Tell) -> None:
    hole = only(tell(SLOW).peer)
    assert hole.black_hole_class is BlackHoleClass.SLOW_DPD
    assert (hole.last_proof_ns, hole.first_exposed_ns) == (at(19.95), at(20.1))
    assert (hole.questionable_ns, hole.first_probe_ns) == (at(21.1), at(30))
    assert (hole.stop_ns, hole.stop_basis) == (at(78), StopBasis.REPLACEMENT)
    assert hole.recovered_ns == at(78.1)
    assert hole.probes == 4
    assert hole.max_packets == 287  # 20.1 … 77.3 every 0.2 s
    assert hole.min_packets == 237  # 30.1 … 77.3
    assert hole.max_bytes == 287 * 100
    assert hole.max_seconds == pytest.approx(57.9)  # 20.1 … 78.0
    assert hole.min_seconds == pytest.approx(47.9)  # 30.1 … 78.0
    # The new SA is set up at 77.5, just after the verdict.
    assert hole.dead_ns == at(77.488)
    assert phases(hole) == [
        (PhaseName.UNQUESTIONED, at(20.1), at(21.1)),
        (PhaseName.UNPROBED, at(21.1), at(30)),
        (PhaseName.PROBING, at(30), at(77.488)),
        (PhaseName.TEARDOWN, at(77.488), at(78)),
        (PhaseName.RECOVERY, at(78), at(78.1)),
    ]


def test_the_budget_decides_what_is_slow(tell: Tell) -> None:
    hole = only(tell(SLOW, options=SessionOptions(budget_s=60)).peer)
    assert hole.black_hole_class is BlackHoleClass.DETECTED


def test_detected(tell: Tell) -> None:
    peer = tell(
        SETUP
        + PEER_UNTIL_20
        + STEADY
        + """
        0.1..40/0.2 a>b esp out          # 0.1 … 39.9
        """
        + LATER
    ).peer
    hole = only(peer)
    assert hole.black_hole_class is BlackHoleClass.DETECTED
    assert hole.dead_ns == at(40)
    assert (hole.stop_ns, hole.stop_basis) == (at(39.9), StopBasis.LAST_OUTBOUND)
    assert hole.recovered_ns is None
    assert (hole.min_packets, hole.max_packets) == (50, 100)  # 30.1 … 39.9, 20.1 … 39.9
    assert hole.max_seconds == pytest.approx(19.8)
    assert hole.min_seconds == pytest.approx(9.8)
    assert peer.exchanges[0].outcome is Outcome.UNANSWERED
    assert peer.state is PeerState.DEAD


def test_slow_teardown(tell: Tell) -> None:
    peer = tell(SETUP + PEER_UNTIL_20 + STEADY + "0.1..60/0.2 a>b esp out\n" + LATER).peer
    hole = only(peer)
    assert hole.black_hole_class is BlackHoleClass.SLOW_TEARDOWN
    assert (hole.dead_ns, hole.stop_ns) == (at(40), at(59.9))
    assert hole.phase_s(PhaseName.TEARDOWN) == pytest.approx(19.9)
    assert (hole.min_packets, hole.max_packets) == (150, 200)


def test_the_deletes_end_the_loss(tell: Tell) -> None:
    """IKEv1: the Deletes of Child SA and ISAKMP SA leave together with the verdict."""
    peer = tell(
        """
        0 a>b v1 main-mode
        0.06 a>b v1 quick
        0.1..40.4/0.2 a>b esp out        # 0.1 … 40.3
        0.15..20/0.2 b>a esp in
        30..39/2 a>b v1 info 108
        40.4 a>b v1 info 92
        40.402 a>b v1 info 108
        """
        + LATER
    ).peer
    hole = only(peer)
    assert hole.black_hole_class is BlackHoleClass.DETECTED
    assert at(40.4) <= hole.stop_ns <= at(40.402)
    assert hole.stop_basis is StopBasis.DELETE
    assert hole.dead_ns == at(40)
    assert hole.max_packets == 102  # 20.1 … 40.3
    assert len(peer.deletes) == 2


def test_missing_dpd(tell: Tell) -> None:
    peer = tell(
        SETUP
        + """
        0.1..70/0.2 a>b esp out          # 0.1 … 69.9
        0.15..20/0.2 b>a esp in
        60.15..70/0.2 b>a esp in         # back at 60.15
        """
    ).peer
    hole = only(peer)
    assert hole.black_hole_class is BlackHoleClass.MISSING_DPD
    assert (hole.first_probe_ns, hole.dead_ns, hole.probes) == (None, None, 0)
    assert hole.stop_ns == hole.recovered_ns == at(60.15)
    assert (hole.min_packets, hole.max_packets) == (0, 201)  # 20.1 … 60.1
    assert hole.min_seconds == 0
    assert hole.max_seconds == pytest.approx(40.05)
    assert phases(hole) == [
        (PhaseName.UNQUESTIONED, at(20.1), at(21.1)),
        (PhaseName.UNPROBED, at(21.1), at(60.15)),
    ]
    assert peer.state is PeerState.ALIVE


def test_missing_dpd_to_the_end(tell: Tell) -> None:
    """Three times the assumed worst case without a question: missing, capture end or not."""
    peer = tell(SETUP + PEER_UNTIL_20 + "0.1..120/0.2 a>b esp out\n").peer
    hole = only(peer)
    assert hole.black_hole_class is BlackHoleClass.MISSING_DPD
    assert hole.stop_basis is StopBasis.CAPTURE_END
    assert hole.max_packets == 500  # 20.1 … 119.9
    assert PeerState.DEAD not in {s.state for s in peer.states}


def test_a_short_outage_is_below_the_threshold(tell: Tell) -> None:
    text = (
        SETUP
        + """
        0.1..50/0.2 a>b esp out
        0.15..20/0.2 b>a esp in
        22.95..50/0.2 b>a esp in         # 2.85 s after the first exposed packet
        """
    )
    expect_alive(tell(text).peer)
    hole = only(tell(text, options=SessionOptions(black_hole_min_s=2)).peer)
    assert hole.max_seconds == pytest.approx(2.85)


def test_idle(tell: Tell) -> None:
    """A verdict, but nothing was sent into the silence: no packet was at risk."""
    peer = tell(SETUP + PEER_UNTIL_20 + "0.1..19.8/0.2 a>b esp out\n" + STEADY + LATER).peer
    hole = only(peer)
    assert hole.black_hole_class is BlackHoleClass.IDLE
    assert (hole.min_packets, hole.max_packets, hole.max_bytes) == (0, 0, 0)
    assert (hole.min_seconds, hole.max_seconds) == (0, 0)
    assert hole.dead_ns == at(40)
    assert peer.state is PeerState.DEAD


def test_no_traffic_and_no_verdict_is_nothing(tell: Tell) -> None:
    expect_alive(tell(SETUP + PEER_UNTIL_20 + "0.1..19.8/0.2 a>b esp out\n" + LATER).peer)


def test_data_plane(tell: Tell) -> None:
    peer = tell(
        SETUP
        + PEER_UNTIL_20
        + """
        0.1..80/0.2 a>b esp out          # 0.1 … 79.9
        30..80/10 a>b liveness 2+
        30.02..80/10 b>a liveness 2+ resp
        """
    ).peer
    hole = only(peer)
    assert hole.black_hole_class is BlackHoleClass.DATA_PLANE
    assert (hole.last_proof_ns, hole.first_exposed_ns) == (at(19.95), at(20.1))
    assert (hole.stop_ns, hole.stop_basis) == (at(79.9), StopBasis.CAPTURE_END)
    assert hole.max_packets == 300
    assert hole.dead_ns is None
    assert {x.outcome for x in peer.exchanges} == {Outcome.ANSWERED}
    assert PeerState.DEAD not in {s.state for s in peer.states}


RENEWED_AT_50 = """
0.1..50/0.5 a>b esp out
0.15..20/0.5 b>a esp in
5..50/5 b>a liveness 0+
5.02..50/5 a>b liveness 0+ resp
7..50/7 a>b liveness 2+
7.02..50/7 b>a liveness 2+ resp
50 a>b delete 9
50.01 b>a delete 9 resp
50.1 a>b v2 handshake sa=2
50.5..80/0.5 a>b esp out2
55..80/5 b>a liveness sa=2 0+
55.02..80/5 a>b liveness sa=2 0+ resp
57..80/7 a>b liveness sa=2 2+
57.02..80/7 b>a liveness sa=2 2+ resp
"""


def test_a_dead_data_plane_goes_on_on_the_next_sa(tell: Tell) -> None:
    """ESP came in on the SA before: that none comes on this one is no design."""
    peer = tell(SETUP + RENEWED_AT_50 + "70.05..80/0.5 b>a esp in2\n").peer
    told = [(h.black_hole_class, h.begin_ns, h.stop_ns) for h in peer.black_holes]
    plane = BlackHoleClass.DATA_PLANE
    assert told == [(plane, at(20.1), at(50)), (plane, at(50.5), at(70.05))]
    assert [(h.max_packets, h.recovered_ns) for h in peer.black_holes] == [
        (60, at(70.05)),
        (40, at(70.05)),
    ]
    peer = tell(SETUP + RENEWED_AT_50).peer
    assert [h.begin_ns for h in peer.black_holes] == [at(20.1), at(50.5)]


def test_a_dead_data_plane_that_ends_with_its_sa_is_one(tell: Tell) -> None:
    """Its IKE goes on beside that of the new one."""
    peer = tell(
        """
        0 a>b v2 handshake
        1..16.2/3 a>b esp out1
        1.01..16.2/3 b>a esp in1
        19 a>b delete 2
        19.01 b>a liveness 2 resp
        19.02 a>b v2 handshake sa=2
        19.2..35/3 a>b esp out2
        22..50/3 b>a liveness 0+ sa=2
        22.02..50/3 a>b liveness 0+ sa=2 resp
        37.1 a>b v2 handshake sa=3
        37.2..50/3 a>b esp out3
        40.21..50/3 b>a esp in3
        """
    ).peer
    (hole,) = peer.black_holes
    assert hole.black_hole_class is BlackHoleClass.DATA_PLANE
    assert (hole.max_packets, hole.recovered_ns) == (6, at(40.21))


def test_data_plane_that_comes_back(tell: Tell) -> None:
    peer = tell(
        SETUP
        + PEER_UNTIL_20
        + """
        0.1..80/0.2 a>b esp out
        30..80/10 a>b liveness 2+
        30.02..80/10 b>a liveness 2+ resp
        60.15..80/0.2 b>a esp in
        """
    ).peer
    hole = only(peer)
    assert hole.black_hole_class is BlackHoleClass.DATA_PLANE
    assert (hole.stop_ns, hole.recovered_ns) == (at(60.15), at(60.15))
    assert hole.max_packets == 201


@pytest.mark.parametrize("end", [34.1, 35, 37])
def test_the_capture_ends_among_the_retries(tell: Tell, end: float) -> None:
    """GROWING's third transmission is not due yet: the peer may live."""
    peer = tell(SETUP + PEER_UNTIL_20 + GROWING + f"0.1..90/0.2 a>b esp out\ncapture 0..{end}").peer
    hole = only(peer)
    assert hole.black_hole_class is BlackHoleClass.OPEN
    assert hole.stop_basis is StopBasis.CAPTURE_END
    assert hole.dead_ns is None
    assert peer.exchanges[0].outcome is Outcome.OPEN
    assert peer.state is PeerState.PROBING


def test_one_way_by_design_and_then_dead(tell: Tell) -> None:
    peer = tell(
        SETUP
        + """
        1..120/0.5 a>b esp out           # 1.0 … 119.5
        30..90/30 a>b liveness 2+
        30.02..90/30 b>a liveness 2+ resp
        90.2 a>b liveness 4
        92.2 a>b liveness 4
        94.2 a>b liveness 4
        96.2 a>b liveness 4
        """
        + LATER
    ).peer
    hole = only(peer)
    assert (hole.last_proof_ns, hole.first_probe_ns) == (at(60.02), at(90.2))
    assert hole.dead_ns == at(98.2)
    assert hole.black_hole_class is BlackHoleClass.SLOW_TEARDOWN
    assert peer.state is PeerState.DEAD


def test_one_direction_was_captured(tell: Tell) -> None:
    told = tell(
        SLOW + "unseen b>a",
    )
    (peer,) = told.peers
    expect_alive(peer)
    assert Outcome.UNANSWERED not in {x.outcome for x in peer.exchanges}
    assert ProblemKind.CAPTURE_INSUFFICIENT in told.problems


def test_one_direction_was_captured_ikev1(tell: Tell) -> None:
    told = tell(
        """
        0 a>b v1 main-mode
        0.1 a>b v1 quick
        1..200/0.5 a>b esp out
        10..200/10 a>b v1 info 108
        unseen b>a
        """
    )
    (peer,) = told.peers
    expect_alive(peer)
    assert Outcome.UNANSWERED not in {x.outcome for x in peer.exchanges}
    assert ProblemKind.CAPTURE_INSUFFICIENT in told.problems


def test_one_direction_was_captured_from_the_middle(tell: Tell) -> None:
    """Only the answers' direction: the questions were never seen."""
    told = tell(
        SETUP
        + """
        1..100/0.5 a>b esp out
        1.1..100/0.5 b>a esp in
        10..100/10 a>b liveness 2+
        10.02..100/10 b>a liveness 2+ resp
        unseen a>b
        capture 5..100
        """
    )
    (peer,) = told.peers
    expect_alive(peer)
    assert not peer.exchanges
    assert ProblemKind.CAPTURE_INSUFFICIENT in told.problems


def test_the_capture_starts_inside_the_silence(tell: Tell) -> None:
    peer = tell(SLOW + "capture 25..90").peer
    hole = only(peer)
    assert hole.last_proof_ns is None
    assert (hole.first_exposed_ns, hole.first_probe_ns) == (at(25.1), at(30))
    assert (hole.stop_ns, hole.recovered_ns) == (at(78), at(78.1))
    assert hole.max_packets == 262  # 25.1 … 77.3
    assert hole.min_packets == 237


def test_a_ping_every_5_s_that_loses_a_reply(tell: Tell) -> None:
    peer = tell(
        SETUP
        + """
        5..600/5 a>b esp out
        5.05..600/5 b>a esp in
        unseen b>a 300..301
        """
    ).peer
    expect_alive(peer)


def test_a_query_that_is_lost_once(tell: Tell) -> None:
    """DNS: a query now and then; one is lost and repeated after 5 s, then nobody asks for long."""
    peer = tell(
        SETUP
        + """
        10 a>b esp out
        10.03 b>a esp in
        47 a>b esp out
        47.03 b>a esp in
        60 a>b esp out                   # lost
        65 a>b esp out
        65.03 b>a esp in
        180 a>b esp out
        180.03 b>a esp in
        """
    ).peer
    expect_alive(peer)


def test_a_query_that_is_never_answered(tell: Tell) -> None:
    peer = tell(
        SETUP
        + """
        10 a>b esp out
        10.03 b>a esp in
        60 a>b esp out                   # lost, and the application gives up
        180 a>b esp out
        180.03 b>a esp in
        """
    ).peer
    expect_alive(peer)


def test_two_outages(tell: Tell) -> None:
    peer = tell(
        SETUP
        + """
        0.1..200/0.2 a>b esp out
        0.15..200/0.2 b>a esp in
        unseen b>a 40..70                # 39.95 is the last, 70.15 the first again
        unseen b>a 120..135
        """
    ).peer
    first, second = peer.black_holes
    assert (first.last_proof_ns, first.stop_ns) == (at(39.95), at(70.15))
    assert (second.last_proof_ns, second.stop_ns) == (at(119.95), at(135.15))
    assert [h.recovered_ns for h in peer.black_holes] == [at(70.15), at(135.15)]
    assert [h.max_packets for h in peer.black_holes] == [151, 76]
    assert {h.black_hole_class for h in peer.black_holes} == {BlackHoleClass.MISSING_DPD}


def test_a_second_death_after_a_recovery(tell: Tell) -> None:
    peer = tell(
        SLOW.replace("78..90/0.2 a>b esp out2", "78..160/0.2 a>b esp out2")
        + """
        100 a>b liveness 2 sa=2
        102 a>b liveness 2 sa=2
        104 a>b liveness 2 sa=2
        106 a>b liveness 2 sa=2
        """
        + LATER
    ).peer
    first, second = peer.black_holes
    assert first.black_hole_class is BlackHoleClass.SLOW_DPD
    assert first.recovered_ns == at(78.1)
    assert (second.last_proof_ns, second.first_probe_ns) == (at(89.9), at(100))
    assert second.dead_ns == at(108)
    assert second.black_hole_class is BlackHoleClass.SLOW_TEARDOWN
    assert peer.state is PeerState.DEAD


def test_loss_in_one_direction_only(tell: Tell) -> None:
    """b hears nothing from a, but goes on sending: it is b's packets that prove nothing is lost."""
    peer = tell(
        SETUP
        + """
        0.1..60/0.2 a>b esp out
        0.15..60/0.2 b>a esp in
        unseen a>b 20..50                # a sends nothing that is seen
        """
    ).peer
    # Seen from b, nothing came back for 30 s while b kept sending.
    (hole,) = peer.black_holes
    assert (hole.sender, hole.receiver) == (B, A)
    assert (hole.last_proof_ns, hole.stop_ns) == (at(19.9), at(50.1))


def test_one_child_sa_of_two_is_quiet(tell: Tell) -> None:
    """A second Child SA that nobody uses is no black hole."""
    peer = tell(
        SETUP
        + """
        1..60/0.5 a>b esp out
        1.1..60/0.5 b>a esp in
        10..20/0.5 a>b esp out2
        10.1..20/0.5 b>a esp in2
        """
    ).peer
    expect_alive(peer)


def test_sending_ends_with_an_unanswered_packet(tell: Tell) -> None:
    """The last packet of a talk gets no reply; hours pass; the next talk is fine."""
    peer = tell(
        SETUP
        + """
        1..20/0.5 a>b esp out
        1.1..19.5/0.5 b>a esp in
        3600..3620/0.5 a>b esp out
        3600.1..3620/0.5 b>a esp in
        """
    ).peer
    expect_alive(peer)


def test_a_replayed_packet_is_no_proof(tell: Tell) -> None:
    """Old sequence numbers prove nothing (RFC 7296 section 2.4: fresh messages only)."""
    peer = tell(
        SETUP
        + PEER_UNTIL_20
        + STEADY
        + """
        0.1..40/0.2 a>b esp out
        25..40/1 b>a esp in seq=5
        """
        + LATER
    ).peer
    hole = only(peer)
    assert hole.last_proof_ns == at(19.95)
    assert peer.state is PeerState.DEAD


def test_both_sides_give_each_other_up(tell: Tell) -> None:
    """The link between them is cut; the capture stands on it and sees both retry."""
    peer = tell(
        SETUP
        + """
        0.1..40/0.2 a>b esp out
        0.15..20/0.2 b>a esp in
        30 a>b liveness 2
        32 a>b liveness 2
        34 a>b liveness 2
        """
        + LATER
    ).peer
    assert peer.state is PeerState.DEAD
    assert {h.sender for h in peer.black_holes} == {A}


def test_the_prober_is_the_responder(tell: Tell) -> None:
    """The side that is called remote loses the local one: its black hole, its verdict."""
    peer = tell(
        SETUP
        + """
        0.1..20/0.2 a>b esp out
        0.15..40/0.2 b>a esp in
        30 b>a liveness 0
        32 b>a liveness 0
        34 b>a liveness 0
        """
        + LATER
    ).peer
    (hole,) = peer.black_holes
    assert (hole.sender, hole.receiver, hole.first_probe_ns) == (B, A, at(30))
    assert (hole.last_proof_ns, hole.dead_ns) == (at(19.9), at(36))


def test_pauses_of_20_s_are_the_pace_of_the_flow(tell: Tell) -> None:
    """A report every 20 s is all that comes back; once it comes after 40 s."""
    peer = tell(
        SETUP
        + """
        1..600/1 a>b esp out
        1.1..5/1 b>a esp in
        20.1..600/20 b>a esp in
        unseen b>a 399..401
        """
    ).peer
    expect_alive(peer)


def test_pauses_of_20_s_from_the_start(tell: Tell) -> None:
    """The same pace without anything faster before it."""
    peer = tell(SETUP + "1..600/1 a>b esp out\n20.1..600/20 b>a esp in\n").peer
    expect_alive(peer)


def test_packets_at_the_moment_of_the_question_count(tell: Tell) -> None:
    """At or after the first unanswered question (contract): equal times are at, not before."""
    peer = tell(
        SETUP
        + PEER_UNTIL_20
        + """
        0.1..40/0.1 a>b esp out
        30 a>b liveness 2
        32 a>b liveness 2
        34 a>b liveness 2
        """
        + LATER
    ).peer
    assert only(peer).min_packets == 100  # 30.0 … 39.9


def test_transient_with_a_retry(tell: Tell) -> None:
    peer = tell(
        SETUP
        + """
        0.1..50/0.2 a>b esp out
        0.15..20/0.2 b>a esp in
        30 a>b liveness 2
        34 a>b liveness 2
        37.15..50/0.2 b>a esp in         # back at 37.15
        41.2 a>b liveness 2
        41.22 b>a liveness 2 resp
        """
    ).peer
    hole = only(peer)
    assert hole.black_hole_class is BlackHoleClass.TRANSIENT
    assert (hole.stop_ns, hole.recovered_ns) == (at(37.15), at(37.15))
    assert hole.dead_ns is None
    assert (hole.min_packets, hole.max_packets) == (36, 86)  # 30.1 … 37.1, 20.1 … 37.1
    assert hole.min_seconds == pytest.approx(7.05)
    assert hole.max_seconds == pytest.approx(17.05)
    assert [x.outcome for x in peer.exchanges] == [Outcome.ANSWERED]
    assert peer.state is PeerState.ALIVE


def test_the_capture_ends_soon_after_the_silence_began(tell: Tell) -> None:
    """12 s are within what a detector may take: nothing is known to be missing (semantics 5.6)."""
    peer = tell(SETUP + PEER_UNTIL_20 + "0.1..32/0.2 a>b esp out\n").peer
    hole = only(peer)
    assert hole.black_hole_class is BlackHoleClass.OPEN
    assert hole.stop_basis is StopBasis.CAPTURE_END


def test_one_way_by_design(tell: Tell) -> None:
    """An hour of syslog: nothing ever comes back in ESP, and nothing should."""
    peer = tell(
        SETUP
        + """
        1..3600/2 a>b esp out
        30..3600/30 a>b liveness 2+
        30.02..3600/30 b>a liveness 2+ resp
        """
    ).peer
    assert {x.outcome for x in peer.exchanges} == {Outcome.ANSWERED}
    expect_alive(peer)


def test_one_way_by_design_without_rounds_of_liveness(tell: Tell) -> None:
    """The peer asks, the sender answers: its questions prove it as well."""
    peer = tell(
        SETUP
        + """
        1..600/1 a>b esp out
        20..600/20 b>a liveness 0+
        20.02..600/20 a>b liveness 0+ resp
        """
    ).peer
    expect_alive(peer)


def test_the_capture_starts_inside_and_the_peer_returns(tell: Tell) -> None:
    peer = tell(
        """
        0.1..60/0.2 a>b esp out
        5 a>b liveness 7
        9 a>b liveness 7
        16.2 a>b liveness 7
        16.22 b>a liveness 7 resp
        16.4..60/0.2 b>a esp in
        """
    ).peer
    hole = only(peer)
    assert hole.black_hole_class is BlackHoleClass.TRANSIENT
    assert hole.last_proof_ns is None
    assert hole.first_exposed_ns == at(0.1)
    assert hole.dead_ns is None
    assert peer.exchanges[0].outcome is Outcome.ANSWERED
    assert peer.state is PeerState.ALIVE


def test_transient_that_the_answer_ends(tell: Tell) -> None:
    """The retries before the answer are the question's; they bound what was lost."""
    peer = tell(
        SETUP
        + """
        0.1..60/0.2 a>b esp out
        0.15..20/0.2 b>a esp in
        30 a>b liveness 2
        34 a>b liveness 2
        41.2 a>b liveness 2
        41.22 b>a liveness 2 resp
        41.35..60/0.2 b>a esp in
        """
    ).peer
    hole = only(peer)
    assert hole.black_hole_class is BlackHoleClass.TRANSIENT
    assert (hole.first_probe_ns, hole.probes) == (at(30), 3)
    assert hole.dead_ns is None
    assert hole.min_packets == 56  # 30.1 … 41.1
    assert at(41.22) <= hole.stop_ns <= at(41.35)


@pytest.mark.parametrize("end", [37.9, 40])
def test_the_second_retry_of_growing_ones_is_not_due(tell: Tell, end: float) -> None:
    """IKEv2 retries grow (RFC 7296 section 2.4): one gap of 4 s does not make the next one 4 s."""
    peer = tell(
        SETUP
        + PEER_UNTIL_20
        + f"""
        0.1..90/0.2 a>b esp out
        30 a>b liveness 2
        34 a>b liveness 2
        capture 0..{end}
        """
    ).peer
    assert [x.outcome for x in peer.exchanges] == [Outcome.OPEN]
    assert peer.state is PeerState.PROBING
    assert only(peer).black_hole_class is BlackHoleClass.OPEN


def test_a_delete_after_five_tries_is_no_answer(tell: Tell) -> None:
    """Some stacks send a Delete when they give up, window or not: that proves no answer."""
    peer = tell(
        SETUP
        + PEER_UNTIL_20
        + FIVE_TRIES
        + """
        40 a>b delete 3
        """
        + LATER
    ).peer
    assert [x.outcome for x in peer.exchanges] == [Outcome.UNANSWERED]
    hole = only(peer)
    assert hole.black_hole_class is BlackHoleClass.DETECTED
    assert (hole.stop_ns, hole.stop_basis) == (at(40), StopBasis.DELETE)


def test_what_a_delete_ended_is_no_longer_or_shorter_once_the_tunnel_is_back(tell: Tell) -> None:
    told = (
        SETUP
        + PEER_UNTIL_20
        + FIVE_TRIES
        + """
        40.1 a>b delete 3
        """
    )
    back = """
        50 a>b v2 handshake sa=2
        50.5..60/0.2 a>b esp out2
        50.6..60/0.2 b>a esp in2
        """
    before, after = only(tell(told + LATER).peer), only(tell(told + back).peer)
    assert (before.stop_ns, before.stop_basis) == (at(40.1), StopBasis.DELETE)
    assert (after.stop_ns, after.stop_basis) == (at(40.1), StopBasis.DELETE)
    assert before.max_seconds == after.max_seconds
    assert after.recovered_ns == at(50.6)


def test_esp_that_was_hardly_ever_answered_is_not_lost_before_a_question_that_is(
    tell: Tell,
) -> None:
    """One answer, as that of a host that nobody listens on, makes no traffic both ways."""
    story = """
        0 a>b v2 handshake
        0.2..12/0.2 a>b esp out
        0.21 b>a esp in
        5 a>b liveness 2
        5.01 b>a liveness 2 resp
        10 a>b liveness 3
        10.01 b>a liveness 3 resp
        """
    renewed = """
        12.1 a>b v2 handshake sa=2
        12.2..16/0.2 a>b esp out2
        12.21..16/0.2 b>a esp in2
        """
    for text in (story, story + renewed):
        assert tell(text).peer.black_holes == ()


BOTH_DEAD = """
    0 a>b v2 handshake
    0.2..{out}/0.2 a>b esp out
    0.21..10/0.2 b>a esp in
    15 b>a liveness 0
    15.01 a>b liveness 0 resp
    """
"""ESP is dead both ways from 10 s on, and b, which hears nothing any more, asks once."""


def test_a_question_of_the_other_side_ends_no_silence_of_esp(tell: Tell) -> None:
    text = BOTH_DEAD.format(out=30) + "17.01..30/0.2 b>a esp in\n"
    (hole,) = (h for h in tell(text).peer.black_holes if h.sender == A)
    assert hole.last_proof_ns == at(9.81)
    assert hole.stop_ns == at(17.01)
    assert hole.max_packets == 36


def test_a_question_in_vain_after_one_of_the_other_side_is_of_the_same_outage(tell: Tell) -> None:
    text = BOTH_DEAD.format(out=28) + "20..26.1/2 a>b liveness 2\n"
    for rest in ("28 a>b v2 sa-init 0 sa=2\n", "60 c:4500>a:4500 keepalive\n"):
        (hole,) = (h for h in tell(text + rest).peer.black_holes if h.sender == A)
        assert (hole.last_proof_ns, hole.first_probe_ns) == (at(9.81), at(20))
        before = tell(text.partition("15 b>a")[0] + LATER).peer.black_holes[0]
        assert hole.first_exposed_ref == before.first_exposed_ref
        assert hole.dead_ns == at(28)
        assert hole.max_packets == 90


def test_an_answer_to_ones_own_question_begins_a_silence_anew(tell: Tell) -> None:
    """What was asked and answered at 15 s has proven the way there and back."""
    text = BOTH_DEAD.replace("b>a liveness 0", "a>b liveness 2", 1).format(out=28)
    text = text.replace("a>b liveness 0 resp", "b>a liveness 2 resp")
    text += "20..26.1/2 a>b liveness 3\n28 a>b v2 sa-init 0 sa=2\n"
    (hole,) = (h for h in tell(text).peer.black_holes if h.first_probe_ns == at(20))
    assert hole.last_proof_ns == at(15.01)


def test_who_asks_after_a_single_packet_is_probing(tell: Tell) -> None:
    """Nothing was sent late enough to doubt the peer; the question began all the same."""
    text = """
        0 a>b v2 handshake
        1..11/3 a>b esp out
        1.001..11/3 b>a esp in
        10.002 a>b esp out
        13..17.1/2 a>b liveness 2
        19 a>b delete 3
        """
    (hole,) = tell(text).peer.black_holes
    spent = {phase.name: phase.start_ns for phase in hole.phases}
    assert spent == {PhaseName.UNQUESTIONED: at(10.002), PhaseName.PROBING: at(13)}


def test_a_silence_that_is_older_than_the_capture(tell: Tell) -> None:
    """Its flow counts from before the capture: how long nothing had come by then is not in it."""
    back = "33.15..60/0.2 b>a esp in\n40..60/0.2 a>b esp out\n"
    whole = SETUP + "0.1..40/0.2 a>b esp out\n" + PEER_UNTIL_20 + back
    told = only(tell(whole).peer)
    cut = only(tell(whole + "unseen a>b 0..25\nunseen b>a 0..25\n").peer)
    assert (told.begun_before, cut.begun_before) == (False, True)
    assert not lasted([told]).endswith(" or more")
    assert lasted([cut]).endswith(" or more")


BOTH_TEST = """
0 a>b v1 main-mode
0.1 a>b v1 quick
5..665/20 a>b esp out
5.03..605/20 b>a esp in
9..605/20 b>a esp in
9.001..605/20 a>b esp out
1100 c:4500>a:4500 keepalive
"""


def test_both_ends_test_the_tunnel_and_one_is_gone(tell: Tell) -> None:
    """Of two tests a cycle the longer wait is the usual one; four in vain are none."""
    told = tell(BOTH_TEST)
    (hole,) = told.peer.black_holes
    assert hole.black_hole_class is BlackHoleClass.MISSING_DPD
    assert (hole.last_proof_ns, hole.max_packets) == (at(589), 4)
    assert told.peer.state is PeerState.QUESTIONABLE
    assert told.of("liveness-not-probed-one-way-out")


def test_waits_that_are_not_all_alike_have_no_rhythm(tell: Tell) -> None:
    """Where some are twice as long as usual, a pause of a few of them is nothing."""
    text = "0 a>b v1 main-mode\n0.1 a>b v1 quick\n"
    at_s = 1.0
    for number in range(60):
        text += f"{at_s:.2f} a>b esp out\n"
        at_s += (10, 11, 20)[number % 3]
        text += f"{at_s:.2f} b>a esp in\n"
    text += f"{at_s + 1:.2f}..{at_s + 112:.2f}/10 a>b esp out\n"
    text += f"{at_s + 112:.2f} b>a esp in\n{at_s + 400:.2f} c:4500>a:4500 keepalive\n"
    assert not tell(text).peer.black_holes
