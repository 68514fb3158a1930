"""Walks the records of a chunk in many places at once.

Where a record starts is known only from the one before it, so a walk goes step by step. Here it
begins in many places together, at what looks like a record, and every step moves all lanes in one
vector operation. A lane counts only if the one before it arrives exactly where it began: the
places are guessed, the result is not.
"""

from __future__ import annotations

import struct
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from analyzers.wire.frames import Int64Array

WORTHWHILE_BYTES: Final = 1 << 20
"""In less than this the guesses cost more than they save."""

# More lanes are more guesses, fewer are more steps: both cost the same at about this length.
_LANE_BYTES: Final = 32 << 10
_LEAST_LANES: Final = 8
_STEPS: Final = 16
"""Between two looks at whether all lanes have arrived."""
_LONGEST_LIKELY: Final = 1 << 18
_LEAST_BLOCK_BYTES: Final = 32
_NONE: Final = np.empty(0, np.int64)


class Guess(Protocol):
    """Finds what looks like a record."""

    def __call__(self, buffer: bytearray, begin: int, limit: int) -> int:
        """The first likely record that starts in `buffer[begin:limit]`; -1 if there is none."""


class Lanes:
    """Walks chunks of records whose length stands in a 32-bit field of their header."""

    def __init__(self, order: str, length_at: int, added: int, least: int = 0) -> None:
        """A record has the length in the field at `length_at`, at least `least`, plus `added`."""
        self._unsigned = order + "u4"
        self._length_at = length_at
        self._added = added
        self._least = least

    def walk(self, buffer: bytearray, start: int, end: int, guess: Guess) -> tuple[Int64Array, int]:
        """Offsets of the first records of `buffer[start:end]`, and where the next one starts.

        A record starts at `start`. Stops before `end`, earlier where a guess was wrong; what is
        told was walked from `start`, record by record.
        """
        starts = _starts(buffer, start, end, guess)
        if len(starts) <= _LEAST_LANES:
            return _NONE, start
        # The last place only bounds the lane before it.
        bounds = starts[1:]
        places = self._places(buffer, starts[:-1], bounds)
        inside = places < bounds
        arrived = places[inside.sum(axis=0), np.arange(len(bounds))]
        astray = np.flatnonzero(arrived != bounds)
        sure = int(astray[0]) if len(astray) else len(bounds)
        return places.T[:sure][inside.T[:sure]], int(starts[sure])

    def _places(self, buffer: bytearray, starts: Int64Array, bounds: Int64Array) -> Int64Array:
        """(steps, lanes) offsets of records, until every lane is at its bound or beyond it."""
        lengths = np.ndarray(
            (len(buffer) - self._length_at - 3,),
            dtype="V4",
            buffer=buffer,
            offset=self._length_at,
            strides=(1,),
        )
        # A lane that went astray stays at the end.
        furthest = len(lengths) - 1
        parts: list[NDArray[np.int64]] = []
        at = starts
        while True:
            part = np.empty((_STEPS, len(starts)), np.int64)
            for row in part:
                row[:] = at
                length = lengths[row].view(self._unsigned)
                if self._least:
                    length = np.maximum(length, self._least)
                at = length + row
                at += self._added
                np.minimum(at, furthest, out=at)
            parts.append(part)
            if (at >= bounds).all():
                return np.concatenate([*parts, at[np.newaxis]])


def _starts(buffer: bytearray, start: int, end: int, guess: Guess) -> Int64Array:
    """Places that look like records, one for each lane; the first one is known to be one."""
    places = [start]
    last = end - _LANE_BYTES
    for begin in range(start + _LANE_BYTES, last, _LANE_BYTES):
        place = guess(buffer, begin, begin + _LANE_BYTES)
        if place >= 0:
            places.append(place)
    return np.array(places, dtype=np.int64)


class PcapGuess:
    """A pcap record header: the seconds of a known one, near enough, and possible lengths."""

    def __init__(self, buffer: bytearray, start: int, order: str, header_bytes: int) -> None:
        """A record starts at `start`."""
        # The upper half of the seconds stays the same for 18 hours.
        self._at = 2 if order == "<" else 0
        self._seconds = bytes(buffer[start + self._at : start + self._at + 2])
        self._lengths = struct.Struct(order + "II").unpack_from
        self._header_bytes = header_bytes

    def __call__(self, buffer: bytearray, begin: int, limit: int) -> int:
        """The first likely record that starts in `buffer[begin:limit]`; -1 if there is none."""
        seconds, at = self._seconds, self._at
        found = buffer.find(seconds, begin + at, limit + at)
        while found >= 0:
            captured, wire = self._lengths(buffer, found - at + 8)
            following = found + self._header_bytes + captured
            if (
                0 < captured <= wire <= _LONGEST_LIKELY
                and buffer[following : following + 2] == seconds
            ):
                return found - at
            found = buffer.find(seconds, found + 1, limit + at)
        return -1


class BlockGuess:
    """An enhanced packet block of pcapng: its type, and its length at either end."""

    def __init__(self, start: int, order: str, kind: int) -> None:
        """A block starts at `start`; all others are 32-bit aligned to it."""
        self._start = start
        self._kind = struct.pack(order + "I", kind)
        self._length = struct.Struct(order + "I").unpack_from

    def __call__(self, buffer: bytearray, begin: int, limit: int) -> int:
        """The first likely block that starts in `buffer[begin:limit]`; -1 if there is none."""
        found = buffer.find(self._kind, begin, limit + 3)
        while found >= 0:
            if (found - self._start) & 3 == 0:
                (length,) = self._length(buffer, found + 4)
                end = found + length
                if (
                    _LEAST_BLOCK_BYTES <= length <= _LONGEST_LIKELY
                    and end <= len(buffer)
                    and self._length(buffer, end - 4)[0] == length
                ):
                    return found
            found = buffer.find(self._kind, found + 1, limit + 3)
        return -1
