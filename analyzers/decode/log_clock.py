"""Puts the times of a log on the calendar: the year its stamps lack, and the zone they are in."""

from __future__ import annotations

from calendar import isleap
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, tzinfo
from functools import partial
from typing import Final

from msgspec import Struct

from analyzers.decode.logs import LogTally
from analyzers.dialects.stamps import NS_PER_DAY, StampKind, in_year, year_of
from analyzers.model.log_events import LogEvent
from analyzers.model.time import NS_PER_SECOND, ClockQuality

_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - wall time of a zone that is applied later
_LEAP_YEAR_NS: Final = 366 * NS_PER_DAY
_HOUR_NS: Final = 3600 * NS_PER_SECOND
# Of a year of 366 days, counted from 0; years back in which one is a leap year.
_LEAP_DAY: Final = 59
_YEARS_BACK: Final = 9
_AFTER: Final = 3
_BASE_YEAR: Final = 2000
# Lines may overtake each other by less.
_OVERTAKEN_NS: Final = 2 * NS_PER_SECOND
# Lines without a stamp for each one with a stamp from which on the stamps tell nothing.
_HARDLY_ANY: Final = 9
_BASE_NS: Final = 10_957 * NS_PER_DAY


class ClockHints(Struct, frozen=True):
    """What is known from outside of the log's stamps."""

    year: int | None = None
    """Given by the user."""
    zone: tzinfo | None = None
    near_ns: int | None = None
    """A time near the end of the log: of another input, or of the file itself."""
    near_is_input: bool = False
    """Of another input: a file's own time may be that of a copy."""


def quality(tally: LogTally) -> ClockQuality:
    """How far the times of a log can be trusted."""
    kind = main_kind(tally)
    if kind is StampKind.ABSOLUTE:
        found = ClockQuality.ABSOLUTE if _names_zone(tally) else ClockQuality.NO_ZONE
    elif kind is StampKind.NO_YEAR:
        found = ClockQuality.NO_YEAR
    else:
        return ClockQuality.RELATIVE
    stamps = sum(count for stamp, count in tally.stamps.items() if stamp is not None)
    return ClockQuality.UNSYNCHRONISED if tally.unsynchronised * 2 > stamps else found


def _names_zone(tally: LogTally) -> bool:
    """Whether most of its dates name the zone that they are of."""
    dated = sum(tally.stamps[kind] for kind in (StampKind.ABSOLUTE, StampKind.NO_YEAR))
    return tally.zoned * 2 > dated


def main_kind(tally: LogTally) -> StampKind | None:
    """The kind of stamp most of its lines have; None where hardly any has one.

    A syslog message or two among lines without stamps tells their time no better than none.
    """
    bare = tally.stamps.get(None, 0)
    if bare > _HARDLY_ANY * (sum(tally.stamps.values()) - bare):
        return None
    stamped = [(count, kind) for kind, count in tally.stamps.items() if kind is not None]
    kind = max(stamped, key=lambda item: item[0])[1] if stamped else None
    # Uptimes that tell hours from the second day on are no longer any time between two lines.
    return None if kind is StampKind.UPTIME and tally.coarse else kind


def place(events: list[LogEvent], tally: LogTally, hints: ClockHints) -> bool:
    """Move the events to the calendar; False if the year is a guess.

    Logs without dates stay where they are: relative, from the start of the epoch on.
    """
    kind = main_kind(tally)
    sure = True
    if kind is StampKind.NO_YEAR:
        times = [e.at_ns for e in events if e.at_ns is not None]
        if times:
            first_year, sure = _year(times, hints)
            _move(events, NS_PER_DAY, partial(_dated, first_year=first_year))
    dated = kind in (StampKind.NO_YEAR, StampKind.ABSOLUTE)
    if dated and hints.zone is not None and not _names_zone(tally):
        tally.repeated = _take_for_zone(events, hints.zone)
    return sure


