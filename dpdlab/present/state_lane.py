"""The lane of a peer's state: a line for each state, its word where there is room."""

from __future__ import annotations

from typing import Final, NamedTuple

from analyzers.export.formatting import Glyphs, state_glyph
from analyzers.export.given_up import gave_us_up
from analyzers.export.spans import death_confidence, told_states
from analyzers.model.peer import PeerState, PeerView
from dpdlab.present import words
from dpdlab.present.cells import BLANK, Cell, Role, write
from dpdlab.present.scale import Scale

_STATE_ROLE: Final = {
    PeerState.ALIVE: Role.ALIVE,
    PeerState.QUESTIONABLE: Role.QUESTIONABLE,
    PeerState.PROBING: Role.PROBING,
    PeerState.DEAD: Role.DEAD,
    PeerState.DELETED: Role.DELETED,
    PeerState.UNKNOWN: Role.UNKNOWN,
}
# Which state shows where several share a cell: the one the reader must not miss.
_STATE_RANK: Final = {
    PeerState.UNKNOWN: 0,
    PeerState.ALIVE: 1,
    PeerState.DELETED: 2,
    PeerState.QUESTIONABLE: 3,
    PeerState.PROBING: 4,
    PeerState.DEAD: 5,
}


class _Shown(NamedTuple):
    """What a cell tells."""

    state: PeerState
    ike_only: bool
    dead_ns: int | None = None
    """Of a death: since when."""

    @property
    def rank(self) -> tuple[int, bool]:
        """What the reader must not miss ranks highest."""
        return _STATE_RANK[self.state], self.ike_only


def state_cells(peer: PeerView, scale: Scale, signs: Glyphs) -> tuple[Cell, ...]:
    """The states of a peer on a scale."""
    shown: list[_Shown | None] = [None] * scale.width
    for span in told_states(peer):
        dead_ns = span.start_ns if span.state is PeerState.DEAD else None
        told = _Shown(span.state, span.ike_only, dead_ns)
        end_ns = scale.end_ns if span.end_ns is None else span.end_ns
        for position in scale.cells(span.start_ns, end_ns):
            held = shown[position]
            if held is None or told.rank > held.rank:
                shown[position] = told
    cells = [BLANK] * scale.width
    position = 0
    while position < scale.width:
        here = shown[position]
        stop = position
        while stop < scale.width and shown[stop] == here:
            stop += 1
        if here is not None:
            _draw(cells, range(position, stop), here, _word(peer, here), scale, signs)
        position = stop
    return tuple(cells)


def _word(peer: PeerView, shown: _Shown) -> str:
    if shown.ike_only:
        return words.IKE_ONLY
    by_remote = shown.dead_ns is not None and gave_us_up(peer, shown.dead_ns)
    return words.stretch_word(peer, shown.state, death_confidence(peer), by_remote=by_remote)


def _draw(
    cells: list[Cell], run: range, shown: _Shown, word: str, scale: Scale, signs: Glyphs
) -> None:
    state = shown.state
    role = Role.IKE_ONLY if shown.ike_only else _STATE_ROLE[state]
    line = {
        PeerState.ALIVE: signs.line_ike_only if shown.ike_only else signs.line_alive,
        PeerState.QUESTIONABLE: signs.line_questionable,
        PeerState.PROBING: signs.line_probing,
        PeerState.DELETED: signs.line_deleted,
        PeerState.UNKNOWN: signs.line_unknown,
        PeerState.DEAD: " ",
    }[state]
    for position in run:
        cells[position] = Cell(line, role)
    if state in (PeerState.DEAD, PeerState.DELETED):
        # An end, not a stretch: the sign stands at its instant and the word after it.
        cells[run.start] = Cell(state_glyph(state, signs), role)
        if len(_loud(run, scale)[0]) >= len(word) + 2:
            write(cells, run.start + 2, word, role)
        return
    # What a fold leaves out stands in it.
    room = max(_loud(run, scale), key=len)
    if len(room) >= len(word) + 4:
        middle = room.start + (len(room) - len(word) - 2) // 2
        write(cells, middle, f" {word} ", role)


def _loud(run: range, scale: Scale) -> list[range]:
    """The pieces of a run that are not folded: the first begins where it does."""
    pieces: list[range] = []
    start = run.start
    for fold in scale.folds:
        if start <= fold.first < run.stop:
            pieces.append(range(start, fold.first))
            start = fold.first + fold.width
        elif fold.first < start < fold.first + fold.width:
            pieces.append(range(start, start))
            start = fold.first + fold.width
    return [*pieces, range(start, max(run.stop, start))]
