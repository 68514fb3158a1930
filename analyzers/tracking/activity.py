"""ESP packets per slice of time and unit, in a number of slices that never grows."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from analyzers.model.time import NS_PER_MS
from analyzers.wire.frames import Int64Array

# Enough for a lane of a wide terminal; slices double in length when the input outgrows them.
SLICES: Final = 240
_FIRST_SLICE_NS: Final = NS_PER_MS
_GROW: Final = 64


class ActivityGrid:
    """Counts by unit, direction and slice; all units share one time axis."""

    def __init__(self) -> None:
        self.start_ns: int | None = None
        self.slice_ns = _FIRST_SLICE_NS
        self._counts: NDArray[np.uint32] = np.zeros((0, 2, SLICES), np.uint32)

    def add(self, unit: Int64Array, direction: Int64Array, at_ns: Int64Array) -> None:
        """Count packets; times before the first one count in the first slice."""
        if self.start_ns is None:
            self.start_ns = int(at_ns[0])
        self._grow(int(unit.max()) + 1)
        offset = np.maximum(at_ns - self.start_ns, 0)
        furthest = int(offset.max())
        while furthest >= self.slice_ns * SLICES:
            self._counts = self._folded()
            self.slice_ns *= 2
        cell = (unit * 2 + direction) * SLICES + offset // self.slice_ns
        # One type throughout: that is what makes `at` fast.
        np.add.at(self._counts.reshape(-1), cell, np.uint32(1))

    def of(self, units: list[int], direction: int) -> NDArray[np.int64]:
        """(SLICES,) packets that one direction of some units sent."""
        known = [unit for unit in units if unit < len(self._counts)]
        counts: NDArray[np.int64] = self._counts[known, direction].sum(axis=0, dtype=np.int64)
        return counts

    def _folded(self) -> NDArray[np.uint32]:
        counts = np.zeros_like(self._counts)
        half = counts[:, :, : SLICES // 2]
        np.add(self._counts[:, :, ::2], self._counts[:, :, 1::2], out=half)
        return counts

    def _grow(self, units: int) -> None:
        missing = units - len(self._counts)
        if missing > 0:
            extra = max(missing, _GROW, len(self._counts))
            more = np.zeros((extra, 2, SLICES), np.uint32)
            self._counts = np.concatenate([self._counts, more])
