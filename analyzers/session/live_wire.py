"""The packets that were captured lately, for the lines of logs about them."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.observations import Datagram
from analyzers.model.time import NS_PER_SECOND
from analyzers.session.live_ends import by_arrival
from analyzers.tracking.alignment import Fit
from analyzers.tracking.pairing import pairs
from analyzers.tracking.sightings import Key, KeyFamily, Sighting, of_datagram, of_event

# The capture and the log of one device differ by the time that writing a line takes, and by
# what its clock is off.
_SPREAD_NS: Final = 3 * NS_PER_SECOND
_REMEMBERED_NS: Final = 30 * NS_PER_SECOND
_MOST_REMEMBERED: Final = 20_000


class _Seen(NamedTuple):
    """A packet that waits for the lines about it."""

    came_ns: int
    sighting: Sighting
    told_by: set[int]
    """The logs that had a line about it: a router may write a file and to a syslog server."""


class Wire:
    """What captures have shown; each log uses a packet once."""

    def __init__(self) -> None:
        self._packets: deque[_Seen] = deque(maxlen=_MOST_REMEMBERED)
        self.ends: set[tuple[str, str]] = set()
        """Who sent to whom."""

    def __len__(self) -> int:
        return len(self._packets)

    def see(self, datagram: Datagram, now_ns: int) -> None:
        """A packet that was captured, and came now: its own clock may be another one."""
        sighting = of_datagram(datagram)
        if sighting is not None:
            self._packets.append(_Seen(now_ns, sighting, set()))
            if len(self.ends) < _MOST_REMEMBERED:
                self.ends.add((datagram.src, datagram.dst))

    def forget(self, now_ns: int) -> None:
        """Let go of what is too long ago."""
        while self._packets and self._packets[0].came_ns < now_ns - _REMEMBERED_NS:
            self._packets.popleft()

    def shows(self, number: int, events: Sequence[LogEvent], resolution_ns: int) -> Collection[int]:
        """Ids (`id()`) of events of a log about packets that are there."""
        keys = {key for event in events for key in _keys_of(event)}
        wire = [s for s in self._untold(number) if any(key in keys for _, key in s.keys)]
        return {id(event) for event, _, _ in _paired(events, wire, resolution_ns)}

    def use(
        self,
        number: int,
        events: Sequence[LogEvent],
        came_ns: dict[int, int],
        resolution_ns: int,
        logs: int,
    ) -> list[tuple[LogEvent, Sighting, Sighting]]:
        """Events of a log about packets, as the log and as the wire shows each.

        Where the stamps of the log tell another time, what comes at about the same time is the
        same message if it has the same name. `logs`: how many there are.
        """
        untold = [seen for seen in self._packets if number not in seen.told_by]
        found = _paired(events, [seen.sighting for seen in untold], resolution_ns)
        used = {two.ref for _, _, two in found}
        known = {id(event) for event, _, _ in found}
        own = [(came_ns[id(event)], event) for event in events if id(event) not in known]
        others = [(s.came_ns, s.sighting) for s in untold if s.sighting.ref not in used]
        found += by_arrival(own, others)
        used |= {two.ref for _, _, two in found}
        if used:
            for seen in untold:
                if seen.sighting.ref in used:
                    seen.told_by.add(number)
            rest = [seen for seen in self._packets if len(seen.told_by) < logs]
            self._packets.clear()
            self._packets.extend(rest)
        return found

    def _untold(self, number: int) -> list[Sighting]:
        """The packets that a log had no line about so far."""
        return [seen.sighting for seen in self._packets if number not in seen.told_by]


def share_id(one: Sighting, two: Sighting) -> bool:
    """Whether both know the same random message ID of IKEv1."""
    ids = [key for key in one.keys if key[0] is KeyFamily.MESSAGE_ID]
    return any(key in two.keys for key in ids)


def _paired(
    events: Sequence[LogEvent], wire: Sequence[Sighting], resolution_ns: int
) -> list[tuple[LogEvent, Sighting, Sighting]]:
    """Events about messages that were captured, as the log and as the wire shows each."""
    sightings, by_place = [], {}
    for event in events:
        sighting = of_event(event)
        if sighting is not None and event.kind is LogEventKind.MESSAGE:
            sightings.append(sighting)
            by_place[sighting.ref, sighting.at_ns] = event
    clock = Fit(0, 0, _SPREAD_NS, "", resolution_ns=resolution_ns)
    return [(by_place[one.ref, one.at_ns], one, two) for one, two in pairs(sightings, wire, clock)]


def _keys_of(event: LogEvent) -> list[Key]:
    sighting = of_event(event)
    return [] if sighting is None else [key for _, key in sighting.keys]
