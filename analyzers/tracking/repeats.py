"""ESP packets that come again: a sequence number that its flow had passed a second before.

ESP never uses a number twice (RFC 4303 section 2.2) and no network keeps a packet that long, so
such a packet was kept by somebody, or went round in a circle.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analyzers.model.records import Ref
from analyzers.model.time import NS_PER_SECOND
from analyzers.wire.frames import Int64Array

# Whole seconds of a batch stay below this.
_SECONDS: Final = 1 << 32


class Ordered(NamedTuple):
    """The rows of a batch, sorted by flow and in the order of arrival within each."""

    owner: Int64Array
    """Flow of each segment."""
    starts: Int64Array
    segment: Int64Array
    at_ns: Int64Array
    extended: Int64Array
    """Unwrapped sequence number."""
    top: Int64Array
    """The highest number of the segment up to and with this row."""


class Repeat(NamedTuple):
    """What came again of one flow."""

    packets: int
    at_ns: int
    """Of the first one, as are the place and the number."""
    ref: Ref
    sequence: int

    def again(self, other: Repeat) -> Repeat:
        """With those of a later batch."""
        return self._replace(packets=self.packets + other.packets)


class PassedNumbers:
    """How far each flow had come at the turn of the last two seconds.

    Whole seconds of the capture's clock make the result independent of how it is cut; a packet is
    late when its number had passed before the second before its own began.
    """

    def __init__(self) -> None:
        self.now_ns = 0
        """The latest time so far; a clock that steps back stands still here."""
        self._second = -1
        self._passed = np.empty(0, np.int64)
        """Highest number of each flow before the last second; then before the one before it."""
        self._earlier = np.empty(0, np.int64)

    def needs(self, last_ns: int, suspects: NDArray[np.bool_]) -> bool:
        """Whether a batch that ends then has to be looked at."""
        return max(self.now_ns, last_ns) // NS_PER_SECOND > self._second or bool(suspects.any())

    def late(
        self, rows: Ordered, suspects: NDArray[np.bool_], highest: Int64Array
    ) -> NDArray[np.bool_]:
        """Which of the rows are late; `highest` is that of all flows before the batch.

        The times of a flow must not run backwards.
        """
        self._passed = _grown(self._passed, len(highest))
        self._earlier = _grown(self._earlier, len(highest))
        second = rows.at_ns // NS_PER_SECOND
        base = int(second.min())
        keys = rows.segment * np.int64(_SECONDS) + (second - base)
        late = np.zeros(len(second), np.bool_)
        where = np.flatnonzero(suspects)
        if len(where):
            before = self._before(rows, keys, base, rows.segment[where], second[where] - 1, highest)
            late[where] = rows.extended[where] <= before
        last = int(second.max())
        if last > self._second:
            every = np.arange(len(rows.owner))
            passed = highest.copy()
            earlier = (self._passed if last - 1 == self._second else highest).copy()
            for turn, into in ((last, passed), (last - 1, earlier)):
                turns = np.full(len(every), turn)
                into[rows.owner] = self._before(rows, keys, base, every, turns, highest)
            self._passed, self._earlier, self._second = passed, earlier, last
        return late

    def _before(
        self,
        rows: Ordered,
        keys: Int64Array,
        base: int,
        segment: Int64Array,
        turn: Int64Array,
        highest: Int64Array,
    ) -> Int64Array:
        """The highest number of segments before the turn of a second."""
        flow = rows.owner[segment]
        known = np.select(
            [turn > self._second, turn == self._second, turn == self._second - 1],
            [highest[flow], self._passed[flow], self._earlier[flow]],
            -1,
        )
        wanted = segment * np.int64(_SECONDS) + np.maximum(turn - base, 0)
        place = np.searchsorted(keys, wanted, side="left") - 1
        inside = place >= rows.starts[segment]
        return np.where(inside, np.maximum(known, rows.top[place]), known)


def _grown(array: Int64Array, size: int) -> Int64Array:
    return np.concatenate([array, np.full(size - len(array), -1, np.int64)])
