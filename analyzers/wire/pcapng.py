"""pcapng framing: sections of either byte order, interfaces, enhanced, simple and old blocks.

Runs of enhanced packet blocks, which is what nearly every file consists of, are gathered in
vector operations; the other packet blocks go through `_packet`, one at a time.
"""

from __future__ import annotations

import struct
from typing import Final

import numpy as np
from msgspec import Struct

from analyzers.model.records import Problem, ProblemKind
from analyzers.wire.frames import LEFT_OUT, NO_LINK_TYPE, FrameBlock, Int64Array
from analyzers.wire.framing import MAX_FRAME_BYTES, Parsed, ProblemFold
from analyzers.wire.ip import address_text
from analyzers.wire.lanes import WORTHWHILE_BYTES, BlockGuess, Lanes
from analyzers.wire.watched import Span, Watched

SECTION_HEADER: Final = 0x0A0D0D0A
INTERFACE: Final = 1
OLD_PACKET: Final = 2
SIMPLE_PACKET: Final = 3
STATISTICS: Final = 5
ENHANCED_PACKET: Final = 6
JOURNAL: Final = 9

BYTE_ORDER_MAGIC: Final = 0x1A2B3C4D
# A packet block is its frame, 32 bytes of fields and options; beyond this it cannot be one.
MAX_PACKET_BLOCK_BYTES: Final = MAX_FRAME_BYTES + (1 << 18)
# Control blocks hold names and comments; what is longer is skipped without being read.
MAX_CONTROL_BLOCK_BYTES: Final = 1 << 20
MAX_INTERFACES: Final = 1 << 16
OPTION_IPV4_ADDRESS: Final = 4
"""Of an interface, with its mask; it may have several."""
OPTION_IPV6_ADDRESS: Final = 5
"""With the length of its prefix."""
OPTION_TSRESOL: Final = 9
OPTION_TSOFFSET: Final = 14
OPTION_START_TIME: Final = 2
OPTION_END_TIME: Final = 3
OPTION_DROPPED: Final = 5
DROPPED: Final = "packets were dropped while capturing: what is missing may have been sent"
_ADDRESS_BYTES: Final = {OPTION_IPV4_ADDRESS: (4, 8), OPTION_IPV6_ADDRESS: (16, 17)}
"""Of an address, and of the option that holds it."""
_MOST_ADDRESSES: Final = 4096
# Times outside 1970..2242 are damage; they would not fit the arithmetic below either.
_MAX_NS: Final = 1 << 63
_LEAST_BLOCK_BYTES: Final = 12


class _Interface(Struct, frozen=True):
    link_type: int
    snap_length: int
    ticks_per_second: int
    offset_s: int


def is_pcapng(head: bytes) -> bool:
    """Whether the first bytes are a section header block."""
    return head[:4] == b"\x0a\x0d\x0d\x0a"


