"""IKEv1: a renewed IKE SA and the one before it, both asked on, in turn."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.model.black_hole import BlackHoleClass, PhaseName, StopBasis
from analyzers.model.exchange import Outcome
from analyzers.model.peer import PeerState
from tests.scenarios.conftest import Tell
from tests.scenarios.inputs import together
from tests.scenarios.timeline import at

# Both ends begin at once: there are two SAs, and strongSwan asks on each.
BOTH_ASKED = """
0 a>b v1 main-mode
1 a>b v1 main-mode sa=2
1.1 a>b v1 quick sa=2
5..40/5 a>b v1 info 108
5.02..40/5 b>a v1 info 108
7..40/5 a>b v1 info 108 sa=2
7.02..40/5 b>a v1 info 108 sa=2
1.2..40/0.2 b>a esp in               # 39.8 is the last
45..55/3 a>b v1 info 108             # 45, 48, 51, 54
47..57/3 a>b v1 info 108 sa=2        # 47, 50, 53, 56
"""


def test_both_are_given_up_and_the_black_hole_has_the_verdict(tell: Tell) -> None:
    """The older SA was replaced, so nobody is given up on it; on the newer one somebody is."""
    peer = tell(BOTH_ASKED + "1.25..80/0.2 a>b esp out\n").peer
    *_, older, newer = peer.exchanges
    assert (older.outcome, older.verdict_ns) == (Outcome.UNANSWERED, None)
    assert newer.verdict_ns == at(59)
    assert peer.state is PeerState.DEAD
    (hole,) = peer.black_holes
    assert hole.black_hole_class is BlackHoleClass.SLOW_TEARDOWN
    assert (hole.first_probe_ns, hole.dead_ns) == (at(45), at(59))
    assert hole.stop_basis is StopBasis.CAPTURE_END
    assert hole.min_packets == 175  # 45.05 … 79.85
    assert PhaseName.PROBING in {phase.name for phase in hole.phases}


@pytest.mark.parametrize("back", [60.5, 70])
def test_the_peer_is_heard_again_after_the_verdict(tell: Tell, back: float) -> None:
    """Who is given up and heard again did not come back before the verdict."""
    peer = tell(
        BOTH_ASKED
        + f"""
        1.25..80/0.2 a>b esp out
        {back}..80/0.2 b>a esp in
        59.001 a>b v1 mm1 sa=3
        63.001 a>b v1 mm1 sa=3
        """
    ).peer
    assert peer.exchanges[-1].verdict_ns == pytest.approx(at(59), abs=2_000_000)
    (hole,) = peer.black_holes
    assert hole.dead_ns == peer.exchanges[-1].verdict_ns
    assert hole.black_hole_class not in (BlackHoleClass.TRANSIENT, BlackHoleClass.OPEN)
    assert (hole.first_probe_ns, hole.recovered_ns) == (at(45), at(back))


def test_the_newer_one_is_answered_again(tell: Tell) -> None:
    """Nobody is given up: the question on the older SA is nobody's verdict."""
    peer = tell(
        BOTH_ASKED
        + """
        1.25..80/0.2 a>b esp out
        59.02 b>a v1 info 108 sa=2
        59 a>b v1 info 108 sa=2
        59.1..80/0.2 b>a esp in
        """
    ).peer
    assert PeerState.DEAD not in {span.state for span in peer.states}
    (hole,) = peer.black_holes
    assert hole.black_hole_class is BlackHoleClass.TRANSIENT
    assert (hole.first_probe_ns, hole.dead_ns) == (at(45), None)


def test_what_was_asked_in_vain_on_the_older_one_is_no_earlier_verdict(tell: Tell) -> None:
    """It ends with its Delete; the packets go on until the newer one is given up: in time."""
    peer = tell(
        BOTH_ASKED.replace("45..55/3", "45..52/3")
        + """
        1.25..59/0.2 a>b esp out
        52.5 a>b v1 info 108             # the Delete
        59.001 a>b v1 mm1 sa=3
        70 a>b v1 main-mode sa=3
        70.1 a>b v1 quick sa=3
        70.2..80/0.2 a>b esp out2
        70.25..80/0.2 b>a esp in2
        """
    ).peer
    (hole,) = peer.black_holes
    assert hole.first_probe_ns == at(45)
    assert hole.dead_ns == pytest.approx(at(59), abs=2_000_000)
    assert hole.black_hole_class is BlackHoleClass.DETECTED


def test_a_delete_of_another_sa_is_no_verdict_on_the_one_that_is_asked_on(tell: Tell) -> None:
    """IKEv2: b could not answer the rekeying before, and deletes the new SA for that."""
    told = tell(
        """
        0 a>b v2 handshake
        20 a>b create-child 2
        21 a>b create-child 2
        46.55..54.6/2 b>a liveness 0
        46.56..54.6/2 b>a delete 0 sa=2
        46.57 b>a create-child 2 resp
        """
    )
    peer = told.peer
    (asked,) = peer.exchanges
    assert (asked.outcome, asked.verdict_ns) == (Outcome.OPEN, None)
    assert peer.state is PeerState.PROBING
    assert peer.black_holes == ()


def test_the_lines_of_two_conns_that_are_woven_are_no_retries(tmp_path: Path) -> None:
    """One message ID is one message: IOS numbers each R-U-THERE anew."""
    text = ""
    for at_s in (10, 20):
        asked = [
            [
                f".500: ISAKMP:(100{sa}):Sending NOTIFY DPD/R_U_THERE protocol 1\n"
                f"\tspi 1769949150, message ID = {at_s}77{sa}",
                f".500: ISAKMP:(100{sa}): seq. no 0x{at_s + sa:X}",
                f".504: ISAKMP:(100{sa}): sending packet to 192.0.2.{sa} my_port 500 peer_port 500"
                " (I) QM_IDLE",
                f".504: ISAKMP:(100{sa}):Input = IKE_MESG_FROM_TIMER, IKE_TIMER_PEERS_ALIVE",
                f".530: ISAKMP:(100{sa}): processing NOTIFY DPD/R_U_THERE_ACK protocol 1\n"
                f"\tspi 0, message ID = {at_s}88{sa}, sa = 0x67F5A6E8",
            ]
            for sa in (8, 9)
        ]
        # The second connection is a millisecond late.
        asked[1] = [f".{int(line[1:4]) + 1}{line[4:]}" for line in asked[1]]
        woven = [line for both in zip(*asked, strict=True) for line in both]
        text += "".join(f"*Mar  1 10:00:{at_s:02}{line}\n" for line in woven)
    peers = together(tmp_path, text).peers
    told = [[len(x.transmissions) for x in peer.exchanges] for peer in peers]
    assert told == [[1, 1], [1, 1]]
