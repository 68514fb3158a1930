"""What the lines around the views say: as much as fits, in whole words, and one truth."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from analyzers.export.content import Content
from analyzers.export.verdict import VerdictPart
from analyzers.session import Progress, SessionOptions
from dpdlab.tui.app import ConsoleApp
from dpdlab.tui.text_pane import TextPane
from dpdlab.tui.title import fitting
from tests.tui.conftest import SAMPLES, Console, Opened

Open = Callable[..., Opened]
FOLDERS = sorted(path for path in SAMPLES.iterdir() if (path / "capture.pcap").exists())
PARTS = (
    VerdictPart("1 peer given up", True),
    VerdictPart(
        "1 black hole, 14.7 s (98 packets)", True, ("1 black hole, 14.7 s", "1 black hole")
    ),
    VerdictPart("noticed 19.1 s after the first doubt", False, ("noticed after 19.1 s",)),
)


@pytest.mark.parametrize(
    ("room", "told"),
    [
        (200, "1 peer given up · 1 black hole, 14.7 s (98 packets) · noticed 19.1 s after the first"
              " doubt"),
        (75, "1 peer given up · 1 black hole, 14.7 s (98 packets) · noticed after 19.1 s"),
        (60, "1 peer given up · 1 black hole, 14.7 s (98 packets) · …"),
        (45, "1 peer given up · 1 black hole, 14.7 s · …"),
        (36, "1 peer given up · 1 black hole · …"),
        (22, "1 peer given up · …"),
    ],
)  # fmt: skip
def test_a_verdict_loses_its_last_clauses_first(room: int, told: str):
    assert " · ".join(text for text, _ in fitting(PARTS, room)) == told


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
async def test_no_word_of_the_verdict_is_cut(console: Open, folder: Path):
    async with console(folder, size=(80, 24)) as c:
        title = c.lines[0]
        verdict = c.app.model.digest.verdict
        assert verdict is not None
        clauses = title.split("  ")[-1].strip().split(" · ")
        forms = {form for part in verdict.parts for form in (part.text, *part.shorter)} | {"…"}
        assert set(clauses) <= forms
        assert clauses[0] == verdict.parts[0].text


# --- filters --------------------------------------------------------------------------------

TWO = (
    "0 a>b v2 handshake\n5..60/5 a>b liveness 2+\n5.01..60/5 b>a liveness 2+ resp\n"
    "1 c>b v2 handshake sa=2\n7..27/5 c>b liveness 2+ sa=2\n7.01..27/5 b>c liveness 2+ resp sa=2\n"
    "32 c>b liveness 7 sa=2\n34 c>b liveness 7 sa=2\n38 c>b liveness 7 sa=2\n"
    "46 c>b liveness 7 sa=2\n"
)


async def test_with_a_filter_title_overview_and_rows_tell_of_the_same_peers(
    console: Open, tmp_path: Path
):
    from tests.scenarios.timeline import capture

    path = tmp_path / "two.pcap"
    path.write_bytes(capture(TWO))
    async with console(path, size=(132, 43)) as c:
        assert "shown" not in c.text
        assert len(c.app.model.peers) == 2
        title = c.lines[0]
        await c.press("f", *"peer:192.0.2.3", "enter")
        assert "filtered: 1 of 2 peers · " in c.lines[0]
        assert "esp shown" in c.lines[1]
        assert "trouble shown" in c.lines[2]
        assert c.app.model.digest.verdict is not None
        assert c.app.model.digest.verdict.parts[0].text in c.lines[0]
        assert [line for line in c.lines[5:7] if "192.0.2.3" in line]
        await c.press("f", *["backspace"] * 20, "enter")
        assert c.lines[0] == title
        await c.press("f", *"peer:203.0.113.9", "enter")
        assert "filtered: 0 of 2 peers" in c.lines[0]
        assert "no peer" in c.lines[2]


async def test_the_overview_shows_black_holes_of_the_filter_only(console: Open):
    async with console(SAMPLES / "ikev1-dead-peer" / "capture.pcap", size=(80, 24)) as c:
        assert "▓" in c.lines[2]
        await c.press("f", *"kind:delete", "enter")
        assert "▓" not in c.lines[2]


async def test_an_outage_that_retries_rode_out_is_in_title_and_overview(console: Open):
    async with console(SAMPLES / "ikev2-brief-outage", size=(80, 24)) as c:
        assert "5 of 5 answered, 4 retries" in c.lines[0]
        probes = c.lines[2]
        assert probes.count("↻") == 4
        await c.press("2")
        lane = next(line for line in c.lines if line.startswith(" probes →"))
        assert [x for x, sign in enumerate(lane) if sign == "↻"][1:] == [
            x for x, sign in enumerate(probes) if sign == "↻"
        ][1:4] or probes.index("↻") == lane.index("↻")


# --- rows that have no room -----------------------------------------------------------------


@pytest.mark.parametrize("size", [(80, 24), (132, 43)])
async def test_every_column_can_be_reached(console: Open, size: tuple[int, int]):
    async with console(SAMPLES / "ikev1-dead-peer", size=size) as c:
        assert re.search(r"\+\d+ (columns )?>$", c.lines[4])
        seen = c.lines[4]
        for _ in range(9):
            await c.press(">")
            assert c.lines[4].lstrip().startswith("state")
            assert "remote" in c.lines[4]
            assert "…" not in c.lines[4]
            seen += c.lines[4]
        for title in (
            "local", "ike", "black holes", "policy seen (expected)", "last proof", "rtt", "probes",
            "retries", "unansw.", "deletes", "findings", "expected",
        ):  # fmt: skip
            assert title in seen, title


async def test_pages_of_columns_go_back_and_round(console: Open):
    async with console(SAMPLES / "ikev1-dead-peer", size=(80, 24)) as c:
        first = c.lines[4]
        await c.press(">", "<")
        assert c.lines[4] == first
        await c.press("<", ">")
        assert c.lines[4] == first
        await c.press(">")
        await c.pilot.resize_terminal(80, 30)
        await c.settle()
        assert c.lines[4] == first


async def test_where_all_columns_have_room_nothing_is_marked(console: Open):
    async with console(SAMPLES / "ikev1-dead-peer", size=(240, 60)) as c:
        assert " >" not in c.lines[4]
        await c.press(">")
        assert "all columns are shown" in c.lines[-1]


async def test_sorting_by_a_column_that_has_no_room_brings_it(console: Open):
    async with console(SAMPLES / "ikev1-dead-peer", size=(80, 24)) as c:
        await c.press(*["S"] * 4)
        said = re.search(r"sorted by (.+), (de|a)scending", c.lines[-1])
        assert said
        assert f"{said[1]} {'▾' if said[2] == 'de' else '▴'}" in c.lines[4]


# --- the detail of the peer -----------------------------------------------------------------


async def test_the_detail_of_a_peer_says_that_more_follows(console: Open):
    async with console(SAMPLES / "ikev1-dead-peer", size=(80, 24)) as c:
        told = re.search(r"… (\d+) more lines \(→ ←\)", c.lines[-2])
        assert told
        await c.press("right")
        again = re.search(r"… (\d+) more lines", c.lines[-2])
        assert again
        assert int(again[1]) == int(told[1]) - 1
        await c.press(*["right"] * 60)
        assert "more lines" not in c.text
        assert "packets" in c.lines[-2]


async def test_the_wheel_scrolls_the_detail_of_a_peer(console: Open):
    from textual import events

    async with console(SAMPLES / "ikev1-dead-peer", size=(80, 24)) as c:
        story = c.app.query_one("#peer-story", TextPane)
        before = story.top
        await c.pilot._post_mouse_events(
            [events.MouseScrollDown], widget="#peer-story", offset=(5, 5), button=0
        )
        await c.pilot.pause(0.5)
        assert story.top > before


# --- what is due, and by whom ---------------------------------------------------------------


async def test_marks_of_due_questions_say_whether_anybody_expects_them(console: Open):
    folder = SAMPLES / "ikev2-brief-outage"
    async with console(folder / "capture.pcap", size=(132, 43)) as c:
        await c.press("2")
        assert any(line.startswith(" rhythm →") for line in c.lines)
        assert " expected →" not in c.text
        await c.press("question_mark", "G")
        assert "a question that the policy, or its own rhythm, expects" in c.text
        assert "↻   there: that the log shows as a retry" in c.text
    async with console(folder, size=(132, 43)) as c:
        await c.press("2")
        assert any(line.startswith(" expected →") for line in c.lines)
        assert " rhythm →" not in c.text


async def test_without_a_peer_title_and_view_say_what_is_wrong(console: Open):
    inputs = (SAMPLES / "configs" / name for name in ("hub.cfg", "spoke-console.txt"))
    async with console(*inputs, size=(120, 36)) as c:
        found = "no peer · 1 configuration · 1 error, 3 warnings"
        assert found in c.lines[0]
        assert "(4 shows them)" in c.lines[0]
        assert found in "\n".join(c.lines[1:])


async def test_a_pause_does_not_say_that_reading_goes_on_when_all_is_read(console: Open):
    async with console(SAMPLES / "ikev2-healthy") as c:
        await c.press("p")
        assert "paused: everything is read" in c.text


async def test_no_window_of_the_timeline_is_longer_than_the_input(console: Open):
    async with console(SAMPLES / "ikev2-data-plane-dead" / "capture.pcap", size=(80, 24)) as c:
        await c.press("2", "b")
        assert c.app.view.title == "timeline"
        shown = re.search(r"all 30\.4 s|([\d.]+) s of 30\.4 s", c.text)
        assert shown is not None
        assert float(shown[1] or 0) <= 30.4


async def test_configurations_alone_are_read_and_told(console: Open):
    async with console(SAMPLES / "configs" / "hub.cfg", size=(80, 24)) as c:
        assert "1 configuration · 3 warnings, 1 info (4 shows them)" in c.lines[0]
        assert "no peer" not in c.lines[0]
        told = " ".join(" ".join(c.lines).split())
        assert "Tunnel0 to any peer: asks every 10 s, 4 retries x 3 s, worst case 25 s" in told
        assert "dpdlab lint" in told
        await c.press("4")
        assert "A GRE keepalive watches nothing here" in c.text


async def test_a_pipe_that_pauses_is_named_with_what_came_of_it(console: Open):
    async with console(FOLDERS[0] / "capture.pcap", size=(120, 24)) as c:
        model = c.app.model
        model.done, model.opening = False, ("stdin",)
        model.take(Content(version="1", sources=(), peers=()), done=False)
        c.app.progress = Progress("stdin", 15_000, None, 80, 9, done=False, waits=True)
        c.app.bars()
        await c.pilot.pause()
        assert c.lines[0].split() == ["dpdlab", "stdin", "reading"]
        assert "waiting for stdin · 15 kB · 80 packets, 9 IKE" in c.lines[-1]


async def test_a_pipe_that_pauses_is_told_so_far(monkeypatch: pytest.MonkeyPatch):
    reader, writer = os.pipe()
    os.write(writer, (SAMPLES / "ikev2-dead-peer" / "capture.pcap").read_bytes())
    app = ConsoleApp(["-"], SessionOptions())
    with os.fdopen(reader) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        await _paused(app, writer)


async def test_a_named_pipe_that_pauses_is_told_so_far(tmp_path: Path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = os.open(pipe, os.O_RDWR)
    os.write(writer, (SAMPLES / "ikev2-dead-peer" / "capture.pcap").read_bytes())
    await _paused(ConsoleApp([str(pipe)], SessionOptions()), writer)


async def _paused(app: ConsoleApp, writer: int) -> None:
    """A console over a pipe in which a dead peer stands, and that then ends."""
    async with app.run_test(size=(120, 36)) as pilot:
        c = Console(app, pilot)
        await c.until(lambda: re.search(r"[\d.]+ s before the", c.text) is not None)
        assert " so far: 1 peer probing" in c.lines[0]
        told = " ".join(" ".join(c.lines).split())
        assert "capture ends" not in told
        await c.press("4")
        assert c.lines[4].startswith(" so far: 1 peer probing")
        await c.press("2", "G")
        assert "capture ends" not in c.text
        os.close(writer)
        await c.read()
        assert "so far: " not in c.lines[0]
