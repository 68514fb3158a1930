"""All commands by name, with their keys and what they do here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from dpdlab.tui.actions import ACTIONS
from dpdlab.tui.dialogs.dialog import Dialog
from dpdlab.tui.palette import Palette
from dpdlab.tui.rows import RowList

if TYPE_CHECKING:
    from dpdlab.tui.app import ConsoleApp

_GAP: Final = 2
_FRAME_ROWS: Final = 3
"""Of the frame, and the line that is typed."""


class Command(NamedTuple):
    """An action by its id."""

    action: str
    name: str
    key: str
    told: str
    """What it does, in a sentence."""

    def fits(self, words: Sequence[str]) -> bool:
        """Whether each word is its key, or somewhere in what it is called and does."""
        said = f"{self.name} {self.told}".casefold()
        return all(word == self.key or word.casefold() in said for word in words)


_TO_COMMANDS: Final = ("palette", "command")
"""Actions that only lead here."""


def commands_of(app: ConsoleApp) -> list[Command]:
    """Every action of the registry that is of use; first those of the view in sight."""
    offered = [
        action
        for action in ACTIONS
        if action.id not in _TO_COMMANDS and (app.is_live or not action.live)
    ]
    return [
        Command(
            action.id,
            action.title,
            app.model.key(action.id),
            f"In other views: {action.help}" if elsewhere else app.meaning(action),
        )
        for elsewhere in (False, True)
        for action in offered
        if (app.handler(action.id) is None) is elsewhere
    ]


class _Rows:
    """Commands in columns."""

    def __init__(self, commands: Sequence[Command], every: Sequence[Command]) -> None:
        """`every`: the widths are those of all of them."""
        self.commands = commands
        self._name = max(len(command.name) for command in every) + _GAP
        self._key = max(len(command.key) for command in every) + _GAP

    def __len__(self) -> int:
        return len(self.commands)

    def header(self, width: int, palette: Palette) -> Text | None:
        """None: a name, a key and a sentence need none."""
        return None

    def row(self, index: int, width: int, palette: Palette) -> Text:
        """One command."""
        command = self.commands[index]
        line = Text().append(command.name.ljust(self._name), palette.strong)
        return line.append(command.key.ljust(self._key), palette.note).append(command.told)


class _List(RowList):
    """A click chooses at once."""

    def on_click(self, event: events.Click) -> None:
        """That row."""
        event.prevent_default()
        index = self.top + event.y
        if event.x < self.row_width and index < len(self.source):
            self.post_message(self.Chosen(self, index))


class Commands(Dialog[str | None]):
    """Gives the id of an action, or None."""

    BINDINGS: ClassVar = [
        ("escape", "dismiss(None)", "leave"),
        ("down", "move(1)", "down"),
        ("up", "move(-1)", "up"),
        ("pagedown", "page(1)", "page down"),
        ("pageup", "page(-1)", "page up"),
    ]

    def __init__(self, commands: Sequence[Command], palette: Palette, *, ascii_only: bool) -> None:
        super().__init__()
        self._commands = commands
        self._list = _List(palette, id="commands", empty="no command has this")
        self._list.ascii_only = ascii_only

    def compose(self) -> ComposeResult:
        """A line to type in, and what has its words."""
        with Vertical(classes="dialog") as box:
            box.border_title = "commands"
            box.border_subtitle = "enter does it, esc leaves"
            yield Input(placeholder="a name, a key, a word of what it does")
            self._list.styles.height = min(
                len(self._commands), self.app.size.height * 9 // 10 - _FRAME_ROWS
            )
            self._find("")
            yield self._list

    def on_mount(self) -> None:
        """Type at once."""
        self.query_one(Input).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Fewer commands, or more."""
        self._find(event.value)

    def _find(self, text: str) -> None:
        """What has the words; first what is called so, then what has it elsewhere."""
        words = text.split()
        found = [command for command in self._commands if command.fits(words)]
        first = "".join(words[:1]).casefold()
        found.sort(key=lambda command: not command.name.casefold().startswith(first))
        self._list.show(_Rows(found, self._commands), 0)

    def on_input_submitted(self, _: Input.Submitted) -> None:
        """That of the cursor."""
        self._choose(self._list.cursor)

    def on_row_list_chosen(self, message: RowList.Chosen) -> None:
        """That of the mouse."""
        self._choose(message.index)

    def _choose(self, place: int) -> None:
        found = self._list.source
        if isinstance(found, _Rows) and place < len(found):
            self.dismiss(found.commands[place].action)

    def action_move(self, by: int) -> None:
        """A row up or down."""
        self._list.move(by)

    def action_page(self, by: int) -> None:
        """A page up or down."""
        self._list.page(by)
