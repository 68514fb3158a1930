"""Chosen packets of a capture as they are in the file: bytes, ticks, interface, options.

Records are numbered as `PcapFraming` and `PcapngFraming` number them. All that is returned is in
the little-endian form of pcapng (draft-ietf-opsawg-pcapng), whatever the input was.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator
from typing import Final, NamedTuple, Protocol

from msgspec import Struct

from analyzers.wire.framing import MAX_FRAME_BYTES
from analyzers.wire.pcap import FILE_HEADER_BYTES, MAGICS, is_pcap
from analyzers.wire.pcapng import (
    BYTE_ORDER_MAGIC,
    ENHANCED_PACKET,
    INTERFACE,
    JOURNAL,
    MAX_CONTROL_BLOCK_BYTES,
    MAX_INTERFACES,
    MAX_PACKET_BLOCK_BYTES,
    OLD_PACKET,
    OPTION_TSOFFSET,
    OPTION_TSRESOL,
    SECTION_HEADER,
    SIMPLE_PACKET,
)

_PIECE_BYTES: Final = 1 << 20
_OPTION_FCSLEN: Final = 13
_FCS_PRESENT: Final = 0x04000000
# Options that are numbers of so many bytes; every other one is the same in both byte orders.
_PACKET_NUMBERS: Final = {2: 4, 4: 8, 5: 8, 6: 4}
_INTERFACE_NUMBERS: Final = {8: 8, 10: 4, 14: 8, 16: 8, 17: 8}
# Custom options begin with a private enterprise number.
_CUSTOM: Final = frozenset({2988, 2989, 19372, 19373})


class Bytes(Protocol):
    """Something bytes can be read from, into a buffer of the caller."""

    def read_into(self, view: memoryview) -> int:
        """Fill `view` as far as possible; 0 at the end."""


class RawInterface(Struct, frozen=True, eq=False):
    """An interface description."""

    link_type: int
    snap_length: int
    options: bytes
    """Without their end mark."""
    ticks_per_second: int
    offset_s: int = 0


class RawPacket(NamedTuple):
    """One packet."""

    record: int
    """Frame number, counted from 1."""
    at_ns: int
    ticks: int
    """Its time in units of its interface."""
    interface: RawInterface
    data: bytes
    wire_bytes: int
    options: bytes
    """Without their end mark."""


def raw_packets(stream: Bytes, head: bytes, wanted: Collection[int]) -> Iterator[RawPacket]:
    """The packets with the wanted numbers, in the order of the file."""
    if not wanted:
        return
    records = frozenset(wanted)
    reader = _Reader(stream)
    last = max(records)
    for packet in _pcap(reader, records) if is_pcap(head) else _pcapng(reader, records):
        yield packet
        if packet.record >= last:
            return


class _Reader:
    """A stream as a buffer that is filled as far as it is asked for."""

    def __init__(self, stream: Bytes) -> None:
        self._stream = stream
        self.buffer = bytearray()
        self.position = 0

    def has(self, size: int) -> bool:
        """Whether `size` more bytes are in the buffer, once it is filled."""
        while len(self.buffer) - self.position < size:
            piece = bytearray(max(_PIECE_BYTES, size))
            count = self._stream.read_into(memoryview(piece))
            if not count:
                return False
            del self.buffer[: self.position]
            self.position = 0
            self.buffer += piece[:count]
        return True

    def skip(self, size: int) -> bool:
        """Go on by `size` bytes, without keeping them; False where the stream ends before."""
        while size:
            if not self.has(1):
                return False
            step = min(size, len(self.buffer) - self.position)
            self.position += step
            size -= step
        return True


# --- pcap -----------------------------------------------------------------------------------


def _pcap(reader: _Reader, records: frozenset[int]) -> Iterator[RawPacket]:
    if not reader.has(FILE_HEADER_BYTES):
        return
    order, header_bytes, tick_ns = MAGICS[struct.unpack_from("<I", reader.buffer)[0]]
    snap, link = struct.unpack_from(order + "II", reader.buffer, 16)
    options = b""
    if tick_ns == 1:
        options += option(OPTION_TSRESOL, b"\x09")
    if link & _FCS_PRESENT:
        options += option(_OPTION_FCSLEN, bytes([(link >> 28) * 16]))
    interface = RawInterface(link & 0xFFFF, snap, options, 1_000_000_000 // tick_ns)
    reader.position = FILE_HEADER_BYTES
    read = struct.Struct(order + "IIII").unpack_from
    record = 0
    while reader.has(header_bytes):
        second, fraction, captured, wire = read(reader.buffer, reader.position)
        if captured > MAX_FRAME_BYTES or not reader.has(header_bytes + captured):
            return
        record += 1
        if record in records:
            start = reader.position + header_bytes
            yield RawPacket(
                record,
                second * 1_000_000_000 + fraction * tick_ns,
                second * interface.ticks_per_second + fraction,
                interface,
                bytes(reader.buffer[start : start + captured]),
                max(wire, captured),
                b"",
            )
        reader.position += header_bytes + captured


# --- pcapng ---------------------------------------------------------------------------------


def _pcapng(reader: _Reader, records: frozenset[int]) -> Iterator[RawPacket]:
    order = "<"
    interfaces: list[RawInterface | None] = []
    record = 0
    before = (0, 0, 0)

    def before_ns() -> int:
        number, high, low = before
        known = interfaces[number] if number < len(interfaces) else None
        return 0 if known is None else _at_ns(known, (high << 32) | low)

    while reader.has(12):
        kind, length = struct.unpack_from(order + "II", reader.buffer, reader.position)
        if kind == SECTION_HEADER:
            found = _order(reader)
            if found is None:
                return
            order, interfaces = found, []
            length = struct.unpack_from(order + "I", reader.buffer, reader.position + 4)[0]
        is_packet = kind in (ENHANCED_PACKET, OLD_PACKET, SIMPLE_PACKET, JOURNAL)
        if length < 12 or length & 3 or (is_packet and length > MAX_PACKET_BLOCK_BYTES):
            return
        if not is_packet and length > MAX_CONTROL_BLOCK_BYTES:
            if not reader.skip(length):
                return
            continue
        if not reader.has(length):
            return
        if is_packet:
            record += 1
            if record in records:
                # The time of a packet without one is that of the packet before.
                packet = _packet(reader, order, kind, length, record, interfaces, before_ns())
                if packet is not None:
                    yield packet
            if kind == ENHANCED_PACKET and length >= 32:
                before = struct.unpack_from(order + "III", reader.buffer, reader.position + 8)
        elif kind == INTERFACE and len(interfaces) < MAX_INTERFACES:
            interfaces.append(_interface(reader, order, length))
        reader.position += length


def _order(reader: _Reader) -> str | None:
    for order in "<>":
        magic = struct.unpack_from(order + "I", reader.buffer, reader.position + 8)[0]
        if magic == BYTE_ORDER_MAGIC:
            return order
    return None


def _interface(reader: _Reader, order: str, length: int) -> RawInterface | None:
    if length < 20:
        return None
    start = reader.position
    link_type, _, snap = struct.unpack_from(order + "HHI", reader.buffer, start + 8)
    options = _options(reader.buffer, start + 16, start + length - 4, order, _INTERFACE_NUMBERS)
    ticks_per_second, offset_s = 1_000_000, 0
    for code, value in split_options(options):
        if code == OPTION_TSRESOL and value:
            ticks_per_second = (2 if value[0] & 0x80 else 10) ** (value[0] & 0x7F)
        elif code == OPTION_TSOFFSET and len(value) >= 8:
            offset_s = struct.unpack_from("<q", value)[0]
    return RawInterface(link_type, snap, options, ticks_per_second, offset_s)


def _packet(
    reader: _Reader,
    order: str,
    kind: int,
    length: int,
    record: int,
    interfaces: list[RawInterface | None],
    before_ns: int,
) -> RawPacket | None:
    """A packet; None where it cannot be read."""
    buffer, start = reader.buffer, reader.position
    stop = start + length - 4
    ticks: int | None = None
    if kind == SIMPLE_PACKET:
        number, header = 0, 12
        wire = struct.unpack_from(order + "I", buffer, start + 8)[0]
        first = interfaces[0] if interfaces else None
        captured = min(wire, first.snap_length) if first and first.snap_length else wire
        captured = min(captured, length - 16)
    elif length < 32 or kind == JOURNAL:
        return None
    else:
        header = 28
        layout = "HHIIII" if kind == OLD_PACKET else "IIIII"
        number, *_, high, low, captured, wire = struct.unpack_from(
            order + layout, buffer, start + 8
        )
        ticks = (high << 32) | low
    interface = interfaces[number] if number < len(interfaces) else None
    if interface is None or captured > length - header - 4:
        return None
    if ticks is None:
        since_ns = before_ns - interface.offset_s * 1_000_000_000
        ticks = max(since_ns * interface.ticks_per_second // 1_000_000_000, 0)
    data = start + header
    options = b""
    if kind != SIMPLE_PACKET:
        behind = data + ((captured + 3) & ~3)
        options = _options(buffer, behind, stop, order, _PACKET_NUMBERS)
    frame = bytes(buffer[data : data + captured])
    at_ns = _at_ns(interface, ticks)
    return RawPacket(record, at_ns, ticks, interface, frame, max(wire, captured), options)


def _at_ns(interface: RawInterface, ticks: int) -> int:
    since_ns = ticks * 1_000_000_000 // interface.ticks_per_second
    return interface.offset_s * 1_000_000_000 + since_ns


# --- options --------------------------------------------------------------------------------


def option(code: int, value: bytes) -> bytes:
    """One option, little-endian."""
    return struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)


def split_options(options: bytes) -> Iterator[tuple[int, bytes]]:
    """Code and value of each option, little-endian."""
    cursor = 0
    while cursor + 4 <= len(options):
        code, size = struct.unpack_from("<HH", options, cursor)
        yield code, options[cursor + 4 : cursor + 4 + size]
        cursor += 4 + ((size + 3) & ~3)


def _options(
    buffer: bytearray, cursor: int, stop: int, order: str, numbers: dict[int, int]
) -> bytes:
    """The options up to their end mark, little-endian; what does not fit its block is dropped."""
    found: list[bytes] = []
    while cursor + 4 <= stop:
        code, size = struct.unpack_from(order + "HH", buffer, cursor)
        value = bytes(buffer[cursor + 4 : cursor + 4 + size])
        if code == 0 or cursor + 4 + size > stop:
            break
        if order == ">":
            if numbers.get(code) == size:
                value = value[::-1]
            elif code in _CUSTOM:
                value = value[:4][::-1] + value[4:]
        found.append(option(code, value))
        cursor += 4 + ((size + 3) & ~3)
    return b"".join(found)
