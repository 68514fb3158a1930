"""Questions in vain on an IKE SA that another one has replaced: that one tells of the peer.

RFC 7296 section 2.4: whatever fresh and protected comes from it is proof of life.
"""

from __future__ import annotations

import pytest

from analyzers.model.peer import PeerState, PeerView
from tests.scenarios.conftest import Tell
from tests.scenarios.timeline import at

REAUTHENTICATED = "0 a>b v2 handshake\n50 b>a v2 handshake sa=2\nsa 2 by b\n"
ASKED_ON_THE_OLD = "50.2 a>b liveness 3\n53 a>b liveness 3\n60.2 a>b liveness 3\n"
"""The next one would be due at 78.7."""
TRAFFIC = "50.3..{0}/0.5 a>b esp out\n50.33..{0}/0.5 b>a esp in\n"
QUESTIONS = "70..{0}/10 b>a liveness 2+ sa=2\n70.01..{0}/10 a>b liveness 2+ resp sa=2\n"


def states(peer: PeerView) -> list[PeerState]:
    return [span.state for span in peer.states]


@pytest.mark.parametrize("end", [75, 120])
@pytest.mark.parametrize("tries", [1, 2, 3])
@pytest.mark.parametrize("proof", [TRAFFIC, QUESTIONS, TRAFFIC + QUESTIONS])
def test_nobody_doubts_who_is_heard_on_the_successor(
    tell: Tell, proof: str, tries: int, end: int
) -> None:
    asked = "".join(ASKED_ON_THE_OLD.splitlines(keepends=True)[:tries])
    peer = tell(REAUTHENTICATED + asked + proof.format(end)).peer
    assert states(peer) == [PeerState.UNKNOWN, PeerState.ALIVE]


def test_what_was_given_up_is_an_sa(tell: Tell) -> None:
    told = tell(REAUTHENTICATED + ASKED_ON_THE_OLD + TRAFFIC.format(120))
    (finding,) = told.of("dpd-no-ack")
    assert finding.detail.endswith(
        "though 192.0.2.2 was heard meanwhile on a newer IKE SA: it lives."
    )


def test_what_goes_on_into_the_old_one_is_no_doubt_of_the_peer(tell: Tell) -> None:
    text = REAUTHENTICATED + "0.5..120/0.5 a>b esp old\n0.55..50/0.5 b>a esp old-in\n"
    peer = tell(text + ASKED_ON_THE_OLD + "50.3..120/0.5 b>a esp in\n" + QUESTIONS.format(120)).peer
    assert PeerState.DEAD not in states(peer)
    assert peer.state is PeerState.ALIVE


def test_a_peer_that_died_on_both(tell: Tell) -> None:
    """The successor falls silent with the question on the old one."""
    text = REAUTHENTICATED + ASKED_ON_THE_OLD.replace("5", "7").replace("60.2", "80.2")
    peer = tell(text + TRAFFIC.format(70) + "70.3..120/0.5 a>b esp out\n").peer
    assert peer.state is not PeerState.ALIVE


def test_a_peer_that_came_back_long_after(tell: Tell) -> None:
    """It was away on all of its SAs meanwhile."""
    asked = "72 a>b liveness 3\n74 a>b liveness 3\n78 a>b liveness 3\n"
    traffic = TRAFFIC.format(70) + "70.3..200/0.5 a>b esp out\n190..200/0.5 b>a esp in\n"
    peer = tell(REAUTHENTICATED + asked + traffic).peer
    assert PeerState.ALIVE not in [s.state for s in peer.states if at(80) < s.start_ns < at(190)]
    assert {PeerState.PROBING, PeerState.QUESTIONABLE} & set(states(peer))
    assert peer.state is PeerState.ALIVE
