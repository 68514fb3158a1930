"""Who is a peer behind NAT, and captures that repeat, reorder, merge or step their clock."""

from __future__ import annotations

import pytest

from analyzers.model.black_hole import BlackHoleClass
from analyzers.model.exchange import Outcome
from analyzers.model.peer import PeerState, PeerView
from analyzers.model.records import Confidence, ProblemKind
from tests.scenarios.conftest import Tell
from tests.scenarios.timeline import at

A, B, N, M = "192.0.2.1", "192.0.2.2", "198.51.100.1", "198.51.100.2"

SETUP = "0 a>b v2 handshake\n"
HEALTHY = (
    SETUP
    + """
    0.1..100/0.2 a>b esp out
    0.15..100/0.2 b>a esp in
    10..100/10 a>b liveness 2+
    10.02..100/10 b>a liveness 2+ resp
    """
)
DEAD = (
    SETUP
    + """
    0.1..40/0.2 a>b esp out              # 0.1 … 39.9
    0.15..20/0.2 b>a esp in              # … 19.95
    10 a>b liveness 2
    10.02 b>a liveness 2 resp
    30 a>b liveness 3
    32 a>b liveness 3
    34 a>b liveness 3
    36 a>b liveness 3
    38 a>b liveness 3
    200 c:4500>a:4500 keepalive
    """
)


def expect_healthy(peer: PeerView) -> None:
    assert {(x.outcome, x.retries) for x in peer.exchanges} == {(Outcome.ANSWERED, 0)}
    assert not peer.black_holes
    assert PeerState.DEAD not in {s.state for s in peer.states}


# --- addresses -----------------------------------------------------------------------------


def test_nat_gives_a_new_port(tell: Tell) -> None:
    peer = tell(
        """
        0 n:61000>b:4500 v2 handshake
        0.1..30/0.2 n:61000>b:4500 esp out
        0.15..30/0.2 b:4500>n:61000 esp in
        10 n:61000>b:4500 liveness 2
        10.02 b:4500>n:61000 liveness 2 resp
        30.1..60/0.2 n:62000>b:4500 esp out
        30.15..60/0.2 b:4500>n:62000 esp in
        40 n:62000>b:4500 liveness 3
        40.02 b:4500>n:62000 liveness 3 resp
        """
    ).peer
    assert {peer.local, peer.remote} == {N, B}
    assert len(peer.ike_sas) == 1
    assert len(peer.esp_flows) == 2
    assert len(peer.exchanges) == 2
    expect_healthy(peer)


def test_nat_gives_a_new_address(tell: Tell) -> None:
    """IKE announces the change before any ESP uses it."""
    told = tell(
        """
        0 n:61000>b:4500 v2 handshake
        0.1..30/0.2 n:61000>b:4500 esp out
        0.15..30/0.2 b:4500>n:61000 esp in
        30 m:62000>b:4500 notify 2
        30.02 b:4500>m:62000 notify 2 resp
        30.1..60/0.2 m:62000>b:4500 esp out
        30.15..60/0.2 b:4500>m:62000 esp in
        40 m:62000>b:4500 liveness 3
        40.02 b:4500>m:62000 liveness 3 resp
        """
    )
    (peer,) = told.peers
    assert len(peer.ike_sas) == 1
    assert ProblemKind.ADDRESS_CHANGED in told.problems
    expect_healthy(peer)


MOVES = """
    0 a>b v2 handshake
    0.1..30/0.2 a>b esp out
    0.15..30/0.2 b>a esp in
    10 a>b liveness 2
    10.02 b>a liveness 2 resp
    30.1..60/0.2 a>m esp out
    30.15..60/0.2 m>a esp in
    40 a>m liveness 3
    40.02 m>a liveness 3 resp
    """


@pytest.mark.parametrize("silent", [False, True])
def test_an_end_goes_over_to_another_address_of_its_peer(tell: Tell, silent: bool) -> None:
    """RFC 4555: the SPI stays, and what is sent there first is ESP."""
    told = tell(MOVES + "unseen m>a" * silent)
    (peer,) = told.peers
    assert {peer.local, peer.remote} == {A, M}
    assert sum(flow.packets for flow in peer.esp_flows if flow.sender == A) == 300
    assert ProblemKind.ADDRESS_CHANGED in told.problems
    assert len(peer.black_holes) == silent


def test_one_spi_towards_two_peers_is_two_tunnels(tell: Tell) -> None:
    """Each receiver chooses for itself, and a new SA counts from 1."""
    peers = tell("0.1..30/0.2 a>b esp out\n10.1..40/0.2 a>m esp out seq=1").peers
    assert len(peers) == 2


