"""Text beside a list: lines that wrap, drawn like rows, in sight by scrolling."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from rich.text import Text

from dpdlab.tui.palette import Palette
from dpdlab.tui.rows import RowList

_HEADING: Final = 2
_LEAST: Final = 20
_SEPARATOR: Final = re.compile(r"[/\\,;_=&|]|-(?!\d)|:(?![0-9a-fA-F])")
"""After these a word may be broken; not in dates, times and addresses."""


class TextRows:
    """Wrapped lines as rows. Wrapping happens once a width."""

    def __init__(
        self,
        lines: Sequence[Text],
        title: str = "",
        indent: int | Callable[[Text], int] = 0,
        heading: bool = False,
    ) -> None:
        """`heading`: the first line has no label, and goes on below itself."""
        self._lines = lines
        self._title = title
        self._indent = indent
        self._heading = heading
        self._wrapped: tuple[int, list[Text]] = (0, list(lines))
        self._pieces: dict[object, list[Text]] = {}
        """The rows of each line."""

    def set_width(self, width: int, before: TextRows | None = None) -> None:
        """Wrap for a width; `before` had most of the lines, maybe."""
        if self._wrapped[0] == width:
            return
        known = before._pieces if before is not None and before._wrapped[0] == width else {}
        rows: list[Text] = []
        self._pieces = {}
        for number, line in enumerate(self._lines):
            indent = self._indent if isinstance(self._indent, int) else self._indent(line)
            if self._heading and not number:
                indent = _HEADING
            same = (line.plain, line.style, tuple(line.spans), indent)
            pieces = known.get(same) or wrapped(line, max(width, 8), indent)
            self._pieces[same] = pieces
            rows += pieces
        self._wrapped = (width, rows)

    def __len__(self) -> int:
        return len(self._wrapped[1])

    def header(self, width: int, palette: Palette) -> Text | None:
        """A title, if there is one."""
        return Text(self._title.ljust(width)) if self._title else None

    def row(self, index: int, width: int, palette: Palette) -> Text:
        """One line."""
        return self._wrapped[1][index]


class TextPane(RowList):
    """A pane with text: it has no cursor, and wraps for whatever width it gets."""

    def __init__(self, palette: Palette, *, id: str) -> None:
        super().__init__(palette, id=id, empty="")
        self.cursor = -1
        self._about: object = None

    def tell(self, rows: TextRows, palette: Palette, about: object = None) -> None:
        """Another text, from its beginning; at the same place if it is `about` the same thing."""
        top = self.top if about is not None and about == self._about else 0
        self._about = about
        if self.size.width:
            # Before it has a size it is not seen, and the message that tells one wraps the lines.
            rows.set_width(self._room, self.source if isinstance(self.source, TextRows) else None)
        self.show(rows, -1, palette)
        self.cursor = -1
        self.show_from(top)

    def scroll_by(self, by: int) -> bool:
        """Up or down by so many lines; False where it is at its end."""
        return self.show_from(self.top + by)

    @property
    def tells_more(self) -> bool:
        """Always: without a cursor nothing else invites to scroll."""
        return True

    @property
    def how_to_more(self) -> str:
        """The keys that scroll, in letters where arrows are none."""
        return " (l, h)" if self.ascii_only else " (→ ←)"

    def go_to(self, index: int, *, quiet: bool = False) -> None:
        """Nowhere: a click into text chooses nothing."""

    def fit(self) -> None:
        """The text, wrapped for the width."""
        if isinstance(self.source, TextRows) and self.size.width:
            self.source.set_width(self._room)
        super().fit()

    @property
    def _room(self) -> int:
        """Cells of a line: a scroll bar may come."""
        return max(self.size.width - 1, _LEAST)


def wrapped(line: Text, width: int, indent: int) -> list[Text]:
    """A line in pieces of at most `width` cells, later ones indented; broken at blanks if any."""
    rows: list[Text] = []
    rest = line
    room = width
    while rest.cell_len > room:
        cut = _break(rest.plain, room)
        piece, rest = rest[:cut], rest[cut:]
        piece.rstrip()
        rows.append(_indented(piece, indent if rows else 0))
        while rest.plain.startswith(" "):
            rest = rest[1:]
        room = max(width - indent, 8)
    rows.append(_indented(rest, indent if rows else 0))
    return rows


def _indented(text: Text, by: int) -> Text:
    return Text(" " * by).append_text(text) if by else text


def _break(text: str, room: int) -> int:
    """Where to break: at the last blank that fits, else after a separator; in no number that fits.

    Half of a line is not given away for a blank where a separator serves.
    """
    lead = len(text) - len(text.lstrip(" "))
    place = text.rfind(" ", max(room // 2, lead + 1), room + 1)
    if place > 0:
        return place
    word_ends = [m.end() for m in _SEPARATOR.finditer(text, lead) if m.end() <= room]
    if word_ends and word_ends[-1] > room // 2:
        return word_ends[-1]
    place = text.rfind(" ", lead + 1, room + 1)
    if place > 0:
        return place
    end = max(room, 1)
    start = end
    while start > 1 and text[start - 1].isdigit() and text[start : start + 1].isdigit():
        start -= 1
    if text[start - 1] == ":" and text[start : start + 1].isdigit():
        # The number of a place keeps its colon.
        start -= 1
    return start if start > 1 else end
