"""Texts as lines of the screen.

A widget that gives Textual a whole text has every style in it worked out anew for every frame;
here a line becomes a strip once, and is worked out again only when it changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from rich.text import Span, Text
from textual.strip import Strip

from dpdlab.tui.fixed import Fixed


def strip_of(text: Text, width: int, base: Style, console: Console) -> Strip:
    """A text of at most `width` cells as a strip of exactly so many."""
    if isinstance(text.style, Style):
        # rich leaves out the style of a whole text where no part of it has one.
        base += text.style
    letters = text.plain
    segments = _runs(text, letters, base)
    if segments is None:
        segments = [
            Segment(s.text, base + s.style if s.style else base)
            for s in text.render(console)
            if s.text and s.text != "\n"
        ]
    cells = len(letters) if letters.isascii() else None
    return Strip(segments, cells).adjust_cell_length(width, base)


def _runs(text: Text, letters: str, base: Style) -> list[Segment] | None:
    """The segments of a text: its styles follow one another, and few lie over others.

    That is nearly every line, and rich takes several times as long to find out. None where a
    style is only a name.
    """
    if isinstance(text.style, str) and text.style:
        return None
    segments: list[Segment] = []
    over: list[Span] = []
    place = 0
    for span in text.spans:
        start, end, style = span
        if not isinstance(style, Style):
            return None
        if start < place or over:
            over.append(span)
            continue
        if start > place:
            segments.append(Segment(letters[place:start], base))
        if end > start:
            segments.append(Segment(letters[start:end], base + style))
        place = max(end, place)
    if place < len(letters):
        segments.append(Segment(letters[place:], base))
    for start, end, style in over:
        if isinstance(style, Style):
            segments = _laid_over(segments, start, end, style)
    return segments


def _laid_over(segments: list[Segment], start: int, end: int, style: Style) -> list[Segment]:
    """The segments with a style over the letters from `start` to `end`."""
    laid: list[Segment] = []
    place = 0
    for segment in segments:
        letters, below = segment.text, segment.style or Style()
        first, last = max(start - place, 0), min(end - place, len(letters))
        place += len(letters)
        if first >= last:
            laid.append(segment)
            continue
        if first:
            laid.append(Segment(letters[:first], below))
        laid.append(Segment(letters[first:last], below + style))
        if last < len(letters):
            laid.append(Segment(letters[last:], below))
    return laid


def append_runs(line: Text, cells: Iterable[tuple[str, Style]]) -> Text:
    """Cells with their styles at the end of a line; neighbours of one style are one piece."""
    held: Style | None = None
    run: list[str] = []
    for glyph, style in cells:
        if style is not held and style != held:
            if run:
                line.append("".join(run), held)
            run, held = [], style
        run.append(glyph)
    if run:
        line.append("".join(run), held)
    return line


class Painted(Fixed):
    """Lines of text in a widget."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.texts: Sequence[Text] = ()
        self._strips: dict[tuple[int, int, Style], Strip] = {}

    def paint(self, texts: Sequence[Text]) -> None:
        """Show other lines; nothing is painted if they are the same."""
        if len(texts) == len(self.texts) and all(map(_same, texts, self.texts)):
            return
        higher = len(texts) != len(self.texts)
        self.texts = texts
        self._strips.clear()
        self.refresh(layout=higher)

    def repaint(self) -> None:
        """Draw every line anew: something besides the texts has changed."""
        self._strips.clear()
        self.refresh()

    def line_for(self, text: Text, width: int) -> Text:
        """A line as it fits the width."""
        return text

    def render_line(self, y: int) -> Strip:
        """One line of what is in sight."""
        width, base = self.size.width, self.rich_style
        if y >= len(self.texts):
            return Strip.blank(width, base)
        strip = self._strips.get((y, width, base))
        if strip is None:
            line = self.line_for(self.texts[y], width)
            strip = strip_of(line, width, base, self.app.console)
            self._strips[y, width, base] = strip
        return strip


def _same(one: Text, other: Text) -> bool:
    return one == other and one.style == other.style