class PcapngFraming:
    """Parser of one pcapng stream (draft-ietf-opsawg-pcapng)."""

    format = "pcapng"

    def __init__(self, source_id: str, asked: frozenset[int] | None = None) -> None:
        """`asked`: the interfaces whose packets are told; None: all of them."""
        self._problems = ProblemFold(source_id)
        self._asked = asked
        self._order = "<"
        self.interface_count = 0
        """The most that a section has."""
        self._interfaces: list[_Interface] = []
        self._records = 0
        self._last_ns = 0
        self._stopped = False
        self._skip_bytes = 0
        self._watched = Watched()
        self._dropped: dict[int, int] = {}
        self.addresses: set[str] = set()
        """Of the machine that captured, as its interfaces say."""

    def take_problems(self) -> list[Problem]:
        """Problems met since the last call."""
        return self._problems.take()

    @property
    def until_ns(self) -> int | None:
        """Until when was captured, where statistics say it."""
        return self._watched.until_ns

    @property
    def gaps(self) -> list[Span]:
        """When no interface was captured, where statistics say it."""
        return self._watched.gaps

    @property
    def gaps_by_interface(self) -> dict[int, list[Span]]:
        """When each interface was not captured, where statistics say it."""
        return self._watched.by_interface

    def finish(self, leftover_bytes: int) -> None:
        """The input ended with this many bytes unparsed."""
        dropped = sum(self._dropped.values())
        if dropped:
            self._problems.add(ProblemKind.PACKETS_DROPPED, DROPPED, None, dropped)
        if (leftover_bytes or self._skip_bytes) and not self._stopped:
            self._problems.add(
                ProblemKind.TRUNCATED_TAIL,
                f"the file ends inside a block ({leftover_bytes} bytes left over)",
                self._records + 1,
            )

    def parse(self, buffer: bytearray, start: int, end: int) -> Parsed:
        """Parse blocks in `buffer[start:end]` up to the end of the packets of one section."""
        skipped = min(self._skip_bytes, end - start)
        self._skip_bytes -= skipped
        if self._skip_bytes:
            return Parsed(skipped, None)
        position = start + skipped
        enhanced: list[int] = []
        others: list[tuple[int, int]] = []
        walked = False
        read = struct.Struct(self._order + "II").unpack_from
        while position + 12 <= end:
            kind, length = read(buffer, position)
            if kind == SECTION_HEADER:
                if enhanced or others:
                    break  # frames before it belong to the section that ends here
                length = self._section(buffer, position)
                read = struct.Struct(self._order + "II").unpack_from
            if kind == ENHANCED_PACKET and not walked and end - position >= WORTHWHILE_BYTES:
                walked = True
                blocks, position = self._walk(buffer, position, end)
                enhanced += blocks
                if blocks:
                    continue
            if length < 12 or length & 3:
                return self._stop(
                    buffer, end - start, enhanced, others, f"a block of {length} bytes"
                )
            if position + length > end:
                if kind in (OLD_PACKET, SIMPLE_PACKET, ENHANCED_PACKET, JOURNAL):
                    if length > MAX_PACKET_BLOCK_BYTES:
                        return self._stop(
                            buffer,
                            end - start,
                            enhanced,
                            others,
                            f"a packet block of {length} bytes",
                        )
                elif length > MAX_CONTROL_BLOCK_BYTES:
                    self._skip_bytes = position + length - end
                    position = end
                break
            if kind == ENHANCED_PACKET:
                enhanced.append(position)
            elif kind in (OLD_PACKET, SIMPLE_PACKET, JOURNAL):
                others.append((position, kind))
            elif kind == INTERFACE:
                self._interface(buffer, position, length)
            elif kind == STATISTICS:
                self._statistics(buffer, position, length)
            position += length
        return Parsed(position - start, self._frames(buffer, enhanced, others))

    def _walk(self, buffer: bytearray, start: int, end: int) -> tuple[list[int], int]:
        """Enhanced packet blocks from `start` on, as far as there is nothing else."""
        guess = BlockGuess(start, self._order, ENHANCED_PACKET)
        lanes = Lanes(self._order, length_at=4, added=0, least=_LEAST_BLOCK_BYTES)
        offset, stop = lanes.walk(buffer, start, end, guess)
        heads = np.ndarray((len(buffer) - 7,), dtype="V8", buffer=buffer, strides=(1,))[offset]
        fields = heads.view(self._order + "u4").reshape(-1, 2)
        length = fields[:, 1]
        other = (
            (fields[:, 0] != ENHANCED_PACKET) | (length < _LEAST_BLOCK_BYTES) | (length & 3 != 0)
        )
        first = np.flatnonzero(other)
        if len(first):
            stop = int(offset[first[0]])
            offset = offset[: first[0]]
        return offset.tolist(), stop

    def _stop(
        self,
        buffer: bytearray,
        consumed: int,
        enhanced: list[int],
        others: list[tuple[int, int]],
        what: str,
    ) -> Parsed:
        frames = self._frames(buffer, enhanced, others)
        self._stopped = True
        self._problems.add(
            ProblemKind.BAD_BLOCK,
            f"{what} cannot be; nothing after it can be read",
            self._records + 1,
        )
        return Parsed(consumed, frames, stopped=True)

    def _section(self, buffer: bytearray, position: int) -> int:
        """Take over the byte order of a section; returns its block length (0 if it is broken)."""
        for order in "<>":
            magic = struct.unpack_from(order + "I", buffer, position + 8)[0]
            if magic == BYTE_ORDER_MAGIC:
                self._order = order
                self._interfaces = []
                self._watched.section()
                return int(struct.unpack_from(order + "I", buffer, position + 4)[0])
        return 0

    def _interface(self, buffer: bytearray, position: int, length: int) -> None:
        if len(self._interfaces) >= MAX_INTERFACES:
            self._problems.add(ProblemKind.BAD_BLOCK, "too many interfaces", self._records + 1)
            return
        link_type, _, snap_length = struct.unpack_from(self._order + "HHI", buffer, position + 8)
        if length < 20:
            link_type, snap_length = NO_LINK_TYPE, 0
        resolution, offset_s = 1_000_000, 0
        cursor, stop = position + 16, position + length - 4
        while cursor + 4 <= stop:
            code, size = struct.unpack_from(self._order + "HH", buffer, cursor)
            value = cursor + 4
            if code == 0 or value + size > stop:
                break
            if code == OPTION_TSRESOL and size >= 1:
                exponent = buffer[value] & 0x7F
                resolution = 2**exponent if buffer[value] & 0x80 else 10**exponent
            elif code == OPTION_TSOFFSET and size >= 8:
                offset_s = struct.unpack_from(self._order + "q", buffer, value)[0]
            elif code in _ADDRESS_BYTES:
                self._address(bytes(buffer[value : value + size]), *_ADDRESS_BYTES[code])
            cursor = value + ((size + 3) & ~3)
        self._interfaces.append(_Interface(link_type, snap_length, resolution, offset_s))
        self.interface_count = max(self.interface_count, len(self._interfaces))

    def _address(self, value: bytes, address_bytes: int, option_bytes: int) -> None:
        if len(value) == option_bytes and len(self.addresses) < _MOST_ADDRESSES:
            self.addresses.add(address_text(value[:address_bytes]))

    def _statistics(self, buffer: bytearray, position: int, length: int) -> None:
        """Take the times at which capturing on an interface began and ended.

        They are in the units of the interface, but some write microseconds whatever these are:
        such times are far in the past, and tell nothing.
        """
        (number,) = struct.unpack_from(self._order + "I", buffer, position + 8)
        if length < 24 or number >= len(self._interfaces):
            return
        if self._asked is not None and number not in self._asked:
            return
        interface = self._interfaces[number]
        times: dict[int, int] = {}
        cursor, stop = position + 20, position + length - 4
        while cursor + 4 <= stop:
            code, size = struct.unpack_from(self._order + "HH", buffer, cursor)
            value = cursor + 4
            if code == 0 or value + size > stop:
                break
            if code in (OPTION_START_TIME, OPTION_END_TIME) and size == 8:
                high, low = struct.unpack_from(self._order + "II", buffer, value)
                ticks = (high << 32) | low
                at_ns = interface.offset_s * 1_000_000_000 + (
                    ticks * 1_000_000_000 // interface.ticks_per_second
                )
                if 0 <= at_ns < _MAX_NS // 2:
                    times[code] = at_ns
            elif code == OPTION_DROPPED and size == 8:
                # A counter: the last one counts.
                (count,) = struct.unpack_from(self._order + "Q", buffer, value)
                self._dropped[number] = min(count, _MAX_NS)
            cursor = value + ((size + 3) & ~3)
        self._watched.tell(number, times.get(OPTION_START_TIME), times.get(OPTION_END_TIME))

    def _frames(
        self, buffer: bytearray, enhanced: list[int], others: list[tuple[int, int]]
    ) -> FrameBlock | None:
        if not enhanced and not others:
            return None
        if others or any(self._needs_exact_time(i) for i in self._interfaces):
            both = sorted([*others, *((p, ENHANCED_PACKET) for p in enhanced)])
            return self._slow(buffer, both)
        offset = np.array(enhanced, dtype=np.int64)
        block = np.ndarray((len(buffer) - 31,), dtype="V28", buffer=buffer, strides=(1,))[offset]
        fields = block.view(self._order + "u4").reshape(-1, 7)
        interface = fields[:, 2].astype(np.int64)
        captured = fields[:, 5].astype(np.int64)
        room = fields[:, 1].astype(np.int64) - 32
        ticks = (fields[:, 3].astype(np.uint64) << np.uint64(32)) | fields[:, 4]
        if (interface >= len(self._interfaces)).any() or (captured > room).any():
            return self._slow(buffer, [(p, ENHANCED_PACKET) for p in enhanced])
        table = self._interfaces
        scale = np.array([1_000_000_000 // i.ticks_per_second for i in table], dtype=np.uint64)
        shift = np.array([i.offset_s * 1_000_000_000 for i in table], dtype=np.int64)
        factor = scale[interface]
        if (ticks >= np.uint64(_MAX_NS // 2) // factor).any():
            return self._slow(buffer, [(p, ENHANCED_PACKET) for p in enhanced])
        at_ns = (ticks * factor).astype(np.int64) + shift[interface]
        links = np.array([i.link_type for i in table], dtype=np.int64)
        return self._block(
            buffer,
            offset + 28,
            captured,
            np.maximum(fields[:, 6].astype(np.int64), captured),
            at_ns,
            links[interface] if (links != links[0]).any() else int(links[0]),
            interface,
        )

    @staticmethod
    def _needs_exact_time(interface: _Interface) -> bool:
        """Whether ticks are no whole number of nanoseconds, or the offset is out of range."""
        return (
            1_000_000_000 % interface.ticks_per_second != 0
            or abs(interface.offset_s) >= _MAX_NS // 4_000_000_000
        )

    def _block(
        self,
        buffer: bytearray,
        offset: Int64Array,
        captured: Int64Array,
        wire: Int64Array,
        at_ns: Int64Array,
        link_types: Int64Array | int,
        interfaces: Int64Array,
    ) -> FrameBlock | None:
        several = interfaces if len(self._interfaces) > 1 else None
        if self._asked is not None:
            own = np.isin(interfaces, list(self._asked))
            if not own.any():
                self._records += len(offset)
                return None
            # The others stand where their neighbours do.
            near = np.maximum.accumulate(np.where(own, np.arange(len(own)), -1))
            near[near < 0] = np.argmax(own)
            at_ns, several = at_ns[near], interfaces[near]
            link_types = np.where(own, link_types, LEFT_OUT)
        frames = FrameBlock(
            buffer, self._records + 1, offset, captured, wire, at_ns, link_types, several
        )
        self._records += len(offset)
        self._last_ns = int(at_ns[-1])
        return frames

    def _slow(self, buffer: bytearray, blocks: list[tuple[int, int]]) -> FrameBlock | None:
        rows = []
        last_ns = self._last_ns
        for index, (position, kind) in enumerate(blocks):
            row = self._packet(buffer, position, kind, self._records + 1 + index, last_ns)
            last_ns = row[3]
            rows.append(row)
        columns = np.array(rows, dtype=np.int64)
        return self._block(buffer, *columns.T)

    def _packet(
        self, buffer: bytearray, position: int, kind: int, record: int, last_ns: int
    ) -> tuple[int, int, int, int, int, int]:
        """(offset, captured, wire, at_ns, link type, interface) of one packet block."""
        order = self._order
        length = struct.unpack_from(order + "I", buffer, position + 4)[0]
        ticks: int | None = None
        if kind == JOURNAL:
            return position + 8, 0, 0, last_ns, NO_LINK_TYPE, -1
        if kind == SIMPLE_PACKET:
            number, header = 0, 12
            (wire,) = struct.unpack_from(order + "I", buffer, position + 8)
            snap = self._interfaces[0].snap_length if self._interfaces else 0
            captured = min(wire, snap) if snap else wire
            captured = min(captured, length - 16)
        elif length < 32:
            number, header, captured, wire = -1, 8, 0, 0
        else:
            header = 28
            if kind == OLD_PACKET:
                number, _, high, low, captured, wire = struct.unpack_from(
                    order + "HHIIII", buffer, position + 8
                )
            else:
                number, high, low, captured, wire = struct.unpack_from(
                    order + "IIIII", buffer, position + 8
                )
            ticks = (high << 32) | low
        room = length - header - 4
        if captured > room or not 0 <= number < len(self._interfaces):
            what = "a frame longer than its block" if captured > room else "an unknown interface"
            self._problems.add(ProblemKind.BAD_BLOCK, what, record)
            return position + header, 0, 0, last_ns, NO_LINK_TYPE, -1
        interface = self._interfaces[number]
        at_ns = last_ns
        if ticks is not None:
            exact = interface.offset_s * 1_000_000_000 + (
                ticks * 1_000_000_000 // interface.ticks_per_second
            )
            if 0 <= exact < _MAX_NS // 2:
                at_ns = exact
            else:
                self._problems.add(ProblemKind.BAD_TIMESTAMP, "a time out of range", record)
        return (
            position + header,
            captured,
            max(wire, captured),
            at_ns,
            interface.link_type,
            number,
        )
