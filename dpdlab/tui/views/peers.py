"""All peers, the worst first: state, ends, policy seen and expected, proof, counters, traffic."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Final

from textual.app import ComposeResult
from textual.geometry import Size

from analyzers.export.formatting import Severity, counted
from analyzers.model.peer import PeerView
from dpdlab.present import copying
from dpdlab.tui.dialogs.choose import Choose
from dpdlab.tui.dialogs.explain import ExplainScreen
from dpdlab.tui.model import Model
from dpdlab.tui.palette import Palette
from dpdlab.tui.rows import RowList
from dpdlab.tui.views.list_view import DetailedListView, next_place
from dpdlab.tui.views.peer_detail import PeerDetail
from dpdlab.tui.views.peer_rows import COLUMNS, WORST, Drawn, PeerRows

_WORDS_AT_ONCE: Final = 500
"""Peers of which the words are looked up in one step."""
_LEAST_DETAIL: Final = 5
"""Rows under which the detail of the peer is left out."""


class PeersView(DetailedListView):
    """View 1."""

    detail: PeerDetail
    title = "peers"
    hints: ClassVar[tuple[str, ...]] = (
        "into", "view-timeline", "view-ladder", "view-findings", "filter", "sort", "columns-right",
        "next-hole", "time-format", "help", "quit",
    )  # fmt: skip

    def __init__(self, model: Model, palette: Palette) -> None:
        super().__init__(model, palette)
        self.sort_by = WORST
        self.back = False
        """Whether the other way round."""
        self.hidden: frozenset[str] = frozenset()
        self.page = 0
        """Of the columns, where not all have room."""
        self._room = Size(0, 0)
        self.list = RowList(palette, id="peer-rows", empty="no peer")
        self.list.moved = self.moved
        self.detail = PeerDetail(model, palette)
        self.rows = PeerRows(model, self.sort_by, self.hidden)
        self._key: object = None
        self._about: object = None
        self._drawn = Drawn()

    def compose(self) -> ComposeResult:
        """The list, and the peer under its cursor."""
        yield self.list
        yield self.detail

    def show(self) -> None:
        """The peers, the cursor on the one that is chosen."""
        self._show_rows()
        self._tell()

    def _show_rows(self) -> None:
        self._renew()
        self.list.empty = self.why_no_peer()
        self.list.show(self.rows, self.rows.place_of(self.model.peer_id), self.palette)

    def _renew(self) -> None:
        """Other rows, where anything is different for them."""
        model = self.model
        if self.room != self._room:
            self._room, self.page = self.room, 0
        about = (model.revision, model.range_ns, self.palette)
        key = (about, self.sort_by, self.back, self.hidden, self.page, model.selected_peers)
        if key != self._key:
            self._key = key
            if about != self._about:
                self._about, self._drawn = about, Drawn()
            self.rows = PeerRows(
                model, self.sort_by, self.hidden, self._drawn, self.page, back=self.back
            )

    def ahead(self) -> Iterator[None]:
        """What a search looks at, and the peers in every order."""
        self._renew()
        rows, drawn = self.rows, self._drawn
        for place in range(len(rows)):
            rows.words(place)
            if place % _WORDS_AT_ONCE == 0:
                yield
        for column in COLUMNS:
            PeerRows(self.model, column.id, self.hidden, drawn)
            yield

    def _tell(self, *, afresh: bool = False) -> None:
        """All of the peer under the cursor."""
        peer, height = self.model.peer, self.room.height
        least = min(len(self.rows) + 2, max(height // 2, 4))
        self.detail.display = peer is not None and height - least >= _LEAST_DETAIL
        if peer is None or not self.detail.display:
            self.list.styles.height = "1fr"
            return
        self.list.styles.height = least
        self.detail.tell(peer, self.palette, afresh=afresh)

    def tick(self) -> None:
        """Countdowns and ages, and whether anything is watched by now."""
        self._show_rows()
        self.list.refresh_rows()
        self._tell(afresh=True)

    def moved(self, index: int) -> None:
        """The peer under the cursor is the one that the other views show."""
        self._choose(index)

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
        """A click on the cursor opens."""
        self._choose(event.index)
        self.do_into()

    def on_row_list_header_clicked(self, event: RowList.HeaderClicked) -> None:
        """Sort by the column, again the other way round, or turn the page."""
        column = self.rows.column_at(event.column, self.list.row_width, self.palette)
        if column is not None:
            self.back = column == self.sort_by and not self.back
            self.sort_by = column
            self.show()
        else:
            self.do_columns_right()

    def _choose(self, index: int) -> None:
        if index < len(self.rows.peers):
            self.console_app.choose_peer(self.rows.peers[index].id)
            self._tell()

    # --- keys ------------------------------------------------------------------------------

    def do_into(self) -> None:
        """The timeline of the peer, or of those that are marked."""
        self.console_app.do_view_timeline()

    def do_explain(self) -> None:
        """All findings on the peer."""
        peer = self.model.peer
        found = () if peer is None else self.model.digest.findings.get(peer.id, ())
        if found:
            self.console_app.push_screen(ExplainScreen(list(found), self.model, self.palette))
        else:
            self.console_app.say("no finding is on this peer (4 shows them all)")

    def do_select(self) -> None:
        """Mark this peer, or no longer: the timeline shows those that are marked together."""
        if self.list.cursor < len(self.rows.peers):
            chosen = self.rows.peers[self.list.cursor].id
            self.model.selected_peers ^= {chosen}
            self.console_app.changed()
            self.list.move(1)
            self.console_app.say(self._marked())

    def _marked(self) -> str:
        """How many are marked, and what for."""
        number = len(self.model.marked_peers)
        key = self.model.key("view-timeline")
        if not number:
            return "no peer is marked"
        together = "shows it" if number == 1 else "shows them together"
        return f"{counted(number, 'peer')} marked (*): {key} {together}"

    def do_columns(self) -> None:
        """Which columns the list has."""

        def chosen(place: int | None) -> None:
            if place is None:
                return
            column = COLUMNS[place].id
            if column != self.sort_by:
                self.hidden ^= {column}
                self.show()
            self.do_columns()

        yes = "x" if self.model.ascii_only else "✓"

        def told(column: str) -> str:
            if column in self.hidden:
                return " "
            page = self.rows.page_of(column, self.list.row_width, self.palette)
            return f"{yes} page {page + 1}" if page else yes

        choices = [(c.title, told(c.id)) for c in COLUMNS]
        self.app.push_screen(Choose("columns", choices), chosen)

    def do_columns_right(self) -> None:
        """The columns that have no room; after the last ones the first again."""
        self._turn(1)

    def do_columns_left(self) -> None:
        """The columns before."""
        self._turn(-1)

    def _turn(self, by: int) -> None:
        pages = len(self.rows.pages(self.list.row_width, self.palette))
        if pages == 1:
            self.console_app.say("all columns are shown")
        self.page = (min(self.page, pages - 1) + by) % pages
        self.show()

    def do_sort(self) -> None:
        """By another column, one after the other."""
        ids = [column.id for column in self.rows.columns]
        place = ids.index(self.sort_by) if self.sort_by in ids else -1
        self.sort_by, self.back = ids[(place + 1) % len(ids)], False
        self._sorted()

    def do_sort_back(self) -> None:
        """By the same column the other way round; who has nothing in it stays last."""
        self.back = not self.back
        self._sorted()

    def _sorted(self) -> None:
        """Show the order, with its column, and tell it."""
        self.show()
        width = self.list.row_width
        if not self.rows.shows(self.sort_by, width, self.palette):
            self.page = self.rows.page_of(self.sort_by, width, self.palette)
            self.show()
        column = next(c for c in COLUMNS if c.id == self.sort_by)
        ways = ("worst first", "best first") if column.id == WORST else ("descending", "ascending")
        self.console_app.say(f"sorted by {column.title}, {ways[column.falling is self.back]}")

    def _next(self, wanted: Callable[[PeerView], bool], what: str, by: int) -> None:
        peers = self.rows.peers
        place = self.list.cursor + by
        while 0 <= place < len(peers):
            if wanted(peers[place]):
                self.list.go_to(place)
                return
            place += by
        self.console_app.say(f"no peer {what} {'below' if by > 0 else 'above'} this one")

    def do_next_error(self) -> None:
        """The next peer in trouble."""
        self._next(lambda p: self.model.tally(p).severity is Severity.BAD, "in trouble", 1)

    def do_previous_error(self) -> None:
        """The peer in trouble before."""
        self._next(lambda p: self.model.tally(p).severity is Severity.BAD, "in trouble", -1)

    def do_next_warning(self) -> None:
        """The next peer that is worth a look."""
        self._next(lambda p: self.model.tally(p).severity >= Severity.WARN, "worth a look", 1)

    def do_previous_warning(self) -> None:
        """The peer before that is worth a look."""
        self._next(lambda p: self.model.tally(p).severity >= Severity.WARN, "worth a look", -1)

    def do_next_hole(self) -> None:
        """The next peer with a black hole."""
        self._next(lambda p: bool(p.black_holes), "with a black hole", 1)

    def do_previous_hole(self) -> None:
        """The peer with a black hole before."""
        self._next(lambda p: bool(p.black_holes), "with a black hole", -1)

    def copy_text(self) -> dict[str, str]:
        """The peer of the cursor."""
        peer = self.model.peer
        return {} if peer is None else copying.of_peer(self.model.whole, peer)

    def kept(self) -> dict[str, Any]:
        """How it is sorted, and which columns are hidden."""
        return {"sort": self.sort_by, "back": self.back, "hidden": sorted(self.hidden)}

    def restore(self, kept: Mapping[str, Any]) -> None:
        """The same as before."""
        known = {column.id for column in COLUMNS}
        if kept.get("sort") in known:
            self.sort_by, self.back = kept["sort"], kept.get("back") is True
        hidden = kept.get("hidden")
        if isinstance(hidden, list):
            self.hidden = frozenset(n for n in hidden if isinstance(n, str)) & (known - {WORST})

    def search(self, text: str, by: int) -> bool:
        """The next peer whose row has the text."""
        wanted, rows = text.casefold(), self.rows
        place = next_place(len(rows), self.list.cursor, by, lambda n: wanted in rows.words(n))
        if place is not None:
            self.list.go_to(place)
        return place is not None
