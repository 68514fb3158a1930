"""Values of options: durations, moments, addresses and ports, each refused with a reason."""

from __future__ import annotations

import argparse
import math
import re
from typing import Any, Final, NamedTuple

_NS_PER_SECOND: Final = 1_000_000_000
_SECONDS_OF_UNIT: Final = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|[dhms])")
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")
_EPOCH: Final = re.compile(r"(-?)(\d+)(?:\.(\d{1,9}))?")
_OFFSET: Final = re.compile(r"([+-])(\d{2}):?(\d{2})?", re.ASCII)
_SECONDS: Final = re.compile(r"([+-]?)(\d{1,12})(?:\.(\d{1,9}))?", re.ASCII)
_FRACTION: Final = re.compile(r"(:\d{2})[.,](\d{1,9})(?=$|[Zz+-])")

# A capture longer than this, or a budget, is a typing error.
_LONGEST_S: Final = 100 * 366 * 86_400


class Moment(NamedTuple):
    """A bound of the time window: absolute, or relative to the first packet of the input."""

    ns: int
    """Since the epoch, UTC, or since the first packet."""
    relative: bool

    def __str__(self) -> str:
        sign = "+" if self.relative else ""
        return f"{sign}{self.ns / _NS_PER_SECOND:g}"


def duration_s(text: str) -> float:
    """Seconds, of `30`, `2.5`, `1m30s`, `500ms`; finite and not negative."""
    nanoseconds = _duration_ns(text)
    if nanoseconds is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration (write 30, 2.5 or 1m30s)")
    return nanoseconds / _NS_PER_SECOND


def positive_duration_s(text: str) -> float:
    """As `duration_s`, and more than nothing."""
    value = duration_s(text)
    if value == 0:
        raise argparse.ArgumentTypeError("must be more than 0 seconds")
    return value


def count(text: str) -> int:
    """A whole number from 1 to 10,000,000."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 8 else 0
    if not 1 <= number <= 10_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no number (1 to 10000000)")
    return number


def moment(text: str) -> Moment:
    """ISO 8601 (UTC unless it has a zone), epoch seconds, or `+DURATION` after the first packet."""
    if text.startswith("+"):
        offset_ns = _duration_ns(text[1:])
        if offset_ns is None:
            raise argparse.ArgumentTypeError(
                f"{text!r} is no time after the first packet (write +90 or +1m30s)"
            )
        return Moment(offset_ns, relative=True)
    absolute_ns = _epoch_ns(text)
    if absolute_ns is None:
        absolute_ns = _iso_ns(text)
    if absolute_ns is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time (write 2024-11-20T21:31:50Z, epoch seconds, or +90)"
        )
    return Moment(absolute_ns, relative=False)


def address(text: str) -> str:
    """An IPv4 or IPv6 address in its canonical form."""
    import ipaddress

    try:
        parsed = ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        more = " (one address, no prefix length)" if "/" in text else ""
        raise argparse.ArgumentTypeError(f"{text!r} is no IP address{more}") from None
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.scope_id:
        # Packets carry no zone.
        parsed = ipaddress.IPv6Address(int(parsed))
    return str(parsed)


def port(text: str) -> int:
    """A UDP port, 1 to 65535."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 5 else 0
    if not 1 <= number <= 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port (1 to 65535)")
    return number


def _duration_ns(text: str) -> int | None:
    if not text.isascii():
        return None
    if _NUMBER.fullmatch(text):
        parts = [(text, "s")]
    else:
        parts = _PART.findall(text)
        if not parts or "".join(number + unit for number, unit in parts) != text:
            return None
    total_s = sum(
        float(number) * (_SECONDS_OF_UNIT[unit] if unit != "ms" else 0.001)
        for number, unit in parts
    )
    if not math.isfinite(total_s) or total_s > _LONGEST_S:
        return None
    return round(total_s * _NS_PER_SECOND)


def _epoch_ns(text: str) -> int | None:
    found = _EPOCH.fullmatch(text)
    if found is None or len(found[2]) > 12 or not text.isascii():
        return None
    value_ns = int(found[2]) * _NS_PER_SECOND + int((found[3] or "").ljust(9, "0"))
    return -value_ns if found[1] else value_ns


def _iso_ns(text: str) -> int | None:
    from datetime import UTC, datetime

    # `datetime` ends at microseconds: the fraction is kept apart, to the nanosecond.
    fraction = _FRACTION.search(text)
    fraction_ns = int(fraction[2].ljust(9, "0")) if fraction else 0
    try:
        parsed = datetime.fromisoformat(_FRACTION.sub(r"\1", text))
        if parsed.tzinfo is None:
            parsed = parsed.replace(tzinfo=UTC)
        since_epoch = parsed - datetime(1970, 1, 1, tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    whole_s = since_epoch.days * 86_400 + since_epoch.seconds
    return whole_s * _NS_PER_SECOND + since_epoch.microseconds * 1_000 + fraction_ns


class ForInput(NamedTuple):
    """A value for one input, or for all of them."""

    input: str | None
    """As the user names it; None: all."""
    value: Any


def year(text: str) -> ForInput:
    """`[INPUT=]YEAR`, 1970 to 2200."""
    name, value = _of_input(text)
    number = int(value) if value.isascii() and value.isdigit() and len(value) == 4 else 0
    if not 1970 <= number <= 2200:
        raise argparse.ArgumentTypeError(f"{text!r} is no year (write 2024, or console.txt=2024)")
    return ForInput(name, number)


def zone(text: str) -> ForInput:
    """`[INPUT=]ZONE`: a name of the tz database, `UTC`, or an offset as `+02:00`."""
    from datetime import timedelta, timezone
    from zoneinfo import ZoneInfo

    name, value = _of_input(text)
    found = _OFFSET.fullmatch(value)
    if found is not None:
        minutes = int(found[2]) * 60 + int(found[3] or 0)
        if minutes <= 14 * 60:
            signed = -minutes if found[1] == "-" else minutes
            return ForInput(name, timezone(timedelta(minutes=signed)))
    else:
        try:
            return ForInput(name, ZoneInfo(value))
        except (ValueError, OSError, KeyError):
            pass
    raise argparse.ArgumentTypeError(f"{text!r} is no zone (write Europe/Berlin, UTC or +02:00)")


def offset(text: str) -> ForInput:
    """`INPUT=SECONDS`, in nanoseconds; seconds may be negative and have a fraction."""
    name, value = _of_input(text)
    found = _SECONDS.fullmatch(value)
    if name is None or found is None or len(value) > 24:
        raise argparse.ArgumentTypeError(f"{text!r} is no offset (write console.txt=-3607.5)")
    whole = int(found[2]) * _NS_PER_SECOND + int((found[3] or "").ljust(9, "0"))
    return ForInput(name, -whole if found[1] == "-" else whole)


def _of_input(text: str) -> tuple[str | None, str]:
    """The input and the value of `INPUT=VALUE`; names may hold `=` themselves."""
    name, equals, value = text.rpartition("=")
    return (name, value) if equals else (None, text)
