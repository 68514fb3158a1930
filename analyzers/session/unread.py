"""Messages that a capture saw on their way to a device, and that the device never read.

What drops them is behind the capture: a filter of the device's own, a full queue. Only its log can
tell. It says so where it complains, by a retransmission or a verdict, that nothing had come.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.records import Ref
from analyzers.tracking.sightings import KeyFamily, Sighting

MAY_ANSWER: Final = frozenset({(KeyFamily.KIND, (1, 5, False)), (KeyFamily.KIND, (2, 37, True))})
"""What captured messages are known by that may be answers which a log does not have."""
_VERDICTS: Final = frozenset({LogEventKind.PEER_DEAD, LogEventKind.GAVE_UP})


def unread_messages(
    events: Iterable[LogEvent], wire: Sequence[Sighting], captured: Mapping[int, Ref]
) -> Iterator[Ref]:
    """Places of captured messages that the device of a log did not get.

    `events`: those of its log, in the order of its lines, on the common clock; `captured`: the
    messages among them that captures have, by `id()`, with their places there.
    """
    silences = _silences(events, captured)
    if not silences:
        return
    known = frozenset(captured.values())
    for sighting in wire:
        if sighting.ref in known:
            continue
        spans = silences.get((sighting.src, sighting.dst), [])
        place = bisect_left(spans, (sighting.at_ns,))
        if place and sighting.at_ns < spans[place - 1][1]:
            yield sighting.ref


def _silences(
    events: Iterable[LogEvent], captured: Mapping[int, Ref]
) -> dict[tuple[str | None, str | None], list[tuple[int, int]]]:
    """Times in which nothing of a peer came, as the device says at the end of each, in order.

    By who sends and who should receive.
    """
    found: dict[tuple[str | None, str | None], dict[int, int]] = {}
    heard_ns: dict[tuple[str, str], int] = {}
    asked: set[tuple[str, str]] = set()
    for event in events:
        if event.at_ns is None or event.local is None or event.remote is None:
            continue
        ends = event.local, event.remote
        if event.kind is LogEventKind.MESSAGE and not event.sent:
            heard_ns[ends] = event.at_ns
            asked.discard(ends)
        elif id(event) in captured:
            asked.add(ends)
        if ends in asked and ends in heard_ns and complains(event):
            spans = found.setdefault(ends[::-1], {})
            spans[heard_ns[ends]] = max(event.at_ns, spans.get(heard_ns[ends], 0))
    return {ends: sorted(spans.items()) for ends, spans in found.items()}


def complains(event: LogEvent) -> bool:
    """Whether it says that an answer had not come by then."""
    if event.kind is LogEventKind.MESSAGE:
        return bool(event.sent) and event.retransmission and not event.response
    return event.kind in _VERDICTS
