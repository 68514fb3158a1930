"""The same message in two inputs whose clocks are one: each sighting is used once."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from analyzers.model.time import NS_PER_MS
from analyzers.tracking.alignment import Fit
from analyzers.tracking.sightings import (
    STRONG,
    Key,
    KeyFamily,
    Relation,
    Sighting,
    may_be_one,
)

_EVER: Final = 1 << 62
# A machine under load writes its log so long before what it sends is on the wire.
_DELAYED_NS: Final = 300 * NS_PER_MS
# Facts that name a message; the others say what kind of message it is.
_NAMING: Final = STRONG | {KeyFamily.SEQUENCE, KeyFamily.ADDRESSES}


def pairs(
    own: Sequence[Sighting],
    other: Sequence[Sighting],
    fitted: Fit,
    relation: Relation = Relation.ENDS,
) -> list[tuple[Sighting, Sighting]]:
    """Sightings of the same message, each used once, the closest in time first.

    Where unique facts told the clocks, one that each input has once is of one message, however far
    apart its stamps are: clocks are set in the middle of logs. A message may be later than the
    clocks make it, as long as it is not nearly as late as the next one that is named alike.
    """
    found: list[tuple[Sighting, Sighting]] = []
    taken_own: set[int] = set()
    taken_other: set[int] = set()
    for family in KeyFamily:
        for _, number, place in sorted(_candidates(own, other, family, fitted, relation)):
            if number in taken_own or place in taken_other:
                continue
            taken_own.add(number)
            taken_other.add(place)
            found.append((own[number], other[place]))
    return found


def _candidates(
    own: Sequence[Sighting],
    other: Sequence[Sighting],
    family: KeyFamily,
    fitted: Fit,
    relation: Relation,
) -> Iterator[tuple[int, int, int]]:
    """What may be one message: how far apart in time, and the places in both inputs."""
    mine, theirs = _places(own, family), _places(other, family)
    for key, numbers in mine.items():
        places = theirs.get(key)
        if places is None:
            continue
        if fitted.strong and family in STRONG and len(numbers) == len(places) == 1:
            tolerance = _EVER
        elif family in _NAMING:
            delayed_ns = min(_DELAYED_NS, _least_gap_ns(numbers) // 2, _least_gap_ns(places) // 2)
            tolerance = max(fitted.tolerance_ns, delayed_ns)
        else:
            tolerance = fitted.tolerance_ns
        times = [at_ns for at_ns, _ in places]
        for at_ns, number in numbers:
            there_ns = fitted.to_other(at_ns)
            start = bisect_left(times, there_ns - tolerance)
            for other_ns, place in places[start:]:
                if other_ns > there_ns + tolerance:
                    break
                if may_be_one(own[number], other[place], relation, family):
                    yield abs(other_ns - there_ns), number, place


def _least_gap_ns(places: Sequence[tuple[int, int]]) -> int:
    """How near to each other two of them are."""
    return min((two - one for (one, _), (two, _) in pairwise(places)), default=_EVER)


def _places(sightings: Sequence[Sighting], family: KeyFamily) -> dict[Key, list[tuple[int, int]]]:
    """Time and number of the sightings with each fact, in the order of time."""
    found: dict[Key, list[tuple[int, int]]] = defaultdict(list)
    for number, sighting in enumerate(sightings):
        for kind, key in sighting.keys:
            if kind is family:
                found[key].append((sighting.at_ns, number))
    for places in found.values():
        places.sort()
    return found
