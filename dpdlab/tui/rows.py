"""A list of any length that draws only the rows in sight.

Rows are asked for when they are painted, and kept in a small cache: a million of them cost no
memory, and every key answers at once.
"""

from __future__ import annotations

import textwrap
from collections import OrderedDict
from collections.abc import Callable
from typing import ClassVar, Final, Protocol

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from analyzers.export.formatting import counted
from dpdlab.tui.painted import strip_of
from dpdlab.tui.palette import Palette

_CACHED_ROWS: Final = 1000
_AROUND: Final = 3
"""Rows that stay in sight above and below the cursor."""
CUT: Final = "…"


class RowSource(Protocol):
    """What a list shows."""

    def __len__(self) -> int: ...

    def row(self, index: int, width: int, palette: Palette) -> Text:
        """One row; longer than `width` it is cut, and the cut marked."""
        ...

    def header(self, width: int, palette: Palette) -> Text | None:
        """The line that stands above the rows."""
        ...


class NoRows:
    """An empty list."""

    def __len__(self) -> int:
        return 0

    def row(self, index: int, width: int, palette: Palette) -> Text:
        """There is none."""
        raise IndexError(index)

    def header(self, width: int, palette: Palette) -> Text | None:
        """Nothing."""
        return None


class RowList(ScrollView, can_focus=False):
    """A list with a cursor. Keys come from the view it stands in."""

    DEFAULT_CSS: ClassVar[str] = "RowList { height: 1fr; scrollbar-size-vertical: 1; }"

    class Chosen(Message):
        """A row was opened: a second click on it."""

        def __init__(self, rows: RowList, index: int) -> None:
            super().__init__()
            self.rows = rows
            self.index = index

    class HeaderClicked(Message):
        """The line above the rows was clicked at a column."""

        def __init__(self, rows: RowList, column: int) -> None:
            super().__init__()
            self.rows = rows
            self.column = column

    def __init__(
        self, palette: Palette, *, id: str | None = None, empty: str = "nothing here"
    ) -> None:
        super().__init__(id=id)
        self.source: RowSource = NoRows()
        self.palette = palette
        self.cursor = 0
        self.empty = empty
        self.ascii_only = False
        self.moved: Callable[[int], None] | None = None
        """Called with the row that the cursor has come to. No message: what follows from it is
        painted together with the cursor, not a frame later."""
        self.active = True
        """Whether the keys go here: the cursor is drawn faintly if not."""
        self._strips: OrderedDict[tuple[int, int], Strip] = OrderedDict()
        self._head: tuple[int, Text | None] | None = None
        self._base = Style()
        self._width = 0

    def on_mount(self) -> None:
        """A scroll bar that comes or goes makes rows narrower or wider."""
        self.watch(self, "show_vertical_scrollbar", lambda _: self.refresh_rows(), init=False)

    # --- what is shown ---------------------------------------------------------------------

    def show(
        self, source: RowSource, cursor: int | None = None, palette: Palette | None = None
    ) -> None:
        """Show other rows; the cursor stays at its place, or goes to `cursor`.

        Rows that are drawn stay as they are where the source is the same one, and the palette.
        """
        known = source is self.source and (palette is None or palette is self.palette)
        self.source = source
        self.palette = palette or self.palette
        wanted = self.cursor if cursor is None else cursor
        before, self.cursor = self.cursor, max(0, min(wanted, len(source) - 1))
        if not known:
            self.refresh_rows()
            self._fit()
        elif before != self.cursor or not len(source):
            self.refresh()
        self.scroll_to_cursor()

    def refresh_rows(self) -> None:
        """Draw all rows anew."""
        self._strips.clear()
        self._head = None
        self.refresh()

    def set_active(self, active: bool) -> None:
        """Whether the keys go here."""
        if self.active is not active:
            self.active = active
            self.refresh()

    @property
    def tells_more(self) -> bool:
        """Whether words say that more follows: where no scroll bar shows it."""
        return self.ascii_only

    @property
    def how_to_more(self) -> str:
        """What leads to the lines that follow."""
        return ""

    @property
    def row_width(self) -> int:
        """Cells of a row: a scroll bar takes one."""
        return self.scrollable_content_region.width or self.size.width

    @property
    def header_lines(self) -> int:
        """Lines above the rows."""
        return 0 if self._header(self.row_width or 80) is None else 1

    def _header(self, width: int) -> Text | None:
        """The line above the rows, made once for a width."""
        if self._head is None or self._head[0] != width:
            self._head = (width, self.source.header(width, self.palette))
        return self._head[1]

    def _fit(self) -> None:
        # What fits is as high as the list: another number of such rows is no other layout.
        rows = max(len(self.source) + self.header_lines, self.size.height)
        if self.show_vertical_scrollbar is not (rows > self.size.height):
            self.virtual_size = Size(0, rows)
            return
        # The bar stays or stays away: nothing else has to be laid out anew.
        self.set_reactive(ScrollView.virtual_size, Size(0, rows))
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.window_virtual_size = rows
        self.scroll_y = self.validate_scroll_y(self.scroll_y)

    def on_resize(self, _: events.Resize) -> None:
        """Rows are as wide as the list."""
        self._strips.clear()
        self._head = None
        self._fit()
        self.scroll_to_cursor()

    # --- moving ----------------------------------------------------------------------------

    def move(self, by: int) -> None:
        """The cursor so many rows down."""
        self.go_to(self.cursor + by)

    def page(self, by: int) -> None:
        """The cursor so many pages down."""
        self.move(by * max(1, self.size.height - self.header_lines - 1))

    def go_to(self, index: int, *, quiet: bool = False) -> None:
        """The cursor on a row, which comes into sight."""
        index = max(0, min(index, len(self.source) - 1))
        before, self.cursor = self.cursor, index
        changed = index != before
        top = self.scroll_offset.y
        self.scroll_to_cursor()
        if self.scroll_offset.y != top:
            self.refresh()
        elif changed:
            self.refresh(self._region_of(before), self._region_of(index))
        if changed and not quiet and self.moved is not None:
            self.moved(index)

    def scroll_to_cursor(self) -> None:
        """Bring the row of the cursor into sight, with a few rows around it."""
        if self.cursor < 0:
            return
        height = max(1, self.size.height - self.header_lines)
        around = min(_AROUND, (height - 1) // 3)
        top = int(self.scroll_offset.y)
        if self.cursor < top + around:
            self.scroll_to(y=max(self.cursor - around, 0), animate=False, immediate=True)
        elif self.cursor >= top + height - around:
            wanted = min(self.cursor + around, len(self.source) - 1) - height + 1
            self.scroll_to(y=max(wanted, 0), animate=False, immediate=True)

    # --- painting --------------------------------------------------------------------------

    def render_lines(self, crop: Region) -> list[Strip]:
        """All lines of what is in sight; what they share is looked up once."""
        self._base = self.rich_style
        self._width = self.row_width
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """One line of what is in sight."""
        width = self._width
        header = self._header(width)
        head = 0 if header is None else 1
        if header is not None and y < head:
            return self._strip(header, width, self.palette.header)
        index = int(self.scroll_offset.y) + y - head
        if not len(self.source):
            lines = wrap(self.empty, max(width - 2, 10))
            told = Text(f" {lines[index]}" if index < len(lines) else "", self.palette.text)
            return self._strip(told, width, Style())
        if index >= len(self.source):
            return Strip.blank(width, self._base)
        left = len(self.source) - index
        if self.tells_more and y == self.size.height - 1 and left > 1 and index != self.cursor:
            told = Text(f"{CUT} {counted(left, 'more line')}{self.how_to_more}", self.palette.faint)
            return self._strip(told, width, Style())
        strip = self._strips.get((index, width))
        if strip is None:
            strip = self._strip(self.source.row(index, width, self.palette), width, Style())
            self._strips[index, width] = strip
            if len(self._strips) > _CACHED_ROWS:
                self._strips.popitem(last=False)
        if index == self.cursor:
            style = self.palette.cursor if self.active else self.palette.cursor_away
            return _over(strip, style)
        return strip

    def _strip(self, text: Text, width: int, style: Style) -> Strip:
        line = plain(cut(text, width), self.ascii_only)
        return strip_of(line, width, self._base + style, self.app.console)

    # --- mouse -----------------------------------------------------------------------------

    def on_click(self, event: events.Click) -> None:
        """The cursor comes to the mouse; a click on the cursor opens."""
        head = self.header_lines
        if event.y < head:
            self.post_message(self.HeaderClicked(self, event.x))
            return
        index = int(self.scroll_offset.y) + event.y - head
        if not 0 <= index < len(self.source):
            return
        if index == self.cursor and event.chain >= 2:
            self.post_message(self.Chosen(self, index))
        else:
            self.go_to(index)

    def _region_of(self, index: int) -> Region:
        y = index - int(self.scroll_offset.y) + self.header_lines
        return Region(0, y, self.size.width, 1)


_ASCII: Final = str.maketrans(
    {"·": "|", "…": "~", "▾": "v", "▴": "^", "█": "#", "░": ".", "▓": "#", "─": "-", "│": "|",
     "→": ">", "←": "<", "↑": "^", "↓": "v", "–": "-", "×": "x", "●": "*", "○": "o", "✗": "X",
     "✓": "v", "±": "~", "⋯": "~"}
)  # fmt: skip


def plain(text: Text, ascii_only: bool) -> Text:
    """A text with nothing beyond ASCII, cell by cell, if that is wanted."""
    if not ascii_only or text.plain.isascii():
        return text
    letters = text.plain.translate(_ASCII)
    told = Text("".join(c if c.isascii() else "?" * cell_len(c) for c in letters), text.style)
    if len(told.plain) == len(text.plain):
        told.spans = list(text.spans)
    return told


def wrap(text: str, width: int) -> list[str]:
    """Lines of a message; its own line breaks stay."""
    return [line for part in text.splitlines() for line in textwrap.wrap(part, width) or [""]]


def cut(text: Text, width: int) -> Text:
    """A text of at most `width` cells; a cut is marked."""
    if text.cell_len <= width:
        return text
    short = text.copy()
    short.truncate(max(width - 1, 0), overflow="crop")
    short.append(CUT[: max(width, 0)])
    return short


def end_of(text: str, room: int) -> str:
    """A text, or its end where there is no room for all of it: of paths that says more."""
    return text if len(text) <= room else f"...{text[max(len(text) - room + 3, 0) :]}"


def _over(strip: Strip, style: Style) -> Strip:
    return Strip([Segment(s.text, (s.style or Style()) + style) for s in strip], strip.cell_length)
