"""The text of all logs of a run, line by line, in the order of the common clock.

Reading the logs keeps no text. Here is where each line begins (`sources.lines`), which of them
said something, and when: a line has the time of its own stamp, put on the common clock by the
event nearest before it, or that of the line before (`session.line_times`). About 30 bytes a line
are held.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from enum import StrEnum
from functools import lru_cache
from itertools import islice
from typing import IO, TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from analyzers.dialects.dialect import Dialect, Reader
from analyzers.dialects.logical_lines import stamp_at_start
from analyzers.dialects.physical_lines import DECIDING, ends_with_cr
from analyzers.errors import SourceError
from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.records import Ref
from analyzers.session.causes import Told, causes_first
from analyzers.session.line_times import NO_TIME, Int64s, LineClock, placed, rising
from analyzers.sources.lines import BLOCK_LINES, GoOn, LineFile, as_utf8, plain_text

if TYPE_CHECKING:
    from analyzers.session.opening import Opened
    from analyzers.session.texts import LogSource

MAX_LINES: Final = 4_000_000
"""Lines of all logs together; further ones are not shown."""
_KEPT_BLOCKS: Final = 128
_MOST_BETWEEN: Final = 256
_KINDS: Final = tuple(LogEventKind)
_WEIGHTY: Final = (LogEventKind.PEER_DEAD, LogEventKind.GAVE_UP)
_AGAIN: Final = 0x80
_SENT: Final = 0x40
_RECEIVED: Final = 0x20
_KIND: Final = 0x1F


class LogText(Struct, frozen=True):
    """One log that was read: where its text is, and which lines said something."""

    source: str
    path: str
    """Of the file."""
    kept: IO[bytes] | None
    """What was kept of a pipe."""
    lines: int
    """How many lines were read."""
    records: Int64s
    """Lines of events, in the order of the lines."""
    at_ns: Int64s
    """Their times on the common clock; -1 is none."""
    codes: npt.NDArray[np.uint8]
    """What they are."""
    unparsed: frozenset[int] | None
    """Lines that nothing understands; None if there are too many to know all."""
    dialects: tuple[Dialect, ...]


def log_text(log: LogSource, opened: Opened) -> LogText:
    """What is to be known of a log that was read; its events are on the common clock."""
    tally = log.tally
    # Of several events of a line the weightiest comes last.
    events = sorted(log.events, key=lambda e: (e.ref.record, e.kind in _WEIGHTY))
    open_text = next(text for text in opened.texts if text.number == log.number)
    return LogText(
        log.info.id,
        opened.specs[log.number].path,
        open_text.kept,
        log.info.lines,
        np.array([e.ref.record for e in events], np.int64),
        np.array([_stamped_ns(e, log) for e in events], np.int64),
        np.array([code_of(e) for e in events], np.uint8),
        frozenset(n for n, _ in tally.samples) if tally.unparsed <= len(tally.samples) else None,
        open_text.dialects,
    )


def _stamped_ns(event: LogEvent, log: LogSource) -> int:
    """When its own stamp says that it was."""
    if event.at_ns is None:
        return NO_TIME
    return event.at_ns - log.moved_ns.get(id(event), 0)


def code_of(event: LogEvent) -> int:
    """What an event says, in a byte; 0 would be nothing."""
    way = 0 if event.sent is None else _SENT if event.sent else _RECEIVED
    return _KINDS.index(event.kind) + 1 | way | (_AGAIN if event.retransmission else 0)


class Sense(StrEnum):
    """What was made of a line."""

    EVENT = "event"
    """It said something."""
    KNOWN = "known"
    """Its dialect knows it, and it says nothing about liveness by itself."""
    UNKNOWN = "unknown"
    """It is of a dialect, and nothing understands it."""
    OTHER = "other"
    """No dialect's: the rest of a line, a prompt, something else."""


class LineReading(Struct, frozen=True):
    """A line as its dialect understands it."""

    text: str
    sense: Sense
    stamp: int
    """Where the text behind the stamp begins."""
    fields: tuple[tuple[str, int, int], ...]
    """Name, start and end of what was read from it."""


