"""Every action has a key, a hint, help and a palette entry, and does something somewhere."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

import pytest
from rich.style import Style

from dpdlab.tui.actions import ACTIONS, Action, method_of
from dpdlab.tui.app import VIEWS, ConsoleApp
from dpdlab.tui.dialogs.commands import commands_of
from dpdlab.tui.dialogs.help import HelpScreen
from dpdlab.tui.keymap import key_name
from dpdlab.tui.views.view import View
from tests.tui.conftest import SAMPLES, Console, Opened

Open = Callable[..., Opened]

# Contract, section 3.
CONTRACT = {
    "up": "up k", "down": "down j", "left": "left h", "right": "right l",
    "page-down": "ctrl+d", "page-up": "ctrl+u", "first": "g", "last": "G",
    "into": "enter", "back": "escape q", "quit": "ctrl+q", "help": "f1 question_mark",
    "palette": "ctrl+p", "command": "colon", "search": "f3 slash", "search-next": "n",
    "search-previous": "N", "filter": "f7 f", "export": "f2 s", "raw": "f6 r", "tshark": "R",
    "pause": "p", "follow": "A", "explain": "x", "view-peers": "1", "view-timeline": "2",
    "view-ladder": "3", "view-findings": "4", "view-log": "5", "view-what-if": "6",
    "next-error": "e", "previous-error": "E", "next-warning": "w", "previous-warning": "W",
    "next-hole": "b", "previous-hole": "B", "previous-event": "comma", "next-event": "full_stop",
    "pair-before": "left_square_bracket", "pair-after": "right_square_bracket",
    "zoom-in": "plus", "zoom-out": "minus", "fit": "F", "compress": "C", "time-format": "T",
    "mark": "m", "go-to-mark": "apostrophe", "select": "space", "diff": "d", "copy": "y",
    "colour": "c",
}  # fmt: skip


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.id)
def test_an_action_is_complete(action: Action):
    assert action.keys
    assert action.hint
    assert action.help.endswith(".")
    assert action.title
    assert any(hasattr(owner, method_of(action)) for owner in (*VIEWS, ConsoleApp))


def test_the_keys_of_the_contract_are_there():
    known = {action.id: set(action.keys) for action in ACTIONS}
    for name, keys in CONTRACT.items():
        assert set(keys.split()) <= known[name], name


def test_no_key_means_two_things():
    keys = Counter(key for action in ACTIONS for key in action.keys)
    assert [key for key, number in keys.items() if number > 1] == []


TO_COMMANDS = ("palette", "command")
"""Actions that only lead to all the others."""


@pytest.mark.parametrize("view", [view.title for view in VIEWS])
async def test_every_action_is_a_command_with_its_key_and_a_sentence(console: Open, view: str):
    async with console(SAMPLES / "ikev2-dead-peer") as c:
        c.app.open_view(view)
        commands = commands_of(c.app)
        offered = {a.id: a for a in ACTIONS if a.id not in TO_COMMANDS and not a.live}
        assert sorted(command.action for command in commands) == sorted(offered)
        assert max(Counter(command.name for command in commands).values()) == 1
        for command in commands:
            assert command.key == key_name(offered[command.action].keys[0])
            assert len(command.told.split()) > 1, command.name
            assert command.told.removesuffix(".") != command.name


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.title)
async def test_help_tells_what_keys_do_in_the_view(console: Open, view: type[View]):
    """What a view does of its own is told by the view: `space` is not the same everywhere."""
    async with console(SAMPLES / "ikev2-dead-peer", size=(120, 200)) as c:
        c.app.open_view(view.title)
        await c.press("question_mark")
        page = c.app.screen
        assert isinstance(page, HelpScreen)
        lines = [line.plain for line in page.lines()]
        here = lines[: lines.index("In other views")]
        for action in ACTIONS:
            told = [line for line in lines if line.endswith(f" {c.app.meaning(action)}")]
            own = getattr(view, method_of(action), None)
            if own is not None:
                assert own.__doc__
                assert own.__doc__.endswith("."), action.id
                assert c.app.meaning(action) == own.__doc__
                assert set(told) & set(here), action.id
            elif action.id not in TO_COMMANDS and not hasattr(ConsoleApp, method_of(action)):
                assert told
                assert not set(told) & set(here), action.id


async def test_space_and_arrows_are_told_as_they_work_in_the_what_if(console: Open):
    async with console(SAMPLES / "ikev2-dead-peer", size=(120, 60)) as c:
        await c.press("6", "question_mark")
        assert re.search(r"← h +A lower value; on a policy: the other columns\.", c.text)
        assert re.search(r"space +Pin the edited policy as one more row", c.text)
        await c.press("escape")
        assert "← lower → higher" in c.lines[-1]
        assert "space pin" in c.lines[-1]


async def test_what_is_for_live_sessions_is_offered_in_them_alone(console: Open):
    live = {action.id for action in ACTIONS if action.live}
    assert live == {"bell", "clear", "follow"}
    async with console(SAMPLES / "ikev2-dead-peer") as c:
        assert not live & {command.action for command in commands_of(c.app)}
        c.app._live = lambda _: None  # type: ignore[assignment, return-value]
        assert live <= {command.action for command in commands_of(c.app)}


def test_no_view_hints_at_what_is_for_live_sessions():
    live = {action.id for action in ACTIONS if action.live}
    assert not live & {hint for view in VIEWS for hint in view.hints}


MOVES = ("up", "down", "page-up", "page-down", "first", "last")
"""At the end of a list they do nothing, as in every list."""


@pytest.mark.parametrize("inputs", ["ikev1-dead-peer", "configs"])
async def test_no_key_does_nothing_without_a_word(console: Open, inputs: str):
    silent = []
    async with console(SAMPLES / inputs, size=(132, 43)) as c:
        for view in VIEWS:
            for action in ACTIONS:
                here = f"view-{view.title}"
                if action.id in (*MOVES, here, "quit", "suspend", "palette", "command"):
                    continue
                c.app.open_view(view.title)
                c.app.unsay()
                c.app.bars()
                before = _painted(c)
                c.app.action_act(action.id)
                await c.settle()
                if len(c.app.screen_stack) > 1:
                    c.app.pop_screen()
                    await c.settle()
                    continue
                if _painted(c) == before:
                    silent.append((view.title, action.id))
    assert silent == []


def _painted(c: Console) -> list[list[tuple[str, Style | None]]]:
    return [
        [(s.text, s.style) for s in strip] for strip in c.app.screen._compositor.render_strips()
    ]
