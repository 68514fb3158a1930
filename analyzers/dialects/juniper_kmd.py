"""Juniper SRX: syslog of the IKE daemons kmd and iked.

Forms: log grammar section 7; reasons are those of `show security ipsec tunnel-events-statistics`.
Messages are not logged, only what became of tunnels and peers.
"""

from __future__ import annotations

from typing import Final

from analyzers.dialects.dialect import Dialect, Pattern

# Addresses are masked in many a public log.
_ADDRESS: Final = r"[^\s,]{2,60}?"
_KMD: Final = "Aug  3 10:18:01  srx1 kmd[14162]: "
_IKED: Final = "Aug  3 10:18:01  srx1 iked[22101]: "
_MORE: Final = (
    " gateway name: hub, vpn name: to-hub, tunnel-id: 131073, local tunnel-if: st0.0, remote"
    " tunnel-ip: Not-Available, Local IKE-ID: 192.0.2.1, Remote IKE-ID: 192.0.2.9, VR id: 0,"
    " Traffic-selector: , SA Type: Static"
)


def _alarm(state: str) -> str:
    return (
        rf" VPN (?P<name>[^\s,]{{1,100}}) from (?P<peer>{_ADDRESS}) is {state}\. Local-ip:"
        rf" (?P<local>{_ADDRESS}),"
    )


DIALECT = Dialect(
    name="juniper-kmd",
    family="juniper",
    title="Juniper SRX kmd and iked",
    lenient=True,
    tag=(
        r"(?:(?:kmd|iked)(?:\[\d{1,10}\])?:[ \t]{1,4})?(?:%[A-Z]{2,10}-\d-)?"
        r"(?=(?:KMD_(?:VPN|PM|DPD)|IKE_(?:VPN|GATEWAY))_[A-Z_\d]{2,50}:"
        r"|IKE negotiation (?:successfully|failed))"
    ),
    patterns=(
        Pattern(
            "dead",
            r"IKE_GATEWAY_DPD_PEER_DEAD: IKE: Gateway N:(?P<name>[^\s,]{1,100}) [CL]:"
            rf"(?P<local>{_ADDRESS}):(?P<local_port>\d{{1,5}}) R:(?P<peer>{_ADDRESS})"
            r":(?P<peer_port>\d{1,5})(?=\s)[^\n]{0,80}?(?P<reason>DPD Failed|$)",
            (
                _IKED + "IKE_GATEWAY_DPD_PEER_DEAD: IKE: Gateway N:hub C:192.0.2.1:500"
                " R:192.0.2.9:4500 Failed Role:I DPD Failed",
            ),
        ),
        Pattern(
            "dead-kmd",
            r"KMD_DPD_PEER_DOWN: (?P<reason>[^\n]{0,120}?(?P<peer>\d{1,3}(?:\.\d{1,3}){3}"
            r"|[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]{2,40})[^\n]{0,60})",
            (_KMD + "KMD_DPD_PEER_DOWN: DPD detected peer 192.0.2.9 is dead",),
        ),
        Pattern(
            "vpn-down",
            r"(?:KMD|IKE)_VPN_DOWN_ALARM_USER:"
            + _alarm("down")
            + r"(?:[\s\S]{0,1200}? Reason: (?P<reason>[^\n]{1,160}))?",
            (
                _KMD + "KMD_VPN_DOWN_ALARM_USER: VPN to-hub from 192.0.2.9 is down. Local-ip:"
                " 192.0.2.1," + _MORE + ", Reason: DPD detected peer as down. Existing IKE/IPSec"
                " SAs cleared",
                _IKED + "IKE_VPN_DOWN_ALARM_USER: VPN to-hub from 192.0.2.9 is down. Local-ip:"
                " 192.0.2.1," + _MORE + ", Reason: IPSEC SA VPN Monitor Failure",
            ),
            words=("KMD", "IKE"),
        ),
        Pattern(
            "vpn-up",
            r"(?:KMD|IKE)_VPN_UP_ALARM_USER:" + _alarm("up"),
            (
                _KMD + "KMD_VPN_UP_ALARM_USER: VPN to-hub from 192.0.2.9 is up. Local-ip:"
                " 192.0.2.1," + _MORE,
            ),
            words=("KMD", "IKE"),
        ),
        Pattern(
            "child-up",
            rf"KMD_PM_SA_ESTABLISHED: Local gateway: (?P<local>{_ADDRESS}), Remote gateway:"
            rf" (?P<peer>{_ADDRESS}),[\s\S]{{0,400}}? Direction: (?P<direction>in|out)bound, SPI:"
            r" (?P<spi>0x[0-9A-Fa-f]{1,8})",
            (
                _KMD + "KMD_PM_SA_ESTABLISHED: Local gateway: 192.0.2.1, Remote gateway:"
                " 192.0.2.9, Local ID: ipv4_subnet(any:0,[0..7]=0.0.0.0/0), Remote ID:"
                " ipv4_subnet(any:0,[0..7]=0.0.0.0/0), Direction: inbound, SPI: 0x190695fe,"
                " AUX-SPI: 0, Mode: Tunnel, Type: dynamic, Traffic-selector:  FC Name:",
            ),
        ),
        Pattern(
            "ike-up",
            r"IKE negotiation successfully completed\. IKE Version: (?P<version>[12]), VPN:"
            r" (?P<name>[^\s,]{1,100}) Gateway: [^\s,]{1,100},"
            rf" Local: (?P<local>{_ADDRESS})/(?P<local_port>\d{{1,5}}),"
            rf" Remote: (?P<peer>{_ADDRESS})/(?P<peer_port>\d{{1,5}})",
            (
                _KMD + "IKE negotiation successfully completed. IKE Version: 2, VPN: to-hub"
                " Gateway: hub, Local: 192.0.2.1/4500, Remote: 192.0.2.9/4500, Local IKE-ID:"
                " 192.0.2.1, Remote IKE-ID: 192.0.2.9, VR-ID: 0, Role: Initiator",
            ),
        ),
        Pattern(
            "ike-failed",
            r"IKE negotiation failed with error: (?P<reason>[^.\n]{1,120})\. IKE Version:"
            r" (?P<version>[12]), VPN: (?P<name>[^\s,]{1,100}) Gateway: [^\s,]{1,100},"
            rf" Local: (?P<local>{_ADDRESS})/(?P<local_port>\d{{1,5}}),"
            rf" Remote: (?P<peer>{_ADDRESS})/(?P<peer_port>\d{{1,5}})",
            (
                _KMD + "IKE negotiation failed with error: Timed out. IKE Version: 1, VPN: to-hub"
                " Gateway: hub, Local: 192.0.2.1/500, Remote: 192.0.2.9/500, Local IKE-ID:"
                " 192.0.2.1, Remote IKE-ID: 192.0.2.9, VR-ID: 0",
            ),
        ),
    ),
    ignored=(r"(?:KMD|IKE)_\w{4,60}:", r"IKE negotiation"),
)
