"""Durations as configurations write them: "5s", "2m", "1h", "1d", bare seconds."""

from __future__ import annotations

import re
from typing import Final

# swanctl.conf(5) and ipsec.conf(5): seconds unless a unit says otherwise. Ten digits are 300 years.
_DURATION: Final = re.compile(
    r"(\d{1,10})(?:\.(\d{1,6}))?\s?(ms|[smhd])?", re.IGNORECASE | re.ASCII
)
_UNIT_S: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


def duration_s(text: str, unit: str = "s") -> float | None:
    """Seconds of "90", "1.5s", "2m", "1h" or "1d"; None for anything else.

    `unit` is that of a bare number: "ms", "s", "m", "h" or "d".
    """
    found = _DURATION.fullmatch(text.strip()) if len(text) <= 40 else None
    if found is None:
        return None
    whole, fraction, named = found.groups()
    return float(f"{whole}.{fraction or 0}") * _UNIT_S[(named or unit).lower()]


def spoken_s(seconds: float) -> str:
    """A duration for people: "165.06 s", "20 s", "0.5 s", "15,840 s"."""
    return f"{round(seconds, 3):,.10g} s"
