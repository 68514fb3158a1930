"""IPv4 and IPv6 headers, with options and extension headers, and the checksums above them.

Reassembly is in `fragments`; this module only tells that a packet is a fragment, and which.
"""

from __future__ import annotations

import socket
from typing import Any, Final

from msgspec import Struct

TCP: Final = 6
UDP: Final = 17
ESP: Final = 50
AH: Final = 51
ICMP: Final = 1
ICMPV6: Final = 58

_HOP_BY_HOP, _ROUTING, _FRAGMENT, _DESTINATION = 0, 43, 44, 60
EXTENSION_HEADERS: Final = frozenset({_HOP_BY_HOP, _ROUTING, _FRAGMENT, _DESTINATION})
# RFC 8200 section 4.1 allows each header once and one of them twice.
MAX_EXTENSION_HEADERS: Final = 8
# The longest extension header: 8 + 255 * 8 bytes.
_EXTENSION_WINDOW_BYTES: Final = 2056

MALFORMED: Final = "malformed ip"
CUT: Final = "cut ip"
"""The capture ends inside the header."""


class Fragment(Struct):
    """Which part of a datagram a packet is. `offset` in bytes."""

    ident: int
    offset: int
    more: bool


class IpPacket(Struct):
    """One IP header. Offsets count from the start of the bytes it was read from."""

    header: int
    src: bytes
    dst: bytes
    protocol: int
    """Of the payload, behind all extension headers."""
    start: int
    """Where the payload starts."""
    end: int
    """Where the payload ends on the wire as the IP length says; may lie beyond the bytes."""
    fragment: Fragment | None = None

    @property
    def is_ipv6(self) -> bool:
        """By the size of the addresses."""
        return len(self.src) == 16


def parse_ip(data: bytes, offset: int, wire_end: int) -> IpPacket | str:
    """The IP packet at `offset`, by its version; MALFORMED or CUT where there is none.

    `wire_end` is where the enclosing layer ends on the wire: it stands in for an IP length of 0,
    which segmentation offload leaves in packets captured before the card completes them.
    """
    if offset >= len(data):
        return CUT if offset < wire_end else MALFORMED
    version = data[offset] >> 4
    if version == 4:
        return _ipv4(data, offset, wire_end)
    if version == 6:
        return _ipv6(data, offset, wire_end)
    return MALFORMED


def _ipv4(data: bytes, offset: int, wire_end: int) -> IpPacket | str:
    """RFC 791 section 3.1."""
    if offset + 20 > len(data):
        return CUT if offset + 20 <= wire_end else MALFORMED
    size = (data[offset] & 0x0F) * 4
    total = data[offset + 2] << 8 | data[offset + 3]
    if size < 20 or 0 < total < size:
        return MALFORMED
    packet = IpPacket(
        offset,
        data[offset + 12 : offset + 16],
        data[offset + 16 : offset + 20],
        data[offset + 9],
        offset + size,
        offset + total if total else max(wire_end, offset + size),
    )
    bits = data[offset + 6] << 8 | data[offset + 7]
    if bits & 0x3FFF:
        ident = data[offset + 4] << 8 | data[offset + 5]
        packet.fragment = Fragment(ident, (bits & 0x1FFF) * 8, bool(bits & 0x2000))
    return packet


def _ipv6(data: bytes, offset: int, wire_end: int) -> IpPacket | str:
    """RFC 8200 section 3."""
    start = offset + 40
    if start > len(data):
        return CUT if start <= wire_end else MALFORMED
    length = data[offset + 4] << 8 | data[offset + 5]
    packet = IpPacket(
        offset,
        data[offset + 8 : offset + 24],
        data[offset + 24 : offset + 40],
        data[offset + 6],
        start,
        start + length if length else max(wire_end, start),
    )
    if packet.protocol not in EXTENSION_HEADERS:
        return packet
    if packet.protocol == _HOP_BY_HOP and data[start : start + 2] == _MULTICAST_LISTENER:
        # Every IPv6 network is full of these; they are not worth loading dpkt.
        packet.protocol, packet.start = ICMPV6, start + 8
        return packet
    return skip_extensions(data, packet)


# A hop-by-hop header of 8 bytes with ICMPv6 behind it: MLD (RFC 3810 section 5).
_MULTICAST_LISTENER: Final = bytes((ICMPV6, 0))


def skip_extensions(data: bytes, packet: IpPacket) -> IpPacket | str:
    """Move `packet` behind its extension headers, noting a fragment header (RFC 8200 section 4).

    Stops at AH and ESP, which are payload here, and behind the header of a later fragment, whose
    payload starts with no header at all.
    """
    import dpkt

    classes = _extension_classes()
    for _ in range(MAX_EXTENSION_HEADERS):
        if packet.protocol not in EXTENSION_HEADERS:
            return packet
        window = data[packet.start : packet.start + _EXTENSION_WINDOW_BYTES]
        try:
            header = classes[packet.protocol](window)
        except dpkt.UnpackError:
            return CUT if packet.start + len(window) < packet.end else MALFORMED
        if header.length > len(window):
            # dpkt is content if the options it skips reach past the end.
            return CUT if packet.start + len(window) < packet.end else MALFORMED
        kind = packet.protocol
        packet.protocol = header.nxt
        packet.start += header.length
        if packet.start > packet.end:
            return MALFORMED
        if kind == _FRAGMENT and (header.frag_off or header.m_flag):
            if packet.fragment is not None:
                return MALFORMED
            packet.fragment = Fragment(header.id, header.frag_off * 8, bool(header.m_flag))
            return packet
    return MALFORMED


def _extension_classes() -> dict[int, Any]:
    """dpkt's readers of single extension headers: nothing of dpkt that recurses into payload."""
    import dpkt.ip6  # 40 ms, and most captures have no extension headers

    classes = dpkt.ip6.EXT_HDRS_CLS
    return {number: classes[number] for number in EXTENSION_HEADERS}


def address_text(address: bytes) -> str:
    """An address of 4 or 16 bytes as text."""
    return socket.inet_ntop(socket.AF_INET6 if len(address) == 16 else socket.AF_INET, address)


def ones_complement(data: bytes) -> int:
    """The 16-bit ones' complement sum of RFC 1071, modulo 65535 (so 0 stands for 0xffff too)."""
    value = int.from_bytes(data, "big")
    return (value << 8 if len(data) % 2 else value) % 0xFFFF


def ipv4_header_checksum_ok(data: bytes, packet: IpPacket) -> bool:
    """Whether an IPv4 header sums up (RFC 791); a checksum of 0 was left to the card."""
    if packet.is_ipv6 or not any(data[packet.header + 10 : packet.header + 12]):
        return True
    return ones_complement(data[packet.header : packet.start]) == 0


def udp_checksum_ok(src: bytes, dst: bytes, datagram: bytes) -> bool:
    """Whether a whole UDP datagram, header included, has a checksum that proves no damage.

    True for no checksum (0, RFC 768) and for the sum of the pseudo header alone, which is what the
    stack leaves for the card to complete in packets captured where they are sent.
    """
    field = datagram[6] << 8 | datagram[7]
    if not field:
        return True
    pseudo = ones_complement(src + dst + len(datagram).to_bytes(4, "big") + b"\0\0\0\x11")
    if field % 0xFFFF == pseudo:
        return True
    return (pseudo + ones_complement(datagram)) % 0xFFFF == 0
