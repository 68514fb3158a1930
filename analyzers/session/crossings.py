"""Two captures at two places of one way: what one has, and the other lacks, was lost between them.

Only where both are known to see what they should: each has everything that the end next to it
sent. A capture that dropped packets tells nothing of the network's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from analyzers.model.records import Ref
from analyzers.model.time import NS_PER_MS, NS_PER_SECOND
from analyzers.session.joined import CaptureClock, Ends, Joined
from analyzers.session.places import Between, Found
from analyzers.tracking.passed import FlowKey, Passed
from analyzers.tracking.sightings import Key, KeyFamily, Sighting
from analyzers.tracking.witnesses import Watched

# Packets at the edge of the first capture reach the second one this much after their way.
_EDGE_NS: Final = 50 * NS_PER_MS
_LONGEST_EDGE_NS: Final = NS_PER_SECOND
_TOGETHER_NS: Final = 2 * NS_PER_SECOND


def edge_ns(way: Between) -> int:
    """At the begin and the end of a capture, when the other one may be that much off."""
    return min(_LONGEST_EDGE_NS, way.longest_ns + _EDGE_NS)


def is_deaf(capture: CaptureClock, ends: Ends) -> bool:
    """Whether at its end nothing had come that way any more, while the other way went on."""
    heard = [capture.heard.get(both, 0) for both in (ends, ends[::-1])]
    return heard[0] + _TOGETHER_NS < heard[1]


class Crossings:
    """Collects what was lost between places."""

    def __init__(self, joined: Joined, copies: Mapping[Ref, Ref]) -> None:
        """`copies`: what captures recorded twice, with the place of the first."""
        self._joined = joined
        self._copies = copies
        self._legs: list[_Leg] = []
        self._farther: Counter[tuple[Ends, int]] = Counter()
        """How many captures are before one, by the direction and the number of that one."""
        self._arrivals: dict[tuple[FlowKey, int], Passed] = {}

    def take(self, capture: CaptureClock, first: CaptureClock, way: Between, found: Found) -> bool:
        """Hold what two captures have of two ends against each other.

        False where that tells nothing: they are at one place, or name the ends differently, or
        one of them misses what it should have.
        """
        if not way.two_places or way.one != way.two or capture.incomplete or first.incomplete:
            return False
        there = (capture, first) if (way.towards_ns or 0) > 0 else (first, capture)
        both = {s.ref for pair in found for s in pair}
        both |= {copy for copy, original in self._copies.items() if original in both}
        legs = [_Leg(way.one, *there, way, both), _Leg(way.one[::-1], *there[::-1], way, both)]
        if any(leg.drops() for leg in legs):
            return False
        around_ns = edge_ns(way)
        told = self._joined.passed.setdefault(capture.number, {})
        for flow, numbers in first.numbers.items():
            if flow[:2] in (way.one, way.one[::-1]):
                shown = Passed(*_span(first, -around_ns), numbers)
                told.setdefault(flow, []).append(shown)
        for leg in legs:
            self._cross(leg)
        return True

    def _cross(self, leg: _Leg) -> None:
        """What the capture near the receiver says of what the one near the sender has."""
        far = leg.far
        self._legs.append(leg)
        self._farther[leg.ends, far.number] += 1
        first_ns, last_ns = leg.covered
        self._joined.watched.append(Watched(*leg.ends, first_ns, last_ns))
        for flow, numbers in far.numbers.items():
            if flow[:2] == leg.ends and flow in leg.near.numbers:
                known = Passed(first_ns, last_ns, numbers, is_deaf(far, leg.ends))
                self._arrivals[flow, far.number] = known

    def tell(self, told: Mapping[Ref, Ref]) -> None:
        """Pass it on, by the places where messages are told, which are the values of `told`."""
        came: dict[Ref, bool] = {}
        for leg in sorted(self._legs, key=lambda leg: self._farther[leg.ends, leg.far.number]):
            # Of several places the last one on the way tells, as far as it covers the time.
            came |= {told.get(ref, ref): True for ref in leg.came()}
            came |= {told.get(ref, ref): False for ref in leg.lost()}
        witnesses = self._joined.witnesses
        witnesses.came |= {ref for ref, has in came.items() if has}
        witnesses.lost |= {ref for ref, has in came.items() if not has}
        order = sorted(self._arrivals, key=lambda key: self._farther[key[0][:2], key[1]])
        self._joined.arrivals |= {flow: self._arrivals[flow, number] for flow, number in order}


class _Leg:
    """One direction between two places."""

    def __init__(
        self, ends: Ends, near: CaptureClock, far: CaptureClock, way: Between, both: set[Ref]
    ) -> None:
        """`near`: the capture next to the sender; `both`: messages that both of them have."""
        self.ends, self.near, self.far = ends, near, far
        self._both = both
        self._edge_ns = edge_ns(way)
        self.covered = _span(far, self._edge_ns)
        """When the far capture would show what the near one does."""

    def drops(self) -> bool:
        """Whether one of them lacks what must have come by: the near one what came by the far one,
        the far one what was answered there."""
        if self._came_unseen():
            return True
        first_ns, last_ns = _span(self.near, self._edge_ns)
        unseen = (at_ns for at_ns, _ in self._only_in(self.far))
        if any(first_ns <= at_ns <= last_ns for at_ns in unseen):
            return True
        return any(
            numbers.lack(self.far.numbers[flow])
            for flow, numbers in self.near.numbers.items()
            if flow[:2] == self.ends and flow in self.far.numbers
        )

    def came(self) -> set[Ref]:
        """The places of messages that came by the far capture, in both."""
        return self._both & {
            s.ref
            for capture in (self.near, self.far)
            for s in capture.sightings
            if (s.src, s.dst) == self.ends
        }

    def lost(self) -> set[Ref]:
        """The places of those that did not, in the near one."""
        first_ns, last_ns = self.covered
        deaf = is_deaf(self.far, self.ends)
        return {
            ref
            for at_ns, ref in self._only_in(self.near)
            if first_ns <= at_ns and (at_ns <= last_ns or deaf)
        }

    def _came_unseen(self) -> bool:
        """Whether a request seems to be lost, and the far capture has the answer to it."""
        lost, back = self.lost(), self.ends[::-1]
        asked = [s for s in self.near.sightings if (s.src, s.dst) == self.ends]
        answered = {
            m for s in self.far.sightings if (s.src, s.dst) == back for m in _ids(s, answer=True)
        }
        came = {m for s in asked if s.ref in self._both for m in _ids(s, answer=False)}
        unseen = {m for s in asked if s.ref in lost for m in _ids(s, answer=False)}
        return bool((unseen & answered) - came)

    def _only_in(self, capture: CaptureClock) -> Iterator[tuple[int, Ref]]:
        for s in capture.sightings:
            if (s.src, s.dst) == self.ends and s.ref not in self._both:
                yield s.at_ns, s.ref


def _ids(sighting: Sighting, *, answer: bool) -> Iterator[Key]:
    """What names the exchange of an IKEv2 message: initiator SPI, exchange type, message ID."""
    return (k[:3] for family, k in sighting.keys if family is KeyFamily.SPIS and k[3] is answer)


def _span(capture: CaptureClock, edge: int) -> tuple[int, int]:
    """The time of a capture on the common clock, without its edges."""
    first_ns, last_ns = capture.first_ns + capture.shift_ns, capture.last_ns + capture.shift_ns
    return first_ns + edge, last_ns - edge
