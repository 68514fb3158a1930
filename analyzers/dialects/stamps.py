"""Time stamps of log lines, in every form routers, daemons and syslog relays write them.

The forms are P1 to P21 of the log grammar. A stamp without a year is a day of the year 2000, and
the reader of the file settles the year once all of it is known. No pattern here tells one digit
from another (see `dialects.digits`): what is no date or time is found out when it is read.
"""

from __future__ import annotations

import re
from datetime import date
from enum import Enum, auto
from typing import Final, NamedTuple

from analyzers.model.time import NS_PER_SECOND

NS_PER_DAY: Final = 86_400 * NS_PER_SECOND
_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()
_MONTH_NAMES: Final = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
# What the C library has for them in German, French, Spanish, Italian, Portuguese and Dutch, and
# how that is spelt without the letters of these languages.
_OTHER_MONTHS: Final = (
    "janv|ene|gen", "févr|fevr|fev", "mär|mrz|mrt|mars", "avril|avr|abr", "mai|mag|mei",
    "juin|giu", "juil|lug", "août|aout|ago", "sept|set", "okt|ott|out", "nov", "déc|dez|dic",
)  # fmt: skip
_NO_ASCII: Final = re.compile(r"[^\x00-\x7f]")
_MONTH_NUMBER: Final = {
    spelt: number
    for number, names in enumerate(
        zip(_MONTH_NAMES.lower().split("|"), _OTHER_MONTHS, strict=True), 1
    )
    for name in "|".join(names).split("|")
    # Text that is no UTF-8 has a sign of replacement for each such letter.
    for spelt in (name, _NO_ASCII.sub("\ufffd", name))
}
_ALL_MONTHS: Final = "|".join(sorted(_MONTH_NUMBER, key=len, reverse=True))
# A leap year, so that 29 February has a number.
_LEAP_YEAR: Final = 2000


class StampKind(Enum):
    """How much of a date a stamp has."""

    ABSOLUTE = auto()
    NO_YEAR = auto()
    TIME_ONLY = auto()
    UPTIME = auto()


class Stamp(NamedTuple):
    """A stamp as written. `ns` is the time since the epoch (ABSOLUTE, without zone as if UTC), in
    the year 2000 (NO_YEAR), since midnight (TIME_ONLY), or since the device started (UPTIME)."""

    kind: StampKind
    ns: int
    resolution_ns: int
    zone: bool
    """It says its offset from UTC, which `ns` already includes."""
    unsynchronised: bool
    """Cisco's `*` or `.`: the clock is not set, or was lost."""
    unknown_zone: str = ""
    """What it says of its zone, where nobody can place that."""


_TIME: Final = r"(?P<{0}h>\d\d):(?P<{0}m>\d\d):(?P<{0}s>\d\d)(?:[.,](?P<{0}f>\d{{1,9}}))?"
# Debug lines carry a mark before the month: `*` never set, `.` lost its source; a list bullet is
# a star that a renderer took for markdown. A zone is in capitals and followed by a colon, as the
# names of some facilities are.
_DATE: Final = (
    r"[ \t]+(?P<cday>\d{1,2})(?:[ \t]+(?P<cyear>\d{4}))?[ \t]+"
    + _TIME.format("c")
    + r"(?:[ \t]+(?P<czone>(?-i:(?!AM:|PM:|IPSEC:|IKE:|KMI:)[A-Z]{2,5}))(?=:))?(?P<colon>:)?"
)
_CISCO: Final = rf"(?P<mark>[*.]|-\s)?(?P<cmon>{_MONTH_NAMES}){_DATE}"
# The same, or the stamp of a daemon or relay in another language.
_ANY_CISCO: Final = rf"(?P<mark>[*.]|-\s)?(?P<cmon>{_ALL_MONTHS})\.?{_DATE}"
_ISO: Final = (
    r"\[?(?P<iyear>\d{4})-(?P<imon>\d\d)-(?P<iday>\d\d)[T ]"
    + _TIME.format("i")
    + r"[ \t]?(?P<izone>Z\b|UTC(?:[+-]\d\d:?\d\d)?|[+-]\d\d:?\d\d)?\]?:?"
)
# FortiGate writes its wall clock, and further on in the line the offset of it and the real time.
_KEYED: Final = (
    r"date=(?P<kyear>\d{4})-(?P<kmon>\d\d)-(?P<kday>\d\d)[ \t]+time="
    + _TIME.format("k")
    + r"(?=(?:[^\n]{0,300}?[ \t]eventtime=(?P<kepoch>\d{10,19})\b)?)"
    + r"(?=(?:[^\n]{0,300}?[ \t]tz=\"?(?P<kzone>[+-]\d{4})\b)?)"
)
_ROUTEROS: Final = (
    rf"(?P<rmon>{_MONTH_NAMES})/(?P<rday>\d\d)(?:/(?P<ryear>\d{{4}}))?[ \t]" + _TIME.format("r")
)
_UPTIME: Final = (
    r"(?:(?P<uweeks>\d{1,3})w(?P<uwdays>\d)d|(?P<udays>\d{1,3})d(?P<udhours>\d\d)h"
    r"|(?P<uyears>\d{1,2})y(?P<uyweeks>\d\d?)w):"
)
# Without a date: `00:12:33:` is the uptime of a router, all else the time of some day.
_CLOCK: Final = r"(?P<tmark>[*.])?" + _TIME.format("t") + r"(?P<tcolon>:)?(?=\s|$)"

