"""What two logs of one device both say while it goes on: it is told by the one that says it first.

A router may write a file, a console and to a syslog server. Nothing but what names a message, or
the device itself, tells that two logs are of one device.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.time import NS_PER_MS, NS_PER_SECOND
from analyzers.tracking.alignment import Fit
from analyzers.tracking.pairing import pairs
from analyzers.tracking.sightings import KeyFamily, Relation, Sighting, of_event

if TYPE_CHECKING:
    from analyzers.session.live_logs import LiveLog

# Both have the device's own stamps, or were stamped by who receives them.
_SPREAD_NS: Final = 500 * NS_PER_MS
_REMEMBERED_NS: Final = 10 * NS_PER_SECOND
_MOST_REMEMBERED: Final = 20_000
_MOST_ALIKE: Final = 256
_NAMING: Final = (KeyFamily.MESSAGE_ID, KeyFamily.SPIS, KeyFamily.ADDRESSES)


class _Told(Struct, eq=False):
    """Something that a log said."""

    number: int
    came_ns: int
    at_ns: int
    keys: list[Hashable]
    """As it was said: it may be given addresses later."""
    sighting: Sighting | None
    known_to: set[int]
    """The logs that said it as well."""


class Copies:
    """What the logs of a session have said lately."""

    def __init__(self) -> None:
        self._told: deque[_Told] = deque(maxlen=_MOST_REMEMBERED)
        self._alike: dict[Hashable, deque[_Told]] = {}
        self._tidied_ns = 0
        self._one_device: set[frozenset[int]] = set()

    def among(
        self, number: int, events: Sequence[LogEvent], logs: Mapping[int, LiveLog], now_ns: int
    ) -> set[int]:
        """Ids of those events of a log that another log of its device has told; the others are
        told now."""
        if len(logs) < 2:
            return set()
        self._tidy(now_ns)
        known: set[int] = set()
        for other in {each.number for each in self._like(events, number)}:
            known |= self._copies(number, other, events, logs)
        for event in events:
            if id(event) not in known:
                self._tell(number, event, now_ns)
        return known

    def _copies(
        self, number: int, other: int, events: Sequence[LogEvent], logs: Mapping[int, LiveLog]
    ) -> set[int]:
        """What one log has told of these events."""
        told = [t for t in self._like(events, number) if t.number == other]
        own = {s: e for e in events if (s := of_event(e)) is not None}
        theirs = {t.sighting: t for t in told if t.sighting is not None}
        resolution_ns = max(logs[n].info.resolution_ns for n in (number, other))
        clock = Fit(0, 0, _SPREAD_NS, "", resolution_ns=resolution_ns)
        found = pairs(list(own), list(theirs), clock, Relation.COPIES)
        named = [(one, two) for one, two in found if _share_name(one, two)]
        both = frozenset((number, other))
        relayed = max(logs[n].hosts for n in (number, other)) > 1
        if named or _share_address(logs[number], logs[other]):
            self._one_device.add(both)
        if both not in self._one_device or relayed:
            found = named
        known = set()
        for one, two in found:
            theirs[two].known_to.add(number)
            known.add(id(own[one]))
        if both in self._one_device and not relayed:
            known |= self._said_again(number, events, told, clock.tolerance_ns)
        return known

    @staticmethod
    def _said_again(
        number: int, events: Sequence[LogEvent], told: Sequence[_Told], tolerance_ns: int
    ) -> set[int]:
        """Of what is no message."""
        known = set()
        for event in events:
            if event.kind is LogEventKind.MESSAGE or event.at_ns is None:
                continue
            for each in told:
                near = abs(each.at_ns - event.at_ns) <= tolerance_ns
                if near and number not in each.known_to and each.keys == _keys(event):
                    each.known_to.add(number)
                    known.add(id(event))
                    break
        return known

    def _like(self, events: Iterable[LogEvent], number: int) -> list[_Told]:
        """What other logs said that may be the same as something of these."""
        found: dict[int, _Told] = {}
        for key in {key for event in events for key in _keys(event)}:
            for told in self._alike.get(key, ()):
                if told.number != number and number not in told.known_to:
                    found[id(told)] = told
        return list(found.values())

    def _tell(self, number: int, event: LogEvent, now_ns: int) -> None:
        told = _Told(number, now_ns, event.at_ns or 0, _keys(event), of_event(event), set())
        self._told.append(told)
        self._know(told)

    def _know(self, told: _Told) -> None:
        for key in told.keys:
            self._alike.setdefault(key, deque(maxlen=_MOST_ALIKE)).append(told)

    def _tidy(self, now_ns: int) -> None:
        if now_ns < self._tidied_ns + _REMEMBERED_NS // 2:
            return
        self._tidied_ns = now_ns
        while self._told and self._told[0].came_ns < now_ns - _REMEMBERED_NS:
            self._told.popleft()
        self._alike.clear()
        for told in self._told:
            self._know(told)


def _keys(event: LogEvent) -> list[Hashable]:
    sighting = of_event(event)
    if sighting is not None:
        return [(sighting.outward, *key) for key in sighting.keys]
    return [] if event.kind is LogEventKind.MESSAGE else [_said(event)]


def _said(event: LogEvent) -> tuple[Hashable, ...]:
    return (event.kind, event.remote, event.sent, event.spis, event.protocol, event.reason)


def _share_name(one: Sighting, two: Sighting) -> bool:
    """Whether both know a fact that names the message and its sender."""
    return any(key in two.keys for key in one.keys if key[0] in _NAMING)


def _share_address(one: LiveLog, two: LiveLog) -> bool:
    """Whether both devices have the same address towards a peer."""
    return any(two.local.get(remote) == local for remote, local in one.local.items())
