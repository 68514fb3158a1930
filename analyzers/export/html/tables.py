"""Tables of the page: with headers for those who listen, and rows that stack on a narrow screen."""

from __future__ import annotations

from collections.abc import Sequence

import htpy
from htpy import Element, Node
from msgspec import Struct


class Column(Struct, frozen=True):
    """A column: its title, and whether it holds numbers."""

    title: str
    numeric: bool = False


def columns(*titles: str, numeric: Sequence[str] = ()) -> tuple[Column, ...]:
    """Columns by their titles; those in `numeric` hold numbers."""
    return tuple(Column(title, title in numeric) for title in titles)


def stacked(caption: str, head: Sequence[Column], rows: Sequence[Sequence[Node]]) -> Element:
    """A table whose rows become blocks where the screen is narrow.

    Roles are said because browsers forget those of a table that is no table to the eye.
    """
    table = htpy.table(".stack", role="table")[
        htpy.caption(".unseen")[caption],
        htpy.thead(role="rowgroup")[htpy.tr(role="row")[[_header(column) for column in head]]],
        htpy.tbody(role="rowgroup")[
            [
                htpy.tr(role="row")[
                    [_cell(c, htpy.div[cell]) for c, cell in zip(head, row, strict=True)]
                ]
                for row in rows
            ]
        ],
    ]
    return scroll_box(table, caption)


def scrolled(caption: str, head: Sequence[Column], rows: Sequence[Sequence[Node]]) -> Element:
    """A wide table in a box of its own that scrolls sideways."""
    table = htpy.table[
        htpy.caption(".unseen")[caption],
        htpy.thead[htpy.tr[[_header(column) for column in head]]],
        htpy.tbody[
            [
                htpy.tr[[_cell(column, cell) for column, cell in zip(head, row, strict=True)]]
                for row in rows
            ]
        ],
    ]
    return scroll_box(table, caption)


def scroll_box(content: Node, label: str) -> Element:
    """A box that scrolls sideways, by keyboard too."""
    return htpy.div(".scroll", role="region", tabindex="0", aria_label=label)[content]


def _header(column: Column) -> Element:
    css = {"class": "number"} if column.numeric else {}
    return htpy.th(css, scope="col", role="columnheader")[column.title]


def _cell(column: Column, cell: Node) -> Element:
    css = {"class": "number"} if column.numeric else {}
    return htpy.td(css, data_label=column.title, role="cell")[cell]
