"""What no input, no terminal and no error may do to the console."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest
from rich.cells import cell_len

from analyzers.export.untrusted import UNPRINTABLE
from analyzers.tracking.tracks import PeerTrack
from dpdlab.cli.opening import picture
from dpdlab.tui.terminal_app import _Screen
from tests.benchmarks.first_paint import HINT, Terminal
from tests.tui.conftest import SAMPLES, Opened

Open = Callable[..., Opened]
ROOT = Path(__file__).parents[2]
DEAD = SAMPLES / "ikev1-dead-peer"
HOSTILE = "a[bold red]b\x1b]0;title\x07\x1b[31m\u202e\u200bevil\u0301\u65e5\u672c\U0001f600.pcap"
VIEWS = "123456"
LEAVES = b"\x1b[?1049l"
ENTERS = b"\x1b[?1049h"

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.mark.parametrize("size", [(20, 5), (1, 1), (3, 40), (200, 2), (39, 12)])
@pytest.mark.parametrize("view", VIEWS)
async def test_a_terminal_of_any_size_is_no_crash(console: Open, view: str, size: tuple[int, int]):
    async with console(DEAD / "capture.pcap", DEAD / "charon-a.log", size=size) as c:
        await c.press(view, "down", "G", "g", "ctrl+d", "plus", "T", "x", "escape")
        assert c.app.is_running
        assert all(cell_len(line) <= size[0] for line in c.lines)


@pytest.mark.parametrize("view", VIEWS)
async def test_damage_of_an_input_is_told_in_every_view(console: Open, tmp_path: Path, view: str):
    path = tmp_path / "cut.pcap"
    path.write_bytes((DEAD / "capture.pcap").read_bytes()[:2000])
    async with console(path) as c:
        await c.press(view)
        assert "damaged input (i)" in c.lines[-1]


async def test_no_damage_is_told_of_a_whole_input(console: Open):
    async with console(DEAD / "capture.pcap") as c:
        assert "damaged" not in "\n".join(c.lines)


@pytest.mark.parametrize("view", VIEWS)
async def test_an_input_that_cannot_be_read_is_named_beside_the_others(
    console: Open, tmp_path: Path, view: str
):
    path, gone = tmp_path / "image.bin", tmp_path / "gone.log"
    path.write_bytes(bytes(range(256)) * 40)
    async with console(path, DEAD / "capture.pcap", gone) as c:
        await c.press(view)
        assert not c.app.model.failure
        assert "1 peer probing" in c.lines[0]
        assert "2 inputs not read (i)" in c.lines[-1]
        assert "damaged" not in c.lines[-1]
        await c.press("i")
        assert "not read: it is neither capture, log nor configuration" in c.text
        assert "not read: it cannot be opened: No such file or directory" in c.text


@pytest.mark.parametrize("view", VIEWS)
async def test_a_storm_of_sizes_ends_with_the_last_one(console: Open, view: str):
    async with console(DEAD / "capture.pcap") as c:
        await c.press(view)
        for width, height in [(20, 5), (200, 60), (1, 1), (80, 24), (132, 3), (5, 50)] * 4:
            await c.pilot.resize_terminal(width, height)
        await c.pilot.resize_terminal(120, 36)
        await c.settle()
        assert len(c.lines) == 36
        assert "dpdlab" in c.lines[0]
        assert max(map(cell_len, c.lines)) <= 120


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
@pytest.mark.parametrize("ascii_only", [False, True])
async def test_a_hostile_name_is_shown_harmless_and_aligned(
    console: Open, tmp_path: Path, size: tuple[int, int], ascii_only: bool
):
    path = tmp_path / HOSTILE
    shutil.copy(DEAD / "capture.pcap", path)
    async with console(path, size=size, ascii_only=ascii_only) as c:
        for key in (*VIEWS, "1", "i", "escape", "s", "escape"):
            await c.press(key)
            assert_harmless(c.lines, size[0])
        if ascii_only:
            assert c.text.isascii()
        else:
            assert "a[bold re" in c.lines[0]


async def test_hostile_lines_of_a_log_are_shown_harmless(console: Open, tmp_path: Path):
    log = tmp_path / "charon.log"
    lines = (DEAD / "charon-a.log").read_text(encoding="utf-8").splitlines()
    hostile = lines[0] + HOSTILE + "x" * 100_000 + "\u65e5" * 20_000 + "[/bold][link=file:///etc]"
    log.write_text("\n".join([*lines[:20], hostile, *lines[20:]]), encoding="utf-8")
    async with console(DEAD / "capture.pcap", log) as c:
        for key in (*VIEWS, "5", "G", "g", "r", "escape", "ctrl+d", "ctrl+d", "3", "R"):
            await c.press(key)
            assert_harmless(c.lines, 120)


def assert_harmless(lines: list[str], width: int) -> None:
    """No control or invisible character, and nothing wider than the screen."""
    for line in lines:
        assert UNPRINTABLE.search(line) is None, line
        assert cell_len(line) <= width, line


# --- the first picture ---------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [1, 8, 20, 80, 200])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_the_first_picture_says_what_is_read(columns: int, ascii_only: bool):
    shown = picture([f"/tmp/{HOSTILE}", "b.log"], columns, 24, ascii_only=ascii_only)
    assert "reading"[:1] in shown
    assert "\x07" not in shown
    assert "\u202e" not in shown
    assert not ascii_only or shown.isascii()
    if columns >= 80:
        assert "[bold red]" in shown


# --- in a terminal -------------------------------------------------------------------------------


@pytest.fixture
def fifo(tmp_path: Path) -> Iterator[Path]:
    """An input that never ends, and never says anything."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    held = os.open(path, os.O_RDWR)
    yield path
    os.close(held)


