"""Several devices in one log, as a syslog server writes it: each is a witness of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec.structs import replace

from analyzers.decode.log_clock import main_kind
from analyzers.export.formatting import duration
from analyzers.model.log_events import LogEvent
from analyzers.model.records import Problem, ProblemKind
from analyzers.model.time import NS_PER_MS, NS_PER_SECOND
from analyzers.session.joined import Joined
from analyzers.session.one_session import Shown, is_one_session
from analyzers.session.texts import LogSource
from analyzers.tracking.alignment import fit
from analyzers.tracking.sightings import EVIDENCE, Key, KeyFamily, Relation, Sighting, of_event

# Facts that no two messages of other devices have in common by chance; numbers of questions may be.
_TELLING: Final = (KeyFamily.MESSAGE_ID, KeyFamily.SPIS, KeyFamily.ADDRESSES)
_NAMING: Final = (*_TELLING, KeyFamily.SEQUENCE)
_LEAST_NUMBERS: Final = 2
_EVIDENCE: Final = frozenset(EVIDENCE[family] for family in _NAMING)
# Writing a line may take as long: a clock that is off by less is not.
_WRITING_NS: Final = 500 * NS_PER_MS
# A clock that is set is off by a zone (and summer time) at most, if it is off.
_BELIEVABLE_NS: Final = 15 * 3600 * NS_PER_SECOND

Named = dict[tuple[KeyFamily, Key], list[LogEvent]]
"""Messages of a device by what names each."""


def by_device(logs: Sequence[LogSource]) -> list[LogSource]:
    """The logs, one for each device; the first one of a log keeps its number."""
    found: list[LogSource] = []
    free = max((log.number for log in logs), default=0) + 1
    for log in logs:
        events: dict[str | None, list[LogEvent]] = {}
        for event in log.events if main_kind(log.tally) is not None else ():
            events.setdefault(event.host, []).append(event)
        if len(events) < 2:
            found.append(log)
            continue
        for place, of_host in enumerate(events.values()):
            number = log.number if not place else free
            free += bool(place)
            # How long the log goes on after its last event is not known of each device.
            found.append(replace(log, number=number, events=of_host, goes_on_ns=0))
    return found


def align(parts: Sequence[LogSource]) -> None:
    """Put the devices of a log on one clock, where one is off: each writes its own stamps."""
    relayed = [part for part in parts if part.tally.hosts > 1]
    messages = [named(part) for part in relayed]
    for place, part in enumerate(relayed):
        for before, other in enumerate(relayed[:place]):
            if not are_of_one_log(other, part):
                continue
            mine, theirs = map(sightings_of, in_common(messages[place], messages[before]))
            if mine and _align(part, mine, other, theirs):
                break


def _align(part: LogSource, own: list[Sighting], other: LogSource, known: list[Sighting]) -> bool:
    """Whether the messages of another device tell the clock of one."""
    fitted = fit(own, known, part.tally.resolution_ns or 1, believable_ns=_BELIEVABLE_NS)
    if fitted is None or fitted.evidence not in _EVIDENCE:
        return False
    if not is_one_session(Shown(own, part.events), Shown(known), fitted, Relation.ENDS):
        return False
    part.fit = fitted
    off_ns = fitted.offset_ns
    if abs(off_ns) <= max(_WRITING_NS, fitted.tolerance_ns):
        return True
    for event in part.events:
        if event.at_ns is not None:
            event.at_ns -= off_ns
            part.moved_ns[id(event)] = -off_ns
    names = [log.events[0].host or log.tally.first_host or "" for log in (part, other)]
    way = "ahead of" if off_ns > 0 else "behind"
    said = (
        f"the clock of {names[0]} is {duration(abs(off_ns))} {way} that of {names[1]}:"
        f" by {fitted.matched:,} {fitted.evidence}"
    )
    part.info.note(Problem(ProblemKind.CLOCK_SET, said, part.events[0].ref))
    return True


def are_of_one_log(one: LogSource, two: LogSource) -> bool:
    """Whether a relay wrote what two devices say into one log."""
    return one.info is two.info


def sightings_of(events: Iterable[LogEvent]) -> list[Sighting]:
    """What the messages of a log are known by."""
    return [s for s in map(of_event, events) if s is not None]


def named(log: LogSource) -> Named:
    """The messages of a device by what names them where another one tells of them, too."""
    found: Named = {}
    for event in log.events if log.tally.hosts > 1 else ():
        seen = of_event(event)
        for key in () if seen is None else seen.keys:
            if key[0] in _NAMING:
                found.setdefault(key, []).append(event)
    return found


def in_common(one: Named, two: Named) -> tuple[list[LogEvent], list[LogEvent]]:
    """The messages of two devices that may be the same, in the order of the lines."""
    keys = one.keys() & two.keys()
    both = ({id(e): e for key in keys for e in known[key]} for known in (one, two))
    mine, theirs = (sorted(found.values(), key=lambda e: e.ref.record) for found in both)
    return mine, theirs


def have_a_tunnel(ends: Sequence[tuple[Sighting, Sighting]]) -> bool:
    """Whether messages that two devices may have in common make them the ends of one tunnel."""
    shared = [{key[0] for key in set(one.keys).intersection(two.keys)} for one, two in ends]
    told = any(not families.isdisjoint(_TELLING) for families in shared)
    return told or sum(KeyFamily.SEQUENCE in each for each in shared) >= _LEAST_NUMBERS


def as_they_came(logs: Sequence[LogSource], parts: Sequence[LogSource], joined: Joined) -> None:
    """Put what is tracked of the devices of a log together again."""
    for log in logs:
        streams = [joined.streams.pop(p.number) for p in parts if are_of_one_log(p, log)]
        events = [event for stream in streams for event in stream]
        if len(streams) > 1:
            events.sort(key=lambda event: event.at_ns or 0)
        joined.streams[log.number] = events
