"""Logs that grow: lines become events as they come, on the clock of the session.

Nothing can be aligned with hindsight here. A stamp without year or zone is placed near the time at
which its line arrives, and a clock that shows the future is ahead. What a capture shows too is told
by the capture.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from analyzers.decode.log_clock import ClockHints, main_kind, place, quality
from analyzers.decode.log_order import Order
from analyzers.decode.logs import LogDecoder
from analyzers.dialects.dialect import Dialect
from analyzers.dialects.stamps import StampKind
from analyzers.model.alignment import ClockBasis
from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.observations import Datagram
from analyzers.model.records import Problem, ProblemKind, SourceInfo
from analyzers.model.time import NS_PER_MS, NS_PER_SECOND, ClockQuality
from analyzers.session.clocks import PUT_TO_ARRIVAL, value_of
from analyzers.session.live_copies import Copies
from analyzers.session.live_ends import OTHER_END_NS, BothEnds, Captured, is_for_other_end
from analyzers.session.live_wire import Wire, share_id
from analyzers.session.naming import connection_of, lone_peer, told_to_peers
from analyzers.session.options import ClockOptions
from analyzers.session.refused import answers_among, refused_messages
from analyzers.sources.feed import Line, Piece
from analyzers.sources.kept_clock import KeptClock
from analyzers.tracking.late import NamedPacket
from analyzers.tracking.logs import UNKNOWN_LOCAL
from analyzers.tracking.witnesses import (
    EDGE_NS,
    TELLING,
    Reach,
    belongs,
    is_astray,
    reach_of_capture,
)

if TYPE_CHECKING:
    from analyzers.session.live_lines import HeldLines

# After this long without another byte the last line is taken for whole.
_QUIET_NS: Final = 100 * NS_PER_MS
# A wall clock in another zone differs by quarters of an hour, up to this.
_ZONE_STEP_NS: Final = 900 * NS_PER_SECOND
_MOST_ZONE_NS: Final = 15 * 3600 * NS_PER_SECOND
# Writing a line may take as long, and two ends do so at different times.
_WRITING_NS: Final = 500 * NS_PER_MS
_OTHER_END_NS: Final = 50 * NS_PER_MS
# Packets that were there before a line come no later than this after it: dumpcap holds them back.
_PACKETS_COME_NS: Final = 250 * NS_PER_MS
# In a flood of lines or of packets nobody waits for a single one.
_MOST_EARLY: Final = 64
_MOST_WIRE_EARLY: Final = 4_000
_EARLY_EVERY_NS: Final = 50 * NS_PER_MS
_DATED: Final = (StampKind.ABSOLUTE, StampKind.NO_YEAR)
_MOST_REMOTES: Final = 10_000


class LiveLog:
    """One log, or one sender of syslog messages."""

    def __init__(
        self,
        info: SourceInfo,
        dialects: Sequence[Dialect],
        clocks: ClockOptions,
        lines: HeldLines | None = None,
    ) -> None:
        """`lines` keeps the text, if it is wanted."""
        self.info = info
        self._lines = lines
        order = Order.OLDEST_FIRST
        self._decoder = LogDecoder(info, dialects, order=order, on_lines=self._keep)
        self._text = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._year = value_of(clocks.years, info.path, clocks.year)
        self._zone = value_of(clocks.zones, info.path, clocks.zone)
        self._given_ns = value_of(clocks.offsets_ns, info.path, None)
        self._adjusts = clocks.align and self._given_ns is None
        self._zone_ns: int | None = None
        self._relative_ns: int | None = None
        self._ahead_ns = 0
        self._came_ns: int | None = None
        """When the last event came."""
        self._now_ns = 0
        """When the text that is being read came."""
        self._fed_ns: int | None = None
        """When the last text came, if its last line may not be whole."""
        self._told_ns: int | None = None
        """When the last text came, if more of the same may follow."""
        self._shift_ns = 0
        """By what its clock was put right."""
        self._righted_ns = 0
        """When what came was the last on the clock as it was before."""
        self.heard_ns = 0
        """When text came last."""
        self.local: dict[str, str] = {}
        """The device's own address towards each of its peers."""
        self.connections: set[str] = set()
        """Those that it has an address of, see `naming`."""
        self.unnamed: set[str] = set()
        """Peers of which something was told before the device's own address was known."""

    @property
    def hosts(self) -> int:
        """Names that a relay has for the devices that write it."""
        return self._decoder.tally.hosts

    def take(self, pieces: Sequence[Piece], now_ns: int) -> list[LogEvent]:
        """What came; events on the session's clock."""
        self._now_ns = now_ns
        text = "".join(_text_of(self._text, piece) for piece in pieces)
        events: list[LogEvent] = []
        if text:
            events = self._decoder.feed(text)
            self._fed_ns = self._told_ns = self.heard_ns = now_ns
        # A message is whole; a line of a file may go on.
        whole = bool(text) and isinstance(pieces[-1], Line)
        quiet = self._fed_ns is not None and now_ns - self._fed_ns >= _QUIET_NS
        if whole or quiet:
            events += self._decoder.pause()
            self._fed_ns = None
        if self._told_ns is not None and now_ns - self._told_ns >= _QUIET_NS:
            events += self._decoder.quiet()
            self._told_ns = None
        return self._placed(events, now_ns)

    @property
    def own(self) -> frozenset[str]:
        """The device's own addresses, as far as they are known."""
        return frozenset(self.local.values())

    @property
    def clock(self) -> KeptClock | None:
        """What its text does not tell of its clock; None where that tells all."""
        if self._came_ns is None:
            return None
        shift_ns = self._relative_ns
        if shift_ns is None:
            shift_ns = (self._zone_ns or 0) - self._ahead_ns
        lacks = self.info.clock is ClockQuality.NO_YEAR
        return KeptClock(self._came_ns, shift_ns) if shift_ns or lacks else None

    @property
    def is_guessed(self) -> bool:
        """Whether its clock was put to when its lines came."""
        return bool(self._zone_ns or self._ahead_ns)

    def is_placed(self, came_ns: int) -> bool:
        """Whether what came then was placed on its clock as that is known now."""
        return came_ns > self._righted_ns

    def put_right(self, behind_ns: int, tolerance_ns: int) -> None:
        """A message that another input shows too says that its clock is so far behind that one."""
        if self._adjusts and abs(behind_ns) > tolerance_ns + self.info.resolution_ns:
            self._shift_ns += behind_ns
            self._righted_ns = self._now_ns
            self.info.clock_basis = ClockBasis.MATCHED
            self.info.clock_offset_ns = -self._shift_ns

    @property
    def holds(self) -> bool:
        """Whether the last line is held back, as it may go on."""
        return self._fed_ns is not None

    def end(self, now_ns: int) -> list[LogEvent]:
        """Nothing more comes."""
        self._now_ns = now_ns
        text = self._text.decode(b"", final=True)
        events = self._decoder.feed(text) + self._decoder.finish()
        return self._placed(events, now_ns)

    def _keep(self, first: int, lines: Sequence[str]) -> None:
        if self._lines is not None:
            self._lines.take(self.info.id, first, lines, self._now_ns)

    def _placed(self, events: list[LogEvent], now_ns: int) -> list[LogEvent]:
        info, tally = self.info, self._decoder.tally
        info.log_lines = sum(tally.dialects.values())
        info.unparsed_lines = tally.unparsed
        if not events:
            return events
        info.dialects = dict(tally.dialects.most_common())
        info.format = next(iter(info.dialects), "unknown")
        info.clock = quality(tally)
        info.resolution_ns = tally.resolution_ns or 1
        place(events, tally, ClockHints(self._year, self._zone, now_ns, near_is_input=True))
        kind = main_kind(tally)
        self._came_ns = now_ns
        for event in events:
            event.at_ns = self._on_clock(event.at_ns, kind, now_ns)
            info.first_ns = min(info.first_ns or event.at_ns, event.at_ns)
            info.last_ns = max(info.last_ns or event.at_ns, event.at_ns)
            info.log_events[event.kind.value] = info.log_events.get(event.kind.value, 0) + 1
            if event.remote and event.local and len(self.local) < _MOST_REMOTES:
                self.local[event.remote] = event.local
        if self._lines is not None:
            self._lines.know(events)
        return events

    def _on_clock(self, at_ns: int | None, kind: StampKind | None, now_ns: int) -> int:
        if at_ns is None or kind is None:
            return now_ns
        if kind not in _DATED:
            if self._relative_ns is None:
                self._relative_ns = now_ns - at_ns
            return min(at_ns + self._relative_ns, now_ns)
        if self._given_ns is not None:
            return at_ns + self._given_ns
        if not self._adjusts:
            return at_ns
        if self._zone_ns is None:
            self._zone_ns = self._zone_shift(at_ns, now_ns)
        at_ns += self._zone_ns + self._shift_ns - self._ahead_ns
        if at_ns > now_ns:
            # Nothing is logged before it happens: the device's clock is ahead.
            self._ahead_ns += at_ns - now_ns
            at_ns = now_ns
        return at_ns

    def _zone_shift(self, at_ns: int, now_ns: int) -> int:
        apart_ns = now_ns - at_ns
        if self._zone is not None or not _ZONE_STEP_NS // 2 < abs(apart_ns) <= _MOST_ZONE_NS:
            return 0
        shift_ns = round(apart_ns / _ZONE_STEP_NS) * _ZONE_STEP_NS
        self.info.note(Problem(ProblemKind.CLOCK_GUESSED, PUT_TO_ARRIVAL))
        return shift_ns


