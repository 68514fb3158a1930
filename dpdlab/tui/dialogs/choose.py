"""One of a few things, by arrow keys, number or mouse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option


class Choose(ModalScreen[int | None]):
    """Gives the place of what was chosen, or None."""

    BINDINGS: ClassVar = [
        ("escape,q", "leave", "leave"),
        ("j", "move(1)", "down"),
        ("k", "move(-1)", "up"),
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
            yield OptionList(
                *(
                    Option(Text(f"{number} {name:<{wide}}").append(told, "dim"))
                    for number, (name, told) in enumerate(self._choices, start=1)
                ),
                markup=False,
            )

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

    def action_move(self, by: int) -> None:
        """As the arrows do."""
        options = self.query_one(OptionList)
        if by > 0:
            options.action_cursor_down()
        else:
            options.action_cursor_up()

    def action_leave(self) -> None:
        """Without a choice."""
        self.dismiss(None)
