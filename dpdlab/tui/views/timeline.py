"""One peer on a time axis, or several one above the other; below it its events, one a row."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from typing import ClassVar, Final

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.geometry import clamp

from analyzers.export import words
from analyzers.export.formatting import Severity, black_hole_bounds, duration, short_spi
from analyzers.export.spans import Window, whole
from analyzers.export.untrusted import safe
from analyzers.model.black_hole import BlackHole
from analyzers.model.finding import Severity as FindingSeverity
from analyzers.model.peer import PeerView
from analyzers.model.time import NS_PER_MS, ORDER_LIMIT_NS
from dpdlab.present import copying
from dpdlab.present.axes import axis_in, axis_name
from dpdlab.present.events import Event, EventKind
from dpdlab.present.expected import policy_of
from dpdlab.present.lane import Cell, Role, RowKind
from dpdlab.present.timeline import Timeline, draw
from dpdlab.present.times import TimeMode
from dpdlab.tui.model import Model
from dpdlab.tui.painted import append_runs
from dpdlab.tui.palette import Palette
from dpdlab.tui.rows import NoRows, RowList, cut, plain
from dpdlab.tui.views.event_rows import EventRows
from dpdlab.tui.views.lanes import LABEL, Lanes
from dpdlab.tui.views.list_view import ListView

_CLOSEST_NS: Final = NS_PER_MS
_LEAST_MARGIN_NS: Final = 20 * NS_PER_MS
_ZOOM: Final = 2
_MARGIN_SHARE: Final = 20
"""A window around everything has a twentieth of its length on both sides."""
_STACKED: Final = frozenset({RowKind.STATE, RowKind.PROBES_OUT, RowKind.PROBES_IN,
                             RowKind.HOLE_OUT, RowKind.HOLE_IN})  # fmt: skip


class TimelineView(ListView):
    """View 2."""

    title = "timeline"
    hints: ClassVar[tuple[str, ...]] = (
        "left", "right", "zoom-in", "zoom-out", "fit", "compress", "next-hole", "next-error",
        "next-event", "pair-after", "into", "help",
    )  # fmt: skip

    def __init__(self, model: Model, palette: Palette) -> None:
        super().__init__(model, palette)
        self.lanes = Lanes()
        self.list = RowList(palette, id="timeline-rows", empty="nothing happened here")
        self.list.moved = self.moved
        self.compress = False
        self._window: Window | None = None
        self._own_window = False
        """The user chose it: more input does not change its width."""
        self._window_of: str | None = None
        self._range: tuple[int, int] | None = None
        self._drawn: Timeline | None = None
        self._kept: tuple[object, list[Timeline]] | None = None
        self._events: list[Event] = []
        self._rows_of: tuple[str, int, object] | None = None

    def compose(self) -> ComposeResult:
        """The drawing, and the events under it."""
        yield self.lanes
        yield self.list

    def on_resize(self, _: events.Resize) -> None:
        """Another width is another drawing."""
        if self.console_app.view is self:
            self.show()

    # --- painting --------------------------------------------------------------------------

    def show(self) -> None:
        """Draw the peers that are chosen, and list the events of the first one."""
        peer = self.model.peer
        self.list.palette = self.palette
        if peer is None or self.size.width < 2:
            self.lanes.paint([])
            self.list.empty = self.why_no_peer()
            self.list.show(NoRows(), 0)
            return
        self.list.empty = "nothing happened here"
        if peer.first_ns < ORDER_LIMIT_NS:
            self.lanes.paint([Text("the input has no times: see the ladder (3)",
                                   self.palette.faint)])  # fmt: skip
        listed = self.model.listed(peer)
        if listed is None:
            self.lanes.paint([Text("listing what the peer did", self.palette.faint)])
        self._keep_window(peer)
        self._list_events(peer, [] if listed is None else listed.events)
        if peer.first_ns >= ORDER_LIMIT_NS and listed is not None:
            self.lanes.paint(self._lines(peer))

    def _keep_window(self, peer: PeerView) -> None:
        """The window stays while the peer stays; a new range or peer starts over."""
        fresh = self._window is None or self._window_of != peer.id
        if self.model.range_ns is not None and self.model.range_ns != self._range:
            self._window = Window(*self.model.range_ns)
        elif fresh or (self._range and not self.model.range_ns):
            self._window, self._own_window = self._all(peer), False
        elif not self.model.done:
            self._go_along(peer)
        self._range = self.model.range_ns
        self._window_of = peer.id
        listed = self.model.listed(peer)
        if self.model.at_ns is None and listed is not None:
            self.model.at_ns = _first_moment(peer, listed.events)

    def _go_along(self, peer: PeerView) -> None:
        """While more comes: all of it, or with a window of the user's own its last stretch."""
        if not self._own_window or self._window is None:
            self._window = self._all(peer)
        elif self.console_app.following:
            width = self._window.end_ns - self._window.start_ns
            end_ns = self.model.end_ns + width // _MARGIN_SHARE
            self._window = Window(end_ns - width, end_ns)

    def _all(self, peer: PeerView) -> Window:
        span = whole(peer)
        margin = (span.end_ns - span.start_ns) // _MARGIN_SHARE
        return Window(span.start_ns - margin, span.end_ns + margin)

    def _list_events(self, peer: PeerView, events: list[Event]) -> None:
        """The list under the drawing; it stays as it is while only the cursor moves."""
        ways = (self.model.times, self.model.colour_by, id(events) if events else 0)
        key = (peer.id, self.model.revision, ways)
        self._events = events
        if self._rows_of != key:
            self._rows_of = key
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
        known = self.model.digest.peers
        chosen = [known[i] for i in self.model.selected_peers if i in known]
        chosen = sorted(chosen, key=lambda p: self.model.tally(p).worst_first)
        return chosen if len(chosen) > 1 else [first]

    def _drawings(self, peers: list[PeerView], window: Window, cells: int) -> list[Timeline]:
        """What is drawn of the peers; kept while the cursor moves inside the window."""
        listed = [found for peer in peers if (found := self.model.listed(peer)) is not None]
        compress = self.compress and len(peers) == 1
        key = ([id(one) for one in listed], window, cells, compress)
        if self._kept is None or self._kept[0] != key:
            signs = self.model.signs
            drawn = [draw(one.times, window, cells, signs, compress=compress) for one in listed]
            self._kept = (key, drawn)
        return self._kept[1]

    def _lines(self, peer: PeerView) -> list[Text]:
        width = self.size.width
        peers = self._peers(peer)
        lines = [self._heading(peer, width)]
        cells = max(width - LABEL, 1)
        window = self._window or self._all(peer)
        drawings = self._drawings(peers, window, cells)
        self._drawn = drawings[0]
        cursor = None if self.model.at_ns is None else self._drawn.place(self.model.at_ns)
        name = axis_name(self.model.times)
        lines.append(self._line(name, self._axis(self._drawn), cursor))
        for shown, drawing in zip(peers, drawings, strict=False):
            if len(peers) > 1:
                named = Text(f"{safe(shown.local)} {self.model.signs.to} {safe(shown.remote)}")
                named.stylize(self.palette.strong if shown is peer else self.palette.faint)
                lines.append(named)
            lines += [
                self._line(row.label, row.cells, cursor)
                for row in drawing.rows
                if len(peers) == 1 or row.kind in _STACKED
            ]
        lines.append(self._minimap(peer, window, cells))
        lines += self._readout(peer, width)
        return [plain(line, self.model.ascii_only) for line in lines]

    def _axis(self, drawn: Timeline) -> tuple[Cell, ...]:
        """The axis of the drawing, which is in UTC, with its times told as elsewhere."""
        times = self.model.times
        if times.mode is TimeMode.UTC:
            return drawn.axis
        cells = list(drawn.axis)
        for part in drawn.stretches:
            if not part.folded:
                told = axis_in(times, part.start_ns, part.end_ns, part.width, self.model.signs)
                cells[part.first : part.first + part.width] = [Cell(c, Role.AXIS) for c in told]
        return tuple(cells)

    def _line(self, label: str, cells: tuple[Cell, ...], cursor: int | None) -> Text:
        line = Text().append(label.ljust(LABEL)[:LABEL], self.palette.faint)
        append_runs(line, ((cell.glyph, self.palette.role(cell.role)) for cell in cells))
        if cursor is not None and 0 <= cursor < len(cells):
            line.stylize(self.palette.cursor, LABEL + cursor, LABEL + cursor + 1)
        return line

    def _heading(self, peer: PeerView, width: int) -> Text:
        ends = f"{safe(peer.local)} {self.model.signs.to} {safe(peer.remote)}"
        line = Text().append(ends, self.palette.strong)
        if peer.ike_sas:
            sa = peer.ike_sas[-1]
            spi = short_spi(sa.initiator_spi, self.model.signs)
            line.append(f"  IKEv{sa.ike_version} {spi}")
        policy = policy_of(peer, peer.local)
        if policy is not None:
            said = f"  {words.policy_summary(policy, self.model.signs)} ({policy.basis.value})"
            line.append(said, self.palette.faint)
        window = self._window
        zoom = "" if window is None else f"{duration(window.end_ns - window.start_ns)} wide"
        room = width - line.cell_len - len(zoom)
        return line.append(" " * room + zoom) if room > 1 else cut(line, width)

    def _minimap(self, peer: PeerView, window: Window, cells: int) -> Text:
        """Where the window is in all of the time."""
        span = self._all(peer)
        total = max(span.end_ns - span.start_ns, 1)
        first = clamp((window.start_ns - span.start_ns) * cells // total, 0, cells - 1)
        last = clamp((window.end_ns - span.start_ns) * cells // total, first, cells - 1)
        line = Text(" " * LABEL + self.model.signs.rule * cells, self.palette.faint)
        if (first, last) != (0, cells - 1):
            line.stylize(self.palette.selected, LABEL + first, LABEL + last + 1)
        for hole in peer.black_holes:
            place = clamp((hole.stop_ns - span.start_ns) * cells // total, 0, cells - 1)
            line.stylize(self.palette.bad, LABEL + place, LABEL + place + 1)
        return line

    def _readout(self, peer: PeerView, width: int) -> list[Text]:
        """What is at the cursor: the moment, the black hole it is in, findings about it."""
        at_ns = self.model.at_ns
        if at_ns is None:
            return []
        line = Text().append(f"{self.model.times.at(at_ns)}  ", self.palette.strong)
        state = next((s for s in reversed(peer.states) if s.start_ns <= at_ns), None)
        if state is not None:
            line.append(words.STATE[state.state], self.palette.faint)
        for hole in peer.black_holes:
            begin = hole.first_exposed_ns or hole.last_proof_ns or hole.stop_ns
            if begin <= at_ns <= hole.stop_ns:
                line.append("  in ", self.palette.faint)
                line.append(_hole_words(hole), self.palette.bad)
        return [cut(line, width)]

    # --- moving ----------------------------------------------------------------------------

    def _at(self, at_ns: int) -> None:
        """The cursor on a moment, which comes into the window."""
        window = self._window
        self.console_app.go_to_moment(at_ns)
        if window is not None and not window.start_ns <= at_ns <= window.end_ns:
            half = (window.end_ns - window.start_ns) // 2
            self._window = Window(at_ns - half, at_ns + half)
        self.console_app.changed()

    def _cell(self, by: int) -> None:
        drawn, at_ns = self._drawn, self.model.at_ns
        if drawn is None or at_ns is None:
            return
        place = drawn.place(at_ns)
        if place is None:
            return
        wanted = place + by
        if 0 <= wanted < drawn.width:
            self._at(drawn.time_at(wanted))
        else:
            step = max((drawn.window.end_ns - drawn.window.start_ns) // drawn.width, 1)
            self._pan(by * max(drawn.width // 8, 1) * step)
            self._at(at_ns + by * step)

    def _pan(self, by_ns: int) -> None:
        if self._window is not None:
            self._window = Window(self._window.start_ns + by_ns, self._window.end_ns + by_ns)

    def _zoom(self, closer: bool, at_ns: int | None = None) -> None:
        window = self._window
        if window is None:
            return
        about = self.model.at_ns if at_ns is None else at_ns
        if about is None or not window.start_ns <= about <= window.end_ns:
            about = (window.start_ns + window.end_ns) // 2
        before, after = about - window.start_ns, window.end_ns - about
        if closer:
            if window.end_ns - window.start_ns <= _CLOSEST_NS:
                self.console_app.say("this is as close as it gets")
                return
            self._own_window = True
            self._window = Window(about - before // _ZOOM, about + max(after // _ZOOM, 1))
        else:
            self._own_window = True
            self._window = Window(about - before * _ZOOM, about + after * _ZOOM)
        self.console_app.changed()

    def on_lanes_pointed(self, message: Lanes.Pointed) -> None:
        """A click."""
        if self._drawn is not None and 0 <= message.cell < self._drawn.width:
            self._at(self._drawn.time_at(message.cell))

    def on_lanes_zoomed(self, message: Lanes.Zoomed) -> None:
        """The wheel."""
        if self._drawn is not None:
            cell = clamp(message.cell, 0, self._drawn.width - 1)
            self._zoom(message.by > 0, self._drawn.time_at(cell))

    def moved(self, index: int) -> None:
        """The cursor goes where the row is."""
        if index < len(self._events):
            self._at(self._events[index].at_ns)

    def on_row_list_chosen(self, message: RowList.Chosen) -> None:
        """A double click opens."""
        self.do_into()

    # --- keys ------------------------------------------------------------------------------

    def do_left(self) -> None:
        """One cell earlier."""
        self._cell(-1)

    def do_right(self) -> None:
        """One cell later."""
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
            self._at(self.model.at_ns + half)

    def do_zoom_in(self) -> None:
        """Closer."""
        self._zoom(True)

    def do_zoom_out(self) -> None:
        """Farther."""
        self._zoom(False)

    def do_fit(self) -> None:
        """All of the peer's time."""
        self._window = None
        self.model.choose_range(None)
        self.console_app.changed()

    def do_compress(self) -> None:
        """Fold silence away, or unfold it."""
        self.compress = not self.compress
        self.console_app.changed()
        self.console_app.say("silence is folded" if self.compress else "time is to scale")

    def do_into(self) -> None:
        """The ladder, at the same moment."""
        self.console_app.open_view("ladder")

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
        before = self._events[self.list.cursor].hole if self._events else None
        if before is None or any(e.hole not in (None, before) for e in self._events):
            self._jump(lambda e: e.kind is EventKind.HOLE, by, "black hole")
        hole = self._events[self.list.cursor].hole if self._events else None
        if hole is not None:
            begin = hole.last_proof_ns or hole.first_exposed_ns or hole.stop_ns
            margin = max((hole.stop_ns - begin) // 3, _LEAST_MARGIN_NS)
            self._own_window = True
            self._window = Window(begin - margin, hole.stop_ns + margin)
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
        if not self._events:
            return
        pair = self._events[self.list.cursor].pairs_with
        if pair is None:
            self.console_app.say("this event has no pair")
            return
        self._jump(lambda e: e.pairs_with == pair, by, "message of this exchange")

    def _jump(self, wanted: Callable[[Event], bool], by: int, what: str) -> bool:
        place = self.list.cursor + by
        while 0 <= place < len(self._events):
            if wanted(self._events[place]):
                self.list.go_to(place)
                return True
            place += by
        self.console_app.say(f"no {'further' if by > 0 else 'earlier'} {what}")
        return False

    def copy_text(self) -> dict[str, str]:
        """The event of the cursor."""
        peer = self.model.peer
        if peer is None or not self._events:
            return {}
        return copying.of_event(self.model.whole, peer, self._events[self.list.cursor])

    def search(self, text: str, by: int) -> bool:
        """The next event whose words have the text."""
        wanted = text.casefold()
        return any(wanted in e.label.casefold() for e in self._events) and self._jump(
            lambda e: wanted in e.label.casefold(), by, f"{text!r}"
        )


def _first_moment(peer: PeerView, events: list[Event]) -> int:
    """Where the eye should be first: the worst black hole, else the first event."""
    holes = sorted(peer.black_holes, key=lambda h: -h.max_seconds)
    if holes:
        return holes[0].first_exposed_ns or holes[0].stop_ns
    first = next((e for e in events if e.kind is not EventKind.MESSAGE), None)
    first = first or next(iter(events), None)
    return peer.first_ns if first is None else first.at_ns


def _hole_words(hole: BlackHole) -> str:
    return f"black hole ({words.CLASS[hole.black_hole_class]}): {black_hole_bounds(hole)}"
