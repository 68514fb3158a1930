"""The one driver: opens the inputs, pulls batches, feeds the tracker, answers with views."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from analyzers.decode.ahead import ReaderAhead, can_read_ahead
from analyzers.decode.captures import CHUNK_BYTES, CaptureReader, capture_format
from analyzers.errors import KeyFileError, SourceError
from analyzers.model.observations import Datagram
from analyzers.model.peer import PeerView
from analyzers.model.records import Problem, ProblemKind, SourceInfo, source_id
from analyzers.model.time import NS_PER_SECOND, nanoseconds
from analyzers.sources.inputs import Input, InputSpec, expand, open_input, read_text

if TYPE_CHECKING:
    from analyzers.tracking.engine import Tracker
    from analyzers.tracking.ordering import OrderedBatch
    from analyzers.wire.keys import KeyRing

# Tracking and keys are imported where they are first needed: by then a large input is being read
# ahead in a process of its own, and importing costs no time.

# A key table has a line an SA; a charon log with key dumps may be long.
_MAX_KEY_FILE_BYTES: Final = 256 << 20
_KEY_TABLES: Final = ("ikev1_decryption_table", "ikev2_decryption_table")
# Reading stops this long after `until`, when no reordering can bring an earlier frame any more.
_PAST_UNTIL_NS: Final = NS_PER_SECOND


# Vector operations on fewer rows cost more for being called than for what they do.
BATCH_ROWS: Final = 1 << 15


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """What the user chose. Times in ns since the epoch, durations in seconds."""

    keys: tuple[str, ...] = ()
    local: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    budget_s: float = 30.0
    black_hole_min_s: float = 3.0
    since_ns: int | None = None
    until_ns: int | None = None
    since_offset_ns: int | None = None
    """Relative to the first packet of all inputs; instead of `since_ns`."""
    until_offset_ns: int | None = None
    chunk_bytes: int = CHUNK_BYTES
    """How much of a capture is read at once; the result does not depend on it."""
    batch_rows: int = BATCH_ROWS
    """How many observations are tracked at once; the result does not depend on it."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the reading is."""

    path: str
    read_bytes: int
    total_bytes: int | None
    packets: int
    ike_messages: int
    done: bool


Reader = CaptureReader | ReaderAhead


