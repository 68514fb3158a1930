"""A session that goes on: what live sources have read so far is tracked batch by batch.

The same engine as that of files, in the same event time. Nothing here waits, and nothing looks at a
clock: who drives the session says what time it is. It belongs to one thread; views that leave it
are frozen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from threading import Event
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from analyzers.decode.captures import CaptureBatch
from analyzers.decode.flows import no_rows
from analyzers.decode.ike import IkeDecoder
from analyzers.decode.live_captures import LiveCapture
from analyzers.model.alignment import Alignment
from analyzers.model.configuration import Configuration
from analyzers.model.log_events import LogEvent
from analyzers.model.observations import Datagram
from analyzers.model.peer import PeerView
from analyzers.model.records import Problem, ProblemKind, SourceInfo, source_id
from analyzers.model.time import NS_PER_MS, NS_PER_SECOND, nanoseconds
from analyzers.session.diagnosis import diagnosis
from analyzers.session.keys import load_keys
from analyzers.session.live_channel import Channel
from analyzers.session.live_health import SourceHealth
from analyzers.session.live_memory import Memory
from analyzers.session.live_missed import note_drops, note_gap, note_gone
from analyzers.session.live_snapshots import Snapshots
from analyzers.session.live_store import CaptureStore
from analyzers.session.live_unwatched import as_known, gone_sources
from analyzers.session.notes import note_duplicates, note_keys, number_of
from analyzers.session.opening import dialects_of
from analyzers.session.options import SessionOptions
from analyzers.sources.feed import Line, LiveSource, Piece, SourceState
from analyzers.tracking.configured import Configured
from analyzers.tracking.engine import Tracker
from analyzers.tracking.ordering import Orderer
from analyzers.tracking.retention import MOST_EVENTS

if TYPE_CHECKING:
    from analyzers.rules.judge import Judgement
    from analyzers.session.live_lines import HeldLines, LiveLines
    from analyzers.session.live_log_store import LogStore
    from analyzers.session.live_logs import LiveLog, LogMatcher

# What reads logs is imported where there are logs: a capture shall begin at once.

# A packet is held back this long, for one that was captured before it and is read after it: that
# of another queue of the same interface.
_LATENESS_NS: Final = 5 * NS_PER_MS
# Interfaces are read one after the other: their packets overtake each other by more.
_SEVERAL_LATENESS_NS: Final = 250 * NS_PER_MS
_CLOSE_S: Final = 1.0
_OVER: Final = (SourceState.ENDED, SourceState.FAILED)


class LiveSession:
    """One live analysis; `start`, then `wait` and `pump` in turns, then `end`."""

    def __init__(
        self,
        sources: Sequence[LiveSource],
        options: SessionOptions | None = None,
        *,
        store: CaptureStore | None = None,
        log_store: LogStore | None = None,
        configurations: Sequence[Configuration] = (),
        paths: Mapping[str, str] | None = None,
        most_events: int = MOST_EVENTS,
        keep_lines: bool = False,
    ) -> None:
        """The stores keep what is captured and read; `most_events` of each kind stay in memory.

        `paths`: what the user named each source of the configurations.

        `keep_lines`: the last lines of logs do so, too.

        Raises KeyFileError for keys that cannot be used.
        """
        self.options = options or SessionOptions()
        self.sources: list[SourceInfo] = []
        self.alignments: tuple[Alignment, ...] = ()
        self.store = store
        self.log_store = log_store
        self._configurations = tuple(configurations)
        self._paths = dict(paths or {})
        self._keys = load_keys(self.options.keys)
        self._arrived = Event()
        self._orderer = Orderer(0)
        self._channels = [Channel(source) for source in sources]
        self._captured = [c for c in self._channels if c.source.kind == "capture"]
        self._logs: dict[int, LiveLog] = {}
        self._matcher_or_none: LogMatcher | None = None
        self._flagged: dict[int, LogEvent] = {}
        """Events of which more is known, by `id()`: held until they are tracked."""
        self._dialects = dialects_of(self.options) if len(self._captured) < len(sources) else ()
        self._held_lines: HeldLines | None = None
        if keep_lines and len(self._captured) < len(sources):
            from analyzers.session.live_lines import HeldLines

            self._held_lines = HeldLines(self._dialects)
        self._ended = False
        self._last: tuple[PeerView, ...] | None = None
        """All peers, once the session has ended."""
        for channel in self._channels:
            channel.source.feed.arrived = self._arrived
            if channel.source.kind == "capture":
                self._open_capture(channel)
            elif channel.source.kind == "log":
                self._open_log(channel, "", channel.source.name)
        # What a log says of packets waits for them anyway.
        competing = self._captured or self._channels
        several = len(competing) > 1 or any("," in c.source.name for c in self._captured)
        self.lateness_ns = _SEVERAL_LATENESS_NS if several else _LATENESS_NS
        """How long what came is held back, for what comes late and belongs before it."""
        self._tracker = Tracker(
            IkeDecoder(self._keys),
            budget_ns=nanoseconds(self.options.budget_s),
            report_ns=nanoseconds(self.options.black_hole_min_s),
            configured=Configured(self._configurations, self.options.policies),
            captures=bool(self._captured),
        )
        self._snapshots = Snapshots(frozenset(self.options.local))
        self._memory = Memory(self._tracker, most_events)

    def _open_source(self, name: str, kind: str) -> tuple[int, SourceInfo]:
        number = self._orderer.open()
        info = SourceInfo(id=source_id(number), path=name, kind=kind, format="")
        self.sources.append(info)
        return number, info

    def _open_capture(self, channel: Channel) -> None:
        name = channel.source.name
        channel.number, info = self._open_source(name, "capture")
        ports = frozenset(self.options.ports)
        channel.capture = LiveCapture(info, ports, local_clock=not channel.source.remote)

    def _open_log(self, channel: Channel, sender: str, name: str) -> int:
        from analyzers.session.live_logs import LiveLog

        number, info = self._open_source(name, "log")
        log = LiveLog(info, self._dialects, self.options.clocks, self._held_lines)
        self._logs[number] = log
        channel.logs[sender] = number
        return number

    @property
    def _matcher(self) -> LogMatcher:
        if self._matcher_or_none is None:
            from analyzers.session.live_logs import LogMatcher

            captured = bool(self._captured)
            self._matcher_or_none = LogMatcher(self.options.local, captured=captured)
        return self._matcher_or_none

    # --- driving ---------------------------------------------------------------------------

    def start(self) -> None:
        """Let all sources read. Raises SourceError where one cannot even begin."""
        try:
            for channel in self._channels:
                channel.source.start()
        except BaseException:
            self._close_sources()
            raise

    def wait(self, timeout_s: float) -> bool:
        """Wait until a source has something, or for so long; whether one has.

        What is held back for the order is waited for no longer than that takes.
        """
        if self._orderer.holds:
            timeout_s = min(timeout_s, self.lateness_ns / NS_PER_SECOND)
        arrived = self._arrived.wait(timeout_s)
        self._arrived.clear()
        return arrived

    def pump(self, now_ns: int) -> bool:
        """Take what the sources have read, and track what can be; whether anything was tracked."""
        self._memory.trim(now_ns)
        for channel in self._channels:
            if channel.over:
                continue
            if channel.capture is None:
                self._take_text(channel, now_ns)
            else:
                self._take_captured(channel, channel.capture, now_ns)
        if self._logs and self._captured:
            self._note_watching(now_ns)
        self._settle_logs(now_ns)
        return self._release()

    def end(self, now_ns: int) -> None:
        """Stop the sources, track what is left, and let go of everything. May be called twice."""
        if self._ended:
            return
        self._ended = True
        # Where all captures have ended, that is the end of what is told.
        watched = not all(channel.over for channel in self._captured)
        gone = [c for c in self._captured if watched and c.gone_ns is not None]
        self._close_sources()
        self.pump(now_ns)
        while not all(channel.over or channel.source.feed.empty for channel in self._channels):
            self.pump(now_ns)
        for channel in self._channels:
            if not channel.over:
                self._close_channel(channel, now_ns)
        for channel in gone:
            note_gone(channel, self.store, now_ns)
        self._settle_logs(now_ns, last=True)
        for number in self._logs:
            self._orderer.close(number)
        self._release()
        for problem in self._tracker.finish():
            self.sources[number_of(problem)].note(problem)
        note_duplicates(self.sources, self._tracker, {})
        note_keys(self.sources, self._keys)
        if self.store is not None:
            self.store.close([info.until_ns for info in self.sources])
        if self.log_store is not None:
            self.log_store.close()

    @property
    def is_crowded(self) -> bool:
        """Whether so much came that it is time to look: else it may go before anybody does."""
        return self._memory.is_crowded

    @property
    def holds_lines(self) -> bool:
        """Whether what was read of a log is not all known yet: its last line may go on."""
        return any(log.holds for log in self._logs.values())

    @property
    def over(self) -> bool:
        """Whether all sources have ended: nothing more can come."""
        return all(channel.over for channel in self._channels)

    def _take_captured(self, channel: Channel, capture: LiveCapture, now_ns: int) -> None:
        status = channel.source.feed.status
        pieces = channel.source.feed.take()
        number = channel.number
        blocks, batches = capture.take(pieces, now_ns)
        event_ns = capture.event_ns(now_ns)
        gap = channel.interruption(status, pieces, batches, event_ns)
        if gap is not None:
            note_gap(channel, self.store, gap)
        if blocks and self.store is not None:
            self.store.write(number, blocks)
        self._add(number, batches, now_ns)
        note_drops(channel, self.store, status.dropped)
        if status.state is SourceState.OPEN and channel.source.feed.empty:
            channel.seen_ns, channel.clock_ns = capture.watched_ns(now_ns), event_ns
        elif batches and capture.info.last_ns is not None:
            # It may have broken off before anybody looked.
            channel.seen_ns = max(channel.seen_ns or 0, capture.info.last_ns)
        channel.records = capture.info.packets
        channel.rate.take(now_ns, channel.records)
        if channel.source.feed.empty:
            self._orderer.advance(number, event_ns - self.lateness_ns)
        if capture.damage and status.state not in _OVER:
            channel.source.stop()
            channel.source.feed.tell(SourceState.FAILED, capture.damage)
        elif channel.is_drained:
            self._close_channel(channel, now_ns)

    def _take_text(self, channel: Channel, now_ns: int) -> None:
        """Hold what the lines of a log, or of several senders, say."""
        by_sender: dict[str, list[Piece]] = {sender: [] for sender in channel.logs}
        for piece in channel.source.feed.take():
            sender = piece.sender if isinstance(piece, Line) else ""
            by_sender.setdefault(sender, []).append(piece)
        channel.records = 0
        for sender, pieces in by_sender.items():
            number = channel.logs.get(sender)
            if number is None:
                number = self._open_log(channel, sender, f"syslog {sender}")
            log = self._logs[number]
            if self.log_store is not None:
                self.log_store.write(number, log.info.path, pieces)
            self._matcher.hold(number, log.take(pieces, now_ns), now_ns)
            if self.log_store is not None:
                self.log_store.keep_clock(number, log.clock)
            channel.records += log.info.lines
        if channel.logs:
            # Of which sender it was nobody knows, where there was no room to read it.
            first = next(iter(channel.logs.values()))
            for loss in channel.new_losses():
                log = self._logs[channel.logs.get(loss.sender, first)]
                log.info.note(Problem(ProblemKind.LINES_LOST, loss.why, None, loss.times))
        channel.rate.take(now_ns, channel.records)
        channel.look(now_ns)
        if channel.is_drained:
            self._close_channel(channel, now_ns)

    def _settle_logs(self, now_ns: int, *, last: bool = False) -> None:
        """Give the tracker what only the logs say."""
        if not self._logs:
            return
        span_ns = self._span_ns()
        if span_ns is not None:
            self._tracker.logs.spans = [span_ns]
        for number, settled in self._matcher.settle(self._logs, span_ns, now_ns, last=last):
            events: list[LogEvent] = []
            keys: list[int] = []
            for event, evidence, astray, captured in settled:
                # What is told late is taken for now: nothing goes back.
                keys.append(max(event.at_ns or 0, self._tracker.now_ns))
                if captured is not None:
                    self._flagged[id(event)] = event
                    self._tracker.logs.packets[id(event)] = captured.packet
                    events.append(event)
                    # The clock of the log may be behind: it is about a packet that is known.
                    keys[-1] = max(keys[-1], captured.at_ns + 1)
                    continue
                if evidence or astray:
                    self._flagged[id(event)] = event
                    flags = self._tracker.logs.evidence if evidence else self._tracker.logs.astray
                    flags.add(id(event))
                events.append(event)
                local = event.local
                if local is not None and local not in self._tracker.logs.devices:
                    self._tracker.logs.devices.append(local)
            keys = list(accumulate(keys, max))
            self._orderer.add(number, CaptureBatch(no_rows(), None, [], events, keys, 0))
        for number in self._logs:
            self._orderer.advance(number, now_ns - self.lateness_ns)

    def _note_watching(self, now_ns: int) -> None:
        if any(channel.gone_ns is None for channel in self._captured):
            self._matcher.unwatched_ns = None
        elif self._matcher.unwatched_ns is None:
            self._matcher.unwatched_ns = now_ns

    def _span_ns(self) -> tuple[int, int] | None:
        infos = [c.capture.info for c in self._captured if c.capture is not None]
        firsts = [info.first_ns for info in infos if info.first_ns is not None]
        seen = [c.seen_ns for c in self._captured if c.seen_ns is not None]
        return (min(firsts), max(seen)) if firsts and seen else None

    def _add(self, number: int, batches: Sequence[CaptureBatch], now_ns: int) -> None:
        for batch in batches:
            self._tracker.know_flows(number, batch.new_flows, batch.moves)
            self._orderer.add(number, batch)
            if self._logs:
                for event in batch.events:
                    if isinstance(event, Datagram):
                        self._matcher.see(event, now_ns)

    def _close_channel(self, channel: Channel, now_ns: int) -> None:
        channel.over = True
        for number in channel.logs.values():
            log = self._logs[number]
            self._matcher.hold(number, log.end(now_ns), now_ns)
            if self.log_store is not None:
                self.log_store.keep_clock(number, log.clock)
        if channel.capture is None:
            return
        self._add(channel.number, channel.capture.end(), now_ns)
        info = channel.capture.info
        if channel.seen_ns is not None and info.last_ns is not None:
            # Captures tell the time in microseconds at least.
            info.until_ns = max(info.last_ns, channel.seen_ns // 1000 * 1000)
        self._orderer.close(channel.number)

    def _release(self) -> bool:
        ready = self._orderer.release()
        if ready is None:
            return False
        self._tracker.feed(ready)
        self._memory.came(len(ready.events))
        for event in ready.events if self._flagged else ():
            self._forget(id(event.observation))
        for problem in self._tracker.take_problems():
            self.sources[number_of(problem)].note(problem)
        return True

    def _forget(self, event: int) -> None:
        """An event is tracked: another one may have its `id()` from now on."""
        if self._flagged.pop(event, None) is not None:
            self._tracker.logs.evidence.discard(event)
            self._tracker.logs.astray.discard(event)
            self._tracker.logs.packets.pop(event, None)

    def _close_sources(self) -> None:
        for channel in self._channels:
            channel.source.stop()
        for channel in self._channels:
            channel.source.close(_CLOSE_S)

    # --- what is known ---------------------------------------------------------------------

    def event_ns(self, now_ns: int) -> int:
        """What time it is on the clock of the packets, as far as they are in order.

        A source that broke off watches no more: silence after that is none.
        """
        return self._in_order_ns([c.clock_ns for c in self._captured], now_ns)

    def _known_ns(self, now_ns: int) -> int:
        """Up to when everything is known on that clock."""
        return self._in_order_ns([c.seen_ns for c in self._captured], now_ns)

    def _in_order_ns(self, captures_ns: Sequence[int | None], now_ns: int) -> int:
        """The latest of what captures say, less what may still come late; without any, now."""
        known = [ns for ns in captures_ns if ns is not None] if captures_ns else [now_ns]
        return max([self._tracker.now_ns, *(ns - self.lateness_ns for ns in known)])

    def peers_so_far(self, now_ns: int) -> tuple[PeerView, ...]:
        """All peers as they are now; the session goes on afterwards.

        Only what has changed is looked at again. Events are numbered within their peer.
        """
        self._memory.looked()
        for info in self.sources:
            info.ike_messages = self._tracker.messages_by_source[info.id]
        self._tracker.know_sources(self.sources)
        peers = self._snapshots.peers(self._tracker, self._known_ns(now_ns), exact=self.over)
        gone = {} if self.over else gone_sources(self._channels)
        if not gone:
            return peers
        captures = frozenset(source_id(channel.number) for channel in self._captured)
        return tuple(as_known(peer, captures, gone, now_ns) for peer in peers)

    def peers(self) -> tuple[PeerView, ...]:
        """All peers, once the session has ended."""
        if not self._ended:
            return self._views(self._end_ns())
        if self._last is None:
            self._last = self._views(self._end_ns())
        return self._last

    def judgement(self, peers: Sequence[PeerView] | None = None) -> Judgement:
        """What the rules say of everything, or of views that were made before."""
        from analyzers.rules.judge import judge
        from analyzers.rules.run import Run

        rules = self.options.rules
        thresholds = replace(rules.thresholds, budget_s=self.options.budget_s)
        views = self.peers() if peers is None else tuple(peers)
        return judge(Run(views, tuple(self.sources), self._configurations, thresholds), rules)

    def lines(self) -> LiveLines | None:
        """The last lines of logs, if they are kept and any came; another object once more came."""
        return None if self._held_lines is None else self._held_lines.frozen()

    def configurations(self) -> tuple[Configuration, ...]:
        """Device configurations that were given."""
        return self._configurations

    def diagnosis(self) -> list[str]:
        """Why nothing was found, in sentences; empty when something was."""
        peers = self.peers()
        return diagnosis(self.sources, peers, (None, None)) + self.unfit(peers)

    def unfit(self, peers: Sequence[PeerView]) -> list[str]:
        """What was given for the peers and fits none of them, in sentences."""
        from analyzers.session.unfit import unfit

        options = self.options
        return unfit(peers, options.policies, self._configurations, self._paths, options.local)

    def health(self, now_ns: int) -> tuple[SourceHealth, ...]:
        """How each source is."""
        return tuple(channel.health(now_ns) for channel in self._channels)

    def _views(self, end_ns: int | None) -> tuple[PeerView, ...]:
        from analyzers.tracking.views import Viewer

        self._tracker.know_sources(self.sources)
        return Viewer(self._tracker, frozenset(self.options.local), end_ns).peers()

    def pin(self, peer: str, *, wanted: bool = True) -> None:
        """Keep everything of a peer, by its id, while somebody looks at it."""
        self._memory.pin(int(peer[1:]) - 1, wanted=wanted)

    @property
    def forgotten(self) -> int:
        """Events that are kept no more: the oldest of peers that have many."""
        return self._memory.forgotten

    def _end_ns(self) -> int | None:
        captures = [info for info in self.sources if info.kind == "capture"]
        ends = [info.until_ns or info.last_ns for info in captures or self.sources]
        return max((end_ns for end_ns in ends if end_ns is not None), default=None)
