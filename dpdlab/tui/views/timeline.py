"""One peer on a time axis, or several one above the other; below it its events, one a row."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping
from typing import ClassVar, Final

from rich.text import Text
from textual.app import ComposeResult
from textual.geometry import clamp

from analyzers.export.formatting import Severity
from analyzers.export.spans import Window
from analyzers.model.finding import Severity as FindingSeverity
from analyzers.model.peer import PeerView
from analyzers.model.time import NS_PER_MS, ORDER_LIMIT_NS
from dpdlab.present import copying, readout
from dpdlab.present.events import Event, EventKind, first_moment
from dpdlab.present.readout import within
from dpdlab.present.timeline import Timeline
from dpdlab.present.zoom import closer_to, farther_from, inside
from dpdlab.tui.model import Listed, Model, hole_places
from dpdlab.tui.palette import Palette
from dpdlab.tui.rows import NoRows, RowList, plain
from dpdlab.tui.views.event_rows import EventRows
from dpdlab.tui.views.lanes import LABEL, Lanes
from dpdlab.tui.views.list_view import ListView, next_place
from dpdlab.tui.views.timeline_drawings import Drawings
from dpdlab.tui.views.timeline_lines import NO_EVENT, TimelineLines, folded_words, why_no_event

_CLOSEST_NS: Final = NS_PER_MS
_LEAST_MARGIN_NS: Final = 20 * NS_PER_MS
_MARGIN_SHARE: Final = 20
"""A window around everything has a twentieth of its length on both sides."""
_LOW: Final = 16
"""Rows from which there is room for several events below the drawing."""
_ROWS: Final = 4
_FEW_ROWS: Final = 2
"""Rows that the events keep, the titles of their columns included."""
_READOUT: Final = 2


class TimelineView(ListView):
    """View 2."""

    title = "timeline"
    hints: ClassVar[tuple[str, ...]] = (
        "left", "right", "zoom-in", "zoom-out", "fit", "compress", "next-hole", "next-error",
        "next-event", "pair-after", "into", "help",
    )  # fmt: skip

    words: ClassVar[Mapping[str, str]] = {"left": "earlier", "right": "later"}

    def __init__(self, model: Model, palette: Palette) -> None:
        super().__init__(model, palette)
        self.lanes = Lanes()
        self.list = RowList(palette, id="timeline-rows", empty=NO_EVENT)
        self.list.moved = self.moved
        self.compress = False
        self._window: Window | None = None
        self._own_window = False
        """The user chose it: more input does not change its width."""
        self._window_of: str | None = None
        self._range: tuple[int, int] | None = None
        self._drawn: Timeline | None = None
        self.drawings = Drawings(self)
        self._known: tuple[Timeline, list[Event], int, readout.Column] | None = None
        self._events: list[Event] = []
        self._holes: list[int] = []
        """The places of those with which a black hole begins."""
        self._rows_of: tuple[str, int, object] | None = None

    def compose(self) -> ComposeResult:
        """The drawing, and the events under it."""
        yield self.lanes
        yield self.list

    @property
    def nothing_here(self) -> str:
        """There may be lanes without a row below them."""
        return "" if self.model.peer is not None else "there is no peer"

    # --- painting --------------------------------------------------------------------------

    def show(self) -> None:
        """Draw the peers that are chosen, and list the events of the first one."""
        peer = self.model.peer
        self.list.palette = self.palette
        if peer is None or self.room.width < 2:
            self.lanes.paint([])
            self.list.empty = self.why_no_peer()
            self.list.show(NoRows(), 0)
            self._rows_of = None
            return
        self.list.empty = why_no_event(self.model, peer)
        if peer.first_ns < ORDER_LIMIT_NS:
            has = "hardly any times" if self.model.times.not_before_ns else "no times"
            said = f"the input has {has} to draw on: what happened is in its order"
            self.lanes.paint([Text(said, self.palette.faint)])
        listed = self.model.listed(peer)
        if listed is None:
            self.lanes.paint([Text("listing what the peer did", self.palette.faint)])
        self._keep_window(peer)
        self._list_events(peer, listed)
        if peer.first_ns >= ORDER_LIMIT_NS and listed is not None:
            self.lanes.paint(self._lines(peer))

    def _keep_window(self, peer: PeerView) -> None:
        """The window stays while the peer stays; a new range or peer starts over."""
        listed = self.model.listed(peer)
        listed_events = [] if listed is None else listed.events
        fresh = self._window is None or self._window_of != peer.id
        grown = self._own_window and self._is_of_range_before()
        if self.model.range_ns is not None and self.model.range_ns != self._range and not grown:
            self._window = Window(*self.model.range_ns)
            self.model.at_ns = self.model.moment_in_range()
        elif fresh or (self._range and not self.model.range_ns):
            self._window, self._own_window = self._all(peer), False
        elif not self.model.done:
            self._go_along(peer)
        self._range = self.model.range_ns
        self._window_of = peer.id
        if self.model.at_ns is None and listed is not None:
            self.model.at_ns = first_moment(peer, listed_events)

    def _is_of_range_before(self) -> bool:
        """Whether the stretch that was chosen is the one before, and only goes on."""
        chosen, before = self.model.range_ns, self._range
        if chosen is None or before is None or not self.model.range_goes_on:
            return False
        return chosen[0] == before[0]

    def _go_along(self, peer: PeerView) -> None:
        """While more comes: all of it, or with a window of the user's own its last stretch."""
        if not self._own_window or self._window is None:
            self._window = self._all(peer)
        elif self.console_app.following:
            width = self._window.end_ns - self._window.start_ns
            end_ns = self.model.end_ns + width // _MARGIN_SHARE
            self._window = Window(end_ns - width, end_ns)

    def _all(self, peer: PeerView) -> Window:
        return self.model.fit(self._peers(peer))

    def _list_events(self, peer: PeerView, listed: Listed | None) -> None:
        """The list under the drawing; it stays as it is while only the cursor moves."""
        events = [] if listed is None else listed.events
        known = id(events) if events else 0
        ways = (self.model.times, self.model.colour_by, self.model.range_ns, known)
        key = (peer.id, self.model.revision, ways)
        if self._rows_of != key:
            self._rows_of = key
            self._events = self.model.of_range(peer, events)
            if listed is not None and self._events is listed.events:
                self._holes = listed.holes
            else:
                self._holes = hole_places(self._events)
            self.list.show(EventRows(self.model, peer, self._events), self._nearest())
        elif self._events and self._events[self.list.cursor].at_ns != self.model.at_ns:
            self.list.go_to(self._nearest(), quiet=True)

    def _nearest(self) -> int:
        """The row at or before the moment of the cursor."""
        if not self._events:
            return 0
        at_ns = self.model.at_ns or 0
        place = bisect_left(self._events, at_ns, key=lambda e: e.at_ns)
        if place < len(self._events) and self._events[place].at_ns == at_ns:
            return place
        return max(place - 1, 0)

    def _peers(self, first: PeerView) -> list[PeerView]:
        """Those that are marked; what is read is of one of them, else it stands alone."""
        marked = self.model.marked_peers
        return marked if first in marked else [first]

    def _lines(self, peer: PeerView) -> list[Text]:
        width = self.room.width
        # What is still being listed comes with a later painting.
        peers = [one for one in self._peers(peer) if self.model.listed(one)] or [peer]
        window = self._window or self._all(peer)
        drawings = self.drawings.of(peers, window, self._cells, compress=self.compress)
        self._drawn = drawings[0]
        lines = TimelineLines(self.model, self.palette, self._drawn.scale)
        cursor = None if self.model.at_ns is None else self._drawn.scale.at(self.model.at_ns)
        shown = [lines.heading(peer, width, folding=self.compress), lines.axis(cursor)]
        # The events below keep a few rows.
        low = self.room.height < _LOW
        below = _READOUT + (_FEW_ROWS if low or len(peers) > 1 else _ROWS) + (not low)
        room = self.room.height - len(shown) - below
        shown += lines.lanes(list(zip(peers, drawings, strict=False)), cursor, peer, room)
        if not low:
            shown.append(lines.minimap(peer))
        column = self._column()
        if column is not None and self.model.at_ns is not None:
            event = self._events[self.list.cursor] if self._events else None
            note = self.drawings.esp_note
            shown += lines.readout(peer, column, event, self.model.at_ns, width, note)
        self.list.set_active(column is None or bool(within(self._events, column.span)))
        return [plain(line, self.model.ascii_only) for line in shown]

    @property
    def _cells(self) -> int:
        """How many cells time has."""
        return max(self.room.width - LABEL, 1)

    def _column(self) -> readout.Column | None:
        """What is in the column of the cursor; None where it is out of the window."""
        peer, at_ns, drawn = self.model.peer, self.model.at_ns, self._drawn
        if peer is None or at_ns is None or drawn is None or not drawn.scale.holds(at_ns):
            return None
        return self._column_at(peer, drawn, drawn.scale.at(at_ns))

    def _column_at(self, peer: PeerView, drawn: Timeline, cell: int) -> readout.Column:
        """What is in a column, which may be very much: so it is looked up once."""
        known, listed = self._known, self.model.listed(peer)
        happened = [] if listed is None else listed.events
        same = known is not None and known[0] is drawn and known[1] is happened
        if known is None or not same or known[2] != cell:
            exact = self.drawings.exact.get(peer.id)
            without = None if listed is None else listed.times.without
            found = readout.column(peer, happened, drawn.scale, cell, exact, without)
            known = self._known = (drawn, happened, cell, found)
        return known[3]

    @property
    def shown_window(self) -> Window | None:
        """What is drawn of the whole time."""
        return self._window

    # --- moving ----------------------------------------------------------------------------

    def _at(self, at_ns: int) -> None:
        """The cursor on a moment, which comes into the window."""
        window = self._window
        self.console_app.go_to_moment(at_ns)
        if window is not None and not window.start_ns <= at_ns <= window.end_ns:
            half = (window.end_ns - window.start_ns) // 2
            self._window = inside(Window(at_ns - half, at_ns + half), self.model.span)
        self.console_app.changed()

    def _cell(self, by: int) -> None:
        drawn, at_ns = self._drawn, self.model.at_ns
        if drawn is None or at_ns is None or not drawn.scale.holds(at_ns):
            return
        scale = drawn.scale
        wanted = scale.step(scale.at(at_ns), by)
        if 0 <= wanted < scale.width:
            self._at_cell(wanted)
        else:
            step = max(round(scale.cell_ns), 1)
            self._pan(by * max(scale.width // 8, 1) * step)
            self._go_on_to(at_ns + by * step)

    def _at_cell(self, cell: int) -> None:
        """The cursor on a column: on what matters most in it, else on its beginning."""
        peer, drawn = self.model.peer, self._drawn
        if peer is None or drawn is None:
            return
        foremost = self._column_at(peer, drawn, cell).foremost
        self._at(drawn.scale.time_at(cell) if foremost is None else foremost.at_ns)

    def _pan(self, by_ns: int) -> None:
        if (window := self._window) is not None:
            moved = Window(window.start_ns + by_ns, window.end_ns + by_ns)
            self._window = inside(moved, self.model.span)

    def _go_on_to(self, at_ns: int) -> None:
        """The cursor on a moment, or on the end of the inputs that is before it."""
        span = self.model.span
        self._at(there_ns := clamp(at_ns, span.start_ns, span.end_ns))
        if there_ns != at_ns:
            self.console_app.say(f"the input {'begins' if at_ns < there_ns else 'ends'} here")

    def _zoom(self, closer: bool, at_ns: int | None = None) -> None:
        window = self._window
        if window is None:
            return
        about = self.model.at_ns if at_ns is None else at_ns
        if about is None or not window.start_ns <= about <= window.end_ns:
            about = (window.start_ns + window.end_ns) // 2
        scale = self.model.scale(window, self._cells)
        if closer:
            if window.end_ns - window.start_ns <= _CLOSEST_NS:
                self.console_app.say("this is as close as it gets")
                return
            self._window = closer_to(about, scale)
        else:
            span = self.model.span
            if window.end_ns - window.start_ns >= span.end_ns - span.start_ns:
                self.console_app.say("this is as far as it gets")
                return
            self._window = farther_from(about, scale, span, self.model.whole_digest.unseen)
        self._own_window = True
        self.console_app.changed()

    def on_lanes_pointed(self, message: Lanes.Pointed) -> None:
        """A click."""
        if self._drawn is not None and 0 <= message.cell < self._drawn.scale.width:
            self._at_cell(message.cell)

    def on_lanes_zoomed(self, message: Lanes.Zoomed) -> None:
        """The wheel."""
        if self._drawn is not None:
            cell = clamp(message.cell, 0, self._drawn.scale.width - 1)
            self._zoom(message.by > 0, self._drawn.scale.time_at(cell))

    def moved(self, index: int) -> None:
        """The cursor goes where the row is."""
        if index < len(self._events):
            self._at(self._events[index].at_ns)

    def on_row_list_chosen(self, message: RowList.Chosen) -> None:
        """A double click opens."""
        self.do_into()

    # --- keys ------------------------------------------------------------------------------

    def do_left(self) -> None:
        """A column earlier."""
        self._cell(-1)

    def do_right(self) -> None:
        """A column later."""
        self._cell(1)

    def do_page_up(self) -> None:
        """Half a window earlier."""
        self._half(-1)

    def do_page_down(self) -> None:
        """Half a window later."""
        self._half(1)

    def _half(self, by: int) -> None:
        if self._window is not None and self.model.at_ns is not None:
            half = by * (self._window.end_ns - self._window.start_ns) // 2
            self._pan(half)
            self._go_on_to(self.model.at_ns + half)

    def do_zoom_in(self) -> None:
        """Closer to the cursor."""
        self._zoom(True)

    def do_zoom_out(self) -> None:
        """Farther away."""
        self._zoom(False)

    def do_fit(self) -> None:
        """All of the peer's time; all of the time where that is shown already."""
        peer, before = self.model.peer, self._window
        whole = None if peer is None else self._all(peer)
        shown = self.model.range_ns is None and before == whole
        self._window, self._own_window = None, False
        self.console_app.do_fit()
        if whole is None or whole == self.model.span:
            return
        if shown:
            self._window, self._own_window = self.model.span, True
            self.console_app.changed()
        else:
            number = len(self._peers(peer)) if peer is not None else 1
            whose = "this peer" if number == 1 else "these peers"
            key = self.model.key("fit")
            self.console_app.say(f"all of the time of {whose}: {key} again shows all there is")

    def do_compress(self) -> None:
        """Silence takes no room, or again."""
        self.compress = not self.compress
        self.console_app.changed()
        if self.compress and self.drawings.folding is None:
            # The view has only just come: its first drawing follows.
            self.call_after_refresh(self._tell_folded)
        else:
            self._tell_folded()

    def _tell_folded(self) -> None:
        if self.model.peer is not None:
            self.console_app.say(folded_words(self.drawings.folding, self.model.span))

    def do_into(self) -> None:
        """The ladder, at the same moment."""
        self.console_app.open_view("ladder")

    def do_select(self) -> None:
        """Read the next of the peers that stand here; window and cursor stay."""
        peer = self.model.peer
        peers = [] if peer is None else self._peers(peer)
        if peer is None or len(peers) < 2:
            key = self.model.key("select")
            self.console_app.say(f"one peer stands here: {key} in view 1 marks several")
            return
        chosen = peers[(peers.index(peer) + 1) % len(peers)]
        self._window_of = chosen.id
        self.console_app.choose_peer(chosen.id, self.model.at_ns)
        self.console_app.changed()

    def do_next_event(self) -> None:
        """The next event."""
        self._jump(lambda e: True, 1, "event")

    def do_previous_event(self) -> None:
        """The event before."""
        self._jump(lambda e: True, -1, "event")

    def do_next_hole(self) -> None:
        """The next black hole, as a whole in the window."""
        self._hole(1)

    def do_previous_hole(self) -> None:
        """The black hole before."""
        self._hole(-1)

    def _hole(self, by: int) -> None:
        holes = self._holes
        if not holes:
            self.console_app.say(self.model.why_no_hole)
            return
        ahead = [n for n in holes if (n - self.list.cursor) * by > 0]
        if ahead:
            self.list.go_to(ahead[0] if by > 0 else ahead[-1], quiet=True)
            self.console_app.go_to_moment(self._events[self.list.cursor].at_ns)
        hole = self._events[self.list.cursor].hole
        if not ahead and (hole is None or len(holes) > 1):
            self.console_app.say(f"no {'further' if by > 0 else 'earlier'} black hole")
        if hole is not None:
            begin_ns = hole.sound_until_ns
            margin_ns = max((hole.stop_ns - begin_ns) // 3, _LEAST_MARGIN_NS)
            self._own_window = True
            self._window = self.model.around(begin_ns, hole.stop_ns, margin_ns)
            self.console_app.changed()

    def do_next_error(self) -> None:
        """The next error."""
        self._jump(self._is(FindingSeverity.ERROR, Severity.BAD), 1, "error")

    def do_previous_error(self) -> None:
        """The error before."""
        self._jump(self._is(FindingSeverity.ERROR, Severity.BAD), -1, "error")

    def do_next_warning(self) -> None:
        """The next warning."""
        self._jump(self._is(FindingSeverity.WARNING, Severity.WARN), 1, "warning")

    def do_previous_warning(self) -> None:
        """The warning before."""
        self._jump(self._is(FindingSeverity.WARNING, Severity.WARN), -1, "warning")

    def _is(self, severity: FindingSeverity, shade: Severity) -> Callable[[Event], bool]:
        """Events that findings of a severity rest on, or that are as bad themselves."""
        peer = self.model.peer
        refs = set()
        if peer is not None:
            refs = {ref for f in self.model.findings_of(peer, severity) for ref in f.refs[:1]}
        return lambda e: (
            e.ref in refs
            or (e.severity is shade and e.kind in (EventKind.QUESTION, EventKind.VERDICT))
        )

    def do_pair_after(self) -> None:
        """The next message of the same exchange."""
        self._pair(1)

    def do_pair_before(self) -> None:
        """The message before of the same exchange."""
        self._pair(-1)

    def _pair(self, by: int) -> None:
        pair = self._events[self.list.cursor].pairs_with if self._events else None
        if pair is None:
            self.console_app.say("this event has no pair")
            return
        self._jump(lambda e: e.pairs_with == pair, by, "message of this exchange")

    def _jump(self, wanted: Callable[[Event], bool], by: int, what: str) -> None:
        place = self.list.cursor + by
        while 0 <= place < len(self._events):
            if wanted(self._events[place]):
                self.list.go_to(place)
                return
            place += by
        self.console_app.say(f"no {'further' if by > 0 else 'earlier'} {what}")

    def copy_text(self) -> dict[str, str]:
        """The event of the cursor."""
        peer = self.model.peer
        if peer is None or not self._events:
            return {}
        return copying.of_event(self.model.whole, peer, self._events[self.list.cursor])

    def search(self, text: str, by: int) -> bool:
        """The next event whose words have the text."""
        wanted, events = text.casefold(), self._events
        place = next_place(
            len(events), self.list.cursor, by, lambda n: wanted in events[n].label.casefold()
        )
        if place is not None:
            self.list.go_to(place)
        return place is not None
