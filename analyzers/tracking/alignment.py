"""Brings the clocks of two inputs together by what both of them saw.

Every pair of sightings with an identical fact proposes an offset; the offset for which most
sightings find theirs is the clocks' (dpd-semantics 5.6: median, with the median deviation as its
spread). Where one input is a device's log, messages it sent and messages it received count alike,
so that the way between two ends cancels out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import median
from typing import Final, NamedTuple

import numpy as np
from msgspec import Struct

from analyzers.model.time import NS_PER_MS, NS_PER_SECOND
from analyzers.tracking import drift
from analyzers.tracking.sightings import (
    EVIDENCE,
    STRONG,
    Key,
    KeyFamily,
    Relation,
    Sighting,
    may_be_one,
    way_of,
)

# Facts that are not unique must agree several times, and clearly.
_WEAK_LEAST: Final = 3
_RHYTHM_LEAST: Final = 5
_CLEARLY: Final = 1.3
# Repeats of one message propose all their combinations, up to so many on each side.
_MAX_REPEATS: Final = 12
_MAX_PROPOSALS: Final = 400_000
_MAX_RHYTHM: Final = 500
# Clocks that agree to this, within the resolution of their stamps, agree.
_WINDOW_NS: Final = 300 * NS_PER_MS
_RHYTHM_WINDOW_NS: Final = 100 * NS_PER_MS
_LEAST_TOLERANCE_NS: Final = 60 * NS_PER_MS
_DRIFT_PAIRS: Final = 8
_SEEDS: Final = 3
# Timers run in whole seconds. A gap that does not is one of chance, and does not come again.
_PAUSE_NS: Final = 100 * NS_PER_MS
_BY_CHANCE_NS: Final = 50 * NS_PER_MS
EXACTLY_NS: Final = 20 * NS_PER_MS
"""Stamps that are known to this tell what came by chance from what came by a timer."""
_CHANCES: Final = 2


class Fit(Struct, frozen=True):
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
    strong: bool = False
    """Told by facts that are unique."""
    both_ways: bool = False
    """Messages of both directions tell it: the way between the two places cancels out."""
    unsure: bool = False
    """Any other session of the tunnel would fit as well, by its timers."""

    def to_other(self, own_ns: int) -> int:
        """The other clock's time of an own time."""
        return own_ns - self.offset_ns - round(self.drift * (own_ns - self.drift_from_ns))

    @property
    def tolerance_ns(self) -> int:
        """How far apart two sightings of one message may be."""
        return max(_LEAST_TOLERANCE_NS, 4 * self.spread_ns, 2 * self.resolution_ns)


RHYTHM: Final = "rhythm of questions"
"""Evidence that is no message: questions that are as far apart."""


def fit(
    own: Sequence[Sighting],
    other: Sequence[Sighting],
    resolution_ns: int,
    *,
    relation: Relation = Relation.ENDS,
    believable_ns: int | None = None,
) -> Fit | None:
    """The offset of `own` against `other`; None where nothing identical tells it.

    `resolution_ns` is the coarser of the two inputs'. `believable_ns`: how far the clocks can be
    apart, by what is known of them; an offset beyond it takes facts that are unique, or a pattern
    that chance made.
    """
    window_ns = max(_WINDOW_NS, 2 * resolution_ns)
    for family in EVIDENCE:
        found = _agree(_proposals(own, other, family, relation), family, window_ns)
        if found is None:
            continue
        fitted = _fitted(found, EVIDENCE[family], resolution_ns, strong=family in STRONG)
        if fitted.strong or _is_believable(fitted, found, believable_ns):
            return fitted
    found = _rhythm(own, other, relation, resolution_ns)
    if found is None:
        return None
    fitted = _fitted(found, RHYTHM, resolution_ns, strong=False)
    return fitted if _is_believable(fitted, found, believable_ns) else None


