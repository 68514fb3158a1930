"""What comes through a pipe, or happens now, cannot be read again: nothing of it is lost, and the
console says what does not count."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest

from dpdlab.tui.dialogs.settings import ENTRIES
from tests.tui.conftest import SAMPLES, Console, Opened
from tests.tui.test_live import Clock, Feed, watching

Open = Callable[..., Opened]
DEAD = SAMPLES / "ikev1-dead-peer"


@pytest.fixture(autouse=True)
def _own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "hub"
    os.mkfifo(path)
    data = (DEAD / "capture.pcap").read_bytes()
    Thread(target=lambda: path.write_bytes(data), daemon=True).start()
    return path


async def _keep_other_budget(c: Console) -> None:
    budget = next(n for n, entry in enumerate(ENTRIES) if entry.key == ("report", "budget_s"))
    await c.press("f10", "home", *["down"] * budget, "enter", *["backspace"] * 4, "7", "enter", "s")


async def test_a_setting_waits_for_the_next_start(console: Open, pipe: Path):
    async with console(pipe, DEAD / "charon-a.log") as c:
        told = c.app.model.content
        await _keep_other_budget(c)
        assert "kept: what concerns the reading counts from the next start on" in c.lines[-1]
        assert c.app.model.done
        assert c.app.model.content is told


async def test_a_further_file_is_for_the_next_start(console: Open, pipe: Path):
    async with console(pipe) as c:
        await c.press("o")
        assert "hub cannot be read again: start with all inputs" in c.lines[-1]
        assert "1 peer probing" in c.lines[0]


async def test_a_clock_is_for_the_next_start(console: Open, pipe: Path):
    async with console(pipe, DEAD / "charon-a.log") as c:
        told = c.app.model.content
        await c.press("i", "down", "enter")
        assert "hub cannot be read again: --offset sets a clock" in c.lines[-1]
        assert c.app.model.content is told


async def test_a_live_session_is_not_begun_anew(tmp_path: Path):
    feed = Feed(tmp_path / "fifo")
    async with watching(feed, tmp_path, Clock()) as c:
        await c.press("o")
        assert "a live session cannot be read again: start with all inputs" in c.lines[-1]
        await c.press("i", "enter")
        assert "a live session cannot be read again: --offset sets a clock" in c.lines[-1]
        assert len(c.app.model.peers[0].exchanges) == 4
