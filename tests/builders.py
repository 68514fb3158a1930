"""Frames and captures from parts, innermost first: `eth(ipv4(udp(ike_header())))`.

Lengths and checksums are right unless the caller says otherwise.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable
from typing import Final, Literal

IPV4: Final = 0x0800
IPV6: Final = 0x86DD
ARP: Final = 0x0806
NON_ESP_MARKER: Final = bytes(4)
SRC4, DST4 = "192.0.2.1", "198.51.100.2"
SRC6, DST6 = "2001:db8::1", "2001:db8:ffff::2"
TCP_SYN, TCP_ACK = 0x02, 0x10

_INITIATOR_SPI: Final = bytes.fromhex("1122334455667788")
_RESPONDER_SPI: Final = bytes.fromhex("99aabbccddeeff01")


def packed(address: str) -> bytes:
    """An address as its 4 or 16 bytes."""
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


def ones_sum(data: bytes) -> int:
    """The folded, not complemented ones' complement sum (RFC 1071)."""
    total: int = sum(struct.unpack(f">{(len(data) + 1) // 2}H", data + bytes(len(data) % 2)))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def eth(payload: bytes, ethertype: int = IPV4, src: int = 1, dst: int = 2) -> bytes:
    """An Ethernet II frame with locally administered addresses."""
    return (
        (0x020000000000 + dst).to_bytes(6, "big")
        + (0x020000000000 + src).to_bytes(6, "big")
        + struct.pack(">H", ethertype)
        + payload
    )


def vlan(payload: bytes, ethertype: int = IPV4, vid: int = 7) -> bytes:
    """What follows a VLAN EtherType: tag, the next EtherType, payload."""
    return struct.pack(">HH", vid, ethertype) + payload


def sll(payload: bytes, protocol: int = IPV4) -> bytes:
    """A Linux cooked v1 frame."""
    return struct.pack(">HHH8sH", 0, 1, 6, bytes(8), protocol) + payload


def sll2(payload: bytes, protocol: int = IPV4) -> bytes:
    """A Linux cooked v2 frame."""
    return struct.pack(">HHIHBB8s", protocol, 0, 1, 1, 0, 6, bytes(8)) + payload


def mpls(payload: bytes, *labels: int) -> bytes:
    """A label stack with the bottom bit on the last label."""
    entries = [
        struct.pack(">I", label << 12 | (number == len(labels) - 1) << 8 | 64)
        for number, label in enumerate(labels)
    ]
    return b"".join(entries) + payload


def pppoe(payload: bytes, protocol: int = 0x0021) -> bytes:
    """A PPPoE session header with a two-byte PPP protocol."""
    return struct.pack(">BBHHH", 0x11, 0, 9, len(payload) + 2, protocol) + payload


def gre(
    payload: bytes,
    protocol: int = IPV4,
    *,
    checksum: bool = False,
    key: int | None = None,
    sequence: int | None = None,
) -> bytes:
    """A GRE version 0 header (RFC 2784, RFC 2890)."""
    flags = checksum << 15 | (key is not None) << 13 | (sequence is not None) << 12
    options = bytes(4) if checksum else b""
    for value in (key, sequence):
        options += b"" if value is None else struct.pack(">I", value)
    return struct.pack(">HH", flags, protocol) + options + payload


def ipv4(
    payload: bytes,
    proto: int = 17,
    src: str = SRC4,
    dst: str = DST4,
    *,
    ident: int = 0x1234,
    offset: int = 0,
    more: bool = False,
    options: bytes = b"",
    total: int | None = None,
    checksum: int | None = None,
) -> bytes:
    """An IPv4 packet; `offset` in bytes, `options` a multiple of 4 bytes."""
    size = 20 + len(options)
    header = struct.pack(
        ">BBHHHBBH4s4s",
        0x40 | size // 4,
        0,
        size + len(payload) if total is None else total,
        ident,
        more << 13 | offset // 8,
        64,
        proto,
        0,
        packed(src),
        packed(dst),
    )
    if checksum is None:
        checksum = 0xFFFF ^ ones_sum(header + options)
    return header[:10] + struct.pack(">H", checksum) + header[12:] + options + payload


def ipv6(
    payload: bytes,
    proto: int = 17,
    src: str = SRC6,
    dst: str = DST6,
    *,
    length: int | None = None,
) -> bytes:
    """An IPv6 packet; extension headers are part of `payload`."""
    size = len(payload) if length is None else length
    return struct.pack(">IHBB", 0x60000000, size, proto, 64) + packed(src) + packed(dst) + payload


