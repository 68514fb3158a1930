"""The text of all logs, line by line, in time with the other views."""

from __future__ import annotations

import json
from typing import ClassVar, Final

import numpy as np
from rich.text import Text
from textual.app import ComposeResult

from analyzers.export.formatting import count, counted
from analyzers.export.untrusted import safe
from analyzers.model.finding import Severity as FindingSeverity
from analyzers.model.peer import PeerView
from analyzers.model.records import Ref
from analyzers.model.time import ORDER_LIMIT_NS
from analyzers.session.line_times import Int64s
from analyzers.session.live_lines import LiveLines
from analyzers.session.log_lines import LogLines
from analyzers.sources.lines import MAX_SHOWN
from dpdlab.present import copying
from dpdlab.present.cells import Cell, Role
from dpdlab.present.events import event_at
from dpdlab.present.log_places import (
    message_at,
    peer_at,
    places_in,
    places_of,
    questions_in,
)
from dpdlab.tui.bars import Line
from dpdlab.tui.dialogs.explain import ExplainScreen
from dpdlab.tui.dialogs.raw_line import RawLine
from dpdlab.tui.model import Model
from dpdlab.tui.palette import Palette
from dpdlab.tui.rows import NoRows, RowList
from dpdlab.tui.views.log_rows import BAD, TROUBLE, LogRows
from dpdlab.tui.views.log_search import LogSearch

_SHIFT: Final = 16
_NEIGHBOURS: Final = 4
_LIVE_LOG: Final = """No line has come so far.

Lines of logs that are followed stand here as they come, the last ones at the end:
  dpdlab live -i eth0 --log /var/log/charon.log --syslog 127.0.0.1:5514"""
_NO_LOG: Final = """There is no log among the inputs.

Give the debug text of either end, too, and its lines stand here in time with the packets:
  dpdlab hub.pcapng r1.log
or press o and name the file. What to switch on:
  IOS         debug crypto isakmp, debug crypto ikev2, with service timestamps debug datetime msec
  ASA         debug crypto ikev1 127, debug crypto ikev2 protocol 127
  strongSwan  charon's log at level 1, 2 for enc
  Libreswan   plutodebug=base
  FortiGate   diagnose debug application ike -1"""


