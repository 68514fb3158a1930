"""The lines of logs that grow, as far as they are kept in memory: the last ones of all logs.

They stand in the order in which they came. Views get frozen copies, which read like the lines of
logs in files.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from msgspec import Struct
from msgspec.structs import replace

from analyzers.decode.log_gaps import NUL
from analyzers.dialects.dialect import Dialect
from analyzers.dialects.logical_lines import stamp_at_start
from analyzers.dialects.stamps import NS_PER_DAY, read_stamp
from analyzers.model.log_events import LogEvent
from analyzers.model.records import Ref
from analyzers.session.line_times import Int64s
from analyzers.session.log_lines import LogLines, LogText, code_of
from analyzers.sources.lines import MAX_SHOWN, MAX_WHOLE

MOST_LINES: Final = 20_000
"""Of all logs together."""
_MOST_CHARACTERS: Final = 8_000_000
# So much over it may be before the oldest go: moving a list for every line would cost more.
_SLACK: Final = 1.25
# An event so many lines before tells how far a stamp is from the session's clock.
_ANCHOR_WITHIN: Final = 500
_FAR_NS: Final = NS_PER_DAY // 2


class HeldLine(Struct, frozen=True, gc=False):
    """A line of a log that grows."""

    source: str
    record: int
    """Its number in its log, from 1."""
    text: str
    came_ns: int
    """When it was read, on the session's clock."""
    at_ns: int | None = None
    """When it was written, on the session's clock, where what it says tells."""
    code: int = 0
    """What it says; 0 is nothing."""


class HeldLines:
    """Keeps the last lines; belongs to the thread of the session."""

    def __init__(self, dialects: Sequence[Dialect], most: int = MOST_LINES) -> None:
        self._dialects = tuple(dialects)
        self._most = most
        self._lines: list[HeldLine] = []
        self._characters = 0
        self._gone = 0
        """Lines that are kept no more."""
        self._place: dict[tuple[str, int], int] = {}
        """Of source and record: how many lines had come before."""
        self._sources: dict[str, None] = {}
        self._seen: LiveLines | None = None

    def take(self, source: str, first: int, lines: Sequence[str], now_ns: int) -> None:
        """Lines of a log that came now; `first` is the number of the first one in its log."""
        self._sources[source] = None
        for record, line in enumerate(lines, first):
            self._place[source, record] = self._gone + len(self._lines)
            kept = HeldLine(source, record, line.lstrip(NUL)[:MAX_WHOLE], now_ns)
            self._lines.append(kept)
            self._characters += len(kept.text)
        self._seen = None
        if len(self._lines) > _SLACK * self._most or self._characters > _MOST_CHARACTERS:
            self._trim()

    def know(self, events: Iterable[LogEvent]) -> None:
        """What lines said; of several events of a line the last one counts."""
        for event in events:
            place = self._place.get((event.ref.source, event.ref.record))
            if place is not None:
                index = place - self._gone
                known = self._lines[index]
                self._lines[index] = replace(known, at_ns=event.at_ns, code=code_of(event))
                self._seen = None

    def _trim(self) -> None:
        count = max(0, len(self._lines) - self._most)
        self._characters -= sum(len(line.text) for line in self._lines[:count])
        while self._characters > _MOST_CHARACTERS // _SLACK:
            self._characters -= len(self._lines[count].text)
            count += 1
        for line in self._lines[:count]:
            self._place.pop((line.source, line.record), None)
        del self._lines[:count]
        self._gone += count

    def frozen(self) -> LiveLines | None:
        """What is kept now, the same object until there is more; None where nothing ever came."""
        if self._seen is None and self._lines:
            lines, sources = tuple(self._lines), tuple(self._sources)
            self._seen = LiveLines(lines, sources, self._dialects, self._gone)
        return self._seen


class LiveLines(LogLines):
    """The last lines of logs that grow, at one moment. Rows are in the order of arrival."""

    def __init__(
        self,
        lines: Sequence[HeldLine],
        sources: Sequence[str],
        dialects: tuple[Dialect, ...],
        gone: int = 0,
    ) -> None:
        none = np.zeros(0, np.int64)
        codes = np.zeros(0, np.uint8)
        super().__init__(
            [LogText(s, "", None, 0, none, none, codes, None, dialects) for s in sources]
        )
        self._held = lines
        self._text_of = {text.source: text for text in self.texts}
        self.gone = gone
        """Lines before these, which are in the files only."""
        self._all_codes: npt.NDArray[np.uint8] | None = None
        self._rows: dict[tuple[str, int], int] | None = None

    def __len__(self) -> int:
        return len(self._held)

    def ref(self, row: int) -> Ref:
        """Where a row stands."""
        return Ref(self._held[row].source, self._held[row].record)

    def row_of(self, ref: Ref) -> int | None:
        """The row of a line; None if it is not here."""
        if self._rows is None:
            self._rows = {(line.source, line.record): n for n, line in enumerate(self._held)}
        return self._rows.get((ref.source, ref.record))

    def at_ns(self, row: int) -> int | None:
        """When a row was written: by its event, by its stamp, else when it came."""
        line = self._held[row]
        return line.at_ns or self._by_stamp(row, line) or line.came_ns

    def _by_stamp(self, row: int, line: HeldLine) -> int | None:
        """By its stamp, and by how far that of the last event before it was off."""
        for before in reversed(self._held[max(0, row - _ANCHOR_WITHIN) : row]):
            if before.source == line.source and before.at_ns is not None:
                here, there = (stamp_at_start(each.text)[0] for each in (line, before))
                if here is None or there is None:
                    return None
                own, known = read_stamp(here), read_stamp(there)
                if own is None or known is None or own.kind is not known.kind:
                    return None
                away_ns = own.ns - known.ns
                return before.at_ns + away_ns if abs(away_ns) < _FAR_NS else None
        return None

    def row_at(self, at_ns: int) -> int:
        """The first row that had come by a moment, else the first one."""
        return min(bisect_left(self._held, at_ns, key=_came_ns), max(len(self._held) - 1, 0))

    def _code(self, row: int) -> int:
        return self._held[row].code

    def _codes_in_order(self) -> npt.NDArray[np.uint8]:
        if self._all_codes is None:
            self._all_codes = np.array([line.code for line in self._held], np.uint8)
        return self._all_codes

    def text(self, row: int) -> str:
        """What a row says, up to `MAX_SHOWN` characters."""
        return self._held[row].text[:MAX_SHOWN]

    def whole(self, row: int) -> str:
        """The same, up to `MAX_WHOLE` characters."""
        return self._held[row].text

    def lines_around(self, ref: Ref, before: int = 0, after: int = 0) -> list[tuple[int, str]]:
        """A line with its neighbours in its log, each with its number; empty if it is not here."""
        if self.row_of(ref) is None:
            return []
        records = range(ref.record - before, ref.record + after + 1)
        rows = (self.row_of(Ref(ref.source, record)) for record in records)
        return [(self._held[row].record, self.text(row)) for row in rows if row is not None]

    def _place(self, row: int) -> tuple[LogText, int]:
        line = self._held[row]
        return self._text_of[line.source], line.record - 1

    def _from(self, rows: Int64s | None, place: int, by: int) -> Iterator[tuple[int, str]]:
        size = len(self) if rows is None else len(rows)
        while 0 <= place < size:
            yield place, self.text(place if rows is None else int(rows[place]))
            place += by

    def close(self) -> None:
        """Nothing is open."""


def _came_ns(line: HeldLine) -> int:
    return line.came_ns