def started(*words: object, script: str = "") -> Terminal:
    code = ["-c", script] if script else ["-m", "dpdlab"]
    terminal = Terminal([sys.executable, *code, *map(str, words)], ROOT)
    return terminal


def test_leaving_while_an_input_goes_on_for_ever(fifo: Path):
    terminal = started(fifo)
    terminal.read_until(HINT, 60)
    terminal.type(b"\x11")
    _, code = terminal.wait()
    assert code == 0
    assert terminal.output.rindex(LEAVES) > terminal.output.rindex(ENTERS)


def test_nothing_is_left_behind(fifo: Path):
    terminal = started(fifo)
    terminal.read_until(HINT, 60)
    terminal.type(b"\x11")
    terminal.wait()
    with pytest.raises(ProcessLookupError):
        os.killpg(terminal.pid, 0)


@linux
def test_without_a_shell_with_job_control_nothing_is_suspended():
    """The terminal runs nothing else: nobody could bring it back."""
    terminal = started(DEAD / "capture.pcap")
    terminal.read_until(b"given up", 60)
    terminal.type(b"\x1a")
    terminal.read_until(b"nobody could bring it back", 60)
    assert state_of(terminal.pid) != "T"
    terminal.type(b"\x11")
    assert terminal.wait()[1] == 0


@linux
def test_suspended_and_back():
    terminal = started(DEAD / "capture.pcap")
    terminal.read_until(b"given up", 60)
    terminal.read_for(0.3)
    os.kill(terminal.pid, signal.SIGTSTP)
    deadline_s = time.monotonic() + 30
    while state_of(terminal.pid) != "T" and time.monotonic() < deadline_s:
        terminal.read_for(0.1)
    assert state_of(terminal.pid) == "T"
    terminal.read_for(0.3)
    assert terminal.output.rindex(LEAVES) > terminal.output.rindex(ENTERS)
    seen = len(terminal.output)
    os.kill(terminal.pid, signal.SIGCONT)
    while b"given up" not in terminal.output[seen:] and time.monotonic() < deadline_s:
        terminal.read_for(0.1)
    assert b"given up" in terminal.output[seen:], "the screen is not painted anew"
    terminal.type(b"\x11")
    assert terminal.wait()[1] == 0


def state_of(pid: int) -> str:
    """How a process is: S sleeps, T is stopped."""
    status = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    return status.rpartition(")")[2].split()[0]


CRASHING = """
import sys
import dpdlab.tui.app as app
from dpdlab.cli import main
class Broken(app.PeersView):
    def do_sort(self):
        raise RuntimeError("broken \\x1b[31m [bold]")
app.VIEWS = (Broken, *app.VIEWS[1:])
sys.exit(main(sys.argv[1:]))
"""


