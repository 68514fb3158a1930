"""View 5: the lines of logs in time with the packets."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from analyzers.model.time import NS_PER_MS
from dpdlab.tui.dialogs.raw_line import RawLine
from dpdlab.tui.views.log import LogView
from tests.tui.conftest import SAMPLES, Console, Opened

Open = Callable[..., Opened]
DEAD = SAMPLES / "ikev1-dead-peer"
LOSS = SAMPLES / "ikev1-one-way-loss"


@asynccontextmanager
async def looked_up(opened: Opened) -> AsyncIterator[Console]:
    """A console in view 5, with the lines there."""
    async with opened as c:
        await c.until(lambda: c.app.model.log is not None)
        await c.press("5")
        yield c


def view(c: Console) -> LogView:
    return c.app.query_one(LogView)


def current(c: Console) -> str:
    shown = view(c)
    return shown.list.source.row(shown.list.cursor, 200, shown.palette).plain


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 60)])
async def test_the_lines_of_both_ends_stand_in_the_order_of_time(
    console: Open, size: tuple[int, int]
):
    async with looked_up(console(DEAD, size=size)) as c:
        assert "s2 charon-a.log  s3 charon-b.log  150 lines" in c.text
        assert "created TUN device" in c.text
        assert max(map(len, c.lines)) <= size[0]
        shown = view(c)
        log = c.app.model.log
        assert log is not None
        times = [log.at_ns(row) for row in range(len(log))]
        # What was sent stands before what was received, as far as the clocks leave that open.
        assert all((b or 0) > (a or 0) - NS_PER_MS for a, b in pairwise(times))
        assert len(shown.list.source) == 150


async def test_b_goes_to_the_line_before_a_black_hole_whatever_the_filter_leaves(console: Open):
    async with looked_up(console(DEAD)) as c:
        (peer,) = c.app.model.peers
        (hole,) = peer.black_holes
        for wanted in ("", "state:dead", "kind:dpd,black-hole"):
            await c.press("f", *["backspace"] * 30, *wanted, "enter", "g", "b")
            log, row = c.app.model.log, view(c)._row
            assert log is not None
            assert row is not None
            assert (log.at_ns(row) or 0) <= hole.begin_ns
            following = view(c).list.cursor + 1
            rows = view(c)._rows
            assert rows is not None
            if following < len(rows):
                after = rows.place(following)
                assert (log.at_ns(after) or 0) > hole.begin_ns
            await c.press("b")
            among = "the lines that are shown" if wanted else "the logs"
            assert f"no further black hole in {among}" in c.lines[-1]
        await c.press("f", *["backspace"] * 30, *"outcome:unanswered", "enter", "g", "b")
        assert "1 black hole not shown by the filter" in c.lines[-1]


async def test_e_goes_to_the_line_that_says_the_peer_is_dead(console: Open):
    async with looked_up(console(DEAD)) as c:
        while "DPD check timed out" not in current(c):
            await c.press("e")
        assert current(c).startswith("✗ ")
        await c.press("e", "e", "e", "e", "e", "e", "e")
        assert "no further error in the logs" in c.lines[-1]


async def test_the_cursor_is_the_moment_of_all_views(console: Open):
    async with looked_up(console(DEAD)) as c:
        while "DPD check timed out" not in current(c):
            await c.press("e")
        at_ns = c.app.model.at_ns
        row = view(c)._row
        assert c.app.model.log is not None
        assert row is not None
        assert c.app.model.log.at_ns(row) == at_ns
        await c.press("enter")
        assert c.app.view.title == "ladder"
        assert c.app.model.at_ns == at_ns
        assert "02[JOB] DPD" in c.text


async def test_the_moment_of_another_view_is_where_the_cursor_comes(console: Open):
    async with looked_up(console(DEAD)) as c:
        log, peer = c.app.model.log, c.app.model.peer
        assert log is not None
        assert peer is not None
        await c.press("3")
        at_ns = peer.exchanges[-1].last_ns
        c.app.go_to_moment(at_ns)
        await c.press("5")
        row = view(c)._row
        assert row is not None
        assert abs((log.at_ns(row) or 0) - at_ns) < 1_000_000_000


async def test_lines_that_nothing_understands_are_marked(console: Open):
    async with looked_up(console(SAMPLES / "ikev2-peer-restart" / "charon-b.log")) as c:
        assert "? 2 not understood" in c.text
        await c.press("slash", *"routing table", "enter")
        assert current(c).startswith("? ")
        assert "unable to create IPv" in current(c)


async def test_only_what_says_something(console: Open):
    async with looked_up(console(DEAD)) as c:
        await c.press("C")
        assert "33 shown" in c.text
        assert "loaded plugins" not in c.text
        await c.press("C")
        assert "loaded plugins" in c.text


async def test_a_filter_leaves_lines_of_what_matches(console: Open):
    async with looked_up(console(DEAD)) as c:
        await c.press("f", *"kind:dpd", "enter")
        assert 0 < len(view(c).list.source) < 31
        await c.press("f", *["backspace"] * 20, *"peer:203.0.113.9", "enter")
        assert "no line of a log" in c.text


async def test_search_by_text_and_by_expression(console: Open):
    async with looked_up(console(DEAD)) as c:
        await c.press("slash", *"vendor id", "enter")
        assert "vendor ID" in current(c)
        first = view(c).list.cursor
        await c.press("n")
        assert view(c).list.cursor > first
        await c.press("N")
        assert view(c).list.cursor == first
        await c.press("slash", *["backspace"] * 20, *r"/dpd (check|action)\b/i", "enter")
        assert "DPD check timed out" in current(c)
        await c.press("slash", *["backspace"] * 40, *r"/(a/", "enter")
        assert "/(a/" in c.lines[-1]
        assert c.app.is_running


async def test_it_is_said_which_of_how_many_matches_this_is(console: Open):
    async with looked_up(console(DEAD)) as c:
        log = c.app.model.log
        assert log is not None
        total = sum("vendor id" in log.text(row).casefold() for row in range(len(log)))
        await c.press("slash", *"vendor id", "enter")
        assert f"match 1 of {total}" in c.lines[-1]
        await c.press("n")
        assert f"match 2 of {total}" in c.lines[-1]
        await c.press("N", "N")
        await c.app.workers.wait_for_complete()
        await c.settle()
        assert f"match {total} of {total}" in c.lines[-1]


async def test_of_many_matches_a_thousand_are_counted(console: Open, tmp_path: Path):
    path = tmp_path / "a.log"
    path.write_text((DEAD / "charon-a.log").read_text() + "x needle\n" * 3000)
    async with looked_up(console(path)) as c:
        await c.press("slash", *"needle", "enter")
        await c.app.workers.wait_for_complete()
        await c.settle()
        assert "match 1 of 1,000+" in c.lines[-1]
        await c.press("G", "N")
        assert "a match after the first 1,000" in c.lines[-1]


async def test_a_text_that_is_nowhere_is_said(console: Open):
    async with looked_up(console(DEAD)) as c:
        await c.press("slash", *"nowhere", "enter")
        await c.app.workers.wait_for_complete()
        await c.settle()
        assert "no match for 'nowhere'" in c.lines[-1]


async def test_searching_goes_round_in_a_thread(console: Open, tmp_path: Path):
    path = tmp_path / "a.log"
    text = (DEAD / "charon-a.log").read_text()
    path.write_text(
        text + text.replace("DPD check", "DPD test").splitlines()[-1] + "\n" + "x\n" * 9000
    )
    async with looked_up(console(path)) as c:
        await c.press("G", "slash", *"tun device", "enter")
        await c.app.workers.wait_for_complete()
        await c.settle()
        assert "created TUN device" in current(c)


async def test_the_raw_line_with_its_neighbours(console: Open):
    async with looked_up(console(DEAD)) as c:
        await c.press("j", "j", "r")
        assert isinstance(c.app.screen, RawLine)
        assert "charon-a.log line 3" in c.text
        assert "2026-11-20 19:54:47.586 00[LIB] created TUN device" in c.text
        await c.press("r")
        assert not isinstance(c.app.screen, RawLine)


async def test_long_lines_move_sideways(console: Open):
    async with looked_up(console(DEAD, size=(80, 24))) as c:
        await c.press("slash", *"providers", "enter")
        before = current(c)
        await c.press("right")
        assert current(c) != before
        assert "…" in current(c)
        await c.press("left")
        assert current(c) == before


async def test_pairs_events_and_black_holes(console: Open):
    async with looked_up(console(DEAD)) as c:
        await c.press("b")
        at_ns = c.app.model.at_ns
        peer = c.app.model.peer
        assert peer is not None
        assert at_ns is not None
        await c.press("full_stop")
        assert c.app.model.at_ns is not None
        assert c.app.model.at_ns >= at_ns
        while "DPD check timed out" not in current(c):
            await c.press("e")
        await c.press("left_square_bracket")
        assert "generating INFORMATIONAL" in current(c)
        await c.press("g", "right_square_bracket")
        assert "belongs to no exchange" in c.lines[-1]


async def test_forms_of_a_line(console: Open):
    async with looked_up(console(DEAD)) as c:
        while "DPD check timed out" not in current(c):
            await c.press("e")
        forms = view(c).copy_text()
        whole = json.loads(forms["JSON"])
        assert whole["text"].endswith("enforcing DPD action")
        assert whole["source"] == "s2"
        await c.press("comma")
        forms = view(c).copy_text()
        assert "isakmp" in forms["Wireshark filter"]
        assert "host 192.0.2.1" in forms["BPF"]


async def test_x_explains_what_rests_on_a_line(console: Open):
    async with looked_up(console(DEAD / "charon-a.log", size=(120, 50))) as c:
        await c.press("e", "x")
        assert "Why it matters" in c.text


async def test_without_a_log_it_is_said_what_to_do(console: Open):
    async with console(DEAD / "capture.pcap", size=(80, 24)) as c:
        await c.press("5")
        assert "There is no log among the inputs" in c.text
        assert "debug crypto isakmp" in c.text
        await c.press("e", "w", "full_stop", "enter", "r", "x", "C", "right", "slash", "a", "enter")
        assert c.app.is_running


async def test_hostile_lines_are_harmless(console: Open, tmp_path: Path):
    text = (DEAD / "charon-a.log").read_text().splitlines()
    hostile = (
        "2026-11-20 19:54:47.900 10[IKE] \x1b]0;pwned\x07[bold]x[/bold] \u202e\x9b2J\tz "
        + "w" * 9000
    )
    path = tmp_path / "a.log"
    path.write_text("\n".join([*text[:8], hostile, *text[8:]]) + "\n")
    async with looked_up(console(path, size=(80, 24))) as c:
        assert "\\x1b]0;pwned\\x07[bold]x[/bold]" in c.text
        assert "\x1b" not in c.text
        assert "\u202e" not in c.text
        await c.press(*["j"] * 8, "r")
        assert "\x1b" not in c.text
        assert "[bold]x[/bold]" in c.text


async def test_a_log_without_times(console: Open):
    async with looked_up(console(SAMPLES / "ios-dead-peer-terminal")) as c:
        assert len(view(c).list.source) > 10
        await c.press("e", "w", "full_stop", "G", "enter")
        assert c.app.is_running


async def test_a_time_that_goes_back_is_marked(console: Open, tmp_path: Path):
    """Threads overtake each other: the lines stay as they were written."""
    log = (DEAD / "charon-a.log").read_text().splitlines()
    at = next(n for n in range(30, 60) if log[n][:23] < log[n + 1][:23])
    log[at : at + 2] = [log[at + 1][:23] + log[at][23:], log[at][:23] + log[at + 1][23:]]
    path = tmp_path / "a.log"
    path.write_text("\n".join(log) + "\n")
    async with looked_up(console(path, size=(132, 60))) as c:
        rows = [view(c).list.source.row(n, 132, view(c).palette).plain for n in range(60)]
        assert [n for n, row in enumerate(rows) if row[2:16].rstrip().endswith("<")] == [at + 1]


async def test_ascii_is_ascii(console: Open):
    async with looked_up(console(LOSS, ascii_only=True)) as c:
        for key in ("e", "C", "r"):
            await c.press(key)
            assert c.text.isascii(), [x for x in c.text if not x.isascii()]


async def test_a_start_has_a_sign_of_its_own_which_the_help_explains(console: Open):
    async with console(SAMPLES / "ikev2-peer-restart", size=(132, 60)) as c:
        await c.press("5", "slash", *"Starting IKE charon daemon", "enter")
        (line,) = (line for line in c.lines if "Starting IKE charon daemon" in line)
        assert line.lstrip().startswith("S ")
        await c.press("?", "end")
        await c.pilot.pause(1.0)
        assert "Signs of the log" in c.text
        assert "S   a daemon or a device begins anew" in c.text


async def test_questions_have_the_signs_of_the_other_views(console: Open):
    inputs = (DEAD / "capture.pcap", DEAD / "charon-a.log")
    async with looked_up(console(*inputs, size=(120, 40))) as c:
        await c.press("C", "G")
        asked = [line.split()[0] for line in c.lines if "INFORMATIONAL_V1 request" in line]
        assert asked == ["✗", "↻", "↻"]
        await c.press("g", "w")
        assert current(c).startswith("↻ ")


@pytest.mark.parametrize("sought", ["MARK", "mark", "/MA+RK/"])
async def test_a_match_far_to_the_right_comes_into_sight(
    console: Open, tmp_path: Path, sought: str
):
    lines = (DEAD / "charon-a.log").read_text().splitlines()
    lines[2] += f" {'漢' * 60}{'x' * 200} MARK and so on{'y' * 200}"
    lines[4] += " MARK"
    log = tmp_path / "charon.log"
    log.write_text("\n".join(lines) + "\n")
    async with looked_up(console(log, size=(80, 24))) as c:
        await c.press("g", "slash", *sought, "enter")
        assert "MARK and so" in c.text
        assert view(c).shift > 200
        await c.press("n")
        assert any(line.rstrip(" █▁▂▃▄▅▆▇").endswith(" MARK") for line in c.lines)
        assert view(c).shift == 0
