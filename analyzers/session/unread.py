"""Messages that a capture saw on their way to a device, and that the device never read.

What drops them is behind the capture: a filter of the device's own, a full queue. Only its log can
tell. It says so where it complains, by a retransmission or a verdict, that nothing had come.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.records import Ref
from analyzers.tracking.sightings import KeyFamily, Sighting

MAY_ANSWER: Final = frozenset({(KeyFamily.KIND, (1, 5, False)), (KeyFamily.KIND, (2, 37, True))})
"""What captured messages are known by that may be answers which a log does not have."""
_VERDICTS: Final = frozenset({LogEventKind.PEER_DEAD, LogEventKind.GAVE_UP})


class _Silence(NamedTuple):
    """A time in which nothing of a peer came, as the device says at its end."""

    local: str
    remote: str
    start_ns: int
    end_ns: int


def unread_messages(
    events: Iterable[LogEvent], wire: Sequence[Sighting], captured: Mapping[int, Ref]
) -> Iterator[Ref]:
    """Places of captured messages that the device of a log did not get.

    `events`: those of its log, in the order of its lines, on the common clock; `captured`: the
    messages among them that captures have, by `id()`, with their places there.
    """
    silences: dict[tuple[str | None, str | None], list[_Silence]] = {}
    for silence in _silences(events, captured):
        silences.setdefault((silence.remote, silence.local), []).append(silence)
    if not silences:
        return
    known = frozenset(captured.values())
    for sighting in wire:
        if sighting.ref in known:
            continue
        spans = silences.get((sighting.src, sighting.dst), ())
        if any(span.start_ns < sighting.at_ns < span.end_ns for span in spans):
            yield sighting.ref


def _silences(events: Iterable[LogEvent], captured: Mapping[int, Ref]) -> Iterator[_Silence]:
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
            yield _Silence(*ends, heard_ns[ends], event.at_ns)


def complains(event: LogEvent) -> bool:
    """Whether it says that an answer had not come by then."""
    if event.kind is LogEventKind.MESSAGE:
        return bool(event.sent) and event.retransmission and not event.response
    return event.kind in _VERDICTS
