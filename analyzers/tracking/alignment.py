"""Brings the clocks of two inputs together by what both of them saw.

Every pair of sightings with an identical fact proposes an offset; the offset on which most facts
agree is the clocks' (dpd-semantics 5.6: median, with the median deviation as its spread). Where
one input is a device's log, messages it sent and messages it received count alike, so that the way
between two ends cancels out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Final

import numpy as np

from analyzers.model.time import NS_PER_MS, NS_PER_SECOND
from analyzers.tracking.sightings import EVIDENCE, Key, KeyFamily, Sighting

# Facts that are as good as unique; of the others several must agree, and clearly.
_STRONG: Final = frozenset({KeyFamily.BYTES, KeyFamily.MESSAGE_ID, KeyFamily.SPIS})
_WEAK_LEAST: Final = 3
_RHYTHM_LEAST: Final = 5
_CLEARLY: Final = 1.3
# Repeats of one message propose all their combinations, up to so many on each side.
_MAX_REPEATS: Final = 12
_MAX_PROPOSALS: Final = 400_000
_MAX_RHYTHM: Final = 1000
# Clocks that agree to this, within the resolution of their stamps, agree.
_WINDOW_NS: Final = 300 * NS_PER_MS
_LEAST_TOLERANCE_NS: Final = 60 * NS_PER_MS
_DRIFT_PAIRS: Final = 8
_DRIFT_SPAN_NS: Final = 120 * NS_PER_SECOND
_MAX_DRIFT: Final = 1e-3


@dataclass(frozen=True, slots=True)
class Fit:
    """The clock of one input seen from another: own time = other time + offset + drift."""

    matched: int
    offset_ns: int
    spread_ns: int
    evidence: str
    drift: float = 0.0
    """Seconds of own clock gained per second."""
    drift_from_ns: int = 0
    """Own time at which the drift is nothing."""
    resolution_ns: int = 1

    def to_other(self, own_ns: int) -> int:
        """The other clock's time of an own time."""
        return own_ns - self.offset_ns - round(self.drift * (own_ns - self.drift_from_ns))

    @property
    def tolerance_ns(self) -> int:
        """How far apart two sightings of one message may be."""
        return max(_LEAST_TOLERANCE_NS, 4 * self.spread_ns, 2 * self.resolution_ns)


def fit(own: Sequence[Sighting], other: Sequence[Sighting], resolution_ns: int) -> Fit | None:
    """The offset of `own` against `other`; None where nothing identical tells it.

    `resolution_ns` is the coarser of the two inputs'.
    """
    for family in KeyFamily:
        proposals = _proposals(own, other, family)
        found = _agree(proposals, family, resolution_ns)
        if found is not None:
            return found
    return _rhythm(own, other, resolution_ns)


@dataclass(frozen=True, slots=True)
class _Proposal:
    difference_ns: int
    fact: int
    outward: int
    own_ns: int


def _proposals(
    own: Sequence[Sighting], other: Sequence[Sighting], family: KeyFamily
) -> list[_Proposal]:
    theirs = _by_key(other, family)
    proposals: list[_Proposal] = []
    for fact, (key, mine) in enumerate(_by_key(own, family).items()):
        for left in mine[:_MAX_REPEATS]:
            for right in theirs.get(key, ())[:_MAX_REPEATS]:
                if left.outward and left.outward == right.outward:
                    continue  # the other end saw it the other way round
                way = left.outward or -right.outward
                proposals.append(_Proposal(left.at_ns - right.at_ns, fact, way, left.at_ns))
        if len(proposals) > _MAX_PROPOSALS:
            break
    return proposals


def _by_key(sightings: Sequence[Sighting], family: KeyFamily) -> dict[Key, list[Sighting]]:
    found: dict[Key, list[Sighting]] = defaultdict(list)
    for sighting in sightings:
        for kind, key in sighting.keys:
            if kind is family:
                found[key].append(sighting)
    return found


def _agree(proposals: list[_Proposal], family: KeyFamily, resolution_ns: int) -> Fit | None:
    """The offset most facts agree on, if they do so clearly."""
    if not proposals:
        return None
    proposals.sort(key=lambda p: p.difference_ns)
    window_ns = max(_WINDOW_NS, 2 * resolution_ns)
    best, second = _densest(proposals, window_ns)
    chosen = [p for p in proposals if best[1] <= p.difference_ns <= best[1] + window_ns]
    count = best[0]
    if family in _STRONG:
        if count <= second:
            return None
    elif count < _WEAK_LEAST or count < _CLEARLY * second:
        return None
    return _fitted(chosen, count, EVIDENCE[family], resolution_ns)


def _densest(proposals: list[_Proposal], window_ns: int) -> tuple[tuple[int, int], int]:
    """The window with most facts, its start, and the most facts of any window apart from it."""
    facts: dict[int, int] = defaultdict(int)
    counts: list[tuple[int, int]] = []
    end = 0
    for start, first in enumerate(proposals):
        while end < len(proposals) and (
            proposals[end].difference_ns - first.difference_ns <= window_ns
        ):
            facts[proposals[end].fact] += 1
            end += 1
        counts.append((len(facts), first.difference_ns))
        facts[proposals[start].fact] -= 1
        if not facts[proposals[start].fact]:
            del facts[proposals[start].fact]
    # Of equal offsets the one that leaves the clocks as they are: they mostly are set.
    most = max(count for count, _ in counts)
    tied = [c for c in counts if c[0] == most]
    best = min(tied, key=lambda c: abs(c[1]))
    if abs(best[1]) <= window_ns:
        return best, 0
    apart = [n for n, at in counts if abs(at - best[1]) > 2 * window_ns]
    return best, max(apart, default=0)


