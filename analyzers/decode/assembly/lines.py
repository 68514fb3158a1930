"""What an assembly takes, and how the fields of a line become the parts of an event."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple, Protocol

from analyzers.dialects.dialect import Reading
from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.records import Ref

_MAX_ADDRESS: Final = 128
_MAX_REASON: Final = 200


class LogLine(NamedTuple):
    """A logical line with its place, its time on the log's own clock, and its reading."""

    at_ns: int | None
    resolution_ns: int
    ref: Ref
    reading: Reading
    text: str

    @property
    def id(self) -> str:
        """The pattern's id; empty if none matched."""
        return "" if self.reading.pattern is None else self.reading.pattern.id

    @property
    def fields(self) -> dict[str, str]:
        """The named groups that matched."""
        return self.reading.fields


class Assembly(Protocol):
    """Turns the lines of one dialect in one log into events, in order."""

    def take(self, line: LogLine) -> Iterable[LogEvent]:
        """One line of the dialect, also those of which nothing is known."""
        ...

    def finish(self) -> Iterable[LogEvent]:
        """The log is over: what was still waiting for its neighbours."""
        ...


def event(line: LogLine, kind: LogEventKind, **parts: Any) -> LogEvent:
    """An event at the line's place, its parts from the line's fields unless given."""
    fields = line.fields
    made = LogEvent(
        kind,
        line.at_ns,
        line.ref,
        line.reading.dialect.name,
        version=line.reading.dialect.version,
        resolution_ns=line.resolution_ns,
    )
    for name, value in fields.items():
        _set(made, name, value)
    for name, value in parts.items():
        setattr(made, name, value)
    return made


def _set(made: LogEvent, name: str, value: str) -> None:
    match name:
        case "peer":
            made.remote = address(value)
        case "local":
            made.local = address(value)
        case "peer_port":
            made.remote_port = number(value, 65535)
        case "local_port":
            made.local_port = number(value, 65535)
        case "conn":
            made.handle = value[:_MAX_ADDRESS]
        case "mid":
            made.message_id = message_id(value)
        case "mid_hex":
            made.message_id = hexadecimal(value, 8)
        case "seq":
            made.sequence = number(value, 0xFFFFFFFF)
        case "seq_hex":
            made.sequence = hexadecimal(value, 8)
        case "ispi":
            made.initiator_spi = spi(value, 16)
        case "rspi":
            made.responder_spi = spi(value, 16)
        case "spi" | "spi2":
            found = spi(value, 8)
            if found is not None:
                made.spis = (*made.spis, found)
        case "reason":
            made.reason = " ".join(value.split())[:_MAX_REASON]
        case "interval":
            made.interval_s = _seconds(value)
        case "length":
            made.length = number(value, 0xFFFFFF)
        case _:
            pass


def address(text: str) -> str:
    """An address as written; IPv6 in lower case, which is how packets show it."""
    text = text.strip("[]()<>,; \t\n")[:_MAX_ADDRESS]
    return text.lower() if ":" in text else text


def number(text: str, largest: int) -> int | None:
    """A decimal number within its range."""
    if len(text) > 12 or not text.isascii() or not text.isdigit():
        return None
    value = int(text)
    return value if value <= largest else None


def message_id(text: str) -> int | None:
    """A message ID in decimal, as old releases print it (signed) or newer ones (unsigned)."""
    digits = text.removeprefix("-")
    value = number(digits, 0xFFFFFFFF)
    if value is None:
        return None
    return (-value if text.startswith("-") else value) & 0xFFFFFFFF


def hexadecimal(text: str, digits: int) -> int | None:
    """A hexadecimal number of at most so many digits."""
    text = text.removeprefix("0x").removeprefix("0X")
    if not 0 < len(text) <= digits or not all(c in "0123456789abcdefABCDEF" for c in text):
        return None
    return int(text, 16)


def spi(text: str, digits: int) -> str | None:
    """An SPI in hex, of exactly so many digits, lower case; leading zeros may be missing."""
    value = hexadecimal(text, digits)
    return None if value is None else f"{value:0{digits}x}"


def _seconds(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 < value < 1e6 else None
