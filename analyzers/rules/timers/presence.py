"""When an end was heard at all: its IKE messages, and slices of time in which it sent ESP."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from analyzers.model.observations import Encapsulation
from analyzers.rules.case import Case
from analyzers.rules.once import once


class Span(NamedTuple):
    """A time, ns."""

    start_ns: int
    end_ns: int


class Presence:
    """The times in which an end was heard; a slice with one ESP packet counts as a whole."""

    def __init__(self, case: Case, address: str) -> None:
        local = case.is_local(address)
        sender = case.is_local
        spans = [Span(m.at_ns, m.at_ns) for m in case.peer.messages if sender(m.src) == local]
        activity = case.peer.activity
        if activity is not None:
            counts = activity.outbound if local else activity.inbound
            spans += _busy(counts, activity.start_ns, activity.slice_ns)
        self._spans = _merged(sorted(spans))
        self._starts = [span.start_ns for span in self._spans]

    def last_before(self, at_ns: int) -> int | None:
        """When the end was last heard before a moment, at the latest; None if it never was."""
        place = bisect_left(self._starts, at_ns)
        return None if not place else min(self._spans[place - 1].end_ns, at_ns)

    def is_heard(self, start_ns: int, end_ns: int) -> bool:
        """Whether the end may have been heard in a time."""
        place = bisect_right(self._starts, end_ns)
        return place > 0 and self._spans[place - 1].end_ns >= start_ns

    def pauses(self, least_ns: int) -> Iterator[Span]:
        """Times of at least this length between two in which it was heard."""
        for before, after in zip(self._spans, self._spans[1:], strict=False):
            if after.start_ns - before.end_ns >= least_ns:
                yield Span(before.end_ns, after.start_ns)


def _busy(counts: Sequence[int], start_ns: int, slice_ns: int) -> Iterator[Span]:
    """The runs of slices in which anything was sent."""
    at = 0
    for busy, run in groupby(counts, bool):
        after = at + sum(1 for _ in run)
        if busy:
            yield Span(start_ns + at * slice_ns, start_ns + after * slice_ns)
        at = after


def _merged(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for span in spans:
        if merged and span.start_ns <= merged[-1].end_ns:
            merged[-1] = Span(merged[-1].start_ns, max(merged[-1].end_ns, span.end_ns))
        else:
            merged.append(span)
    return merged


@once
def shows_esp(case: Case) -> bool:
    """Whether the capture would show ESP: it has some, or IKE shares its port."""
    return bool(case.peer.esp_flows) or any(
        m.encapsulation is not Encapsulation.UDP for m in case.peer.messages
    )
