"""What a key changes is laid out once and painted once, and lists scroll without layouts."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from rich.text import Text
from textual import events

from analyzers.session import SessionOptions
from dpdlab.tui.app import VIEWS, ConsoleApp
from dpdlab.tui.palette import Palette
from dpdlab.tui.rows import RowList
from dpdlab.tui.views.ladder import LadderView
from dpdlab.tui.views.peers import PeersView
from tests.tui.conftest import SAMPLES, Console

DEAD_PEER = SAMPLES / "ikev1-dead-peer"


class Counting(ConsoleApp):
    """Counts layouts and frames."""

    CSS_PATH = "../../dpdlab/tui/styles.tcss"
    layouts = frames = 0

    def on_mount(self) -> None:
        self.screen.screen_layout_refresh_signal.subscribe(self, self._count)
        super().on_mount()

    def _count(self, _: object) -> None:
        self.layouts += 1

    def _display(self, screen: object, renderable: object) -> None:
        super()._display(screen, renderable)  # type: ignore[arg-type]
        self.frames += renderable is not None


class Numbers:
    """Rows that say which they are."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __len__(self) -> int:
        return self.size

    def header(self, width: int, palette: Palette) -> Text | None:
        return Text("number")

    def row(self, index: int, width: int, palette: Palette) -> Text:
        return Text(f"number {index}")


@pytest.fixture
async def counting() -> AsyncIterator[Console]:
    app = Counting([str(DEAD_PEER)], SessionOptions())
    async with app.run_test(size=(120, 36)) as pilot:
        console = Console(app, pilot)
        await console.read()
        yield console


async def counted(console: Console, *keys: str) -> tuple[int, int]:
    """Layouts and frames that follow from keys."""
    app = console.app
    assert isinstance(app, Counting)
    before = app.layouts, app.frames
    await console.press(*keys)
    return app.layouts - before[0], app.frames - before[1]


def barred(rows: RowList) -> bool:
    """Whether a scroll bar is there by now."""
    return rows.has_bar


@pytest.mark.parametrize("number", range(2, len(VIEWS) + 1))
async def test_a_view_is_laid_out_and_painted_once_when_it_opens(counting: Console, number: int):
    laid_out, painted = await counted(counting, str(number))
    assert laid_out == 1
    # The what-if has its packets a moment later.
    assert painted == 1 or number == len(VIEWS)
    assert await counted(counting, "1") == (1, 1)
    assert await counted(counting, str(number)) == (1, 1)


async def test_a_list_that_grows_or_shrinks_lays_nothing_out(counting: Console):
    await counting.press("3")
    rows = counting.app.query_one(LadderView).list
    rows.show(Numbers(5))
    await counting.settle()
    assert not barred(rows)
    assert await counted(counting, "C") == (0, 1)
    rows.show(Numbers(500))
    await counting.settle()
    assert barred(rows)
    assert await counted(counting, "C") == (0, 1)


async def test_a_view_that_was_out_of_sight_has_the_room_of_another_size(counting: Console):
    await counting.press("3", "1")
    await counting.pilot.resize_terminal(80, 24)
    await counting.settle()
    assert await counted(counting, "3") == (1, 1)
    ladder = counting.app.query_one(LadderView)
    assert not ladder.has_class("beside")
    assert max(map(len, counting.lines)) <= 80


async def test_the_bar_goes_with_the_mouse(counting: Console):
    rows = counting.app.query_one(PeersView).list
    rows.show(Numbers(1000), 0)
    await counting.settle()
    edge, lines = rows.size.width - 1, rows.size.height
    assert rows.has_bar
    assert rows.row_width == edge

    async def mouse(kind: type[events.MouseEvent], y: int) -> None:
        await counting.pilot._post_mouse_events([kind], rows, (edge, y), button=1)
        await counting.settle()

    await mouse(events.MouseDown, 0)
    await mouse(events.MouseMove, lines // 2)
    assert 400 < rows.top < 600
    await mouse(events.MouseMove, lines - 1)
    await mouse(events.MouseUp, lines - 1)
    assert rows.top == 1000 - (lines - 1)
    await mouse(events.MouseMove, 0)
    assert rows.top == 1000 - (lines - 1), "let go"
    await mouse(events.MouseDown, 0)
    assert rows.top == 1000 - 2 * (lines - 1), "above the bar: a page"
    assert rows.cursor == 0


async def test_few_rows_need_no_bar(counting: Console):
    rows = counting.app.query_one(PeersView).list
    rows.show(Numbers(rows.size.height - 1), 0)
    assert not barred(rows)
    assert rows.row_width == rows.size.width
    rows.show(Numbers(rows.size.height), 0)
    assert barred(rows)
    rows.ascii_only = True
    assert not barred(rows), "what tells of more rows is a line then"
