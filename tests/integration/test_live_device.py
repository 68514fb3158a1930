"""`dpdlab live --device` as a user runs it: a password on the terminal, Ctrl+C, the console."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.test_terminal import Terminal
from tests.live_capture import ROOT, eventually
from tests.ssh_device import PASSWORD, Server

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
SAID = (
    "*Nov 20 19:54:47.878: ISAKMP:(1001):DPD/R_U_THERE received from peer 192.0.2.2,"
    " sequence 0x6B8C2E01\n"
)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    opened = Terminal(80, 24, tmp_path)
    yield opened
    opened.close()


def _live(terminal: Terminal, home: Path, *words: str) -> None:
    command = " ".join([sys.executable, "-m", "dpdlab", "live", "--device", "hub", *words])
    terminal.type(f"cd {ROOT}; export HOME={home}; unset SSH_AUTH_SOCK; {command}; echo code $?")


@pytest.mark.parametrize("key", ["C-c", "C-q"])
def test_the_debug_is_off_after_the_end(terminal: Terminal, tmp_path: Path, key: str) -> None:
    with Server(tmp_path) as server:
        _live(terminal, tmp_path, *(["--format", "text"] if key == "C-c" else []))
        terminal.until("Password for hub:")
        terminal.type(PASSWORD)
        eventually(lambda: len(server.played.debugs) == 2, "the debug")
        server.say(SAID)
        terminal.until("192.0.2.2")
        terminal.press(key)
        screen = terminal.until("code 0")
        assert server.played.debugs == set()
        assert PASSWORD not in screen


def test_ctrl_c_at_the_question_leaves_a_terminal_that_echoes(
    terminal: Terminal, tmp_path: Path
) -> None:
    with Server(tmp_path) as server:
        _live(terminal, tmp_path)
        terminal.until("Password for hub:")
        terminal.press("C-c")
        terminal.until("code 130")
        terminal.type("echo still $((40 + 2))")
        assert "echo still" in terminal.until("still 42")
        assert server.played.typed == []


def test_a_refused_login_is_one_line(terminal: Terminal, tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        server.trust(None)
        _live(terminal, tmp_path)
        screen = terminal.until("code 3")
    assert "its host key is not among the known ones" in screen.replace("\n", "")
