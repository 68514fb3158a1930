"""ESP in the timeline closer than the engine counts it."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from analyzers.model.peer import Activity
from analyzers.whatif.windows import Packets, Window
from dpdlab.present import esp_again
from dpdlab.tui.views.timeline import TimelineView
from tests.tui.conftest import SAMPLES, Console, Opened

Open = Callable[..., Opened]
DEAD = SAMPLES / "ikev2-dead-peer" / "capture.pcap"


def lane(c: Console, arrow: str) -> str:
    """The lane of ESP one way, without its name."""
    return next(line for line in c.lines if line.startswith(f" ESP {arrow}"))[15:]


def name(c: Console, arrow: str) -> str:
    return next(line for line in c.lines if line.startswith(f" ESP {arrow}"))[1:15].strip()


def readout(c: Console) -> str:
    return next(line for line in c.lines if line.startswith(" column of"))


async def exact(c: Console) -> None:
    """Wait until the times are read."""
    view = c.app.query_one(TimelineView)
    await c.until(lambda: not view.drawings.esp_note)
    await c.settle()


async def test_single_packets_stand_where_they_are(console: Open):
    async with console(DEAD) as c:
        await c.press("2", "b", *["plus"] * 5)
        await exact(c)
        bars = re.findall("▅+", lane(c, "→"))
        assert 2 <= len(bars) <= 12
        assert set(bars) == {"▅"}
        assert name(c, "→") == "ESP →"
        assert "ESP 1 → 0 ←" in readout(c)


async def test_in_the_black_hole_nothing_comes_back(console: Open):
    async with console(DEAD) as c:
        await c.press("2", "b")
        hole = c.app.model.peers[0].black_holes[0]
        for _ in range(8):
            await c.press("plus")
            scale = c.app.query_one(TimelineView)._drawn.scale  # type: ignore[union-attr]
            last = scale.nearest(hole.last_proof_ns)  # type: ignore[arg-type]
            assert not lane(c, "←")[last + 1 :].strip(), c.text


async def test_what_is_being_read_is_no_density_and_keys_go_on(console: Open, slow: Slow):
    async with console(DEAD) as c:
        c.app.afterwards = slow.instead_of(c)
        await c.press("2", "b", *["plus"] * 5)
        assert "reading when it was" in readout(c)
        assert set(lane(c, "→").strip()) == {"┈"}
        assert re.fullmatch(r"ESP → ±\d+ ms", name(c, "→"))
        await c.press("plus")
        assert slow.asked == 1, "what is read holds the closer stretch too"
        slow.go_on.set()
        await exact(c)
        assert "▅" in lane(c, "→")


async def test_what_is_looked_at_no_more_is_not_read_on(
    console: Open, slow: Slow, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(esp_again, "_BESIDE", 0)
    async with console(DEAD) as c:
        c.app.afterwards = slow.instead_of(c)
        await c.press("2", "b", *["plus"] * 5)
        c.app.go_to_moment(c.app.model.start_ns + 10**9)
        await c.press("F", *["plus"] * 5)
        await c.until(lambda: slow.stopped >= 1)
        assert slow.asked > 1
        slow.go_on.set()


async def test_a_file_that_is_gone_is_told_as_that(console: Open, tmp_path: Path):
    capture = tmp_path / "hub.pcap"
    capture.write_bytes(DEAD.read_bytes())
    async with console(capture) as c:
        capture.unlink()
        await c.press("2", "b", *["plus"] * 5)
        assert "hub.pcap is not there any more" in readout(c)


async def test_a_pipe_is_not_read_again_and_says_so(console: Open, tmp_path: Path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = Thread(target=lambda: pipe.write_bytes(DEAD.read_bytes()), daemon=True)
    writer.start()
    async with console(pipe) as c:
        await c.press("2", "b", *["plus"] * 5)
        assert "pipe cannot be read again" in readout(c)
        assert set(lane(c, "→").strip()) == {"┈"}


async def test_the_whole_time_is_not_read_again(console: Open, slow: Slow):
    async with console(DEAD, size=(100, 30)) as c:
        c.app.afterwards = slow.instead_of(c)
        await c.press("2")
        await asyncio.sleep(0.2)
        assert slow.asked == 0
        assert isinstance(c.app.model.peers[0].activity, Activity)


class Slow:
    """The engine, which gives no packet before it may go on."""

    def __init__(self) -> None:
        self.go_on = Event()
        self.asked = 0
        self.stopped = 0
        self._real: Any = None

    def instead_of(self, c: Console) -> Any:
        self._real = c.app.afterwards
        return type(self._real)(self._packets_within, self._real.vendor_at)

    def _packets_within(
        self, windows: Sequence[Window], progress: Callable[[object], None]
    ) -> Iterator[Packets]:
        self.asked += 1
        try:
            while not self.go_on.wait(0.02):
                progress(None)
        except BaseException:
            self.stopped += 1
            raise
        yield from self._real.packets_within(windows, progress)


@pytest.fixture
def slow() -> Iterator[Slow]:
    made = Slow()
    yield made
    made.go_on.set()