class Settled(NamedTuple):
    """An event of a log, and what else it is."""

    event: LogEvent
    evidence: bool
    """It only tells where something was lost."""
    astray: bool
    """It is about a message that was sent, and did not come by elsewhere."""
    captured: Captured | None = None
    """The captured message that it names."""


class LogMatcher:
    """Tells what only a log says from what a capture or another log tells as well."""

    def __init__(self, given_local: Sequence[str], *, captured: bool) -> None:
        """`captured`: there are captures, whose packets come before the lines about them."""
        self._given = given_local[0] if len(given_local) == 1 else None
        self._hold_ns = NS_PER_SECOND if captured else 0
        self.unwatched_ns: int | None = None
        """Since when nobody captures: lines that came later wait for no packet."""
        self._wire = Wire()
        self._spans: dict[str, tuple[int, int]] = {}
        self._waiting: dict[int, list[tuple[int, LogEvent]]] = {}
        self._copies = Copies()
        self._both = BothEnds()
        self._begun_ns: int | None = None
        self._early_due_ns: dict[int, int] = {}
        """When it is looked again whether something of a log need not wait."""

    def see(self, datagram: Datagram, now_ns: int) -> None:
        """A packet that was captured, and came now: its own clock may be another one."""
        self._wire.see(datagram, now_ns)

    def hold(self, number: int, events: Sequence[LogEvent], now_ns: int) -> None:
        """Events of a log that came now."""
        if events:
            waiting = self._waiting.setdefault(number, [])
            waiting += [(now_ns, event) for event in events]

    def settle(
        self,
        logs: dict[int, LiveLog],
        span_ns: tuple[int, int] | None,
        now_ns: int,
        *,
        last: bool = False,
    ) -> list[tuple[int, list[Settled]]]:
        """The events that have waited long enough, by number of their log.

        `span_ns`: what the captures cover so far.
        """
        if self._begun_ns is None:
            self._begun_ns = now_ns
        self._wire.forget(now_ns)
        self._both.forget(now_ns)
        found = []
        for number, waiting in self._waiting.items():
            ready = len(waiting) if last else self._ready(number, waiting, logs, span_ns, now_ns)
            due = waiting[:ready]
            if due:
                del waiting[:ready]
                found.append((number, self._settled(number, due, logs, span_ns, now_ns)))
        return found

    def _ready(
        self,
        number: int,
        waiting: Sequence[tuple[int, LogEvent]],
        logs: dict[int, LiveLog],
        span_ns: tuple[int, int] | None,
        now_ns: int,
    ) -> int:
        """How many of the events need not wait: those that did, or that wait for nothing.

        A message waits for its packet, or for the line of the other end that asks, and everything
        for the messages before it.
        """
        due = 0
        for came_ns, event in waiting:
            if now_ns - came_ns < self._hold_of(number, event, came_ns, logs):
                break
            if now_ns - came_ns < EDGE_NS and self._is_before(event, span_ns, now_ns):
                return due
            due += 1
        rest = waiting[due : due + _MOST_EARLY]
        early_due_ns = self._early_due_ns.get(number, 0)
        if not rest or len(self._wire) > _MOST_WIRE_EARLY or now_ns < early_due_ns:
            return due
        self._early_due_ns[number] = now_ns + _EARLY_EVERY_NS
        events, resolution_ns = [event for _, event in rest], logs[number].info.resolution_ns
        known = {*self._wire.shows(number, events, resolution_ns), *self._both.told(number, rest)}
        for came_ns, event in rest:
            if id(event) not in known:
                hold_ns = self._hold_of(number, event, came_ns, logs)
                if event.kind is not LogEventKind.MESSAGE:
                    hold_ns = min(hold_ns, _PACKETS_COME_NS)
                if now_ns - came_ns < hold_ns:
                    break
            due += 1
        return due

    def _hold_of(self, number: int, event: LogEvent, came_ns: int, logs: dict[int, LiveLog]) -> int:
        """How long an event may wait for what tells more of it."""
        watched = self.unwatched_ns is None or came_ns < self.unwatched_ns
        if self._hold_ns and watched:
            return self._hold_ns
        if len(logs) > 1 and is_for_other_end(number, event, came_ns, logs):
            return OTHER_END_NS
        return 0

    def _is_before(self, event: LogEvent, span_ns: tuple[int, int] | None, now_ns: int) -> bool:
        """Whether the capture may begin after a message: then it may have lost it, and nothing is
        told of it. Only while all of it begins."""
        begins = self._begun_ns is not None and now_ns - self._begun_ns < 2 * EDGE_NS
        if not self._hold_ns or not begins or event.kind is not LogEventKind.MESSAGE:
            return False
        return span_ns is None or (event.at_ns or 0) < span_ns[0]

    def _settled(
        self,
        number: int,
        due: list[tuple[int, LogEvent]],
        logs: dict[int, LiveLog],
        span_ns: tuple[int, int] | None,
        now_ns: int,
    ) -> list[Settled]:
        events, came_ns = [event for _, event in due], {id(event): came for came, event in due}
        told = self._told_by_wire(number, events, came_ns, logs)
        rest = [event for event in events if id(event) not in told]
        copies = self._copies.among(number, rest, logs, now_ns)
        if len(logs) > 1:
            rest = [event for event in rest if id(event) not in copies]
            told |= self._told_by_other_end(number, rest, came_ns, logs)
        others = [] if span_ns is None else [reach_of_capture(self._wire.ends, *span_ns)]
        others += [
            Reach(log.info.first_ns or 0, log.info.last_ns or 0, frozenset(), own)
            for other, log in logs.items()
            if other != number and (own := log.own)
        ]
        settled = []
        log = logs[number]
        never_sent = refused_messages(events)
        refused, unsent = answers_among(never_sent), {id(event) for event in never_sent}
        for event in told_to_peers(events, log.local, log.hosts):
            if id(event) in told:
                captured = told[id(event)]
                if captured is not None:
                    settled.append(Settled(event, False, False, captured))
                continue
            if id(event) in copies:
                continue
            self._name(event, log)
            never_left = id(event) in unsent
            here_ns = came_ns.get(id(event), now_ns)
            is_theirs = len(logs) > 1 and is_for_other_end(number, event, here_ns, logs)
            is_ours = never_left or (not is_theirs and belongs(event, others))
            evidence = id(event) in refused or not is_ours
            astray = not evidence and (never_left or is_astray(event, others))
            settled.append(Settled(event, evidence, astray))
            if len(logs) > 1 and not evidence:
                self._both.tell(number, event, here_ns)
        return settled

    def _told_by_other_end(
        self,
        number: int,
        events: Sequence[LogEvent],
        came_ns: dict[int, int],
        logs: dict[int, LiveLog],
    ) -> dict[int, Captured | None]:
        """Ids of events about messages that the log of the other end has told; where its clock is
        another one, a log whose clock was guessed is put right, else the one that is behind."""
        told: dict[int, Captured | None] = {}
        found = self._both.use(number, [(came_ns[id(event)], event) for event in events])
        for event in events:
            if id(event) not in found:
                continue
            there = found[id(event)]
            told[id(event)] = Captured(there.packet, there.sighting.at_ns)
            log, other = logs[number], logs[there.number]
            behind_ns = there.sighting.at_ns - (event.at_ns or 0)
            if not log.is_placed(came_ns[id(event)]) or not other.is_placed(there.came_ns):
                continue
            guessed = log.is_guessed, other.is_guessed
            if guessed[0] if guessed[0] != guessed[1] else behind_ns > 0:
                log.put_right(behind_ns, _OTHER_END_NS)
            else:
                other.put_right(-behind_ns, _OTHER_END_NS)
        return told

    def _told_by_wire(
        self,
        number: int,
        events: list[LogEvent],
        came_ns: dict[int, int],
        logs: dict[int, LiveLog],
    ) -> dict[int, Captured | None]:
        """Ids of events about messages that were captured; each log uses a packet once.

        With the packet if the event makes an encrypted message's content known, and is about no
        other message for sure. A log whose clock is another one than that of the packets is put
        right.
        """
        told: dict[int, Captured | None] = {}
        if not self._wire:
            return told
        log = logs[number]
        for event, one, two in self._wire.use(
            number, events, came_ns, log.info.resolution_ns, len(logs)
        ):
            # IKEv2 counts its messages, and its headers tell whose they are.
            sure = event.message in TELLING and (two.version == 2 or share_id(one, two))
            named = sure and two.src is not None and two.dst is not None
            packet = NamedPacket(two.ref, two.src or "", two.dst or "")
            told[id(event)] = Captured(packet, two.at_ns) if named else None
            if log.is_placed(came_ns[id(event)]):
                log.put_right(two.at_ns - one.at_ns, _WRITING_NS)
        return told

    def _name(self, event: LogEvent, log: LiveLog) -> None:
        """Give the device of a log an address where the line has none."""
        peers = log.local.keys() | log.unnamed
        if event.remote is None and len(peers) == 1:
            event.remote = lone_peer(event, next(iter(peers)), log.connections)
        elif event.remote is not None and len(log.connections) < _MOST_REMOTES:
            connection = connection_of(event.handle)
            if connection is not None:
                log.connections.add(connection)
        seen = {dst for src, dst in self._wire.ends if src == event.remote}
        if event.remote in log.unnamed and not seen and log.hosts <= 1:
            # Still the same peer: two of it would each know half of the truth.
            event.local = UNKNOWN_LOCAL
        event.local = event.local or event.host
        if event.local is not None:
            return
        own = set(log.local.values())
        event.local = log.local.get(event.remote or "") or self._given
        if event.local is None and len(seen) == 1:
            event.local = next(iter(seen))
        if event.local is None:
            event.local = next(iter(own)) if len(own) == 1 else UNKNOWN_LOCAL
        if event.local == UNKNOWN_LOCAL and event.remote and len(log.unnamed) < _MOST_REMOTES:
            log.unnamed.add(event.remote)


def _text_of(decoder: codecs.IncrementalDecoder, piece: Piece) -> str:
    if isinstance(piece, bytes):
        return decoder.decode(piece)
    return f"{piece.text}\n" if isinstance(piece, Line) else ""
