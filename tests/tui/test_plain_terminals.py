"""Terminals that can do little: every view and dialog in ASCII, and without any colour."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from analyzers.session import SessionOptions
from dpdlab.tui.app import ConsoleApp
from dpdlab.tui.themes import THEMES
from tests.benchmarks.first_paint import HINT, Terminal
from tests.tui.conftest import SAMPLES, Console

DEAD = SAMPLES / "ikev1-dead-peer"
INPUTS = (DEAD / "capture.pcap", DEAD / "charon-a.log", DEAD / "swanctl-a.conf")
# What is pressed, from the peers on, until something else stands on the screen.
STATIONS = {
    "peers": ("1",),
    "a selected peer": ("1", "space"),
    "columns": ("1", "v"),
    "timeline": ("2", "b"),
    "ladder": ("3", "e"),
    "raw bytes": ("3", "e", "r"),
    "a black hole's bytes": ("3", "b", "r"),
    "two compared": ("3", "e", "space", "down", "space", "d"),
    "findings": ("4",),
    "log": ("5", "e"),
    "raw line": ("5", "e", "r"),
    "what-if": ("6",),
    "costs": ("6", "v"),
    "a pinned policy": ("6", "space", "down", "down"),
    "products": ("6", "g", "enter"),
    "a typed value": ("6", "g", "down", "down", "enter"),
    "a wrong value": ("6", "g", "down", "down", "enter", "x", "enter"),
    "help": ("question_mark",),
    "palette": ("ctrl+p",),
    "palette, typed": ("ctrl+p", "t", "i"),
    "palette, nothing": ("ctrl+p", "x", "q", "z"),
    "filter": ("f",),
    "a wrong filter": ("f", *"pear:1", "enter"),
    "search": ("slash",),
    "a search": ("5", "slash", *"vendor", "enter"),
    "copy": ("y",),
    "export": ("s",),
    "export to": ("s", "1"),
    "inputs": ("i",),
    "a clock": ("i", "enter"),
    "open": ("o",),
    "explain": ("x",),
    "settings": ("f10",),
    "leaving": ("q",),
}


async def _go(c: Console, station: str) -> None:
    while len(c.app.screen_stack) > 1:
        c.app.pop_screen()
    await c.press("1", *STATIONS[station])
    await c.pilot.pause(0.05)


@pytest.mark.parametrize("size", [(80, 24), (132, 43)])
async def test_every_view_and_dialog_does_without_colours_and_with_ascii(size: tuple[int, int]):
    inputs = [str(path) for path in INPUTS]
    app = ConsoleApp(inputs, SessionOptions(), ascii_only=True, colour=False)
    async with app.run_test(size=size) as pilot:
        c = Console(app, pilot)
        await c.until(lambda: c.app.model.log is not None)
        for station in STATIONS:
            await _go(c, station)
            assert c.text.isascii(), (station, [x for x in c.lines if not x.isascii()])
            for strip in app.screen._compositor.render_strips():
                styles = [segment.style for segment in strip if segment.style is not None]
                assert not [s for s in styles if s.color or s.bgcolor], station


async def test_colours_do_not_come_back_with_another_theme():
    app = ConsoleApp([str(INPUTS[0])], SessionOptions(), colour=False)
    async with app.run_test(size=(80, 24)) as pilot:
        c = Console(app, pilot)
        for theme in THEMES:
            app.theme = theme.name
            await pilot.pause()
            strips = app.screen._compositor.render_strips()
            assert not [x for line in strips for x in line if x.style and x.style.color], c.text


async def test_without_colours_the_cursor_is_reversed():
    app = ConsoleApp([str(i) for i in INPUTS], SessionOptions(), colour=False)
    async with app.run_test(size=(100, 30)) as pilot:
        c = Console(app, pilot)
        await c.until(lambda: c.app.model.log is not None)
        for station, text in (("peers", "192.0.2.2"), ("export", "HTML"), ("palette", "Up")):
            await _go(c, station)
            found = [
                segment.style.reverse
                for strip in app.screen._compositor.render_strips()
                for segment in strip
                if text in segment.text and segment.style is not None
            ]
            assert True in found, station


@pytest.mark.parametrize("plain", ["NO_COLOR", "--color"])
def test_nothing_that_reaches_the_terminal_is_a_colour(plain: str, monkeypatch: pytest.MonkeyPatch):
    options = ["--color", "never"] if plain == "--color" else []
    if plain == "NO_COLOR":
        monkeypatch.setenv("NO_COLOR", "1")
    command = [sys.executable, "-m", "dpdlab", *options, *map(str, INPUTS)]
    terminal = Terminal(command, Path.cwd())
    terminal.read_until(HINT, 60)
    for keys in (b"2", b"3", b"6", b"?", b"q", b"\x10", b"ti", b"\x1b", b"\x1b[21~", b"q"):
        terminal.type(keys)
        terminal.read_for(0.6)
    terminal.type(b"\x11")
    terminal.wait()
    told = re.findall(rb"\x1b\[([\d;]*)m", bytes(terminal.output))
    colours = {n for one in told for n in one.split(b";") if n and 30 <= int(n) <= 107}
    assert b"7" in {n for one in told for n in one.split(b";")}
    assert not colours


@pytest.mark.parametrize(
    ("words", "seen"),
    [("capture.pcap", b"192.0.2.2"), ("live --no-save --log charon-a.log", b"watching")],
)
def test_a_terminal_without_unicode_gets_ascii(
    words: str, seen: bytes, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PYTHONIOENCODING", "latin-1")
    terminal = Terminal([sys.executable, "-m", "dpdlab", *words.split()], DEAD)
    terminal.read_until(seen, 60)
    terminal.type(b"\x11")
    assert terminal.wait()[1] == 0
    assert terminal.output.isascii()
    assert b"\x1b[?1049l" in terminal.output
