"""A screen without any colour: what colours say is left to signs, bold, dim, underline, reverse."""

from __future__ import annotations

from typing import Any, Final

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.app import App
from textual.color import Color as VisualColor
from textual.filter import LineFilter, Monochrome, NoColor

_REVERSED: Final = Color.parse("#010203")
"""In the style sheet the background of what is reversed."""


class AttributesOnly(LineFilter):
    """Takes every colour out of lines; greys are colours, too."""

    def apply(self, segments: list[Segment], background: VisualColor) -> list[Segment]:
        """The segments, with the attributes of their styles alone."""
        return [
            Segment(text, None if style is None else _bare(style), control)
            for text, style, control in segments
        ]


def _bare(style: Style) -> Style:
    if style.bgcolor is not None and style.bgcolor.triplet == _REVERSED.triplet:
        return style.without_color + _REVERSE
    return style.without_color


_REVERSE: Final = Style(reverse=True)


def paint(app: App[Any], *, colour: bool) -> None:
    """Let an application that has not begun paint in colours, or not, whatever NO_COLOR says."""
    app.no_color = not colour
    if colour:
        kinds = (Monochrome, NoColor)
        app._filters = [one for one in app._filters if not isinstance(one, kinds)]
    else:
        # The others make colours of what is dim.
        app._filters = [AttributesOnly()]
