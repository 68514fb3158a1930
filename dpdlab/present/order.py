"""Whether the order of two moments is certain, by the clocks of the inputs that tell them."""

from __future__ import annotations

from collections.abc import Mapping

from analyzers.model.alignment import ClockBasis
from analyzers.model.records import ProblemKind, Ref, SourceInfo
from analyzers.model.time import ORDER_LIMIT_NS
from dpdlab.present.events import Event
from dpdlab.present.times import precision_ns


def unsure_ns(sources: Mapping[str, SourceInfo], one: Event, other: Event) -> int:
    """How well the clocks of two moments agree that are closer than that; else 0.

    A clock by hand that messages contradict does not agree at all: see `contradiction`.

    Two lines of one log have an order, whatever its clock, and so have a line and a message that
    the same log shows, too.
    """
    if one.ref is None or other.ref is None or max(one.at_ns, other.at_ns) < ORDER_LIMIT_NS:
        return 0
    if any(contradiction(sources, event) for event in (one, other)):
        return 0
    if {ref.source for ref in _places(one)} & {ref.source for ref in _places(other)}:
        return 0
    apart_ns = precision_ns(sources, one.ref, other.ref)
    return apart_ns if abs(one.at_ns - other.at_ns) < apart_ns else 0


def contradiction(sources: Mapping[str, SourceInfo], event: Event) -> str:
    """What the clock of an event contradicts, where the user has set it: "contradicts 6 …"."""
    source = None if event.ref is None else sources.get(event.ref.source)
    problems = () if source is None else source.problems
    doubts = (p.detail for p in problems if p.kind is ProblemKind.CLOCK_CONTRADICTED)
    return next(doubts, "")


def is_measure(sources: Mapping[str, SourceInfo], event: Event) -> bool:
    """Whether an event is told by the clock that all others are put on."""
    source = None if event.ref is None else sources.get(event.ref.source)
    return source is None or source.clock_basis is ClockBasis.REFERENCE


def _places(event: Event) -> tuple[Ref, ...]:
    """All places where an event was seen."""
    seen: tuple[Ref, ...] = () if event.message is None else event.message.seen
    return seen if event.ref is None else (event.ref, *seen)