def test_a_crash_leaves_a_usable_terminal_and_one_line():
    terminal = started(DEAD / "capture.pcap", script=CRASHING)
    terminal.read_until(b"given up", 60)
    terminal.read_for(0.3)
    terminal.type(b"S")
    _, code = terminal.wait()
    assert code == 70
    left = bytes(terminal.output[terminal.output.rindex(LEAVES) :])
    assert terminal.output.rindex(LEAVES) > terminal.output.rindex(ENTERS)
    said = left.decode().split("dpdlab: ", 1)[1].strip()
    assert "\n" not in said
    assert said.startswith("error: internal error: RuntimeError: broken \\x1b[31m [bold]")
    assert b"Traceback" not in terminal.output


UNWRITABLE = """
import io
import sys
from dpdlab.cli import main
class Broken(io.TextIOWrapper):
    def write(self, text):
        if "given up" in text:
            raise ValueError("broken")
        return super().write(text)
sys.stdout = sys.__stdout__ = Broken(sys.stdout.detach(), encoding='utf-8', write_through=True)
sys.exit(main(sys.argv[1:]))
"""


def test_a_crash_of_the_thread_that_writes_leaves_a_usable_terminal_and_one_line():
    terminal = started(DEAD / "capture.pcap", script=UNWRITABLE)
    _, code = terminal.wait()
    assert code == 70
    left = bytes(terminal.output[terminal.output.rindex(LEAVES) :])
    assert terminal.output.rindex(LEAVES) > terminal.output.rindex(ENTERS)
    assert b"\x1b[?25h" in left
    assert b"error: internal error: ValueError: broken" in left


def test_what_the_encoding_of_the_terminal_lacks_is_a_question_mark():
    """ASCII is chosen where it is known at the start: this is for all else."""
    raw = BytesIO()
    told: list[Exception] = []
    screen = _Screen(TextIOWrapper(raw, encoding="latin-1", write_through=True), told.append)
    screen.write("a\u2026\xe9")
    assert (raw.getvalue(), told) == (b"a?\xe9", [])


UNREADABLE = """
import sys
import dpdlab.tui.reading as reading
from dpdlab.cli import main
def broken(self, session, told=()):
    raise OverflowError("too large")
reading.Reader._look_up_lines = broken
sys.exit(main(sys.argv[1:]))
"""


def test_a_crash_of_the_reading_is_told_in_the_title_and_when_it_is_left():
    """What is shown until then is not all there is."""
    terminal = started(DEAD / "capture.pcap", script=UNREADABLE)
    terminal.read_until(b"not all is told", 60)
    terminal.type(b"\x11")
    _, code = terminal.wait()
    assert code == 70
    said = bytes(terminal.output[terminal.output.rindex(LEAVES) :])
    assert b"error: internal error: OverflowError: too large" in said


def test_a_mistake_in_the_settings_gives_the_terminal_back(tmp_path: Path):
    settings = tmp_path / "own.toml"
    settings.write_text('[keys]\nserch = ["x"]\n', encoding="utf-8")
    terminal = started("--settings", settings, DEAD / "capture.pcap")
    _, code = terminal.wait()
    assert code == 2
    left = bytes(terminal.output[terminal.output.rindex(LEAVES) :])
    assert b"keys.serch: there is no action 'serch' (did you mean search?)" in left


@linux
@pytest.mark.parametrize("words", ["capture.pcap", "live --no-save --log charon-a.log"])
def test_a_terminal_that_goes_without_a_signal_ends_it(words: str):
    master, slave = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "dpdlab", *words.split()],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=DEAD,
        env={**os.environ, "TERM": "xterm-256color"},
        # Without a controlling terminal nobody is told that it was closed.
        start_new_session=True,
    )
    try:
        os.close(slave)
        shown = b""
        while ENTERS not in shown:
            shown += os.read(master, 65_536)
        os.close(master)
        assert process.wait(10) == -signal.SIGHUP
    finally:
        process.kill()
        process.wait()


async def test_what_was_read_before_is_let_go(console: Open):
    def tracks() -> list[PeerTrack]:
        return [each for each in gc.get_objects() if type(each) is PeerTrack]

    others = tracks()  # what other tests left behind
    async with console(DEAD / "capture.pcap") as c:
        for _ in range(3):
            c.app.read_with(c.app.options)
            await c.read()
        gc.unfreeze()
        assert sum(all(each is not other for other in others) for each in tracks()) <= 1
