"""All keys, from the registry: what helps in this view first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, ClassVar, Final

from rich.text import Text

from analyzers.export import words
from analyzers.export.exchanges import DID_NOT_ARRIVE
from analyzers.export.formatting import Glyphs
from analyzers.export.story import IN_VAIN, POSSIBLY
from dpdlab.tui.actions import ACTIONS, BY_ID, Action
from dpdlab.tui.dialogs.page import Page
from dpdlab.tui.keymap import key_name
from dpdlab.tui.views import log_rows
from dpdlab.tui.views.event_rows import UNSURE

if TYPE_CHECKING:
    from dpdlab.tui.app import ConsoleApp

_KEYS: Final = 16
_SIGNS: Final = 2
_ELSEWHERE: Final = "In other views"


class HelpScreen(Page):
    """Gone with any of the keys that brought it."""

    BINDINGS: ClassVar = [("question_mark,f1", "dismiss", "close")]

    def __init__(self, app: ConsoleApp) -> None:
        super().__init__("keys", app.colours, ascii_only=app.model.ascii_only)
        self._app = app

    def lines(self) -> Iterator[Text]:
        """What helps most here, all keys by what they are for, and the signs."""
        view = self._app.view
        yield Text(f"In the {view.title} view", "bold")
        yield from (self._line(BY_ID[name]) for name in dict.fromkeys(view.hints))
        here = [action for action in ACTIONS if self._app.handler(action.id)]
        elsewhere = [action for action in ACTIONS if action not in here]
        for group, actions in groupby(here, key=lambda action: action.group):
            yield from self._block(group, list(actions))
        yield from self._block(_ELSEWHERE, elsewhere)
        signs = self._app.model.signs
        both = [("Signs of the log", _in_log(signs)), ("Signs", _meanings(signs))]
        # What is on the screen is at the very end, where a key leads.
        for title, meanings in both[::-1] if view.title == "log" else both:
            yield from (Text(), Text(title, "bold"))
            for sign, meaning in meanings:
                yield Text().append(f"  {sign:<{_SIGNS}}  ", "bold").append(meaning)

    def indent(self, line: Text) -> int:
        """Below what a key does, or a sign means."""
        return line.spans[0].end if line.spans else 0

    def _block(self, title: str, actions: Sequence[Action]) -> Iterator[Text]:
        if actions:
            yield from (Text(), Text(title, "bold"), *map(self._line, actions))

    def _line(self, action: Action) -> Text:
        keys = self._app.model.keymap[action.id]
        told = " ".join(key_name(key, ascii_only=self._ascii_only) for key in keys)
        return Text().append(f"  {told:<{_KEYS}} ", "bold").append(self._app.meaning(action))


def _meanings(signs: Glyphs) -> Iterator[tuple[str, str]]:
    """Signs of lanes and ladder, in the words of the report."""
    lost = f"{signs.lost_to}{signs.lost_back}"
    yield lost, f"sent by one end, by its log, and it {DID_NOT_ARRIVE}"
    yield f"{signs.to}{signs.back}", "before a finding: it is about this end, about the other one"
    yield "?", "where an arrow ends before the other side: nobody saw it arrive, no answer came"
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
    yield "*", "before a peer: marked, to stand with others in the timeline"
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
    yield signs.dead, "a line that gives a peer up; a question without an answer"
    yield signs.asked, "a question that was answered when it was sent again"
    yield signs.questionable, "a line about trouble"
    yield log_rows.STARTED, "a daemon or a device begins anew"
    yield signs.retry, "a message that was sent again"
    yield signs.delete, "the end of an SA"
    yield signs.answered, "any other line that says something"
    yield signs.unknown, "a line that was not understood; an open question"
    yield log_rows.BACK, "behind a time: earlier than the line above"
