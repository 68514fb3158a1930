"""One line to type in, at the foot of the screen: filters, searches, paths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Final

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.timer import Timer
from textual.widgets import Input, Static

from analyzers.export.untrusted import safe
from dpdlab.tui.dialogs.dialog import Dialog
from dpdlab.tui.rows import cut

_MARGIN: Final = 2
_PAUSE_S: Final = 0.5
"""After so long without a key a text is looked at."""


class Prompt(Dialog[str | None]):
    """Gives the text, or None if it was left."""

    BINDINGS: ClassVar = [("escape", "leave", "leave"), ("tab", "complete", "complete")]

    def __init__(
        self,
        label: str,
        value: str = "",
        *,
        hint: str = "",
        check: Callable[[str], str] = lambda _: "",
        question: Callable[[str], str] = lambda _: "",
        early: bool = False,
        complete: Callable[[str], tuple[str, Sequence[str]]] = lambda text: (text, ()),
    ) -> None:
        """`check` says what is wrong with a text; empty is nothing. `early`: also before enter.

        `question` asks something about a text, which a second enter says yes to. `complete` gives
        what a text goes on with when tab is pressed, and among what that leaves the choice.
        """
        super().__init__()
        self._label = label
        self._value = value
        self._hint = hint
        self._told = ""
        self._check = check
        self._question = question
        self._asked = False
        self._early = early
        self._complete = complete
        self._pause: Timer | None = None

    def compose(self) -> ComposeResult:
        """What is asked, the line, and what is wrong with it."""
        with Vertical(id="prompt"):
            yield Static("", classes="error", markup=False)
            yield Static(self._asking(), classes="hint", markup=False)
            yield Input(self._value, id="prompt-input")

    def _asking(self) -> str:
        """What is asked, and what is told about it; what comes later has a line of its own."""
        hint = f"{self._told}\n{self._hint}" if self._told else self._hint
        return f"{self._label}  {hint}".rstrip()

    def tell(self, told: str) -> None:
        """Something about what is asked that was not known before."""
        self._told = told
        for line in self.query(".hint").results(Static):
            line.update(self._asking())

    def on_mount(self) -> None:
        """Type at once."""
        self.query_one(Input).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """What was wrong may be right now."""
        self._asked = False
        self.query_one(".error", Static).update("")
        if self._pause is not None:
            self._pause.stop()
        if self._early:
            # Half a word is not wrong yet.
            self._pause = self.set_timer(_PAUSE_S, self._look)

    def _look(self) -> None:
        """Say what is wrong with what is there."""
        self.query_one(".error", Static).update(self._check(self.query_one(Input).value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Done, unless something is wrong."""
        wrong = self._check(event.value)
        asked = "" if wrong or self._asked else self._question(event.value)
        if wrong or asked:
            self._asked = bool(asked)
            self.query_one(".error", Static).update(wrong or asked)
        else:
            self.dismiss(event.value)

    def action_complete(self) -> None:
        """Go on with the text as far as that is clear, and tell what it may be."""
        line = self.query_one(Input)
        text, names = self._complete(line.value)
        if text != line.value:
            line.value = text
            line.cursor_position = len(text)
        if len(names) > 1:
            room = self.app.size.width - _MARGIN
            told = cut(Text("  ".join(map(safe, names))), room).plain
            self.call_after_refresh(self.query_one(".error", Static).update, told)

    def action_leave(self) -> None:
        """Without a text."""
        self.dismiss(None)
