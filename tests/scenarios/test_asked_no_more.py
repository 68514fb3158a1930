"""Who asks once or twice, gets no answer, and asks no more while the capture goes on for minutes.

Few tries are no verdict by themselves (dpd-semantics 3), and the input does not end before the
silence can be judged either.
"""

from __future__ import annotations

import pytest

from analyzers.export.hole_reasons import class_why
from analyzers.export.words import state_means
from analyzers.model.black_hole import BlackHole, BlackHoleClass, PhaseName, StopBasis
from analyzers.model.exchange import Outcome
from analyzers.model.peer import PeerState, PeerView
from analyzers.model.records import Confidence
from analyzers.model.sa import SaEnd
from tests.scenarios.conftest import Tell
from tests.scenarios.timeline import at

SETUP = "0 a>b v2 handshake\n"
SETUP_V1 = "0 a>b v1 main-mode\n0.2 a>b v1 quick\n"
UNTIL_60 = "0.5..60/0.5 a>b esp out\n0.55..60/0.5 b>a esp in\n"
"""The last proof is at 59.55, the last packet at 59.5."""
GOES_ON = "60..400/0.5 a>b esp out\n"
ELSEWHERE = "0.2..400/1 a>c esp out-c\n0.25..400/1 c>a esp in-c\n"
"""The prober is there, and captured: it goes on with somebody else."""
ONCE = "70 a>b liveness 2\n"
TWICE = ONCE + "74 a>b liveness 2\n"
"""The third one would come within 9.6 s."""


def only(peer: PeerView) -> BlackHole:
    (hole,) = peer.black_holes
    return hole


def states(peer: PeerView) -> list[tuple[PeerState, int]]:
    return [(span.state, span.start_ns) for span in peer.states][2:]


@pytest.mark.parametrize(("asked", "ceased_s"), [(ONCE, 100), (TWICE, 83.6)])
def test_the_prober_sends_on(tell: Tell, asked: str, ceased_s: float) -> None:
    told = tell(SETUP + UNTIL_60 + GOES_ON + asked)
    peer = told.peer
    assert states(peer) == [
        (PeerState.QUESTIONABLE, at(61)),
        (PeerState.PROBING, at(70)),
        (PeerState.QUESTIONABLE, at(ceased_s)),
    ]
    assert state_means(peer) == "packets went out, nothing fresh came back, and nobody asked again"
    (exchange,) = peer.exchanges
    assert (exchange.outcome, exchange.verdict_ns) == (Outcome.UNANSWERED, None)
    assert peer.ike_sas[0].end is None
    hole = only(peer)
    assert hole.black_hole_class is BlackHoleClass.OPEN
    assert (hole.stop_basis, hole.ceased_ns) == (StopBasis.CAPTURE_END, at(ceased_s))
    assert class_why(hole) == "its questions stopped without an answer, and without a verdict"
    assert hole.confidence is Confidence.INFERRED
    probing = next(p for p in hole.phases if p.name is PhaseName.PROBING)
    assert (probing.start_ns, probing.end_ns) == (at(70), at(ceased_s))
    (finding,) = told.of("dpd-no-ack")
    assert "no answer came, and it was not asked again in the 5 min" in finding.detail
    assert not told.of("capture-insufficient")


@pytest.mark.parametrize("end", [120, 180])
def test_a_retry_may_still_come(tell: Tell, end: float) -> None:
    """Cisco takes retries of a minute, and a capture may lose one."""
    peer = tell(SETUP + UNTIL_60 + GOES_ON + TWICE + f"capture 0..{end}").peer
    assert peer.state is PeerState.PROBING
    assert only(peer).ceased_ns is None


def test_who_asks_seldom_is_awaited_for_several_intervals(tell: Tell) -> None:
    """Every 100 s: after 330 s nothing is missing that would have to be there."""
    text = SETUP + "100 a>b liveness 2\n100.02 b>a liveness 2 resp\n200 a>b liveness 3\n"
    text += "200.02 b>a liveness 3 resp\n0.5..700/0.5 a>b esp out\n0.55..200/0.5 b>a esp in\n"
    text += "300 a>b liveness 4\n"
    assert tell(text + "capture 0..595").peer.state is PeerState.PROBING
    assert tell(text).peer.state is PeerState.QUESTIONABLE


def test_its_traffic_ends_with_its_tries(tell: Tell) -> None:
    """charon with retransmit_tries = 1: it gave the peer up, and its SA went with that."""
    told = tell(SETUP + UNTIL_60 + TWICE + ELSEWHERE + "60..82/0.5 a>b esp out\n")
    peer, _ = told.peers
    (exchange,) = peer.exchanges
    assert exchange.verdict_ns == at(82)
    assert (peer.state, peer.confidence) == (PeerState.DEAD, Confidence.INFERRED)
    assert peer.ike_sas[0].end is SaEnd.DEAD_PEER
    hole = only(peer)
    assert (hole.black_hole_class, hole.dead_ns) == (BlackHoleClass.DETECTED, at(82))
    assert (hole.stop_basis, hole.dead_basis) == (StopBasis.LAST_OUTBOUND, "inferred")


