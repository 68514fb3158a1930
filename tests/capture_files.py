"""Capture files from frames: pcap and pcapng of every shape the readers know."""

from __future__ import annotations

import struct
from collections.abc import Iterable

Frame = tuple[int, bytes]
"""Time in ns and bytes."""


def pcap(
    frames: Iterable[Frame],
    *,
    order: str = "<",
    nanoseconds: bool = False,
    link_type: int = 1,
    snap: int = 65535,
    modified: bool = False,
) -> bytes:
    """A pcap file; `modified` has Kuznetzov's 24-byte record headers."""
    magic = 0xA1B2CD34 if modified else (0xA1B23C4D if nanoseconds else 0xA1B2C3D4)
    parts = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snap, link_type)]
    tick = 1 if nanoseconds else 1000
    for at_ns, data in frames:
        second, rest = divmod(at_ns, 1_000_000_000)
        kept = data[:snap]
        parts.append(struct.pack(order + "IIII", second, rest // tick, len(kept), len(data)))
        if modified:
            parts.append(bytes(8))
        parts.append(kept)
    return b"".join(parts)


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    """A pcapng block; the body is padded."""
    padded = body + bytes(-len(body) % 4)
    size = struct.pack(order + "I", len(padded) + 12)
    return struct.pack(order + "I", kind) + size + padded + size


def option(code: int, value: bytes, order: str = "<") -> bytes:
    """A pcapng option."""
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def section(order: str = "<") -> bytes:
    """A section header block."""
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(
    link_type: int = 1,
    *,
    order: str = "<",
    resolution: int | None = None,
    offset_s: int | None = None,
    snap: int = 0,
) -> bytes:
    """An interface description block; `resolution` is the raw if_tsresol byte."""
    body = struct.pack(order + "HHI", link_type, 0, snap)
    if resolution is not None:
        body += option(9, bytes([resolution]), order)
    if offset_s is not None:
        body += option(14, struct.pack(order + "q", offset_s), order)
    return block(1, body + option(0, b"", order), order)


def enhanced(
    ticks: int, data: bytes, *, number: int = 0, order: str = "<", comment: bytes = b""
) -> bytes:
    """An enhanced packet block."""
    head = struct.pack(
        order + "IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, len(data), len(data)
    )
    options = option(1, comment, order) + option(0, b"", order) if comment else b""
    return block(6, head + data + bytes(-len(data) % 4) + options, order)


def simple(data: bytes, order: str = "<") -> bytes:
    """A simple packet block."""
    return block(3, struct.pack(order + "I", len(data)) + data, order)


def old_packet(ticks: int, data: bytes, *, number: int = 0, order: str = "<") -> bytes:
    """An obsolete packet block."""
    head = struct.pack(
        order + "HHIIII", number, 0, ticks >> 32, ticks & 0xFFFFFFFF, len(data), len(data)
    )
    return block(2, head + data, order)
