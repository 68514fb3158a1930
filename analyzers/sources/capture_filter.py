"""The packet filter of a live capture: what IKE, ESP and AH are made of, and nothing else.

In the language of pcap-filter(7).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_IKE_PORTS: Final = (500, 4500)
_TCP_PORT: Final = 4500
# Fragments after the first have no ports; they may belong to a large IKE message.
_LATER_FRAGMENTS: Final = "ip[6:2] & 0x1fff != 0 or ip6[6] = 44"
# "Unreachable" hints at where a question was lost.
_UNREACHABLE: Final = "icmp[icmptype] = 3 or (icmp6 and ip6[40] = 1)"


def capture_filter(ports: Sequence[int] = (), *, vlan: bool = True) -> str:
    """The filter; `ports` are further UDP ports of IKE, `vlan` is for Ethernet only.

    After the word `vlan` all offsets are those behind a tag, so everything is said once more.
    """
    udp = " or ".join(f"udp port {port}" for port in dict.fromkeys((*_IKE_PORTS, *ports)))
    wanted = f"{udp} or esp or ah or tcp port {_TCP_PORT} or {_LATER_FRAGMENTS} or {_UNREACHABLE}"
    if not vlan:
        return wanted
    return f"{wanted} or (vlan and ({wanted} or (vlan and ({wanted}))))"
