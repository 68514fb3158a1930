"""Times in the format the user chose: the same everywhere they stand."""

from __future__ import annotations

from datetime import UTC
from enum import StrEnum
from typing import Final

from msgspec import Struct

from analyzers.export.formatting import duration, moment, utc_date, utc_time
from analyzers.model.time import NS_PER_SECOND, ORDER_LIMIT_NS

_SEEN_NS: Final = 1_000
"""Less is no difference: inputs tell microseconds, and what is nearer was only put in order."""


class TimeMode(StrEnum):
    """How a time is told; the order is that of the key that changes it."""

    UTC = "UTC"
    LOCAL = "local time"
    RELATIVE = "since the start"
    DELTA = "since the event before"
    MARK = "since the mark"

    def next(self) -> TimeMode:
        """The mode after this one."""
        modes = list(TimeMode)
        return modes[(modes.index(self) + 1) % len(modes)]


class TimeFormat(Struct, frozen=True):
    """A mode with what it counts from; times in ns since the epoch."""

    mode: TimeMode = TimeMode.UTC
    start_ns: int = 0
    mark_ns: int | None = None
    digits: int = 3

    def at(self, at_ns: int, before_ns: int | None = None) -> str:
        """A time; `before_ns` is that of the event before, for the mode that counts from it."""
        if at_ns < ORDER_LIMIT_NS:
            return "no time"
        match self.mode:
            case TimeMode.UTC:
                return self._day(utc_date(at_ns), utc_date(self.start_ns)) + utc_time(
                    at_ns, self.digits
                )
            case TimeMode.LOCAL:
                return self._local(at_ns)
            case TimeMode.RELATIVE:
                return signed(at_ns - self.start_ns)
            case TimeMode.DELTA:
                return signed(at_ns - (self.start_ns if before_ns is None else before_ns))
            case TimeMode.MARK:
                return signed(at_ns - (self.start_ns if self.mark_ns is None else self.mark_ns))

    def _local(self, at_ns: int) -> str:
        local = moment(at_ns).replace(tzinfo=UTC).astimezone()
        start = moment(self.start_ns).replace(tzinfo=UTC).astimezone()
        fraction = f"{at_ns % NS_PER_SECOND:09d}"[: self.digits]
        date = self._day(local.strftime("%Y-%m-%d"), start.strftime("%Y-%m-%d"))
        return f"{date}{local:%H:%M:%S}.{fraction}"

    @staticmethod
    def _day(date: str, first: str) -> str:
        """The date, where it is another one than that of the start."""
        if date == first:
            return ""
        return f"{date[5:] if date[:4] == first[:4] else date} "


def signed(delta_ns: int) -> str:
    """A difference with its sign: "+10.048 s"."""
    sign = "-" if delta_ns < 0 else "+"
    delta_ns = abs(delta_ns)
    if delta_ns < _SEEN_NS:
        return "+0 s"
    if delta_ns < 100 * NS_PER_SECOND and delta_ns >= NS_PER_SECOND:
        return f"{sign}{delta_ns / NS_PER_SECOND:.3f} s"
    return f"{sign}{duration(delta_ns)}"
