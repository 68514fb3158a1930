"""Tunnels that carry IP or Ethernet in IP: GRE with ERSPAN, IP in IP, EtherIP, MPLS in IP, and
in UDP: VXLAN and GENEVE, as clouds mirror traffic.

Only finds where the inner IP header starts; how often that may repeat is for the caller.
"""

from __future__ import annotations

from typing import Final

from analyzers.wire.link import (
    BRIDGED_ETHERNET,
    IPV4,
    IPV6,
    MPLS,
    NOT_IP,
    PPP,
    TOO_DEEP,
    TRUNCATED,
    by_ethertype,
)

_IP_IN_IP, _IPV6_IN_IP, _GRE, _ETHER_IP, _MPLS_IN_IP = 4, 41, 47, 97, 137
PROTOCOLS: Final = frozenset({_IP_IN_IP, _IPV6_IN_IP, _GRE, _ETHER_IP, _MPLS_IN_IP})
_UDP, _UDP_HEADER_BYTES = 17, 8
_VXLAN_PORT, _GENEVE_PORT = 4789, 6081
UDP_PORTS: Final = frozenset({_VXLAN_PORT, _GENEVE_PORT})
"""Destination ports."""
_OVERLAY_HEADER_BYTES: Final = 8
_VXLAN_HAS_NETWORK: Final = 0x08

_CHECKSUM, _ROUTING, _KEY, _SEQUENCE, _ACKNOWLEDGMENT = 0x8000, 0x4000, 0x2000, 0x1000, 0x0080
_ERSPAN_1_2, _ERSPAN_3, _GRE_PPP = 0x88BE, 0x22EB, 0x880B
_ERSPAN_2_BYTES, _ERSPAN_3_BYTES, _ERSPAN_SUBHEADER_BYTES = 8, 12, 8
# RFC 1701 source routing was never in use; a list longer than this is noise.
_MAX_ROUTING_ENTRIES: Final = 16


def inner_layer(data: bytes, start: int, protocol: int) -> tuple[int, str, bool]:
    """Offset of the inner IP header, "" and whether a mirror cut the inner frame short.

    NOT_IP and a name for what is inside where that is not IP. `protocol` is one of PROTOCOLS, or
    UDP to one of UDP_PORTS, and `start` is where its header begins.
    """
    if protocol == _UDP:
        return *_over_udp(data, start), False
    if protocol == _GRE:
        return _gre(data, start)
    if protocol == _ETHER_IP:
        # RFC 3378: version 3 and 12 reserved bits.
        return *by_ethertype(data, BRIDGED_ETHERNET, start + 2), False
    if protocol == _MPLS_IN_IP:
        return *by_ethertype(data, MPLS[0], start), False
    return *by_ethertype(data, IPV4 if protocol == _IP_IN_IP else IPV6, start), False


def _over_udp(data: bytes, start: int) -> tuple[int, str]:
    """VXLAN (RFC 7348 section 5) and GENEVE (RFC 8926 section 3.4)."""
    at = start + _UDP_HEADER_BYTES
    head = data[at : at + _OVERLAY_HEADER_BYTES]
    if len(head) < _OVERLAY_HEADER_BYTES:
        return NOT_IP, TRUNCATED
    at += _OVERLAY_HEADER_BYTES
    if data[start + 2] << 8 | data[start + 3] == _VXLAN_PORT:
        if not head[0] & _VXLAN_HAS_NETWORK:
            return NOT_IP, "vxlan"
        return by_ethertype(data, BRIDGED_ETHERNET, at)
    if head[0] >> 6:
        return NOT_IP, "geneve"
    options_bytes = (head[0] & 0x3F) * 4
    return by_ethertype(data, head[2] << 8 | head[3], at + options_bytes)


def _gre(data: bytes, start: int) -> tuple[int, str, bool]:
    """RFC 2784 and RFC 2890, source routing of RFC 1701, and version 1 of RFC 2637."""
    if start + 4 > len(data):
        return NOT_IP, TRUNCATED, False
    flags = data[start] << 8 | data[start + 1]
    ethertype = data[start + 2] << 8 | data[start + 3]
    version = flags & 0x7
    if version > 1:
        return NOT_IP, "gre", False
    offset = start + 4
    if flags & (_CHECKSUM | _ROUTING):
        offset += 4
    for bit in (_KEY, _SEQUENCE):
        if flags & bit:
            offset += 4
    if version == 1 and flags & _ACKNOWLEDGMENT:
        offset += 4
    if version == 0 and flags & _ROUTING:
        offset = _after_routing(data, offset)
        if offset < 0:
            return NOT_IP, TOO_DEEP, False
    if ethertype in (_ERSPAN_1_2, _ERSPAN_3):
        return _erspan(data, offset, ethertype, bool(flags & _SEQUENCE))
    if ethertype == _GRE_PPP:
        if offset >= len(data):
            return NOT_IP, "gre", False
        ethertype = PPP
    return *by_ethertype(data, ethertype, offset), False


def _after_routing(data: bytes, offset: int) -> int:
    """Behind the source route entries, or -1."""
    for _ in range(_MAX_ROUTING_ENTRIES):
        if offset + 4 > len(data):
            return -1
        length = data[offset + 3]
        offset += 4 + length
        if not length:
            return offset
    return -1


def _erspan(data: bytes, offset: int, ethertype: int, sequenced: bool) -> tuple[int, str, bool]:
    """draft-foschiano-erspan: type I has no header and no GRE sequence number, II has 8 bytes,
    III has 12 and with the O bit 8 more. The T bit says that the mirror cut the frame.
    """
    truncated = False
    if ethertype == _ERSPAN_3 or sequenced:
        size = _ERSPAN_3_BYTES if ethertype == _ERSPAN_3 else _ERSPAN_2_BYTES
        if offset + size > len(data):
            return NOT_IP, TRUNCATED, False
        truncated = bool(data[offset + 2] & 0x04)
        subheader = ethertype == _ERSPAN_3 and data[offset + 11] & 1
        offset += size + (_ERSPAN_SUBHEADER_BYTES if subheader else 0)
    return *by_ethertype(data, BRIDGED_ETHERNET, offset), truncated