class Session:
    """One analysis of a set of inputs."""

    def __init__(self, options: SessionOptions | None = None) -> None:
        """Raises KeyFileError for key files that cannot be used."""
        self.options = options or SessionOptions()
        self.sources: list[SourceInfo] = []
        self._keys = _load_keys(self.options.keys)
        self._tracker_or_none: Tracker | None = None
        self._since_ns = self.options.since_ns
        self._until_ns = self.options.until_ns
        self._views: tuple[PeerView, ...] | None = None
        self._opened: list[Input] = []
        self._readers: list[Reader] = []

    def run(
        self, inputs: Sequence[str], progress: Callable[[Progress], None] | None = None
    ) -> None:
        """Read all inputs to their end. Raises SourceError where one cannot be read."""
        self.open(inputs)
        self.read(progress)

    def open(self, inputs: Sequence[str]) -> None:
        """Open all inputs; a large one is read ahead from now on. Raises SourceError."""
        try:
            self._readers = self._open(inputs)
        except BaseException:
            self.close()
            raise

    def read(self, progress: Callable[[Progress], None] | None = None) -> None:
        """Read what was opened to its end. Raises SourceError where that is not possible."""
        try:
            self._read(self._readers, progress)
        finally:
            self.close()
        for problem in self._tracker.finish():
            self.sources[_source_number(problem)].note(problem)
        self._note_duplicates()
        self._note_keys()
        self._views = None

    def close(self) -> None:
        """Release the inputs."""
        for reader in self._readers:
            reader.close()
        for item in self._opened:
            item.close()
        self._opened = []

    def peers(self) -> tuple[PeerView, ...]:
        """All peers, in the order in which they appeared."""
        if self._views is None:
            from analyzers.tracking.views import Viewer

            viewer = Viewer(self._tracker, frozenset(self.options.local), self._end_ns())
            self._views = viewer.peers()
        return self._views

    @property
    def _tracker(self) -> Tracker:
        if self._tracker_or_none is None:
            from analyzers.decode.ike import IkeDecoder
            from analyzers.tracking.engine import Tracker

            self._tracker_or_none = Tracker(
                IkeDecoder(self._keys),
                budget_ns=nanoseconds(self.options.budget_s),
                report_ns=nanoseconds(self.options.black_hole_min_s),
            )
        return self._tracker_or_none

    def diagnosis(self) -> list[str]:
        """Why nothing was found, in sentences; empty when something was."""
        peers = self.peers()
        packets = sum(s.packets for s in self.sources)
        ike = sum(s.ike_messages for s in self.sources)
        esp = sum(s.esp_packets for s in self.sources)
        if ike == 0 and esp == 0:
            return _nothing_found(self.sources, packets)
        said = []
        if ike == 0:
            said.append(
                f"There is ESP ({esp} packets) but no IKE in {packets} packets: the liveness of a"
                " peer cannot be told from ESP alone. Capture UDP ports 500 and 4500 as well."
            )
        deaf = [p for p in peers if any(q.kind is _INSUFFICIENT for q in p.problems)]
        if deaf and len(deaf) == len(peers):
            said.append(
                "Only one direction was captured: silence and missing answers say nothing then."
                " Capture both directions (a mirror port often sends one only)."
            )
        return said

    # --- reading ---------------------------------------------------------------------------

    def _open(self, names: Sequence[str]) -> list[Reader]:
        readers: list[Reader] = []
        specs = expand(tuple(names))
        ports = frozenset(self.options.ports)
        for spec in specs:
            item = _open_capture(spec)
            if item is None:
                continue
            self._opened.append(item)
            info = SourceInfo(
                id=source_id(len(self.sources)),
                path=item.path,
                kind="capture",
                format="",
                size_bytes=item.size_bytes,
            )
            reader = CaptureReader(item.stream, item.head, info, ports, self.options.chunk_bytes)
            self.sources.append(info)
            readers.append(reader)
        if not readers:
            where = ", ".join(names)
            raise SourceError(
                f"no capture in {where}", "captures are pcap or pcapng files, also .gz and .zst"
            )
        # One core decodes the largest input while the other tracks.
        largest = max(range(len(readers)), key=lambda n: readers[n].info.size_bytes or 0)
        first = readers[largest]
        if isinstance(first, CaptureReader) and can_read_ahead(first.info.size_bytes):
            readers[largest] = ReaderAhead(first)
        return readers

    def _read(self, readers: list[Reader], progress: Callable[[Progress], None] | None) -> None:
        from analyzers.tracking.ordering import Orderer

        orderer = Orderer(len(readers))
        total = sum(item.size_bytes or 0 for item in self._opened)
        known = all(item.size_bytes is not None for item in self._opened)
        while (number := orderer.behind()) is not None:
            reader = readers[number]
            batch = reader.read()
            if batch is not None:
                self._tracker.know_flows(number, batch.new_flows)
                orderer.add(number, batch)
            if batch is None or self._is_past(reader):
                orderer.close(number)
            ready = orderer.release(self.options.batch_rows)
            if ready is not None:
                self._feed(ready)
            if progress is not None:
                progress(
                    Progress(
                        path=reader.info.path,
                        read_bytes=sum(r.position_bytes for r in readers),
                        total_bytes=total if known else None,
                        packets=sum(s.packets for s in self.sources),
                        ike_messages=self._tracker.ike_messages,
                        done=orderer.behind() is None,
                    )
                )

    def _is_past(self, reader: Reader) -> bool:
        last = reader.info.last_ns
        return (
            self._until_ns is not None
            and last is not None
            and last > self._until_ns + _PAST_UNTIL_NS
        )

    def _feed(self, batch: OrderedBatch) -> None:
        self._fix_window(batch)
        batch = self._in_window(batch)
        self._tracker.feed(batch)
        for problem in self._tracker.take_problems():
            number = _source_number(problem)
            self.sources[number].note(problem)

    def _fix_window(self, batch: OrderedBatch) -> None:
        """Turn a window relative to the first packet into times, once that packet is known."""
        options = self.options
        if options.since_offset_ns is None and options.until_offset_ns is None:
            return
        first = min(s.first_ns for s in self.sources if s.first_ns is not None)
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
            at_ns = event.observation.at_ns
            if low <= at_ns <= high:
                place = int(kept_before[event.esp_before])
                events.append(event._replace(esp_before=place))
            elif at_ns < low and isinstance(event.observation, Datagram):
                self._tracker.learn(event.observation)
        rows = np.flatnonzero(keep)
        return replace(
            batch,
            esp=batch.esp.take(rows),
            esp_source=batch.esp_source[rows],
            events=events,
            now_ns=min(batch.now_ns, high),
        )

    def _end_ns(self) -> int | None:
        ends = [s.last_ns for s in self.sources if s.last_ns is not None]
        if not ends:
            return None
        end_ns = max(ends)
        return end_ns if self._until_ns is None else min(end_ns, self._until_ns)

    def _note_duplicates(self) -> None:
        tracker = self._tracker
        for source in self.sources:
            source.ike_messages = tracker.messages_by_source[source.id]
            count = tracker.duplicate_messages[source.id]
            if count:
                source.note(
                    Problem(
                        ProblemKind.CAPTURE_DUPLICATE,
                        "IKE messages were recorded twice; they are no retransmissions",
                        None,
                        count,
                    )
                )
        if tracker.flows.duplicates:
            self.sources[0].note(
                Problem(
                    ProblemKind.CAPTURE_DUPLICATE,
                    "ESP packets were recorded twice; they are counted once",
                    None,
                    tracker.flows.duplicates,
                )
            )

    def _note_keys(self) -> None:
        if self._keys is None or not self.sources:
            return
        problems = self.sources[0].problems
        for line, text in self._keys.problems:
            problems.append(Problem(ProblemKind.KEY_ROW, f"line {line}: {text}"))
        unused = self._keys.unused()
        if unused:
            shown = "; ".join(unused[:3]) + ("; …" if len(unused) > 3 else "")
            problems.append(Problem(ProblemKind.KEYS_UNUSED, shown, None, len(unused)))


