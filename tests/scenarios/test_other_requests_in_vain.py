"""Requests with another purpose than liveness: any that is not answered tests it, too.

RFC 7296 section 2.4. They are no exchanges of the report, and the states say the same of them.
"""

from __future__ import annotations

import pytest

from analyzers.export.words import state_means
from analyzers.model.peer import PeerState, PeerView
from analyzers.model.records import Confidence
from tests.scenarios.conftest import Tell
from tests.scenarios.timeline import at

SETUP = "0 a>b v2 handshake\n"
UNTIL_60 = "0.5..60/0.5 a>b esp out\n0.55..60/0.5 b>a esp in\n"
GOES_ON = "60..400/0.5 a>b esp out\n"
ELSEWHERE = "0.2..400/1 a>c esp out-c\n0.25..400/1 c>a esp in-c\n"
TIMES = (70, 74, 81.2, 94.16, 117.49, 159.48)
"""charon's; it gives up at 235.06."""


def asked(tries: int, kind: str = "create-child") -> str:
    return "".join(f"{at_s} a>b {kind} 2\n" for at_s in TIMES[:tries])


def states(peer: PeerView) -> list[tuple[PeerState, int]]:
    return [(span.state, span.start_ns) for span in peer.states][1:]


ALIVE = (PeerState.ALIVE, at(0.03))
DOUBT = (PeerState.QUESTIONABLE, at(61))
ASKED = (PeerState.PROBING, at(70))


@pytest.mark.parametrize("kind", ["create-child", "rekey-child", "config"])
@pytest.mark.parametrize(("traffic", "doubted"), [("", []), (GOES_ON, [DOUBT])])
def test_until_the_verdict_the_peer_is_asked(
    tell: Tell, kind: str, traffic: str, doubted: list[tuple[PeerState, int]]
) -> None:
    peer, _ = tell(SETUP + UNTIL_60 + ELSEWHERE + traffic + asked(6, kind)).peers
    *before, dead = states(peer)
    assert before == [ALIVE, *doubted, ASKED]
    assert dead[0] is PeerState.DEAD
    assert dead[1] == pytest.approx(at(235.06), abs=50_000_000)
    assert peer.confidence is Confidence.INFERRED
    assert peer.exchanges == ()


@pytest.mark.parametrize("end", [72.0, 100.0])
def test_the_capture_ends_among_its_tries(tell: Tell, end: float) -> None:
    """One that was sent once may be answered the next moment."""
    peer = tell(SETUP + asked(6) + f"{end - 0.1} c>a keepalive\ncapture 0..{end}").peer
    assert peer.state is (PeerState.PROBING if end > 74 else PeerState.ALIVE)
    assert peer.confidence is Confidence.CERTAIN


def test_its_answer_comes_after_retries(tell: Tell) -> None:
    text = SETUP + asked(3) + "81.22 b>a create-child 2 resp\n"
    answered = [ALIVE, ASKED, (PeerState.ALIVE, at(81.22))]
    assert states(tell(text).peer) == answered
    later = "90..900/10 a>b liveness 3+\n90.02..900/10 b>a liveness 3+ resp\n"
    assert states(tell(text + later).peer) == answered


def test_one_that_is_answered_at_once_is_no_state(tell: Tell) -> None:
    assert states(tell(SETUP + asked(1) + "70.3 b>a create-child 2 resp\n").peer) == [ALIVE]


def test_traffic_shows_that_the_peer_lives_all_the_same(tell: Tell) -> None:
    """Its IKE is deaf."""
    text = SETUP + UNTIL_60.replace("60/", "400/") + asked(6)
    assert states(tell(text).peer) == [ALIVE]


def test_it_is_not_asked_again(tell: Tell) -> None:
    peer = tell(SETUP + UNTIL_60 + GOES_ON + asked(2)).peer
    assert states(peer) == [ALIVE, DOUBT, ASKED, (PeerState.QUESTIONABLE, at(83.6))]
    assert state_means(peer) == "packets went out, nothing fresh came back, and nobody asked again"


def test_the_successor_is_heard(tell: Tell) -> None:
    text = SETUP + "60 b>a v2 handshake sa=2\nsa 2 by b\n60.1..300/0.5 b>a esp in\n"
    text += "60.2..300/0.5 a>b esp out\n"
    assert states(tell(text + asked(6)).peer) == [ALIVE]


def test_of_one_direction_nothing_can_be_said(tell: Tell) -> None:
    peer = tell(SETUP + UNTIL_60 + GOES_ON + asked(6) + "unseen b>a").peer
    assert {state for state, _ in states(peer)} <= {PeerState.UNKNOWN, PeerState.ALIVE}
