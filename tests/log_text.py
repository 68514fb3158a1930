"""Log text read into events, as a session reads it."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Sequence

from analyzers.decode.logs import LogDecoder
from analyzers.dialects.catalogue import DIALECTS
from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.records import SourceInfo
from analyzers.model.time import NS_PER_SECOND

NS_PER_DAY = 86_400 * NS_PER_SECOND


def decoder(text: str, cuts: Sequence[int] = ()) -> tuple[LogDecoder, list[LogEvent]]:
    """The decoder at the end of the text, and all events; the text arrives cut at `cuts`."""
    reader = LogDecoder(SourceInfo("s1", "console.txt", "log", ""), DIALECTS)
    found: list[LogEvent] = []
    bounds = [0, *sorted(cuts), len(text)]
    for start, end in itertools.pairwise(bounds):
        found += reader.feed(text[start:end])
    return reader, found + reader.finish()


def events_of(text: str, *kinds: LogEventKind) -> list[LogEvent]:
    """The events of an indented text, of some kinds or all."""
    found = decoder(textwrap.dedent(text).lstrip("\n"))[1]
    return [e for e in found if not kinds or e.kind in kinds]


def messages_of(text: str) -> list[LogEvent]:
    """The messages of an indented text."""
    return events_of(text, LogEventKind.MESSAGE)


def story(events: Sequence[LogEvent]) -> list[str]:
    """A word or two for each event: "sent delete", "received liveness answer", "peer-dead"."""
    return [_word(event) for event in events]


def _word(event: LogEvent) -> str:
    if event.kind is not LogEventKind.MESSAGE or event.message is None:
        return event.kind.value
    words = ["sent" if event.sent else "received", event.message.value]
    words += ["answer"] * bool(event.response) + ["again"] * event.retransmission
    return " ".join(words)


def clock(event: LogEvent) -> str:
    """Time of day of an event, in milliseconds."""
    if event.at_ns is None:
        return ""
    ms = event.at_ns % NS_PER_DAY // 1_000_000
    s = ms // 1000
    return f"{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}.{ms % 1000:03}"