def least_off(own: Sequence[Sighting], other: Sequence[Sighting], resolution_ns: int) -> int | None:
    """How far the clocks are apart at least, where several offsets fit alike; None: perhaps one.

    Facts that come again on every SA tell no offset. Yet where none of them is where the other
    input has it, though that shows the time, the clocks are not one.
    """
    if not other:
        return None
    first_ns, last_ns = min(s.at_ns for s in other), max(s.at_ns for s in other)
    within = [s for s in own if first_ns <= s.at_ns <= last_ns]
    window_ns = max(_WINDOW_NS, 2 * resolution_ns)
    proposals = _proposals(within, other, KeyFamily.ADDRESSES, Relation.ENDS)
    if not proposals or any(abs(p.difference_ns) <= window_ns for p in proposals):
        return None
    windows = _windows(proposals, 0.0, min(p.own_ns for p in proposals), window_ns)
    most = max(count for count, _ in windows)
    alike = [start_ns for count, start_ns in windows if count == most]
    for start_ns in alike:
        if len({p.fact for p in _within(proposals, start_ns, window_ns, 0.0, 0)}) < _WEAK_LEAST:
            return None
    return min(abs(start_ns) for start_ns in alike)


class _Proposal(NamedTuple):
    difference_ns: int
    sighting: int
    """Number of the own sighting: repeats of one message are several."""
    fact: int
    way: int
    """As `way_of` has it."""
    own_ns: int


class _Found(NamedTuple):
    matched: int
    chosen: list[_Proposal]


def _proposals(
    own: Sequence[Sighting], other: Sequence[Sighting], family: KeyFamily, relation: Relation
) -> list[_Proposal]:
    theirs = by_key(other, family)
    proposals: list[_Proposal] = []
    number = 0
    for fact, (key, mine) in enumerate(by_key(own, family).items()):
        for left in mine[:_MAX_REPEATS]:
            number += 1
            for right in theirs.get(key, ())[:_MAX_REPEATS]:
                if may_be_one(left, right, relation, family):
                    way, apart_ns = way_of(left, right), left.at_ns - right.at_ns
                    proposals.append(_Proposal(apart_ns, number, fact, way, left.at_ns))
        if len(proposals) > _MAX_PROPOSALS:
            break
    return proposals


def by_key(sightings: Sequence[Sighting], family: KeyFamily) -> dict[Key, list[Sighting]]:
    """Sightings by their facts of a family, in their order."""
    found: dict[Key, list[Sighting]] = defaultdict(list)
    for sighting in sightings:
        for kind, key in sighting.keys:
            if kind is family:
                found[key].append(sighting)
    return found


def _agree(proposals: list[_Proposal], family: KeyFamily, window_ns: int) -> _Found | None:
    """The proposals of the offset on which most sightings agree, if they do so clearly."""
    if not proposals:
        return None
    best, second, slope, origin_ns = _best_line(proposals, window_ns)
    count = best[0]
    chosen = _within(proposals, best[1], window_ns, slope, origin_ns)
    if family in STRONG:
        if count <= second:
            return None
    elif len({p.fact for p in chosen}) < _WEAK_LEAST or count < _CLEARLY * second:
        return None
    return _Found(count, chosen)


def _within(
    proposals: list[_Proposal], start_ns: int, window_ns: int, slope: float, origin_ns: int
) -> list[_Proposal]:
    return [
        p
        for p in proposals
        if 0 <= p.difference_ns - round(slope * (p.own_ns - origin_ns)) - start_ns <= window_ns
    ]


def _best_line(
    proposals: list[_Proposal], window_ns: int
) -> tuple[tuple[int, int], int, float, int]:
    """The fullest window, how full any other is, and the drift that both are for."""
    origin_ns = min(p.own_ns for p in proposals)
    windows = _windows(proposals, 0.0, origin_ns, window_ns)
    best, second = _densest(windows, window_ns)
    chosen = (best, second, 0.0, origin_ns)
    sightings = len({p.sighting for p in proposals})
    if sightings <= best[0] or max(p.own_ns for p in proposals) - origin_ns < drift.LEAST_SPAN_NS:
        return chosen
    for slope in _slopes(proposals, windows, window_ns, origin_ns):
        best, second = _densest(_windows(proposals, slope, origin_ns, window_ns), window_ns)
        if best[0] > chosen[0][0]:
            chosen = (best, second, slope, origin_ns)
    return chosen


