"""All peers, the worst first: state, ends, policy seen and expected, proof, counters, traffic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Final

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.app import ComposeResult

from analyzers.export import words
from analyzers.export.formatting import (
    Severity,
    count,
    duration,
    peer_severity,
    state_glyph,
    state_severity,
    timer,
    worst_first,
)
from analyzers.export.untrusted import safe
from analyzers.model.exchange import Outcome
from analyzers.model.peer import PeerView
from analyzers.model.policy import DpdPolicy, PolicyBasis, PolicyMode
from analyzers.model.time import ORDER_LIMIT_NS
from dpdlab.present import copying
from dpdlab.present.lane import RowKind, Window, build
from dpdlab.tui.dialogs.choose import Choose
from dpdlab.tui.model import Model
from dpdlab.tui.palette import Palette
from dpdlab.tui.rows import RowList, cut
from dpdlab.tui.text_pane import TextRows
from dpdlab.tui.views import peer_story
from dpdlab.tui.views.view import View

_GAP: Final = 2
_LEAST_SPARK: Final = 8
_LEAST_STORY: Final = 5
"""Rows under which the story of the peer is left out."""
_MOST_ADDRESS: Final = 39


@dataclass(frozen=True, slots=True)
class PeerColumn:
    """A column: its title, what stands in it, and what it is sorted by."""

    id: str
    title: str
    cell: Callable[[PeerView, Model, Palette], Text]
    key: Callable[[PeerView], object]
    right: bool = False
    rank: int = 0
    """Columns with a higher rank go first when there is no room."""


def _state(peer: PeerView, model: Model, palette: Palette) -> Text:
    style = palette.severity(state_severity(peer.state))
    return Text(f"{state_glyph(peer.state, model.signs)} {words.peer_word(peer)}", style)


def _address(text: str) -> Text:
    return Text(cut(Text(safe(text)), _MOST_ADDRESS).plain)


def _policy(peer: PeerView, model: Model, palette: Palette) -> Text:
    """What is seen, and in brackets what is expected: "10 s + 5×2 s (=)"."""
    seen = _of(peer, PolicyBasis.OBSERVED)
    wanted = _of(peer, PolicyBasis.GIVEN) or _of(peer, PolicyBasis.CONFIG)
    told = Text(_brief(seen, model) if seen is not None else "none seen")
    if wanted is None:
        return told
    same = _brief(wanted, model) == told.plain
    expected = "=" if same else _brief(wanted, model)
    return told.append(f" ({expected})", palette.faint if same else palette.warn)


def _of(peer: PeerView, basis: PolicyBasis) -> DpdPolicy | None:
    """The policy of the local side, else that of the other one."""
    found = [p for p in peer.policies if p.basis is basis]
    own = [p for p in found if p.holder == peer.local]
    return next(iter(own or found), None)


def _brief(policy: DpdPolicy, model: Model) -> str:
    if policy.mode is PolicyMode.DISABLED:
        return "never"
    mode = "" if policy.mode is PolicyMode.UNKNOWN else f"{policy.mode.value} "
    every = "?" if policy.interval_s is None else timer(policy.interval_s)
    if policy.retry_s is None:
        return mode + every
    times = "" if policy.retries is None else f"{policy.retries}{model.signs.times}"
    growth = "" if policy.backoff == 1.0 else f"{model.signs.times}{policy.backoff:.2g}"
    return f"{mode}{every} + {times}{timer(policy.retry_s)}{growth}"


def _age(peer: PeerView) -> int | None:
    if peer.last_proof_ns is None or peer.until_ns is None:
        return None
    if peer.last_proof_ns < ORDER_LIMIT_NS:
        return None
    return max(peer.until_ns - peer.last_proof_ns, 0)


def _unanswered(peer: PeerView) -> int:
    return sum(x.outcome is Outcome.UNANSWERED for x in peer.exchanges)


def _retries(peer: PeerView) -> int:
    return sum(x.retries for x in peer.exchanges)


def _lost_s(peer: PeerView) -> float:
    return sum(hole.max_seconds for hole in peer.black_holes)


def _holes(peer: PeerView, model: Model, palette: Palette) -> Text:
    holes = peer.black_holes
    if not holes:
        return Text("0", palette.faint)
    packets = [hole.max_packets for hole in holes if hole.traffic_known]
    told = f"{len(holes)}, {duration(round(_lost_s(peer) * 1e9))}"
    if packets:
        told += f", {count(sum(packets))} pkt"
    return Text(told, palette.bad if _lost_s(peer) else palette.note)


def _number(value: int, palette: Palette, severity: Severity = Severity.MUTE) -> Text:
    return Text(count(value), palette.faint if not value else palette.severity(severity))


def _span(value_ns: int | None, model: Model) -> Text:
    return Text(model.signs.none if value_ns is None else duration(value_ns))


COLUMNS: Final = (
    PeerColumn("state", "state", _state, worst_first),
    PeerColumn("local", "local", lambda p, m, c: _address(p.local), lambda p: p.local, rank=1),
    PeerColumn("remote", "remote", lambda p, m, c: _address(p.remote), lambda p: p.remote),
    PeerColumn(
        "ike", "ike",
        lambda p, m, c: Text(
            "+".join(f"v{v}" for v in sorted({sa.ike_version for sa in p.ike_sas})) or m.signs.none
        ),
        lambda p: max((sa.ike_version for sa in p.ike_sas), default=0), rank=3,
    ),
    PeerColumn("holes", "black holes", _holes, lambda p: -_lost_s(p), rank=0),
    PeerColumn("policy", "policy seen (expected)", _policy,
               lambda p: str(_of(p, PolicyBasis.OBSERVED)), rank=2),
    PeerColumn("proof", "last proof", lambda p, m, c: _span(_age(p), m),
               lambda p: -(_age(p) or 0), right=True, rank=2),
    PeerColumn("rtt", "rtt", lambda p, m, c: _span(p.rtt_ns, m), lambda p: -(p.rtt_ns or 0),
               right=True, rank=4),
    PeerColumn("probes", "probes", lambda p, m, c: _number(len(p.exchanges), c, Severity.NOTE),
               lambda p: -len(p.exchanges), right=True, rank=3),
    PeerColumn("retries", "retries", lambda p, m, c: _number(_retries(p), c, Severity.WARN),
               lambda p: -_retries(p), right=True, rank=4),
    PeerColumn("unanswered", "unansw.", lambda p, m, c: _number(_unanswered(p), c, Severity.BAD),
               lambda p: -_unanswered(p), right=True, rank=2),
    PeerColumn("deletes", "deletes", lambda p, m, c: _number(len(p.deletes), c, Severity.NOTE),
               lambda p: -len(p.deletes), right=True, rank=5),
)  # fmt: skip


class PeerRows:
    """The peers as rows."""

    def __init__(self, model: Model, sort_by: str, hidden: frozenset[str]) -> None:
        column = next(c for c in COLUMNS if c.id == sort_by)
        self.model = model
        self.sort_by = sort_by
        self.peers = sorted(model.peers, key=lambda p: (column.key(p), worst_first(p)))
        self.columns = [c for c in COLUMNS if c.id not in hidden]
        self._sizes: tuple[int, list[tuple[PeerColumn, int]]] | None = None

    def __len__(self) -> int:
        return len(self.peers)

    def _laid_out(self, width: int, palette: Palette) -> list[tuple[PeerColumn, int]]:
        """Columns with their widths; where there is no room, the least important ones go."""
        if self._sizes is not None and self._sizes[0] == width:
            return self._sizes[1]
        sample = self.peers[:200]
        sizes = {
            column.id: max(
                [cell_len(column.title) + (2 if column.id == self.sort_by else 0)]
                + [column.cell(peer, self.model, palette).cell_len for peer in sample]
            )
            for column in self.columns
        }
        kept = list(self.columns)
        while len(kept) > 1 and sum(sizes[c.id] + _GAP for c in kept) + _LEAST_SPARK > width:
            kept.remove(max(reversed(kept), key=lambda c: c.rank))
        self._sizes = (width, [(column, sizes[column.id]) for column in kept])
        return self._sizes[1]

    def header(self, width: int, palette: Palette) -> Text | None:
        """Titles; the one that sorts has a mark."""
        line = Text()
        for column, size in self._laid_out(width, palette):
            mark = " ▾" if not self.model.ascii_only else " v"
            title = column.title + (mark if column.id == self.sort_by else "")
            line.append(title.rjust(size) if column.right else title.ljust(size))
            line.append(" " * _GAP)
        return line.append("activity").append(" " * max(width - line.cell_len, 0))

    def column_at(self, x: int, width: int, palette: Palette) -> str | None:
        """The column at a place of the header."""
        place = 0
        for column, size in self._laid_out(width, palette):
            place += size + _GAP
            if x < place:
                return column.id
        return None

    def row(self, index: int, width: int, palette: Palette) -> Text:
        """One peer."""
        peer = self.peers[index]
        line = Text()
        if peer.id in self.model.selected_peers:
            line.append("", palette.selected)
        for column, size in self._laid_out(width, palette):
            cell = cut(column.cell(peer, self.model, palette), size)
            blanks = " " * (size - cell.cell_len)
            if column.right:
                line.append(blanks)
            line.append_text(cell)
            if not column.right:
                line.append(blanks)
            line.append(" " * _GAP)
        room = width - line.cell_len
        if room >= 2:
            line.append_text(_spark(peer, self.model, room, palette))
        return line


def _spark(peer: PeerView, model: Model, width: int, palette: Palette) -> Text:
    """Traffic both ways over the whole time, with black holes laid over it."""
    first, last = model.range_ns or (model.start_ns, model.end_ns)
    if last <= first or first < ORDER_LIMIT_NS:
        return Text()
    lane = build(peer, Window(first, last), width, model.signs)
    rows = {row.kind: row.cells for row in lane.rows}
    text = Text()
    density = model.signs.density
    for place in range(width):
        hole = next(
            (
                rows[kind][place]
                for kind in (RowKind.HOLE_OUT, RowKind.HOLE_IN)
                if kind in rows and rows[kind][place].glyph.strip()
            ),
            None,
        )
        probe = next(
            (
                rows[kind][place]
                for kind in (RowKind.PROBES_OUT, RowKind.PROBES_IN)
                if kind in rows and rows[kind][place].glyph.strip()
            ),
            None,
        )
        esp = [
            rows[kind][place]
            for kind in (RowKind.ESP_OUT, RowKind.ESP_IN)
            if kind in rows and rows[kind][place].glyph.strip()
        ]
        if hole is not None:
            text.append(hole.glyph, palette.role(hole.role))
        elif esp:
            best = max(esp, key=lambda c: density.find(c.glyph))
            text.append(best.glyph, palette.role(best.role))
        elif probe is not None:
            text.append(probe.glyph, palette.role(probe.role))
        else:
            text.append(" ")
    return text


class PeersView(View):
    """View 1."""

    title = "peers"
    hints: ClassVar[tuple[str, ...]] = (
        "into", "view-timeline", "view-ladder", "view-findings", "filter", "sort", "next-hole",
        "time-format", "help", "quit",
    )  # fmt: skip

    def __init__(self, model: Model, palette: Palette) -> None:
        super().__init__(model, palette)
        self.sort_by = "state"
        self.hidden: frozenset[str] = frozenset()
        self.list = RowList(palette, id="peer-rows", empty="no peer")
        self.story = RowList(palette, id="peer-story", empty="")
        self.rows = PeerRows(model, self.sort_by, self.hidden)

    def compose(self) -> ComposeResult:
        """The list."""
        yield self.list
        yield self.story

    def show(self) -> None:
        """The peers, the cursor on the one that is chosen."""
        self.rows = PeerRows(self.model, self.sort_by, self.hidden)
        places = {peer.id: number for number, peer in enumerate(self.rows.peers)}
        self.list.palette = self.palette
        self.list.empty = self._why_empty()
        self.list.show(self.rows, places.get(self.model.peer_id or "", 0))
        self._tell()

    def on_resize(self, event: events.Resize) -> None:
        """The list takes what it needs, the story the rest, where there is room for both."""
        self.call_after_refresh(self._tell)

    def _tell(self) -> None:
        """The story of the peer under the cursor."""
        peer, height = self.model.peer, self.size.height
        least = min(len(self.rows) + 2, max(height // 2, 4))
        self.story.display = peer is not None and height - least >= _LEAST_STORY
        if peer is None or not self.story.display:
            self.list.styles.height = "1fr"
            return
        self.list.styles.height = least
        told = TextRows(peer_story.lines(self.model, peer, self.palette), indent=2)
        told.set_width(max(self.size.width - 2, 20))
        self.story.palette = self.palette
        self.story.show(told, -1)
        self.story.cursor = -1

    def _why_empty(self) -> str:
        if self.model.filter is not None and self.model.whole.peers:
            return "nothing matches the filter (f changes it, an empty one shows all)"
        if not self.model.done:
            return "no IKE and no ESP so far"
        if self.model.failure:
            return "\n".join(safe(line) for line in self.model.failure.split("\n"))
        told = [safe(sentence) for sentence in self.model.content.diagnosis]
        return "\n".join(told) or "no IPsec peer in these inputs"

    def on_row_list_moved(self, event: RowList.Moved) -> None:
        """The peer under the cursor is the one that the other views show."""
        if event.rows is not self.list:
            return
        self._choose(event.index)

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
        """A click on the cursor opens."""
        self._choose(event.index)
        self.do_into()

    def on_row_list_header_clicked(self, event: RowList.HeaderClicked) -> None:
        """Sort by the column."""
        column = self.rows.column_at(event.column, self.list.row_width, self.palette)
        if column is not None:
            self.sort_by = column
            self.show()

    def _choose(self, index: int) -> None:
        if index < len(self.rows.peers):
            self.console_app.choose_peer(self.rows.peers[index].id)
            self._tell()

    # --- keys ------------------------------------------------------------------------------

    def do_up(self) -> None:
        """One peer up."""
        self.list.move(-1)

    def do_down(self) -> None:
        """One peer down."""
        self.list.move(1)

    def do_page_up(self) -> None:
        """One page up."""
        self.list.page(-1)

    def do_page_down(self) -> None:
        """One page down."""
        self.list.page(1)

    def do_first(self) -> None:
        """The first peer."""
        self.list.go_to(0)

    def do_last(self) -> None:
        """The last peer."""
        self.list.go_to(len(self.rows) - 1)

    def do_into(self) -> None:
        """The timeline of the peer."""
        self.console_app.open_view("timeline")

    def do_select(self) -> None:
        """Select the peer, or no longer: the timeline shows those that are selected together."""
        if self.list.cursor < len(self.rows.peers):
            chosen = self.rows.peers[self.list.cursor].id
            self.model.selected_peers ^= {chosen}
            self.console_app.changed()
            self.list.move(1)

    def do_columns(self) -> None:
        """Choose columns, one after the other."""

        def chosen(place: int | None) -> None:
            if place is None:
                return
            column = COLUMNS[place].id
            if column != self.sort_by:
                self.hidden ^= {column}
                self.show()
            self.do_columns()

        yes = "x" if self.model.ascii_only else "✓"
        choices = [(c.title, " " if c.id in self.hidden else yes) for c in COLUMNS]
        self.app.push_screen(Choose("columns", choices), chosen)

    def do_sort(self) -> None:
        """Sort by the next column."""
        ids = [column.id for column in self.rows.columns]
        place = ids.index(self.sort_by) if self.sort_by in ids else -1
        self.sort_by = ids[(place + 1) % len(ids)]
        self.show()
        self.console_app.say(f"sorted by {self.sort_by}")

    def _next(self, wanted: Callable[[PeerView], bool], by: int) -> None:
        peers = self.rows.peers
        place = self.list.cursor + by
        while 0 <= place < len(peers):
            if wanted(peers[place]):
                self.list.go_to(place)
                return
            place += by
        self.console_app.say("no further one in this list")

    def do_next_error(self) -> None:
        """The next peer that is in trouble."""
        self._next(lambda p: peer_severity(p) is Severity.BAD, 1)

    def do_previous_error(self) -> None:
        """The peer in trouble before."""
        self._next(lambda p: peer_severity(p) is Severity.BAD, -1)

    def do_next_warning(self) -> None:
        """The next peer that is worth a look."""
        self._next(lambda p: peer_severity(p) >= Severity.WARN, 1)

    def do_previous_warning(self) -> None:
        """The peer before that is worth a look."""
        self._next(lambda p: peer_severity(p) >= Severity.WARN, -1)

    def do_next_hole(self) -> None:
        """The next peer with a black hole."""
        self._next(lambda p: bool(p.black_holes), 1)

    def do_previous_hole(self) -> None:
        """The peer with a black hole before."""
        self._next(lambda p: bool(p.black_holes), -1)

    def copy_text(self) -> dict[str, str]:
        """The peer of the cursor."""
        peer = self.model.peer
        return {} if peer is None else copying.of_peer(self.model.whole, peer)

    def search(self, text: str, by: int) -> bool:
        """The next peer whose row has the text."""
        wanted = text.casefold()
        size = len(self.rows)
        for step in range(1, size + 1):
            place = (self.list.cursor + by * step) % size
            row = self.rows.row(place, 400, self.palette).plain
            if wanted in row.casefold():
                self.list.go_to(place)
                return True
        return False
