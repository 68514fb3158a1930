"""Scenarios the engine does not tell right yet; each says what it should be.

A scenario leaves this file for its subject's as soon as it passes.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from analyzers.model.black_hole import BlackHole, BlackHoleClass, StopBasis
from analyzers.model.exchange import Outcome
from analyzers.model.peer import PeerState, PeerView
from analyzers.model.sa import SaEnd
from tests.scenarios.conftest import Tell
from tests.scenarios.test_any_story import SLOTS, SPANS, analyse, check, story
from tests.scenarios.timeline import at, capture

A, B = "192.0.2.1", "192.0.2.2"

SETUP = "0 a>b v2 handshake\n"
SETUP_V1 = "0 a>b v1 main-mode\n0.1 a>b v1 quick\n"
PEER_UNTIL_20 = "0.15..20/0.2 b>a esp in\n"
TRAFFIC = """
1..100/0.5 a>b esp out
1.1..100/0.5 b>a esp in
"""
LATER = "200 c:4500>a:4500 keepalive\n"


def times(peer: PeerView) -> list[list[int]]:
    return [[t.at_ns for t in x.transmissions] for x in peer.exchanges]


def outcomes(peer: PeerView) -> list[Outcome]:
    return [x.outcome for x in peer.exchanges]


def only(peer: PeerView) -> BlackHole:
    (hole,) = peer.black_holes
    assert (hole.sender, hole.receiver) == (A, B)
    return hole


def expect_alive(peer: PeerView) -> None:
    assert not peer.black_holes
    assert not {s.state for s in peer.states} & {PeerState.DEAD, PeerState.DELETED}


def test_deletes_of_equal_length_are_no_dead_peer(tell: Tell) -> None:
    """A Delete of four Child SAs is as long as an ISAKMP Delete (semantics 2.7)."""
    peer = tell(
        SETUP_V1
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


def test_answers_are_not_captured_but_traffic_is(tell: Tell) -> None:
    """Asymmetric path: questions in their interval, no answers, ESP from the peer: it lives."""
    peer = tell(
        SETUP_V1
        + """
        1..100/0.5 a>b esp out
        1.1..100/0.5 b>a esp in
        10..100/10 a>b v1 info 108
        """
    ).peer
    assert Outcome.UNANSWERED not in {x.outcome for x in peer.exchanges}
    expect_alive(peer)


def test_the_peer_asks_its_answers_are_not_captured(tell: Tell) -> None:
    peer = tell(
        SETUP_V1
        + """
        1..100/1 a>b esp out
        1.1..100/1 b>a esp in
        10..100/10 b>a v1 info 108
        """
    ).peer
    assert Outcome.UNANSWERED not in {x.outcome for x in peer.exchanges}
    expect_alive(peer)


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
    assert outcomes(peer) == [Outcome.ANSWERED]
    expect_alive(peer)


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


def test_cisco_peer_dies_the_delete_is_no_question_for_the_black_hole(tell: Tell) -> None:
    """Fact 12: the verdict comes before the Delete, and five questions were asked, not six."""
    peer = tell(
        SETUP_V1
        + """
        0.5..45.4/0.5 a>b esp out
        0.6..25/0.5 b>a esp in
        35.343 a>b v1 info 108
        37.351 a>b v1 info 108
        39.363 a>b v1 info 108
        41.375 a>b v1 info 108
        43.387 a>b v1 info 108
        45.411 a>b v1 info 108
        45.431 a>b v1 mm1 sa=2
        55.431 a>b v1 mm1 sa=2
        """
    ).peer
    hole = only(peer)
    assert hole.probes == 5
    assert hole.dead_ns is not None
    assert hole.dead_ns <= at(45.411)
    assert hole.dead_ns == peer.exchanges[0].verdict_ns
    assert (hole.stop_ns, hole.stop_basis) == (at(45.411), StopBasis.DELETE)


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


def test_deletes_of_other_child_sas_are_no_dead_peer(tell: Tell) -> None:
    """The suite is unknown: a Delete of 92 bytes has the length of some suite's R-U-THERE."""
    peer = tell(TRAFFIC + "20 a>b v1 info 92\n25 a>b v1 info 92\n").peer
    assert Outcome.UNANSWERED not in outcomes(peer)
    expect_alive(peer)


def test_the_peer_sends_on_while_questions_go_unanswered(tell: Tell) -> None:
    """Fresh ESP proves the peer alive (RFC 7296 section 2.4), before and after any verdict."""
    peer = tell(
        SETUP
        + TRAFFIC
        + """
        30 a>b liveness 2
        32 a>b liveness 2
        34 a>b liveness 2
        36 a>b liveness 2
        """
    ).peer
    assert peer.state is not PeerState.DEAD
    assert peer.ike_sas[0].end is not SaEnd.DEAD_PEER
    assert not peer.black_holes


def test_an_answer_that_was_not_captured_ends_no_sa(tell: Tell) -> None:
    """One question, never repeated, while the peer goes on sending: it was answered unseen."""
    peer = tell(SETUP + TRAFFIC + "30 a>b liveness 2\n").peer
    assert peer.ike_sas[0].end is None
    assert Outcome.UNANSWERED not in outcomes(peer)
    expect_alive(peer)


def test_the_questions_stop_when_traffic_returns(tell: Tell) -> None:
    """An on-idle asker that hears ESP drops its question: nobody died."""
    peer = tell(
        SETUP_V1
        + """
        1..100/0.5 a>b esp out
        1.1..20/0.5 b>a esp in
        26..100/0.5 b>a esp in
        5 a>b v1 info 108
        5.02 b>a v1 info 108
        22 a>b v1 info 108
        24 a>b v1 info 108
        """
    ).peer
    assert peer.state is PeerState.ALIVE
    assert peer.ike_sas[0].end is None
    (hole,) = peer.black_holes
    assert hole.black_hole_class is BlackHoleClass.TRANSIENT
    assert (hole.first_probe_ns, hole.recovered_ns) == (at(22), at(26))


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
        + """
        0.1..40/0.2 a>b esp out
        30 a>b liveness 2
        32 a>b liveness 2
        34 a>b liveness 2
        36 a>b liveness 2
        38 a>b liveness 2
        40 a>b delete 3
        """
        + LATER
    ).peer
    assert [x.outcome for x in peer.exchanges] == [Outcome.UNANSWERED]
    hole = only(peer)
    assert hole.black_hole_class is BlackHoleClass.DETECTED
    assert (hole.stop_ns, hole.stop_basis) == (at(40), StopBasis.DELETE)


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    version=st.sampled_from([1, 2]),
    slots=st.lists(SLOTS, min_size=1, max_size=9),
    gaps=SPANS,
    twice=st.booleans(),
    chunk_bytes=st.integers(64, 4000),
    batch_rows=st.integers(0, 200),
)
@example(
    version=1,
    slots=["unanswered"],
    gaps=[("in", 0, 5)],
    twice=False,
    chunk_bytes=64,
    batch_rows=0,
)
def test_any_story_cut_anywhere(
    tmp_path: Path,
    version: int,
    slots: list[str],
    gaps: list[tuple[str, int, int]],
    twice: bool,
    chunk_bytes: int,
    batch_rows: int,
) -> None:
    path = tmp_path / "story.pcap"
    path.write_bytes(capture(story(version, slots, gaps, twice)))
    peers = analyse(path, 1 << 22, 1 << 15)
    for peer in peers:
        check(peer)
    assert analyse(path, chunk_bytes, batch_rows) == peers
