"""A page of text over the views, which the keys of the views scroll."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import ClassVar, Final

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.geometry import Size

from analyzers.export.untrusted import safe
from dpdlab.tui.dialogs.dialog import Dialog
from dpdlab.tui.dialogs.titles import room_of_title, width_of_dialog
from dpdlab.tui.palette import Palette
from dpdlab.tui.rows import end_of, plain
from dpdlab.tui.text_pane import TextPane, TextRows

_FRAME: Final = 4
"""Columns that frame and padding take; of rows it is half of that."""


class _Pane(TextPane):
    """The keys that scroll a view scroll its page."""

    how_to_more = " (j, k)"


class Page(Dialog[None]):
    """As high as its text, and gone with the key that brought it."""

    BINDINGS: ClassVar = [
        ("escape,q", "dismiss", "close"),
        ("j,down", "scroll(1)", "down"),
        ("k,up", "scroll(-1)", "up"),
        ("ctrl+d,pagedown", "page(1)", "page down"),
        ("ctrl+u,pageup", "page(-1)", "page up"),
        ("g,home", "ends(0)", "first"),
        ("G,end", "ends(1)", "last"),
    ]

    def __init__(self, title: str, palette: Palette, *, ascii_only: bool) -> None:
        super().__init__()
        self._title = title
        self._palette = palette
        self._ascii_only = ascii_only
        self._fitted_for = Size(0, 0)
        self.pane = _Pane(palette, id="page")
        self.pane.ascii_only = ascii_only

    def compose(self) -> ComposeResult:
        """The text in a frame."""
        with Vertical(classes="dialog") as box:
            title = end_of(safe(self._title), room_of_title(self.app.size.width))
            box.border_title = plain(Text(title), self._ascii_only)
            box.border_subtitle = "esc closes"
            self._fit()
            yield self.pane

    @abstractmethod
    def lines(self) -> Iterator[Text]:
        """The text."""

    def indent(self, line: Text) -> int:
        """Where a line goes on that has no room."""
        return len(line.plain) - len(line.plain.lstrip(" "))

    def _fit(self) -> None:
        """The text wrapped, and as many rows as it takes where there are so many."""
        width, height = self._fitted_for = self.app.size
        rows = TextRows(
            [plain(line, self._ascii_only) for line in self.lines()], indent=self.indent
        )
        rows.set_width(width_of_dialog(width) - _FRAME - 1)
        self.pane.styles.height = min(len(rows), height * 9 // 10 - _FRAME // 2)
        self.pane.tell(rows, self._palette, about=self)

    def on_resize(self, _: events.Resize) -> None:
        """Another size wraps anew."""
        if self.app.size != self._fitted_for:
            self._fit()

    def action_scroll(self, by: int) -> None:
        """Some lines down, or up."""
        self.pane.scroll_by(by)

    def action_page(self, by: int) -> None:
        """A page down, or up."""
        self.pane.scroll_by(by * max(self.pane.size.height - 1, 1))

    def action_ends(self, last: int) -> None:
        """To the end, or to the beginning."""
        self.pane.show_from(len(self.pane.source) if last else 0)
