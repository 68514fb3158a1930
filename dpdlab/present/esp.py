"""ESP packets up to any moment, from what is counted in slices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from analyzers.model.peer import Activity


def packets_until(
    activity: Activity, counts: Sequence[int], after_ns: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Packets of one direction up to each of ascending moments.

    `counts` is that direction in slices; what a slice holds is spread over it evenly. `after_ns`
    is how long after the start of the activity: a float tells times since the epoch too coarsely.
    """
    edges = np.arange(len(counts) + 1) * activity.slice_ns
    return np.interp(after_ns, edges, np.concatenate(([0], np.cumsum(counts))))
