"""Spans of time as devices write them."""

from __future__ import annotations

import re
from typing import Final

_CLOCK: Final = re.compile(r"\s*(\d{1,5}):(\d\d):(\d\d)\b")
_PART: Final = re.compile(r"(\d{1,9})\s?(y|w|d|h|m|s)", re.IGNORECASE)
_SECONDS: Final = {"y": 31_536_000, "w": 604_800, "d": 86_400, "h": 3600, "m": 60, "s": 1}
_LONGEST: Final = 40


def span_s(text: str) -> int | None:
    """Seconds of `23:07:14`, `1d02h`, `3w4d`, `10d 7h:26m:52s`, `2 hours`; None for others."""
    text = text[:_LONGEST]
    clock = _CLOCK.match(text)
    if clock:
        return int(clock[1]) * 3600 + int(clock[2]) * 60 + int(clock[3])
    parts = _PART.findall(text)
    if not parts:
        return None
    return sum(int(number) * _SECONDS[unit.lower()] for number, unit in parts)
