"""A peer's time drawn for the console: lanes, expected questions, log marks, silence folded away.

The lanes are those of the text report; this module adds what only a screen can show, and turns
cells into times and back.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from analyzers.export.formatting import Glyphs, duration
from analyzers.export.spans import Window
from analyzers.model.exchange import Exchange
from analyzers.model.peer import PeerView
from analyzers.model.records import Basis
from dpdlab.present.expected import expected_ns
from dpdlab.present.lane import Cell, Role, Row, RowKind, build

_BLANK: Final = Cell(" ", Role.BLANK)
# Silence is folded where it takes this many times what a fold does.
_FOLD: Final = 9
"""Cells of a fold, its name included."""
_WORTH: Final = 2
_DENSE: Final = 4
"""More exchanges or marks than so many times the cells are looked up by cell."""
_LABELS: Final = {
    RowKind.STATE: "state",
    RowKind.AXIS: "",
    RowKind.PHASES_OUT: "",
    RowKind.PHASES_IN: "",
}
_ORDER: Final = tuple(RowKind)


class Stretch(Struct, frozen=True):
    """A piece of the window that is drawn to scale; a fold has no scale and no rows."""

    start_ns: int
    end_ns: int
    first: int
    """Its first cell."""
    width: int
    folded: bool = False


class Timeline(Struct, frozen=True):
    """The drawing of one peer in one window."""

    window: Window
    width: int
    axis: tuple[Cell, ...]
    rows: tuple[Row, ...]
    stretches: tuple[Stretch, ...]

    def place(self, at_ns: int) -> int | None:
        """The cell of a moment; None outside the window."""
        for stretch in self.stretches:
            if stretch.start_ns <= at_ns <= stretch.end_ns:
                span = max(stretch.end_ns - stretch.start_ns, 1)
                cell = (at_ns - stretch.start_ns) * stretch.width // span
                return stretch.first + min(cell, stretch.width - 1)
        return None

    def time_at(self, cell: int) -> int:
        """The moment that a cell begins with."""
        for stretch in self.stretches:
            if stretch.first <= cell < stretch.first + stretch.width:
                span = stretch.end_ns - stretch.start_ns
                return stretch.start_ns + (cell - stretch.first) * span // stretch.width
        return self.window.end_ns if cell > 0 else self.window.start_ns


class PeerTimes:
    """What drawings of one peer look up again and again; made once for a view of it."""

    def __init__(self, peer: PeerView) -> None:
        self.peer = peer
        self._kinds: dict[object, list[Exchange]] = defaultdict(list)
        for exchange in peer.exchanges:
            self._kinds[_looks_like(exchange)].append(exchange)
        self._firsts = {kind: [x.first_ns for x in of] for kind, of in self._kinds.items()}
        self._longest_ns = max((_last_ns(x) - x.first_ns for x in peer.exchanges), default=0)
        self.expected = {side: expected_ns(peer, side) for side in (peer.local, peer.remote)}
        self.logged = sorted(
            m.at_ns
            for m in peer.messages
            if m.basis in (Basis.LOG, Basis.CORRELATED) or (m.seen and m.basis is not Basis.HEADER)
        )
        times = {m.at_ns for m in peer.messages}
        for hole in peer.black_holes:
            times |= {hole.stop_ns, hole.first_exposed_ns or hole.stop_ns, hole.dead_ns or 0}
        times |= {span.start_ns for span in peer.states}
        activity = peer.activity
        if activity is not None:
            both = zip(activity.outbound, activity.inbound, strict=True)
            for number, (out, back) in enumerate(both):
                if out or back:
                    begin = activity.start_ns + number * activity.slice_ns
                    times |= {begin, begin + activity.slice_ns - 1}
        times.discard(0)
        self.moments = sorted(times)

    def within(self, window: Window, width: int) -> PeerView:
        """The peer with the exchanges that a drawing of a window needs.

        Of exchanges that look alike and share a cell the first and the last are drawn: the others
        are under them. Drawing costs what is seen.
        """
        shown: list[Exchange] = []
        for kind, exchanges in self._kinds.items():
            firsts = self._firsts[kind]
            first = bisect_left(firsts, window.start_ns - self._longest_ns)
            last = bisect_right(firsts, window.end_ns)
            if last - first <= _DENSE * width:
                shown += exchanges[first:last]
                continue
            places = _ends_of_cells(firsts, first, last, window, width)
            shown += [exchanges[place] for place in places]
        if len(shown) == len(self.peer.exchanges):
            return self.peer
        shown.sort(key=lambda x: x.first_ns)
        return replace(self.peer, exchanges=tuple(shown))

    def silences(self, window: Window, longer_than_ns: int) -> list[tuple[int, int]]:
        """Stretches inside a window in which nothing at all is known to have happened."""
        first = bisect_left(self.moments, window.start_ns)
        last = bisect_right(self.moments, window.end_ns)
        edges = [window.start_ns, *self.moments[first:last], window.end_ns]
        return [(begin, end) for begin, end in pairwise(edges) if end - begin > longer_than_ns]


def draw(
    times: PeerTimes, window: Window, width: int, signs: Glyphs, *, compress: bool = False
) -> Timeline:
    """The lanes of a peer on `width` cells; with `compress` silence takes a few cells only."""
    width = max(width, 1)
    window = Window(window.start_ns, max(window.end_ns, window.start_ns + 1))
    stretches = _stretches(times, window, width) if compress else ()
    stretches = stretches or (Stretch(window.start_ns, window.end_ns, 0, width),)
    cells: dict[RowKind, list[Cell]] = {}
    labels: dict[RowKind, str] = {}
    for stretch in stretches:
        part = Window(stretch.start_ns, stretch.end_ns)
        if stretch.folded:
            continue
        lane = build(times.within(part, stretch.width), part, stretch.width, signs)
        for row in lane.rows:
            line = cells.setdefault(row.kind, [_BLANK] * width)
            line[stretch.first : stretch.first + stretch.width] = row.cells
            labels[row.kind] = _LABELS.get(row.kind, row.label)
    for stretch in stretches:
        if stretch.folded:
            _fold(cells, stretch, signs)
    timeline = Timeline(window, width, tuple(cells.pop(RowKind.AXIS)), (), stretches)
    rows = [Row(kind, labels[kind], tuple(cells[kind])) for kind in _ORDER if kind in cells]
    return replace(timeline, rows=tuple(_with_extras(timeline, rows, times, signs)))


def _with_extras(
    timeline: Timeline, rows: Sequence[Row], times: PeerTimes, signs: Glyphs
) -> list[Row]:
    """Expected questions above the questions, marks of log lines at the end."""
    found: list[Row] = []
    peer = times.peer
    told: set[str] = set()

    def expected(side: str, arrow: str) -> None:
        if side not in told:
            told.add(side)
            row = _marks(timeline, times.expected[side], signs.ghost)
            if row is not None:
                found.append(Row(RowKind.EXPECTED, f"expected {arrow}", row))

    for row in rows:
        if row.kind is RowKind.PROBES_OUT:
            expected(peer.local, signs.to)
        elif row.kind is RowKind.PROBES_IN:
            expected(peer.remote, signs.back)
        found.append(row)
    marks = _marks(timeline, times.logged, signs.tick)
    if marks is not None:
        found.append(Row(RowKind.LOG, "log", marks))
    return found


def _marks(timeline: Timeline, at: Sequence[int], glyph: str) -> tuple[Cell, ...] | None:
    cells = [_BLANK] * timeline.width
    mark = Cell(glyph, Role.GHOST)
    for stretch in timeline.stretches:
        first = bisect_left(at, stretch.start_ns)
        last = bisect_right(at, stretch.end_ns)
        places: Sequence[int] | Iterator[int] = range(first, last)
        if last - first > _DENSE * stretch.width:
            window = Window(stretch.start_ns, stretch.end_ns)
            places = _ends_of_cells(at, first, last, window, stretch.width)
        for place in places:
            cell = timeline.place(at[place])
            if cell is not None:
                cells[cell] = mark
    return tuple(cells) if any(cell is not _BLANK for cell in cells) else None


def _ends_of_cells(
    at: Sequence[int], first: int, last: int, window: Window, width: int
) -> Iterator[int]:
    """The first and the last of sorted times in each cell of a window, and what is before it."""
    span = max(window.end_ns - window.start_ns, 1)
    place = first
    for cell in range(width + 1):
        # What is before the window counts as a cell of its own.
        end = window.start_ns + cell * span // width
        after = last if cell == width else bisect_left(at, end, place, last)
        if after > place:
            yield place
            if after - 1 > place:
                yield after - 1
        place = after


def _looks_like(exchange: Exchange) -> object:
    """What decides the look of an exchange in a drawing, but its time."""
    sent = len(exchange.transmissions)
    return (exchange.prober, exchange.outcome, sent, exchange.answer is None)


def _stretches(times: PeerTimes, window: Window, width: int) -> tuple[Stretch, ...]:
    """Silence folded to a few cells each; the rest shares the cells by its time."""
    cell_ns = max((window.end_ns - window.start_ns) // width, 1)
    silences = times.silences(window, _WORTH * _FOLD * cell_ns)
    most = max((width // 2) // _FOLD, 1)
    silences = sorted(sorted(silences, key=lambda s: s[0] - s[1])[:most])
    if not silences:
        return ()
    pieces: list[tuple[int, int, bool]] = []
    at_ns = window.start_ns
    # A little of the silence stays at both ends, so that what stands there is not at the edge.
    margin = cell_ns
    for begin, end in silences:
        if begin + margin > at_ns:
            pieces.append((at_ns, begin + margin, False))
        pieces.append((begin + margin, end - margin, True))
        at_ns = end - margin
    if at_ns < window.end_ns:
        pieces.append((at_ns, window.end_ns, False))
    loud = [p for p in pieces if not p[2]]
    room = width - _FOLD * (len(pieces) - len(loud))
    total = sum(end - begin for begin, end, _ in loud)
    if not loud or room < len(loud) or total <= 0:
        return ()
    found: list[Stretch] = []
    place, left_ns, left = 0, total, room
    for begin, end, folded in pieces:
        if folded:
            size = _FOLD
        else:
            others = sum(1 for p in loud if p[0] > begin)
            size = max(1, min(left - others, round(left * (end - begin) / max(left_ns, 1))))
            left, left_ns = left - size, left_ns - (end - begin)
        found.append(Stretch(begin, end, place, size, folded))
        place += size
    last = found[-1]
    if place < width and not last.folded:
        found[-1] = replace(last, width=last.width + width - place)
    return tuple(found)


def _fold(cells: dict[RowKind, list[Cell]], stretch: Stretch, signs: Glyphs) -> None:
    """How long the folded silence is, on the axis; a line of dots elsewhere."""
    name = duration(stretch.end_ns - stretch.start_ns).replace(" ", "")
    told = f"{signs.more}{name}{signs.more}"[: stretch.width].center(stretch.width)
    axis = cells.setdefault(RowKind.AXIS, [])
    axis[stretch.first : stretch.first + stretch.width] = [Cell(c, Role.FOLD) for c in told]
    middle = stretch.first + stretch.width // 2
    for kind, line in cells.items():
        if kind is not RowKind.AXIS:
            line[middle] = Cell(signs.dot, Role.FOLD)


def _last_ns(exchange: Exchange) -> int:
    ends = [exchange.last_ns]
    if exchange.answer is not None:
        ends.append(exchange.answer.at_ns)
    return max(ends)
