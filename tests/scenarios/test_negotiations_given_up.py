"""Negotiations that an IOS router gives up beside an IKE SA on which its peer answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.model.exchange import Outcome
from analyzers.model.peer import HintKind, PeerState, PeerView
from analyzers.model.sa import SaEnd
from tests.scenarios.inputs import together
from tests.scenarios.logs import Said, charon, isakmp

PEER = "192.0.2.2"
ANSWERED = """
0..70/10 a>b v1 info 108 says=ruthere number=7
0.02..70.02/10 b>a v1 info 108 says=ack number=7
"""


def _peer(folder: Path, said: Said) -> PeerView:
    return together(folder, isakmp(ANSWERED, said=said)).peer


def _packet(conn: str, state: str) -> str:
    return f"ISAKMP:({conn}): sending packet to {PEER} my_port 500 peer_port 500 (I) {state}"


def _quick_mode(until_s: float, *, ends: bool = True) -> Said:
    said = [
        (at_s, line)
        for at_s in range(5, 65, 10)
        for line in (
            "ISAKMP:(1001): retransmitting phase 2 QM_IDLE       -889000300 ...",
            "ISAKMP:(1001): retransmitting phase 2 -889000300 QM_IDLE",
            _packet("1001", "QM_IDLE"),
        )
    ]
    reason = "Death by retransmission P2"
    over = f'ISAKMP:(1001):deleting SA reason "{reason}" state (I) QM_IDLE (peer {PEER})'
    return [*said, (until_s, over)] if ends else said


def test_quick_mode_in_vain_is_no_verdict_on_who_answers(tmp_path: Path) -> None:
    peer = _peer(tmp_path, _quick_mode(65))
    assert [x.outcome for x in peer.exchanges] == [Outcome.ANSWERED] * 7
    assert (peer.state, peer.ike_sas[0].end) == (PeerState.DELETED, SaEnd.DELETE)
    assert PeerState.DEAD not in [span.state for span in peer.states]
    (gave_up,) = (h for h in peer.hints if h.kind is HintKind.GAVE_UP)
    assert gave_up.text == "retransmissions exhausted: Quick Mode: Death by retransmission P2"


def test_quick_mode_in_vain_where_nothing_comes_is_a_verdict(tmp_path: Path) -> None:
    """The router removes the IKE SA, and the tunnel is down."""
    before = """
    0 a>b v1 info 108 says=ruthere number=7
    0.02 b>a v1 info 108 says=ack number=7
    """
    peer = together(tmp_path, isakmp(before, said=_quick_mode(65))).peer
    assert (peer.state, peer.ike_sas[0].end) == (PeerState.DEAD, SaEnd.DEAD_PEER)


def _main_mode(shown: bool) -> Said:
    said = [
        (at_s, line)
        for at_s in (5, 15, 25, 35, 45)
        for line in (
            "ISAKMP:(0): retransmitting phase 1 MM_NO_STATE...",
            _packet("0", "MM_NO_STATE"),
        )
    ]
    reason = "Death by retransmission P1"
    over = f'ISAKMP:(0):deleting SA reason "{reason}" state (I) MM_NO_STATE (peer {PEER})'
    return [*(said if shown else []), (55.5, over), (55.5, over)]


@pytest.mark.parametrize("shown", [True, False])
@pytest.mark.parametrize("established", [True, False])
def test_an_attempt_to_renew_that_fails_ends_no_sa_but_itself(
    tmp_path: Path, shown: bool, established: bool
) -> None:
    """Who began before the log has an SA as well; the attempt need not be shown."""
    up = "ISAKMP:(1001):Old State = IKE_I_MM6  New State = IKE_P1_COMPLETE"
    said = [*([(-1, up)] if established else []), *_main_mode(shown)]
    peer = _peer(tmp_path, said)
    assert [sa.end for sa in peer.ike_sas] == [None, SaEnd.FAILED]
    assert peer.ike_sas[0].id == {x.ike_sa for x in peer.exchanges}.pop()
    assert {span.state for span in peer.states} <= {PeerState.UNKNOWN, PeerState.ALIVE}


_ESTABLISHED = "05[IKE] <gw|1> IKE_SA gw[1] established between 192.0.2.1[a]...192.0.2.2[b]"
_REMOVED = "11[IKE] IKE_SA gw[1] state change: ESTABLISHED => DESTROYING"


@pytest.mark.parametrize(
    ("answer", "end"),
    [
        ("", SaEnd.DEAD_PEER),
        ("08[NET] received packet: from 192.0.2.2[500] to 192.0.2.1[500] (92 bytes)", SaEnd.DELETE),
    ],
)
@pytest.mark.parametrize("removed", ["", _REMOVED])
def test_charon_asks_nothing_beside_a_quick_mode(
    tmp_path: Path, answer: str, removed: str, end: SaEnd
) -> None:
    """IKEv1: it has one exchange at a time, so that a Quick Mode in vain is all that it asks.

    It removes the IKE SA then, and says so only where its log is set to tell more.
    """
    quick = "10[ENC] <gw|1> generating QUICK_MODE request 3788976056 [ HASH SA No ID ID ]"
    packet = "10[NET] <gw|1> sending packet: from 192.0.2.1[500] to 192.0.2.2[500] (188 bytes)"
    heard = "08[ENC] <gw|1> parsed INFORMATIONAL_V1 request 523986536 [ HASH N(DPD) ]"
    said = [
        (0, _ESTABLISHED),
        (10, quick),
        (10.001, packet),
        (12, "11[IKE] <gw|1> sending retransmit 1 of request message ID 3788976056, seq 3"),
        (12.001, packet),
        *([(13, answer), (13.001, heard)] if answer else []),
        (16, "11[IKE] <gw|1> sending retransmit 2 of request message ID 3788976056, seq 3"),
        (16.001, packet),
        (23, "11[IKE] <gw|1> giving up after 2 retransmits"),
        *([(23.001, removed)] if removed else []),
    ]
    peer = together(tmp_path, charon("", "a", said=said)).peer
    dead = end is SaEnd.DEAD_PEER
    assert [sa.end for sa in peer.ike_sas] == [end if dead or removed else None]
    assert (peer.state is PeerState.DEAD) is dead


def test_charon_that_logs_no_messages_gives_up_a_quick_mode(tmp_path: Path) -> None:
    said = [
        (0, _ESTABLISHED),
        (12, "11[IKE] <gw|1> sending retransmit 1 of request message ID 3788976056, seq 3"),
        (16, "11[IKE] <gw|1> sending retransmit 2 of request message ID 3788976056, seq 3"),
        (23, "11[IKE] <gw|1> giving up after 2 retransmits"),
        (23, "11[IKE] <gw|2> initiating Main Mode IKE_SA gw[2] to 192.0.2.2"),
    ]
    peer = together(tmp_path, charon("", "a", said=said)).peer
    assert (peer.state, peer.ike_sas[0].end) == (PeerState.DEAD, SaEnd.DEAD_PEER)


def test_a_mode_configuration_in_vain_ends_no_sa_that_was_up(tmp_path: Path) -> None:
    """Phase 1 is not over before it: whoever it concerns had no tunnel."""
    packet = "10[NET] <gw|1> sending packet: from 192.0.2.1[500] to 192.0.2.2[500] (188 bytes)"
    said = [
        (9, "10[ENC] <gw|1> generating TRANSACTION request 3788976056 [ HASH CPRQ(ADDR DNS) ]"),
        (9.001, packet),
        (12, "11[IKE] <gw|1> sending retransmit 1 of request message ID 3788976056, seq 3"),
        (12.001, packet),
        (23, "11[IKE] <gw|1> giving up after 1 retransmits"),
    ]
    begun = "0 a>b v1 mm1\n0.1 b>a v1 mm2\n"
    peer = together(tmp_path, charon(begun, "a", said=said)).peer
    assert PeerState.DEAD not in [span.state for span in peer.states]