def ipv6_options(payload: bytes, proto: int = 17) -> bytes:
    """A hop-by-hop or destination options header of 8 bytes, all padding."""
    return struct.pack(">BBBB4s", proto, 0, 1, 4, bytes(4)) + payload


def ipv6_fragment(
    payload: bytes, proto: int = 17, *, offset: int = 0, more: bool = False, ident: int = 0x77
) -> bytes:
    """An IPv6 fragment header; `offset` in bytes."""
    return struct.pack(">BBHI", proto, 0, offset | more, ident) + payload


def udp(
    payload: bytes,
    sport: int = 500,
    dport: int = 500,
    *,
    between: tuple[str, str] | None = None,
    checksum: int = 0,
    length: int | None = None,
) -> bytes:
    """A UDP datagram; with `between` (source, destination) its checksum is computed."""
    size = len(payload) + 8 if length is None else length
    if between is not None:
        pseudo = packed(between[0]) + packed(between[1]) + struct.pack(">II", len(payload) + 8, 17)
        header = struct.pack(">HHHH", sport, dport, size, 0)
        checksum = (0xFFFF ^ ones_sum(pseudo + header + payload)) or 0xFFFF
    return struct.pack(">HHHH", sport, dport, size, checksum) + payload


def tcp(
    payload: bytes,
    seq: int,
    flags: int = TCP_ACK,
    sport: int = 4500,
    dport: int = 4500,
    ack: int = 1,
) -> bytes:
    """A TCP segment without options; its checksum is 0."""
    return struct.pack(">HHIIBBHHH", sport, dport, seq, ack, 0x50, flags, 0xFFFF, 0, 0) + payload


def esp(spi: int = 0xC0FFEE01, sequence: int = 1, size: int = 64) -> bytes:
    """An ESP packet of `size` bytes, header included."""
    return struct.pack(">II", spi, sequence) + bytes((7 * i + 1) % 256 for i in range(size - 8))


def ah(
    spi: int = 0xA0FFEE01, sequence: int = 1, payload: bytes = bytes(20), proto: int = 4
) -> bytes:
    """An AH header with a 12-byte integrity value, and what it covers."""
    return struct.pack(">BBHII", proto, 4, 0, spi, sequence) + b"\x5a" * 12 + payload


def ike_header(
    body: bytes = b"",
    *,
    version: int = 2,
    exchange: int = 37,
    flags: int = 0x08,
    message_id: int = 1,
    next_payload: int = 0,
    initiator_spi: bytes = _INITIATOR_SPI,
    responder_spi: bytes = _RESPONDER_SPI,
    length: int | None = None,
) -> bytes:
    """An IKE message (RFC 7296 section 3.1), by default an INFORMATIONAL request."""
    return (
        initiator_spi
        + responder_spi
        + struct.pack(
            ">BBBBII",
            next_payload,
            version << 4,
            exchange,
            flags,
            message_id,
            28 + len(body) if length is None else length,
        )
        + body
    )


def ike_of(size: int, message_id: int = 1) -> bytes:
    """An IKEv2 message of `size` bytes: a Vendor ID payload (43) fills it."""
    filler = bytes((11 * i + message_id) % 256 for i in range(size - 32))
    body = struct.pack(">BBH", 0, 0, size - 28) + filler
    return ike_header(body, next_payload=43, message_id=message_id)


def tcp_message(payload: bytes) -> bytes:
    """A length-framed message of RFC 8229 section 3; IKE gets its non-ESP marker by the caller."""
    return struct.pack(">H", len(payload) + 2) + payload


def pcap_bytes(
    frames: Iterable[bytes | tuple[int, bytes] | tuple[int, bytes, int]],
    linktype: int = 1,
    *,
    nanoseconds: bool = False,
    byte_order: Literal["little", "big"] = "little",
    step_ns: int = 1_000_000,
) -> bytes:
    """A pcap file of frames, of (time in ns, frame), or of (time in ns, frame, wire length)."""
    mark = "<" if byte_order == "little" else ">"
    magic = 0xA1B23C4D if nanoseconds else 0xA1B2C3D4
    parts = [struct.pack(mark + "IHHiIII", magic, 2, 4, 0, 0, 262144, linktype)]
    unit = 1 if nanoseconds else 1000
    for number, entry in enumerate(frames):
        row = (
            (number * step_ns + 1_700_000_000_000_000_000, entry)
            if isinstance(entry, bytes)
            else entry
        )
        at_ns, frame = row[0], row[1]
        wire = row[2] if len(row) == 3 else len(frame)
        second, rest = divmod(at_ns, 1_000_000_000)
        parts.append(struct.pack(mark + "IIII", second, rest // unit, len(frame), wire) + frame)
    return b"".join(parts)
