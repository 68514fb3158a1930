"""Clocks that gain on one another: the slope on which most differences lie, found from a part.

With 200 ppm two clocks are nearly three seconds apart after four hours, so that no one offset holds
for all of a log. It holds for some minutes of it: their slope tells where the rest must lie.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from analyzers.model.time import NS_PER_SECOND

MAX_DRIFT: Final = 1e-3
"""Seconds a second; a clock that gains more is no clock."""

# Fewer facts, or a shorter time, show jitter rather than drift.
_LEAST_FACTS: Final = 4
LEAST_SPAN_NS: Final = 120 * NS_PER_SECOND
# All pairs of so many points are looked at.
_SAMPLE: Final = 200
_MAX_STEPS: Final = 24

Floats = NDArray[np.float64]


def theil_sen(times: Floats, differences: Floats) -> float | None:
    """The median slope over all pairs of points; None where there is none, or none of a clock."""
    order = np.argsort(times, kind="stable")
    step = max(1, len(times) // _SAMPLE)
    chosen = order[::step]
    times, differences = times[chosen], differences[chosen]
    left, right = np.triu_indices(len(times), 1)
    apart = times[right] - times[left]
    keep = apart > 0
    if not keep.any():
        return None
    slope = float(np.median((differences[right] - differences[left])[keep] / apart[keep]))
    return slope if abs(slope) <= MAX_DRIFT else None


def followed(
    times: Floats,
    differences: Floats,
    facts: NDArray[np.int64],
    seed: NDArray[np.bool_],
    width: float,
) -> float | None:
    """The slope of the line that `seed` is a part of; None if it is part of none.

    The line is followed from the seed outwards, as far as more facts lie within `width` of it.
    """
    chosen, slope, known = seed, None, 0
    for _ in range(_MAX_STEPS):
        found = len(np.unique(facts[chosen]))
        if found <= known:
            break
        known = found
        near = times[chosen]
        if found < _LEAST_FACTS or near.max() - near.min() < LEAST_SPAN_NS:
            return None
        tried = theil_sen(near, differences[chosen])
        if tried is None:
            return None
        slope = tried
        level = float(np.median(differences[chosen] - slope * near))
        chosen = np.abs(differences - level - slope * times) <= width / 2
    return slope
