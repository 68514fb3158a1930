"""The bar at the edge of a list, as a part of its lines.

Textual's own is a widget beside the content: where it comes or goes, the whole screen is laid out
anew, and it is painted a frame after the lines that it belongs to.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.segment import Segment
from textual.css.styles import StylesBase
from textual.scrollbar import ScrollBarRender

BAR: Final = 1
"""Cells of its width."""


def bar_of(styles: StylesBase, lines: int, rows: int, top: int) -> Sequence[Segment]:
    """One cell a line, for so many lines that show `rows` from `top` on.

    A press of the mouse on them is the action `grab`, `scroll_up` or `scroll_down`.
    """
    back = styles.scrollbar_background
    colour = back + styles.scrollbar_color
    return ScrollBarRender.render_bar(
        lines, rows, lines, top, BAR, back_color=back.rich_color, bar_color=colour.rich_color
    ).segments
