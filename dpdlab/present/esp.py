"""ESP packets up to any moment: from what is counted in slices, or from their exact times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from analyzers.export.esp_times import EspTimes as EspTimes
from analyzers.export.esp_times import Int64s as Int64s
from analyzers.export.spans import Window
from analyzers.model.peer import Activity
from dpdlab.present.scale import Scale

Floats = NDArray[np.float64]


Without = Mapping[str, Sequence[Window]]
"""When each side of a peer certainly sent no ESP, by its address."""


def packets_until(
    activity: Activity,
    counts: Sequence[int],
    after_ns: Floats,
    without: Sequence[Window] = (),
) -> Floats:
    """Packets of one direction up to each of ascending moments.

    `counts` is that direction in slices; what a slice holds is spread evenly over that of it in
    which packets can have been, which is not `without` (in order, apart from each other).
    `after_ns` is how long after the start of the activity: a float tells times since the epoch too
    coarsely.
    """
    edges = np.arange(len(counts) + 1, dtype=np.int64) * activity.slice_ns
    if not without:
        return np.interp(after_ns, edges, np.concatenate(([0], np.cumsum(counts))))
    # A stretch without packets ends before the next one with them begins.
    silent = np.array([(w.start_ns, w.end_ns + 1) for w in without], np.int64) - activity.start_ns
    bounds = silent.ravel()
    inside = bounds[(bounds > 0) & (bounds < edges[-1])]
    marks = np.unique(np.concatenate((edges, inside)))
    lengths = np.diff(marks).astype(float)
    loud = np.searchsorted(bounds, marks[:-1], "right") % 2 == 0
    slices = np.searchsorted(edges, marks[:-1], "right") - 1
    weights = lengths * loud
    # Packets that are none of what is known to be silent (late ones, replayed ones) are somewhere.
    nowhere = np.bincount(slices, weights, len(counts)) == 0
    weights = np.where(nowhere[slices], lengths, weights)
    shares = weights / np.bincount(slices, weights, len(counts))[slices]
    spread = np.asarray(counts, float)[slices] * shares
    return np.interp(after_ns, marks, np.concatenate(([0], np.cumsum(spread))))


def packets_per_cell(at_ns: Int64s, scale: Scale) -> Floats:
    """Packets at exact times in each cell of a scale: in those that `Scale.at` puts them into."""
    begins = [scale.span_of(cell).start_ns for cell in range(scale.width)]
    places = np.searchsorted(at_ns, [*begins, scale.end_ns + 1])
    return np.diff(places).astype(float)


__all__ = ["EspTimes", "Without", "packets_per_cell", "packets_until"]
