"""The traffic of a peer in one row of a few columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace
from rich.style import Style
from rich.text import Text

from analyzers.export.spans import Window
from analyzers.model.exchange import Exchange, Outcome
from analyzers.model.peer import PeerView
from analyzers.model.time import ORDER_LIMIT_NS
from dpdlab.present.cells import Cell, Row, RowKind
from dpdlab.present.lane import questions, traffic
from dpdlab.tui.model import Model
from dpdlab.tui.painted import append_runs
from dpdlab.tui.palette import Palette

_SPARK_EXCHANGES: Final = 500
"""Of a peer with many more exchanges not every one is drawn on a few columns."""


def spark(peer: PeerView, model: Model, width: int, palette: Palette) -> Text:
    """Traffic both ways over the whole time, with black holes laid over it."""
    first, last = model.range_ns or (model.start_ns, model.end_ns)
    if last <= first or first < ORDER_LIMIT_NS:
        return Text()
    scale = model.scale(Window(first, last), width)
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
