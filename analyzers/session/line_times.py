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
_SAMPLES: Final = 20_000
"""Lines of a log whose stamps are read."""
# Lines of a busy device overtake each other by less than this; clocks that are set jump further.
_OVERTAKING_NS: Final = 2 * NS_PER_SECOND
_MOST_JUMPS: Final = 10_000
# A stamp says nothing about one further away: days and years of stamps are those of the log.
_FAR_NS: Final = NS_PER_DAY // 2

Int64s = npt.NDArray[np.int64]


def placed(
    file: LineFile, records: Int64s, at_ns: Int64s, go_on: GoOn
) -> tuple[Int64s, Int64s] | None:
    """The time of each line, and the lines (from 0) in the order in which they were written.

    `records` are lines (from 1, ascending) whose times `at_ns` are known, or NO_TIME. None if
    `go_on` said no.
    """
    lines = len(file)
    natural = np.arange(lines, dtype=np.int64)
    found = _points(file, records, at_ns, go_on)
    if found is None:
        return None
    points, at_ns = found
    if not len(points):
        return np.full(lines, NO_TIME, np.int64), natural
    bounds = np.concatenate(([0], points[1:], [lines]))
    times = np.repeat(at_ns, np.diff(bounds))
    steps = np.diff(at_ns)
    if np.count_nonzero(steps < 0) <= np.count_nonzero(steps > 0):
        return times, natural
    # Newest first: what follows a stamped line stays behind it.
    starts = np.zeros(lines, bool)
    starts[points] = True
    block = np.cumsum(starts)
    return times, np.lexsort((natural, -block)).astype(np.int64)


def _points(
    file: LineFile, records: Int64s, at_ns: Int64s, go_on: GoOn
) -> tuple[Int64s, Int64s] | None:
    """Lines whose times are known, in their order, and the times."""
    lines = len(file)
    good = (at_ns != NO_TIME) & (records >= 1) & (records <= lines)
    anchors, first = np.unique(records[good] - 1, return_index=True)
    at_ns = at_ns[good][first]
    if not len(anchors):
        return anchors, at_ns
    step = max(1, -(-lines // _SAMPLES))
    samples = np.setdiff1d(np.arange(0, lines, step), anchors, assume_unique=True)
    nearest = np.maximum(np.searchsorted(anchors, samples, "right") - 1, 0)
    stamps = _Stamps(file)
    found: list[tuple[int, int]] = []
    for number, (line, near) in enumerate(zip(samples.tolist(), nearest.tolist(), strict=True)):
        if number % BLOCK_LINES == 0 and not go_on():
            return None
        away_ns = stamps.between(int(anchors[near]), line)
        if away_ns is not None:
            found.append((line, int(at_ns[near]) + away_ns))
    if not found:
        return anchors, at_ns
    own, times = np.array(found, np.int64).T
    points = np.concatenate((anchors, own))
    order = np.argsort(points)
    return points[order], np.concatenate((at_ns, times))[order]


class _Stamps:
    """The stamps of lines, as written."""

    def __init__(self, file: LineFile) -> None:
        self._file = file
        self._number = -1
        self._lines: list[str] = []
        self._last: tuple[int, Stamp | None] = (-1, None)

    def between(self, anchor: int, line: int) -> int | None:
        """How long after the stamp of a line that of another is; None if that cannot be told."""
        if self._last[0] != anchor:
            self._last = (anchor, self._stamp(anchor))
        begun, here = self._last[1], self._stamp(line)
        if begun is None or here is None or begun.kind is not here.kind:
            return None
        away_ns = here.ns - begun.ns
        return away_ns if abs(away_ns) < _FAR_NS else None

    def _stamp(self, line: int) -> Stamp | None:
        number, place = divmod(line, BLOCK_LINES)
        if number != self._number:
            self._number, self._lines = number, self._file.block(number)
        if place >= len(self._lines):
            return None
        found = stamp_at_start(self._lines[place])[0]
        return None if found is None else read_stamp(found)


def rising(times: Int64s) -> Int64s:
    """Times by which the lines of a log keep their order, but where its clock was set back."""
    back = np.flatnonzero(np.diff(times) < -_OVERTAKING_NS) + 1
    if len(back) > _MOST_JUMPS:
        return times
    parts = [np.maximum.accumulate(part) for part in np.split(times, back) if len(part)]
    return np.concatenate(parts) if parts else times