# What stands before a stamp: a quote, a prompt, what a pager or a console cut out (with the rest
# of a date), a syslog priority, sequence numbers.
_BEFORE: Final = (
    r"[ \t>]*+(?:[\w.\-/()@~:]{1,64}+[#>][ \t]?)?"
    r"(?:<[ ]?truncated \d{1,9} characters?[ ]?>[ \t]*(?:[a-z]{0,2}[ \t]*\d{0,2}[ \t]+)?)?"
    r"(?:<\d{1,3}>(?:\d{1,2} )?)?(?:\d{1,10}:[ \t]+)*"
)
STAMP_AT_START: Final = re.compile(
    rf"{_BEFORE}(?:(?P<C>{_ANY_CISCO})|(?P<I>{_ISO})|(?P<K>{_KEYED})|(?P<R>{_ROUTEROS})"
    rf"|(?P<U>{_UPTIME})|(?P<T>{_CLOCK}))[ \t]*",
    re.IGNORECASE,
)
STAMP_WITHIN: Final = re.compile(
    rf"(?<![\w/:-])(?:(?:\d{{1,10}}:[ \t]+)?(?P<C>{_CISCO}))[ \t]*", re.IGNORECASE
)
# A relay's stamp is followed by its name for the device, and the device's own stamp: that counts.
STAMP_RELAYED: Final = re.compile(
    r"(?:(?P<host>[\w.:\-]{1,64}?):?[ \t]+)?(?:[\w.\-/]{1,64}(?:\[\d{1,10}\])?:[ \t]+)?"
    rf"(?:\d{{1,10}}:[ \t]+)*(?:(?P<C>{_ANY_CISCO})|(?P<I>{_ISO}))[ \t]*",
    re.IGNORECASE,
)
# Nothing else in mid-line can be the time of a stamp: looked for first, since it is cheap.
TIME_WITHIN: Final = re.compile(r":\d\d:\d\d")

_PARTIAL_MONTH: Final = "|".join(
    sorted({m[:n] for m in _MONTH_NAMES.split("|") for n in (1, 2)}, key=len, reverse=True)
)
# The beginning of a stamp at the end of a line that a terminal wrapped, or that the marks of a
# ping interrupted: "*Mar 25 15", "*Mar", "- M.!!!!".
STAMP_TORN: Final = re.compile(
    rf"(?:^|(?<=\s))(?P<torn>(?:[*.]|-\s)?(?:{_MONTH_NAMES})"
    r"(?:[ \t]+(?:\d{1,2}(?:[ \t]+(?:\d\d?(?::(?:\d\d?(?::(?:\d\d?(?:[.,]\d{0,9})?)?)?)?)?)?)?)?)?"
    rf"|(?:[*.]|-\s)(?:{_PARTIAL_MONTH})?+)(?P<noise>[.!]*[ \t]*)$"
)
MAX_TORN: Final = 40
"""A torn stamp is looked for in so much of the end of a line."""
TORN_HINT: Final = re.compile(rf"[ \t][*.-]|^[*.-]|{_MONTH_NAMES}")
"""Nothing without one of these is torn: looked for first, since it is cheap."""

_ZONES: Final = {
    "UTC": 0, "GMT": 0, "WET": 0, "BST": 60, "CET": 60, "MET": 60, "WEST": 60, "CEST": 120,
    "MEST": 120, "EET": 120, "EEST": 180, "MSK": 180, "JST": 540, "KST": 540, "AEST": 600,
    "AEDT": 660, "EST": -300, "EDT": -240, "CST": -360, "CDT": -300, "MST": -420, "MDT": -360,
    "PST": -480, "PDT": -420,
}  # fmt: skip
# Other years are no dates but numbers.
_YEARS: Final = range(1970, 2200)

_days: dict[tuple[int, int, int], int | None] = {}
_MAX_DAYS: Final = 20_000


# Month, day, year, hour, minute, second, fraction and zone of the forms that have a date.
_CALENDAR: Final = {
    form: tuple(form.lower() + part for part in ("mon", "day", "year", "h", "m", "s", "f"))
    for form in "CIKR"
}
_ZONE: Final = {"C": "czone", "I": "izone", "K": "kzone"}


def form_of(match: re.Match[str]) -> str:
    """Which of the forms a match of one of the patterns here has: the name of its group."""
    if match["C"] is not None:
        return "C"
    groups = match.re.groupindex
    return next(form for form in "IKRUT" if form in groups and match[form] is not None)


