"""Moments and durations as the written reports show them; exact, without floats."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from analyzers.model.time import NS_PER_SECOND

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def utc(at_ns: int, *, digits: int = 9) -> str:
    """ISO 8601 in UTC with `digits` decimals (cut, not rounded): `2024-11-20T21:31:50.123Z`.

    A moment outside the years 1 to 9999, as a damaged capture can hold, prints as its number.
    """
    whole_s, rest_ns = divmod(at_ns, NS_PER_SECOND)
    try:
        moment = _EPOCH + timedelta(seconds=whole_s)
    except OverflowError:
        return f"{at_ns} ns"
    fraction = f".{rest_ns:09d}"[: digits + 1] if digits else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z" if moment.year >= 1000 else f"{at_ns} ns"


def optional_utc(at_ns: int | None, *, digits: int = 9, missing: str = "") -> str:
    """As `utc`; `missing` where the moment is unknown."""
    return missing if at_ns is None else utc(at_ns, digits=digits)
