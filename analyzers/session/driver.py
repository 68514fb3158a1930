"""The one driver: opens the inputs, pulls batches, feeds the tracker, answers with views."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from msgspec.structs import replace

from analyzers.decode.ahead import ReaderAhead, can_read_ahead
from analyzers.decode.captures import CaptureReader
from analyzers.model.observations import Datagram
from analyzers.model.peer import PeerView
from analyzers.model.records import SourceInfo
from analyzers.model.time import NS_PER_SECOND, ORDER_LIMIT_NS, nanoseconds
from analyzers.session.configured import configured
from analyzers.session.diagnosis import diagnosis
from analyzers.session.interface_clocks import note_clocks, of_one_clock_each
from analyzers.session.keys import load_keys
from analyzers.session.notes import note_duplicates, note_keys, number_of
from analyzers.session.opening import LogReplay, Opened, open_all, shifted
from analyzers.session.options import Progress, SessionOptions, UnparsedLine
from analyzers.session.unfit import unfit

if TYPE_CHECKING:
    from analyzers.model.alignment import Alignment
    from analyzers.model.configuration import Configuration
    from analyzers.rules.judge import Judgement
    from analyzers.session.joined import Joined
    from analyzers.session.log_lines import LogText
    from analyzers.session.second_pass import CaptureAgain
    from analyzers.session.texts import LogSource
    from analyzers.session.viewpoints import Leaver
    from analyzers.sources.inputs import InputSpec
    from analyzers.sources.waiting import Waited
    from analyzers.tracking.engine import Tracker
    from analyzers.tracking.ordering import OrderedBatch, Orderer
    from analyzers.tracking.shown import Shown
    from analyzers.whatif.windows import Packets, Window

# Tracking and keys are imported where they are first needed: by then a large input is being read
# ahead in a process of its own, and importing costs no time.

# Reading stops this long after `until`, when no reordering can bring an earlier frame any more.
_PAST_UNTIL_NS: Final = NS_PER_SECOND
# More captures than this are the parts of one, not the views of several points.
_MAX_VIEWS: Final = 8

Reader = CaptureReader | ReaderAhead | LogReplay


class Session:
    """One analysis of a set of inputs."""

    def __init__(self, options: SessionOptions | None = None) -> None:
        """Raises KeyFileError for key files that cannot be used."""
        self.options = options or SessionOptions()
        self.inputs: tuple[str | InputSpec, ...] = ()
        """As they were named."""
        self._keys = load_keys(self.options.keys)
        self._begin()

    def _begin(self) -> None:
        """Know nothing of any input."""
        self.sources: list[SourceInfo] = []
        self.alignments: tuple[Alignment, ...] = ()
        self._tracker_or_none: Tracker | None = None
        self._since_ns = self.options.since_ns
        self._until_ns = self.options.until_ns
        self._views: tuple[PeerView, ...] | None = None
        self._opened = Opened()
        self._configurations: tuple[Configuration, ...] | None = None
        """Those of the inputs; None: not put together since the last one was read."""
        self._readers: list[Reader] = []
        self._joined: Joined | None = None
        self._shifts: dict[int, int] = {}
        """What is added to the times of captures, by number of the source."""
        self._joined_shifts: dict[int, int] = {}
        """What was added, once everything is read."""
        self._leavers: dict[int, Leaver] = {}
        self._orderer: Orderer | None = None
        self._captured_until_ns: int | None = None
        self._unparsed: list[UnparsedLine] = []
        self._shown: list[Shown] = []
        self._log_texts: list[LogText] = []

    def run(
        self, inputs: Sequence[str | InputSpec], progress: Callable[[Progress], None] | None = None
    ) -> None:
        """Read all inputs to their end. Raises SourceError where one cannot be read."""
        self.open(inputs, progress)
        self.read(progress)

    def open(
        self, inputs: Sequence[str | InputSpec], progress: Callable[[Progress], None] | None = None
    ) -> None:
        """Open all inputs; a large one is read ahead from now on. Raises SourceError.

        `progress` hears of standard input also while that pauses, until all of it is read.
        """

        def waited(path: str, came_bytes: int) -> None:
            self._release()
            if progress is not None:
                so_far = self._progress(path, done=False)
                progress(replace(so_far, read_bytes=came_bytes, total_bytes=None, waits=True))

        self.inputs = tuple(inputs)
        self._open(self.inputs, waited if progress else None)

    def _open(self, inputs: Sequence[str | InputSpec], hears: Waited | None) -> None:
        self._opened = Opened()
        try:
            open_all(inputs, self.options, hears, self._opened)
            self._configurations = None
            self.sources = self._opened.sources
            self._readers = list(self._opened.readers)
            self._read_ahead()
        except BaseException:
            self.close()
            raise

    @property
    def coming(self) -> InputSpec | None:
        """What has come so far of a pipe of which nothing is read before all of it is there."""
        return self._opened.coming

    def read(self, progress: Callable[[Progress], None] | None = None) -> None:
        """Read what was opened to its end. Raises SourceError where that is not possible."""
        self._read_all(progress)
        self._read_again(of_one_clock_each(self._opened), progress)
        ahead = None
        if self._tracker.flows.pauses:
            from analyzers.session.clock_ahead import with_clock_ahead

            ahead = with_clock_ahead(self._opened, self._tracker.flows, self.peers)
        self._read_again(ahead, progress)
        note_clocks(self._opened)
        for problem in self._tracker.finish():
            self.sources[number_of(problem)].note(problem)
        for number in self._shifts:
            info = self.sources[number]
            info.first_ns = self._common_ns(number, info.first_ns)
            info.last_ns = self._common_ns(number, info.last_ns)
            info.until_ns = self._common_ns(number, info.until_ns)
            shift_ns = self._shifts[number]
            for gaps in (info.gaps, *(info.interfaces.gaps.values() if info.interfaces else ())):
                gaps[:] = [(start + shift_ns, end + shift_ns) for start, end in gaps]
        self._joined_shifts, self._shifts = self._shifts, {}
        note_duplicates(self.sources, self._tracker, self._leavers)
        note_keys(self.sources, self._keys)
        self._views = None

    def _read_again(
        self, inputs: Sequence[InputSpec] | None, progress: Callable[[Progress], None] | None
    ) -> None:
        """Begin anew with what is known of the inputs by now, if anything."""
        if inputs is not None:
            self.close()
            self._begin()
            self._open(inputs, None)
            self._read_all(progress)

    def _read_all(self, progress: Callable[[Progress], None] | None) -> None:
        try:
            self._join(progress)
            self._read(self._readers, progress)
        finally:
            if not self.options.read_again:
                self.close()

    def close(self) -> None:
        """Release the inputs; with `read_again` this is for whoever has read them again."""
        for reader in self._readers:
            reader.close()
        self._opened.close()

    def peers(self) -> tuple[PeerView, ...]:
        """All peers, in the order in which they appeared."""
        if self._views is None:
            from analyzers.tracking.views import Viewer

            self._tracker.know_sources(self.sources)
            viewer = Viewer(self._tracker, frozenset(self.options.local), self._end_ns())
            self._views = viewer.peers()
            if self._shown:
                from analyzers.tracking.shown import with_shown

                least_s = self.options.black_hole_min_s
                known = self._tracker.configured
                self._views = with_shown(self._views, self._shown, least_s, known)
            doubted = {
                s.id: s.clock_contradicted_ns
                for s in self.sources
                if s.clock_contradicted_ns or s.clock_unsure
            }
            if doubted:
                from analyzers.tracking.doubted_clocks import with_doubted_clocks

                self._views = with_doubted_clocks(self._views, doubted)
        return self._views

    def peers_so_far(self) -> tuple[PeerView, ...]:
        """All peers as they are known between two batches; reading goes on afterwards."""
        if self._tracker_or_none is None:
            return ()
        from analyzers.tracking.views import Viewer

        tracker = self._tracker
        for info in self.sources:
            info.ike_messages = tracker.messages_by_source[info.id]
        tracker.know_sources(self.sources)
        return Viewer(tracker, frozenset(self.options.local), tracker.now_ns).peers()

    def judgement(self) -> Judgement:
        """What the rules say of everything that was read."""
        from analyzers.rules.judge import judge
        from analyzers.rules.run import Run

        rules = self.options.rules
        thresholds = replace(rules.thresholds, budget_s=self.options.budget_s)
        run = Run(self.peers(), tuple(self.sources), self.configurations(), thresholds)
        return judge(run, rules)

    def vendor_at(self, peer: PeerView, address: str) -> str | None:
        """The family of the product at one end of a peer, as far as anything tells."""
        from analyzers.rules.vendor import vendor_of

        sources = {info.id: info for info in self.sources}
        return vendor_of(peer, self.configurations(), sources, address)

    def packets_within(
        self, windows: Sequence[Window], progress: Callable[[Progress], None] | None = None
    ) -> Iterator[Packets]:
        """The packets of some flows and times, read once more from the captures.

        A pipe can only be read again with `SessionOptions.read_again`. Raises SourceError.
        """
        from analyzers.session.second_pass import packets_within

        return packets_within(self.captures(), windows, self._joined, self.options, progress)

    def captures(self) -> list[CaptureAgain]:
        """The captures among the inputs, for who reads them again."""
        from analyzers.session.second_pass import captures_again

        return captures_again(self._opened.specs, self.sources, self._joined_shifts)

    @property
    def _tracker(self) -> Tracker:
        if self._tracker_or_none is None:
            from analyzers.decode.ike import IkeDecoder
            from analyzers.tracking.configured import Configured
            from analyzers.tracking.crossed import Crossed
            from analyzers.tracking.engine import Tracker

            self._tracker_or_none = Tracker(
                IkeDecoder(self._keys),
                budget_ns=nanoseconds(self.options.budget_s),
                report_ns=nanoseconds(self.options.black_hole_min_s),
                witnesses=None if self._joined is None else self._joined.witnesses,
                configured=Configured(self.configurations(), self.options.policies),
                captures=any(s.kind == "capture" for s in self.sources),
            )
            if self._joined is not None:
                self._tracker_or_none.logs.evidence = self._joined.evidence
                self._tracker_or_none.logs.astray = self._joined.astray
                self._tracker_or_none.logs.reaches = self._joined.reaches
                self._tracker_or_none.logs.devices = self._joined.devices
                self._tracker_or_none.logs.unaligned = self._joined.unaligned
                self._tracker_or_none.logs.spans = self._joined.spans
                self._tracker_or_none.watched = self._joined.watched
                self._tracker_or_none.crossed = Crossed(self._joined.arrivals)
        return self._tracker_or_none

    def diagnosis(self) -> list[str]:
        """Why nothing was found, in sentences; empty when something was."""
        peers = self.peers()
        said = diagnosis(self.sources, peers, (self._since_ns, self._until_ns))
        paths = {info.id: info.path for info in self.sources}
        if not peers:
            said += configured(self.configurations(), paths)
        options = self.options
        return said + unfit(peers, options.policies, self.configurations(), paths, options.local)

    # --- reading ---------------------------------------------------------------------------

    def configurations(self) -> tuple[Configuration, ...]:
        """Device configurations among the inputs, also those a terminal log shows."""
        if self._configurations is None:
            from analyzers.configs.daemon_options import with_daemon_options

            paths = {info.id: info.path for info in self.sources}
            self._configurations = with_daemon_options(self._opened.configurations, paths)
        return self._configurations

    def unparsed(self) -> list[UnparsedLine]:
        """Log lines of known dialects that nothing understands, as far as they are kept."""
        return list(self._unparsed)

    def log_texts(self) -> tuple[LogText, ...]:
        """Where the lines of the logs are, for `session.log_lines.LogLines`."""
        return tuple(self._log_texts)

    def _read_ahead(self) -> None:
        """One core decodes the largest capture while the other tracks."""
        captures = [n for n, r in enumerate(self._readers) if isinstance(r, CaptureReader)]
        if not captures:
            return
        largest = max(captures, key=lambda n: self._readers[n].info.size_bytes or 0)
        first = self._readers[largest]
        if isinstance(first, CaptureReader) and can_read_ahead(first.info.size_bytes):
            self._readers[largest] = ReaderAhead(first)

    def _join(self, progress: Callable[[Progress], None] | None) -> None:
        """Read the logs, and put all inputs on one clock."""
        opened, options = self._opened, self.options
        texts = opened.texts
        captures = [n for n, s in enumerate(self.sources) if s.kind == "capture"]
        views = 1 < len(captures) <= _MAX_VIEWS
        if not texts and not views and not options.clocks.offsets_ns:
            return
        from analyzers.session.clocks import ClockJoiner
        from analyzers.session.log_lines import log_text
        from analyzers.session.naming import name_by_children, name_by_configurations
        from analyzers.session.same_messages import facts_of
        from analyzers.session.shown_together import shown_of
        from analyzers.session.survey import survey, unread
        from analyzers.session.texts import configurations_in, read_log
        from analyzers.session.viewpoints import leaver_of
        from analyzers.tracking.sightings import KeyFamily

        logs: list[LogSource] = []
        for text in texts:
            info = self.sources[text.number]
            log = text.read or read_log(text.text, text.number, text.name, info, text.dialects)
            twin = next((known for known in logs if known.digest == log.digest), None)
            if twin is None:
                opened.configurations += configurations_in(log)
                self._configurations = None
            else:
                log.empty(twin.info.id)
            logs.append(log)
            if progress is not None:
                progress(self._progress(info.path, done=False))
        if not captures:
            name_by_configurations(logs, self.configurations())
        if len(self.sources) == 1 and captures:
            clocks = [unread(opened.specs[0], 0, self.sources[0])]
        else:
            facts = facts_of(logs) if captures else set()
            wanted = facts if len(captures) == 1 else None
            numbered = any(family is KeyFamily.SEQUENCE for family, _ in facts)
            keys = self._keys if numbered else None
            clocks = [
                survey(opened.specs[n], n, self.sources[n], options, wanted, keys) for n in captures
            ]
            if name_by_children(logs, clocks) and wanted is not None:
                # By their new names the logs may have more in common with it.
                n, named = captures[0], facts_of(logs)
                if not named <= wanted:
                    clocks = [survey(opened.specs[n], n, self.sources[n], options, named, keys)]
        joined = ClockJoiner(options.clocks).join(clocks, logs)
        self._shifts = {c.number: c.shift_ns for c in clocks if c.shift_ns}
        ends = [c.last_ns + c.shift_ns for c in clocks if c.last_ns]
        self._captured_until_ns = max(ends, default=None)
        leavers = {n: leaver_of(n, joined) for n in captures}
        self._leavers = {n: leaver for n, leaver in leavers.items() if leaver is not None}
        self.alignments = tuple(joined.alignments)
        self._joined = joined
        told: set[bytes] = set()
        for log in logs:
            stream = joined.streams.pop(log.number)
            # A device may have started long before it had anything to say of a peer.
            times = [e.at_ns for e in log.about_peers if e.at_ns is not None]
            times = [at_ns for at_ns in times if at_ns >= ORDER_LIMIT_NS]
            log.info.first_ns, log.info.last_ns = min(times, default=None), max(times, default=None)
            log.info.last_line_ns = log.end_ns if times else None
            self._unparsed += [
                UnparsedLine(log.info.path, line, text.replace("\n", " "))
                for line, text in log.tally.samples
            ]
            if options.keep_lines and log.digest not in told:
                told.add(log.digest)
                self._log_texts.append(log_text(log, opened))
            kinds = Counter(e.kind for e in log.events)
            log.info.log_events = {kind.value: count for kind, count in kinds.items()}
            self._readers[log.number] = LogReplay(log.info, stream)

        self._shown = shown_of(logs, captured=bool(captures))

    def _read(self, readers: list[Reader], progress: Callable[[Progress], None] | None) -> None:
        from analyzers.tracking.ordering import Orderer

        orderer = self._orderer = Orderer(len(readers))
        while (number := orderer.behind()) is not None:
            reader = readers[number]
            batch = reader.read()
            if batch is not None:
                batch = shifted(batch, self._shifts.get(number, 0))
                if number in self._leavers:
                    batch = self._leavers[number].rest(batch)
                self._tracker.know_flows(number, batch.new_flows, batch.moves)
                orderer.add(number, batch)
            if batch is None or self._is_past(number):
                orderer.close(number)
            self._release(self.options.batch_rows)
            if progress is not None:
                progress(self._progress(reader.info.path, done=orderer.behind() is None))

    def _release(self, at_least: int = 0) -> None:
        """Track what no later batch can precede, if `at_least` so many rows wait."""
        ready = None if self._orderer is None else self._orderer.release(at_least)
        if ready is not None:
            self._feed(ready)

    def _progress(self, path: str, *, done: bool) -> Progress:
        return Progress(
            path=path,
            read_bytes=sum(r.position_bytes for r in self._readers),
            total_bytes=self._opened.total_bytes,
            packets=sum(s.packets for s in self.sources),
            ike_messages=0 if self._tracker_or_none is None else self._tracker.ike_messages,
            done=done,
        )

    def _is_past(self, number: int) -> bool:
        last = self._common_ns(number, self.sources[number].last_ns)
        return (
            self._until_ns is not None
            and self.sources[number].kind != "log"  # of which the end is known from the beginning
            and last is not None
            and last > self._until_ns + _PAST_UNTIL_NS
        )

    def _common_ns(self, number: int, at_ns: int | None) -> int | None:
        """A time of a source, while it is read, on the common clock."""
        return None if at_ns is None else at_ns + self._shifts.get(number, 0)

    def _feed(self, batch: OrderedBatch) -> None:
        self._fix_window(batch)
        batch = self._in_window(batch)
        if self._captured_until_ns is not None:
            # What comes later in a log does not make the silence at the end of a capture longer.
            batch = replace(batch, now_ns=min(batch.now_ns, self._captured_until_ns))
        self._tracker.feed(batch)
        for problem in self._tracker.take_problems():
            number = number_of(problem)
            self.sources[number].note(problem)

    def _fix_window(self, batch: OrderedBatch) -> None:
        """Turn a window relative to the first packet into times, once that packet is known."""
        options = self.options
        if options.since_offset_ns is None and options.until_offset_ns is None:
            return
        times = [self._common_ns(n, s.first_ns) for n, s in enumerate(self.sources)]
        first = min((at_ns for at_ns in times if at_ns is not None), default=0)
        if options.since_offset_ns is not None and self._since_ns is None:
            self._since_ns = first + options.since_offset_ns
        if options.until_offset_ns is not None and self._until_ns is None:
            self._until_ns = first + options.until_offset_ns

    def _in_window(self, batch: OrderedBatch) -> OrderedBatch:
        since, until = self._since_ns, self._until_ns
        if since is None and until is None:
            return batch
        low = -(1 << 62) if since is None else since
        high = (1 << 62) if until is None else until
        keep = (batch.esp.at_ns >= low) & (batch.esp.at_ns <= high)
        kept_before = np.concatenate(([0], np.cumsum(keep)))
        events = []
        for event in batch.events:
            at_ns = event.key_ns if event.observation.at_ns is None else event.observation.at_ns
            if low <= at_ns <= high:
                place = int(kept_before[event.esp_before])
                events.append(replace(event, esp_before=place))
            elif isinstance(event.observation, Datagram):
                self._tracker.learn(event.observation)
        outside = np.flatnonzero(~keep)
        if len(outside):
            self._tracker.learn_flows(batch.esp.take(outside), batch.esp_source[outside])
        rows = np.flatnonzero(keep)
        return replace(
            batch,
            esp=batch.esp.take(rows),
            esp_source=batch.esp_source[rows],
            events=events,
            now_ns=min(batch.now_ns, high),
        )

    def _end_ns(self) -> int | None:
        captures = [s for s in self.sources if s.kind == "capture"]
        ends = [s.until_ns or s.last_ns for s in captures or self.sources]
        end_ns = max((end_ns for end_ns in ends if end_ns is not None), default=None)
        if end_ns is None:
            return None
        return end_ns if self._until_ns is None else min(end_ns, self._until_ns)
