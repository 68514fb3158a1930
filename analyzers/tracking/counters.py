"""One counter behind several flows: an SA that moves goes on counting under other addresses.

What its numbers leave out under one address is not missing if it was seen under another.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analyzers.wire.frames import Int64Array

# Packets of two paths overtake each other by no more than receivers take (RFC 4303 3.4.3).
_WINDOW: Final = 1024
FIRST_NUMBERS: Final = 3
"""An SA whose numbers are no higher than that has just begun."""
_GROW: Final = 256


class Elsewhere(NamedTuple):
    """Rows whose counter went on in another flow since their own flow was seen last."""

    rows: NDArray[np.intp]
    passed: Int64Array
    """How many numbers it gave there before each."""
    last_ns: Int64Array
    """When a packet of it came before each."""


class Counters:
    """Which flows have a counter together, and how far each such counter came."""

    def __init__(self) -> None:
        self._first = np.empty(0, np.int64)
        """The flow that each shares its counter with, itself maybe; -1: it has one of its own."""
        self._top = np.empty(0, np.int64)
        self._last_ns = np.empty(0, np.int64)

    def of(self, flow: Int64Array) -> Int64Array:
        """(n,) the flow that stands for all that have the counter of each."""
        shared = self._shared(flow)
        return np.where(shared >= 0, shared, flow)

    def join(self, flow: int, into: int, top: int, last_ns: int) -> None:
        """A flow goes on with the numbers of another one; top and time are those before this batch.

        They are of no account where that one goes on itself with the numbers of a third.
        """
        room = max(flow, into) + 1 - len(self._first)
        if room > 0:
            none = np.full(max(_GROW, len(self._first), room), -1, np.int64)
            self._first, self._top, self._last_ns = (
                np.concatenate([known, none]) for known in (self._first, self._top, self._last_ns)
            )
        if self._first[into] < 0:
            self._first[into], self._top[into], self._last_ns[into] = into, top, last_ns
        self._first[flow] = self._first[into]

    def top(self, flow: int) -> int:
        """How far a counter that several flows have had come before this batch; else -1."""
        first = int(self._shared(np.array([flow]))[0])
        return -1 if first < 0 else int(self._top[first])

    def follow(
        self,
        flow: Int64Array,
        order: NDArray[np.intp],
        extended: Int64Array,
        before: Int64Array,
        at_ns: Int64Array,
    ) -> Elsewhere | None:
        """Take a batch, sorted by flow as `order` says; None if no flow went on elsewhere.

        `before`: how far each row's own flow had come.
        """
        if not len(self._first):
            return None
        first = self._shared(flow)
        rows = np.flatnonzero(first >= 0)
        if not len(rows):
            return None
        rows = rows[np.lexsort((order[rows], first[rows]))]
        first = first[rows]
        top, last_ns = np.empty_like(first), np.empty_like(first)
        bounds = [0, *(np.flatnonzero(np.diff(first)) + 1).tolist(), len(first)]
        for start, end in pairwise(bounds):
            counter, own = first[start], rows[start:end]
            passed = np.append(self._top[counter], extended[own])
            tops = np.maximum.accumulate(passed)
            top[start:end] = tops[:-1]
            last_ns[start:end] = np.append(self._last_ns[counter], at_ns[own[:-1]])
            self._top[counter], self._last_ns[counter] = tops[-1], at_ns[own[-1]]
        was = before[rows]
        elsewhere = (was >= 0) & (was < top) & (top < extended[rows])
        return Elsewhere(rows[elsewhere], (top - was)[elsewhere], last_ns[elsewhere])

    def _shared(self, flow: Int64Array) -> Int64Array:
        """(n,) the flow that stands for the counter of each, -1 where only one has it."""
        if not len(self._first):
            return np.full(len(flow), -1, np.int64)
        within = flow < len(self._first)
        return np.where(within, self._first[np.where(within, flow, 0)], -1)


def goes_on(number: int, top: int, before: NDArray[np.uint32]) -> bool:
    """Whether a counter that had come to `top` can give a number now; -1: it is not known yet.

    `before`: what it gave since.
    """
    if top < 0 and not len(before):
        return True
    passed = np.append(before, np.uint32((int(before[0]) if top < 0 else top) & 0xFFFFFFFF))
    ahead = int((np.uint32(number) - passed).view(np.int32).min())
    return ahead > 0 or (number > FIRST_NUMBERS and ahead >= -_WINDOW)
