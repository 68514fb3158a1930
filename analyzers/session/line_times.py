"""When the lines of a log were written: by their own stamps, and by what is known of some of them.

Lines of a very long log are sampled; those in between have the time of the sample before them.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from analyzers.dialects.logical_lines import stamp_at_start
from analyzers.dialects.stamps import NS_PER_DAY, Stamp, read_stamp
from analyzers.model.time import NS_PER_SECOND
from analyzers.sources.lines import BLOCK_LINES, GoOn, LineFile

NO_TIME: Final = -1
_SAMPLES: Final = 8_000
"""Lines of a log whose stamps are read."""
# Lines of a busy device overtake each other by less than this; clocks that are set jump further.
_OVERTAKING_NS: Final = 2 * NS_PER_SECOND
_MOST_JUMPS: Final = 10_000
# A stamp says nothing about one further away: days and years of stamps are those of the log.
_FAR_NS: Final = NS_PER_DAY // 2

Int64s = npt.NDArray[np.int64]


class LineClock:
    """Puts the stamps of lines on the common clock, by lines of which the time there is known."""

    def __init__(self, file: LineFile, records: Int64s, at_ns: Int64s) -> None:
        """`records` are lines (from 1, ascending), `at_ns` their times or NO_TIME."""
        self.file = file
        good = (at_ns != NO_TIME) & (records >= 1) & (records <= len(file))
        self.anchors, first = np.unique(records[good] - 1, return_index=True)
        """Lines from 0."""
        self.at_ns = at_ns[good][first]
        self.step = max(1, -(-len(file) // _SAMPLES))
        """Of so many lines one is looked at beforehand."""
        self._last: tuple[int, Stamp | None] = (-1, None)

    def at(self, line: int) -> int | None:
        """When a line (from 0) was written; None if it has no stamp that tells."""
        if not len(self.anchors):
            return None
        near = max(int(np.searchsorted(self.anchors, line, "right")) - 1, 0)
        anchor, at_ns = int(self.anchors[near]), int(self.at_ns[near])
        if anchor == line:
            return at_ns
        # Two threads may ask: the pair is replaced as one.
        last = self._last
        if last[0] != anchor:
            last = self._last = (anchor, self._stamp(anchor))
        begun, here = last[1], self._stamp(line)
        if begun is None or here is None or begun.kind is not here.kind:
            return None
        away_ns = here.ns - begun.ns
        return at_ns + away_ns if abs(away_ns) < _FAR_NS else None

    def _stamp(self, line: int) -> Stamp | None:
        found = stamp_at_start(self.file.head(line))[0]
        return None if found is None else read_stamp(found)

    def points(self, go_on: GoOn) -> tuple[Int64s, Int64s] | None:
        """Lines whose times are known, ascending, and the times; None if `go_on` said no."""
        samples = np.arange(0, len(self.file) if len(self.anchors) else 0, self.step)
        found: list[tuple[int, int]] = []
        samples = np.setdiff1d(samples, self.anchors, assume_unique=True)
        for number, line in enumerate(samples.tolist()):
            if number % BLOCK_LINES == 0 and not go_on():
                return None
            at_ns = self.at(line)
            if at_ns is not None:
                found.append((line, at_ns))
        if not found:
            return self.anchors, self.at_ns
        own, times = np.array(found, np.int64).T
        lines = np.concatenate((self.anchors, own))
        order = np.argsort(lines)
        return lines[order], np.concatenate((self.at_ns, times))[order]


def placed(clock: LineClock, go_on: GoOn) -> tuple[Int64s, Int64s] | None:
    """The time of each line, and the lines (from 0) in the order in which they were written.

    None if `go_on` said no.
    """
    lines = len(clock.file)
    natural = np.arange(lines, dtype=np.int64)
    found = clock.points(go_on)
    if found is None:
        return None
    points, at_ns = found
    if not len(points):
        return np.full(lines, NO_TIME, np.int64), natural
    times = np.repeat(at_ns, np.diff(np.concatenate(([0], points[1:], [lines]))))
    steps = np.diff(at_ns)
    if np.count_nonzero(steps < 0) <= np.count_nonzero(steps > 0):
        return times, natural
    # Newest first: what follows a stamped line stays behind it.
    starts = np.zeros(lines, bool)
    starts[points] = True
    block = np.cumsum(starts)
    return times, np.lexsort((natural, -block)).astype(np.int64)


def rising(times: Int64s) -> Int64s:
    """Times by which the lines of a log keep their order, but where its clock was set back."""
    back = np.flatnonzero(np.diff(times) < -_OVERTAKING_NS) + 1
    if len(back) > _MOST_JUMPS:
        return times
    parts = [np.maximum.accumulate(part) for part in np.split(times, back) if len(part)]
    return np.concatenate(parts) if parts else times
