"""Whether a log tells of the IKE SAs of another input, by all that both of them show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from msgspec import Struct

from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.session.child_sas import carry_esp, child_sas, set_up_both
from analyzers.session.joined import CaptureClock
from analyzers.tracking.alignment import Fit
from analyzers.tracking.pairing import pairs
from analyzers.tracking.same_session import (
    Span,
    have_all_in_common,
    is_even,
    needs_proof,
    span_of,
)
from analyzers.tracking.sightings import Relation, Sighting


class Shown(Struct, frozen=True, dict=True):
    """What an input shows, on one clock."""

    sightings: Sequence[Sighting]
    events: Sequence[LogEvent] = ()
    """Of a log."""
    capture: CaptureClock | None = None

    @cached_property
    def children(self) -> dict[str, int]:
        """When the Child SAs of a log came up, by their SPIs; every other input asks for it."""
        return child_sas(self.events)

    @property
    def span_ns(self) -> Span:
        """First and last time of what it shows."""
        if self.capture is None:
            return span_of([s.at_ns for s in self.sightings])
        shift_ns = self.capture.shift_ns
        return self.capture.first_ns + shift_ns, self.capture.last_ns + shift_ns


def is_one_session(own: Shown, other: Shown, fitted: Fit, relation: Relation) -> bool | None:
    """Whether a clock may be put where the fit has it: the SPIs of Child SAs say it for sure.

    None: the messages fit, and so would those of any session of the tunnel, by its timers.
    """
    if not needs_proof(own.sightings, other.span_ns, fitted):
        return True
    found = pairs(own.sightings, other.sightings, fitted, relation)
    remotes = {one.dst if one.outward > 0 else one.src for one, _ in found}
    children = _on_other_clock(child_sas(_of_peers(own.events, remotes)), fitted)
    if other.capture is None:
        told = set_up_both(children, other.children)
    else:
        ends = {frozenset((two.src, two.dst)) for _, two in found}
        capture = other.capture
        between = [spi for spi, each in capture.esp.items() if frozenset(each) in ends]
        told = carry_esp(children, _common(capture), between)
    if told is not None:
        return told
    if not have_all_in_common(
        own.sightings, other.sightings, found, fitted, relation, other.span_ns
    ):
        return False
    return None if is_even(found, fitted) else True


def _of_peers(events: Sequence[LogEvent], remotes: set[str | None]) -> list[LogEvent]:
    """Child SAs with these peers, as far as the log names the peer."""
    ups = (event for event in events if event.kind is LogEventKind.CHILD_SA_UP)
    return [up for up in ups if up.remote is None or up.remote in remotes]


def _on_other_clock(children: Mapping[str, int], fitted: Fit) -> dict[str, int]:
    return {spi: fitted.to_other(at_ns) for spi, at_ns in children.items()}


def _common(capture: CaptureClock) -> dict[str, tuple[int, int]]:
    """When its ESP came, on the common clock."""
    shift_ns = capture.shift_ns
    return {
        spi: (first + shift_ns, last + shift_ns) for spi, (first, last) in capture.esp_ns.items()
    }