def read_stamp(match: re.Match[str]) -> Stamp | None:
    """The stamp of a match of one of the patterns here; None for an impossible date or time."""
    form = form_of(match)
    if form == "C":
        return _calendar(match, form, match["mark"] in ("*", "."))
    if form == "K":
        return _keyed(match)
    if form == "U":
        return _uptime(match)
    if form != "T":
        return _calendar(match, form, False)
    tod = _time_of_day(*match.group("th", "tm", "ts", "tf"))
    if tod is None:
        return None
    mark, fraction = match["tmark"] is not None, match["tf"]
    counts = match["tcolon"] is not None and fraction is None and not mark
    kind = StampKind.UPTIME if counts else StampKind.TIME_ONLY
    return Stamp(kind, tod, _resolution(fraction), False, mark)


def is_relay(match: re.Match[str]) -> bool:
    """Whether the stamp of a match of `STAMP_AT_START` has the form that relays and daemons write:
    a date, and nothing between it and the name of the host."""
    return match["I"] is not None or (match["C"] is not None and match["colon"] is None)


def _calendar(match: re.Match[str], form: str, unsynchronised: bool) -> Stamp | None:
    month, day, year, hour, minute, second, fraction = match.group(*_CALENDAR[form])
    tod = _time_of_day(hour, minute, second, fraction)
    number = int(month) if month.isdigit() else _MONTH_NUMBER.get(month.lower())
    if tod is None or number is None or (year is not None and int(year) not in _YEARS):
        return None
    days = _day(int(year or _LEAP_YEAR), number, int(day))
    if days is None:
        return None
    said = match[_ZONE[form]] if form in _ZONE else None
    offset_s = _zone_offset_s(said)
    return Stamp(
        StampKind.NO_YEAR if year is None else StampKind.ABSOLUTE,
        days * NS_PER_DAY + tod - (offset_s or 0) * NS_PER_SECOND,
        _resolution(fraction),
        offset_s is not None,
        unsynchronised,
        "" if offset_s is not None else said or "",
    )


def _keyed(match: re.Match[str]) -> Stamp | None:
    """FortiGate: the event time counts in seconds or nanoseconds, whatever the zone."""
    wall = _calendar(match, "K", False)
    epoch = match["kepoch"]
    if wall is None or epoch is None or len(epoch) not in (10, 19):
        return wall
    fine = len(epoch) == 19
    ns = int(epoch) if fine else int(epoch) * NS_PER_SECOND
    return Stamp(StampKind.ABSOLUTE, ns, 1 if fine else NS_PER_SECOND, True, False)


def _time_of_day(hour: str, minute: str, second: str, fraction: str | None) -> int | None:
    seconds = (int(hour) * 60 + int(minute)) * 60 + int(second)
    if int(hour) > 23 or int(minute) > 59 or int(second) > 60:
        return None
    return seconds * NS_PER_SECOND + (int(fraction.ljust(9, "0")) if fraction else 0)


def _resolution(fraction: str | None) -> int:
    return int(10 ** (9 - len(fraction))) if fraction else NS_PER_SECOND


def _day(year: int, month: int, day: int) -> int | None:
    key = (year, month, day)
    if key not in _days:
        if len(_days) > _MAX_DAYS:
            _days.clear()
        try:
            _days[key] = date(year, month, day).toordinal() - _EPOCH_ORDINAL
        except ValueError:
            _days[key] = None
    return _days[key]


def _zone_offset_s(zone: str | None) -> int | None:
    """Seconds east of UTC; None where nothing is said, or an abbreviation nobody can place."""
    if not zone:
        return None
    if zone.upper() in ("Z", "UTC"):
        return 0
    digits = zone.upper().removeprefix("UTC").replace(":", "")
    if digits[0] in "+-" and digits[1:].isdigit():
        sign = -1 if digits[0] == "-" else 1
        return sign * (int(digits[1:3]) * 3600 + int(digits[3:5]) * 60)
    minutes = _ZONES.get(zone.upper())
    return None if minutes is None else minutes * 60


def _uptime(match: re.Match[str]) -> Stamp:
    def number(name: str) -> int:
        return int(match[name])

    hour = 3600
    if match["uweeks"] is not None:
        days, resolution_s = number("uweeks") * 7 + number("uwdays"), 24 * hour
        seconds = days * 24 * hour
    elif match["udays"] is not None:
        seconds, resolution_s = (number("udays") * 24 + number("udhours")) * hour, hour
    else:
        seconds = (number("uyears") * 365 + number("uyweeks") * 7) * 24 * hour
        resolution_s = 7 * 24 * hour
    return Stamp(
        StampKind.UPTIME,
        seconds * NS_PER_SECOND,
        resolution_s * NS_PER_SECOND,
        False,
        False,
    )


def year_of(ns: int) -> int:
    """The UTC year of a time since the epoch."""
    return date.fromordinal(ns // NS_PER_DAY + _EPOCH_ORDINAL).year


def in_year(ns: int, year: int) -> int:
    """A time of the year 2000 moved to `year`; 29 February of a year that has none is 1 March."""
    day = date.fromordinal(ns // NS_PER_DAY + _EPOCH_ORDINAL)
    wanted = year + day.year - _LEAP_YEAR
    try:
        moved = day.replace(year=wanted)
    except ValueError:
        moved = date(wanted, 3, 1)
    return (moved.toordinal() - _EPOCH_ORDINAL) * NS_PER_DAY + ns % NS_PER_DAY
