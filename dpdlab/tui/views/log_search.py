"""Searching the lines of logs: the next one with a text, and which of how many it is."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import Final

from msgspec import Struct
from textual import work
from textual.worker import get_current_worker

from analyzers.export.formatting import count
from analyzers.session.log_lines import LogLines
from dpdlab.present.filter.errors import PatternRefused
from dpdlab.present.filter.pattern import Pattern
from dpdlab.tui.views.list_view import ListView
from dpdlab.tui.views.log_rows import LogRows, Wanted

_EXPRESSION: Final = re.compile(r"/(.+)/(i?)", re.DOTALL)
_AT_ONCE: Final = 500
"""Lines that are searched before a thread is started for the rest."""
_COUNTED_AT_ONCE: Final = 2_000
"""Lines whose matches are counted while the key waits."""
_BATCH: Final = 2_000
_MOST_MATCHES: Final = 1_000
_MOST_COUNTED: Final = 400_000
"""Lines whose matches are counted at all."""


class Matches(Struct, frozen=True):
    """The first matches of a search."""

    places: list[int]
    """Of the rows, rising."""
    is_all: bool
    """False: there may be more."""

    def told(self, place: int) -> str:
        """Which of them one is: "match 3 of 41", "match 3 of 1,000+"."""
        number = bisect_left(self.places, place) + 1
        if number > len(self.places):
            return f"a match after the first {count(len(self.places))}"
        return f"match {count(number)} of {count(len(self.places))}{'' if self.is_all else '+'}"


class LogSearch(ListView):
    """What of view 5 searches."""

    wanted: Wanted | None = None
    shift: int = 0
    """Cells of the text that are out of sight."""
    _rows: LogRows | None = None
    _key: object = None
    """Changes with the lines that are shown."""
    _counted: tuple[object, Matches] | None = None

    def search(self, text: str, by: int) -> bool:
        """The next line with a text, or that fits /an expression/i; far ones in a thread."""
        log, rows = self.model.log, self._rows
        if log is None or rows is None or not len(rows):
            return False
        try:
            wanted = wanted_of(text)
        except PatternRefused as error:
            self.console_app.say(f"{text}: {error.message}")
            return True
        self.wanted = rows.wanted = wanted
        self.list.refresh_rows()
        start = self.list.cursor + by
        found = log.find(rows.picked, start, by, wanted.fits, _AT_ONCE)
        if found is not None:
            self._arrive(found)
        else:
            self.console_app.say(f"searching {text!r}", keep=True)
            self._search_on(log, rows, wanted, self.list.cursor, by)
        return True

    @work(thread=True, exclusive=True, group="log-search")
    def _search_on(
        self, log: LogLines, rows: LogRows, wanted: Wanted, cursor: int, by: int
    ) -> None:
        """All lines from the cursor on, and round to it."""
        worker, size = get_current_worker(), len(rows)
        for step in range(1, size + 1, _BATCH):
            if worker.is_cancelled:
                return
            most = min(_BATCH, size + 1 - step)
            found = self._batch(log, rows, wanted, (cursor + by * step) % size, by, most)
            if found is not None:
                self.app.call_from_thread(self._searched, rows, found)
                return
        self.app.call_from_thread(self._searched, rows, None)

    @staticmethod
    def _batch(
        log: LogLines, rows: LogRows, wanted: Wanted, place: int, by: int, most: int
    ) -> int | None:
        """So many lines, and on at the other end."""
        size = len(rows)
        room = size - place if by > 0 else place + 1
        found = log.find(rows.picked, place, by, wanted.fits, min(most, room))
        if found is None and most > room:
            other = 0 if by > 0 else size - 1
            found = log.find(rows.picked, other, by, wanted.fits, most - room)
        return found

    def _searched(self, rows: LogRows, found: int | None) -> None:
        if rows is not self._rows:
            return
        if found is None:
            said = "" if self.wanted is None else self.wanted.said
            self.console_app.say(f"no match for {said!r}")
        else:
            self.console_app.say("")
            self._arrive(found)

    def _shift_to(self, shift: int) -> None:
        self.shift = shift
        if self._rows is not None:
            self._rows.shift = shift
            self.list.refresh_rows()

    # --- which of how many -----------------------------------------------------------------

    def _arrive(self, place: int) -> None:
        """To a match; which one it is is said as soon as they are counted."""
        self.list.go_to(place)
        if self._rows is not None:
            width = self.list.row_width
            self._shift_to(self._rows.shift_to_match(place, width, self.palette))
        log, rows, wanted = self.model.log, self._rows, self.wanted
        if log is None or rows is None or wanted is None:
            return
        key = (self._key, wanted.said)
        if self._counted is not None and self._counted[0] == key:
            self.console_app.say(self._counted[1].told(place))
        elif len(rows) <= _COUNTED_AT_ONCE:
            places = log.find_all(rows.picked, 0, len(rows), wanted.fits)
            self._came(key, Matches(places, is_all=True))
        else:
            self._count(key, log, rows, wanted)

    @work(thread=True, exclusive=True, group="log-count")
    def _count(self, key: object, log: LogLines, rows: LogRows, wanted: Wanted) -> None:
        worker, size = get_current_worker(), len(rows)
        places: list[int] = []
        looked = 0
        while looked < min(size, _MOST_COUNTED) and len(places) <= _MOST_MATCHES:
            if worker.is_cancelled:
                return
            places += log.find_all(rows.picked, looked, _BATCH, wanted.fits)
            looked += _BATCH
        is_all = looked >= size and len(places) <= _MOST_MATCHES
        found = Matches(places[:_MOST_MATCHES], is_all)
        self.app.call_from_thread(self._came, key, found)

    def _came(self, key: object, found: Matches) -> None:
        wanted = self.wanted
        if wanted is None or key != (self._key, wanted.said):
            return
        self._counted = (key, found)
        self.console_app.say(found.told(self.list.cursor))


def wanted_of(text: str) -> Wanted:
    """What a search means. Raises PatternRefused for an expression that cannot be used."""
    found = _EXPRESSION.fullmatch(text)
    if found is None:
        return Wanted(text)
    return Wanted(text, Pattern(found[1], ignore_case=bool(found[2])))