def _slopes(
    proposals: list[_Proposal], windows: list[tuple[int, int]], window_ns: int, origin_ns: int
) -> list[float]:
    """The drifts that the best windows are parts of."""
    base_ns = proposals[0].difference_ns
    times = np.array([p.own_ns - origin_ns for p in proposals], np.float64)
    differences = np.array([p.difference_ns - base_ns for p in proposals], np.float64)
    numbers = np.array([p.sighting for p in proposals], np.int64)
    found: list[float] = []
    left = sorted(windows, key=lambda w: (-w[0], abs(w[1])))
    for _ in range(_SEEDS):
        if not left:
            break
        start_ns = left[0][1]
        seed = (differences >= start_ns - base_ns) & (differences <= start_ns - base_ns + window_ns)
        slope = drift.followed(times, differences, numbers, seed, float(window_ns))
        if slope is not None:
            found.append(slope)
        left = [w for w in left if abs(w[1] - start_ns) > 2 * window_ns]
    return found


def _windows(
    proposals: list[_Proposal], slope: float, origin_ns: int, window_ns: int
) -> list[tuple[int, int]]:
    """For every proposal how many sightings the window that starts with it has, and its start."""
    level = sorted(
        (p.difference_ns - round(slope * (p.own_ns - origin_ns)), p.sighting) for p in proposals
    )
    inside: dict[int, int] = defaultdict(int)
    counts: list[tuple[int, int]] = []
    end = 0
    for first_ns, sighting in level:
        while end < len(level) and level[end][0] - first_ns <= window_ns:
            inside[level[end][1]] += 1
            end += 1
        counts.append((len(inside), first_ns))
        inside[sighting] -= 1
        if not inside[sighting]:
            del inside[sighting]
    return counts


def _densest(counts: list[tuple[int, int]], window_ns: int) -> tuple[tuple[int, int], int]:
    """The fullest window, and how full any window apart from it is."""
    most = max(count for count, _ in counts)
    # Of equal offsets the one that leaves the clocks as they are: they mostly are set.
    tied = [c for c in counts if c[0] == most]
    best = min(tied, key=lambda c: abs(c[1]))
    others = [abs(at) for _, at in tied if abs(at - best[1]) > 2 * window_ns]
    if abs(best[1]) <= window_ns or 4 * abs(best[1]) < min(others, default=0):
        return best, 0
    apart = [n for n, at in counts if abs(at - best[1]) > 2 * window_ns]
    return best, max(apart, default=0)


# --- from proposals to a fit -----------------------------------------------------------------


def _fitted(found: _Found, evidence: str, resolution_ns: int, *, strong: bool) -> Fit:
    count, chosen = found
    # Differences of years have no exact floats; what is left of them after the first has.
    base = chosen[0].difference_ns
    apart = [(p.difference_ns - base, p.way) for p in chosen]
    offset = _both_ways(apart)
    spread = round(median(abs(d - offset) for d, _ in apart))
    both = len({p.way for p in chosen}) == 2
    straight = Fit(count, base + offset, spread, evidence, 0.0, 0, resolution_ns, strong, both)
    slope, origin = _drift(chosen), chosen[0].own_ns
    if slope is None or spread < NS_PER_MS:
        return straight
    level = [
        (d - round(slope * (p.own_ns - origin)), way)
        for (d, way), p in zip(apart, chosen, strict=True)
    ]
    better = _both_ways(level)
    left = round(median(abs(d - better) for d, _ in level))
    if left * 2 > spread:
        return straight
    return Fit(count, base + better, left, evidence, slope, origin, resolution_ns, strong, both)


def _both_ways(differences: list[tuple[int, int]]) -> int:
    """The offset, with what was sent and what was received weighing alike."""
    ways = [[d for d, way in differences if way == wanted] for wanted in (1, -1)]
    if all(ways):
        return round((median(ways[0]) + median(ways[1])) / 2)
    return round(median(d for d, _ in differences))