def _fitted(chosen: list[_Proposal], count: int, evidence: str, resolution_ns: int) -> Fit:
    offset = _both_ways([(p.difference_ns, p.outward) for p in chosen])
    spread = round(median(abs(p.difference_ns - offset) for p in chosen))
    straight = Fit(count, offset, spread, evidence, resolution_ns=resolution_ns)
    drift = _drift(chosen)
    if drift is None:
        return straight
    origin = chosen[0].own_ns
    rest = [(p.difference_ns - round(drift * (p.own_ns - origin)), p.outward) for p in chosen]
    better = _both_ways(rest)
    left = round(median(abs(d - better) for d, _ in rest))
    if left * 2 > spread or spread < NS_PER_MS:
        return straight
    return Fit(count, better, left, evidence, drift, origin, resolution_ns)


def _both_ways(differences: list[tuple[int, int]]) -> int:
    """The offset, with what was sent and what was received weighing alike."""
    ways = [[d for d, outward in differences if outward == way] for way in (1, -1)]
    if all(ways):
        return round((median(ways[0]) + median(ways[1])) / 2)
    return round(median(d for d, _ in differences))


def _drift(chosen: list[_Proposal]) -> float | None:
    """Theil-Sen slope of the differences; None where too little is known."""
    points = sorted((p.own_ns, p.difference_ns) for p in chosen)
    if len(points) < _DRIFT_PAIRS or points[-1][0] - points[0][0] < _DRIFT_SPAN_NS:
        return None
    step = max(1, len(points) // 200)
    times = np.array([t for t, _ in points[::step]], np.float64)
    differences = np.array([d for _, d in points[::step]], np.float64)
    left, right = np.triu_indices(len(times), 1)
    apart = times[right] - times[left]
    keep = apart > 0
    if not keep.any():
        return None
    slope = float(np.median((differences[right] - differences[left])[keep] / apart[keep]))
    return slope if abs(slope) <= _MAX_DRIFT else None


def _rhythm(own: Sequence[Sighting], other: Sequence[Sighting], resolution_ns: int) -> Fit | None:
    """The offset at which the questions of a log fall on those of a capture.

    A steady rhythm fits at every period: only one with a pattern (retries, pauses) is unique.
    """
    mine = [s for s in own if s.informational and s.outward >= 0][:_MAX_RHYTHM]
    theirs = [s for s in other if s.informational][:_MAX_RHYTHM]
    if min(len(mine), len(theirs)) < _RHYTHM_LEAST:
        return None
    gaps = {round((b.at_ns - a.at_ns) / NS_PER_SECOND) for a, b in pairwise(mine)}
    if len(gaps) < 2:
        return None
    proposals = [
        _Proposal(a.at_ns - b.at_ns, number, a.outward, a.at_ns)
        for number, a in enumerate(mine)
        for b in theirs
    ]
    proposals.sort(key=lambda p: p.difference_ns)
    window_ns = max(100 * NS_PER_MS, 2 * resolution_ns)
    best, second = _densest(proposals, window_ns)
    if best[0] < _RHYTHM_LEAST or best[0] < _CLEARLY * second or best[0] * 2 < len(mine):
        return None
    chosen = [p for p in proposals if best[1] <= p.difference_ns <= best[1] + window_ns]
    return _fitted(chosen, best[0], "rhythm of questions", resolution_ns)


def pairs(
    own: Sequence[Sighting], other: Sequence[Sighting], fitted: Fit
) -> list[tuple[Sighting, Sighting]]:
    """Sightings of the same message, each used once, the closest in time first."""
    tolerance = fitted.tolerance_ns
    found: list[tuple[Sighting, Sighting]] = []
    taken_own: set[int] = set()
    taken_other: set[int] = set()
    for family in KeyFamily:
        theirs: dict[Key, list[tuple[int, Sighting]]] = defaultdict(list)
        for number, sighting in enumerate(other):
            for kind, key in sighting.keys:
                if kind is family:
                    theirs[key].append((number, sighting))
        candidates: list[tuple[int, int, int]] = []
        for number, mine in enumerate(own):
            if number in taken_own:
                continue
            at_ns = fitted.to_other(mine.at_ns)
            for kind, key in mine.keys:
                if kind is not family:
                    continue
                for place, sighting in theirs.get(key, ()):
                    apart = abs(sighting.at_ns - at_ns)
                    if apart <= tolerance and place not in taken_other and _same(mine, sighting):
                        candidates.append((apart, number, place))
        for _, number, place in sorted(candidates):
            if number in taken_own or place in taken_other:
                continue
            taken_own.add(number)
            taken_other.add(place)
            found.append((own[number], other[place]))
    return found


def _same(one: Sighting, two: Sighting) -> bool:
    """Whether directions do not contradict each other."""
    if one.outward and one.outward == two.outward:
        return False
    ends = (one.src, one.dst)
    return not (None not in ends and ends == (two.dst, two.src))
