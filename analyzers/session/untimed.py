"""Times from the order of lines: of logs without stamps, and between messages that others saw.

A line is no earlier than the message before it and no later than the one after it. Where both of
these are on the wire, their times bound it better than a stamp of whole seconds does.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from msgspec.structs import replace

from analyzers.dialects.stamps import StampKind
from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.time import NS_PER_SECOND
from analyzers.session.texts import LogSource
from analyzers.tracking.sightings import (
    Key,
    KeyFamily,
    Relation,
    Sighting,
    may_be_one,
    of_event,
)

# Lines may overtake each other by less; a clock is set back by no more than this.
_JITTER_NS: Final = 2 * NS_PER_SECOND
_SET_BACK_NS: Final = 2 * 3600 * NS_PER_SECOND
# Only facts that name a message: in a log without times nothing else tells two of them apart.
_NAMING: Final = (KeyFamily.MESSAGE_ID, KeyFamily.SPIS, KeyFamily.ADDRESSES)
# A line whose neighbours are further apart has no time that is worth the name.
_NEAR_NS: Final = 10 * NS_PER_SECOND
_OF_DAY: Final = (StampKind.ABSOLUTE, StampKind.NO_YEAR, StampKind.TIME_ONLY)
_UNMOVED: Final = (0, None, 0)
_UNKNOWN_WHEN: Final = "its log says that it gave the peer up, but not when"


class Settled(NamedTuple):
    """The messages of a log without stamps that another input shows."""

    pairs: list[tuple[LogEvent, Sighting]]
    relation: Relation


def in_order(
    events: Sequence[LogEvent], other: Sequence[Sighting], relation: Relation
) -> list[tuple[LogEvent, Sighting]]:
    """The messages of a log without stamps in another input, in the order of both."""
    ordered = sorted(other, key=lambda s: s.at_ns)
    places: dict[tuple[KeyFamily, Key], list[int]] = defaultdict(list)
    for place, sighting in enumerate(ordered):
        for key in sighting.keys:
            if key[0] in _NAMING:
                places[key].append(place)
    found: list[tuple[LogEvent, Sighting]] = []
    last = -1
    for event in events:
        named = of_event(replace(event, at_ns=0))
        if named is None:
            continue
        for key in named.keys:
            known = places.get(key, [])
            nexts = known[bisect_right(known, last) :][:1]
            if nexts and may_be_one(named, ordered[nexts[0]], relation, key[0]):
                last = nexts[0]
                found.append((event, ordered[last]))
                break
    return found


def give_places(log: LogSource) -> None:
    """Give the events of a log without times their places; the stamps there are become bounds."""
    stamps = [event.at_ns for event in log.events]
    known = [at_ns for at_ns in stamps if at_ns is not None]
    # Newest first, or a clock that was set: then a stamp bounds nothing. Nor does an uptime.
    of_day = any(log.tally.stamps.get(kind) for kind in _OF_DAY)
    if known and of_day and known == sorted(known):
        log.info.not_before_ns = tuple(stamps)
    for place, event in enumerate(log.events, 1):
        event.at_ns = place
    log.goes_on_ns = 0


def settle(events: Sequence[LogEvent], times: Mapping[int, int]) -> int:
    """Give a time to the events of a log without stamps; returns how many have none.

    `times`: those of the messages that another input shows, by `id()`. What stands between two
    such messages that are close happened just before the second: a device says what it does.
    """
    known = [place for place, event in enumerate(events) if id(event) in times]
    without = 0
    for place, event in enumerate(events):
        if id(event) in times:
            event.at_ns = times[id(event)]
            continue
        after = bisect_right(known, place)
        previous = times[id(events[known[after - 1]])] if after else None
        following = times[id(events[known[after]])] if after < len(known) else None
        event.at_ns = None
        if previous is not None and following is not None and following - previous <= _NEAR_NS:
            event.at_ns = max(previous, following - (known[after] - place))
        elif event.kind is LogEventKind.PEER_DEAD:
            event.kind, event.reason = LogEventKind.HINT, _UNKNOWN_WHEN
            event.at_ns = previous if previous is not None else following
        else:
            without += 1
    return without


def bracket(
    events: Sequence[LogEvent], times: Mapping[int, int], tolerance_ns: int
) -> dict[int, int]:
    """Move events between the messages that they stand between, as far as stamps are that coarse.

    `events` are on the common clock; `times` as for `settle`. Returns by how much each was moved,
    by `id()`: that is their order, and nothing that a stamp says.
    """
    moved: dict[int, int] = {}
    # What takes several lines to tell comes after what one of them tells.
    events = sorted(events, key=lambda e: e.ref.record)
    known = [place for place, event in enumerate(events) if id(event) in times]
    for place, event in enumerate(events):
        at_ns = event.at_ns
        if at_ns is None or id(event) in times:
            continue
        after = bisect_right(known, place)
        if after:
            before = events[known[after - 1]]
            lower = times[id(before)] + 1
            if at_ns < lower <= at_ns + tolerance_ns and (before.at_ns or 0) <= at_ns:
                event.at_ns = lower
        if after < len(known):
            behind = events[known[after]]
            upper = times[id(behind)] - 1
            if at_ns > upper >= at_ns - tolerance_ns and (behind.at_ns or 0) >= at_ns:
                event.at_ns = upper
        if event.at_ns is not None and event.at_ns != at_ns:
            moved[id(event)] = event.at_ns - at_ns
    return moved


def by_time(events: Sequence[LogEvent]) -> list[LogEvent]:
    """Events in the order of time; where the clock was set back the order of the lines holds.

    The end of daylight saving repeats an hour: what follows is moved on, so that durations hold.
    Lines that are older still come from elsewhere, and take their own place. So do those that
    were only understood with later ones: their clock was not set back. Each of several devices has
    a clock of its own.
    """
    clocks: dict[str | None, tuple[int, int | None, int]] = {}
    lines = [event.ref.record for event in events]
    newest_first = sum(b < a for a, b in pairwise(lines)) > len(lines) // 2
    for event in events:
        if event.at_ns is None:
            continue
        by_ns, last_ns, last_line = clocks.get(event.host, _UNMOVED)
        at_ns, line = event.at_ns + by_ns, event.ref.record
        if last_ns is not None and at_ns < last_ns and (line > last_line) is newest_first:
            event.at_ns = at_ns
            continue
        if last_ns is not None and _JITTER_NS < last_ns - at_ns <= _SET_BACK_NS:
            by_ns += last_ns - at_ns
            at_ns = last_ns
        elif last_ns is not None and last_ns - at_ns > _SET_BACK_NS:
            by_ns, at_ns = 0, event.at_ns
        event.at_ns = at_ns
        clocks[event.host] = by_ns, at_ns, line
    return sorted(events, key=lambda e: e.at_ns or 0)
