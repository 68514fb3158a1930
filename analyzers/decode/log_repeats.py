"""Events that a log tells again, because somebody printed the same buffer twice into one file.

`assembly.repeats` does the same for lines, in dialects whose lines make no sense the second time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from itertools import pairwise
from typing import Final

from analyzers.model.log_events import LogEvent
from analyzers.model.time import NS_PER_SECOND

# Lines of a busy device overtake each other by less than this; a new printout begins further back.
_BACK_NS: Final = 2 * NS_PER_SECOND


def told_once(events: list[LogEvent]) -> list[LogEvent]:
    """The events, in their order, without those that an earlier printout has as often.

    Events without a time are never taken for repeats. `events` are those of one log, as decoded.
    """
    before: Counter[Hashable] = Counter()
    now: Counter[Hashable] = Counter()
    if not _goes_back(events):
        return events
    kept = []
    last_ns: int | None = None
    for event in events:
        if event.at_ns is None:
            kept.append(event)
            continue
        if last_ns is not None and last_ns - event.at_ns > _BACK_NS:
            before |= now
            now.clear()
        last_ns = event.at_ns
        key = _told(event)
        now[key] += 1
        if now[key] > before[key]:
            kept.append(event)
    return kept


def _goes_back(events: Sequence[LogEvent]) -> bool:
    times = (event.at_ns for event in events if event.at_ns is not None)
    return any(before - after > _BACK_NS for before, after in pairwise(times))


def _told(event: LogEvent) -> Hashable:
    """What an event says. What only follows from the lines before it may differ the second time:
    the name that is made for an SA, and whether a message is taken for a retry."""
    message = (event.message, event.sent, event.response, event.message_id, event.sequence)
    return (event.at_ns, event.kind, event.local, event.remote, event.spis, *message)
