"""Which packet stands behind an event that is none: a black hole, a verdict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analyzers.model.records import Basis
from dpdlab.present.events import Event, EventKind


def has_packet(event: Event) -> bool:
    """Whether it is a packet of a capture."""
    return event.message is not None and event.message.basis is not Basis.LOG


def packet_behind(events: Sequence[Event], place: int) -> int | None:
    """The place of the packet to look at for the event at `place`: itself where it is one.

    For a verdict the last question before it; for a black hole the first question asked into it,
    for its end the last message up to it, else what came nearest before. None: there is none.
    """
    event = events[place]
    if has_packet(event):
        return place
    return next(_candidates(events, place, event), None)


def _candidates(events: Sequence[Event], place: int, event: Event) -> Iterator[int]:
    before = range(place - 1, -1, -1)
    if event.kind is EventKind.VERDICT:
        pair = event.pairs_with
        yield from (n for n in before if has_packet(events[n]) and events[n].pairs_with == pair)
    hole = event.hole
    if hole is None:
        return
    if event.kind is EventKind.HOLE:
        for number in range(place + 1, len(events)):
            later = events[number]
            if later.at_ns > hole.stop_ns:
                break
            if has_packet(later) and later.sender == hole.sender:
                yield number
    yield from (n for n in before if has_packet(events[n]))
    yield from (n for n in range(place + 1, len(events)) if has_packet(events[n]))
