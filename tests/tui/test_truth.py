"""What the console says is what is known: no bound is shown as certain, no end where none was."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from analyzers.session import SessionOptions
from dpdlab.tui.app import ConsoleApp
from tests.scenarios.timeline import capture
from tests.tui.conftest import SAMPLES, Opened

Open = Callable[..., Opened]
DEAD = SAMPLES / "ikev1-dead-peer" / "capture.pcap"
DIES = """
0 a>b v2 handshake
0.1..35/0.2 a>b esp out
0.15..20/0.2 b>a esp in
25..34/2 a>b liveness 2
90 c:4500>a:4500 keepalive
"""
TERMINAL = SAMPLES / "ios-dead-peer-terminal" / "console.txt"


@pytest.mark.parametrize("view", ["2", "3"])
async def test_a_verdict_that_only_silence_shows_is_inferred(
    console: Open, tmp_path: Path, view: str
):
    path = tmp_path / "dies.pcap"
    path.write_bytes(capture(DIES))
    async with console(path, size=(132, 43)) as c:
        await c.press(view, "G")
        assert "192.0.2.1 gives 192.0.2.2 up [inferred]" in c.text


@pytest.mark.parametrize("view", ["2", "3"])
async def test_a_verdict_of_the_log_is_not_inferred(console: Open, view: str):
    async with console(TERMINAL, size=(132, 43)) as c:
        await c.press(view, "G")
        assert "192.0.2.1 gives 198.51.100.9 up  line 207" in c.text


@pytest.mark.parametrize("view", ["2", "3"])
async def test_the_end_of_the_input_is_no_end_of_the_black_hole(console: Open, view: str):
    async with console(DEAD, size=(132, 43)) as c:
        await c.press(view, "G")
        assert "black hole 192.0.2.1 to 192.0.2.2 goes on" in c.text
        assert "192.0.2.2 ends" not in c.text


async def test_what_a_log_does_not_show_is_no_number(console: Open):
    async with console(TERMINAL, size=(132, 43)) as c:
        for view in "123":
            await c.press(view, "b")
            assert "0 packets" not in c.text.replace("187 packets sent, 0 packets received", "")
            assert "up to 20.0 s" in c.text


async def test_the_bar_of_the_whole_time_shows_no_certain_loss_where_none_is(console: Open):
    async with console(TERMINAL) as c:
        assert "░░░" in c.lines[2]
        assert "▓" not in c.lines[2]
    async with console(DEAD) as c:
        assert "░░░▓▓▓" in c.lines[2]


async def test_a_black_hole_begins_after_the_proof_before_it(console: Open):
    async with console(TERMINAL, size=(132, 43)) as c:
        await c.press("2")
        rows = [line for line in c.lines if "09:14:22.139" in line]
        assert "R-U-THERE-ACK" in rows[-2]
        assert "begins" in rows[-1]


async def test_classes_have_the_words_of_the_report(console: Open):
    async with console(SAMPLES / "ikev2-data-plane-dead" / "capture.pcap") as c:
        for view in "123":
            await c.press(view, "b")
            assert "data plane" in c.text
            assert "data-plane" not in c.text


async def test_what_one_side_does_is_not_held_against_what_the_other_should(console: Open):
    folder = SAMPLES / "ikev1-both-sides"
    async with console(folder, size=(160, 36)) as c:
        row = next(line for line in c.lines if line.startswith(" ● alive"))
        assert "← after 3 s (=)" in row


async def test_an_interval_of_one_question_is_about_that(console: Open):
    async with console(SAMPLES / "ikev1-clean-delete" / "capture.pcap") as c:
        row = next(line for line in c.lines if line.startswith(" □ deleted"))
        assert " ~3.2 s " in row


async def test_axes_tell_times_in_the_format_of_the_rows(console: Open):
    async with console(DEAD) as c:
        await c.press("2")
        assert c.lines[3].startswith(" UTC")
        assert c.lines[5].startswith(" UTC")
        await c.press("T", "T")
        for line in (c.lines[3], c.lines[5]):
            assert line.startswith(" start")
            assert "│+10 s" in line
        await c.press("C")
        assert "│+20 s" in c.lines[5]


async def test_while_reading_no_more_is_said_than_is_known():
    app = ConsoleApp([str(DEAD)], SessionOptions())
    async with app.run_test(size=(80, 24)):
        shown = app.screen._compositor.render_strips()
        text = "\n".join("".join(s.text for s in strip) for strip in shown)
        if not app.model.done:
            assert "no times in these inputs" not in text


@pytest.mark.parametrize(
    ("folder", "told"),
    [
        ("ikev1-dead-peer", "~5.1 s + 2×5 s (=)"),
        ("ikev2-healthy", "after 4 s (=)"),
        ("ikev1-clean-delete", "~3.2 s (≈ on idle 4 s)"),
        ("ikev2-no-dpd-blackhole", "none seen (= never)"),
        ("ikev2-dead-peer", "~5.1 s + 5×2 s (=)"),
    ],
)
async def test_what_is_seen_is_held_against_the_configuration(
    console: Open, folder: str, told: str
):
    async with console(SAMPLES / folder, size=(160, 36)) as c:
        assert told in c.lines[5]


async def test_a_log_of_few_stamps_is_told_by_them(console: Open, tmp_path: Path):
    """Debug output without time stamps between syslog messages that have them."""
    lines = (SAMPLES / "ios-dead-peer-terminal" / "console.txt").read_text().splitlines()
    bare = [re.sub(r"^[*.]?[A-Z][a-z]{2} +\d+ [\d:.]+: ", "", line) for line in lines]
    stamp = "*May  2 16:05:37.450: %CRYPTO-6-ISAKMP_ON_OFF: ISAKMP is ON"
    log = tmp_path / "few.log"
    log.write_text("\n".join([stamp, *bare]))
    async with console(log, size=(132, 43)) as c:
        assert "hardly any times in these inputs" in c.text
        await c.press("3")
        assert " >= 16:05:37 " in c.text
        assert "no time" not in c.text
        await c.press("2")
        assert "hardly any times to draw on" in c.text
        await c.press("5", "g")
        assert stamp in c.text


async def test_black_holes_that_the_filter_leaves_out_are_not_none(console: Open):
    async with console(SAMPLES / "ikev2-peer-restart" / "capture.pcap", size=(132, 43)) as c:
        await c.press("f", *"outcome:unanswered", "enter")
        assert "1, not shown" in c.text
        assert "1 black hole not shown: the filter" in c.text
        await c.press("f", *["backspace"] * 20, "enter")
        assert "not shown" not in c.text