def _drift(chosen: list[_Proposal]) -> float | None:
    """The slope of the differences; None where too little is known."""
    first, last = min(p.own_ns for p in chosen), max(p.own_ns for p in chosen)
    if len(chosen) < _DRIFT_PAIRS or last - first < drift.LEAST_SPAN_NS:
        return None
    base = chosen[0].difference_ns
    return drift.theil_sen(
        np.array([p.own_ns - first for p in chosen], np.float64),
        np.array([p.difference_ns - base for p in chosen], np.float64),
    )


def _is_believable(fitted: Fit, found: _Found, believable_ns: int | None) -> bool:
    """Whether an offset may be that of the clocks, though its facts are none that are unique."""
    if believable_ns is None or abs(fitted.offset_ns) <= believable_ns:
        return True
    if max(fitted.spread_ns, fitted.resolution_ns) > EXACTLY_NS:
        return False
    return came_by_chance((p.own_ns, p.fact) for p in found.chosen)


def came_by_chance(seen: Iterable[tuple[int, object]]) -> bool:
    """Whether messages, each with its time and what it is, did not come by timers alone.

    A tunnel does the same every day by its timers; what came by chance was on one day only.
    """
    times = sorted(set(seen), key=lambda each: each[0])
    # A message that is sent again is sent by a timer.
    gaps = [b[0] - a[0] for a, b in pairwise(times) if a[1] != b[1] and b[0] - a[0] >= _PAUSE_NS]
    chances = sum(
        abs(gap - round(gap / NS_PER_SECOND) * NS_PER_SECOND) > _BY_CHANCE_NS for gap in gaps
    )
    return chances >= _CHANCES


# --- rhythm ----------------------------------------------------------------------------------


def _rhythm(
    own: Sequence[Sighting], other: Sequence[Sighting], relation: Relation, resolution_ns: int
) -> _Found | None:
    """The offset at which the questions of a log fall on those of a capture.

    A steady rhythm fits at every period: only one with a pattern (retries, pauses) is unique.
    """
    mine = [s for s in own if s.informational and s.outward >= 0][:_MAX_RHYTHM]
    theirs = [s for s in other if s.informational][:_MAX_RHYTHM]
    if min(len(mine), len(theirs)) < _RHYTHM_LEAST:
        return None
    if len(_gaps_s(mine)) < 2:
        return None
    proposals = [
        _Proposal(a.at_ns - b.at_ns, number, number, a.outward, a.at_ns)
        for number, a in enumerate(mine)
        for b in theirs
        if may_be_one(a, b, relation, None)
    ]
    if not proposals:
        return None
    window_ns = max(_RHYTHM_WINDOW_NS, 2 * resolution_ns)
    best, second = _densest(_windows(proposals, 0.0, 0, window_ns), window_ns)
    if best[0] < _RHYTHM_LEAST or best[0] < _CLEARLY * second or best[0] * 2 < len(mine):
        return None
    return _Found(best[0], _within(proposals, best[1], window_ns, 0.0, 0))


def steady_s(own: Sequence[Sighting], other: Sequence[Sighting]) -> int | None:
    """The seconds between all questions of a log, where another input has questions so far apart.

    Then they fit at every period, and tell no offset; None: they tell one, or fit nowhere.
    """
    asked = [s for s in own if s.informational and s.outward >= 0]
    gaps = _gaps_s(asked[:_MAX_RHYTHM])
    if len(gaps) != 1 or not gaps <= _gaps_s([s for s in other if _may_be_asked(s, asked)]):
        return None
    return next(iter(gaps)) or None


def _may_be_asked(sighting: Sighting, asked: Sequence[Sighting]) -> bool:
    return sighting.informational and may_be_one(asked[0], sighting, Relation.ENDS, None)


def _gaps_s(sightings: Sequence[Sighting]) -> set[int]:
    """The times between one and the next, in whole seconds."""
    return {round((b.at_ns - a.at_ns) / NS_PER_SECOND) for a, b in pairwise(sightings)}
