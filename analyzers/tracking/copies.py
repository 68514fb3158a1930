"""ESP packets that a recording has twice, by two clocks: numbers that their flow had shown before.

No number is sent twice (RFC 4303 section 2.2). Packets that changed places fill a gap; a member of
a cluster that takes over with an older count uses numbers again and comes to no new ones meanwhile.
Only what comes again while the flow goes on beside it is a copy.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from analyzers.tracking.repeats import Ordered
from analyzers.wire.frames import Int64Array

# Numbers behind the highest one of a flow of which it is known whether they were shown. Replay
# windows are no larger: nobody takes a packet that comes later than that (RFC 4303 section 3.4.3).
_WINDOW: Final = 1 << 14
# Keeps the flows apart in one order; unwrapped numbers may be negative.
_SPAN: Final = 1 << 40
_OFFSET: Final = 1 << 32
_FEW: Final = 1 << 10
_NONE: Final = -(1 << 62)


class Copies:
    """Tells copies, whatever the cutting into batches."""

    def __init__(self) -> None:
        self.packets = 0
        """How many were told."""
        self._starts = np.empty(0, np.int64)
        """Of ranges of numbers that were not shown, as keys of flow and number …"""
        self._ends = np.empty(0, np.int64)
        """… up to these."""
        self._few = _FEW
        self._last = np.empty(0, np.int64)
        """The last number of each flow that was shown before …"""
        self._goes_on = np.empty(0, np.bool_)
        """… whether a new one came since …"""
        self._copied = np.empty(0, np.bool_)
        """… and whether it was a copy."""

    def among(
        self,
        rows: Ordered,
        fresh: NDArray[np.bool_],
        behind: NDArray[np.bool_],
        before: Int64Array,
    ) -> NDArray[np.intp]:
        """The rows that are copies.

        `fresh`, `behind`, `before`: (n,) above all before it, below them, and the highest of them,
        negative for the first one of a flow.
        """
        self._note_gaps(rows, fresh, before)
        where = np.flatnonzero(behind)
        if len(where):
            where = where[self._shown_before(rows, where, before)]
        if not len(where) and not len(self._last):
            return where
        size = int(rows.owner.max()) + 1 - len(self._last)
        if size > 0:
            self._last = np.concatenate([self._last, np.full(size, _NONE)])
            self._goes_on = np.concatenate([self._goes_on, np.zeros(size, np.bool_)])
            self._copied = np.concatenate([self._copied, np.zeros(size, np.bool_)])
        return self._beside_others(rows, fresh, where)

    def _note_gaps(self, rows: Ordered, fresh: NDArray[np.bool_], before: Int64Array) -> None:
        """Remember the numbers that were left out; before the first of a flow that is any."""
        left = np.flatnonzero(fresh & ((before < 0) | (rows.extended > before + 1)))
        if not len(left):
            return
        base = self._base(rows, left)
        number = rows.extended[left]
        first = number - _WINDOW
        known = before[left] >= 0
        first[known] = np.maximum(first[known], before[left][known] + 1)
        starts = np.concatenate([self._starts, base + first])
        ends = np.concatenate([self._ends, base + number - 1])
        order = np.argsort(starts)
        self._starts, self._ends = starts[order], ends[order]
        if len(order) > self._few:
            flows = self._starts // _SPAN
            last = np.append(flows[1:] != flows[:-1], True)
            top = self._ends[last][np.cumsum(last) - last]
            kept = self._ends >= top - _WINDOW
            self._starts, self._ends = self._starts[kept], self._ends[kept]
            self._few = max(_FEW, 2 * len(self._starts))

    def _shown_before(
        self, rows: Ordered, where: NDArray[np.intp], before: Int64Array
    ) -> NDArray[np.bool_]:
        """Which of the rows have a number that was shown, or is too old to tell."""
        key = self._base(rows, where) + rows.extended[where]
        place = np.searchsorted(self._starts, key, side="right") - 1
        missing = (place >= 0) & (self._ends[place] >= key)
        missing &= rows.extended[where] > before[where] - _WINDOW
        new = np.flatnonzero(missing)
        filled, first = np.unique(key[new], return_index=True)
        starts = np.sort(np.concatenate([self._starts, filled + 1]))
        ends = np.sort(np.concatenate([self._ends, filled - 1]))
        self._starts, self._ends = starts[starts <= ends], ends[starts <= ends]
        shown = np.ones(len(where), np.bool_)
        shown[new[first]] = False
        return shown

    @staticmethod
    def _base(rows: Ordered, where: NDArray[np.intp]) -> Int64Array:
        base: Int64Array = rows.owner[rows.segment[where]] * np.int64(_SPAN) + _OFFSET
        return base

    def _beside_others(
        self, rows: Ordered, fresh: NDArray[np.bool_], where: NDArray[np.intp]
    ) -> NDArray[np.intp]:
        """Which of the rows, whose numbers were shown before, come while new ones do."""
        new = np.cumsum(fresh)
        ends = np.append(rows.starts[1:], len(fresh)) - 1
        until: Int64Array = new[rows.starts] - fresh[rows.starts]
        segment, number = rows.segment[where], rows.extended[where]
        begins = np.append(True, segment[1:] != segment[:-1])[: len(where)]
        heads = rows.owner[segment[begins]]
        last, since = np.roll(number, 1), np.roll(new[where], 1)
        last[begins], since[begins] = self._last[heads], until[segment[begins]]
        goes_on = new[where] > since
        goes_on[begins] |= self._goes_on[heads] | self._copied[heads]
        anew = number <= last
        anew[begins] |= (last[begins] == _NONE) | ~goes_on[begins]
        place = np.arange(len(where))
        proven = np.maximum.accumulate(np.where(goes_on & ~anew, place, -1))
        copied = proven > np.maximum.accumulate(np.where(anew, place, -1))

        final = np.append(segment[1:] != segment[:-1], True)[: len(where)]
        tails = segment[final]
        self._last[rows.owner[tails]] = number[final]
        self._copied[rows.owner[tails]] = copied[final]
        self._goes_on[rows.owner[tails]] = False
        until[tails] = new[where[final]]
        self._goes_on[rows.owner] |= new[ends] > until
        self.packets += int(copied.sum())
        return where[copied]