def test_the_float_to_port_4500(tell: Tell) -> None:
    peer = tell(
        """
        0 a:500>b:500 v2 sa-init
        0.01 b:500>a:500 v2 sa-init resp
        0.02 a:4500>b:4500 v2 auth 1
        0.03 b:4500>a:4500 v2 auth 1 resp
        0.1..30/0.2 a:4500>b:4500 esp out
        0.15..30/0.2 b:4500>a:4500 esp in
        10 a:4500>b:4500 liveness 2
        10.02 b:4500>a:4500 liveness 2 resp
        """
    ).peer
    assert len(peer.ike_sas) == 1
    assert {f.encapsulated for f in peer.esp_flows} == {True}
    expect_healthy(peer)


def test_the_float_behind_nat(tell: Tell) -> None:
    """Port 500 and port 4500 are two mappings of the NAT, with a port each."""
    peer = tell(
        """
        0 n:1011>b:500 v2 sa-init
        0.01 b:500>n:1011 v2 sa-init resp
        0.02 n:61000>b:4500 v2 auth 1
        0.03 b:4500>n:61000 v2 auth 1 resp
        0.1..30/0.2 n:61000>b:4500 esp out
        0.15..30/0.2 b:4500>n:61000 esp in
        10 n:61000>b:4500 liveness 2
        10.02 b:4500>n:61000 liveness 2 resp
        """
    ).peer
    assert len(peer.ike_sas) == 1
    expect_healthy(peer)


TWO_CLIENTS = """
0 n:1011>b:500 v2 sa-init
0.01 b:500>n:1011 v2 sa-init resp
0.02 n:61000>b:4500 v2 auth 1
0.03 b:4500>n:61000 v2 auth 1 resp
1 n:1012>b:500 v2 sa-init sa=2
1.01 b:500>n:1012 v2 sa-init resp sa=2
1.02 n:62000>b:4500 v2 auth 1 sa=2
1.03 b:4500>n:62000 v2 auth 1 resp sa=2
2.1..100/0.2 n:61000>b:4500 esp out1
2.15..100/0.2 b:4500>n:61000 esp in1
2.2..60/0.2 n:62000>b:4500 esp out2
2.25..20/0.2 b:4500>n:62000 esp in2
30 n:61000>b:4500 liveness 2
30.02 b:4500>n:61000 liveness 2 resp
30 n:62000>b:4500 liveness 2 sa=2
32 n:62000>b:4500 liveness 2 sa=2
34 n:62000>b:4500 liveness 2 sa=2
36 n:62000>b:4500 liveness 2 sa=2
"""


@pytest.mark.parametrize("port", [1012, 61000])
def test_two_clients_behind_one_address(tell: Tell, port: int) -> None:
    """One of them loses the hub; the other's traffic must not hide it, nor be blamed.

    A NAT may give to port 500 of the second what port 4500 of the first one has.
    """
    first, second = tell(TWO_CLIENTS.replace("1012", str(port))).peers
    assert [len(p.ike_sas) for p in (first, second)] == [1, 1]
    assert [len(p.esp_flows) for p in (first, second)] == [2, 2]
    expect_healthy(first)
    assert [x.outcome for x in second.exchanges] == [Outcome.UNANSWERED]
    assert second.state is PeerState.DEAD
    (hole,) = second.black_holes
    assert hole.black_hole_class is BlackHoleClass.SLOW_TEARDOWN
    assert (hole.min_packets, hole.max_packets) == (150, 200)  # 30.0 … 59.8, 20.0 … 59.8


def test_two_clients_set_up_side_by_side(tell: Tell) -> None:
    """The NAT left one of them its port: what answers there says nothing of the other one."""
    told = tell(
        """
        0 n:4500>b:4500 v2 handshake
        0.005 n:5001>b:4500 v2 handshake sa=2
        0.1..60/0.2 n:4500>b:4500 esp out1
        0.15..60/0.2 b:4500>n:4500 esp in1
        0.2..60/0.2 n:5001>b:4500 esp out2
        0.25..20/0.2 b:4500>n:5001 esp in2
        5..60/5 n:4500>b:4500 liveness 2+
        5.02..60/5 b:4500>n:4500 liveness 2+ resp
        10.1 n:5001>b:4500 liveness 2 sa=2
        10.12 b:4500>n:5001 liveness 2 resp sa=2
        25.1 n:5001>b:4500 liveness 3 sa=2
        27.1 n:5001>b:4500 liveness 3 sa=2
        31.1 n:5001>b:4500 liveness 3 sa=2
        39.1 n:5001>b:4500 liveness 3 sa=2
        55.1 n:5001>b:4500 liveness 3 sa=2
        """
    )
    (hole,) = told.peer.black_holes
    assert hole.black_hole_class is BlackHoleClass.OPEN
    assert (hole.last_proof_ns, hole.first_probe_ns) == (at(19.85), at(25.1))
    assert not told.of("dpd-alive-dataplane-dead")
    (asked,) = [x for x in told.peer.exchanges if x.retries]
    assert (asked.outcome, asked.confidence) == (Outcome.OPEN, Confidence.CERTAIN)


