"""Newest-first logs, as web pages list them: found out by their stamps, and turned round."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from enum import Enum, auto
from typing import Final, NamedTuple

from analyzers.dialects.stamps import NS_PER_DAY, STAMP_AT_START, Stamp, StampKind, read_stamp

# A log that has gone back so often, and never forward, is newest-first.
_STEPS_BACK: Final = 16
# If all of so many lines, or characters, have the same time, nothing can be told.
_MAX_LINES: Final = 2_000
_MAX_CHARS: Final = 1 << 18
_BLOCK_CHARS: Final = 1 << 18
_PERIODS: Final = {StampKind.NO_YEAR: 366 * NS_PER_DAY, StampKind.TIME_ONLY: NS_PER_DAY}
_MAX_LINE: Final = 4000


class Order(Enum):
    """How the lines of a log follow each other."""

    UNKNOWN = auto()
    OLDEST_FIRST = auto()
    NEWEST_FIRST = auto()


class OrderProbe:
    """Tells the order from the first lines: time never goes forward in a newest-first log."""

    def __init__(self, order: Order = Order.UNKNOWN) -> None:
        self.order = order
        self._last: Stamp | None = None
        self._back = 0
        self._lines = 0
        self._chars = 0

    def look(self, line: str) -> None:
        """Take the next line, while the order is unknown."""
        self._lines += 1
        self._chars += len(line)
        stamp = _stamp(line)
        if stamp is not None:
            last, self._last = self._last, stamp
            step = 0 if last is None or last.kind is not stamp.kind else _step(last, stamp)
            self._back += step < 0
            if step > 0:
                self.order = Order.OLDEST_FIRST
            elif self._back >= _STEPS_BACK:
                self.order = Order.NEWEST_FIRST
        if self.order is Order.UNKNOWN and (self._lines >= _MAX_LINES or self._chars >= _MAX_CHARS):
            self.finish()

    def finish(self) -> None:
        """There are no more lines to tell it from."""
        if self.order is Order.UNKNOWN:
            self.order = Order.NEWEST_FIRST if self._back else Order.OLDEST_FIRST


def _stamp(line: str) -> Stamp | None:
    match = STAMP_AT_START.match(line[:_MAX_LINE])
    return None if match is None else read_stamp(match)


def _step(last: Stamp, stamp: Stamp) -> int:
    """How far time goes forward; over New Year and midnight too."""
    step = stamp.ns - last.ns
    period = _PERIODS.get(stamp.kind)
    if period is None:
        return step
    return (step + period // 2) % period - period // 2


class Lines(NamedTuple):
    """Physical lines and their numbers."""

    records: list[int]
    lines: list[str]


class Turned:
    """Keeps a newest-first log, compressed, until its end is known."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._blocks: list[tuple[int, bytes]] = []
        self._first = 1
        self._lines: list[str] = []
        self._chars = 0
        self._bytes = 0

    @property
    def full(self) -> bool:
        """No more is kept: the log is too long."""
        return self._bytes > self._limit_bytes

    def take(self, line: str) -> None:
        """The next line of the file."""
        if self._chars >= _BLOCK_CHARS and (
            self._chars >= 4 * _BLOCK_CHARS or _stamp(line) is not None
        ):
            self._close()
        self._lines.append(line)
        self._chars += len(line) + 1

    def _close(self) -> None:
        data = zlib.compress("\n".join(self._lines).encode("utf-8", "surrogatepass"), 1)
        self._blocks.append((self._first, data))
        self._bytes += len(data)
        self._first += len(self._lines)
        self._lines, self._chars = [], 0

    def forward(self) -> Iterator[Lines]:
        """All lines in the order of the file."""
        self._close()
        for first, lines in self._unpacked():
            yield Lines(list(range(first, first + len(lines))), lines)

    def backward(self) -> Iterator[Lines]:
        """All lines, oldest first; what follows a stamped line stays behind it."""
        self._close()
        self._blocks.reverse()
        for first, lines in self._unpacked():
            found = Lines([], [])
            end = len(lines)
            for place in range(len(lines) - 1, -1, -1):
                if place == 0 or _stamp(lines[place]) is not None:
                    found.records.extend(range(first + place, first + end))
                    found.lines.extend(lines[place:end])
                    end = place
            yield found

    def _unpacked(self) -> Iterator[tuple[int, list[str]]]:
        for first, data in self._blocks:
            yield first, zlib.decompress(data).decode("utf-8", "surrogatepass").split("\n")
