"""Messages that a device built and its own system did not take: nobody ever saw them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.observations import MessageKind
from analyzers.model.time import NS_PER_MS

# The refusal of a message is logged as soon as it is sent, by another thread at worst.
_AT_ONCE_NS: Final = 20 * NS_PER_MS


def refused_messages(events: Iterable[LogEvent]) -> list[LogEvent]:
    """The messages of one log that the device's own system refused to send.

    `events` are in the order of the lines. A refusal is that of the message that was sent last
    before it, where the stamps say that it came at once.
    """
    found = []
    last: LogEvent | None = None
    for event in events:
        if event.kind is LogEventKind.MESSAGE and event.sent:
            last = event
        elif event.kind is LogEventKind.NOT_SENT and last is not None:
            if _is_of(event, last):
                found.append(last)
            last = None
    return found


def answers_among(messages: Iterable[LogEvent]) -> set[int]:
    """Ids (`id()`) of the answers among messages."""
    return {
        id(event)
        for event in messages
        if event.response or event.message is MessageKind.R_U_THERE_ACK
    }


def _is_of(refusal: LogEvent, sent: LogEvent) -> bool:
    if refusal.at_ns is None or sent.at_ns is None or refusal.remote not in (None, sent.remote):
        return False
    return 0 <= refusal.at_ns - sent.at_ns <= _AT_ONCE_NS
