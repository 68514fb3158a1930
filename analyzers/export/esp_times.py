"""When each ESP packet of a peer went by, in stretches of time that are short enough to keep."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from analyzers.export.spans import Window

Int64s = NDArray[np.int64]


class EspTimes(Struct, frozen=True):
    """When each ESP packet of a peer went by, in a stretch of time of which all are known."""

    window: Window
    out_ns: Int64s
    """(n,) ascending, of the local side."""
    back_ns: Int64s

    def cover(self, window: Window) -> bool:
        """Whether all of a stretch of time is known."""
        return self.window.start_ns <= window.start_ns and window.end_ns <= self.window.end_ns

    def within(self, window: Window) -> tuple[int, int]:
        """Packets out and back in a stretch of time, its ends included."""
        out, back = (
            int(np.searchsorted(at_ns, window.end_ns, "right"))
            - int(np.searchsorted(at_ns, window.start_ns))
            for at_ns in (self.out_ns, self.back_ns)
        )
        return out, back


def covering(known: Sequence[EspTimes], window: Window) -> EspTimes | None:
    """What tells all of a stretch of time, if anything does."""
    return next((times for times in known if times.cover(window)), None)
