"""A clock that was set amid a log: messages that a capture shows, too, tell where, and how far."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median
from typing import Final, NamedTuple

from analyzers.export.formatting import clock_distance
from analyzers.model.log_events import LogEvent
from analyzers.model.records import Problem, ProblemKind, SourceInfo
from analyzers.model.time import NS_PER_SECOND
from analyzers.tracking.alignment import Fit, by_key
from analyzers.tracking.pairing import pairs
from analyzers.tracking.sightings import (
    EVIDENCE,
    STRONG,
    KeyFamily,
    Relation,
    Sighting,
    may_be_one,
    of_event,
)

# What is read late was sent at other times than it is read; a clock that was set is off by the same
# for at least so long.
_SET_FOR_NS: Final = NS_PER_SECOND
_LEAST_STEP_NS: Final = NS_PER_SECOND
_LEAST: Final = 2
# Message IDs of IKEv2 begin anew with every IKE SA: more of them must agree.
_LEAST_COUNTED: Final = 3
_COUNTED: Final = {EVIDENCE[f]: f for f in (KeyFamily.ADDRESSES, KeyFamily.COUNTER)}


class _Seen(NamedTuple):
    place: int
    """Of the event in its log."""
    off_ns: int
    wire_ns: int


def put_right(
    events: Sequence[LogEvent], wire: Sequence[Sighting], fitted: Fit, info: SourceInfo
) -> None:
    """Move what a log has on a clock that is off for a while, and say so.

    `events` are in the order of the log, and on the common clock but for that; `wire` is what the
    capture shows against which `fitted` has told it.
    """
    tolerance_ns = max(_LEAST_STEP_NS, fitted.tolerance_ns)
    least = _LEAST if fitted.strong else _LEAST_COUNTED
    runs = _runs(_matched(events, wire, fitted), tolerance_ns, least)
    if not runs:
        return
    levels = [_level_ns(run, tolerance_ns) for run in runs]
    turns = [_turn(events, one[-1], two[0]) for one, two in pairwise(runs)]
    # The clock that the fit has told may be that of a later part: the first is set by nobody.
    before_ns = levels[0] if len(runs) > 1 else 0
    for run, level_ns, start, end in zip(
        runs, levels, [0, *turns], [*turns, len(events)], strict=True
    ):
        if level_ns != before_ns:
            _tell(info, events[start], level_ns - before_ns, len(run), fitted)
        before_ns = level_ns
        for event in events[start:end] if level_ns else ():
            if event.at_ns is not None:
                event.at_ns -= level_ns


def _matched(events: Sequence[LogEvent], wire: Sequence[Sighting], fitted: Fit) -> list[_Seen]:
    """The messages that both have whatever their clocks say, in the order of the log."""
    places = {}
    own = []
    for place, event in enumerate(events):
        sighting = of_event(event)
        if sighting is not None:
            places[sighting.ref, sighting.at_ns] = place
            own.append(sighting)
    same = _unique(own, wire, fitted) if fitted.strong else _counted(own, wire, fitted)
    return sorted(
        _Seen(places[one.ref, one.at_ns], one.at_ns - two.at_ns, two.at_ns) for one, two in same
    )


def _unique(
    own: Sequence[Sighting], wire: Sequence[Sighting], fitted: Fit
) -> Iterator[tuple[Sighting, Sighting]]:
    settled = Fit(0, 0, fitted.spread_ns, "", resolution_ns=fitted.resolution_ns, strong=True)
    for one, two in pairs(own, wire, settled):
        if any(key in two.keys for key in one.keys if key[0] in STRONG):
            yield one, two


def _counted(
    own: Sequence[Sighting], wire: Sequence[Sighting], fitted: Fit
) -> Iterator[tuple[Sighting, Sighting]]:
    """Message IDs that come as often in both: those of another session would come more often.

    A message that is sent again is the same in its order.
    """
    family = _COUNTED.get(fitted.evidence)
    if family is None:
        return
    here, there = (by_key(sightings, family) for sightings in (own, wire))
    for key, mine in here.items():
        theirs = there.get(key, [])
        for one, two in zip(mine, theirs, strict=False) if len(mine) == len(theirs) else ():
            if may_be_one(one, two, Relation.ENDS, family):
                yield one, two


def _runs(seen: Sequence[_Seen], tolerance_ns: int, least: int) -> list[list[_Seen]]:
    """Messages one after the other by which the clock is off by the same."""
    runs: list[list[_Seen]] = []
    for each in seen:
        if runs and abs(each.off_ns - runs[-1][-1].off_ns) <= tolerance_ns:
            runs[-1].append(each)
        else:
            runs.append([each])
    sure = [run for run in runs if _level_ns(run, tolerance_ns) == 0 or _is_sure(run, least)]
    joined: list[list[_Seen]] = []
    for run in sure:
        if joined and abs(run[0].off_ns - joined[-1][-1].off_ns) <= tolerance_ns:
            joined[-1] += run
        else:
            joined.append(run)
    return joined


def _is_sure(run: Sequence[_Seen], least: int) -> bool:
    times = [seen.wire_ns for seen in run]
    return len(run) >= least and max(times) - min(times) >= _SET_FOR_NS


def _level_ns(run: Sequence[_Seen], tolerance_ns: int) -> int:
    """How far the clock is off meanwhile; nothing where it is what the fit has told."""
    level_ns = round(median(seen.off_ns for seen in run))
    return level_ns if abs(level_ns) > tolerance_ns else 0


def _turn(events: Sequence[LogEvent], last: _Seen, first: _Seen) -> int:
    """The place of the first event after the clock was set: where its stamps jump."""
    ahead = first.off_ns > last.off_ns
    timed = [
        (place, at_ns)
        for place in range(last.place, first.place + 1)
        if (at_ns := events[place].at_ns) is not None
    ]
    jumps = (
        (two - one if ahead else one - two, -place) for (_, one), (place, two) in pairwise(timed)
    )
    return -max(jumps)[1]


def _tell(info: SourceInfo, event: LogEvent, by_ns: int, messages: int, fitted: Fit) -> None:
    way = "ahead" if by_ns > 0 else "back"
    far = clock_distance(abs(by_ns))
    said = f"it was set {way} by {far} here, by {messages:,} {fitted.evidence}"
    info.note(Problem(ProblemKind.CLOCK_SET, said, event.ref))
