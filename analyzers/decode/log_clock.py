"""Puts the times of a log on the calendar: the year its stamps lack, and the zone they are in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Final

from analyzers.decode.logs import LogTally
from analyzers.dialects.stamps import NS_PER_DAY, StampKind, in_year, year_of
from analyzers.model.log_events import LogEvent
from analyzers.model.time import NS_PER_SECOND, ClockQuality

_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - wall time of a zone that is applied later
_LEAP_YEAR_NS: Final = 366 * NS_PER_DAY
_BASE_YEAR: Final = 2000
# Lines without a stamp for each one with a stamp from which on the stamps tell nothing.
_HARDLY_ANY: Final = 9
_BASE_NS: Final = 10_957 * NS_PER_DAY


@dataclass(frozen=True, slots=True)
class ClockHints:
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
        stamped = tally.stamps[kind]
        found = ClockQuality.ABSOLUTE if tally.zoned * 2 > stamped else ClockQuality.NO_ZONE
    elif kind is StampKind.NO_YEAR:
        found = ClockQuality.NO_YEAR
    else:
        return ClockQuality.RELATIVE
    stamps = sum(count for stamp, count in tally.stamps.items() if stamp is not None)
    return ClockQuality.UNSYNCHRONISED if tally.unsynchronised * 2 > stamps else found


def main_kind(tally: LogTally) -> StampKind | None:
    """The kind of stamp most of its lines have; None where hardly any has one.

    A syslog message or two among lines without stamps tells their time no better than none.
    """
    bare = tally.stamps.get(None, 0)
    if bare > _HARDLY_ANY * (sum(tally.stamps.values()) - bare):
        return None
    stamped = [(count, kind) for kind, count in tally.stamps.items() if kind is not None]
    return max(stamped, key=lambda item: item[0])[1] if stamped else None


def place(events: list[LogEvent], tally: LogTally, hints: ClockHints) -> bool:
    """Move the events to the calendar; False if the year is a guess.

    Logs without dates stay where they are: relative, from the start of the epoch on.
    """
    kind = main_kind(tally)
    sure = True
    if kind is StampKind.NO_YEAR:
        times = [e.at_ns for e in events if e.at_ns is not None]
        if times:
            first_year, sure = _year(max(times), hints)
            for event in events:
                if event.at_ns is not None:
                    event.at_ns = _dated(event.at_ns, first_year)
    dated = kind in (StampKind.NO_YEAR, StampKind.ABSOLUTE)
    if dated and hints.zone is not None and not tally.zoned:
        _shift_zone(events, hints.zone)
    return sure


def _year(last_ns: int, hints: ClockHints) -> tuple[int, bool]:
    """The year of the log's first stamps, and whether anything says it."""
    if hints.year is not None:
        return hints.year, True
    if hints.near_ns is None:
        return _BASE_YEAR, False
    years = (last_ns - _BASE_NS) // _LEAP_YEAR_NS
    first_year = year_of(hints.near_ns) - years
    # A log ends before what it is kept with; a day of grace is for zones.
    if _dated(last_ns, first_year) > hints.near_ns + NS_PER_DAY:
        first_year -= 1
    return first_year, hints.near_is_input


def _dated(ns: int, first_year: int) -> int:
    """A time counted from the start of the year 2000 in years of 366 days."""
    years, rest = divmod(ns - _BASE_NS, _LEAP_YEAR_NS)
    return in_year(_BASE_NS + rest, first_year + years)


def _shift_zone(events: list[LogEvent], zone: tzinfo) -> None:
    """Take wall times for what they are: times in `zone`."""
    cache: dict[int, int] = {}
    for event in events:
        if event.at_ns is None:
            continue
        hour = event.at_ns // (3600 * NS_PER_SECOND)
        if hour not in cache:
            wall = _EPOCH + timedelta(hours=hour)
            offset = wall.replace(tzinfo=zone).utcoffset() or timedelta()
            cache[hour] = int(offset.total_seconds()) * NS_PER_SECOND
        event.at_ns -= cache[hour]
