"""Text inputs: told apart by content, decoded, and read into events."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

from analyzers.decode.log_gaps import without
from analyzers.decode.log_relay import Relayed
from analyzers.decode.log_repeats import told_once
from analyzers.decode.log_wrap import begins_with_stamp
from analyzers.decode.logs import LogDecoder, LogTally
from analyzers.dialects.dialect import Dialect
from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.records import Problem, ProblemKind, SourceInfo
from analyzers.sources.binary import is_binary
from analyzers.sources.inputs import Input
from analyzers.sources.kept_clock import KeptClock

if TYPE_CHECKING:
    from analyzers.model.configuration import Configuration
    from analyzers.model.snapshot import Snapshot
    from analyzers.tracking.alignment import Fit

# What a text is shows in its first part.
_PROBE_BYTES: Final = 256 << 10
_PIECE_BYTES: Final = 1 << 20
# A log that was emptied while a program wrote to it begins with as many NULs as it was long.
_MAX_GAP: Final = 256 << 20
# What a program dumped in one line may stand before the lines of a log.
_MAX_LONG_LINE: Final = 64 << 20
_LONG_LINES: Final = 2
# Most logs show what they are at once.
_GLANCE: Final = 16 << 10
# Configurations and outputs of `show` are looked for in this much of a log, and only where one of
# these stands: looking for them costs as much as reading the log.
_MAX_KEPT: Final = 32 << 20
_SHOWS: Final = (
    "show ", "pkts encaps", "conn-id", "Building configuration", "list-sas", "statusall",
    "vpn ike gateway", "vpn tunnel list", "trafficstatus", "ipsec status", "Session status",
    "crypto isakmp keepalive", "crypto ikev2 dpd", "Session Type", "IKE SA",
    "Crypto IKEv2", ", IKEv1, ", ", IKEv2, ", "Security Associations (", "\n000 #",
    "Traffic: ESPin=", "ESP, add_time=", "proxyid_num=",
)  # fmt: skip
# The short form of the command, which debugs of negotiations have in "hash SHA".
_SHOWS_SHORT: Final = re.compile("sh (?<!hash )")
# A file nobody named, found in a directory, is a log if this share of its lines is: most lines of
# a console transcript are those of commands.
_FOUND_SHARE: Final = 0.01
# Or if this share of them begins as lines of a log do, and any is understood.
_STAMPED_SHARE: Final = 0.5


class LogSource(Struct):
    """One log, read to its end; times are its own until the clocks are settled."""

    number: int
    name: str
    """As the user named it."""
    info: SourceInfo
    tally: LogTally
    events: list[LogEvent] = field(default_factory=list)
    moved_ns: dict[int, int] = field(default_factory=dict)
    """By how much events were moved to stand in their order among the messages of captures."""
    modified_ns: int | None = None
    """When the file was last written."""
    kept_clock: KeptClock | None = None
    """On which clock a live session took it."""
    digest: bytes = b""
    """Of the whole text: two inputs with the same one are one log."""
    text: str = ""
    """All of it, where it shows more than log lines."""
    snapshots: tuple[Snapshot, ...] = ()
    """What the device showed of its SAs, on the log's own clock."""
    to_common: Callable[[int], int] = lambda at_ns: at_ns
    """Takes a time of the log's own clock to the common one."""
    fit: Fit | None = None
    """What told its clock, if another input did."""
    denied: Fit | None = None
    """What another input tells of a clock that the user has set, where that is something else."""
    relayed: Relayed | None = None
    """What the stamps of a relay tell of those of the device."""
    goes_on_ns: int = 0
    """How long lines go on after its last event, whether anything understands them or not."""

    @property
    def end_ns(self) -> int | None:
        """When its last line was written, as far as its stamps tell."""
        times = [event.at_ns for event in self.events if event.at_ns is not None]
        return max(times) + self.goes_on_ns if times else None

    @property
    def about_peers(self) -> list[LogEvent]:
        """Its events but for the starts of its device: these say nothing of any peer."""
        return [event for event in self.events if event.kind is not LogEventKind.STARTED]

    def empty(self, twin: str) -> None:
        """Say that it is the same log as another input, and tell nothing of it again."""
        text = f"the same text as {twin}: it is told once"
        self.info.note(Problem(ProblemKind.CAPTURE_DUPLICATE, text))
        self.events, self.snapshots, self.text = [], (), ""


