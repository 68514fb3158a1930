"""A peer whose IKE does not answer while its traffic comes: vpnc asks at its interval, and again
every five seconds (six times in all), whatever ESP comes meanwhile, and then gives up."""

from __future__ import annotations

import pytest

from analyzers.model.exchange import Outcome
from analyzers.model.peer import PeerState
from analyzers.model.records import Basis, Confidence
from tests.scenarios.conftest import Tell
from tests.scenarios.timeline import at

SETUP = """
0 a>b v1 main-mode
0.1 a>b v1 quick
0.5..70/0.5 a>b esp out
0.6..70/0.5 b>a esp in
"""
ANSWERED = "10..40/10 a>b v1 info 108\n10.02..40/10 b>a v1 info 108\n"
VAIN = "40..70/5 a>b v1 info 108\n"
TEARDOWN = "70 a>b v1 info 92\n70.001 a>b v1 info 108\n"
QUESTIONS = [at(t) for t in range(40, 70, 5)]


def test_retries_are_told_by_their_distance(tell: Tell) -> None:
    peer = tell(SETUP + ANSWERED + VAIN + TEARDOWN).peer
    *answered, vain = peer.exchanges
    assert {x.outcome for x in answered} == {Outcome.ANSWERED}
    assert [t.at_ns for t in vain.transmissions] == QUESTIONS
    assert (vain.outcome, vain.verdict_ns) == (Outcome.UNANSWERED, at(70))
    assert (vain.basis, vain.confidence) == (Basis.RHYTHM, Confidence.INFERRED)
    assert peer.unknown_informationals == 0
    assert (peer.state, peer.black_holes) == (PeerState.DELETED, ())


def test_one_that_is_answered_in_the_end(tell: Tell) -> None:
    told = tell(SETUP + ANSWERED + VAIN.replace("70/5", "51/5") + "50.02 b>a v1 info 108\n")
    repeated = told.peer.exchanges[-1]
    assert (repeated.outcome, repeated.retries) == (Outcome.ANSWERED, 2)
    assert told.of("dpd-late-ack")
    assert PeerState.DEAD not in {span.state for span in told.peer.states}


@pytest.mark.parametrize(
    "vain",
    ["40..70/10 a>b v1 info 108\n", "".join(f"{t} a>b v1 info 108\n" for t in (40, 43, 51, 59))],
    ids=["at its interval", "in no rhythm"],
)
def test_what_comes_otherwise_may_have_been_answered(tell: Tell, vain: str) -> None:
    """The capture may have lost the answers: the peer is heard."""
    peer = tell(SETUP + ANSWERED + vain).peer
    assert Outcome.UNANSWERED not in {x.outcome for x in peer.exchanges}
