"""A question that is answered with yes or no."""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from dpdlab.tui.dialogs.dialog import Dialog


class Confirm(Dialog[bool]):
    """Gives whether the answer was yes: enter, y, or the key that was given."""

    BINDINGS: ClassVar = [("escape,n", "answer(False)", "no"), ("enter,y", "answer(True)", "yes")]

    def __init__(self, question: str, yes: str, no: str, *, key: str = "") -> None:
        """`key`: one more key that means yes, such as the one that brought the question."""
        super().__init__()
        self._question = question
        self._yes = yes
        self._no = no
        if key:
            self._bindings.bind(key, "answer(True)")

    def compose(self) -> ComposeResult:
        """The question, and its answers, which a click gives too."""
        answers = Text()
        for name, told, meant in (("enter", self._yes, True), ("esc", self._no, False)):
            answer = Text.assemble((name, "bold"), f" {told}")
            answer.stylize(Style.from_meta({"@click": f"screen.answer({meant})"}))
            answers.append_text(answer).append("   ")
        with Vertical(classes="dialog"):
            yield Static(self._question, markup=False)
            yield Static(answers, markup=False)

    def action_answer(self, meant: bool) -> None:
        """Done."""
        self.dismiss(meant)
