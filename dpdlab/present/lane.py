"""A peer's time as rows of cells: state, probes, ESP both ways, black holes, and an axis.

Pure: a `PeerView` and a scale in, cells with a glyph and a role out. What a role looks like is
for the front end; a glyph alone already tells roles apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from analyzers.export.lost import lost_messages
from analyzers.export.no_esp import without_esp
from analyzers.export.spans import (
    Window,
    answered_transmission,
    exposed_ns,
    is_side,
    steadied,
)
from analyzers.export.story import arriving, broken_way, certainly_in_vain_s
from analyzers.model.black_hole import BlackHole, PhaseName
from analyzers.model.exchange import Exchange, Outcome
from analyzers.model.peer import Activity, PeerView
from analyzers.model.time import nanoseconds
from dpdlab.present import words
from dpdlab.present.axis import axis_text
from dpdlab.present.cells import BLANK, Cell, Role, Row, RowKind, write
from dpdlab.present.esp import EspTimes, Floats, Without, packets_per_cell, packets_until
from dpdlab.present.folding import fold_label, steady_label
from dpdlab.present.formatting import Glyphs, duration
from dpdlab.present.scale import Scale, Stretch
from dpdlab.present.state_lane import state_cells


class Lane(Struct, frozen=True):
    """A stretch of a peer's time, drawn."""

    rows: tuple[Row, ...]

    @property
    def roles(self) -> frozenset[Role]:
        """The roles that occur, so that a legend need not explain more."""
        return frozenset(cell.role for row in self.rows for cell in row.cells)


# What goes on through a fold, and may bear its sign.
_FLOWING: Final = frozenset(
    {Role.BLANK, Role.ALIVE, Role.QUESTIONABLE, Role.PROBING, Role.UNKNOWN, Role.ESP}
    | {Role.UNPLACED, Role.IKE_ONLY, Role.POSSIBLE, Role.CERTAIN}
)
_MARK_RANK: Final = {
    Role.BLANK: 0,
    Role.ANSWER: 1,
    Role.ANSWERED: 2,
    Role.ASKED: 3,
    Role.RETRY: 4,
    Role.OPEN: 5,
    Role.DELETE: 6,
    # A cross is what must not be missed; a Delete shows in the state too.
    Role.UNANSWERED: 7,
}


_FINER: Final = 2
"""Cells of a slice of activity, beyond which its packets have no height and no place in it."""
# What is told where another sign lies over it.
_NOT_TO_MISS: Final = frozenset({Role.RETRY, Role.OPEN, Role.DELETE, Role.UNANSWERED})


def build(peer: PeerView, scale: Scale, signs: Glyphs) -> Lane:
    """A peer's time on a scale, and below it the times in UTC."""

    def told(part: Stretch) -> str:
        return axis_text(part.start_ns, part.end_ns, part.width, signs)

    axis = Row(RowKind.AXIS, "UTC", axis_cells(scale, signs, told))
    return Lane((*rows_of(peer, scale, signs), axis))


def rows_of(
    peer: PeerView,
    scale: Scale,
    signs: Glyphs,
    esp: EspTimes | None = None,
    without: Without | None = None,
) -> list[Row]:
    """State, questions, ESP and black holes.

    `esp`: exact times, if they are known here; `without`: what `without_esp` says of both sides, if
    that is known already.

    A fold of the scale goes on as what is around it, and tells in its middle what it leaves out.
    """
    rows = [Row(RowKind.STATE, "state", state_cells(peer, scale, signs))]
    rows.extend(_probe_rows(peer, scale, signs))
    rows.extend(_esp_rows(peer, scale, signs, esp, without))
    rows.extend(_hole_rows(peer, scale, signs))
    if scale.folds:
        rows = [folded(row, scale, signs) for row in rows]
    return rows


def axis_cells(scale: Scale, signs: Glyphs, told: Callable[[Stretch], str]) -> tuple[Cell, ...]:
    """Ticks of every stretch, as `told` tells them; folds say how long they are."""
    cells: list[Cell] = []
    for part in scale.stretches:
        if part.folded:
            cells += [Cell(c, Role.FOLD) for c in fold_label(part, signs)]
        else:
            cells += [Cell(c, Role.AXIS) for c in told(part)]
    return tuple(cells)


