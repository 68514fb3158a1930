"""One peer message by message, as sngrep shows calls, and the message of the cursor in full."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from typing import ClassVar, Final

from rich.text import Text
from textual import work
from textual.worker import get_current_worker

from analyzers.errors import AnalyzerError
from analyzers.export.formatting import Severity, duration
from analyzers.export.unlisted import hidden_holes, not_shown
from analyzers.export.untrusted import safe
from analyzers.model.finding import Severity as FindingSeverity
from analyzers.model.observations import IkeMessage
from analyzers.model.records import Ref
from analyzers.session.one_message import bytes_of, tshark_view
from analyzers.session.second_pass import CaptureAgain
from dpdlab.present import copying
from dpdlab.present.detail import Detail, details
from dpdlab.present.events import Event, EventKind, place_of, same_event
from dpdlab.present.hexdump import hexdump
from dpdlab.present.log_places import lines_of, refs_of, texts_of
from dpdlab.present.packet_behind import packet_behind
from dpdlab.tui.model import Model
from dpdlab.tui.palette import Palette
from dpdlab.tui.rows import NoRows, RowList
from dpdlab.tui.text_pane import TextPane, TextRows
from dpdlab.tui.views.ladder_panes import LABEL, comparison, line_of_log, why_not_compared
from dpdlab.tui.views.ladder_rows import Fold, Item, LadderRows, folded
from dpdlab.tui.views.list_view import DetailView, next_place

_LOW: Final = 22
"""Rows of the view under which the detail has few."""
_HEX_WIDE: Final = 74
_FETCHED_KEPT: Final = 200
_LINES_SEARCHED: Final = 5_000
"""Events from the cursor on whose lines are searched while the key waits, not their words alone."""


class Pane(StrEnum):
    """What stands beside the ladder."""

    DETAIL = "detail"
    RAW = "raw bytes"
    TSHARK = "tshark"
    COMPARED = "compared"


class LadderView(DetailView):
    """View 3."""

    title = "ladder"
    hints: ClassVar[tuple[str, ...]] = (
        "into", "next-event", "pair-after", "next-error", "next-hole", "compress", "raw", "tshark",
        "select", "diff", "copy", "help",
    )  # fmt: skip
    DEFAULT_CSS: ClassVar[str] = """
    LadderView #ladder-detail { height: 9; }
    LadderView.low #ladder-detail { height: 6; }
    LadderView.beside #ladder-detail { width: 38%; min-width: 44; height: 1fr; }
    """

    def __init__(self, model: Model, palette: Palette) -> None:
        super().__init__(model, palette)
        self.list = RowList(palette, id="ladder-rows", empty="no message of this peer")
        self.list.moved = self.moved
        self.detail = TextPane(palette, id="ladder-detail")
        self.fold = True
        self.selected: tuple[int, ...] = ()
        """Places in the events, the earlier choice first; two at most."""
        self.pane = Pane.DETAIL
        self._fetched: dict[tuple[Pane, Ref], list[str]] = {}
        self._fetched_from: tuple[CaptureAgain, ...] = ()
        """The captures that it was fetched from: of others there may be more to see."""
        self._events: list[Event] = []
        self._items: Sequence[Item] = []
        self._folding: object = None
        self._ways: object = None
        self._rows: LadderRows | None = None
        self._unfolded: frozenset[int] = frozenset()
        self._key: tuple[str, int, bool, tuple[int, int] | None] | None = None

    # --- painting --------------------------------------------------------------------------

    def show(self) -> None:
        """The events of the peer, the cursor at the moment that all views share."""
        peer = self.model.peer
        self.list.palette = self.palette
        self.place_detail()
        self._give_room()
        if peer is None:
            self._events, self._items, self._key = [], [], None
            self.list.empty = self.why_no_peer()
            self.list.show(NoRows(), 0)
            self.detail.tell(TextRows([]), self.palette)
            return
        listed = self.model.listed(peer)
        key = (peer.id, self.model.revision, listed is None, self.model.range_ns)
        same = self._key is not None and self._key[0] == peer.id
        # Until it is listed anew, what was listed of the same peer stays.
        if key != self._key and not (same and listed is None):
            events = [] if listed is None else self.model.of_range(peer, listed.events)
            self._keep(events if same else [])
            self._key, self._events = key, events
        self._fold_items(key)
        self.list.empty = self._why_no_event(listed is None)
        ways = (self._folding, self.model.times, self.model.colour_by, self.selected, self.palette)
        if self._rows is None or ways != self._ways:
            self._ways = ways
            chosen = frozenset(self.selected)
            self._rows = LadderRows(self.model, peer, self._events, self._items, chosen)
        self.list.show(self._rows, self._row_at(self.model.at_ns))
        self.show_detail()

    def _why_no_event(self, listing: bool) -> str:
        if listing:
            return "listing what the peer did"
        if self.model.range_ns is not None:
            return f"no message of this peer in the stretch of time: {self.model.range_left}"
        return "no message of this peer"

    def _keep(self, events: Sequence[Event]) -> None:
        """What was selected and unfolded stays so where there are more events of the same peer."""

        def again(places: Iterable[int]) -> Iterator[int]:
            found = (place_of(self._events[place], events) for place in places)
            return (place for place in found if place is not None)

        self.selected = tuple(again(self.selected))
        self._unfolded = frozenset(again(self._unfolded))

    def _row_at(self, at_ns: int | None) -> int:
        """The row of the last event at or before a moment."""
        if at_ns is None or not self._items:
            return 0
        current = self._current
        if current is not None and current.at_ns == at_ns:
            return self.list.cursor
        place = bisect_right(self._events, at_ns, key=lambda e: e.at_ns) - 1
        while place > 0 and self._events[place - 1].at_ns == at_ns:
            place -= 1
        return self._row_of(max(place, 0))

    def _fold_items(self, key: object) -> None:
        """The rows of the events, once for a way of folding them."""
        folding = (key, self.fold, self._unfolded)
        if folding != self._folding:
            self._folding = folding
            everything = range(len(self._events))
            self._items = folded(self._events, self._unfolded) if self.fold else everything

    def _row_of(self, place: int) -> int:
        row = bisect_left(self._items, place, key=_last_of)
        return min(row, max(len(self._items) - 1, 0))

    @property
    def _current(self) -> Event | None:
        """The event under the cursor; None on a fold."""
        if not 0 <= self.list.cursor < len(self._items):
            return None
        item = self._items[self.list.cursor]
        return None if isinstance(item, Fold) else self._events[item]

    def _give_room(self) -> None:
        """What is asked for has more rows than what stands there by itself."""
        low = self.room.height < _LOW and self.pane is Pane.DETAIL
        self.set_class(low, "low")

    def show_detail(self) -> None:
        """The message in full, its bytes, tshark's view of it, or two that are compared."""
        event, peer = self._current, self.model.peer
        lines: list[Text] = []
        if self.pane is Pane.COMPARED and len(self.selected) == 2 and peer is not None:
            both = [self._events[place] for place in self.selected]
            lines = comparison(self.model, self.palette, peer, both)
        elif self.pane in (Pane.RAW, Pane.TSHARK) and event is not None:
            lines = self._second_opinion(event)
        elif event is not None and peer is not None:
            findings = self.model.findings_on(event.ref)
            paths = {s.id: s.path for s in self.model.whole.sources}
            told = refs_of(self.model.log, event)
            lines = [
                self._detail_line(d)
                for d in details(peer, event, findings, paths, self.model.times, told)
            ]
            lines[2:2] = [self._detail_line(d) for d in self._beside_place(event)]
        elif self._items:
            lines = [Text("healthy exchanges: enter unfolds them", self.palette.faint)]
        about = (self.pane, None if event is None else same_event(event))
        self.detail.tell(TextRows(lines, indent=LABEL, heading=True), self.palette, about)

    def _beside_place(self, event: Event) -> Iterator[Detail]:
        """What is told next to where it stands: doubts of its order, and lines of logs."""
        rows, place = self._rows, self._place()
        against = "" if rows is None else rows.contradiction(place)
        apart_ns = 0 if rows is None else rows.unsure_ns(place)
        if against:
            yield Detail("order", f"not certain: the clock by hand {against}", Severity.WARN)
        elif apart_ns:
            told = f"not certain: the clocks here agree to {duration(apart_ns)}"
            yield Detail("order", told, Severity.WARN)
        yield from texts_of(self.model.log, event)

    def _detail_line(self, detail: Detail) -> Text:
        text = Text()
        if detail.label:
            text.append(f"{detail.label:<{LABEL}}", self.palette.faint)
        shade = self.palette.severity(detail.severity)
        plain = detail.severity is Severity.MUTE
        return text.append(safe(detail.text), self.palette.text if plain else shade)

    # --- the packet itself -----------------------------------------------------------------

    def _second_opinion(self, event: Event) -> list[Text]:
        """Bytes or tshark's view: at once if they are known, else when they come."""
        behind = packet_behind(self._events, self._place())
        message = None if behind is None else self._events[behind].message
        if behind is None or message is None:
            none = "no packet for tshark; " if self.pane is Pane.TSHARK else ""
            return line_of_log(self.model, self.palette, event, none)
        if self._fetched_from is not self.console_app.captures:
            self._fetched_from = self.console_app.captures
            self._fetched.clear()
        key = (self.pane, message.ref)
        known = self._fetched.get(key)
        if known is None:
            self._fetch(self.pane, message)
            return [Text(f"reading: {self.pane.value}", self.palette.faint)]
        about = self._events[behind]
        head = Text(self.pane.value, self.palette.faint)
        if about is not event:
            at = self.model.times.at(about.at_ns)
            head.append(
                f" of {at} {safe(about.label)}: this itself is no packet", self.palette.warn
            )
        head.append("  (the same key goes back)", self.palette.faint)
        return [head, *(Text(safe(line)) for line in known)]

    @work(thread=True, exclusive=True, group="second-opinion")
    def _fetch(self, pane: Pane, message: IkeMessage) -> None:
        app = self.console_app
        captures, keys = app.captures, app.options.keys
        earlier = [m for m in self.model.events_messages(message) if m.ref != message.ref]
        wide = self.detail.size.width >= _HEX_WIDE
        try:
            if pane is Pane.RAW:
                lines = list(hexdump(bytes_of(captures, message.ref), 16 if wide else 8))
            else:
                lines = tshark_view(captures, message, earlier, keys)
        except AnalyzerError as error:
            lines = [error.message, error.hint]
        except Exception as error:  # noqa: BLE001 - a second opinion is never worth a crash
            lines = [f"there is none: {error}"]
        if not get_current_worker().is_cancelled:
            app.call_from_thread(self._came, pane, message.ref, lines)

    def _came(self, pane: Pane, ref: Ref, lines: list[str]) -> None:
        if len(self._fetched) > _FETCHED_KEPT:
            self._fetched.clear()
        self._fetched[pane, ref] = lines
        self.show_detail()

    def do_raw(self) -> None:
        """The bytes of the message, or its detail again."""
        self._turn(Pane.RAW)

    def do_tshark(self) -> None:
        """tshark's view of the message, or its detail again."""
        self._turn(Pane.TSHARK)

    def _turn(self, pane: Pane) -> None:
        self.pane = Pane.DETAIL if self.pane is pane else pane
        self._give_room()
        self.show_detail()

    def step_back(self) -> bool:
        """From bytes, tshark's view or a comparison to the detail."""
        if self.pane is Pane.DETAIL:
            return False
        self._turn(Pane.DETAIL)
        return True

    # --- comparing two ---------------------------------------------------------------------

    def do_select(self) -> None:
        """Select the message, or no longer; of three the first one goes."""
        place = self._place()
        if place in self.selected:
            self.selected = tuple(p for p in self.selected if p != place)
        else:
            self.selected = (*self.selected, place)[-2:]
        self._again(place)

    def do_diff(self) -> None:
        """Both that are selected, field by field."""
        if len(self.selected) < 2:
            self.console_app.say("space selects two messages, then d compares them")
            return
        why_not = why_not_compared([self._events[place] for place in self.selected])
        if why_not:
            self.console_app.say(why_not)
            return
        self._turn(Pane.COMPARED)

    # --- moving ----------------------------------------------------------------------------

    def moved(self, index: int) -> None:
        """The moment of the row is that of all views."""
        event = self._current
        if event is not None:
            self.console_app.go_to_moment(event.at_ns)
        self.show_detail()

    def on_row_list_chosen(self, message: RowList.Chosen) -> None:
        """A double click opens."""
        self.do_into()

    def do_into(self) -> None:
        """Unfold, else the same moment in the timeline."""
        if not self._items:
            return
        item = self._items[self.list.cursor]
        if isinstance(item, Fold):
            self._unfolded |= frozenset(range(item.first, item.last + 1))
            self._again(item.first)
        else:
            self.console_app.open_view("timeline")

    def do_compress(self) -> None:
        """Fold healthy exchanges, or unfold all."""
        self.fold = not self.fold
        self._unfolded = frozenset()
        current = self._items[self.list.cursor] if self._items else 0
        self._again(current.first if isinstance(current, Fold) else current)
        told = "healthy exchanges are folded" if self.fold else "every message is shown"
        self.console_app.say(told)

    def _again(self, place: int) -> None:
        self.show()
        self.list.go_to(self._row_of(place))
        self.show_detail()

    def do_next_event(self) -> None:
        """The next event."""
        self._row_by(1)

    def do_previous_event(self) -> None:
        """The event before."""
        self._row_by(-1)

    def _row_by(self, by: int) -> None:
        if 0 <= self.list.cursor + by < len(self._items):
            self.list.move(by)
        else:
            self.console_app.say(f"no {'further' if by > 0 else 'earlier'} event")

    def do_next_hole(self) -> None:
        """The next black hole."""
        self._jump(lambda e: e.kind is EventKind.HOLE, 1, "black hole")

    def do_previous_hole(self) -> None:
        """The black hole before."""
        self._jump(lambda e: e.kind is EventKind.HOLE, -1, "black hole")

    def do_next_error(self) -> None:
        """The next error."""
        self._jump(self._rests(FindingSeverity.ERROR), 1, "error")

    def do_previous_error(self) -> None:
        """The error before."""
        self._jump(self._rests(FindingSeverity.ERROR), -1, "error")

    def do_next_warning(self) -> None:
        """The next warning."""
        self._jump(self._rests(FindingSeverity.WARNING), 1, "warning")

    def do_previous_warning(self) -> None:
        """The warning before."""
        self._jump(self._rests(FindingSeverity.WARNING), -1, "warning")

    def _rests(self, severity: FindingSeverity) -> Callable[[Event], bool]:
        peer = self.model.peer
        found = [] if peer is None else self.model.findings_of(peer, severity)
        refs = {ref for f in found for ref in f.refs[:1]}
        return lambda e: e.ref is not None and e.ref in refs

    def do_pair_after(self) -> None:
        """The next message of the same exchange."""
        self._pair(1)

    def do_pair_before(self) -> None:
        """The message before of the same exchange."""
        self._pair(-1)

    def _pair(self, by: int) -> None:
        event = self._current
        pair = None if event is None else event.pairs_with
        if pair is None:
            self.console_app.say("this message has no pair")
            return
        self._jump(lambda e: e.pairs_with == pair, by, "message of this exchange")

    def _jump(self, wanted: Callable[[Event], bool], by: int, what: str) -> None:
        place = self._place() + by
        while 0 <= place < len(self._events):
            if wanted(self._events[place]):
                self._go(place)
                return
            place += by
        peer = self.model.peer
        hidden = peer is not None and what == "black hole" and not_shown(hidden_holes(peer), what)
        self.console_app.say(hidden or f"no {'further' if by > 0 else 'earlier'} {what}")

    def _place(self) -> int:
        if not self._items:
            return 0
        item = self._items[self.list.cursor]
        return item.first if isinstance(item, Fold) else item

    def _go(self, place: int) -> None:
        row = self._row_of(place)
        item = self._items[row]
        if isinstance(item, Fold):
            self._unfolded |= frozenset(range(item.first, item.last + 1))
            self.show()
            row = self._row_of(place)
        self.list.go_to(row)

    def copy_text(self) -> dict[str, str]:
        """The event of the cursor."""
        event, peer = self._current, self.model.peer
        if event is None or peer is None:
            return {}
        return copying.of_event(self.model.whole, peer, event)

    def search(self, text: str, by: int) -> bool:
        """The next message whose words have the text, or a line of a log that tells of it."""
        wanted, events, log = text.casefold(), self._events, self.model.log
        looked = 0

        def fits(place: int) -> bool:
            nonlocal looked
            looked += 1
            event = events[place]
            if wanted in event.label.casefold():
                return True
            if log is None or looked > _LINES_SEARCHED:
                return False
            return any(wanted in line.casefold() for line in lines_of(log, event))

        place = next_place(len(events), self._place(), by, fits)
        if place is not None:
            self._go(place)
        return place is not None


def _last_of(item: Item) -> int:
    return item.last if isinstance(item, Fold) else item
