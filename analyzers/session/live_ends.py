"""What the logs of both ends of a peer say of one message while it goes on: it is told once.

Their clocks may be apart, and nothing has aligned them yet: a message is known by its name, and by
coming at about the same time from both. So that a question and its answer are on one clock, the end
that asks tells both; what the other end says of them is a further sighting.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.observations import MessageKind
from analyzers.model.time import NS_PER_SECOND
from analyzers.tracking.alignment import Fit
from analyzers.tracking.late import NamedPacket
from analyzers.tracking.pairing import pairs
from analyzers.tracking.sightings import Key, KeyFamily, Sighting, of_event

if TYPE_CHECKING:
    from analyzers.session.live_logs import LiveLog

# Whoever is asked says so at most this long before the line of who asks is read.
OTHER_END_NS: Final = NS_PER_SECOND
# The lines of both ends about one message are read within this.
_APART_NS: Final = 2 * NS_PER_SECOND
# An end whose log shows what it asks has said something this short a time before.
_SPOKE_NS: Final = 5 * NS_PER_SECOND
_MOST_REMEMBERED: Final = 20_000
_NAMES: Final = (KeyFamily.MESSAGE_ID, KeyFamily.SPIS, KeyFamily.ADDRESSES)


class Told(NamedTuple):
    """A message that a log told."""

    number: int
    came_ns: int
    sighting: Sighting
    packet: NamedPacket
    known_to: set[int]
    """The logs that said it as well."""


class Captured(NamedTuple):
    """A message that was captured, or told by the log of the other end."""

    packet: NamedPacket
    at_ns: int


class BothEnds:
    """What the logs of a session have told of messages lately."""

    def __init__(self) -> None:
        self._told: deque[Told] = deque(maxlen=_MOST_REMEMBERED)

    def tell(self, number: int, event: LogEvent, came_ns: int) -> None:
        """A log has told a message, which came then."""
        sighting = of_event(event)
        if sighting is None or event.local is None or event.remote is None:
            return
        ends = (event.local, event.remote) if event.sent else (event.remote, event.local)
        packet = NamedPacket(event.ref, *ends)
        self._told.append(Told(number, came_ns, sighting, packet, {number}))

    def forget(self, now_ns: int) -> None:
        """Let go of what is too long ago."""
        while self._told and self._told[0].came_ns < now_ns - _APART_NS - OTHER_END_NS:
            self._told.popleft()

    def told(self, number: int, events: Sequence[tuple[int, LogEvent]]) -> dict[int, Told]:
        """Which of the events of a log, with when they came, another one has told; by `id()`."""
        others = {t.sighting.ref: t for t in self._told if number not in t.known_to}
        lines = [(told.came_ns, told.sighting) for told in others.values()]
        return {id(event): others[two.ref] for event, _, two in by_arrival(events, lines)}

    def use(self, number: int, events: Sequence[tuple[int, LogEvent]]) -> dict[int, Told]:
        """The same, each once."""
        found = self.told(number, events)
        for told in found.values():
            told.known_to.add(number)
        return found


def by_arrival(
    events: Sequence[tuple[int, LogEvent]], others: Sequence[tuple[int, Sighting]]
) -> list[tuple[LogEvent, Sighting, Sighting]]:
    """Events that another input shows under the same name, whatever the clocks say; each with when
    it came."""
    if not others:
        return []
    own = {}
    for came_ns, event in events:
        sighting = of_event(event)
        if sighting is not None:
            own[sighting._replace(at_ns=came_ns)] = event, sighting
    names = {key for one in own for key in _names_of(one)}
    theirs = {
        two._replace(at_ns=came_ns): two
        for came_ns, two in others
        if not names.isdisjoint(_names_of(two))
    }
    found = pairs(list(own), list(theirs), Fit(0, 0, _APART_NS, ""))
    return [
        (*own[one], theirs[two])
        for one, two in found
        if not set(_names_of(one)).isdisjoint(_names_of(two))
    ]


def _names_of(sighting: Sighting) -> list[tuple[KeyFamily, Key]]:
    return [key for key in sighting.keys if key[0] in _NAMES]


def is_for_other_end(
    number: int, event: LogEvent, came_ns: int, logs: Mapping[int, LiveLog]
) -> bool:
    """Whether the log of the other end tells a message: that end asks, and its log goes on."""
    if event.kind is not LogEventKind.MESSAGE or event.sent is None:
        return False
    is_answer = event.message is MessageKind.R_U_THERE_ACK or bool(event.response)
    if event.sent is not is_answer:
        return False
    return any(
        event.remote in log.own and event.local not in log.own
        for other, log in logs.items()
        if other != number and log.heard_ns >= came_ns - _SPOKE_NS
    )
