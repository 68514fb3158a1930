"""Round times for a time axis: which instants to mark, and how to name them briefly."""

from __future__ import annotations

from typing import Final

from analyzers.export.formatting import Glyphs, utc_date, utc_time
from analyzers.model.time import NS_PER_MS, NS_PER_SECOND

_MICROSECOND: Final = 1_000
_MINUTE: Final = 60 * NS_PER_SECOND
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR
STEPS_NS: Final = (
    *(n * _MICROSECOND for n in (20, 50, 100, 200, 500)),
    *(n * NS_PER_MS for n in (1, 2, 5, 10, 20, 50, 100, 200, 500)),
    *(n * NS_PER_SECOND for n in (1, 2, 5, 10, 15, 30)),
    *(n * _MINUTE for n in (1, 2, 5, 10, 15, 30)),
    *(n * _HOUR for n in (1, 2, 3, 6, 12)),
    *(n * _DAY for n in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000, 20000)),
)
"""Distances of marks that people read at sight; steps under a day divide the next day evenly."""
LEAST_GAP: Final = 12
"""Cells between two marks: the longest label and a blank."""


def step_ns(start_ns: int, end_ns: int, width: int) -> int:
    """The smallest round distance whose marks are `LEAST_GAP` cells apart or more."""
    span = max(end_ns - start_ns, 1)
    for step in STEPS_NS:
        if step * width >= LEAST_GAP * span:
            return step
    return STEPS_NS[-1]


def axis_text(
    start_ns: int, end_ns: int, width: int, signs: Glyphs, before_ns: int | None = None
) -> str:
    """One line of `width` cells: a tick at each round instant, its name right behind it.

    `before_ns`: the time of the mark that stands before the line, if one does.
    """
    line = [" "] * width
    span = max(end_ns - start_ns, 1)
    step = step_ns(start_ns, end_ns, width)
    at = -(-start_ns // step) * step
    free = 0
    before = before_ns
    while at <= end_ns:
        position = min((at - start_ns) * width // span, width - 1)
        label = signs.tick + mark_name(at, step, before, start_ns)
        if position >= free:
            if position + len(label) > width:
                label = signs.tick
            line[position : position + len(label)] = label
            free = position + len(label) + 1
            before = at
        at += step
    return "".join(line)


def digits_of(step: int) -> int:
    """Digits behind the second that tell marks at this distance apart."""
    digits = 0
    while step < NS_PER_SECOND:
        step, digits = step * 10, digits + 1
    return digits


def mark_name(at_ns: int, step: int, before_ns: int | None, start_ns: int) -> str:
    """As short as the mark before allows: the part that stayed the same is not repeated."""
    if step >= _DAY:
        date = utc_date(at_ns)
        return date if before_ns is None or utc_date(before_ns)[:4] != date[:4] else date[5:]
    if before_ns is not None and utc_date(before_ns)[:4] != utc_date(at_ns)[:4]:
        return utc_date(at_ns)
    if utc_date(start_ns if before_ns is None else before_ns) != utc_date(at_ns):
        return f"{utc_date(at_ns)[5:]} {utc_time(at_ns, 0)[:5]}"
    if step >= _MINUTE:
        return utc_time(at_ns, 0)[:5]
    full = utc_time(at_ns, digits_of(step))
    if before_ns is None or before_ns // _MINUTE != at_ns // _MINUTE:
        return full
    return full[5:]
