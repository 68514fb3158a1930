"""Whether two inputs show the same IKE SAs, where no fact that they share is unique.

Every IKEv2 SA begins with the same message IDs in the same order, and the timers of a tunnel are
those of the day before: the log of another session of it has the first messages in common, at some
offset. The same session has all of them in common, and the same times between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from statistics import median
from typing import Final

from analyzers.model.time import NS_PER_MS, NS_PER_SECOND
from analyzers.tracking.alignment import EXACTLY_NS, Fit, came_by_chance
from analyzers.tracking.sightings import (
    EVIDENCE,
    Key,
    KeyFamily,
    Relation,
    Sighting,
    way_of,
)

Pairs = Sequence[tuple[Sighting, Sighting]]
Span = tuple[int, int]
"""First and last time, ns."""
_Ends = tuple[str | None, str | None]
_Fact = tuple[int, Key]
"""The way of a message, and what it is."""

_COUNTED: Final = (EVIDENCE[KeyFamily.ADDRESSES], EVIDENCE[KeyFamily.COUNTER])
_NAMING: Final = (KeyFamily.ADDRESSES, KeyFamily.COUNTER)
# Clocks that differ by less are set alike: they need no proof.
_ALIKE_NS: Final = NS_PER_SECOND
# One way takes the same time whenever it is gone, to this.
_IN_STEP_NS: Final = 30 * NS_PER_MS
_LEAST: Final = 2
_CLEARLY: Final = 4


def needs_proof(own: Sequence[Sighting], shown_ns: Span, fitted: Fit) -> bool:
    """Whether facts that other sessions have too put a clock where it may not belong.

    As it stands, it has all messages at times that the other input does not show: they can be
    those of another session. If it has them where the other input has none of them, it is wrong.
    `shown_ns`: what the other input shows.
    """
    alike_ns = max(_ALIKE_NS, fitted.tolerance_ns)
    if fitted.strong or abs(fitted.offset_ns) <= alike_ns:
        return False
    return not any(shown_ns[0] <= s.at_ns <= shown_ns[1] for s in own)


def have_all_in_common(
    own: Sequence[Sighting],
    other: Sequence[Sighting],
    found: Pairs,
    fitted: Fit,
    relation: Relation,
    shown_ns: Span,
) -> bool:
    """Whether the messages after the handshake are in step, and hardly one is in one input only.

    `found`: the sightings of one message each, by the fit; `shown_ns`: what the other input shows.
    """
    if fitted.evidence not in _COUNTED:
        return True
    agree, missing = _in_step(found, fitted)
    known = {id(sighting) for pair in found for sighting in pair}
    missing |= set(_not_there(own, found, known, fitted, shown_ns))
    if relation is Relation.ENDS:
        missing |= set(_not_here(own, other, found, known, fitted))
    missing -= agree
    return len(agree) >= _LEAST and len(agree) >= _CLEARLY * len(missing)


def is_even(found: Pairs, fitted: Fit) -> bool:
    """Whether message IDs and timers alone tell the clock, which every session has alike."""
    if fitted.evidence not in _COUNTED:
        return False
    exactly = max(fitted.spread_ns, fitted.resolution_ns) <= EXACTLY_NS
    return not (exactly and came_by_chance((one.at_ns, one.keys) for one, _ in found))


def _in_step(found: Pairs, fitted: Fit) -> tuple[set[_Fact], set[_Fact]]:
    """Messages after the handshake that are as far apart here as there, and those that are not."""
    ways: dict[int, list[tuple[int, Key | None]]] = {1: [], -1: []}
    for one, two in found:
        apart_ns = fitted.to_other(one.at_ns) - two.at_ns
        ways[way_of(one, two)].append((apart_ns, _counted(one)))
    within_ns = max(_IN_STEP_NS, 2 * fitted.resolution_ns)
    agree: set[_Fact] = set()
    astray: set[_Fact] = set()
    for way, differences in ways.items():
        middle = median(d for d, _ in differences) if differences else 0
        for apart_ns, key in differences:
            if key is not None:
                (agree if abs(apart_ns - middle) <= within_ns else astray).add((way, key))
    return agree, astray


def _not_there(
    own: Sequence[Sighting], found: Pairs, known: set[int], fitted: Fit, shown_ns: Span
) -> Iterator[_Fact]:
    """What the device of a log received in the time that the other input shows, and that has not.

    Of messages that another log tells of at all.
    """
    told = {_shape(two) for _, two in found}
    ends, there = _ends(one for one, _ in found), _ends(two for _, two in found)
    is_log = any(two.outward for _, two in found)
    for sighting in own:
        key = _named(sighting, there)
        if sighting.outward >= 0 or key is None or id(sighting) in known:
            continue
        if (sighting.src, sighting.dst) not in ends or (is_log and _shape(sighting) not in told):
            continue
        if shown_ns[0] <= fitted.to_other(sighting.at_ns) <= shown_ns[1]:
            yield -1, key


def _not_here(
    own: Sequence[Sighting], other: Sequence[Sighting], found: Pairs, known: set[int], fitted: Fit
) -> Iterator[_Fact]:
    """What the device of a log sent by the other input, in the time of the log, which has not."""
    first_ns, last_ns = span_of([fitted.to_other(s.at_ns) for s in own])
    told = {_shape(one) for one in own if one.outward > 0}
    ends = _ends(two for one, two in found if one.outward > 0)
    here = _ends(one for one, _ in found)
    for sighting in other:
        key = _named(sighting, here)
        if sighting.outward > 0 or key is None or id(sighting) in known:
            continue
        if (sighting.src, sighting.dst) not in ends or _shape(sighting) not in told:
            continue
        if first_ns <= sighting.at_ns <= last_ns:
            yield 1, key


def _counted(sighting: Sighting) -> Key | None:
    """What a message of IKEv2 after the handshake is known by."""
    return next((key for kind, key in sighting.keys if kind is KeyFamily.COUNTER), None)


def _named(sighting: Sighting, ends: Set[_Ends]) -> Key | None:
    """What it is known by, of the handshake too where the other input has the same addresses."""
    if (sighting.src, sighting.dst) not in ends:
        return _counted(sighting)
    # Addresses, if any, then the exchange, the message ID, and whether it is an answer.
    return next((key[-3:] for kind, key in sighting.keys if kind in _NAMING), None)


def _shape(sighting: Sighting) -> tuple[object, ...]:
    """Its exchange, and whether it is an answer."""
    named = next((key for kind, key in sighting.keys if kind in _NAMING), None)
    return () if named is None else (named[-3], named[-1])


def _ends(sightings: Iterable[Sighting]) -> set[_Ends]:
    return {(s.src, s.dst) for s in sightings}


def span_of(times: Sequence[int]) -> Span:
    """The first and the last of some times; there is one."""
    return min(times), max(times)