class LogView(LogSearch):
    """View 5."""

    title = "log"
    hints: ClassVar[tuple[str, ...]] = (
        "next-error", "next-warning", "next-event", "search", "compress", "raw", "into", "copy",
        "filter", "help",
    )  # fmt: skip

    def __init__(self, model: Model, palette: Palette) -> None:
        super().__init__(model, palette)
        self.told = Line("log-told")
        self.list = RowList(palette, id="log-rows", empty="")
        self.list.moved = self.moved
        self.telling_only = False
        self._picked: Int64s | None = None
        self._asked: dict[Ref, Cell] = {}
        self._marked: tuple[object, dict[str, Int64s]] = (None, {})

    def compose(self) -> ComposeResult:
        """What is shown, and the lines."""
        yield self.told
        yield self.list

    # --- painting --------------------------------------------------------------------------

    def show(self) -> None:
        """The lines that the filter leaves, the cursor at the moment that all views share."""
        log = self.model.log
        self.list.palette = self.palette
        self.told.display = log is not None and len(log) > 0
        if log is None or not len(log):
            self._rows = None
            self.list.empty = self._why_empty()
            self.list.show(NoRows(), 0)
            return
        before = self._row_before(log)
        key = (id(log), self.model.revision, self.telling_only, self.model.range_ns)
        if key != self._key:
            self._key = key
            self._picked = self._pick(log)
            self._asked = questions_in(
                self.model.whole.peers,
                frozenset(text.source for text in log.texts),
                self.model.signs,
            )
        self.list.empty = self._why_empty()
        rows = LogRows(
            self.model, log, self._picked, asked=self._asked, shift=self.shift, wanted=self.wanted
        )
        self._rows = rows
        self.list.show(rows, self._cursor(log, before))
        self.told.say(self._told(log))

    def _why_empty(self) -> str:
        model = self.model
        if model.log is not None and len(model.log):
            if model.range_ns is not None:
                return f"no such line in the stretch of time: {model.range_left}"
            why = "no line of a log is what the filter matches rests on"
            return why if model.filter is not None else "no line says anything (C shows all)"
        if model.failure:
            return model.failure
        if model.log is not None and model.log.problems:
            return "\n".join(safe(problem) for problem in model.log.problems)
        if model.now_ns is not None:
            return _LIVE_LOG
        if not model.done or any(source.kind == "log" for source in model.whole.sources):
            return "the lines of the logs are being looked up"
        return _NO_LOG

    def _pick(self, log: LogLines) -> Int64s | None:
        """The rows to show; None: all of them."""
        picked: Int64s | None = None
        if self.telling_only:
            picked = np.union1d(log.telling(), self._rows_of(log, self._unparsed(log)))
        if self.model.filter is not None:
            sources = frozenset(text.source for text in log.texts)
            rows = self._rows_of(log, places_in(self.model.content, sources))
            picked = rows if picked is None else np.intersect1d(picked, rows)
        if self.model.range_ns is not None:
            rows = self._rows_within(log, *self.model.range_ns)
            picked = rows if picked is None else np.intersect1d(picked, rows)
        return picked

    @staticmethod
    def _rows_within(log: LogLines, first_ns: int, last_ns: int) -> Int64s:
        """The rows of a stretch of time; lines without a time are of that before them."""
        first, last = log.row_at(first_ns), log.row_at(last_ns)
        while first <= last and (log.at_ns(first) or 0) < first_ns:
            first += 1
        return np.arange(first, last + 1, dtype=np.int64)

    @staticmethod
    def _unparsed(log: LogLines) -> set[Ref]:
        return {Ref(text.source, n) for text in log.texts for n in text.unparsed or ()}

    @staticmethod
    def _rows_of(log: LogLines, refs: set[Ref]) -> Int64s:
        rows = (log.row_of(ref) for ref in refs)
        return np.unique(np.array([row for row in rows if row is not None], np.int64))

    def _cursor(self, log: LogLines, before: int | None) -> int:
        """The row of the list for the moment; one line of several of a moment stays chosen."""
        if self._follows:
            return (len(log) if self._picked is None else len(self._picked)) - 1
        at_ns = self.model.at_ns
        row = before
        if at_ns is not None and (before is None or log.at_ns(before) != at_ns):
            row = log.row_at(at_ns)
        if row is None:
            return 0
        if self._picked is None:
            return row
        return max(int(np.searchsorted(self._picked, row, "right")) - 1, 0)

    @property
    def _follows(self) -> bool:
        """Whether the last line is the one to look at, whatever the moment of the other views."""
        return self.console_app.following and self.model.now_ns is not None

    def _row_before(self, log: LogLines) -> int | None:
        """Where the line under the cursor is, also among the newer lines of logs that grow."""
        rows = self._rows
        if rows is None or not 0 <= self.list.cursor < len(rows):
            return None
        row = rows.place(self.list.cursor)
        if isinstance(log, LiveLines) and isinstance(rows.log, LiveLines):
            return max(row + rows.log.gone - log.gone, 0)
        return row if rows.log is log else None

    @property
    def _row(self) -> int | None:
        """The row of the store under the cursor."""
        rows = self._rows
        if rows is None or rows.log is not self.model.log:
            return None
        return rows.place(self.list.cursor) if 0 <= self.list.cursor < len(rows) else None

    def _told(self, log: LogLines) -> Text:
        """Which logs these are, and how much of them is shown."""
        faint = self.palette.faint
        text = Text()
        for number, one in enumerate(log.texts):
            name = self.model.path_of(one.source).rpartition("/")[2]
            shade = self.palette.series[number % len(self.palette.series)]
            text.append(f"{safe(one.source)} ", shade).append(f"{safe(name)}  ")
        text.append(f"{counted(len(log), 'line')}, ", faint)
        text.append(f"{count(len(log.telling()))} say something", faint)
        unparsed = sum(s.unparsed_lines for s in self.model.whole.sources if s.kind == "log")
        if unparsed:
            text.append(f", {self.model.signs.unknown} {count(unparsed)} not understood", faint)
        if self._picked is not None:
            text.append(f" · {count(len(self._picked))} shown", self.palette.warn)
        for problem in log.problems:
            text.append(f" · {safe(problem)}", self.palette.warn)
        if isinstance(log, LiveLines) and log.gone:
            text.append(f" · {count(log.gone)} before these", faint)
        if self.model.now_ns is not None and not self._follows:
            key = self.model.key("follow")
            text.append(f" · staying here, {key} follows", self.palette.warn)
        return text

    # --- moving ----------------------------------------------------------------------------

    def moved(self, index: int) -> None:
        """The moment of the line is that of all views."""
        row, log = self._row, self.model.log
        if self.model.now_ns is not None:
            # As with tail: who scrolls back stays there, who comes to the end goes along.
            self.console_app.following = index == len(self.list.source) - 1
            if self._follows:
                return
        at_ns = None if row is None or log is None else log.at_ns(row)
        if at_ns is not None and at_ns >= ORDER_LIMIT_NS:
            self.console_app.go_to_moment(at_ns)

    def on_row_list_chosen(self, message: RowList.Chosen) -> None:
        """A double click opens."""
        self.do_into()

    def do_left(self) -> None:
        """The text to its beginning."""
        if not self.shift:
            self.console_app.say("the lines begin here")
        self._shift_to(max(self.shift - _SHIFT, 0))

    def do_right(self) -> None:
        """What of the text is out of sight."""
        self._shift_to(min(self.shift + _SHIFT, MAX_SHOWN))

    def do_into(self) -> None:
        """The same moment in the ladder of the peer that the line is about."""
        log, row = self.model.log, self._row
        if log is None or row is None:
            return
        peer = peer_at(self._peers_first(), log.ref(row), log.at_ns(row) or 0)
        if peer is not None:
            self.console_app.choose_peer(peer.id)
        if self.model.peer is None:
            self.console_app.say("there is no peer to show")
            return
        event = event_at(self.model.events(self.model.peer), (log.ref(row),))
        at_ns = log.at_ns(row) if event is None else event.at_ns
        if at_ns is not None and at_ns >= ORDER_LIMIT_NS:
            self.console_app.go_to_moment(at_ns)
        self.console_app.open_view("ladder")

    def _peers_first(self) -> list[PeerView]:
        """All peers, the chosen one first."""
        return sorted(self.model.peers, key=lambda peer: peer.id != self.model.peer_id)

    def do_compress(self) -> None:
        """Only lines that say something, or all."""
        self.telling_only = not self.telling_only
        self.show()
        told = "only lines that say something" if self.telling_only else "all lines"
        self.console_app.say(told)

    # --- jumps -----------------------------------------------------------------------------

    def do_next_error(self) -> None:
        """The next line that says that a peer is gone, or that an error rests on."""
        self._jump("error", 1)

    def do_previous_error(self) -> None:
        """The line before that says that a peer is gone, or that an error rests on."""
        self._jump("error", -1)

    def do_next_warning(self) -> None:
        """The next line of trouble, or that a warning rests on."""
        self._jump("warning", 1)

    def do_previous_warning(self) -> None:
        """The line before of trouble, or that a warning rests on."""
        self._jump("warning", -1)

    def do_next_event(self) -> None:
        """The next line that says something of the peer."""
        self._jump("event", 1)

    def do_previous_event(self) -> None:
        """The line before that says something of the peer."""
        self._jump("event", -1)

    def do_next_hole(self) -> None:
        """Where the next black hole of the peer begins."""
        self._to_hole(1)

    def do_previous_hole(self) -> None:
        """Where the black hole before begins."""
        self._to_hole(-1)

    def _to_hole(self, by: int) -> None:
        """To the line before a black hole, or the one that is shown before that."""
        log, picked = self.model.log, self._picked
        if log is None or self._row is None:
            return
        begins = self.model.holes_begin_ns
        if not begins:
            self.console_app.say(self.model.why_no_hole)
            return
        rows = np.unique(np.array([log.row_at(at_ns) for at_ns in begins], np.int64))
        if picked is not None:
            rows = picked[np.maximum(np.searchsorted(picked, rows, "right") - 1, 0)]
        self._go_among(rows, by, "black hole")

    def do_pair_after(self) -> None:
        """The next line of the same exchange."""
        self._pair(1)

    def do_pair_before(self) -> None:
        """The line before of the same exchange."""
        self._pair(-1)

    def _pair(self, by: int) -> None:
        log, row, peer = self.model.log, self._row, self.model.peer
        if log is None or row is None or peer is None:
            self.console_app.say("there is no peer whose exchange this line could belong to")
            return
        ref = log.ref(row)
        for exchange in peer.exchanges:
            refs = {place for one in exchange.messages for place in (one.ref, *one.seen)}
            if exchange.verdict_ref is not None:
                refs.add(exchange.verdict_ref)
            if ref in refs:
                self._go_among(self._rows_of(log, refs), by, "line of this exchange")
                return
        self.console_app.say("this line belongs to no exchange of the peer")

    def _jump(self, what: str, by: int) -> None:
        log = self.model.log
        if log is not None and self._row is not None:
            self._go_among(self._marks(log, what), by, what)

    def _marks(self, log: LogLines, what: str) -> Int64s:
        """The rows that a key jumps to; looked up once for a state of the content."""
        key = (id(log), self.model.revision, self.model.peer_id)
        if self._marked[0] != key:
            self._marked = (key, {})
        known = self._marked[1]
        if what not in known:
            known[what] = self._found(log, what)
        return known[what]

    def _found(self, log: LogLines, what: str) -> Int64s:
        findings, peer = self.model.content.findings, self.model.peer
        match what:
            case "error":
                refs = {r for f in findings if f.severity is FindingSeverity.ERROR for r in f.refs}
                return np.union1d(log.telling(BAD), self._rows_of(log, refs))
            case "warning":
                worse = FindingSeverity.WARNING
                refs = {r for f in findings if f.severity is worse for r in f.refs}
                refs |= {ref for ref, cell in self._asked.items() if cell.role is Role.RETRY}
                return np.union1d(log.telling(TROUBLE, again=True), self._rows_of(log, refs))
            case _:
                own = self._rows_of(log, set() if peer is None else set(places_of(peer)))
                return own if len(own) else log.telling()

    def _go_among(self, rows: Int64s, by: int, what: str) -> None:
        """To the next of these rows that is shown."""
        here, among = self._row, "the logs"
        if self._picked is not None:
            rows, among = np.intersect1d(rows, self._picked), "the lines that are shown"
        if here is not None:
            place = int(np.searchsorted(rows, here, "right" if by > 0 else "left"))
            place -= by < 0
            if 0 <= place < len(rows):
                self._go_to_row(int(rows[place]))
                return
        self.console_app.say(f"no {'further' if by > 0 else 'earlier'} {what} in {among}")

    def _go_to_row(self, row: int) -> None:
        picked = self._picked
        self.list.go_to(row if picked is None else int(np.searchsorted(picked, row)))

    # --- one line --------------------------------------------------------------------------

    def do_raw(self) -> None:
        """The line as the file has it."""
        log, row = self.model.log, self._row
        if log is None or row is None:
            return
        ref = log.ref(row)
        lines = [
            (number, log.whole(row) if number == ref.record else text)
            for number, text in log.lines_around(ref, _NEIGHBOURS, _NEIGHBOURS)
        ]
        title = f"{self.model.path_of(ref.source)} line {ref.record}"
        screen = RawLine(title, lines, ref.record, self.palette, ascii_only=self.model.ascii_only)
        self.console_app.push_screen(screen)

    def do_explain(self) -> None:
        """The findings that rest on the line."""
        log, row = self.model.log, self._row
        ref = None if log is None or row is None else log.ref(row)
        found = [f for f in self.model.content.findings if ref in f.refs]
        if found:
            self.console_app.push_screen(ExplainScreen(found, self.model, self.palette))
        else:
            self.console_app.do_explain()

    def copy_text(self) -> dict[str, str]:
        """The line, and what selects the message it tells of."""
        log, row = self.model.log, self._row
        if log is None or row is None:
            return {}
        ref, at_ns, said = log.ref(row), log.at_ns(row), log.whole(row)
        whole = {
            "source": ref.source,
            "path": self.model.path_of(ref.source),
            "line": ref.record,
            "at_ns": at_ns,
            "text": said,
        }
        texts = {"text": safe(said), "JSON": json.dumps(whole)}
        found = message_at(self._peers_first(), ref, at_ns or 0)
        if found is not None:
            peer, message = found
            for event in self.model.events(peer):
                if event.message is message:
                    return copying.of_event(self.model.whole, peer, event) | texts
        return texts
