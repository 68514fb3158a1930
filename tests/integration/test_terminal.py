"""The console in a real terminal: start, keys, screen, exit, and the terminal afterwards."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEAD = ROOT / "sample_pcaps" / "ikev1-dead-peer" / "capture.pcap"
PATIENCE_S = 60.0

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


class Terminal:
    """A tmux session of its own server."""

    def __init__(self, width: int, height: int, state: Path) -> None:
        """`state`: where the console keeps what the user did; every test begins anew."""
        shell = f"env XDG_STATE_HOME={state} PS1='ready> ' sh"
        self._socket = f"dpdlab-{uuid.uuid4().hex[:12]}"
        self._tmux("new-session", "-d", "-x", str(width), "-y", str(height), shell)
        self.until("ready>")

    def _tmux(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-L", self._socket, "-f", os.devnull, *words],
            capture_output=True, text=True, check=True, timeout=30,
        )  # fmt: skip
        return done.stdout

    def type(self, text: str) -> None:
        """Letters as they are, and Enter."""
        self._tmux("send-keys", "-l", text)
        self._tmux("send-keys", "Enter")

    def press(self, *keys: str) -> None:
        """Keys by tmux's names."""
        for key in keys:
            self._tmux("send-keys", key)

    @property
    def screen(self) -> str:
        """What is on the screen now."""
        return self._tmux("capture-pane", "-p")

    def until(self, wanted: str) -> str:
        """Wait for a text on the screen."""
        deadline_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline_s:
            screen = self.screen
            if wanted in screen:
                return screen
            time.sleep(0.1)
        raise AssertionError(f"no {wanted!r} on the screen:\n{self.screen}")

    def until_gone(self, unwanted: str) -> str:
        """Wait until a text is off the screen."""
        deadline_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline_s:
            screen = self.screen
            if unwanted not in screen:
                return screen
            time.sleep(0.1)
        raise AssertionError(f"still {unwanted!r} on the screen:\n{self.screen}")

    def close(self) -> None:
        """End the server."""
        subprocess.run(["tmux", "-L", self._socket, "kill-server"], check=False)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    opened = Terminal(80, 24, tmp_path)
    yield opened
    opened.close()


def command(*words: object) -> str:
    return " ".join([sys.executable, "-m", "dpdlab", *map(str, words)])


def test_what_goes_to_standard_error_does_not_draw(terminal: Terminal, tmp_path: Path):
    said = tmp_path / "said"
    terminal.type(f"cd {ROOT}; {command(DEAD)} 2> {said}; echo code $?")
    assert "192.0.2.2" in terminal.until("1 peer probing")
    terminal.press("C-q")
    terminal.until("code 0")
    assert said.read_bytes() == b""


def test_start_keys_and_a_clean_exit(terminal: Terminal):
    terminal.type(f"cd {ROOT}; {command(DEAD)}; echo code $?")
    screen = terminal.until("1 peer probing")
    assert "192.0.2.2" in screen
    terminal.press("2")
    terminal.until("probing")
    terminal.press("3", "w")
    terminal.until("retry 1 of 2")
    terminal.press("?")
    terminal.until("esc closes")
    terminal.press("Escape")
    terminal.until_gone("esc closes")
    terminal.press("C-q")
    screen = terminal.until("code 0")
    assert "probing" not in screen
    terminal.type("echo still $((40 + 2))")
    terminal.until("still 42")


def test_a_capture_from_a_pipe_leaves_the_keys_to_the_terminal(terminal: Terminal):
    terminal.type(f"cd {ROOT}; cat {DEAD} | {command('-')}; echo code $?")
    terminal.until("1 peer probing")
    terminal.press("2")
    terminal.until("probing")
    terminal.press("C-q")
    terminal.until("code 0")


def test_a_live_capture_from_a_pipe_leaves_the_keys_to_the_terminal(terminal: Terminal):
    sent = f"(sleep 3; cat {DEAD}; sleep 15)"
    terminal.type(f"cd {ROOT}; {sent} | {command('live', '-i', '-', '--no-save')}; echo code $?")
    terminal.until("waiting for the capture on standard input")
    terminal.until("192.0.2.2")
    terminal.press("2")
    terminal.until("zoom")
    terminal.press("C-c")
    screen = terminal.until("code 0")
    assert "1 peer probing" in screen
    terminal.type("stty -a")
    terminal.until(" icanon")


def test_who_waits_for_a_capture_can_give_up(terminal: Terminal):
    terminal.type(f"cd {ROOT}; sleep 60 | {command('live', '-i', '-', '--no-save')}; echo code $?")
    terminal.until("waiting for the capture on standard input")
    terminal.press("C-c")
    terminal.until("code 130")


def test_lines_of_a_log_from_a_pipe_stay_lines(terminal: Terminal):
    log = DEAD.parent / "charon-a.log"
    terminal.type(
        f"cd {ROOT}; cat {log} | {command('live', '--log', '-', '--no-save')}; echo code $?"
    )
    terminal.until("code 0")


def test_an_input_that_cannot_be_read_is_said(terminal: Terminal):
    terminal.type(f"cd {ROOT}; {command('pyproject.toml')}; echo code $?")
    terminal.until("neither capture")
    terminal.press("C-q")
    terminal.until("code 3")


def test_what_is_written_to_a_file_is_the_report(terminal: Terminal, tmp_path: Path):
    terminal.type(f"cd {ROOT}; {command(DEAD)} > {tmp_path}/report.txt; echo code $?")
    terminal.until("code 0")
    assert "perhaps given up" in (tmp_path / "report.txt").read_text()


@pytest.mark.parametrize("name", ["TERM", "HUP", "INT"])
@pytest.mark.parametrize(
    ("words", "first", "then"),
    [
        pytest.param((DEAD,), "1 peer probing", "zoom", id="file"),
        pytest.param(
            ("live", "--no-save", "--log", DEAD / "charon-a.log"), "watching", "zoom", id="live"
        ),
    ],
)
def test_a_signal_that_ends_it_leaves_a_usable_terminal(
    terminal: Terminal, tmp_path: Path, words: tuple[object, ...], first: str, then: str, name: str
):
    number = tmp_path / "number"
    terminal.type(f"cd {ROOT}; sh -c 'echo $$ > {number}; exec {command(*words)}'")
    terminal.until(first)
    terminal.press("2")
    terminal.until(then)
    os.kill(int(number.read_text()), getattr(signal, f"SIG{name}"))
    terminal.until_gone(then)
    # A shell leaves the rest of a line that is interrupted.
    terminal.type("echo code $?")
    screen = terminal.until(f"code {128 + getattr(signal, f'SIG{name}')}")
    assert then not in screen
    terminal.type("stty -a")
    terminal.until(" icanon")
    terminal.until(" echo ")
