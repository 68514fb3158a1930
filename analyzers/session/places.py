"""Where captures were taken, by the messages that two of them show.

What goes one way is later at the place that is nearer to the receiver, and what comes back is later
at the other one: half of the difference is the way between them, whatever their clocks say.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations
from statistics import median_low
from typing import Final

from msgspec import Struct

from analyzers.session.joined import CaptureClock, Ends
from analyzers.tracking.sightings import Sighting

Found = Sequence[tuple[Sighting, Sighting]]
"""Sightings of the same messages in two captures."""

# Captures of one place differ by what their formats round away.
ROUNDING_NS: Final = 2_000


class Between(Struct, frozen=True):
    """Two captures that show messages between the same ends."""

    one: Ends
    """As the one capture names them …"""
    two: Ends
    """… and the other one, which a NAT may make another name."""
    longest_ns: int
    """How far apart their times are at most."""
    towards_ns: int | None
    """How long the way from the first to the second place is, as `one` goes; negative: against it.
    None where not both directions were seen at both."""
    begun: Ends
    """As `one`, of the first of these messages."""

    @property
    def one_place(self) -> bool:
        """Whether no way is between them, as far as their times tell."""
        return self.longest_ns <= ROUNDING_NS

    @property
    def two_places(self) -> bool:
        """Whether one of them is known to be nearer to one end."""
        return self.towards_ns is not None and abs(self.towards_ns) > ROUNDING_NS


def between(found: Found) -> list[Between]:
    """What messages in two captures tell, of each two ends."""
    ways: dict[tuple[Ends, Ends], list[tuple[int, int]]] = defaultdict(list)
    for one, two in found:
        ends = (one.src or "", one.dst or ""), (two.src or "", two.dst or "")
        ways[ends].append((min(one.at_ns, two.at_ns), two.at_ns - one.at_ns))
    told = []
    for mine, theirs in ways:
        there = ways[mine, theirs]
        back = ways.get((mine[::-1], theirs[::-1]), [])
        if back and (mine, theirs) > (mine[::-1], theirs[::-1]):
            continue
        longest_ns = max(abs(apart) for _, apart in (*there, *back))
        towards_ns = (_middle(there) - _middle(back)) // 2 if back else None
        begun = mine if not back or min(there) <= min(back) else mine[::-1]
        told.append(Between(mine, theirs, longest_ns, towards_ns, begun))
    return told


def ranked(
    captures: Sequence[CaptureClock], found: Mapping[tuple[int, int], Found]
) -> list[CaptureClock]:
    """The captures, first those that are near who asks: there a question takes its whole time.

    In whatever order they were named. `found` is by the numbers of two captures.
    """
    near: Counter[int] = Counter()
    asked = {
        c.number: Counter((s.src or "", s.dst or "") for s in c.sightings if s.informational)
        for c in captures
    }
    for one, two in combinations(captures, 2):
        for way in between(found[one.number, two.number]):
            if way.towards_ns is None or not way.two_places:
                continue
            mine, theirs = asked[one.number], asked[two.number]
            there = mine[way.one] + theirs[way.two]
            back = mine[way.one[::-1]] + theirs[way.two[::-1]]
            by_first = there > back or (there == back and way.begun == way.one)
            near[one.number if by_first is (way.towards_ns > 0) else two.number] += 1

    def rank(capture: CaptureClock) -> tuple[int, int, int, int]:
        first_ns = capture.first_ns + capture.shift_ns
        return -near[capture.number], first_ns, -len(capture.sightings), capture.number

    return sorted(captures, key=rank)


def _middle(times: Sequence[tuple[int, int]]) -> int:
    return median_low(apart for _, apart in times)
