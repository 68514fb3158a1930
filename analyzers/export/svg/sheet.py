"""The sheet that a timeline is drawn on: where instants stand, and the lanes below one another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import htpy
from htpy import Element, Node
from msgspec import Struct, field

from analyzers.export.esp_times import EspTimes
from analyzers.export.naming import Naming
from analyzers.export.spans import Window
from analyzers.export.svg.canvas import text
from analyzers.export.svg.marks import Mark
from analyzers.export.svg.shapes import Sign
from analyzers.model.peer import PeerState, PeerView

WIDTH: Final = 960
PLOT_LEFT: Final = 112
PLOT_RIGHT: Final = 880
"""Beyond it is room for the word of an end: "dead"."""


class Sheet(Struct):
    """The drawing as it grows downwards."""

    peer: PeerView
    naming: Naming
    window: Window
    name: str
    esp: EspTimes | None = None
    """Exact times of ESP in the window, where they are known."""
    y: float = 0
    nodes: list[Node] = field(default_factory=list)
    signs: set[Sign] = field(default_factory=set)
    legend: dict[str, Node] = field(default_factory=dict)
    unnamed: dict[PeerState, str] = field(default_factory=dict)
    """States that had no room for their word, with it."""

    def x(self, at_ns: int) -> float:
        """Where an instant stands; outside the window it is outside the plot."""
        start_ns, end_ns = self.window
        share = (at_ns - start_ns) / max(end_ns - start_ns, 1)
        return PLOT_LEFT + share * (PLOT_RIGHT - PLOT_LEFT)

    def stretch(self, start_ns: int, end_ns: int) -> tuple[float, float] | None:
        """Both ends of a stretch as far as it is inside the window."""
        if end_ns < self.window.start_ns or start_ns > self.window.end_ns:
            return None
        return max(self.x(start_ns), PLOT_LEFT), min(self.x(end_ns), PLOT_RIGHT)

    def lane(self, label: str, height: float) -> float:
        """Begin a lane; returns the middle of it."""
        middle = self.y + height / 2
        self.nodes.append(text(PLOT_LEFT - 12, middle + 4, label, "end soft"))
        self.y += height
        return middle


def spoken(box: Element, said: str, parts: Node) -> Element:
    """A group that says what it is to those who point at it."""
    return box[htpy.title[said], parts]


def thinned(sheet: Sheet, found: Sequence[Mark], gap: float) -> Iterator[tuple[float, Mark, int]]:
    """Marks of the window, one of those that stand too near to each other, and how many went."""
    cells: dict[int, tuple[Mark, int]] = {}
    for mark in found:
        if not sheet.window.start_ns <= mark.at_ns <= sheet.window.end_ns:
            continue
        cell = int(sheet.x(mark.at_ns) / gap)
        held = cells.get(cell)
        if held is None:
            cells[cell] = (mark, 0)
        else:
            cells[cell] = (mark if mark.rank > held[0].rank else held[0], held[1] + 1)
    for mark, others in cells.values():
        yield sheet.x(mark.at_ns), mark, others
