"""Times in the format the user chose: the same everywhere they stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC
from enum import StrEnum
from typing import Final

from msgspec import Struct

from analyzers.export.formatting import (
    TIME_DIGITS,
    duration,
    moment,
    utc_date,
    utc_time,
    without_time,
)
from analyzers.model.records import Ref, SourceInfo
from analyzers.model.time import NS_PER_MS, NS_PER_SECOND, ORDER_LIMIT_NS

_LEAST_NS: Final = 1_000
_SECONDS_FROM_NS: Final = 999_500_000
"""From here on `duration` rounds to seconds."""
_EXACT_NS: Final = 100 * NS_PER_SECOND
"""Up to here distances are told in seconds with their decimals."""
_DAY_S: Final = 24 * 60 * 60


class TimeMode(StrEnum):
    """How a time is told; the order is that of the key that changes it."""

    UTC = "UTC"
    LOCAL = "local time"
    RELATIVE = "since the start"
    DELTA = "since the event before"
    MARK = "since the mark"

    @classmethod
    def named(cls, name: str) -> TimeMode:
        """The mode that settings and states of sessions call so; UTC for any other name."""
        return cls.__members__.get(name.upper(), cls.UTC)

    def next(self) -> TimeMode:
        """The mode after this one."""
        modes = list(TimeMode)
        return modes[(modes.index(self) + 1) % len(modes)]


class TimeFormat(Struct, frozen=True):
    """A mode with what it counts from; times in ns since the epoch."""

    mode: TimeMode = TimeMode.UTC
    start_ns: int = 0
    mark_ns: int | None = None
    digits: int = TIME_DIGITS
    """Decimals of a second."""
    not_before_ns: Sequence[int | None] = ()
    """What `without_time` takes."""

    @property
    def step_ns(self) -> int:
        """How far distances can be told where all times have so many decimals."""
        return 1 if self.digits >= TIME_DIGITS else NS_PER_SECOND // 10**self.digits

    @property
    def counts(self) -> str:
        """What times count from; without a mark that is the start."""
        if self.mode is TimeMode.MARK and self.mark_ns is None:
            return f"{TimeMode.RELATIVE.value}, no mark"
        return self.mode.value

    def at(self, at_ns: int, before_ns: int | None = None, precision_ns: int = 1) -> str:
        """A time; `before_ns` is that of the event before, for the mode that counts from it, and
        `precision_ns` how far the distance of the two can be told."""
        if at_ns < ORDER_LIMIT_NS:
            return without_time(at_ns, self.not_before_ns)
        match self.mode:
            case TimeMode.UTC:
                return self._day(utc_date(at_ns), utc_date(self.start_ns)) + utc_time(
                    at_ns, self.digits
                )
            case TimeMode.LOCAL:
                return self._local(at_ns)
            case TimeMode.DELTA if before_ns is not None:
                return signed(at_ns - before_ns, precision_ns)
            case TimeMode.MARK if self.mark_ns is not None:
                return self._counted(at_ns - self.mark_ns)
            case _:
                return self._counted(at_ns - self.start_ns)

    def _counted(self, delta_ns: int) -> str:
        """As exact as a time of day, however long it is: "+0.320 s", "+1:02:03.123"."""
        whole, rest_ns = divmod(abs(delta_ns), NS_PER_SECOND)
        fraction = self._fraction(rest_ns)
        if abs(delta_ns) < _EXACT_NS:
            sign = "-" if delta_ns < 0 and (whole or fraction.strip(".0")) else "+"
            return f"{sign}{whole}{fraction} s"
        days, seconds = divmod(whole, _DAY_S) if whole >= 2 * _DAY_S else (0, whole)
        hours, minutes = seconds // 3600, seconds % 3600 // 60
        told = f"{minutes}:" if not (days or hours) else f"{hours}:{minutes:02d}:"
        told = f"{days} d {told.zfill(6)}" if days else told
        return f"{'-' if delta_ns < 0 else '+'}{told}{seconds % 60:02d}{fraction}"

    def _fraction(self, rest_ns: int) -> str:
        """The decimals of a second, cut rather than rounded, with their point."""
        return f".{rest_ns:09d}"[: self.digits + 1] if self.digits else ""

    def _local(self, at_ns: int) -> str:
        local = moment(at_ns).replace(tzinfo=UTC).astimezone()
        start = moment(self.start_ns).replace(tzinfo=UTC).astimezone()
        date = self._day(local.strftime("%Y-%m-%d"), start.strftime("%Y-%m-%d"))
        return f"{date}{local:%H:%M:%S}{self._fraction(at_ns % NS_PER_SECOND)}"

    @staticmethod
    def _day(date: str, first: str) -> str:
        """The date, where it is another one than that of the start."""
        if date == first:
            return ""
        return f"{date[5:] if date[:4] == first[:4] else date} "


def signed(delta_ns: int, precision_ns: int = 1) -> str:
    """A difference with its sign, as far as it can be told: "+10.048 s", "+10 s", "< 1 s".

    Of less than a microsecond nothing is told: what follows in no time is kept in its order by a
    nanosecond.
    """
    step_ns, digits = _LEAST_NS, 3
    while step_ns < min(precision_ns, NS_PER_SECOND):
        step_ns *= 10
        digits -= step_ns > NS_PER_MS
    sign = "-" if delta_ns < 0 else "+"
    told_ns = (abs(delta_ns) + step_ns // 2) // step_ns * step_ns
    if not told_ns:
        return "+0 s" if step_ns == _LEAST_NS else f"< {_unit(step_ns)}"
    if _SECONDS_FROM_NS <= told_ns < _EXACT_NS:
        return f"{sign}{told_ns / NS_PER_SECOND:.{digits}f} s"
    return f"{sign}{duration(told_ns)}"


def _unit(step_ns: int) -> str:
    return "1 s" if step_ns >= NS_PER_SECOND else duration(step_ns)


def precision_ns(sources: Mapping[str, SourceInfo], one: Ref | None, other: Ref | None) -> int:
    """How far the distance of two moments can be told, by the inputs that tell them."""
    known = [
        sources[ref.source] for ref in (one, other) if ref is not None and ref.source in sources
    ]
    told = [info.resolution_ns for info in known]
    if len({info.id for info in known}) > 1:
        told += [info.clock_spread_ns or 0 for info in known]
    return max(told, default=1)