class TextInput:
    """The text of an opened input, a piece at a time."""

    def __init__(self, item: Input) -> None:
        """Reads the first part, by which the kind of text is told."""
        self.item = item
        first = self._past_gap(self._read(_PROBE_BYTES))
        self._last_bytes = len(first)
        encoding = "utf-8"
        if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            encoding = "utf-16"
        self._decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
        self.binary = encoding == "utf-8" and is_binary(first)
        behind = b"" if self.binary else self._past_long_lines(first)
        self.whole = self._last_bytes < _PROBE_BYTES
        self.first = self._decoder.decode(first, final=self.whole and not behind)
        self.telling = self.first
        """The part of the text that tells what it is."""
        if behind:
            more = self._decoder.decode(behind, final=self.whole)
            _, end, lines = more.partition("\n")
            self.telling = lines if end else self.first
            self.first += more
        self.damaged = 0

    def pieces(self) -> _Pieces:
        """All of the text, from its start."""
        return _Pieces(self)

    def all(self, limit: int) -> str:
        """The whole text, up to about `limit` characters."""
        kept, size = [], 0
        for piece in self.pieces():
            kept.append(piece)
            size += len(piece)
            if size > limit:
                break
        return "".join(kept)

    def next(self) -> str:
        """The next piece after the first one; empty at the end."""
        if self.whole:
            return ""
        data = self._read(_PIECE_BYTES)
        self.whole = len(data) < _PIECE_BYTES
        return self._decoder.decode(data, final=self.whole)

    def _past_gap(self, first: bytes) -> bytes:
        """The first part; one that is all NULs goes on behind them, they count as one."""
        passed = len(first)
        while len(first) == _PROBE_BYTES and passed < _MAX_GAP and not first.strip(b"\0"):
            first = b"\0" + self._read(_PROBE_BYTES - 1)
            passed += len(first)
        return first

    def _past_long_lines(self, first: bytes) -> bytes:
        """What follows a first part without lines, up to a part that has some; mostly nothing."""
        behind: list[bytes] = []
        part, passed = first, len(first)
        while (
            self._last_bytes == _PROBE_BYTES
            and len(part.splitlines()) <= _LONG_LINES
            and passed < _MAX_LONG_LINE
        ):
            part = self._read(_PROBE_BYTES)
            behind.append(part)
            self._last_bytes = len(part)
            passed += len(part)
        return b"".join(behind)

    def _read(self, limit: int) -> bytes:
        view = memoryview(bytearray(limit))
        return bytes(view[: self.item.stream.read_into(view)])


class _Pieces:
    def __init__(self, text: TextInput) -> None:
        self._text = text
        self._begun = False

    def __iter__(self) -> _Pieces:
        return self

    def __next__(self) -> str:
        if not self._begun:
            self._begun = True
            return self._text.first
        piece = self._text.next()
        if not piece:
            raise StopIteration
        return piece


def log_share(first: str, dialects: Sequence[Dialect]) -> float:
    """Which share of the first lines belongs to a dialect and is understood; 0 for other text."""
    decoder = LogDecoder(SourceInfo("s0", "", "log", ""), dialects)
    decoder.feed(first)
    decoder.finish()
    tally = decoder.tally
    lines = sum(1 for line in first.split("\n") if line.strip())
    if not tally.matched:
        return 0.0
    return min(1.0, sum(tally.dialects.values()) / max(lines, 1))


def kind_of(text: TextInput, dialects: Sequence[Dialect], *, named: bool) -> str | None:
    """ "log" or "config", by content; None for other text.

    `named`: the user named the file himself, so that little is enough.
    """
    from analyzers.configs.catalogue import detect, read_configurations
    from analyzers.snapshots.find import find_snapshots

    first = without(text.telling)
    if detect(first) is not None:
        return "config"
    if is_log(text.telling, dialects, named=named):
        return "log"
    if find_snapshots(enumerate(first.split("\n"), 1)):
        return "log"
    return "config" if named and read_configurations(first, "s0") else None


