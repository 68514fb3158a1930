"""All keys, from the registry: what helps in this view first."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from analyzers.export import words
from analyzers.export.exchanges import DID_NOT_ARRIVE
from analyzers.export.formatting import Glyphs
from analyzers.export.story import IN_VAIN, POSSIBLY
from dpdlab.tui.actions import ACTIONS, BY_ID, Action
from dpdlab.tui.keymap import Keymap, key_name
from dpdlab.tui.rows import plain
from dpdlab.tui.views import log_rows
from dpdlab.tui.views.event_rows import UNSURE

if TYPE_CHECKING:
    from dpdlab.tui.app import ConsoleApp

_KEYS: int = 16
_SIGNS: int = 2


class HelpScreen(ModalScreen[None]):
    """Gone with any of the keys that brought it."""

    BINDINGS: ClassVar = [
        ("escape,q,question_mark,f1", "dismiss", "close"),
        ("j", "scroll(1)", "down"),
        ("k", "scroll(-1)", "up"),
        ("ctrl+d", "page(1)", "page down"),
        ("ctrl+u", "page(-1)", "page up"),
        ("g", "ends(0)", "first"),
        ("G", "ends(1)", "last"),
    ]

    def __init__(self, view: str, hints: tuple[str, ...], keymap: Keymap) -> None:
        super().__init__()
        self._view = view
        self._keymap = keymap
        self._hints = hints

    def compose(self) -> ComposeResult:
        """One scrolling page."""
        with VerticalScroll(classes="dialog") as page:
            page.border_title = "keys"
            page.border_subtitle = "esc closes"
            ascii_only = cast("ConsoleApp", self.app).model.ascii_only
            yield Static(plain(self._text(), ascii_only), markup=False)

    def action_scroll(self, by: int) -> None:
        """Some lines down, or up."""
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)

    def action_page(self, by: int) -> None:
        """A page down, or up."""
        page = self.query_one(VerticalScroll)
        page.scroll_relative(y=by * page.size.height, animate=False)

    def action_ends(self, last: int) -> None:
        """To the end, or to the beginning."""
        page = self.query_one(VerticalScroll)
        page.scroll_to(y=page.max_scroll_y if last else 0, animate=False)

    def _text(self) -> Text:
        text = Text().append(f"In the {self._view} view\n", "bold")
        for name in self._hints:
            text.append_text(self._line(BY_ID[name]))
        for group, actions in groupby(ACTIONS, key=lambda action: action.group):
            text.append(f"\n{group}\n", "bold")
            for action in actions:
                text.append_text(self._line(action))
        signs = cast("ConsoleApp", self.app).model.signs
        both = [("Signs of the log", _in_log(signs)), ("Signs", _meanings(signs))]
        # What is on the screen is at the very end, where a key leads.
        for title, meanings in both[::-1] if self._view == "log" else both:
            text.append(f"\n{title}\n", "bold")
            for sign, meaning in meanings:
                text.append(f"  {sign:<{_SIGNS}}  ", "bold").append(f"{meaning}\n")
        return text

    def _line(self, action: Action) -> Text:
        ascii_only = cast("ConsoleApp", self.app).model.ascii_only
        keys = " ".join(key_name(key, ascii_only=ascii_only) for key in self._keymap[action.id])
        return Text().append(f"  {keys:<{_KEYS}} ", "bold").append(f"{action.help}\n")


def _meanings(signs: Glyphs) -> Iterator[tuple[str, str]]:
    """Signs of lanes and ladder, in the words of the report."""
    lost = f"{signs.lost_to}{signs.lost_back}"
    yield lost, f"sent by one end, by its log, and it {DID_NOT_ARRIVE}"
    yield UNSURE, "behind a time: by its clock the order is not certain"
    yield signs.answered, "answered question; among peers: alive"
    yield signs.answer, "its answer apart"
    yield signs.unanswered, "unanswered question; given up, dead"
    yield signs.asked, "question that was answered when it was sent again"
    yield signs.retry, "retry"
    yield signs.open, "open question; among peers: unknown"
    yield signs.delete, "Delete"
    yield signs.covered, "more signs under the one beside it"
    yield signs.deleted, "deleted"
    yield "IE", "a further IKE SA, ESP SA: rekey or new beginning"
    yield signs.ghost, "a question that the policy, or its own rhythm, expects"
    yield signs.tick, "in the lane of the log: a message that a log shows"
    yield signs.retry, "there: that the log shows as a retry"
    yield signs.dead, "there: the log gives the peer up"
    yield signs.questionable, "there: a device could not send"
    yield log_rows.STARTED, "there: a daemon or a device begins anew"
    yield signs.density[0] + signs.density[-1], "few, many packets"
    yield signs.possible, f"what is sent {POSSIBLY}"
    yield signs.certain, f"what is sent is {IN_VAIN}"
    yield signs.line_alive, "alive"
    yield signs.line_questionable, "questionable"
    yield signs.line_ike_only, words.IKE_ONLY
    yield signs.line_probing, "probing"
    yield signs.phase_open + signs.phase_close, "a phase of a black hole"


def _in_log(signs: Glyphs) -> Iterator[tuple[str, str]]:
    """Signs before the lines of logs, where some mean something else."""
    yield signs.dead, "a line that gives a peer up"
    yield signs.questionable, "a line about trouble"
    yield log_rows.STARTED, "a daemon or a device begins anew"
    yield signs.retry, "a message that was sent again"
    yield signs.delete, "the end of an SA"
    yield signs.answered, "any other line that says something"
    yield signs.unknown, "a line that was not understood"
    yield log_rows.BACK, "behind a time: earlier than the line above"
