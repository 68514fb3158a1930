"""Who began an IKE SA, of which version it is, and what its ends offered, by a log alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.model.sa import IkeSa
from tests.scenarios.inputs import together

ROUTER, PEER = "192.0.2.1", "192.0.2.9"
_ANSWERED = """\
*Mar  1 10:00:00.500: ISAKMP (0:1001): received packet from 192.0.2.9 dport 500 sport 500 Global ({0}) QM_IDLE
*Mar  1 10:00:00.500: ISAKMP:(1001): processing NOTIFY DPD/R_U_THERE protocol 1
\tspi 0, message ID = 536699, sa = 0x67F5A6E8
*Mar  1 10:00:00.504: ISAKMP:(1001):DPD/R_U_THERE received from peer 192.0.2.9, sequence 0x100
*Mar  1 10:00:00.504: ISAKMP: set new node -159559052 to QM_IDLE
*Mar  1 10:00:00.504: ISAKMP:(1001):Sending NOTIFY DPD/R_U_THERE_ACK protocol 1
\tspi 1730226144, message ID = -159559052
*Mar  1 10:00:00.508: ISAKMP:(1001): sending packet to 192.0.2.9 my_port 500 peer_port 500 ({0}) QM_IDLE
"""  # noqa: E501
_PHASE1 = """\
*Mar  1 10:00:00.500: ISAKMP (0:0): received packet from 192.0.2.9 dport 500 sport 500 Global ({0}) {1}
*Mar  1 10:00:00.500: ISAKMP:(0): vendor ID is DPD
*Mar  1 10:00:00.510: ISAKMP:(0): sending packet to 192.0.2.9 my_port 500 peer_port 500 ({0}) MM_SA_SETUP
*Mar  1 10:00:00.600: ISAKMP:(1002): SA has been authenticated with 192.0.2.9
"""  # noqa: E501
_ASA = "Mar 01 2026 10:00:00 fw : %ASA-5-{0}\n"
_IKEV2 = "Local:192.0.2.1:500 Remote:192.0.2.9:500 Username:"
_ASKED = f"750002: {_IKEV2}Unknown IKEv2 Received a IKE_INIT_SA request"
_UP = f"750006: {_IKEV2}192.0.2.9 IKEv2 SA UP. Reason: New Connection Established"
_FAILED = f"750003: {_IKEV2}Unknown IKEv2 Negotiation aborted due to ERROR: Failed to receive"


def _sa(folder: Path, *texts: str) -> IkeSa:
    return together(folder, "".join(texts)).peer.ike_sas[-1]


@pytest.mark.parametrize(("role", "began"), [("R", PEER), ("I", "local")])
def test_an_ios_router_says_in_each_packet_who_began(tmp_path: Path, role: str, began: str) -> None:
    sa = _sa(tmp_path, _ANSWERED.format(role))
    assert (sa.initiator, sa.initiator_told) == (began, True)


@pytest.mark.parametrize("state", ["MM_SA_SETUP", "MM_KEY_EXCH"])
def test_who_sends_the_first_packet_that_a_log_shows_need_not_have_begun(
    tmp_path: Path, state: str
) -> None:
    sa = _sa(tmp_path, _PHASE1.format("I", state))
    assert (sa.initiator, sa.responder, sa.initiator_told) == ("local", PEER, True)
    assert sa.dpd_vendor_id == (None, True), "the responder says that it knows DPD"


def test_a_new_sa_of_the_peer_is_begun_by_the_peer(tmp_path: Path) -> None:
    sa = _sa(tmp_path, _ANSWERED.format("I"), _PHASE1.format("R", "MM_NO_STATE"))
    assert (sa.initiator, sa.initiator_told) == (PEER, True)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ((_ASKED, _UP), (PEER, True)),
        ((_UP,), (ROUTER, False)),
        ((_ASKED, _FAILED, _UP), (ROUTER, False)),
    ],
)
def test_an_asa_says_that_it_was_asked(
    tmp_path: Path, lines: tuple[str, ...], told: tuple[str, bool]
) -> None:
    sa = _sa(tmp_path, *(_ASA.format(line) for line in lines))
    assert (sa.initiator, sa.initiator_told) == told


def test_a_session_that_ends_tells_no_version(tmp_path: Path) -> None:
    text = (
        "113019: Group = 192.0.2.9, Username = 192.0.2.9, IP = 192.0.2.9, Session disconnected."
        " Session Type: LAN-to-LAN, Duration: 8h:12m:26s, Bytes xmt: 1, Bytes rcv: 2,"
        " Reason: Idle Timeout"
    )
    peer = together(tmp_path, _ASA.format(text).replace("-5-", "-4-")).peer
    assert [sa.version_told for sa in peer.ike_sas] == [False]
    assert peer.ike_versions == ()
    up = "713119: Group = 192.0.2.9, IP = 192.0.2.9, PHASE 1 COMPLETED"
    peer = together(tmp_path, _ASA.format(up) + _ASA.format(text).replace("-5-", "-4-")).peer
    assert peer.ike_versions == (1,)


@pytest.mark.parametrize(
    "restart", ["", "*Mar  1 09:59:40.555: %SYS-5-RESTART: System restarted --\n"]
)
def test_a_conn_id_that_is_given_again_takes_the_offer_with_it(
    tmp_path: Path, restart: str
) -> None:
    before = _ANSWERED.format("R").replace("1001", "1002").replace(" 10:00:00", " 09:59:00")
    phase1 = _PHASE1.format("R", "NEW SA").replace("(0): vendor", "(1002): vendor")
    begun = """\
*Mar  1 10:00:00.510: ISAKMP:(0): processing SA payload. message ID = 0
*Mar  1 10:00:00.510: ISAKMP:(0):Input = IKE_MESG_FROM_PEER, IKE_MM_EXCH
"""
    first, *rest = phase1.splitlines(keepends=True)
    old, new = together(tmp_path, before + restart + first + begun + "".join(rest)).peer.ike_sas
    assert (old.dpd_vendor_id, new.dpd_vendor_id) == ((None, None), (True, None))


def test_a_tunnel_that_comes_up_again_tells_no_version(tmp_path: Path) -> None:
    said = "Nov 12 10:0{0} srx1 kmd[1530]: KMD_{1}\n"
    text = said.format("5:50", "DPD_PEER_DOWN: DPD detected peer 192.0.2.9 is dead")
    text += said.format(
        "6:50",
        "VPN_UP_ALARM_USER: VPN hq from 192.0.2.9 is up. Local-ip: 192.0.2.1, gateway name: gw,"
        " vpn name: hq, tunnel-id: 131073, local tunnel-if: st0.0",
    )
    peer = together(tmp_path, text).peer
    assert [sa.version_told for sa in peer.ike_sas] == [False, False]
