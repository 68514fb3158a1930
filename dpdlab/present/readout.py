"""What lies in a column of a drawing: a column is a stretch of time, and all of it counts."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct

from analyzers.export import words
from analyzers.export.formatting import counted
from analyzers.export.no_esp import without_esp
from analyzers.export.spans import Window, exposed_ns, told_states
from analyzers.model.black_hole import BlackHole
from analyzers.model.peer import Activity, PeerView
from analyzers.model.records import Basis, Confidence
from dpdlab.present.esp import EspTimes, Without, packets_until
from dpdlab.present.events import Event, EventKind
from dpdlab.present.scale import Scale

# Of events that are equally bad: what the reader must not miss comes first.
_RANK: Final = {
    EventKind.VERDICT: 0,
    EventKind.HOLE: 1,
    EventKind.HOLE_END: 2,
    EventKind.DELETE: 3,
    EventKind.LOST: 4,
    EventKind.QUESTION: 5,
    EventKind.RETRY: 6,
    EventKind.HINT: 7,
    EventKind.ANSWER: 8,
    EventKind.MESSAGE: 9,
}
_WORDS: Final = {
    EventKind.QUESTION: ("question", "questions"),
    EventKind.RETRY: ("retry", "retries"),
    EventKind.ANSWER: ("answer", "answers"),
    EventKind.LOST: ("message did not arrive", "messages did not arrive"),
    EventKind.VERDICT: ("peer given up", "times given up"),
    EventKind.DELETE: ("Delete", "Deletes"),
    EventKind.MESSAGE: ("other message", "other messages"),
    EventKind.HINT: ("remark", "remarks"),
    EventKind.HOLE: ("black hole begins", "black holes begin"),
    EventKind.HOLE_END: ("black hole ends", "black holes end"),
}
_CONCLUDED: Final = (EventKind.HOLE, EventKind.HOLE_END)
_COUNTED: Final = 2
"""Slices of activity from which their packets can be told to lie in a column."""


class Column(Struct, frozen=True):
    """What of a peer lies in a stretch of time."""

    span: Window
    folded: bool
    events: Sequence[Event]
    before: Event | None
    """The last event before it."""
    states: Sequence[str]
    """Their words in the order of time, neighbours differ."""
    packets: tuple[int, int] | None
    """ESP packets out and back; None where no ESP is known."""
    within_ns: int
    """In how much time they were counted: more than the column where that is too short."""
    holes: Sequence[BlackHole]

    @property
    def foremost(self) -> Event | None:
        """The event that matters most, the first of several."""
        return min(self.events, key=lambda e: (-e.severity, _RANK[e.kind], e.at_ns), default=None)


def told(events: Sequence[Event]) -> str:
    """All events, counted by what they are: "1 question, 2 retries, 1 peer given up (3 logged)".

    What logs show is counted where they show only a part.
    """
    numbers = Counter(event.kind for event in events)
    parts = [counted(numbers[kind], *said) for kind, said in _WORDS.items() if numbers[kind]]
    logged = [_is_logged(event) for event in events if event.kind not in _CONCLUDED]
    some = any(logged) and not all(logged)
    return (", ".join(parts) or "no event") + (f" ({sum(logged):,} logged)" if some else "")


def _is_logged(event: Event) -> bool:
    """Whether a log says it, alone or too."""
    if event.kind is EventKind.VERDICT:
        return event.ref is not None
    if event.kind is EventKind.HINT:
        return event.confidence is Confidence.CERTAIN
    seen = event.message is not None and bool(event.message.seen)
    return event.basis in (Basis.LOG, Basis.CORRELATED) or seen


def column(
    peer: PeerView,
    events: Sequence[Event],
    scale: Scale,
    cell: int,
    esp: EspTimes | None = None,
    without: Without | None = None,
) -> Column:
    """What lies in a cell of a drawing of the peer; a fold is one column.

    `esp`: exact times of its packets, if they are known; `without`: as `rows_of` takes it.
    """
    stretch = scale.stretch_of(cell)
    span = scale.span_of(cell)
    if stretch.folded:
        first, last = stretch.first, stretch.first + stretch.width - 1
        span = Window(scale.span_of(first).start_ns, scale.span_of(last).end_ns)
    inside = within(events, span)
    place = bisect_left(events, span.start_ns, key=_at_ns)
    packets: tuple[int, int] | None = None
    within_ns = span.end_ns - span.start_ns + 1
    if esp is not None and esp.cover(span):
        packets = esp.within(span)
    elif peer.activity is not None:
        slice_ns = peer.activity.slice_ns
        if within_ns < _COUNTED * slice_ns:
            begin = span.start_ns - (span.start_ns - peer.activity.start_ns) % slice_ns
            end = span.end_ns + slice_ns - (span.end_ns - peer.activity.start_ns) % slice_ns
            within_ns = end - begin
            packets = _packets(peer, peer.activity, Window(begin, end - 1), without)
        else:
            packets = _packets(peer, peer.activity, span, without)
    return Column(
        span=span,
        folded=stretch.folded,
        events=inside,
        before=events[place - 1] if place else None,
        states=_states(peer, span),
        packets=packets,
        within_ns=within_ns,
        holes=[
            hole
            for hole in peer.black_holes
            if exposed_ns(hole) <= span.end_ns and span.start_ns <= hole.stop_ns
        ],
    )


def within(events: Sequence[Event], span: Window) -> Sequence[Event]:
    """The events of a stretch of time, its ends included; they are in the order of time."""
    first = bisect_left(events, span.start_ns, key=_at_ns)
    return events[first : bisect_right(events, span.end_ns, first, key=_at_ns)]


def _states(peer: PeerView, span: Window) -> Sequence[str]:
    found: list[str] = []
    for held in told_states(peer, span):
        word = words.told_word(peer, held)
        if found[-1:] != [word]:
            found.append(word)
    return found


def _packets(
    peer: PeerView, activity: Activity, span: Window, without: Without | None
) -> tuple[int, int]:
    """ESP of a stretch, out and back."""
    ends = np.array([span.start_ns - activity.start_ns, span.end_ns + 1 - activity.start_ns], float)
    found: list[int] = []
    for counts, side in ((activity.outbound, peer.local), (activity.inbound, peer.remote)):
        silent = without_esp(peer, side) if without is None else without[side]
        found.append(round(float(np.diff(packets_until(activity, counts, ends, silent))[0])))
    return found[0], found[1]


def _at_ns(event: Event) -> int:
    return event.at_ns