def test_keepalives_prove_nothing(tell: Tell) -> None:
    """RFC 3948 section 4: a NAT keepalive is no sign of life."""
    peer = tell(
        """
        0 n:61000>b:4500 v2 handshake
        0.1..40/0.2 n:61000>b:4500 esp out
        0.15..20/0.2 b:4500>n:61000 esp in
        21..60/1 b:4500>n:61000 keepalive
        30 n:61000>b:4500 liveness 2
        32 n:61000>b:4500 liveness 2
        34 n:61000>b:4500 liveness 2
        """
    ).peer
    assert peer.state is PeerState.DEAD
    (hole,) = peer.black_holes
    assert hole.last_proof_ns == at(19.95)


def test_two_peers_of_one_hub(tell: Tell) -> None:
    peers = tell(
        HEALTHY
        + """
        0.5 a>c v2 handshake sa=3
        1..100/0.5 a>c esp out3
        1.1..20/0.5 c>a esp in3
        30 a>c liveness 2 sa=3
        32 a>c liveness 2 sa=3
        34 a>c liveness 2 sa=3
        """
    ).peers
    assert [p.remote for p in peers] == [B, "192.0.2.3"]
    expect_healthy(peers[0])
    assert peers[1].state is PeerState.DEAD
    assert len(peers[1].black_holes) == 1


# --- order and clocks ----------------------------------------------------------------------


@pytest.mark.parametrize("later", [0.0005, 0.02, 0.05])
def test_every_frame_was_captured_twice(tell: Tell, later: float) -> None:
    once = tell(DEAD).peer
    told = tell(DEAD + f"twice {later}")
    peer = told.peer
    assert [x.retries for x in peer.exchanges] == [0, 4]
    assert peer.retransmissions == once.retransmissions == 4
    assert [f.packets for f in peer.esp_flows] == [200, 100]
    assert [f.missing_sequences for f in peer.esp_flows] == [0, 0]
    (hole,) = peer.black_holes
    assert (hole.min_packets, hole.max_packets) == (50, 100)
    assert hole.probes == 5
    assert ProblemKind.CAPTURE_DUPLICATE in told.problems


def test_every_ikev1_frame_was_captured_twice(tell: Tell) -> None:
    peer = tell(
        """
        0 a>b v1 main-mode
        0.1 a>b v1 quick
        1..50/0.5 a>b esp out
        1.1..50/0.5 b>a esp in
        10..50/10 a>b v1 info 108
        10.02..50/10 b>a v1 info 108
        twice 0.0005
        """
    ).peer
    assert len(peer.exchanges) == 4
    assert peer.unknown_informationals == 0
    assert peer.ike_sas[0].retransmissions == 0
    expect_healthy(peer)


def test_the_file_is_5_ms_out_of_order(tell: Tell) -> None:
    """Receive queues write when they please; the times are right."""
    ordered = tell(HEALTHY)
    shuffled = tell(
        HEALTHY.replace("10..100/10 a>b liveness 2+", "10..100/10 a>b liveness 2+ late=0.025")
    )
    expect_healthy(shuffled.peer)
    assert [x.first_ns for x in shuffled.peer.exchanges] == [
        x.first_ns for x in ordered.peer.exchanges
    ]
    assert {x.rtt_ns for x in shuffled.peer.exchanges} == {20_000_000}
    assert ProblemKind.TIME_BACKWARDS not in shuffled.problems


def test_the_clock_steps_back_an_hour(tell: Tell) -> None:
    told = tell(HEALTHY + "clock -3600 from 55")
    assert ProblemKind.TIME_BACKWARDS in told.problems
    peer = told.peer
    assert len(peer.exchanges) == 9
    assert {x.outcome for x in peer.exchanges} == {Outcome.ANSWERED}
    assert {x.retries for x in peer.exchanges} == {0}
    assert PeerState.DEAD not in {s.state for s in peer.states}
    assert not peer.black_holes


