"""A stretch of a peer's time: states, questions and answers, ESP both ways, black holes, logs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from htpy import Node

from analyzers.export.axis import mark_name, step_ns
from analyzers.export.esp_times import EspTimes, covering
from analyzers.export.formatting import duration
from analyzers.export.naming import Naming, address
from analyzers.export.spans import Window, whole
from analyzers.export.svg.canvas import (
    Drawn,
    drawn,
    group,
    line,
    rect,
    text,
    text_width,
)
from analyzers.export.svg.esp_lanes import esp
from analyzers.export.svg.hole_lanes import black_holes, hatch, veils
from analyzers.export.svg.lanes import logs, probes, states
from analyzers.export.svg.shapes import MEANING, cross, sign
from analyzers.export.svg.sheet import PLOT_LEFT, PLOT_RIGHT, WIDTH, Sheet
from analyzers.model.peer import PeerState, PeerView

AXIS_CELL: Final = 7
"""Width that the axis counts as one cell of its labels."""


def timeline(
    peer: PeerView,
    naming: Naming,
    *,
    name: str,
    window: Window | None = None,
    exact: Sequence[EspTimes] = (),
) -> Drawn:
    """One stretch of a peer's time, the whole of it by default.

    `name` makes the ids of the drawing unique in its document; `exact`: what is known of the times
    of its ESP.
    """
    window = window or whole(peer)
    sheet = Sheet(peer, naming, window, name, covering(exact, window))
    _axis(sheet)
    top = sheet.y
    states(sheet)
    probes(sheet)
    esp(sheet)
    black_holes(sheet)
    logs(sheet)
    bottom = sheet.y
    _legend(sheet)
    lasted = duration(window.end_ns - window.start_ns)
    pair = f"{address(peer.local)} → {address(peer.remote)}"
    title = f"Timeline of {pair}"
    description = (
        f"{lasted} from {naming.at(window.start_ns)} UTC: state of the peer, liveness questions"
        " of each side and what became of them, ESP packets both ways, black holes."
    )
    nodes = [
        hatch(name),
        _grid(sheet, top, bottom),
        veils(sheet, top, bottom),
        sheet.nodes,
    ]
    return drawn(
        WIDTH,
        sheet.y + 4,
        nodes,
        css="timeline",
        title=title,
        description=description,
        name=name,
    )


# --- axis -----------------------------------------------------------------------------------


def _ticks(window: Window) -> Iterator[tuple[int, str]]:
    cells = (PLOT_RIGHT - PLOT_LEFT) // AXIS_CELL
    step = step_ns(window.start_ns, window.end_ns, cells)
    at_ns = -(-window.start_ns // step) * step
    before: int | None = None
    while at_ns <= window.end_ns:
        yield at_ns, mark_name(at_ns, step, before, window.start_ns)
        before = at_ns
        at_ns += step


def _axis(sheet: Sheet) -> None:
    free = 0.0
    sheet.nodes.append(text(PLOT_LEFT - 12, 16, "UTC", "end soft"))
    for at_ns, label in _ticks(sheet.window):
        x = sheet.x(at_ns)
        if x >= free:
            sheet.nodes.append(text(x + 4, 16, label, "soft"))
            free = x + text_width(label) + 10
    sheet.y = 26


def _grid(sheet: Sheet, top: float, bottom: float) -> Node:
    return [
        line(x, top - 16, x, bottom, "grid")
        for x in (sheet.x(at_ns) for at_ns, _ in _ticks(sheet.window))
    ]


# --- legend ----------------------------------------------------------------------------------


def _legend(sheet: Sheet) -> None:
    shown = {MEANING[kind]: kind for kind in reversed(MEANING) if kind in sheet.signs}
    entries: list[tuple[Node, str]] = [
        (sign(shown[meaning], 0, 0), meaning)
        for meaning in dict.fromkeys(MEANING.values())
        if meaning in shown
    ]
    entries += [(_state_sample(state), word) for state, word in sheet.unnamed.items()]
    entries += [(figure, meaning) for meaning, figure in sheet.legend.items()]
    if not entries:
        return
    x, y = float(PLOT_LEFT), sheet.y + 20
    for figure, meaning in entries:
        width = 14 + text_width(meaning) + 20
        if x + width > WIDTH:
            x, y = float(PLOT_LEFT), y + 20
        sheet.nodes.append(group(move=(x + 7, y - 4))[figure])
        sheet.nodes.append(text(x + 18, y, meaning, "soft"))
        x += width
    sheet.y = y + 6


def _state_sample(state: PeerState) -> Node:
    box = group(f"state {state.value}")
    if state is PeerState.DEAD:
        return cross(0, 0, state.value)
    if state is PeerState.DELETED:
        return box[rect(-4, -4, 8, 8, "stroke")]
    return box[rect(-7, -5, 14, 10, "full"), line(-7, 4, 7, 4, "edge")]