def folded(row: Row, scale: Scale, signs: Glyphs) -> Row:
    """What each fold leaves out, in its middle: how long it is, or that ESP went on as it did.

    Where marks leave no room for that, the sign stands as near to the middle as they let it.
    """
    cells = list(row.cells)
    # The names of phases say how long these are.
    phases = row.kind in (RowKind.PHASES_OUT, RowKind.PHASES_IN)
    for part in () if phases else scale.folds:
        inside = cells[part.first : part.first + part.width]
        steady = any(cell.role in (Role.ESP, Role.UNPLACED) for cell in inside)
        label = steady_label(part, signs) if steady else fold_label(part, signs).strip()
        middle = part.first + (part.width - len(label)) // 2
        center = part.first + (part.width - len(signs.fold)) // 2
        nearest = sorted(range(part.first, part.first + part.width), key=lambda p: abs(p - center))
        for text, first in ((label, middle), *((signs.fold, place) for place in nearest)):
            if all(_goes_on(cell) for cell in cells[first : first + len(text)]):
                write(cells, first, text, Role.FOLD)
                break
    return replace(row, cells=tuple(cells))


def _goes_on(cell: Cell) -> bool:
    """Whether a cell is no sign and no part of a word."""
    in_a_word = cell.glyph.isalnum() or (cell.glyph == " " and cell.role is not Role.BLANK)
    return cell.role in _FLOWING and not in_a_word


def traffic(peer: PeerView, scale: Scale, signs: Glyphs) -> list[Row]:
    """Only ESP and black holes: what a small drawing has room for."""
    return [*_esp_rows(peer, scale, signs), *_hole_rows(peer, scale, signs, phases_too=False)]


def questions(peer: PeerView, scale: Scale, signs: Glyphs) -> list[Row]:
    """Only what either side asked."""
    return list(_probe_rows(peer, scale, signs))


# --- probes ---------------------------------------------------------------------------------


def _probe_rows(peer: PeerView, scale: Scale, signs: Glyphs) -> Iterable[Row]:
    sides = (
        (RowKind.PROBES_OUT, f"probes {signs.to}", peer.local),
        (RowKind.PROBES_IN, f"probes {signs.back}", peer.remote),
    )
    for kind, label, side in sides:
        asked = [x for x in peer.exchanges if is_side(x.prober, side, peer)]
        said = [d for d in peer.deletes if is_side(d.sender, side, peer)]
        if not asked and not said:
            continue
        cells = [BLANK] * scale.width
        covered: set[int] = set()
        for exchange in asked:
            _draw_exchange(cells, covered, exchange, scale, signs)
        for delete in said:
            _mark(cells, covered, delete.at_ns, signs.delete, Role.DELETE, scale)
        _tell_covered(cells, covered, signs)
        if any(cell is not BLANK for cell in cells):
            yield Row(kind, label if asked else label.replace("probes", "Delete"), tuple(cells))
    yield from _lost_rows(peer, scale, signs)


def _lost_rows(peer: PeerView, scale: Scale, signs: Glyphs) -> Iterable[Row]:
    """What either side sent, and did not arrive."""
    lost = list(lost_messages(peer))
    sides = (
        (RowKind.LOST_OUT, f"lost {signs.to}", signs.lost_to, peer.local),
        (RowKind.LOST_IN, f"lost {signs.back}", signs.lost_back, peer.remote),
    )
    for kind, label, glyph, side in sides:
        cells = [BLANK] * scale.width
        for message in lost:
            if is_side(message.sender, side, peer) and scale.holds(message.at_ns):
                cells[scale.at(message.at_ns)] = Cell(glyph, Role.LOST)
        if any(cell is not BLANK for cell in cells):
            yield Row(kind, label, tuple(cells))


