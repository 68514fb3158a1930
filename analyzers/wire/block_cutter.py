"""A capture that is still being written, as whole pcapng blocks, little-endian.

What a pipe delivers is cut anywhere. Whoever reads, saves or begins again after a break wants whole
blocks; classic pcap becomes pcapng on the way (draft-ietf-opsawg-pcapng, draft-ietf-opsawg-pcap).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Final

from analyzers.wire.framing import MAX_FRAME_BYTES
from analyzers.wire.pcap import FILE_HEADER_BYTES, MAGICS, is_pcap
from analyzers.wire.pcapng import (
    BYTE_ORDER_MAGIC,
    ENHANCED_PACKET,
    INTERFACE,
    MAX_PACKET_BLOCK_BYTES,
    OPTION_IPV4_ADDRESS,
    OPTION_IPV6_ADDRESS,
    OPTION_TSRESOL,
    SECTION_HEADER,
    STATISTICS,
    is_pcapng,
)
from analyzers.wire.raw_packets import option, split_options

_END: Final = struct.pack("<HH", 0, 0)
_HEAD: Final = struct.Struct("<II")
_ENHANCED: Final = struct.Struct("<IIIIIII")
_LEAST_BLOCK: Final = 12
_MAGIC_BYTES: Final = 4


def block(kind: int, body: bytes) -> bytes:
    """A block around its body, which is padded to 32 bits."""
    length = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + length + body + length


def section(options: bytes = b"") -> bytes:
    """A section header of unknown length; `options` without their end mark."""
    body = struct.pack("<IHHq", BYTE_ORDER_MAGIC, 1, 0, -1)
    return block(SECTION_HEADER, body + (options + _END if options else b""))


def _address_option(text: str) -> bytes:
    """An address of an interface, as one that has no net of its own."""
    address = ip_address(text)
    if address.version == 4:
        return option(OPTION_IPV4_ADDRESS, address.packed + b"\xff" * 4)
    return option(OPTION_IPV6_ADDRESS, address.packed + bytes([address.max_prefixlen]))


class BlockCutter:
    """Takes a stream as it comes and gives its whole blocks."""

    def __init__(self) -> None:
        self.damage = ""
        """Why nothing more can be read of the stream; empty while it can be."""
        self.addresses: Sequence[str] = ()
        """Of the interface that is captured on: its description gets them."""
        self._rest = b""
        self._pcap: tuple[struct.Struct, int, int] | None = None
        self._format: str | None = None

    def restart(self) -> int:
        """Another stream begins; returns how many bytes of the last one were no whole block."""
        lost = len(self._rest)
        self._rest, self._pcap, self._format, self.damage = b"", None, None, ""
        return lost

    def feed(self, data: bytes) -> bytes:
        """The blocks that are whole by now."""
        if self.damage:
            return b""
        data = self._rest + data if self._rest else data
        if self._format is None:
            if len(data) < _MAGIC_BYTES:
                self._rest = data
                return b""
            self._format = "pcapng" if is_pcapng(data) else "pcap"
            if self._format == "pcap" and not is_pcap(data):
                self.damage, self._rest = "it is no capture", b""
                return b""
        return self._blocks(data) if self._format == "pcapng" else self._records(data)

    # --- pcapng ----------------------------------------------------------------------------

    def _blocks(self, data: bytes) -> bytes:
        position, end = 0, len(data)
        read = _HEAD.unpack_from
        edited: list[tuple[int, int, bytes]] = []
        while position + _LEAST_BLOCK <= end:
            kind, length = read(data, position)
            if kind == SECTION_HEADER:
                (magic,) = struct.unpack_from("<I", data, position + 8)
                if magic != BYTE_ORDER_MAGIC:
                    self.damage = "a section in big-endian order, which only a file may have"
                    break
            if length < _LEAST_BLOCK or length & 3 or length > MAX_PACKET_BLOCK_BYTES:
                self.damage = f"a block of {length} bytes cannot be"
                break
            if position + length > end:
                break
            if kind == STATISTICS:
                # They are about one child; who saves tells of the whole session.
                edited.append((position, length, b""))
            elif kind == INTERFACE and self.addresses:
                options = split_options(data[position + 16 : position + length - 4])
                kept = b"".join(option(*each) for each in options if each[0])
                described = self._interface(data[position + 8 : position + 16], kept)
                edited.append((position, length, described))
            position += length
        self._rest = b"" if self.damage else data[position:]
        whole = data[:position]
        for start, length, instead in reversed(edited):
            whole = whole[:start] + instead + whole[start + length :]
        return whole

    def _interface(self, fields: bytes, options: bytes) -> bytes:
        """The description of an interface; `options` without their end mark."""
        options += b"".join(map(_address_option, self.addresses))
        return block(INTERFACE, fields + (options + _END if options else b""))

    # --- pcap ------------------------------------------------------------------------------

    def _records(self, data: bytes) -> bytes:
        made: list[bytes] = []
        position = 0
        if self._pcap is None:
            if len(data) < FILE_HEADER_BYTES:
                self._rest = data
                return b""
            order, header_bytes, tick_ns = MAGICS[struct.unpack_from("<I", data)[0]]
            snap, link = struct.unpack_from(order + "II", data, 16)
            options = option(OPTION_TSRESOL, b"\x09") if tick_ns == 1 else b""
            fields = struct.pack("<HHI", link & 0xFFFF, 0, snap)
            made = [section(), self._interface(fields, options)]
            ticks = 1_000_000_000 // tick_ns
            self._pcap = struct.Struct(order + "IIII"), header_bytes, ticks
            position = FILE_HEADER_BYTES
        header, header_bytes, ticks = self._pcap
        end = len(data)
        while position + header_bytes <= end:
            second, fraction, captured, wire = header.unpack_from(data, position)
            if captured > MAX_FRAME_BYTES:
                self.damage = f"a record of {captured} bytes cannot be"
                break
            start = position + header_bytes
            position = start + captured
            if position > end:
                position = start - header_bytes
                break
            at = second * ticks + fraction
            padding = bytes(-captured % 4)
            length = 32 + captured + len(padding)
            made += (
                _ENHANCED.pack(
                    ENHANCED_PACKET, length, 0, at >> 32, at & 0xFFFFFFFF, captured, wire
                ),
                data[start:position],
                padding,
                length.to_bytes(4, "little"),
            )
        self._rest = b"" if self.damage else data[position:]
        return b"".join(made)