_INSUFFICIENT: Final = ProblemKind.CAPTURE_INSUFFICIENT


def _open_capture(spec: InputSpec) -> Input | None:
    """The opened capture; None for a file in a directory that is something else."""
    try:
        item = open_input(spec)
    except SourceError:
        if spec.required:
            raise
        return None
    if capture_format(item.head) is not None:
        return item
    item.close()
    if not spec.required:
        return None
    if not item.head:
        raise SourceError(f"{item.path} is empty")
    raise SourceError(
        f"{item.path} is not a capture", "captures are pcap or pcapng files, also .gz and .zst"
    )


def _source_number(problem: Problem) -> int:
    return 0 if problem.ref is None else int(problem.ref.source[1:]) - 1


def _nothing_found(sources: list[SourceInfo], packets: int) -> list[str]:
    if not packets:
        return ["There are no packets in the input."]
    seen: dict[str, int] = {}
    for source in sources:
        for name, count in source.protocols.items():
            seen[name] = seen.get(name, 0) + count
    common = sorted(seen.items(), key=lambda item: -item[1])[:6]
    said = [f"0 of {packets} packets are IKE, and none is ESP."]
    if common:
        listed = ", ".join(f"{name} ({count})" for name, count in common)
        said.append(f"What was seen instead: {listed}.")
    said.append(
        "IKE is looked for on UDP ports 500 and 4500 and in TCP port 4500;"
        " name further ports with --port."
    )
    keepalives = sum(s.nat_keepalives for s in sources)
    if keepalives:
        said.append(f"There are {keepalives} NAT keepalives: a tunnel exists, but says nothing.")
    return said


def _load_keys(paths: tuple[str, ...]) -> KeyRing | None:
    """The keys of all files; a directory gives Wireshark's two tables."""
    if not paths:
        return None
    from analyzers.wire.keys import KeyRing, parse_keys

    ring = KeyRing()
    for path in paths:
        files = [path]
        if Path(path).is_dir():
            files = [str(Path(path) / name) for name in _KEY_TABLES]
            files = [name for name in files if Path(name).is_file()]
            if not files:
                raise KeyFileError(
                    f"{path} holds no key table",
                    f"expected {' or '.join(_KEY_TABLES)}, as Wireshark writes them",
                )
        for name in files:
            try:
                text = read_text(name, _MAX_KEY_FILE_BYTES)
            except SourceError as error:
                raise KeyFileError(error.message, error.hint) from error
            found = parse_keys(text, name)
            if not found:
                raise KeyFileError(
                    f"{name} holds no usable key",
                    found.problems[0][1] if found.problems else "it has no row",
                )
            ring = ring.merged(found)
    return ring