def question_cell(exchange: Exchange, index: int, signs: Glyphs) -> Cell:
    """The sign of one transmission of a question."""
    if index == answered_transmission(exchange):
        return Cell(signs.answered, Role.ANSWERED)
    if index:
        return Cell(signs.retry, Role.RETRY)
    if exchange.outcome is Outcome.OPEN:
        return Cell(signs.open, Role.OPEN)
    if exchange.outcome is Outcome.ANSWERED:
        return Cell(signs.asked, Role.ASKED)
    return Cell(signs.unanswered, Role.UNANSWERED)


def _draw_exchange(
    cells: list[Cell], covered: set[int], exchange: Exchange, scale: Scale, signs: Glyphs
) -> None:
    for index, sent in enumerate(exchange.transmissions):
        glyph, role = question_cell(exchange, index, signs)
        _mark(cells, covered, sent.at_ns, glyph, role, scale)
    answered_by = answered_transmission(exchange)
    answer = exchange.answer
    if answer is None or answered_by is None:
        return
    # An answer in the cell of its question is the filled dot; a late one has a place of its own.
    if scale.at(answer.at_ns) != scale.at(exchange.transmissions[answered_by].at_ns):
        _mark(cells, covered, answer.at_ns, signs.answer, Role.ANSWER, scale)


def _mark(
    cells: list[Cell], covered: set[int], at_ns: int, glyph: str, role: Role, scale: Scale
) -> None:
    """The sign that matters most shows; `covered`: where it hides one that is not to be missed."""
    if not scale.holds(at_ns):
        return
    position = scale.at(at_ns)
    here = cells[position].role
    above = _MARK_RANK[role] > _MARK_RANK[here]
    over, under = (role, here) if above else (here, role)
    hides = over is not under and under is not Role.BLANK
    if hides and (under in _NOT_TO_MISS or over is Role.DELETE):
        covered.add(position)
    if above:
        cells[position] = Cell(glyph, role)


def _tell_covered(cells: list[Cell], covered: set[int], signs: Glyphs) -> None:
    """A mark beside a sign that covers others, where there is room."""
    for position in sorted(covered):
        beside = (position + 1, position - 1)
        free = (p for p in beside if 0 <= p < len(cells) and cells[p] is BLANK)
        place = next(free, None)
        if place is not None:
            cells[place] = Cell(signs.covered, Role.MORE)


# --- ESP ------------------------------------------------------------------------------------


def is_finer(activity: Activity, scale: Scale) -> bool:
    """Whether cells are so short that slices of activity do not tell in which a packet was."""
    return scale.cell_ns * _FINER < activity.slice_ns


def _esp_rows(
    peer: PeerView,
    scale: Scale,
    signs: Glyphs,
    esp: EspTimes | None = None,
    without: Without | None = None,
) -> Iterable[Row]:
    activity = peer.activity
    if activity is None or not (any(activity.outbound) or any(activity.inbound)):
        return
    exact = esp is not None and esp.cover(Window(scale.start_ns, scale.end_ns))
    if esp is not None and exact:
        both = [packets_per_cell(at_ns, scale) for at_ns in (esp.out_ns, esp.back_ns)]
    else:
        sides = (peer.local, peer.remote)
        silent = without or {side: without_esp(peer, side) for side in sides}
        counts = (activity.outbound, activity.inbound)
        both = [
            _resampled(each, activity, scale, silent[side])
            for each, side in zip(counts, sides, strict=True)
        ]
    rates = [steadied(_per_cell(packets, scale)) for packets in both]
    # Both directions on one scale of height, so that they can be compared.
    top = max(max(each, default=0.0) for each in rates)
    unplaced = not exact and is_finer(activity, scale)
    ways = ((RowKind.ESP_OUT, signs.to), (RowKind.ESP_IN, signs.back))
    for (kind, arrow), each in zip(ways, rates, strict=True):
        cells = tuple(_esp_cell(rate, top, signs, unplaced=unplaced) for rate in each)
        yield Row(kind, f"ESP {arrow}", cells)


