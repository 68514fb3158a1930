"""How policies stand below one another: a label, a bar, and the columns that have room."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from rich.style import Style
from rich.text import Text

from analyzers.export.formatting import Severity
from analyzers.export.untrusted import safe
from analyzers.whatif.formula import asks, chance
from analyzers.whatif.study import Candidate
from analyzers.whatif.timing import LOSS_RATES, false_death
from dpdlab.present.policies import (
    Bar,
    chance_severity,
    loss_title,
    worst_case,
)
from dpdlab.tui.palette import Palette
from dpdlab.tui.rows import cut

MARK: Final = 2
"""Cells of the sign before a label."""
_LEAST_LABEL: Final = 26
_MOST_LABEL: Final = 34
_LEAST_BAR: Final = 8
_GOOD_BAR: Final = 20


class Column(Struct, frozen=True):
    """A column of numbers. `page`: where not all have room, 0 is what is left, 1 what it costs.

    A spare one goes first, so that the bars have room.
    """

    title: str
    width: int
    pages: tuple[int, ...] = (0,)
    spare: bool = False


class Layout(Struct, frozen=True):
    """Widths of a table: labels, bars, and the columns that have room."""

    label: int
    bar: int
    columns: tuple[Column, ...]
    is_all: bool

    @classmethod
    def of(
        cls, columns: Sequence[Column], width: int, page: int, least_label: int = _LEAST_LABEL
    ) -> Layout:
        """All columns if there is room beside good bars, else those of both pages, or of one."""
        firm = tuple(c for c in columns if not c.spare)
        least = MARK + _LEAST_LABEL + 2
        is_all = width >= least + _LEAST_BAR + sum(c.width for c in firm)
        if width >= least + _GOOD_BAR + sum(c.width for c in columns):
            chosen = tuple(columns)
        else:
            chosen = tuple(c for c in firm if is_all or page in c.pages)
        rest = max(width - sum(c.width for c in chosen) - MARK - 1, least_label)
        label = min(max(rest * 11 // 20, least_label), _MOST_LABEL)
        return cls(label, max(rest - label, 0), chosen, is_all)

    def header(self, page: int) -> Text:
        """The titles; where columns have no room, how they are reached."""
        line = Text(" " * MARK + "policy".ljust(self.label + 1))
        told = ("v: costs" if page == 0 else "v: losses", "v", "")
        more = "" if self.is_all else next(one for one in told if len(one) <= self.bar)
        line.append(more.ljust(self.bar))
        for column in self.columns:
            line.append(column.title.rjust(column.width))
        return line


class LaidOut(ABC):
    """Rows of a table that is laid out anew for another width."""

    def __init__(self, page: int) -> None:
        """`page`: of the columns, where not all have room."""
        self._page = page
        self._layout: tuple[int, Layout] | None = None
        self._header = Text()

    @abstractmethod
    def set_width(self, width: int) -> None:
        """Lay out the columns, and wrap what is text."""

    def _lay_out(self, width: int, layout: Layout) -> None:
        self._layout = (width, layout)
        self._header = layout.header(self._page)

    def header(self, width: int, palette: Palette) -> Text | None:
        """The titles of the columns."""
        self._laid_out(width)
        return self._header

    @property
    def shows_all(self) -> bool:
        """Whether all columns have room."""
        return self._layout is not None and self._layout[1].is_all

    def _laid_out(self, width: int) -> Layout:
        if self._layout is None or self._layout[0] != width:
            self.set_width(width)
        assert self._layout is not None
        return self._layout[1]


COST_COLUMNS: Final = (
    Column("asks/h", 8, (1,)),
    *(Column(loss_title(loss), 7, (1,)) for loss in LOSS_RATES),
)
"""What a policy costs, and how easily a live peer is given up at a packet loss."""
COST_LEGEND: Final = (
    "asks/h: questions an hour at most; "
    + ", ".join(loss_title(loss) for loss in LOSS_RATES)
    + ": the chance, each time it begins to ask, that a live peer is given up at this packet"
    " loss"
)


def cost_cells(candidate: Candidate, none: str, palette: Palette) -> dict[str, Text]:
    """The cells of `COST_COLUMNS`."""
    timing = candidate.told
    if timing is None:
        return {column.title: Text(none, palette.faint) for column in COST_COLUMNS}
    chances = [false_death(len(timing.waits_s), loss) for loss in LOSS_RATES]
    return {
        "asks/h": Text(asks(timing)),
        **{
            loss_title(loss): Text(
                chance(value),
                palette.warn if chance_severity(value) is Severity.WARN else "",
            )
            for loss, value in zip(LOSS_RATES, chances, strict=True)
        },
    }


def as_line(candidate: Candidate, cells: dict[str, Text], none: str, palette: Palette) -> str:
    """A policy as a line for the clipboard, without its bar; `cells`: what it comes to."""
    cells = cells | cost_cells(candidate, none, palette)
    told = "  ".join(f"{title} {cell.plain}" for title, cell in cells.items())
    timing = candidate.told
    worst = "" if timing is None else f" ({worst_case(timing)})"
    return f"{safe(candidate.label)}{worst}: {told}"


def row_line(
    layout: Layout,
    label: Text,
    bar: tuple[Bar, Style] | None,
    cells: dict[str, Text],
    signs: tuple[str, str, str],
) -> Text:
    """Mark and label, the bar, the numbers. `signs`: certain, possible, on and on."""
    name = cut(label, layout.label + MARK)
    line = name.copy().append(" " * (MARK + layout.label + 1 - name.cell_len))
    drawn = Text()
    if bar is not None:
        shape, style = bar
        end = signs[2] if shape.unending else ""
        drawn.append(signs[0] * shape.sure + signs[1] * shape.maybe + end, style)
    drawn = cut(drawn, layout.bar)
    line.append_text(drawn).append(" " * (layout.bar - drawn.cell_len))
    for column in layout.columns:
        cell = cut(cells.get(column.title, Text()), column.width - 1)
        line.append(" " * (column.width - cell.cell_len)).append_text(cell)
    return line