def _year(times: Sequence[int], hints: ClockHints) -> tuple[int, bool]:
    """The year of the log's first stamps, and whether anything says it."""
    if hints.year is not None:
        return hints.year, True
    near_ns = hints.near_ns
    if near_ns is None:
        return _BASE_YEAR, False
    first_ns, last_ns = min(times), max(times)
    latest = year_of(near_ns) - (last_ns - _BASE_NS) // _LEAP_YEAR_NS + 1
    leap_days = {
        (at_ns - _BASE_NS) // _LEAP_YEAR_NS
        for at_ns in times
        if (at_ns - _BASE_NS) % _LEAP_YEAR_NS // NS_PER_DAY == _LEAP_DAY
    }
    years = [
        year
        for year in range(latest, latest - _YEARS_BACK, -1)
        if all(isleap(year + more) for more in leap_days)
    ]
    if hints.near_is_input:
        # It may be longer than that on both sides; if it is apart, it is likelier of before.
        return min(
            years or [latest - 1],
            key=lambda year: max(
                _AFTER * (_dated(first_ns, year) - near_ns), near_ns - _dated(last_ns, year), 0
            ),
        ), True
    # A file is written after what is in it; a day of grace is for zones.
    until_ns = near_ns + NS_PER_DAY
    written = (year for year in years if _dated(last_ns, year) <= until_ns)
    return next(written, latest - 1), False


def missing_leap_day(events: Sequence[LogEvent], tally: LogTally, year: int) -> LogEvent | None:
    """The first event of a 29 February of a year that has none, with the log's first one given.

    The times are those of the stamps, not placed yet.
    """
    if main_kind(tally) is not StampKind.NO_YEAR:
        return None
    for event in events:
        if event.at_ns is not None:
            years, rest_ns = divmod(event.at_ns - _BASE_NS, _LEAP_YEAR_NS)
            if rest_ns // NS_PER_DAY == _LEAP_DAY and not isleap(year + years):
                return event
    return None


def _dated(ns: int, first_year: int) -> int:
    """A time counted from the start of the year 2000 in years of 366 days."""
    years, rest = divmod(ns - _BASE_NS, _LEAP_YEAR_NS)
    return in_year(_BASE_NS + rest, first_year + years)


def in_zone(wall_ns: int, zone: tzinfo, fold: int = 0) -> int:
    """A wall time for what it is: a time in `zone`; with `fold` 1 the second one of that name."""
    hours, rest = divmod(wall_ns, _HOUR_NS)
    wall = _EPOCH + timedelta(hours=hours)
    offset = wall.replace(tzinfo=zone, fold=fold).utcoffset() or timedelta()
    return hours * _HOUR_NS + rest - int(offset.total_seconds()) * NS_PER_SECOND


def _take_for_zone(events: list[LogEvent], zone: tzinfo) -> tuple[int, int] | None:
    """Take wall times for what they are; returns the lines between which an hour begins again.

    The end of summer time repeats one: that its second time has begun shows where the stamps go
    back in it.
    """
    shifts: dict[int, tuple[int, int]] = {}
    again, last_ns, last_line = False, 0, 0
    repeated = None
    for event in events:
        if event.at_ns is None:
            continue
        wall_ns, line = event.at_ns, event.ref.record
        hour_ns = wall_ns - wall_ns % _HOUR_NS
        if hour_ns not in shifts:
            first, second = (in_zone(hour_ns, zone, fold) - hour_ns for fold in (0, 1))
            shifts[hour_ns] = first, second
        first, second = shifts[hour_ns]
        if first >= second:
            again = False
        elif not again and _OVERTAKEN_NS < last_ns - wall_ns <= second - first:
            again, repeated = True, (last_line, line)
        event.at_ns += second if again else first
        last_ns, last_line = wall_ns, line
    return repeated


def _move(events: list[LogEvent], unit_ns: int, moved: Callable[[int], int]) -> None:
    """Move events by hours, or days, as `moved` moves the beginning of each."""
    shifts: dict[int, int] = {}
    for event in events:
        if event.at_ns is None:
            continue
        unit = event.at_ns // unit_ns
        if unit not in shifts:
            shifts[unit] = moved(unit * unit_ns) - unit * unit_ns
        event.at_ns += shifts[unit]
