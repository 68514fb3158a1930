"""Stories that the engine told wrong before: kept so that it never does again."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.export.story import moments
from analyzers.export.verdict import verdict_of
from analyzers.model.black_hole import BlackHole, BlackHoleClass, StopBasis
from analyzers.model.exchange import Outcome
from analyzers.model.finding import Severity
from analyzers.model.peer import PeerState, PeerView
from analyzers.model.records import Confidence
from analyzers.model.sa import SaEnd
from analyzers.session import Session
from tests.scenarios.conftest import Tell
from tests.scenarios.test_any_story import analyse
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


def outcomes(peer: PeerView) -> list[Outcome]:
    return [x.outcome for x in peer.exchanges]


def only(peer: PeerView) -> BlackHole:
    (hole,) = peer.black_holes
    assert (hole.sender, hole.receiver) == (A, B)
    return hole


def expect_alive(peer: PeerView) -> None:
    assert not peer.black_holes
    assert not {s.state for s in peer.states} & {PeerState.DEAD, PeerState.DELETED}


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


def test_the_same_spi_towards_two_peers(tell: Tell) -> None:
    """Receivers choose SPIs each on their own: two of them may choose the same one."""
    first, second = tell(
        """
        0 a>b v2 handshake
        0.5 a>c v2 handshake sa=2
        1..60/0.5 a>b esp same
        1.2..60/0.5 a>c esp same
        1.1..60/0.5 b>a esp in1
        1.3..20/0.5 c>a esp in2
        30 a>c liveness 2 sa=2
        32 a>c liveness 2 sa=2
        34 a>c liveness 2 sa=2
        """
    ).peers
    assert [p.remote for p in (first, second)] == [B, "192.0.2.3"]
    assert [len(p.esp_flows) for p in (first, second)] == [2, 2]
    expect_alive(first)
    assert second.state is PeerState.DEAD
    assert len(second.black_holes) == 1


def test_the_prober_gives_up_a_peer_that_is_still_heard(tell: Tell) -> None:
    """What a sends is lost, what b sends is not: a asks in vain, gives up and starts anew."""
    peer = tell(
        SETUP
        + """
        1..40/0.5 a>b esp out
        1.1..44/0.5 b>a esp in
        30 a>b liveness 2
        32 a>b liveness 2
        34 a>b liveness 2
        36 a>b liveness 2
        38 a>b liveness 2
        40 a>b v2 handshake sa=2
        40.5..60/0.5 a>b esp out2
        40.6..60/0.5 b>a esp in2
        """
    ).peer
    (exchange,) = peer.exchanges
    assert (exchange.outcome, exchange.verdict_ns) == (Outcome.UNANSWERED, at(40))
    assert peer.ike_sas[0].end is SaEnd.DEAD_PEER
    assert peer.state is PeerState.ALIVE


def test_a_batch_holds_nothing_but_duplicates(tmp_path: Path) -> None:
    """The second copies of a mirrored capture may come in a batch of their own."""
    path = tmp_path / "twice.pcap"
    path.write_bytes(capture("1.2 b>a esp in\n1.3002 a>b esp out\n5 a>b esp out\ntwice 0.0005"))
    whole = analyse(path, 1 << 22, 1 << 15)
    for chunk_bytes in range(64, 240, 5):
        assert analyse(path, chunk_bytes, 0) == whole


# --- the input ends between two retries ----------------------------------------------------

DEAD_GROWING = SETUP + PEER_UNTIL_20 + "30 a>b liveness 2\n34 a>b liveness 2\n41.2 a>b liveness 2\n"


def until(end: float) -> str:
    """A capture that is cut there, with a frame of somebody else just before."""
    return f"{end - 0.01:.2f} c:4500>a:4500 keepalive\ncapture 0..{end}"


def expect_open(peer: PeerView) -> None:
    """The question is out, and nobody can tell yet: no verdict, and nothing that needs one."""
    assert peer.exchanges[-1].outcome is Outcome.OPEN
    assert peer.exchanges[-1].verdict_ns is None
    assert peer.state is PeerState.PROBING
    assert peer.ike_sas[0].end is None
    assert not [h for h in peer.black_holes if h.dead_ns is not None]
    assert all(p.worst_case_s is None and p.retries is None for p in peer.policies)


@pytest.mark.parametrize("end", [34.1, 37.9, 41.1, 41.3, 48, 54.1, 56])
@pytest.mark.parametrize("traffic", ["", "0.1..90/0.2 a>b esp out\n"])
def test_growing_retries_are_awaited_to_the_end(tell: Tell, end: float, traffic: str) -> None:
    """The third retry is due at 54.16, and a clock may be late: until 56.7 nobody gave up."""
    expect_open(tell(DEAD_GROWING + traffic + until(end)).peer)


def test_growing_retries_that_stop(tell: Tell) -> None:
    peer = tell(DEAD_GROWING + "90 c:4500>a:4500 keepalive").peer
    assert (peer.exchanges[-1].outcome, peer.state) == (Outcome.UNANSWERED, PeerState.DEAD)
    assert peer.exchanges[-1].verdict_ns == at(54.16)


@pytest.mark.parametrize("end", [43.9, 45.99, 46.4])
@pytest.mark.parametrize("traffic", ["", "0.1..45.7/0.2 a>b esp out\n"])
def test_constant_retries_are_awaited_to_the_end(tell: Tell, end: float, traffic: str) -> None:
    """Four times every 2 s, and the fifth is answered: a capture cut before it tells nothing."""
    told = SETUP + PEER_UNTIL_20 + "38..45/2 a>b liveness 2\n"
    whole = told + "46 a>b liveness 2\n46.01 b>a liveness 2 resp\n" + traffic
    assert PeerState.DEAD not in {s.state for s in tell(whole).peer.states}
    if end < 46:
        expect_open(tell(whole + until(end)).peer)
    expect_open(tell(told + traffic + until(end)).peer)


def test_a_second_wait_as_long_as_the_first_may_still_grow(tell: Tell) -> None:
    """Libreswan: 0.5 s, 0.5 s, 1 s, 2 s and so on."""
    told = SETUP + "30 a>b liveness 2\n30.5 a>b liveness 2\n31 a>b liveness 2\n"
    expect_open(tell(told + until(32)).peer)


STEADY_QUESTIONS = {
    SETUP: "30..42/2 a>b liveness 2\n",
    SETUP_V1: "30..36/2 a>b v1 info 108\n",
}


@pytest.mark.parametrize("mirrored", ["", "twice 0.0004\n"])
@pytest.mark.parametrize("setup", STEADY_QUESTIONS)
def test_the_traffic_ends_when_the_last_retry_has_run_out(
    tell: Tell, setup: str, mirrored: str
) -> None:
    """An SA that is torn down takes its traffic along, and so does a capture that is cut there:
    no retry is missing yet, and the peer is not dead."""
    steady = setup + PEER_UNTIL_20 + STEADY_QUESTIONS[setup]
    end = 42 if setup is SETUP else 36
    told = tell(f"{steady}0.1..{end}/0.2 a>b esp out\n{mirrored}")
    peer = told.peer
    asked = peer.exchanges[-1]
    assert (asked.outcome, asked.verdict_ns) == (Outcome.UNANSWERED, None)
    assert peer.state is PeerState.PROBING
    assert peer.ike_sas[0].end is None
    hole = only(peer)
    assert hole.black_hole_class is BlackHoleClass.DETECTED
    assert hole.confidence is Confidence.SUSPECT
    (finding,) = told.of("dpd-no-ack")
    assert (finding.severity, finding.confidence) == (Severity.WARNING, Confidence.SUSPECT)
    assert "no answer came until the input ends, before the next retry was due" in finding.detail
    headline = " ".join(part.text for part in verdict_of([peer]).parts)
    assert "perhaps noticed as the capture ends" in headline
    (said,) = [moment.text for moment in moments(peer, hole) if "given up" in moment.text]
    assert said.startswith("perhaps given up (suspect: the capture ends 1.9 s after the last retry")


def test_a_question_on_an_sa_that_was_replaced(tell: Tell) -> None:
    """Make before break: the new SA carries everything, nobody answers on the old one any more."""
    peer = tell(
        SETUP
        + """
        0.1..50/0.2 a>b esp out
        0.15..50/0.2 b>a esp in
        50 a>b v2 handshake sa=2
        50.1..120/0.2 a>b esp out2
        50.15..120/0.2 b>a esp in2
        50.3 a>b liveness 2
        52.3 a>b liveness 2
        54.3 a>b liveness 2
        56.3 a>b liveness 2
        58.3 a>b liveness 2
        60..100/10 a>b liveness 2+ sa=2
        60.02..100/10 b>a liveness 2+ resp sa=2
        """
    ).peer
    expect_alive(peer)
    assert PeerState.PROBING not in {s.state for s in peer.states}
    assert [sa.end for sa in peer.ike_sas] == [SaEnd.REPLACED, None]


def test_nobody_knows_that_nobody_asked_where_ike_was_not_captured(tell: Tell) -> None:
    peer = tell(
        """
        0.1..130/0.2 a>b esp out
        0.15..40/0.2 b>a esp in
        100.15..130/0.2 b>a esp in
        """
    ).peer
    hole = only(peer)
    assert hole.black_hole_class is BlackHoleClass.TRANSIENT
    assert hole.confidence is Confidence.SUSPECT


@pytest.mark.parametrize("end", [41, 46, 49])
def test_the_questions_stop_and_the_sa_stays_in_use(tell: Tell, end: float) -> None:
    """The fifth try may have been answered unseen: a prober that goes on sending asks again."""
    told = SETUP + PEER_UNTIL_20 + "30..40/2 a>b liveness 2\n0.1..90/0.2 a>b esp out\n"
    expect_open(tell(told + until(end)).peer)
    assert tell(told + LATER).peer.state is PeerState.DEAD


def test_without_times_what_is_sent_again_is_no_duplicate_of_the_capture(tmp_path: Path):
    """A capture whose times are all the same cannot show that a mirror port recorded twice."""
    samples = Path(__file__).parents[2] / "sample_pcaps"
    data = bytearray((samples / "ikev2-dead-peer" / "capture.pcap").read_bytes())
    place = 24
    while place < len(data):
        size = int.from_bytes(data[place + 8 : place + 12], "little")
        data[place : place + 8] = bytes(8)
        place += 16 + size
    path = tmp_path / "untimed.pcap"
    path.write_bytes(data)
    session = Session()
    session.run([str(path)])
    (peer,) = session.peers()
    assert not any("recorded twice" in p.detail for p in session.sources[0].problems)
    assert max(len(x.transmissions) for x in peer.exchanges) == 6


def test_a_last_question_on_a_renewed_sa(tell: Tell) -> None:
    """It comes when one is due, and is the only one of its run: there is no distance in it."""
    peer = tell(
        SETUP_V1
        + """
        3 a>b v1 info 108
        5 a>b v1 info 108
        7 a>b v1 info 108
        9 a>b v1 main-mode sa=2
        12..20/3 a>b v1 info 108 sa=2
        12.01..20/3 b>a v1 info 108 sa=2
        20 a>b v1 main-mode sa=3
        21 a>b v1 info 108 sa=2
        30..40/3 a>b v1 info 108 sa=3
        30.01..40/3 b>a v1 info 108 sa=3
        60 c:4500>a:4500 keepalive
        """
    ).peer
    assert PeerState.DEAD not in {s.state for s in peer.states if s.start_ns > at(9)}
