"""All keys, from the registry: what helps in this view first."""

from __future__ import annotations

from itertools import groupby
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from dpdlab.tui.actions import ACTIONS, BY_ID, Action
from dpdlab.tui.bars import key_name

_KEYS: int = 14


class HelpScreen(ModalScreen[None]):
    """Gone with any of the keys that brought it."""

    BINDINGS: ClassVar = [("escape,q,question_mark,f1", "dismiss", "close")]

    def __init__(self, view: str, hints: tuple[str, ...]) -> None:
        super().__init__()
        self._view = view
        self._hints = hints

    def compose(self) -> ComposeResult:
        """One scrolling page."""
        with VerticalScroll(classes="dialog") as page:
            page.border_title = "keys"
            page.border_subtitle = "esc closes"
            yield Static(self._text(), markup=False)

    def _text(self) -> Text:
        text = Text().append(f"In the {self._view} view\n", "bold")
        for name in self._hints:
            text.append_text(_line(BY_ID[name]))
        for group, actions in groupby(ACTIONS, key=lambda action: action.group):
            text.append(f"\n{group}\n", "bold")
            for action in actions:
                text.append_text(_line(action))
        return text


def _line(action: Action) -> Text:
    keys = " ".join(key_name(key) for key in action.keys)
    return Text().append(f"  {keys:<{_KEYS}}", "bold").append(f"{action.help}\n")
