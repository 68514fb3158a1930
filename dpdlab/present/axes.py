"""Time axes in the format the user chose."""

from __future__ import annotations

from datetime import UTC
from typing import Final

from analyzers.export.formatting import Glyphs, moment, utc_date
from analyzers.model.time import NS_PER_SECOND
from dpdlab.present.axis import axis_text, digits_of, step_ns
from dpdlab.present.cells import Cell
from dpdlab.present.lane import axis_cells
from dpdlab.present.scale import Scale, Stretch
from dpdlab.present.times import TimeFormat, TimeMode

_MINUTE_S: Final = 60
_HOUR_S: Final = 3600
_LONG_BEFORE_NS: Final = -1
"""A mark after it has its year."""
_NAME: Final = {
    TimeMode.UTC: "UTC",
    TimeMode.LOCAL: "local",
    TimeMode.RELATIVE: "start",
    TimeMode.DELTA: "start",
    TimeMode.MARK: "mark",
}


def axis_name(times: TimeFormat) -> str:
    """What an axis counts, in a word. Differences from event to event have no axis of their own."""
    unmarked = times.mode is TimeMode.MARK and times.mark_ns is None
    return _NAME[TimeMode.RELATIVE if unmarked else times.mode]


def axis_of(times: TimeFormat, scale: Scale, signs: Glyphs) -> tuple[Cell, ...]:
    """The axis of a scale, stretch by stretch."""
    years = utc_date(scale.start_ns)[:4] != utc_date(scale.end_ns)[:4]
    dated_ns = _LONG_BEFORE_NS if years and scale.folds else None

    def told(part: Stretch) -> str:
        return axis_in(times, part.start_ns, part.end_ns, part.width, signs, dated_ns)

    return axis_cells(scale, signs, told)


def axis_in(
    times: TimeFormat,
    start_ns: int,
    end_ns: int,
    width: int,
    signs: Glyphs,
    before_ns: int | None = None,
) -> str:
    """One line of `width` cells: ticks at round instants, or at round distances.

    `before_ns`: what is read before it is of that time.
    """
    match times.mode:
        case TimeMode.UTC:
            return axis_text(start_ns, end_ns, width, signs, before_ns)
        case TimeMode.LOCAL:
            local = moment(start_ns).replace(tzinfo=UTC).astimezone().utcoffset()
            shift_ns = 0 if local is None else round(local.total_seconds()) * NS_PER_SECOND
            return axis_text(start_ns + shift_ns, end_ns + shift_ns, width, signs, before_ns)
        case _:
            marked = times.mode is TimeMode.MARK and times.mark_ns is not None
            zero_ns = times.mark_ns if marked and times.mark_ns is not None else times.start_ns
            return _distances(start_ns - zero_ns, end_ns - zero_ns, width, signs)


def _distances(first_ns: int, last_ns: int, width: int, signs: Glyphs) -> str:
    line = [" "] * width
    span = max(last_ns - first_ns, 1)
    step = step_ns(first_ns, last_ns, width)
    free = 0
    for at in range(-(-first_ns // step) * step, last_ns + 1, step):
        position = min((at - first_ns) * width // span, width - 1)
        label = signs.tick + _distance(at, step)
        if position < free:
            continue
        if position + len(label) > width:
            label = signs.tick
        line[position : position + len(label)] = label
        free = position + len(label) + 1
    return "".join(line)


def _distance(at_ns: int, step: int) -> str:
    """How far a tick is from zero: "+2.5 s", "+90 s", "+5:30", "+2 h 30", "+3 d 00 h"."""
    sign = "-" if at_ns < 0 else "+" if at_ns else ""
    if step < NS_PER_SECOND:
        return f"{sign}{abs(at_ns) / NS_PER_SECOND:.{digits_of(step)}f} s"
    whole = abs(at_ns) // NS_PER_SECOND
    if whole < 2 * _MINUTE_S:
        return f"{sign}{whole} s"
    if whole < _HOUR_S:
        return f"{sign}{whole // 60}:{whole % 60:02d}"
    if whole < 48 * _HOUR_S:
        return f"{sign}{whole // _HOUR_S} h {whole % _HOUR_S // 60:02d}"
    return f"{sign}{whole // (24 * _HOUR_S)} d {whole % (24 * _HOUR_S) // _HOUR_S:02d} h"
