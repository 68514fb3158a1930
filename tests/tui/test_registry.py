"""Every action has a key, a hint, help and a palette entry, and does something somewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from rich.style import Style

from dpdlab.tui.actions import ACTIONS, Action
from dpdlab.tui.app import VIEWS, ConsoleApp
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
    method = f"do_{action.id.replace('-', '_')}"
    assert any(hasattr(owner, method) for owner in (*VIEWS, ConsoleApp)), method


def test_the_keys_of_the_contract_are_there():
    known = {action.id: set(action.keys) for action in ACTIONS}
    for name, keys in CONTRACT.items():
        assert set(keys.split()) <= known[name], name


def test_no_key_means_two_things():
    keys = Counter(key for action in ACTIONS for key in action.keys)
    assert [key for key, number in keys.items() if number > 1] == []


async def test_every_action_is_in_the_palette():
    offered = {action.title for action in ACTIONS if action.id != "palette" and not action.live}
    assert offered <= _commands(ConsoleApp([], options=None))  # type: ignore[arg-type]


async def test_every_entry_of_the_palette_says_what_it_does():
    for live in (None, lambda _: None):
        app = ConsoleApp([], options=None, live=live)  # type: ignore[arg-type]
        for command in app.get_system_commands(None):  # type: ignore[arg-type]
            assert len(command.help.split()) > 1, command.title
            assert command.help != command.title


async def test_what_is_for_live_sessions_is_offered_in_them_alone():
    live = {action.title for action in ACTIONS if action.live}
    assert live == {"Bell", "Clear", "Follow"}
    assert not live & _commands(ConsoleApp([], options=None))  # type: ignore[arg-type]
    watching = ConsoleApp([], options=None, live=lambda _: None)  # type: ignore[arg-type, return-value]
    assert live <= _commands(watching)


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


def _commands(app: ConsoleApp) -> set[str]:
    return {command.title for command in app.get_system_commands(None)}  # type: ignore[arg-type]
