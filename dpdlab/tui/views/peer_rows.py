"""Peers as rows: columns with what they are sorted by, and traffic over the whole time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace
from rich.cells import cell_len
from rich.style import Style
from rich.text import Text

from analyzers.export import words
from analyzers.export.formatting import (
    Severity,
    count,
    counted,
    duration,
    state_glyph,
    state_severity,
)
from analyzers.export.spans import Window
from analyzers.export.untrusted import safe
from analyzers.export.words import is_censored
from analyzers.model.black_hole import BlackHole
from analyzers.model.exchange import Exchange, Outcome
from analyzers.model.peer import PeerView
from analyzers.model.policy import DpdPolicy, PolicyBasis
from analyzers.model.time import NS_PER_SECOND, ORDER_LIMIT_NS
from analyzers.session.expectations import detection_ns, expectations
from dpdlab.present.cells import Cell, Row, RowKind
from dpdlab.present.digest import Tally, WorstFirst
from dpdlab.present.lane import questions, traffic
from dpdlab.present.live_lines import countdown
from dpdlab.present.scale import linear
from dpdlab.tui.keymap import key_name
from dpdlab.tui.model import Model
from dpdlab.tui.painted import append_runs
from dpdlab.tui.palette import Palette
from dpdlab.tui.rows import cut
from dpdlab.tui.views import policy_cells

_GAP: Final = 2
_STALE: Final = 0.75
_LATE: Final = 0.9
"""Shares of the detection time from which the last proof is tinted."""
_LEAST_SPARK: Final = 8
_GOOD_SPARK: Final = 24
_SAMPLE: Final = 200
"""Peers whose cells decide how wide a column is."""
_PINNED: Final = ("state", "remote")
"""Columns that every page has."""
_MOST_ADDRESS: Final = 39
_SPARK_EXCHANGES: Final = 500
"""Of a peer with many more exchanges not every one is drawn on a few columns."""


class PeerColumn(Struct, frozen=True):
    """A column: its title, what stands in it, and what it is sorted by."""

    id: str
    title: str
    cell: Callable[[PeerView, Model, Palette], Text]
    key: Callable[[PeerView, Tally], str | float | tuple[int, int] | WorstFirst]
    right: bool = False
    rank: int = 0
    """Columns with a higher rank go first when there is no room."""
    spare: bool = False
    """Only there where the traffic keeps a good deal of room beside it."""


def _state(peer: PeerView, model: Model, palette: Palette) -> Text:
    style = palette.severity(state_severity(peer.state))
    told = f"{state_glyph(peer.state, model.signs)} {words.peer_word(peer)}"
    now_ns = model.now_ns
    open_questions = () if now_ns is None else expectations(peer)
    if now_ns is not None and open_questions:
        told += countdown(open_questions[0], now_ns)
    return Text(told, style)


def _proof(peer: PeerView, model: Model, palette: Palette) -> Text:
    """Age of the last proof; while things happen, tinted as the verdict comes nearer."""
    now_ns = model.now_ns
    if now_ns is None or peer.last_proof_ns is None:
        return _span(_age(peer), model)
    age_ns = max(now_ns - peer.last_proof_ns, 0)
    limit_ns = detection_ns(peer, peer.local)
    sign, style = "", palette.text
    if limit_ns is not None and age_ns >= limit_ns * _LATE:
        sign, style = "!! ", palette.bad
    elif limit_ns is not None and age_ns >= limit_ns * _STALE:
        sign, style = "! ", palette.warn
    return Text(f"{sign}{duration(age_ns // NS_PER_SECOND * NS_PER_SECOND)}", style)


def _address(text: str) -> Text:
    return Text(cut(Text(safe(text)), _MOST_ADDRESS).plain)


def _policy_order(peer: PeerView) -> str:
    """What the peers are sorted by: like policies stand together."""
    seen = next((p for p in peer.policies if p.basis is PolicyBasis.OBSERVED), None)
    return "" if seen is None else f"{seen.mode} {seen.interval_s or 0:09.3f}"


def _expected_order(peer: PeerView) -> str:
    wanted = [p for p in peer.policies if p.basis is not PolicyBasis.OBSERVED]
    return "" if not wanted else f"{wanted[0].mode} {wanted[0].interval_s or 0:09.3f}"


def _age(peer: PeerView) -> int | None:
    if peer.last_proof_ns is None or peer.until_ns is None:
        return None
    if peer.last_proof_ns < ORDER_LIMIT_NS:
        return None
    return max(peer.until_ns - peer.last_proof_ns, 0)


def _holes(peer: PeerView, model: Model, palette: Palette) -> Text:
    holes = peer.black_holes
    if not holes:
        hidden = model.hidden_holes(peer)
        return Text(f"{hidden}, not shown", palette.warn) if hidden else Text("0", palette.faint)
    lost_s = model.tally(peer).lost_s
    packets = [hole.max_packets for hole in holes if hole.traffic_known]
    told = f"{_how_many(holes, model)}, {duration(round(lost_s * 1e9))}"
    if packets:
        told += f", {count(sum(packets))} pkt"
    elif any(hole.counted_least for hole in holes):
        told += f", {count(sum(hole.counted_least or 0 for hole in holes))} pkt or more"
    past = model.now_ns is not None and not any(map(is_censored, holes))
    return Text(told, (palette.warn if past else palette.bad) if lost_s else palette.note)


def _how_many(holes: Sequence[BlackHole], model: Model) -> str:
    """Their number; while things happen also whether they go on, or how many do."""
    if model.now_ns is None:
        return str(len(holes))
    still = sum(map(is_censored, holes))
    if still in (0, len(holes)):
        return f"{len(holes)} {'open' if still else 'past'}"
    return f"{len(holes)}, {still} open"


def _findings(peer: PeerView, model: Model, palette: Palette) -> Text:
    """Errors and warnings: "1 error, 2 warnings"."""
    tally = model.tally(peer)
    told = []
    if tally.errors:
        told.append(Text(counted(tally.errors, "error"), palette.bad))
    if tally.warnings:
        told.append(Text(counted(tally.warnings, "warning"), palette.warn))
    return Text(", ").join(told) if told else Text(model.signs.none, palette.faint)


def _number(value: int, palette: Palette, severity: Severity = Severity.MUTE) -> Text:
    return Text(count(value), palette.faint if not value else palette.severity(severity))


def _span(value_ns: int | None, model: Model) -> Text:
    return Text(model.signs.none if value_ns is None else duration(value_ns))


WORST: Final = "state"
"""The column that puts the worst first."""

COLUMNS: Final = (
    PeerColumn("state", "state", _state, lambda p, t: t.worst_first),
    PeerColumn("local", "local", lambda p, m, c: _address(p.local), lambda p, t: p.local, rank=1),
    PeerColumn("remote", "remote", lambda p, m, c: _address(p.remote), lambda p, t: p.remote),
    PeerColumn(
        "ike", "ike",
        lambda p, m, c: Text(
            "+".join(f"v{v}" for v in sorted({sa.ike_version for sa in p.ike_sas})) or m.signs.none
        ),
        lambda p, t: max((sa.ike_version for sa in p.ike_sas), default=0), rank=3,
    ),
    PeerColumn("holes", "black holes", _holes, lambda p, t: -t.lost_s, rank=0),
    PeerColumn("policy", "policy seen (expected)", policy_cells.cell,
               lambda p, t: _policy_order(p), rank=2),
    PeerColumn("proof", "last proof", _proof,
               lambda p, t: -(_age(p) or 0), right=True, rank=2),
    PeerColumn("rtt", "rtt", lambda p, m, c: _span(p.rtt_ns, m), lambda p, t: -(p.rtt_ns or 0),
               right=True, rank=4),
    PeerColumn("probes", "probes", lambda p, m, c: _number(len(p.exchanges), c, Severity.NOTE),
               lambda p, t: -len(p.exchanges), right=True, rank=3),
    PeerColumn("retries", "retries", lambda p, m, c: _number(m.tally(p).retries, c, Severity.WARN),
               lambda p, t: -t.retries, right=True, rank=4),
    PeerColumn("unanswered", "unansw.", 
               lambda p, m, c: _number(m.tally(p).unanswered, c, Severity.BAD),
               lambda p, t: -t.unanswered, right=True, rank=2),
    PeerColumn("deletes", "deletes", lambda p, m, c: _number(len(p.deletes), c, Severity.NOTE),
               lambda p, t: -len(p.deletes), right=True, rank=5),
    PeerColumn("findings", "findings", _findings,
               lambda p, t: (-t.errors, -t.warnings), rank=6, spare=True),
    PeerColumn("expected", "expected", policy_cells.expected, lambda p, t: _expected_order(p),
               rank=7, spare=True),
)  # fmt: skip


class Drawn(Struct):
    """What of rows stays the same however they are sorted; for one report, range and palette."""

    widths: dict[str, int] = field(default_factory=dict)
    """Cells that the contents of a column need, by its id."""
    words: dict[str, str] = field(default_factory=dict)
    """What a search looks at, by the id of a peer."""
    sparks: dict[tuple[str, int], Text] = field(default_factory=dict)
    """Traffic by the id of a peer and the room there is."""
    orders: dict[str, Sequence[PeerView]] = field(default_factory=dict)
    """The peers by what they are sorted by."""
    places: dict[str, dict[str, int]] = field(default_factory=dict)
    """Where a peer is in that order, by its id."""
    policies: dict[object, str] = field(default_factory=dict)
    """Policies as they stand in cells, by their timers."""


class PeerRows:
    """The peers as rows."""

    def __init__(
        self,
        model: Model,
        sort_by: str,
        hidden: frozenset[str],
        drawn: Drawn | None = None,
        page: int = 0,
    ) -> None:
        """`page`: of the columns, where not all have room beside each other."""
        column = next(c for c in COLUMNS if c.id == sort_by)
        self.model = model
        self.sort_by = sort_by
        self.columns = [c for c in COLUMNS if c.id not in hidden]
        self._drawn = drawn or Drawn()
        self.peers = self._sorted(column)
        self.page = page
        self._paged: tuple[int, list[list[tuple[PeerColumn, int]]]] | None = None

    def __len__(self) -> int:
        return len(self.peers)

    def _sorted(self, column: PeerColumn) -> Sequence[PeerView]:
        """The peers in the order of a column, the worst of what is equal first."""
        worst = self.model.digest.worst
        if column.id == WORST:
            return worst
        known = self._drawn.orders.get(column.id)
        if known is None:
            tally = self.model.tally
            known = sorted(worst, key=lambda p: column.key(p, tally(p)))
            self._drawn.orders[column.id] = known
        return known

    def place_of(self, peer_id: str | None) -> int:
        """The row of a peer; the first one where it has none."""
        places = self._drawn.places.get(self.sort_by)
        if places is None:
            places = {peer.id: number for number, peer in enumerate(self.peers)}
            self._drawn.places[self.sort_by] = places
        return places.get(peer_id or "", 0)

    def pages(self, width: int, palette: Palette) -> list[list[tuple[PeerColumn, int]]]:
        """Columns with their widths, page by page: the most important ones, then the others.

        Every page begins with what tells the peers apart.
        """
        if self._paged is not None and self._paged[0] == width:
            return self._paged[1]
        sizes = {
            column.id: max(
                cell_len(column.title) + (2 if column.id == self.sort_by else 0),
                self._content_width(column, palette),
            )
            for column in self.columns
        }
        kept = list(self.columns)
        while len(kept) > 1:
            spark = _GOOD_SPARK if any(c.spare for c in kept) else _LEAST_SPARK
            if sum(sizes[c.id] + _GAP for c in kept) + spark <= width:
                break
            kept.remove(max(reversed(kept), key=lambda c: c.rank))
        pages, left = [kept], [c for c in self.columns if c not in kept]
        pinned = [c for c in self.columns if c.id in _PINNED]
        while left:
            page = [*pinned, left[0]]
            for column in left[1:]:
                # A narrow one may stand beside a wide one that comes before it.
                needed = sum(sizes[c.id] + _GAP for c in [*page, column])
                if needed <= width - _LEAST_SPARK:
                    page.append(column)
            left = [column for column in left if column not in page]
            pages.append(page)
        found = [[(column, sizes[column.id]) for column in page] for page in pages]
        self._paged = (width, found)
        return found

    def _laid_out(self, width: int, palette: Palette) -> list[tuple[PeerColumn, int]]:
        """The columns of the page that is shown."""
        pages = self.pages(width, palette)
        return pages[min(self.page, len(pages) - 1)]

    def shows(self, column: str, width: int, palette: Palette) -> bool:
        """Whether a column is on the page that is shown."""
        return column in [c.id for c, _ in self._laid_out(width, palette)]

    def page_of(self, column: str, width: int, palette: Palette) -> int:
        """The first page with a column."""
        pages = self.pages(width, palette)
        return next((n for n, page in enumerate(pages) if column in [c.id for c, _ in page]), 0)

    def _content_width(self, column: PeerColumn, palette: Palette) -> int:
        """What the worst peers need: the others are cut where they need more."""
        known = self._drawn.widths.get(column.id)
        if known is None:
            sample = self.model.digest.worst[:_SAMPLE]
            cells = (column.cell(peer, self.model, palette).cell_len for peer in sample)
            known = self._drawn.widths[column.id] = max(cells, default=0)
        return known

    def header(self, width: int, palette: Palette) -> Text | None:
        """Titles; the one that sorts has a mark, and so have columns that are on other pages."""
        line = Text()
        for column, size in self._laid_out(width, palette):
            mark = " ▾" if not self.model.ascii_only else " v"
            title = column.title + (mark if column.id == self.sort_by else "")
            line.append(title.rjust(size) if column.right else title.ljust(size))
            line.append(" " * _GAP)
        forms = self._elsewhere(width, palette)
        room = width - line.cell_len
        more = next((form for form in forms if len(form) <= room), forms[-1])
        room -= len(more)
        fitting = (form for form in self._activity() if len(form) < room)
        line.append(next(fitting, "").ljust(max(room, 0)))
        return cut(line, width - len(more)).append(more, palette.note)

    def _activity(self) -> Sequence[str]:
        """The title of the traffic: it alone is of a chosen stretch; also in fewer words."""
        if self.model.range_ns is None:
            return ("activity",)
        lasts = duration(self.model.range_ns[1] - self.model.range_ns[0])
        return (f"activity in these {lasts}", f"in {lasts}")

    def _elsewhere(self, width: int, palette: Palette) -> Sequence[str]:
        """How many columns are on other pages and the keys that lead there; the longer form first.

        The shorter form has room on every page.
        """
        pages = self.pages(width, palette)
        if len(pages) == 1:
            return ("",)
        back, on = (
            key_name(self.model.keymap[name][0]) for name in ("columns-left", "columns-right")
        )
        page = min(self.page, len(pages) - 1)
        if page == 0:
            shown = {column.id for column, _ in pages[0]}
            number = sum(c.id not in shown for c in self.columns)
            return (f"+{counted(number, 'column')} {on}", f"+{number} {on}")
        return (
            f"{back} columns {page + 1} of {len(pages)} {on}",
            f"{back} {page + 1}/{len(pages)} {on}",
        )

    def column_at(self, x: int, width: int, palette: Palette) -> str | None:
        """The column at a place of the header."""
        place = 0
        for column, size in self._laid_out(width, palette):
            place += size + _GAP
            if x < place:
                return column.id
        return None

    def words(self, index: int) -> str:
        """What a search looks at: state, addresses, IKE versions and policies, in small letters."""
        peer = self.peers[index]
        known = self._drawn.words.get(peer.id)
        if known is None:
            versions = (f"v{sa.ike_version}" for sa in peer.ike_sas)
            policies = map(self._policy_words, peer.policies)
            ends = (peer.local, *peer.addresses, peer.remote)
            parts = (words.peer_word(peer), *ends, *versions, *policies)
            known = self._drawn.words[peer.id] = safe(" ".join(parts)).casefold()
        return known

    def _policy_words(self, policy: DpdPolicy) -> str:
        """A policy as it stands in its cell; most peers have the same few."""
        timers = (policy.mode, policy.interval_s, policy.retry_s, policy.retries, policy.backoff)
        known = self._drawn.policies.get(timers)
        if known is None:
            known = self._drawn.policies[timers] = policy_cells.brief(policy, self.model)
        return known

    def row(self, index: int, width: int, palette: Palette) -> Text:
        """One peer."""
        peer = self.peers[index]
        line = Text()
        gap = "* " if peer.id in self.model.selected_peers else " " * _GAP
        for column, size in self._laid_out(width, palette):
            cell = cut(column.cell(peer, self.model, palette), size)
            blanks = " " * (size - cell.cell_len)
            if column.right:
                line.append(blanks)
            line.append_text(cell)
            if not column.right:
                line.append(blanks)
            line.append(gap, palette.warn)
            gap = " " * _GAP
        room = width - line.cell_len
        if room >= 2:
            spark = self._drawn.sparks.get((peer.id, room))
            if spark is None:
                spark = self._drawn.sparks[peer.id, room] = _spark(peer, self.model, room, palette)
            line.append_text(spark)
        return line


def _spark(peer: PeerView, model: Model, width: int, palette: Palette) -> Text:
    """Traffic both ways over the whole time, with black holes laid over it."""
    first, last = model.range_ns or (model.start_ns, model.end_ns)
    if last <= first or first < ORDER_LIMIT_NS:
        return Text()
    scale = linear(Window(first, last), width)
    rows = {row.kind: row for row in traffic(peer, scale, model.signs)}
    holes = _over(rows, (RowKind.HOLE_OUT, RowKind.HOLE_IN), width)
    out = _over(rows, (RowKind.ESP_OUT,), width)
    back = _over(rows, (RowKind.ESP_IN,), width)
    probes: list[Cell | None] = [None] * width
    if any(not any(cells) for cells in zip(holes, out, back, strict=True)):
        asked = questions(thinned(peer), scale, model.signs)
        by_kind = {row.kind: row for row in asked}
        probes = _over(by_kind, (RowKind.PROBES_OUT, RowKind.PROBES_IN), width)
    density = model.signs.density

    def drawn(place: int) -> tuple[str, Style]:
        cell = holes[place]
        if cell is None:
            esp = [c for c in (out[place], back[place]) if c is not None]
            cell = max(esp, key=lambda c: density.find(c.glyph), default=probes[place])
        return (" ", palette.text) if cell is None else (cell.glyph, palette.role(cell.role))

    return append_runs(Text(), map(drawn, range(width)))


def _over(rows: dict[RowKind, Row], kinds: Sequence[RowKind], width: int) -> list[Cell | None]:
    """What stands in each cell, the first kind before the others; None is nothing."""
    cells: list[Cell | None] = [None] * width
    for kind in reversed(kinds):
        for place, cell in enumerate(rows[kind].cells if kind in rows else ()):
            if cell.glyph != " ":
                cells[place] = cell
    return cells


def thinned(peer: PeerView) -> PeerView:
    """The peer with as many exchanges as can be told apart; those in trouble before others."""
    step = len(peer.exchanges) // _SPARK_EXCHANGES
    if step < 2:
        return peer
    trouble = [x for x in peer.exchanges if _is_trouble(x)]
    kept = [*peer.exchanges[::step], *trouble[:: max(len(trouble) // _SPARK_EXCHANGES, 1)]]
    return replace(peer, exchanges=tuple(kept))


def _is_trouble(exchange: Exchange) -> bool:
    return exchange.outcome is not Outcome.ANSWERED or len(exchange.transmissions) > 1
