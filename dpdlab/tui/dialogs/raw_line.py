"""One line of a log as the file has it, whole, with its neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from analyzers.export.untrusted import safe
from dpdlab.tui.dialogs.titles import room_of_title
from dpdlab.tui.palette import Palette
from dpdlab.tui.rows import end_of, plain


class RawLine(ModalScreen[None]):
    """Gone with the key that brought it."""

    BINDINGS: ClassVar = [
        ("escape,q,r,f6,enter", "dismiss", "close"),
        ("j", "scroll(1)", "down"),
        ("k", "scroll(-1)", "up"),
    ]

    def __init__(
        self,
        title: str,
        lines: Sequence[tuple[int, str]],
        number: int,
        palette: Palette,
        *,
        ascii_only: bool,
    ) -> None:
        """`lines` with their numbers; `number` is that of the line that is meant."""
        super().__init__()
        self._title = title
        self._lines = lines
        self._number = number
        self._palette = palette
        self._ascii_only = ascii_only

    def compose(self) -> ComposeResult:
        """A scrolling page."""
        with VerticalScroll(classes="dialog") as page:
            title = end_of(safe(self._title), room_of_title(self.app.size.width))
            page.border_title = plain(Text(title), self._ascii_only)
            page.border_subtitle = "esc closes"
            yield Static(plain(self._text(), self._ascii_only), markup=False)

    def _text(self) -> Text:
        wide = max((len(str(number)) for number, _ in self._lines), default=1)
        text = Text()
        for number, said in self._lines:
            here = number == self._number
            text.append(f"{number:>{wide}}  ", self._palette.faint)
            text.append(f"{safe(said)}\n", self._palette.strong if here else self._palette.faint)
        return text

    def action_scroll(self, by: int) -> None:
        """A line up or down."""
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)
