"""Time: integer nanoseconds since the epoch, UTC; durations are integer nanoseconds too."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

NS_PER_SECOND: Final = 1_000_000_000
NS_PER_MS: Final = 1_000_000
# Events of a log without stamps are numbered: times below this are places in its order.
ORDER_LIMIT_NS: Final = NS_PER_SECOND


def seconds(duration_ns: int) -> float:
    """A duration in seconds, for numbers that are shown."""
    return duration_ns / NS_PER_SECOND


def nanoseconds(duration_s: float) -> int:
    """A duration given in seconds, as integer nanoseconds."""
    return round(duration_s * NS_PER_SECOND)


class ClockQuality(StrEnum):
    """How far the times of a source can be trusted."""

    ABSOLUTE = "absolute"
    NO_ZONE = "no-zone"
    NO_YEAR = "no-year"
    UNSYNCHRONISED = "unsynchronised"
    RELATIVE = "relative"


LONG_S: Final = 120
"""Measured times from here on are told in minutes and seconds, or in hours."""


def long_duration(whole_s: int) -> str:
    """Two minutes and more for people: "28 min 43 s", "4 h 24 min", "3 d 04 h"."""
    minutes, secs = divmod(whole_s, 60)
    if minutes < 120:
        return f"{minutes} min {secs:02d} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes:02d} min"
    days, hours = divmod(hours, 24)
    return f"{days:,} d {hours:02d} h"