class LogLines:
    """All lines of all logs. Rows count from 0 in the order of time, lines of a file from 1."""

    def __init__(self, texts: Sequence[LogText], told: Sequence[Told] = ()) -> None:
        """Nothing is read yet: `index` does. `told`: messages that several of the logs have."""
        self.texts = tuple(texts)
        self._told = told
        self.problems: list[str] = []
        """What could not be shown, in sentences."""
        self._files: list[LineFile] = []
        self._known: list[LogText] = []
        self._clocks: list[LineClock] = []
        self._bases: list[int] = []
        self._times: Int64s = np.zeros(0, np.int64)
        self._codes: npt.NDArray[np.uint8] = np.zeros(0, np.uint8)
        self._keys: Int64s = self._times
        self._order: npt.NDArray[np.int32] | None = None
        self._row: npt.NDArray[np.int32] | None = None
        self._blocks: OrderedDict[tuple[int, int], list[str]] = OrderedDict()

    # --- in the background -----------------------------------------------------------------

    def index(self, go_on: GoOn = lambda: True) -> bool:
        """Find the lines of all logs and their times; False if `go_on` said no before the end."""
        times: list[Int64s] = []
        orders: list[Int64s] = []
        room = MAX_LINES
        for text in self.texts:
            try:
                file = self._opened(text, min(text.lines, room), go_on)
            except (SourceError, OSError) as error:
                self.problems.append(f"{text.path} cannot be shown: {error}")
                continue
            if file is None:
                return False
            if len(file) < text.lines:
                said = f"only the first {len(file):,} of {text.lines:,} lines are shown"
                self.problems.append(f"{text.path}: {said}")
            self._bases.append(MAX_LINES - room)
            self._files.append(file)
            self._known.append(text)
            room -= len(file)
            clock = LineClock(file, text.records, text.at_ns)
            self._clocks.append(clock)
            found = placed(clock, go_on)
            if found is None:
                return False
            times.append(found[0])
            orders.append(found[1] + self._bases[-1])
        if times:
            self._times = np.concatenate(times)
            self._codes = np.concatenate(
                [_codes(t, len(f)) for t, f in zip(self._known, self._files, strict=True)]
            )
            self._arrange(np.concatenate(orders), [len(order) for order in orders])
        return True

    def _opened(self, text: LogText, limit: int, go_on: GoOn) -> LineFile | None:
        kept = text.kept
        plain = plain_text(text.path, go_on) if kept is None else as_utf8(kept, go_on)
        if plain is None:
            return None
        plain.seek(0)
        first = plain.read(DECIDING * 4).decode("utf-8", "replace")
        file = LineFile(plain, cr_ends=ends_with_cr(first), limit_lines=limit)
        if file.index(go_on):
            return file
        file.close()
        return None

    def _arrange(self, lines: Int64s, sizes: list[int]) -> None:
        """All lines in the order of time; `lines` are those of each log in its own order."""
        keys = np.concatenate(
            [rising(part) for part in np.split(self._times[lines], np.cumsum(sizes)[:-1])]
        )
        if self._told:
            ends = np.cumsum(sizes).tolist()
            logs = [slice(end - size, end) for end, size in zip(ends, sizes, strict=True)]
            keys = causes_first(keys, self._pairs(lines), logs)
        order = np.argsort(keys, kind="stable")
        self._keys = keys[order]
        lines = lines[order]
        if np.array_equal(lines, np.arange(len(lines))):
            return
        self._order = lines.astype(np.int32)
        self._row = np.empty(len(lines), np.int32)
        self._row[self._order] = np.arange(len(lines), dtype=np.int32)

    def _pairs(self, lines: Int64s) -> list[tuple[int, int, int]]:
        """Places among `lines` of those that sent a message and those that received it."""
        place = np.empty(len(self._times), np.int64)
        place[lines] = np.arange(len(lines))
        found: list[tuple[int, int, int]] = []
        for refs, apart_ns in self._told:
            known = [(ref, line) for ref in refs if (line := self._number(ref)) is not None]
            found += (
                (int(place[sent]), int(place[received]), apart_ns)
                for one, sent in known
                for other, received in known
                if one.source != other.source
                and self._codes[sent] & _SENT
                and self._codes[received] & _RECEIVED
            )
        return found

    def close(self) -> None:
        """Release the files."""
        for file in self._files:
            file.close()
        for text in self.texts:
            if text.kept is not None:
                text.kept.close()

    # --- lines -----------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._times)

    def _line(self, row: int) -> tuple[int, int]:
        """Number of the log, and of the line in it, both from 0."""
        line = row if self._order is None else int(self._order[row])
        log = bisect_right(self._bases, line) - 1
        return log, line - self._bases[log]

    def _place(self, row: int) -> tuple[LogText, int]:
        """The log of a row, and its line in it, from 0."""
        log, line = self._line(row)
        return self._known[log], line

    def _all(self, row: int) -> int:
        return row if self._order is None else int(self._order[row])

    def ref(self, row: int) -> Ref:
        """Where a row stands."""
        log, line = self._line(row)
        return Ref(self._known[log].source, line + 1)

    def row_of(self, ref: Ref) -> int | None:
        """The row of a line; None if it is not here."""
        line = self._number(ref)
        return line if line is None or self._row is None else int(self._row[line])

    def _number(self, ref: Ref) -> int | None:
        """The number of a line among those of all logs, from 0."""
        for log, text in enumerate(self._known):
            if text.source == ref.source and 1 <= ref.record <= len(self._files[log]):
                return self._bases[log] + ref.record - 1
        return None

    def until_ns(self, source: str) -> int | None:
        """When the last line of a log was written, understood or not; None if nothing tells.

        Of a long log that is some lines earlier: its lines are sampled.
        """
        for log, text in enumerate(self._known):
            if text.source == source:
                base = self._bases[log]
                times = self._times[base : base + len(self._files[log])]
                known = times[times != NO_TIME]
                return int(known.max()) if len(known) else None
        return None

    def at_ns(self, row: int) -> int | None:
        """When a row was written, on the common clock; None if nothing tells."""
        at_ns = int(self._times[self._all(row)])
        if at_ns == NO_TIME:
            return None
        log, line = self._line(row)
        if self._clocks[log].step > 1:
            own_ns = self._clocks[log].at(line)
            return at_ns if own_ns is None else own_ns
        return at_ns

    def row_at(self, at_ns: int) -> int:
        """The first row of a moment, else the last one before it."""
        if not len(self._keys):
            return 0
        row = int(np.searchsorted(self._keys, at_ns, "left"))
        if row < len(self._keys) and self._keys[row] == at_ns:
            return row
        row = max(row - 1, 0)
        between = min(max((clock.step - 1 for clock in self._clocks), default=0), _MOST_BETWEEN)
        # Between two samples the lines themselves tell.
        first = max(row - between, int(np.searchsorted(self._keys, self._keys[row], "left")), 0)
        for later in range(first, row + 1 if between else first):
            own_ns = self.at_ns(later)
            if own_ns is not None and own_ns >= at_ns:
                return later if own_ns == at_ns else max(later - 1, 0)
        return row

    def kind(self, row: int) -> LogEventKind | None:
        """What a row said; None if nothing."""
        code = self._code(row) & _KIND
        return _KINDS[code - 1] if code else None

    def is_again(self, row: int) -> bool:
        """Whether it says that something was sent again."""
        return bool(self._code(row) & _AGAIN)

    def _code(self, row: int) -> int:
        """What a row said; 0 is nothing."""
        return int(self._codes[self._all(row)])

    def _codes_in_order(self) -> npt.NDArray[np.uint8]:
        """What each row said."""
        return self._codes if self._order is None else self._codes[self._order]

    def telling(
        self, kinds: Iterable[LogEventKind] | None = None, *, again: bool = False
    ) -> Int64s:
        """All rows that said something, of some kinds only; `again`: and what was sent again."""
        codes = self._codes_in_order()
        if kinds is None:
            return np.flatnonzero(codes)
        wanted = np.isin(codes & np.uint8(_KIND), [_KINDS.index(kind) + 1 for kind in kinds])
        if again:
            wanted |= (codes & _AGAIN) != 0
        return np.flatnonzero(wanted)

    def text(self, row: int) -> str:
        """What a row says, up to `MAX_SHOWN` characters; as it is, with all that is in it."""
        log, line = self._line(row)
        return self._text(log, line)

    def _text(self, log: int, line: int) -> str:
        number, place = divmod(line, BLOCK_LINES)
        lines = self._blocks.get((log, number))
        if lines is None:
            lines = self._blocks[log, number] = self._files[log].block(number)
            if len(self._blocks) > _KEPT_BLOCKS:
                with suppress(KeyError):
                    self._blocks.popitem(last=False)
        return lines[place] if place < len(lines) else ""

    def whole(self, row: int) -> str:
        """The same, up to `MAX_WHOLE` characters."""
        log, line = self._line(row)
        return self._files[log].whole(line)

    def lines_around(self, ref: Ref, before: int = 0, after: int = 0) -> list[tuple[int, str]]:
        """A line with its neighbours in the file, each with its number; empty if it is not here."""
        for log, text in enumerate(self._known):
            if text.source == ref.source:
                first = max(ref.record - before, 1)
                last = min(ref.record + after, len(self._files[log]))
                return [(n, self._text(log, n - 1)) for n in range(first, last + 1)]
        return []

    def reading(self, row: int) -> LineReading:
        """What a row says, and what its dialect makes of it."""
        known, line = self._place(row)
        text = self.text(row)
        start = stamp_at_start(text)[1]
        reader = _reader(known.dialects)
        rest = text[start:]
        tag = reader.tag.match(rest)
        sense = Sense.OTHER
        fields: tuple[tuple[str, int, int], ...] = ()
        if tag is not None:
            outline = reader.outline(rest, tag)
            fields = tuple((name, a + start, b + start) for name, a, b in outline.spans)
            understood = outline.pattern is not None or outline.ignored
            sense = Sense.KNOWN if understood else Sense.UNKNOWN
        if known.unparsed is not None:
            if line + 1 in known.unparsed:
                sense = Sense.UNKNOWN
            elif sense is Sense.UNKNOWN:
                # With the lines that belong to it, it is understood.
                sense = Sense.KNOWN
        if self._code(row):
            sense = Sense.EVENT
        return LineReading(text, sense, start, fields)

    def find(
        self, rows: Int64s | None, place: int, by: int, wanted: Callable[[str], bool], most: int
    ) -> int | None:
        """The next of `rows` (None: of all) whose text is wanted, after `most` at most.

        It is looked for from `place` on, `place` itself included, upwards with `by` 1 and
        downwards with -1, and does not go round. Reads past the cache: for other threads, too.
        """
        found = (at for at, text in islice(self._from(rows, place, by), most) if wanted(text))
        return next(found, None)

    def find_all(
        self, rows: Int64s | None, first: int, most: int, wanted: Callable[[str], bool]
    ) -> list[int]:
        """Those of `rows` (None: of all) from `first` on, `most` at most, whose text is wanted."""
        return [at for at, text in islice(self._from(rows, first, 1), most) if wanted(text)]

    def _from(self, rows: Int64s | None, place: int, by: int) -> Iterator[tuple[int, str]]:
        """Places from one on with their texts, to the end; reads past the cache."""
        size = len(self) if rows is None else len(rows)
        last: tuple[int, int] | None = None
        lines: list[str] = []
        while 0 <= place < size:
            log, line = self._line(place if rows is None else int(rows[place]))
            number, within = divmod(line, BLOCK_LINES)
            if (log, number) != last:
                last, lines = (log, number), self._files[log].block(number)
            if within < len(lines):
                yield place, lines[within]
            place += by


@lru_cache(maxsize=4)
def _reader(dialects: tuple[Dialect, ...]) -> Reader:
    return Reader(dialects)


def _codes(text: LogText, lines: int) -> npt.NDArray[np.uint8]:
    codes = np.zeros(lines, np.uint8)
    within = (text.records >= 1) & (text.records <= lines)
    codes[text.records[within] - 1] = text.codes[within]
    return codes
