"""One of a few things, by arrow keys, number or mouse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Final, cast

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from dpdlab.tui.dialogs.dialog import Dialog
from dpdlab.tui.dialogs.options import Options
from dpdlab.tui.dialogs.titles import width_of_dialog
from dpdlab.tui.rows import plain
from dpdlab.tui.text_pane import wrapped

if TYPE_CHECKING:
    from dpdlab.tui.app import ConsoleApp

_FRAME: Final = 6
"""Borders, padding and a scroll bar."""
_LEAST: Final = 16
_INDENT: Final = 2


class Choose(Dialog[int | None]):
    """Gives the place of what was chosen, or None."""

    BINDINGS: ClassVar = [
        ("escape,q", "leave", "leave"),
    ]

    def __init__(self, title: str, choices: Sequence[tuple[str, str]]) -> None:
        """`choices`: what to choose, and a few words about it."""
        super().__init__()
        self._title = title
        self._choices = list(choices)

    def compose(self) -> ComposeResult:
        """The list."""
        with Vertical(classes="dialog") as box:
            box.border_title = self._title
            box.border_subtitle = "enter chooses, esc leaves"
            wide = max((len(name) for name, _ in self._choices), default=0) + 2
            digits = len(str(len(self._choices)))
            yield Options(
                *(
                    Option(self._line(f"{number:>{digits}} {name:<{wide}}", told))
                    for number, (name, told) in enumerate(self._choices, start=1)
                ),
                markup=False,
            )

    def _line(self, name: str, told: str) -> Text:
        """A choice; what goes on in a further line stands below what is said."""
        ascii_only = cast("ConsoleApp", self.app).model.ascii_only
        room = width_of_dialog(self.app.size.width) - _FRAME
        line = plain(Text(name).append(told, "dim"), ascii_only)
        indent = len(name) if len(name) <= room // 2 else _INDENT
        return Text("\n").join(wrapped(line, max(room, _LEAST), indent))

    def on_mount(self) -> None:
        """Keys go to the list."""
        self.query_one(OptionList).focus()

    def on_key(self, event: events.Key) -> None:
        """Digits choose at once."""
        if event.character and event.character.isdigit():
            place = int(event.character) - 1
            if 0 <= place < len(self._choices):
                event.stop()
                self.dismiss(place)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Chosen."""
        self.dismiss(event.option_index)

    def action_leave(self) -> None:
        """Without a choice."""
        self.dismiss(None)
