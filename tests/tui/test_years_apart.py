"""A log of a router whose clock was never set, beside a capture of today: both have room."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from analyzers.model.time import NS_PER_SECOND
from dpdlab.tui.views.lanes import LABEL
from dpdlab.tui.views.timeline import TimelineView
from tests.tui.conftest import SAMPLES, Opened

Open = Callable[..., Opened]
CAPTURE = SAMPLES / "ikev2-peer-restart" / "capture.pcap"


@pytest.fixture
def old_log(tmp_path: Path) -> Path:
    text = (SAMPLES / "ikev1-dead-peer" / "charon-a.log").read_text()
    path = tmp_path / "old.log"
    path.write_text(text.replace("2026-11-20", "1970-01-02"))
    return path


@pytest.mark.parametrize("size", [(80, 24), (132, 43)])
async def test_what_happened_has_the_room_and_the_years_between_are_folded(
    console: Open, old_log: Path, size: tuple[int, int]
):
    async with console(CAPTURE, old_log, size=size) as c:
        cells = size[0] - 2 - LABEL
        trouble = next(line for line in c.lines if line.startswith(" trouble"))
        before, after = (trouble.index("✗") - LABEL, trouble.rindex("✗") - LABEL)
        assert cells // 4 < before < cells * 2 // 3 < after
        assert "20,776" in c.lines[3]
        await c.press("2")
        assert " in no input" in c.lines[4]
        drawn = c.app.query_one(TimelineView)._drawn
        assert drawn is not None
        assert drawn.scale.cell_ns < 2 * NS_PER_SECOND
        await c.press("plus")
        window = c.app.view.shown_window
        assert window is not None
        await c.press("plus", "plus")
        window = c.app.view.shown_window
        assert window is not None
        assert window.end_ns - window.start_ns < 60 * NS_PER_SECOND


async def test_the_lifelines_of_the_ladder_stay_straight(console: Open, old_log: Path):
    async with console(CAPTURE, old_log, size=(132, 43)) as c:
        await c.press("3")
        (far,) = [line for line in c.lines if "+20,776 d" in line]
        near = next(line for line in c.lines if "│─── Main Mode" in line)
        assert far.index("│") == near.index("│")


async def test_a_drag_over_the_bar_chooses_what_is_drawn_there(console: Open, old_log: Path):
    async with console(CAPTURE, old_log, size=(132, 43)) as c:
        await c.pilot.mouse_down("#overview", offset=(1 + LABEL, 0))
        await c.pilot.mouse_up("#overview", offset=(1 + LABEL + 10, 0))
        await c.settle()
        chosen = c.app.model.range_ns
        assert chosen is not None
        assert 0 < chosen[1] - chosen[0] < 60 * NS_PER_SECOND
        assert not c.app.model.silent_range
