"""The moment of an output: `show clock`, the header of `terminal exec prompt timestamp`, `date`."""

from __future__ import annotations

import calendar
import re
from typing import Final

from msgspec import Struct

from analyzers.model.time import NS_PER_SECOND, ClockQuality

_MONTHS: Final = "janfebmaraprmayjunjulaugsepoctnovdec"
_DAY: Final = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_MONTH: Final = r"([A-Z][a-z]{2})"
_TIME: Final = r"(\d{1,2}):(\d\d):(\d\d)(?:\.(\d{1,9}))?"

# 14:05:22.123 UTC Tue Mar 4 2025, alone or after "Time source is NTP, "; "*" and "." mark a clock
# that is not authoritative, or not synchronised.
_CISCO: Final = re.compile(
    rf"\s{{0,8}}(?:Time source is [\w .-]{{1,40}}, ?)?([*.]?){_TIME} (\S{{1,8}})"
    rf" {_DAY} {_MONTH} {{1,2}}(\d{{1,2}}) (\d{{4}})\s*$"
)
# Tue Mar  4 14:05:22 UTC 2025
_UNIX: Final = re.compile(
    rf"\s{{0,8}}(?:System time: )?{_DAY} {_MONTH} {{1,2}}(\d{{1,2}}) {_TIME}"
    r"(?: ([AP])M)?(?: ([A-Z][\w+-]{0,7}))? (\d{4})\s*$"
)
# Tue 04 Mar 2025 02:05:22 PM UTC
_UNIX_LOCALE: Final = re.compile(
    rf"\s{{0,8}}{_DAY} (\d{{1,2}}) {_MONTH} (\d{{4}}) {_TIME}(?: ([AP])M)?"
    r"(?: ([A-Z][\w+-]{0,7}))?\s*$"
)
_ISO: Final = re.compile(
    r"\s{0,8}(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?"
    r"(Z|[+-]\d\d:?\d\d)?\s*$"
)
# " 14:05:22 up 10 days, …": the time of the day, of no known day.
_UPTIME: Final = re.compile(r"\s{0,8}(\d{1,2}:\d\d:\d\d) up \d")

_UTC_NAMES: Final = frozenset({"UTC", "GMT", "Z", "UCT"})
_FIRST_YEAR: Final = 1970


class Reading(Struct, frozen=True):
    """What a line told of the time; `at_ns` is None for a time without a date."""

    text: str
    at_ns: int | None
    quality: ClockQuality


def read_clock(text: str) -> Reading | None:
    """The moment that a line tells, or None. A zone that has only a name is not resolved: the
    time is then read as UTC and the quality is NO_ZONE."""
    found = _CISCO.match(text)
    if found:
        mark, hour, minute, second, fraction, zone, month, day, year = found.groups()
        quality = ClockQuality.UNSYNCHRONISED if mark else _of_zone(zone)
        return _reading(text, (year, month, day), (hour, minute, second, fraction), quality)
    found = _UNIX.match(text)
    if found:
        month, day, hour, minute, second, fraction, half, zone, year = found.groups()
        hour = _of_day(hour, half)
        return _reading(text, (year, month, day), (hour, minute, second, fraction), _of_zone(zone))
    found = _UNIX_LOCALE.match(text)
    if found:
        day, month, year, hour, minute, second, fraction, half, zone = found.groups()
        hour = _of_day(hour, half)
        return _reading(text, (year, month, day), (hour, minute, second, fraction), _of_zone(zone))
    found = _ISO.match(text)
    if found:
        year, month, day, hour, minute, second, fraction, zone = found.groups()
        offset_s = _offset_s(zone)
        quality = ClockQuality.NO_ZONE if offset_s is None else ClockQuality.ABSOLUTE
        time = (hour, minute, second, fraction)
        return _reading(text, (year, month, day), time, quality, offset_s or 0)
    found = _UPTIME.match(text)
    return Reading(found[1], None, ClockQuality.RELATIVE) if found else None


def _reading(
    text: str,
    date: tuple[str, str, str],
    time: tuple[str, str, str, str | None],
    quality: ClockQuality,
    offset_s: int = 0,
) -> Reading | None:
    year, month, day = int(date[0]), _month(date[1]), int(date[2])
    hour, minute, second = (int(part or 0) for part in time[:3])
    if not (month and year >= _FIRST_YEAR and hour < 24 and minute < 60 and second < 61):
        return None
    if not 1 <= day <= calendar.monthrange(year, month)[1]:
        return None
    whole_s = calendar.timegm((year, month, day, hour, minute, second, 0, 0, 0)) - offset_s
    fraction_ns = int((time[3] or "").ljust(9, "0")[:9] or 0)
    return Reading(text.strip(), whole_s * NS_PER_SECOND + fraction_ns, quality)


def _month(text: str) -> int:
    """1 to 12 for a name or a number, 0 for anything else."""
    if text.isdigit():
        return int(text) if 1 <= int(text) <= 12 else 0
    place = _MONTHS.find(text.lower())
    return place // 3 + 1 if place % 3 == 0 else 0


def _of_day(hour: str, half: str | None) -> str:
    if half is None:
        return hour
    return str(int(hour) % 12 + (12 if half == "P" else 0))


def _of_zone(zone: str | None) -> ClockQuality:
    return ClockQuality.ABSOLUTE if zone in _UTC_NAMES else ClockQuality.NO_ZONE


def _offset_s(zone: str | None) -> int | None:
    if zone is None:
        return None
    if zone == "Z":
        return 0
    digits = zone[1:].replace(":", "")
    offset = int(digits[:2]) * 3600 + int(digits[2:]) * 60
    return -offset if zone[0] == "-" else offset