def is_log(first: str, dialects: Sequence[Dialect], *, named: bool) -> bool:
    """Whether a text is a log; `named`: the user named the file himself."""
    if named and len(first) > _GLANCE and log_share(first[:_GLANCE], dialects) > 0:
        return True
    share = log_share(first, dialects)
    return share > 0 if named or _looks_like_log(first) else share >= _FOUND_SHARE


def _looks_like_log(first: str) -> bool:
    """Whether the first lines begin with stamps, whatever they say."""
    lines = [line for line in first[:_GLANCE].splitlines() if line.strip()]
    return sum(map(begins_with_stamp, lines)) > _STAMPED_SHARE * len(lines)


def read_on(
    text: TextInput,
    number: int,
    name: str,
    info: SourceInfo,
    dialects: Sequence[Dialect],
    *,
    named: bool,
) -> LogSource | None:
    """Read a text whose first part does not tell what it is; None if the rest does not either.

    `named`: the user named the file himself; another one must look like a log.
    """
    if text.binary or text.whole or not (named or _looks_like_log(text.telling)):
        return None
    log = read_log(text, number, name, info, dialects)
    return log if log.tally.matched or log.snapshots else None


def _may_show(text: str) -> bool:
    """Whether a part of a log may have more than log lines in it."""
    return _SHOWS_SHORT.search(text) is not None or any(mark in text for mark in _SHOWS)


def _goes_on_ns(events: Sequence[LogEvent], end_ns: int | None) -> int:
    last_ns = max((e.at_ns for e in events if e.at_ns is not None), default=None)
    return 0 if last_ns is None or end_ns is None else max(0, end_ns - last_ns)


def read_log(
    text: TextInput, number: int, name: str, info: SourceInfo, dialects: Sequence[Dialect]
) -> LogSource:
    """Read a log to its end."""
    decoder = LogDecoder(info, dialects)
    source = LogSource(number, name, info, decoder.tally)
    replaced = 0
    kept: list[str] = []
    size, shows = 0, False
    digest = blake2b(digest_size=16)
    for piece in text.pieces():
        size += len(piece)
        digest.update(piece.encode("utf-8", "replace"))
        if size <= _MAX_KEPT:
            kept.append(without(piece))
            shows = shows or _may_show(piece)
        if not piece.isascii():
            replaced += piece.count("\ufffd")
        source.events += decoder.feed(piece)
    source.events += decoder.finish()
    source.relayed = decoder.relayed()
    source.goes_on_ns = _goes_on_ns(source.events, decoder.end_ns())
    told, source.events = len(source.events), told_once(source.events)
    if told > len(source.events):
        why = "events that it shows again, printed once more: they are told once"
        count = told - len(source.events)
        info.note(Problem(ProblemKind.CAPTURE_DUPLICATE, why, None, count))
    if replaced:
        info.note(
            Problem(
                ProblemKind.BAD_ENCODING,
                "bytes that are no UTF-8 were replaced",
                None,
                replaced,
            )
        )
    if text.item.stream.damage:
        info.note(Problem(ProblemKind.BAD_COMPRESSION, text.item.stream.damage))
    tally = decoder.tally
    info.resolution_ns = tally.resolution_ns or 1
    info.format = tally.dialects.most_common(1)[0][0] if tally.dialects else "unknown"
    info.log_lines = sum(tally.dialects.values())
    info.unparsed_lines = tally.unparsed
    info.dialects = dict(tally.dialects.most_common())
    source.digest = digest.digest()
    source.modified_ns, source.kept_clock = text.item.modified_ns, text.item.clock
    source.text = "".join(kept) if shows else ""
    source.snapshots = _snapshots_in(source)
    return source


def configurations_in(log: LogSource) -> list[Configuration]:
    """Configurations that a terminal log shows among other things."""
    if not log.text:
        return []
    from analyzers.configs.catalogue import find_configurations, merged, read_block

    blocks = merged(find_configurations(log.text.splitlines()))
    found = [read_block(block, log.info.id) for block in blocks]
    for configuration in found:
        for problem in configuration.problems:
            log.info.note(problem)
    return found


def _snapshots_in(log: LogSource) -> tuple[Snapshot, ...]:
    """What the device showed of its SAs in a terminal log, on the log's own clock."""
    if not log.text:
        return ()
    from analyzers.snapshots.find import snapshots_in

    return snapshots_in(log.text, log.info.id)
