"""What an assembly takes, and how the fields of a line become the parts of an event."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Final, Protocol, runtime_checkable

from msgspec import Struct

from analyzers.dialects.dialect import Outline
from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.records import Ref

_MAX_ADDRESS: Final = 128
_MAX_REASON: Final = 200
# So many digits are no strain to read; no number that is read here has more.
_MOST_DIGITS: Final = 12
_HEX_DIGITS: Final = "0123456789abcdefABCDEF"
_new: Final = tuple.__new__


class Form:
    """What lines share that are read alike: how they are understood, and where their fields are."""

    __slots__ = ("dialect", "id", "pattern", "setters", "spans")

    def __init__(self, outline: Outline) -> None:
        self.dialect, self.pattern = outline.dialect, outline.pattern
        self.id = "" if outline.pattern is None else outline.pattern.id
        """The pattern's id; empty if none matched."""
        self.spans = {name: slice(start, end) for name, start, end in outline.spans}
        """The named groups that matched."""
        self.setters = tuple((_SETTERS[n], span) for n, span in self.spans.items() if n in _SETTERS)
        """What takes fields to the parts of an event."""


class LogLine(Struct, gc=False):
    """A logical line with its place, its time on the log's own clock, and its form."""

    at_ns: int | None
    resolution_ns: int
    source: str
    record: int
    form: Form
    text: str

    @property
    def id(self) -> str:
        """The pattern's id; empty if none matched."""
        return self.form.id

    @property
    def ref(self) -> Ref:
        """Its place."""
        # Calling the type of a tuple by its name takes twice the time.
        return _new(Ref, (self.source, self.record))

    @property
    def fields(self) -> dict[str, str]:
        """All fields by name."""
        text = self.text
        return {name: text[span] for name, span in self.form.spans.items()}

    def field(self, name: str) -> str:
        """A field that such a line has."""
        return self.text[self.form.spans[name]]

    def get(self, name: str) -> str | None:
        """A field that it may have."""
        span = self.form.spans.get(name)
        return None if span is None else self.text[span]


class Assembly(Protocol):
    """Turns the lines of one dialect in one log into events, in order.

    A class may name lines that it has no use for: `useless` is a set of ids of patterns, with ""
    for lines of which nothing is known. They are counted, and not taken.
    """

    def take(self, line: LogLine) -> Iterable[LogEvent]:
        """One line of the dialect, also those of which nothing is known."""
        ...

    def finish(self) -> Iterable[LogEvent]:
        """The log is over: what was still waiting for its neighbours."""
        ...


@runtime_checkable
class Pausing(Protocol):
    """An assembly that can tell what it knows already where a log that grows is quiet."""

    def pause(self) -> list[LogEvent]:
        """Nothing has come for a while."""
        ...


def event(line: LogLine, kind: LogEventKind, **parts: Any) -> LogEvent:
    """An event at the line's place, its parts from the line's fields unless given."""
    form, text = line.form, line.text
    dialect = form.dialect
    made = LogEvent(kind, line.at_ns, line.ref, dialect.name)
    made.version, made.resolution_ns = dialect.version, line.resolution_ns
    for setter, span in form.setters:
        setter(made, text[span])
    for name, value in parts.items():
        setattr(made, name, value)
    return made


def _set_peer(made: LogEvent, value: str) -> None:
    made.remote = address(value)


def _set_local(made: LogEvent, value: str) -> None:
    made.local = address(value)


def _set_peer_port(made: LogEvent, value: str) -> None:
    made.remote_port = port(value)


def _set_local_port(made: LogEvent, value: str) -> None:
    made.local_port = port(value)


def _set_conn(made: LogEvent, value: str) -> None:
    made.handle = value[:_MAX_ADDRESS]


def _set_mid(made: LogEvent, value: str) -> None:
    made.message_id = message_id(value)


def _set_mid_hex(made: LogEvent, value: str) -> None:
    made.message_id = hexadecimal(value, 8)


def _set_seq(made: LogEvent, value: str) -> None:
    made.sequence = number(value, 0xFFFFFFFF)


def _set_seq_hex(made: LogEvent, value: str) -> None:
    made.sequence = hexadecimal(value, 8)


def _set_ispi(made: LogEvent, value: str) -> None:
    made.initiator_spi = spi(value, 16)


def _set_rspi(made: LogEvent, value: str) -> None:
    made.responder_spi = spi(value, 16)


def _set_spi(made: LogEvent, value: str) -> None:
    found = spi(value, 8)
    if found is not None:
        made.spis = (*made.spis, found)


def _set_reason(made: LogEvent, value: str) -> None:
    made.reason = " ".join(value.split())[:_MAX_REASON]


def _set_interval(made: LogEvent, value: str) -> None:
    made.interval_s = _seconds(value)


def _set_length(made: LogEvent, value: str) -> None:
    made.length = number(value, 0xFFFFFF)


_SETTERS: Final[dict[str, Callable[[LogEvent, str], None]]] = {
    "peer": _set_peer,
    "local": _set_local,
    "peer_port": _set_peer_port,
    "local_port": _set_local_port,
    "conn": _set_conn,
    "mid": _set_mid,
    "mid_hex": _set_mid_hex,
    "seq": _set_seq,
    "seq_hex": _set_seq_hex,
    "ispi": _set_ispi,
    "rspi": _set_rspi,
    "spi": _set_spi,
    "spi2": _set_spi,
    "reason": _set_reason,
    "interval": _set_interval,
    "length": _set_length,
}


@lru_cache(maxsize=1 << 12)
def address(text: str) -> str:
    """An address as written; IPv6 in lower case, which is how packets show it."""
    text = text.strip("[]()<>,; \t\n")[:_MAX_ADDRESS]
    return text.lower() if ":" in text else text


@lru_cache(maxsize=1 << 10)
def port(text: str) -> int | None:
    """A port number."""
    return number(text, 65535)


def number(text: str, largest: int) -> int | None:
    """A decimal number within its range."""
    if len(text) > _MOST_DIGITS or not text.isascii() or not text.isdigit():
        return None
    value = int(text)
    return value if value <= largest else None


def message_id(text: str) -> int | None:
    """A message ID in decimal, as old releases print it (signed) or newer ones (unsigned)."""
    digits = text.removeprefix("-")
    if len(digits) > _MOST_DIGITS or not (digits.isascii() and digits.isdigit()):
        return None
    value = int(text)
    return value & 0xFFFFFFFF if -0xFFFFFFFF <= value <= 0xFFFFFFFF else None


def hexadecimal(text: str, digits: int) -> int | None:
    """A hexadecimal number of at most so many digits."""
    text = text.removeprefix("0x").removeprefix("0X")
    if not 0 < len(text) <= digits or text.strip(_HEX_DIGITS):
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