def _esp_cell(rate: float, top: float, signs: Glyphs, *, unplaced: bool) -> Cell:
    if rate <= 0:
        return BLANK
    if unplaced:
        return Cell(signs.unplaced, Role.UNPLACED)
    levels = len(signs.density)
    return Cell(signs.density[min(int(rate / top * levels), levels - 1)], Role.ESP)


def _resampled(
    counts: Sequence[int], activity: Activity, scale: Scale, without: Sequence[Window]
) -> Floats:
    """Packets per cell; a slice is spread evenly over the cells in which they can have been."""
    edges = np.array([at_ns - activity.start_ns for at_ns in scale.edges()], float)
    return np.diff(packets_until(activity, counts, edges, without))


def _per_cell(packets: Floats, scale: Scale) -> list[float]:
    """Packets per cell that is no fold."""
    if scale.folds:
        # A cell of a fold is longer than the others: what counts is the rate.
        packets = packets * scale.cell_ns / np.maximum(np.diff(np.array(scale.edges(), float)), 1)
    rates: list[float] = np.round(packets, 6).tolist()
    return rates


# --- black holes ----------------------------------------------------------------------------


def _hole_rows(
    peer: PeerView, scale: Scale, signs: Glyphs, *, phases_too: bool = True
) -> Iterable[Row]:
    sides = (
        (RowKind.HOLE_OUT, RowKind.PHASES_OUT, signs.to, peer.local),
        (RowKind.HOLE_IN, RowKind.PHASES_IN, signs.back, peer.remote),
    )
    there = arriving(peer)
    for kind, phases_kind, arrow, side in sides:
        holes = [h for h in peer.black_holes if is_side(broken_way(h, there)[0], side, peer)]
        holes = [h for h in holes if scale.cells(exposed_ns(h), h.stop_ns)]
        if not holes:
            continue
        cells = [BLANK] * scale.width
        phases = [BLANK] * scale.width
        for hole in holes:
            _draw_hole(cells, hole, certainly_in_vain_s(hole, there), scale, signs)
            if phases_too:
                _draw_phases(phases, hole, scale, signs)
        if all(cell is BLANK for cell in (*cells, *phases)):
            # Into an idle one nothing was sent: its lane would be empty.
            continue
        yield Row(kind, f"black hole {arrow}", tuple(cells))
        if any(cell is not BLANK for cell in phases):
            yield Row(phases_kind, "", tuple(phases))


def _draw_hole(
    cells: list[Cell], hole: BlackHole, certain_s: float, scale: Scale, signs: Glyphs
) -> None:
    if hole.max_seconds <= 0:
        return
    for position in scale.cells(exposed_ns(hole), hole.stop_ns):
        if cells[position].role is not Role.CERTAIN:
            cells[position] = Cell(signs.possible, Role.POSSIBLE)
    if certain_s > 0:
        certain_ns = hole.stop_ns - nanoseconds(certain_s)
        for position in scale.cells(certain_ns, hole.stop_ns):
            cells[position] = Cell(signs.certain, Role.CERTAIN)


def _draw_phases(cells: list[Cell], hole: BlackHole, scale: Scale, signs: Glyphs) -> None:
    free = 0
    for phase in hole.phases:
        if phase.end_ns <= phase.start_ns or phase.name is PhaseName.UNQUESTIONED:
            continue
        covered = scale.cells(phase.start_ns, phase.end_ns)
        run = range(max(covered.start, free), covered.stop)
        name, length = words.phase(hole, phase.name), duration(phase.end_ns - phase.start_ns)
        labels = (
            (f" {name} {length} ", signs.phase_close),
            (f"{name} {length}", signs.phase_close),
            (name, signs.phase_close),
            # The next phase opens where this one ends.
            (name, ""),
            (length, signs.phase_close),
        )
        fitting = [pair for pair in labels if 1 + len(pair[0]) + len(pair[1]) <= len(run)]
        if not fitting or any(cells[position] is not BLANK for position in run):
            continue
        label, close = fitting[0]
        text = signs.phase_open + label.center(len(run) - 1 - len(close)) + close
        write(cells, run.start, text, Role.PHASE)
        free = run.stop
