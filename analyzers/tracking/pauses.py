"""Pauses of sending within a silence: the longest of each, for the clocks of silence."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from operator import attrgetter
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from analyzers.model.time import NS_PER_SECOND
from analyzers.tracking.silence_rows import Sent, SilenceRows
from analyzers.wire.frames import Int64Array

# What is no longer is not looked at: traffic is sparse, or retried.
PAUSE_NS: Final = 10 * NS_PER_SECOND
_NONE: Final = -1
_VALUES: Final = 5
# They part the last packets of a conversation, what is sent into its rest, and the next one.
_KEPT: Final = 2


class Pause(Struct, frozen=True, gc=False):
    """A time within a silence in which nothing was sent."""

    start_ns: int
    """The last packet out before it."""
    end_ns: int
    """The first packet out after it."""
    packets: int
    """Packets out until then since the beginning, as a silence counts them."""
    bytes: int
    ref: int
    """Where the first packet after it stands, see `ref_of`."""

    @property
    def length_ns(self) -> int:
        """How long it was."""
        return self.end_ns - self.start_ns


class Pauses:
    """The longest pauses in the present silence of every key and role."""

    def __init__(self) -> None:
        self._values = np.zeros((0, 2, _KEPT, _VALUES), np.int64)

    def grow(self, size: int) -> None:
        """Make room for `size` keys."""
        more = np.full((size - len(self._values), *self._values.shape[1:]), _NONE, np.int64)
        self._values = np.concatenate([self._values, more])

    def now(self, key: int, role: int) -> tuple[Pause, ...]:
        """The longest pauses after all rows so far, in time order."""
        return _pauses(self._values[key, role])

    def of(self, keys: Int64Array, role: int) -> Int64Array:
        """The values of some keys: (keys, pauses, values)."""
        values: Int64Array = self._values[keys, role]
        return values

    def set(self, keys: Int64Array, role: int, values: Int64Array) -> None:
        """Set the values of some keys, see `of`."""
        self._values[keys, role] = values


class BatchPauses:
    """The pauses that a role made in a batch, by the groups of rows between proofs."""

    def __init__(
        self,
        rows: SilenceRows,
        sent: Sent,
        group: Int64Array,
        state_group: Int64Array,
        last_out_before: Int64Array,
        totals_before: tuple[Int64Array, Int64Array],
        before: Int64Array,
    ) -> None:
        """`group`: of each row; the others, one a segment: which group the state carries in, and
        what it says."""
        out = sent.out_rows
        out_group, segment = group[out], sent.segment[out]
        sooner = np.full(len(out), _NONE, np.int64)
        sooner[1:] = rows.at_ns[out[:-1]]
        first = np.ones(len(out), np.bool_)
        np.not_equal(out_group[1:], out_group[:-1], out=first[1:])
        carried = out_group[first] == state_group[segment[first]]
        sooner[first] = np.where(carried, last_out_before[segment[first]], _NONE)
        found = np.flatnonzero((sooner >= 0) & (rows.at_ns[out] - sooner >= PAUSE_NS))
        row = out[found]
        self._row, self._group, self._segment = row, out_group[found], segment[found]
        packets, size = (total[self._segment] for total in totals_before)
        self._values = np.stack(
            [
                sooner[found],
                rows.at_ns[row],
                sent.packets(row) + packets - 1,
                sent.bytes(row) + size - rows.bytes[row],
                rows.ref[row],
            ],
            axis=1,
        )
        self._state_group, self._before = state_group, before

    def longest(self, group: int, segment: int, row: int) -> tuple[Pause, ...]:
        """The longest pauses of a group up to a row of the batch, in time order."""
        before = self.carried(segment) if group == self._state_group[segment] else ()
        if not len(self._row):
            return before
        here = slice(bisect_left(self._group, group), bisect_right(self._row, row))
        return _longest((*before, *_pauses(_longest_of(self._values[here]))))

    def carried(self, segment: int) -> tuple[Pause, ...]:
        """The longest pauses of a key before the batch."""
        return _pauses(self._before[segment])

    def at_end(self, last_group: Int64Array) -> Int64Array:
        """The values of the last group of each segment: (segments, pauses, values)."""
        values = self._before.copy()
        values[last_group != self._state_group] = _NONE
        here = np.flatnonzero(self._group == last_group[self._segment])
        for segment in np.unique(self._segment[here]).tolist():
            own = self._values[here[self._segment[here] == segment]]
            values[segment] = _longest_of(np.concatenate([values[segment], own]))
        return values


def _longest_of(values: Int64Array) -> Int64Array:
    """The longest of some pauses in time order; of those as long, the last ones."""
    order = np.argsort(values[:, 1] - values[:, 0], kind="stable")[-_KEPT:]
    chosen: Int64Array = values[np.sort(order)]
    return chosen


def _longest(pauses: tuple[Pause, ...]) -> tuple[Pause, ...]:
    if len(pauses) <= _KEPT:
        return pauses
    longest = sorted(pauses, key=attrgetter("length_ns"))[-_KEPT:]
    return tuple(sorted(longest, key=attrgetter("start_ns")))


def _pauses(values: NDArray[np.int64]) -> tuple[Pause, ...]:
    if values.size == 0 or values[:, 1].max() == _NONE:
        return ()
    return tuple(Pause(*row) for row in values.tolist() if row[0] != _NONE)
