"""A list of any length that draws only the rows in sight.

Rows are asked for when they are painted, and kept in a small cache: a million of them cost no
memory, and every key answers at once.
"""

from __future__ import annotations

import re
import textwrap
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import ClassVar, Final, Protocol

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.geometry import Offset, Region, Size, clamp
from textual.message import Message
from textual.strip import Strip

from analyzers.export.formatting import counted
from dpdlab.tui.fixed import Fixed
from dpdlab.tui.painted import strip_of
from dpdlab.tui.palette import Palette
from dpdlab.tui.scroll_bar import BAR, bar_of

_CACHED_ROWS: Final = 1000
_WHEEL: Final = 2
"""Rows that a turn of the wheel goes."""
_AROUND: Final = 3
"""Rows that stay in sight above and below the cursor."""
CUT: Final = "…"
_LABEL: Final = re.compile(r" +(?:\S+ {2,})?")
"""What a line of a table begins with, or one that is set in."""


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


class RowList(Fixed, can_focus=False):
    """A list with a cursor. Keys come from the view it stands in."""

    DEFAULT_CSS: ClassVar[str] = "RowList { height: 1fr; width: 1fr; }"

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
        self.top = 0
        """The row that stands first in sight."""
        self.empty = empty
        self.ascii_only = False
        self.moved: Callable[[int], None] | None = None
        """Called with the row that the cursor has come to. No message: what follows from it is
        painted together with the cursor, not a frame later."""
        self.active = True
        """Whether the keys go here: the cursor is drawn faintly if not."""
        self._strips: OrderedDict[tuple[int, int], Strip] = OrderedDict()
        self._head: tuple[int, Text | None] | None = None
        self._headed = False
        self._fitted = Size(0, 0)
        """The size that the rows are fitted to."""
        self._base = Style()
        self._width = 0
        self._bar: Sequence[Segment] = ()
        self._grabbed: tuple[Offset, int] | None = None
        """Where the mouse took the scroll bar, and what stood first then."""

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
            self.fit()
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
    def has_bar(self) -> bool:
        """Whether a scroll bar stands at the edge."""
        return not self.ascii_only and len(self.source) > self._in_sight

    @property
    def row_width(self) -> int:
        """Cells of a row: a scroll bar takes one."""
        return max(self.size.width - BAR * self.has_bar, 0)

    @property
    def header_lines(self) -> int:
        """Lines above the rows."""
        return int(self._headed)

    @property
    def _in_sight(self) -> int:
        """Rows that are in sight at once."""
        return max(1, self.size.height - self.header_lines)

    def _header(self, width: int) -> Text | None:
        """The line above the rows, made once for a width."""
        if self._head is None or self._head[0] != width:
            self._head = (width, self.source.header(width, self.palette))
        return self._head[1]

    def fit(self) -> None:
        """Other rows, or other room for them."""
        self._fitted = self.size
        self._headed = self._header(self.row_width or 80) is not None
        self.top = self._first(self.top)

    # --- moving ----------------------------------------------------------------------------

    def move(self, by: int) -> None:
        """The cursor so many rows down."""
        self.go_to(self.cursor + by)

    def page(self, by: int) -> None:
        """The cursor so many pages down."""
        self.move(by * max(1, self._in_sight - 1))

    def go_to(self, index: int, *, quiet: bool = False) -> None:
        """The cursor on a row, which comes into sight."""
        index = max(0, min(index, len(self.source) - 1))
        before, self.cursor = self.cursor, index
        changed = index != before
        if not self.scroll_to_cursor() and changed:
            self.refresh(self._region_of(before), self._region_of(index))
        if changed and not quiet and self.moved is not None:
            self.moved(index)

    def show_from(self, row: int) -> bool:
        """A row first in sight, as far as that goes; False where that is so already."""
        before, self.top = self.top, self._first(row)
        if self.top != before:
            self.refresh()
        return self.top != before

    def _first(self, row: int) -> int:
        """The row itself, or the nearest that can be first in sight."""
        return clamp(row, 0, max(len(self.source) - self._in_sight, 0))

    def scroll_to_cursor(self) -> bool:
        """Bring the row of the cursor into sight, with a few rows around it; whether it was not."""
        return self.show_from(self._top_for_cursor())

    def _top_for_cursor(self) -> int:
        room = self._in_sight
        around = min(_AROUND, (room - 1) // 3)
        if self.cursor < 0:
            return self.top
        if self.cursor < self.top + around:
            return self.cursor - around
        return max(self.top, min(self.cursor + around, len(self.source) - 1) - room + 1)

    # --- painting --------------------------------------------------------------------------

    def render_lines(self, crop: Region) -> list[Strip]:
        """All lines of what is in sight; what they share is looked up once."""
        if self.size != self._fitted:
            # The message that tells of another size comes only after it is painted.
            self._strips.clear()
            self.fit()
            self.top = self._first(self._top_for_cursor())
        self._base = self.rich_style
        self._width = self.row_width
        self._bar = ()
        if self.has_bar:
            self._bar = bar_of(
                self.styles, self.size.height, len(self.source) + self._headed, self.top
            )
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """One line of what is in sight, with its piece of the scroll bar."""
        line = self._line(y)
        return Strip.join((line, Strip([self._bar[y]], BAR))) if self._bar else line

    def _line(self, y: int) -> Strip:
        width = self._width
        header = self._header(width)
        head = 0 if header is None else 1
        if header is not None and y < head:
            return self._strip(header, width, self.palette.header)
        index = self.top + y - head
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
        if event.x >= self.row_width:
            return
        if event.y < head:
            self.post_message(self.HeaderClicked(self, event.x))
            return
        index = self.top + event.y - head
        if not 0 <= index < len(self.source):
            return
        if index == self.cursor and event.chain >= 2:
            self.post_message(self.Chosen(self, index))
        else:
            self.go_to(index)

    def _region_of(self, index: int) -> Region:
        return Region(0, index - self.top + self.header_lines, self.size.width, 1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The rows below."""
        if self.show_from(self.top + _WHEEL):
            event.stop()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The rows above."""
        if self.show_from(self.top - _WHEEL):
            event.stop()

    # The actions of the scroll bar: what a press of the mouse on it stands for.

    def action_scroll_up(self) -> None:
        """A page up."""
        self.show_from(self.top - self._in_sight)

    def action_scroll_down(self) -> None:
        """A page down."""
        self.show_from(self.top + self._in_sight)

    def action_grab(self) -> None:
        """The bar goes with the mouse."""
        self.capture_mouse()

    def on_mouse_capture(self, event: events.MouseCapture) -> None:
        """From here."""
        self._grabbed = (event.mouse_position, self.top)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """A line of the bar is so many rows."""
        if self._grabbed is not None:
            begun, top = self._grabbed
            per_line = len(self.source) / self._in_sight
            self.show_from(top + round((event.screen_y - begun.y) * per_line))

    def on_mouse_up(self, _: events.MouseUp) -> None:
        """Let go."""
        if self._grabbed is not None:
            self.release_mouse()
            self._grabbed = None


_ASCII: Final = str.maketrans(
    {"·": "|", "…": "~", "▾": "v", "▴": "^", "█": "#", "░": ".", "▓": "#", "─": "-", "│": "|",
     "→": ">", "←": "<", "↑": "^", "↓": "v", "–": "-", "×": "x", "●": "*", "○": "o", "✗": "X",
     "✓": "v", "±": "~", "⋯": "~", "²": "^2"}
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
    """Lines of a message; its own line breaks stay, and a label keeps what it is about in line."""
    return [line for part in text.splitlines() for line in _wrapped(part, width) or [""]]


def _wrapped(part: str, width: int) -> list[str]:
    label = _LABEL.match(part)
    indent = 0 if label is None else min(label.end(), width // 2)
    return textwrap.wrap(part, width, subsequent_indent=" " * indent)


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
