"""Lines of logs as rows: sign, time, log, and the text with what was understood of it marked."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from typing import Final

from msgspec import Struct
from rich.cells import cell_len
from rich.style import Style
from rich.text import Text

from analyzers.export.formatting import Severity
from analyzers.export.untrusted import safe
from analyzers.model.log_events import LogEventKind
from analyzers.model.records import Ref
from analyzers.model.time import NS_PER_MS, ORDER_LIMIT_NS
from analyzers.session.line_times import Int64s
from analyzers.session.log_lines import LineReading, LogLines, Sense
from dpdlab.present.cells import Cell, Role
from dpdlab.present.filter.pattern import Pattern
from dpdlab.present.timeline import STARTED as STARTED
from dpdlab.present.times import precision_ns
from dpdlab.tui.model import Model
from dpdlab.tui.palette import Palette
from dpdlab.tui.rows import CUT

BAD: Final = (LogEventKind.PEER_DEAD, LogEventKind.GAVE_UP)
"""What a device says of a peer that is gone."""
TROUBLE: Final = (
    LogEventKind.HINT,
    LogEventKind.INVALID_SPI,
    LogEventKind.UNKNOWN_IKE_SA,
    LogEventKind.NOT_SENT,
    LogEventKind.MOVED,
    LogEventKind.REFUSED,
)
_ENDS: Final = (LogEventKind.IKE_SA_DOWN, LogEventKind.CHILD_SA_DOWN)
_ADDRESSES: Final = frozenset({"peer", "local", "remote", "src", "dst", "host"})
_IDS: Final = frozenset({"mid", "mid_hex", "seq", "seq_hex", "ispi", "rspi", "spi", "spi2", "conn"})
_ASKED: Final = {
    Role.ANSWERED: Severity.GOOD,
    Role.ASKED: Severity.WARN,
    Role.RETRY: Severity.WARN,
    Role.OPEN: Severity.WARN,
    Role.UNANSWERED: Severity.BAD,
}
BACK: Final = "<"
"""Behind a time that is earlier than the one above it."""
_MOST_MATCHES: Final = 50
_BEFORE_A_MATCH: Final = 3
"""The part of the room that what stands before a match takes at most."""
_STAMPS_FROM: Final = 150
"""Columns from which the stamp of the line itself is shown, too."""


class Wanted(Struct, frozen=True):
    """What is searched for: a text, or an expression."""

    said: str
    """As it was typed."""
    pattern: Pattern | None = None

    def fits(self, text: str) -> bool:
        """Whether a line has it."""
        if self.pattern is not None:
            return self.pattern.search(text)
        return self.said.casefold() in text.casefold()

    def span_in(self, text: str) -> tuple[int, int] | None:
        """Where a text has it first; of what fits an expression only the end is known."""
        if self.pattern is not None:
            ends = range(len(text) + 1)
            end = bisect_left(ends, True, key=lambda stop: self.fits(text[:stop]))
            return (max(end - 1, 0), end) if end in ends else None
        place = text.lower().find(self.said.lower())
        return None if place < 0 else (place, place + len(self.said))


class LogRows:
    """All lines, or some of them."""

    def __init__(
        self,
        model: Model,
        log: LogLines,
        picked: Int64s | None,
        *,
        asked: Mapping[Ref, Cell],
        shift: int = 0,
        wanted: Wanted | None = None,
    ) -> None:
        """`picked` None: all lines; `asked`: the signs of questions by their lines.

        `shift`: cells of the text that are out of sight.
        """
        self.model = model
        self.log = log
        self.picked = picked
        self.asked = asked
        self.shift = shift
        self.wanted = wanted
        self._sources = {source.id: source for source in model.whole.sources}
        ids = [text.source for text in log.texts]
        self._series = {source: number for number, source in enumerate(ids)}
        self._source = max(map(len, ids), default=0) + 2 if len(ids) > 1 else 0
        ends = [log.at_ns(row) for row in (0, len(log) - 1) if len(log)]
        known = [at_ns for at_ns in ends if at_ns is not None and at_ns >= ORDER_LIMIT_NS]
        self._time = max([12, *(len(model.times.at(at_ns)) for at_ns in known)]) if known else 0

    def __len__(self) -> int:
        return len(self.log) if self.picked is None else len(self.picked)

    def place(self, index: int) -> int:
        """The row of the store."""
        return index if self.picked is None else int(self.picked[index])

    def header(self, width: int, palette: Palette) -> Text | None:
        """Titles of the columns."""
        line = "  "
        if self._time:
            line += f"{'time':<{self._time}}  "
        if self._source:
            line += f"{'log':<{self._source}}"
        return Text(f"{line}text".ljust(width))

    def row(self, index: int, width: int, palette: Palette) -> Text:
        """One line."""
        row = self.place(index)
        reading = self.log.reading(row)
        kind = self.log.kind(row)
        sign, severity = self._sign(row, reading, kind)
        line = Text().append(f"{sign} ", palette.severity(severity))
        at = self._at(index, row, reading)
        if self._time:
            if self._goes_back(index, row, at):
                line.append(f"{at:<{self._time}}").append(BACK, palette.warn).append(" ")
            else:
                line.append(f"{at:<{self._time}}  ")
        if self._source:
            source = self.log.ref(row).source
            shade = palette.series[self._series.get(source, 0) % len(palette.series)]
            line.append(f"{safe(source):<{self._source}}", shade)
        text = self._text(reading, self._begin(at, reading, width), severity, palette)
        self._mark(text, reading, palette)
        if self.shift:
            line.append(CUT, palette.faint)
            text = text[self.shift + 1 :]
        return line.append_text(text)

    def _begin(self, at: str, reading: LineReading, width: int) -> int:
        """Where the text begins: the time column says on the common clock what the stamp says."""
        return reading.stamp if at and self._time and width < _STAMPS_FROM else 0

    def shift_to_match(self, index: int, width: int, palette: Palette) -> int:
        """The shift with which what is searched for is in sight; the one that is, if it is so."""
        if self.wanted is None:
            return self.shift
        row = self.place(index)
        reading = self.log.reading(row)
        begin = self._begin(self._at(index, row, reading), reading, width)
        text = self._text(reading, begin, Severity.MUTE, palette).plain
        span = self.wanted.span_in(text)
        if span is None:
            return self.shift
        room = width - 2 - (self._time + 2 if self._time else 0) - self._source - len(CUT)
        near = max(span[0] - room // _BEFORE_A_MATCH, 0)
        in_sight = (
            shift
            for shift in (self.shift, 0)
            if shift <= span[0] - bool(shift) and cell_len(text[shift : span[1]]) <= room
        )
        return next(in_sight, near)

    def _sign(
        self, row: int, reading: LineReading, kind: LogEventKind | None
    ) -> tuple[str, Severity]:
        signs = self.model.signs
        if kind in BAD:
            return signs.dead, Severity.BAD
        if kind in TROUBLE:
            return signs.questionable, Severity.WARN
        if kind is LogEventKind.STARTED:
            return STARTED, Severity.NOTE
        if question := self.asked.get(self.log.ref(row)):
            return question.glyph, _ASKED[question.role]
        if self.log.is_again(row):
            return signs.retry, Severity.WARN
        if kind in _ENDS:
            return signs.delete, Severity.NOTE
        if kind is not None:
            return signs.answered, Severity.GOOD
        if reading.sense is Sense.UNKNOWN:
            return signs.unknown, Severity.NOTE
        return " ", Severity.MUTE

    def _at(self, index: int, row: int, reading: LineReading) -> str:
        """The time of a line; the rest of a line before has none of its own."""
        at_ns = self.log.at_ns(row)
        if at_ns is None or (not reading.stamp and reading.sense is not Sense.EVENT):
            return ""
        if not index:
            return self.model.times.at(at_ns)
        last = self.place(index - 1)
        precision = precision_ns(self._sources, self.log.ref(last), self.log.ref(row))
        return self.model.times.at(at_ns, self.log.at_ns(last), precision)

    def _goes_back(self, index: int, row: int, at: str) -> bool:
        """Whether the line above is later: the lines of a log keep their order."""
        at_ns = self.log.at_ns(row)
        last_ns = self.log.at_ns(self.place(index - 1)) if index and at else None
        if at_ns is None or last_ns is None:
            return False
        return at_ns // NS_PER_MS < last_ns // NS_PER_MS

    def _text(self, reading: LineReading, begin: int, severity: Severity, palette: Palette) -> Text:
        """The line, with what was read from it in colour; lines that say nothing are faint."""
        said = reading.text.replace("\t", " ")
        idle = reading.sense in (Sense.KNOWN, Sense.OTHER)
        base = palette.faint if idle else palette.text
        if severity in (Severity.BAD, Severity.WARN):
            base = palette.severity(severity)
        pieces: list[tuple[int, int, Style]] = [(begin, reading.stamp, palette.faint)]
        for name, start, end in sorted(reading.fields, key=lambda field: field[1:]):
            if start < max(pieces[-1][1], begin) or end <= start:
                continue
            if name in _ADDRESSES:
                pieces.append((start, end, base + palette.esp))
            elif name in _IDS:
                pieces.append((start, end, base + palette.note))
            elif not idle:
                pieces.append((start, end, base + palette.strong))
        text, place = Text(), begin
        for start, end, style in pieces:
            text.append(safe(said[place:start]), base)
            text.append(safe(said[start:end]), style)
            place = end
        return text.append(safe(said[place:]), base)

    def _mark(self, text: Text, reading: LineReading, palette: Palette) -> None:
        """Show where a line has what is searched for."""
        wanted = self.wanted
        if wanted is None:
            return
        if wanted.pattern is not None:
            if wanted.fits(reading.text):
                text.stylize(palette.match)
            return
        said, sought = text.plain.lower(), wanted.said.lower()
        place = said.find(sought)
        for _ in range(_MOST_MATCHES):
            if place < 0 or not sought:
                return
            text.stylize(palette.match, place, place + len(sought))
            place = said.find(sought, place + len(sought))
