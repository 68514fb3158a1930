"""Peers as rows: columns with what they are sorted by, and traffic over the whole time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from msgspec import Struct, field
from rich.cells import cell_len
from rich.text import Text

from analyzers.export import words
from analyzers.export.exchanges import median_round_trip
from analyzers.export.formatting import (
    Severity,
    count,
    count_range,
    counted,
    duration,
    lasted,
    state_glyph,
    state_severity,
)
from analyzers.export.story import arriving
from analyzers.export.unlisted import NOT_SHOWN, are_holes_known, hidden_holes
from analyzers.export.untrusted import safe
from analyzers.export.words import is_censored
from analyzers.model.addresses import address_order
from analyzers.model.black_hole import BlackHole, BlackHoleClass
from analyzers.model.peer import PeerView
from analyzers.model.policy import DpdPolicy
from analyzers.model.time import ORDER_LIMIT_NS
from analyzers.session.expectations import detection_ns, expectations
from dpdlab.present.live_lines import age, countdown
from dpdlab.present.tallies import Tally, holes_within, is_within
from dpdlab.tui.model import Model
from dpdlab.tui.palette import Palette
from dpdlab.tui.rows import cut
from dpdlab.tui.views import policy_cells
from dpdlab.tui.views.peer_spark import spark

_GAP: Final = 2
_STALE: Final = 0.75
_LATE: Final = 0.9
"""Shares of the detection time from which the last proof is tinted."""
_LEAST_SPARK: Final = 8
_GOOD_SPARK: Final = 24
_SAMPLE: Final = 200
"""Peers whose cells decide how wide a column is."""
_PROOF: Final = "proof"
_PROOF_RANK: Final = -1
_LOCAL: Final = "local"
_SAYS_LITTLE: Final = 5
_PINNED: Final = ("state", "remote")
"""Columns that every page has."""
_MOST_ADDRESS: Final = 39


class PeerColumn(Struct, frozen=True):
    """A column: its title, what stands in it, and what it is sorted by."""

    id: str
    title: str
    cell: Callable[[PeerView, Model, Palette], Text]
    key: Callable[[PeerView, Tally], float | tuple[Any, ...] | None]
    """What it is sorted by, as it is at first; None where the cell tells nothing: it stays last."""
    falling: bool = False
    """Whether what is largest, or worst, stands first then."""
    right: bool = False
    rank: int = 0
    """Columns with a higher rank go first when there is no room."""
    whole: bool = False
    """Of all of the time, whatever stretch of it is chosen, and whatever a filter leaves."""
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
    return Text(sign + age(peer.last_proof_ns, now_ns), style)


def _address(text: str) -> Text:
    return Text(cut(Text(safe(text)), _MOST_ADDRESS).plain)


def _falling(value: float | None) -> float | None:
    """The largest first."""
    return None if value is None else -value


def _holes_order(peer: PeerView, tally: Tally) -> tuple[float, ...] | None:
    """The longest first."""
    number = len(peer.black_holes) + hidden_holes(peer)
    return (-tally.lost_s, -number) if number or are_holes_known(peer) else None


def _age(peer: PeerView) -> int | None:
    if peer.last_proof_ns is None or peer.until_ns is None:
        return None
    if peer.last_proof_ns < ORDER_LIMIT_NS:
        return None
    return max(peer.until_ns - peer.last_proof_ns, 0)


def _holes(peer: PeerView, model: Model, palette: Palette) -> Text:
    holes: Sequence[BlackHole] = peer.black_holes
    if model.range_ns is not None:
        holes = holes_within(peer, model.range_ns)
        if not all(is_within(hole, model.range_ns) for hole in holes):
            # Of which part of it the packets were nobody can tell from its bounds.
            return Text(f"{len(holes)}, in part", palette.bad)
    if not holes:
        hidden = hidden_holes(peer)
        if hidden:
            return Text(f"{hidden}, {NOT_SHOWN}", palette.warn)
        return Text("0" if are_holes_known(peer) else model.signs.none, palette.faint)
    lost_s, dash = sum(hole.max_seconds for hole in holes), model.signs.dash
    known = [hole for hole in holes if hole.traffic_known]
    sum_of = f"{model.signs.sum} " if sum(hole.max_seconds > 0 for hole in holes) > 1 else ""
    told = f"{_how_many(holes, model)}, {sum_of}{lasted(holes)}"
    if known:
        there = arriving(peer)
        fate = "sent" if all(hole.id in there for hole in known) else "pkt"
        least, most = sum(h.min_packets for h in known), sum(h.max_packets for h in known)
        told += f", {count_range(least, most, fate, fate)}"
    elif any(hole.counted_least for hole in holes):
        told += f", {count(sum(hole.counted_least or 0 for hole in holes))} pkt or more"
    # The numbers of the verdict, with less room.
    for said, sign, plain in (("up to ", "≤", "<="), ("at least ", "≥", ">=")):
        told = told.replace(said, plain if model.ascii_only else sign)
    told = told.replace(" to ", dash)
    past = model.now_ns is not None and not any(map(is_censored, holes))
    return Text(told, (palette.warn if past else palette.bad) if lost_s else palette.note)


def _how_many(holes: Sequence[BlackHole], model: Model) -> str:
    """Their number, and into how many nothing was sent; live whether they go on, or how many."""
    if model.now_ns is None:
        idle = sum(hole.max_seconds <= 0 for hole in holes)
        return f"{len(holes)} ({idle} {_IDLE})" if idle else str(len(holes))
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
    return Text(", ").join(told) if told else Text("0", palette.faint)


def _number(value: int, palette: Palette, severity: Severity = Severity.MUTE) -> Text:
    return Text(count(value), palette.faint if not value else palette.severity(severity))


def _span(value_ns: int | None, model: Model) -> Text:
    return Text(model.signs.none if value_ns is None else duration(value_ns))


_IDLE: Final = words.CLASS[BlackHoleClass.IDLE]
_MARK: Final = "* "
"""Before a peer that is marked."""
WHOLE: Final = " (all)"
"""Behind the title of a column that no range and no filter changes."""
WORST: Final = "state"
"""The column that puts the worst first."""

COLUMNS: Final = (
    PeerColumn("state", "state", _state, lambda p, t: t.worst_first, falling=True, whole=True),
    PeerColumn(
        "local", "local",
        lambda p, m, c: _address(p.local), lambda p, t: address_order(p.local), rank=2,
    ),
    PeerColumn(
        "remote", "remote",
        lambda p, m, c: _address(p.remote), lambda p, t: address_order(p.remote),
    ),
    PeerColumn(
        "ike", "ike",
        lambda p, m, c: Text(
            "+".join(f"v{v}" for v in p.ike_versions) or m.signs.none
        ),
        lambda p, t: max(p.ike_versions, default=None), rank=3,
    ),
    PeerColumn("holes", "black holes", _holes, _holes_order, falling=True, rank=0),
    PeerColumn("policy", "policy seen (expected)", policy_cells.cell,
               lambda p, t: policy_cells.order(p, seen=True), rank=2),
    PeerColumn("proof", "last proof", _proof,
               lambda p, t: _falling(_age(p)), falling=True, right=True, rank=1, whole=True),
    PeerColumn("rtt", "rtt", lambda p, m, c: Text(median_round_trip(p) or m.signs.none),
               lambda p, t: _falling(p.rtt_ns), falling=True, right=True, rank=4, whole=True),
    PeerColumn("probes", "probes", lambda p, m, c: _number(m.tally(p).probes, c, Severity.NOTE),
               lambda p, t: -t.probes, falling=True, right=True, rank=3),
    PeerColumn("retries", "retries", lambda p, m, c: _number(m.tally(p).retries, c, Severity.WARN),
               lambda p, t: -t.retries, falling=True, right=True, rank=4),
    PeerColumn("unanswered", "unansw.", 
               lambda p, m, c: _number(m.tally(p).unanswered, c, Severity.BAD),
               lambda p, t: -t.unanswered, falling=True, right=True, rank=1),
    PeerColumn("deletes", "deletes", lambda p, m, c: _number(m.tally(p).deletes, c, Severity.NOTE),
               lambda p, t: -t.deletes, falling=True, right=True, rank=5),
    PeerColumn("findings", "findings", _findings,
               lambda p, t: (-t.errors, -t.warnings), falling=True, rank=6, spare=True),
    PeerColumn("expected", "expected", policy_cells.expected,
               lambda p, t: policy_cells.order(p, seen=False),
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
    orders: dict[tuple[str, bool], Sequence[PeerView]] = field(default_factory=dict)
    """The peers by what they are sorted by, and whether the other way round."""
    places: dict[tuple[str, bool], dict[str, int]] = field(default_factory=dict)
    """Where a peer is in that order, by its id."""
    policies: dict[object, str] = field(default_factory=dict)
    """Policies as they stand in cells, by their timers."""
    one_local: bool | None = None
    """Whether all peers have the same local address; None until that is looked up."""


class PeerRows:
    """The peers as rows."""

    def __init__(
        self,
        model: Model,
        sort_by: str,
        hidden: frozenset[str],
        drawn: Drawn | None = None,
        page: int = 0,
        *,
        back: bool = False,
    ) -> None:
        """`page`: of the columns, where not all have room beside each other; `back`: sorted the
        other way round."""
        column = next(c for c in COLUMNS if c.id == sort_by)
        self.model = model
        self.sort_by = sort_by
        self._order = (sort_by, back)
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
        back = self._order[1]
        if column.id == WORST and not back:
            return worst
        known = self._drawn.orders.get(self._order)
        if known is None:
            tally = self.model.tally
            keys: dict[str, Any] = {peer.id: column.key(peer, tally(peer)) for peer in worst}
            told = [peer for peer in worst if keys[peer.id] is not None]
            told.sort(key=lambda peer: keys[peer.id], reverse=back)
            told += [peer for peer in worst if keys[peer.id] is None]
            known = self._drawn.orders[self._order] = told
        return known

    def place_of(self, peer_id: str | None) -> int:
        """The row of a peer; the first one where it has none."""
        places = self._drawn.places.get(self._order)
        if places is None:
            places = {peer.id: number for number, peer in enumerate(self.peers)}
            self._drawn.places[self._order] = places
        return places.get(peer_id or "", 0)

    def pages(self, width: int, palette: Palette) -> list[list[tuple[PeerColumn, int]]]:
        """Columns with their widths, page by page: the most important ones, then the others.

        Every page begins with what tells the peers apart.
        """
        if self._paged is not None and self._paged[0] == width:
            return self._paged[1]
        room = width - self._lead
        sizes = {
            column.id: max(
                cell_len(self._title(column)) + (2 if column.id == self.sort_by else 0),
                self._content_width(column, palette),
            )
            for column in self.columns
        }
        kept = list(self.columns)
        while len(kept) > 1:
            spark = _GOOD_SPARK if any(c.spare for c in kept) else _LEAST_SPARK
            needed = sum(sizes[c.id] + _GAP for c in kept)
            if needed + spark <= room or (self._is_least(kept) and needed - _GAP <= room):
                break
            kept.remove(max(reversed(kept), key=self._rank))
        pages, left = [kept], [c for c in self.columns if c not in kept]
        pinned = [c for c in self.columns if c.id in _PINNED]
        while left:
            page = [*pinned, left[0]]
            for column in left[1:]:
                # A narrow one may stand beside a wide one that comes before it.
                needed = sum(sizes[c.id] + _GAP for c in [*page, column])
                if needed <= room - _LEAST_SPARK:
                    page.append(column)
            left = [column for column in left if column not in page]
            pages.append(page)
        found = [[(column, sizes[column.id]) for column in page] for page in pages]
        self._paged = (width, found)
        return found

    @property
    def _lead(self) -> int:
        """Cells before the columns: marks have their own."""
        return len(_MARK) if self.model.selected_peers else 0

    def _rank(self, column: PeerColumn) -> int:
        """How soon a column goes: while things happen, the age of the last proof stays.

        An address that all peers have says nothing about any of them.
        """
        if column.id == _LOCAL and self._drawn.one_local is None:
            self._drawn.one_local = len({peer.local for peer in self.peers}) < 2
        if column.id == _LOCAL and self._drawn.one_local:
            return _SAYS_LITTLE
        ongoing = self.model.now_ns is not None
        return _PROOF_RANK if ongoing and column.id == _PROOF else column.rank

    def _is_least(self, kept: Sequence[PeerColumn]) -> bool:
        """Whether what is left matters more, while things happen, than traffic beside it."""
        return self.model.now_ns is not None and all(self._rank(c) <= 0 for c in kept)

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
        """Titles; the one that sorts has a mark: which way, and so have columns elsewhere."""
        line = Text(" " * self._lead)
        for column, size in self._laid_out(width, palette):
            title = self._title(column)
            if column.id == self.sort_by:
                title += f" {self._way(column)}"
            line.append(title.rjust(size) if column.right else title.ljust(size))
            line.append(" " * _GAP)
        forms = self._elsewhere(width, palette)
        room = width - line.cell_len
        more = next((form for form in forms if len(form) <= room), forms[-1])
        room -= len(more)
        fitting = (form for form in self._activity() if len(form) < room)
        line.append(next(fitting, "").ljust(max(room, 0)))
        return cut(line, width - len(more)).append(more, palette.note)

    def _way(self, column: PeerColumn) -> str:
        """Whether numbers fall or rise from the top on."""
        falling = column.falling is not self._order[1]
        if self.model.ascii_only:
            return "v" if falling else "^"
        return "▾" if falling else "▴"

    def _title(self, column: PeerColumn) -> str:
        """The title of a column; beside numbers of a part what is of all is called so."""
        return f"{column.title}{WHOLE}" if column.whole and self.model.is_partial else column.title

    def _activity(self) -> Sequence[str]:
        """The title of the traffic, with the stretch that is chosen; also in fewer words."""
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
        back, on = map(self.model.key, ("columns-left", "columns-right"))
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
        place = self._lead
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
            versions = (f"v{sa.ike_version}" for sa in peer.ike_sas if sa.version_told)
            policies = map(self._policy_words, peer.policies)
            ends = (peer.local, *peer.addresses, peer.remote)
            parts = (words.peer_word(peer), *ends, *versions, *policies)
            known = self._drawn.words[peer.id] = safe(" ".join(parts)).casefold()
        return known

    def _policy_words(self, policy: DpdPolicy) -> str:
        """A policy as it stands in its cell; most peers have the same few."""
        timers = (
            policy.mode,
            policy.interval_s,
            policy.about_s,
            policy.retry_s,
            policy.retries,
            policy.backoff,
        )
        known = self._drawn.policies.get(timers)
        if known is None:
            known = self._drawn.policies[timers] = policy_cells.brief(policy, self.model)
        return known

    def row(self, index: int, width: int, palette: Palette) -> Text:
        """One peer."""
        peer = self.peers[index]
        line = Text(" " * self._lead)
        if peer.id in self.model.selected_peers:
            line = Text().append(_MARK, palette.warn)
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
            drawn = self._drawn.sparks.get((peer.id, room))
            if drawn is None:
                drawn = self._drawn.sparks[peer.id, room] = spark(peer, self.model, room, palette)
            line.append_text(drawn)
        return line
