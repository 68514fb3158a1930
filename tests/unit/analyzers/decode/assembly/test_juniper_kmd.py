from __future__ import annotations

import pytest

from analyzers.model.exchange import DeleteProtocol
from analyzers.model.log_events import LogEventKind
from tests.log_text import decoder, events_of, story

LOCAL, PEER = "192.0.2.1", "198.51.100.9"


def line(text: str, second: int = 0, daemon: str = "kmd[14162]") -> str:
    return f"Aug  3 10:18:{second:02}  srx1 {daemon}: {text}\n"


def alarm(state: str, reason: str = "", second: int = 0, daemon: str = "KMD") -> str:
    more = f", Reason: {reason}" if reason else ""
    return line(
        f"{daemon}_VPN_{state.upper()}_ALARM_USER: VPN to-hub from {PEER} is {state}. Local-ip:"
        f" {LOCAL}, gateway name: hub, vpn name: to-hub, tunnel-id: 131073, local tunnel-if: st0.0,"
        f" remote tunnel-ip: Not-Available, Local IKE-ID: {LOCAL}, Remote IKE-ID: {PEER}, SA Type:"
        f" Static{more}",
        second,
    )


def child(direction: str, spi: str) -> str:
    return line(
        f"KMD_PM_SA_ESTABLISHED: Local gateway: {LOCAL}, Remote gateway: {PEER}, Local ID:"
        " ipv4_subnet(any:0,[0..7]=0.0.0.0/0), Remote ID: ipv4_subnet(any:0,[0..7]=0.0.0.0/0),"
        f" Direction: {direction}bound, SPI: {spi}, AUX-SPI: 0, Mode: Tunnel, Type: dynamic"
    )


IKE_UP = line(
    f"IKE negotiation successfully completed. IKE Version: 2, VPN: to-hub Gateway: hub, Local:"
    f" {LOCAL}/4500, Remote: {PEER}/4500, Local IKE-ID: {LOCAL}, Remote IKE-ID: {PEER}, VR-ID: 0"
)
UP = child("in", "0xa0b0c11") + child("out", "0x0d0e0f22") + alarm("up") + IKE_UP


def test_a_tunnel_comes_up_once():
    pair, ike = events_of(UP)
    assert (pair.kind, pair.spis) == (LogEventKind.CHILD_SA_UP, ("0a0b0c11", "0d0e0f22"))
    assert (pair.local, pair.remote, pair.protocol) == (LOCAL, PEER, DeleteProtocol.ESP)
    assert (ike.kind, ike.version, ike.remote_port) == (LogEventKind.IKE_SA_UP, 2, 4500)


def test_alarms_alone():
    text = alarm("up") + alarm("down", "IPSEC SA VPN Monitor Failure", 9)
    up, down = events_of(text)
    assert (up.kind, up.spis) == (LogEventKind.CHILD_SA_UP, ())
    assert (down.kind, down.reason) == (
        *(LogEventKind.CHILD_SA_DOWN, "IPSEC SA VPN Monitor Failure"),
    )


def test_a_dead_peer_is_a_reason_of_kmd():
    reason = "DPD detected peer as down. Existing IKE/IPSec SAs cleared"
    dead, pair, ike = events_of(UP + alarm("down", reason, 30))[2:]
    assert (dead.kind, dead.remote, dead.reason) == (LogEventKind.PEER_DEAD, PEER, reason)
    assert (pair.kind, pair.spis) == (LogEventKind.CHILD_SA_DOWN, ("0a0b0c11", "0d0e0f22"))
    assert (ike.kind, ike.version) == (LogEventKind.IKE_SA_DOWN, 2)


def test_a_dead_peer_has_a_line_of_its_own_in_iked():
    text = (
        UP
        + line(f"IKE_GATEWAY_DPD_PEER_DEAD: IKE: Gateway N:hub C:{LOCAL}:500 R:{PEER}:4500 Failed"
               " Role:I DPD Failed", 30, "iked[22101]")
        + alarm("down", "User issued tunnel redistribution command from CLI", 30, "IKE")
    )  # fmt: skip
    told = events_of(text)[2:]
    assert story(told) == ["peer-dead", "ike-sa-down", "child-sa-down"]
    assert (told[0].remote, told[0].remote_port, told[0].local) == (PEER, 4500, LOCAL)


def test_the_mnemonic_of_kmd_and_its_alarm_are_one_verdict():
    text = line(f"KMD_DPD_PEER_DOWN: DPD detected peer {PEER} is dead") + alarm(
        "down", "DPD detected peer as down. Existing IKE/IPSec SAs cleared"
    )
    told = events_of(text)
    assert story(told) == ["peer-dead", "child-sa-down"]
    assert told[0].remote == PEER


@pytest.mark.parametrize(
    ("reason", "ends"),
    [
        ("Tunnel configuration is deleted. Corresponding IKE/IPSec SAs are deleted", True),
        ("IPSec SA delete payload received from peer, corresponding IPSec SAs cleared", False),
    ],
)
def test_reasons_that_name_the_ike_sa_end_it(reason, ends):
    told = story(events_of(alarm("down", reason)))
    assert told == ["child-sa-down", *["ike-sa-down"] * ends]


def test_a_negotiation_that_times_out_is_no_dead_peer():
    failed = IKE_UP.replace("successfully completed", "failed with error: Timed out")
    other = IKE_UP.replace("successfully completed", "failed with error: No proposal chosen")
    assert story(events_of(failed + other)) == ["gave-up"]


def test_wrapped_lines_masked_peers_and_times_without_a_day():
    text = (
        "19:13:59  IKE_VPN_DOWN_ALARM_USER: VPN to-hub from <VPN_GW_IP> is down. Local-ip:"
        f" {LOCAL}, gateway name: hub, vpn name: to-hub,\ntunnel-id: 500052, SA Type: dynamic,"
        " Reason: IPSEC SA VPN Monitor Failure\n"
    )
    (down,) = events_of(text)
    assert (down.remote, down.reason) == ("VPN_GW_IP", "IPSEC SA VPN Monitor Failure")


def test_what_else_the_daemons_say_is_not_looked_at():
    text = line("Config download: Processed 4 - 5 messages") + line("KMD_VPN_TS_MISMATCH: x")
    reader, events = decoder(text + line("KMD_PM_SA_DELETED: y"))
    assert events == []
    assert (reader.tally.dialects, reader.tally.unparsed) == ({"juniper-kmd": 2}, 0)
