"""The peers are the home of the console: what esc and q do there."""

from __future__ import annotations

from collections.abc import Callable

from dpdlab.tui.dialogs.confirm import Confirm
from dpdlab.tui.reading import Reader
from tests.tui.conftest import SAMPLES, Opened

Open = Callable[..., Opened]
DEAD = SAMPLES / "ikev1-dead-peer" / "capture.pcap"


async def test_esc_at_home_never_goes_to_another_view(console: Open):
    async with console(DEAD) as c:
        await c.press("2", "3", "1", "escape")
        assert c.app.view.title == "peers"
        assert "q or ctrl+q leaves dpdlab" in c.lines[-1]
        assert c.app.screen is c.app.screen_stack[0]


async def test_esc_elsewhere_still_goes_back_the_way_one_came(console: Open):
    async with console(DEAD) as c:
        await c.press("1", "2", "3", "escape")
        assert c.app.view.title == "timeline"
        await c.press("escape")
        assert c.app.view.title == "peers"


async def test_esc_at_home_lets_go_what_was_chosen_one_after_the_other(console: Open):
    async with console(DEAD) as c:
        await c.press("f", *"peer:192.0.2.2", "enter")
        await c.pilot.pause(0.1)
        c.app.model.choose_range((c.app.model.start_ns, c.app.model.end_ns))
        await c.press("space")
        model = c.app.model
        assert (len(model.selected_peers), model.range_ns is None) == (1, False)
        await c.press("escape")
        assert not model.selected_peers
        assert [model.range_ns is None] == [False]
        await c.press("escape")
        assert model.range_ns is None
        assert [model.filter is None] == [False]
        await c.press("escape")
        await c.pilot.pause(0.1)
        assert model.filter is None
        assert "the filter is gone" in c.lines[-1]


async def test_q_at_home_asks_and_a_second_q_leaves(console: Open):
    async with console(DEAD) as c:
        await c.press("q")
        assert "Leave dpdlab?" in c.text
        await c.press("escape")
        assert c.app.is_running
        assert not isinstance(c.app.screen, Confirm)
        await c.press("q", "q")
        assert c.app.return_value == 0


async def test_a_click_answers(console: Open):
    async with console(DEAD) as c:
        await c.press("q")
        row = next(n for n, line in enumerate(c.lines) if "esc stays" in line)
        await c.pilot.click(offset=(c.lines[row].index("esc stays") + 1, row))
        await c.settle()
        assert not isinstance(c.app.screen, Confirm)
        assert c.app.is_running


async def test_ctrl_c_says_what_leaves(console: Open):
    async with console(DEAD) as c:
        for view in ("1", "3"):
            await c.press(view, "ctrl+c")
            assert "ctrl+q leaves dpdlab, q goes back" in c.lines[-1]


async def test_who_reads_stops_as_soon_as_one_leaves(console: Open):
    """It would go on beside the screen that is taken down, and make that last."""
    async with console(DEAD) as c:
        reader = c.app._reader
        assert isinstance(reader, Reader)
        c.app.exit(0)
        assert reader._stop.is_set()