def test_one_try_tells_no_schedule(tell: Tell) -> None:
    """When it gave up, and whether, nothing tells."""
    peer, _ = tell(SETUP + UNTIL_60 + ONCE + ELSEWHERE + "60..74/0.5 a>b esp out\n").peers
    assert states(peer)[-1] == (PeerState.UNKNOWN, at(100))
    assert state_means(peer) == "the peer was asked, did not answer, and was not asked again"
    assert only(peer).black_hole_class is BlackHoleClass.OPEN


@pytest.mark.parametrize(
    ("traffic", "state"),
    [("", PeerState.UNKNOWN), ("60..110/0.5 a>b esp out\n", PeerState.QUESTIONABLE)],
)
def test_traffic_that_ends_by_itself_is_no_verdict(
    tell: Tell, traffic: str, state: PeerState
) -> None:
    peer, _ = tell(SETUP + UNTIL_60 + TWICE + ELSEWHERE + traffic).peers
    assert peer.exchanges[0].verdict_ns is None
    assert states(peer)[-1] == (state, at(83.6))
    assert peer.ike_sas[0].end is None


def test_sparse_traffic_ends_with_the_tries_by_chance(tell: Tell) -> None:
    text = SETUP + "2..60/12 a>b esp out\n2.05..60/12 b>a esp in\n62..80/12 a>b esp out\n"
    peer, _ = tell(text + TWICE + ELSEWHERE).peers
    assert peer.exchanges[0].verdict_ns is None
    assert peer.state is PeerState.UNKNOWN


@pytest.mark.parametrize(
    "others",
    [
        "",
        # Others are captured, the prober is not.
        "0.2..400/1 c>m esp out-c\n0.25..400/1 m>c esp in-c\n",
        # So is somebody else behind the same NAT, with the same other end.
        "0.1 a:2222>b:4500 v2 handshake sa=9\n0.2..400/1 a:2222>b:4500 esp n\n"
        "0.25..400/1 b:4500>a:2222 esp m\n",
    ],
)
def test_a_prober_that_is_not_there_any_more_gave_nobody_up(tell: Tell, others: str) -> None:
    """Neither its ESP nor its IKE is captured any more: it died, or the capture lost it."""
    setup = SETUP.replace("a>b", "a:1111>b:4500") if "2222" in others else SETUP
    text = setup + UNTIL_60 + "60..82/0.5 a>b esp out\n400 c>b keepalive\n" + TWICE
    if "2222" in others:
        text = text.replace("a>b esp", "a:1111>b:4500 esp").replace("b>a esp", "b:4500>a:1111 esp")
        text = text.replace("a>b liveness", "a:1111>b:4500 liveness")
    peer = next(p for p in tell(text + others).peers if p.exchanges)
    assert peer.exchanges[0].verdict_ns is None
    assert peer.state is PeerState.PROBING
    assert only(peer).ceased_ns is None


def test_of_one_direction_nothing_can_be_said(tell: Tell) -> None:
    told = tell(SETUP + UNTIL_60 + GOES_ON + TWICE + "unseen b>a")
    assert PeerState.PROBING not in {span.state for span in told.peer.states}
    assert not told.peer.black_holes


def test_the_peer_is_heard_again(tell: Tell) -> None:
    peer = tell(SETUP + UNTIL_60 + GOES_ON + TWICE + "390..400/0.5 b>a esp in\n").peer
    assert only(peer).black_hole_class is BlackHoleClass.TRANSIENT
    assert peer.state is PeerState.ALIVE
    assert PeerState.DEAD not in {span.state for span in peer.states}


R_U_THERE = "20 a>b v1 info 108\n20.05 b>a v1 info 108\n40 a>b v1 info 108\n40.05 b>a v1 info 108\n"


def test_two_encrypted_messages_are_no_verdict(tell: Tell) -> None:
    """IKEv1 without keys: Deletes are as long, and the traffic would end with them."""
    text = SETUP_V1 + UNTIL_60 + R_U_THERE + "70 a>b v1 info 108\n72 a>b v1 info 108\n"
    peer, _ = tell(text + ELSEWHERE + "60..74/0.5 a>b esp out\n").peers
    assert peer.exchanges[-1].verdict_ns is None
    assert peer.state is PeerState.UNKNOWN
    sending, *_ = tell(text + ELSEWHERE + GOES_ON).peers
    assert sending.state is PeerState.QUESTIONABLE


def test_a_single_encrypted_message_is_anything(tell: Tell) -> None:
    peer = tell(SETUP_V1 + UNTIL_60 + R_U_THERE + GOES_ON + "70 a>b v1 info 108\n").peer
    assert peer.state is PeerState.QUESTIONABLE
    assert only(peer).ceased_ns is None
