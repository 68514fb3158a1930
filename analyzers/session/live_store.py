"""Keeps what is captured as pcapng: the packets as they came, and until when was watched.

All sources go into one section; their interfaces are numbered anew. What an offline analysis reads
is what the session has seen: the same packets, in the same order, up to the same end.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from analyzers.sources.ring_files import RingFiles
from analyzers.wire.block_cutter import block, section
from analyzers.wire.pcapng import (
    ENHANCED_PACKET,
    INTERFACE,
    OPTION_DROPPED,
    OPTION_END_TIME,
    OPTION_START_TIME,
    OPTION_TSOFFSET,
    OPTION_TSRESOL,
    SECTION_HEADER,
    STATISTICS,
)
from analyzers.wire.raw_packets import option, split_options

_USER_APPLICATION: Final = 4
_HEAD: Final = struct.Struct("<II")
_NUMBER: Final = struct.Struct("<I")
_END: Final = struct.pack("<HH", 0, 0)
_MICROSECONDS: Final = 6
_MOST_GAPS: Final = 1000


class CaptureStore:
    """Writes the blocks of all capture sources."""

    def __init__(self, files: RingFiles, application: str) -> None:
        """`application` is what wrote the file, as the file says."""
        self._files = files
        self._section = section(option(_USER_APPLICATION, application.encode()))
        self._interfaces: list[tuple[int, bytes]] = []
        """Source and block of each interface, by its number in the files."""
        self._numbers: dict[int, list[int]] = {}
        """Of each source: its interfaces, by their numbers in its own section."""
        self._drops: dict[int, int] = {}
        self._gaps: dict[int, deque[tuple[int, int]]] = {}
        """When each source was not watched."""
        self._begun = False
        self.packets_bytes = 0

    @property
    def paths(self) -> tuple[Path, ...]:
        """What was written and is still there."""
        return self._files.files

    def interfaces_of(self, source: int) -> frozenset[int]:
        """The interfaces of a source, by their numbers in the files."""
        return frozenset(n for n, (owner, _) in enumerate(self._interfaces) if owner == source)

    @property
    def stopped(self) -> str:
        """Why nothing is written any more; empty while it is."""
        return self._files.stopped

    @property
    def removed(self) -> int:
        """Files that had to go."""
        return self._files.removed

    def write(self, source: int, blocks: bytes) -> None:
        """Whole blocks of a source, in its order."""
        if self._files.stopped:
            return
        known = len(self._interfaces)
        packets = self._renumbered(source, blocks)
        if packets and self._begun and self._files.is_full(len(packets)):
            self._files.turn()
            self._begun = False
        new = self._interfaces[known:]
        # One that comes after a break was not watched before it, either.
        gaps = b"".join(
            _unwatched(known + place, described, *gap)
            for place, (_, described) in enumerate(new)
            for gap in self._gaps.get(source, ())
        )
        head = b""
        if not self._begun:
            head, new, gaps = self._section, self._interfaces, b""
            self._begun = True
        head += b"".join(each for _, each in new) + gaps
        data = head + packets
        before = self._files.size
        self._files.write(data, partial(_whole_blocks, data))
        self.packets_bytes += max(0, self._files.size - before - len(head))

    def discard(self) -> None:
        """Remove what was written: there is no packet in it."""
        self._files.discard()

    def count_drops(self, source: int, dropped: int) -> None:
        """So many packets of a source were lost so far."""
        self._drops[source] = dropped

    def note_gap(self, source: int, start_ns: int, end_ns: int) -> None:
        """A source was not watched for a time: its statistics so far, and those that follow."""
        if not self._begun:
            return
        self._gaps.setdefault(source, deque(maxlen=_MOST_GAPS)).append((start_ns, end_ns))
        blocks = b"".join(
            _unwatched(number, described, start_ns, end_ns)
            for number, (owner, described) in enumerate(self._interfaces)
            if owner == source
        )
        self._files.write(blocks, partial(_whole_blocks, blocks))

    def close(self, until_ns: Sequence[int | None]) -> None:
        """Say until when each source was watched, and let go of the file."""
        made = []
        told: set[int] = set()
        for number, (source, described) in enumerate(self._interfaces):
            end_ns = until_ns[source] if source < len(until_ns) else None
            dropped = 0 if source in told else self._drops.get(source, 0)
            told.add(source)
            if end_ns is not None:
                made.append(_statistics(number, described, end_ns, dropped=dropped))
        head = b"" if self._begun else self._section
        self._files.write(head + b"".join(made if self._begun else ()))
        self._files.close()

    def _renumbered(self, source: int, blocks: bytes) -> bytes:
        """The packets of a source, with the numbers that its interfaces have in the files."""
        data = bytearray(blocks)
        control: list[tuple[int, int]] = []
        position, end = 0, len(data)
        numbers = self._numbers.setdefault(source, [])
        while position < end:
            kind, length = _HEAD.unpack_from(data, position)
            if kind == ENHANCED_PACKET:
                (number,) = _NUMBER.unpack_from(data, position + 8)
                if number < len(numbers) and numbers[number] != number:
                    _NUMBER.pack_into(data, position + 8, numbers[number])
            elif kind == SECTION_HEADER:
                control.append((position, length))
                numbers.clear()
            elif kind == INTERFACE:
                control.append((position, length))
                numbers.append(self._number(source, bytes(data[position : position + length])))
            position += length
        for start, length in reversed(control):
            del data[start : start + length]
        return bytes(data)

    def _number(self, source: int, described: bytes) -> int:
        """The number of an interface; one that comes back after a break keeps its own."""
        taken = set(self._numbers[source])
        for number, known in enumerate(self._interfaces):
            if known == (source, described) and number not in taken:
                return number
        self._interfaces.append((source, described))
        return len(self._interfaces) - 1


def _whole_blocks(data: bytes, written: int) -> int:
    """How many of so many bytes are whole blocks."""
    position = 0
    while position + _HEAD.size <= written:
        length = _HEAD.unpack_from(data, position)[1]
        if position + length > written:
            break
        position += length
    return position


def _statistics(
    number: int, described: bytes, end_ns: int, start_ns: int | None = None, *, dropped: int = 0
) -> bytes:
    """An interface statistics block; `start_ns`: when capturing began again."""
    split = _split(_ticks(described, end_ns))
    options = b""
    if start_ns is not None:
        options = option(OPTION_START_TIME, _split(_ticks(described, start_ns)))
    options += option(OPTION_END_TIME, split)
    if dropped:
        options += option(OPTION_DROPPED, struct.pack("<Q", dropped))
    return block(STATISTICS, struct.pack("<I", number) + split + options + _END)


def _unwatched(number: int, described: bytes, start_ns: int, end_ns: int) -> bytes:
    """Statistics of an interface before a time in which nobody watched, and after it."""
    before = _statistics(number, described, start_ns)
    return before + _statistics(number, described, end_ns, end_ns)


def _split(ticks: int) -> bytes:
    return struct.pack("<II", ticks >> 32, ticks & 0xFFFFFFFF)


def _ticks(described: bytes, at_ns: int) -> int:
    """A time in the units of an interface."""
    resolution, offset_s = _MICROSECONDS, 0
    for code, value in split_options(described[16:-4]):
        if code == OPTION_TSRESOL and value:
            resolution = value[0]
        elif code == OPTION_TSOFFSET and len(value) >= 8:
            (offset_s,) = struct.unpack_from("<q", value)
    per_second: int = (2 if resolution & 0x80 else 10) ** (resolution & 0x7F)
    return max(0, (at_ns - offset_s * 1_000_000_000) * per_second // 1_000_000_000)
