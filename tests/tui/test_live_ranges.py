"""A stretch of time that begins now, in a session that goes on, has no end."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import pytest

from dpdlab.tui.model import Model
from dpdlab.tui.views.timeline import TimelineView
from tests.scenarios.timeline import BASE_NS
from tests.tui.test_live import ALIVE, Clock, Feed, watching

LATER = ALIVE + "95 a>b liveness 6\n97 a>b liveness 6\n99 a>b liveness 6\n"


@pytest.fixture
def feed(tmp_path: Path) -> Feed:
    return Feed(tmp_path / "fifo")


async def test_only_what_comes_from_now_on_goes_on_after_a_minute(feed: Feed, tmp_path: Path):
    clock = Clock()
    async with watching(feed, tmp_path, clock) as c:
        model = c.app.model
        await c.press("2", "ctrl+l")
        assert model.range_ns is not None
        begun_ns = model.range_ns[0]
        assert "no message, no question, no verdict of this peer in the stretch" in c.text
        clock.to(99.5)
        feed.write(LATER)
        await c.until(lambda: model.end_ns > begun_ns + 80 * 10**9)
        await c.settle()
        assert model.range_ns[0] == begun_ns
        events = c.app.query_one(TimelineView)._events
        assert [e.at_ns > begun_ns for e in events] == [True] * len(events)
        assert sum("liveness check ID 6" in e.label for e in events) == 3
        assert re.search(r"only [89]\d\.\d s", c.lines[0])
        await c.press("1", "ctrl+l")
        assert "all of" not in c.lines[0]
        assert "only " not in c.lines[0]
        await c.press("ctrl+q")


async def test_what_comes_from_now_on_ends_now(feed: Feed, tmp_path: Path):
    clock = Clock()
    async with watching(feed, tmp_path, clock) as c:
        model = c.app.model
        await c.press("2", "ctrl+l")
        for second in (20, 33):
            clock.to(second)
            began_ns = BASE_NS + second * 10**9
            await c.until(partial(_is_after, model, began_ns))
            window = c.app.view.shown_window
            assert window is not None
            assert abs(window.end_ns - _now(model)) < 3 * 10**9
        await c.press("ctrl+q")


def _now(model: Model) -> int:
    return model.now_ns or 0


def _is_after(model: Model, at_ns: int) -> bool:
    return _now(model) > at_ns


async def test_a_stretch_with_an_end_keeps_it(feed: Feed, tmp_path: Path):
    clock = Clock()
    async with watching(feed, tmp_path, clock) as c:
        model = c.app.model
        chosen = (model.start_ns, model.end_ns)
        model.choose_range(chosen)
        clock.to(99.5)
        feed.write(LATER)
        await c.until(lambda: model.end_ns > chosen[1] + 80 * 10**9)
        assert model.range_ns == chosen
        await c.press("ctrl+q")