def test_the_clock_steps_back_an_hour_ikev1(tell: Tell) -> None:
    told = tell(
        """
        0 a>b v1 main-mode
        0.1 a>b v1 quick
        1..100/0.5 a>b esp out
        1.1..100/0.5 b>a esp in
        10..100/10 a>b v1 info 108
        10.02..100/10 b>a v1 info 108
        clock -3600 from 55
        """
    )
    assert ProblemKind.TIME_BACKWARDS in told.problems
    peer = told.peer
    assert {x.outcome for x in peer.exchanges} == {Outcome.ANSWERED}
    assert PeerState.DEAD not in {s.state for s in peer.states}
    assert not peer.black_holes


def test_the_clock_steps_back_between_question_and_answer(tell: Tell) -> None:
    told = tell(HEALTHY + "clock -3600 from 50.01")
    assert {x.outcome for x in told.peer.exchanges} == {Outcome.ANSWERED}
    assert PeerState.DEAD not in {s.state for s in told.peer.states}
    assert not told.peer.black_holes


def test_the_clock_steps_forward_an_hour(tell: Tell) -> None:
    peer = tell(HEALTHY + "clock 3600 from 55").peer
    expect_healthy(peer)


def test_two_halves_are_one_story(tell: Tell) -> None:
    whole = tell(DEAD)
    halves = tell(DEAD + "capture 0..31", DEAD + "capture 31..201")
    assert len(halves.sources) == 2
    peer, other = halves.peer, whole.peer
    assert [x.retries for x in peer.exchanges] == [0, 4]
    assert [x.outcome for x in peer.exchanges] == [x.outcome for x in other.exchanges]
    assert [h.max_packets for h in peer.black_holes] == [h.max_packets for h in other.black_holes]
    assert peer.states == other.states


@pytest.mark.parametrize("apart", [0.002, 0.02, 0.05])
def test_both_ends_were_captured(tell: Tell, apart: float) -> None:
    """The same frames a little later in another file: nothing is counted twice."""
    from_a = DEAD
    told = tell(from_a, from_a + f"clock {apart} from 0")
    peer = told.peer
    assert [x.retries for x in peer.exchanges] == [0, 4]
    assert [f.packets for f in peer.esp_flows] == [200, 100]
    (hole,) = peer.black_holes
    assert (hole.min_packets, hole.max_packets) == (50, 100)


def test_requests_in_one_file_and_answers_in_the_other(tell: Tell) -> None:
    """A tap a direction."""
    told = tell(HEALTHY + "unseen b>a", HEALTHY + "unseen a>b")
    peer = told.peer
    assert len(peer.exchanges) == 9
    expect_healthy(peer)
    assert ProblemKind.CAPTURE_INSUFFICIENT not in told.problems


def test_esp_comes_from_a_new_address_first(tell: Tell) -> None:
    """The same SPI from another address is the same peer, before IKE says so (semantics 5.6)."""
    told = tell(
        """
        0 n:61000>b:4500 v2 handshake
        0.1..30/0.2 n:61000>b:4500 esp out
        0.15..30/0.2 b:4500>n:61000 esp in
        30.1..60/0.2 m:62000>b:4500 esp out
        30.15..60/0.2 b:4500>m:62000 esp in
        40 m:62000>b:4500 liveness 2
        40.02 b:4500>m:62000 liveness 2 resp
        """
    )
    (peer,) = told.peers
    assert [x.outcome for x in peer.exchanges] == [Outcome.ANSWERED]
    expect_healthy(peer)


def test_answers_are_stamped_5_ms_before_their_questions(tell: Tell) -> None:
    """Two taps with clocks of their own: the answer seems to come first. Nobody is dead."""
    peer = tell(
        SETUP
        + """
        0.1..100/0.2 a>b esp out
        0.15..100/0.2 b>a esp in
        10..60/10 a>b liveness 2+
        9.995..60/10 b>a liveness 2+ resp
        """
    ).peer
    assert Outcome.UNANSWERED not in {x.outcome for x in peer.exchanges}
    assert not peer.black_holes
    assert PeerState.DEAD not in {s.state for s in peer.states}


def test_who_initiated_is_told_by_its_address_then(tell: Tell) -> None:
    """The local side moves: its SA was begun from where it was before."""
    peer = tell(
        """
        0 n:61000>b:4500 v2 handshake
        0.1..30/0.2 n:61000>b:4500 esp out
        0.15..30/0.2 b:4500>n:61000 esp in
        30.1..60/0.2 m:62000>b:4500 esp out
        30.15..60/0.2 b:4500>m:62000 esp in
        """
    ).peer
    assert (peer.local, peer.remote, peer.addresses) == (M, B, (B,))
    assert (peer.ike_sas[0].initiator, peer.ike_sas[0].responder) == (N, B)
    assert [f.sender in peer.addresses for f in peer.esp_flows].count(True) == 2
