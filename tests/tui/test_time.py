"""Time on the screen: one range and one set of columns everywhere, folds, and the cursor."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from analyzers.export.formatting import duration
from analyzers.export.spans import Window
from dpdlab.tui.bars import Overview
from dpdlab.tui.views.lanes import LABEL
from dpdlab.tui.views.timeline import TimelineView
from tests.tui.conftest import SAMPLES, Console, Opened

Open = Callable[..., Opened]
DEAD = SAMPLES / "ikev1-dead-peer" / "capture.pcap"
HEALTHY = SAMPLES / "ikev2-healthy" / "capture.pcap"
ONE_WAY = SAMPLES / "ikev1-one-way-loss" / "capture.pcap"
SIZES = [(80, 24), (132, 43)]


def readout(c: Console) -> str:
    """The two lines about the column of the cursor."""
    place = next(n for n, line in enumerate(c.lines) if line.startswith(" column of"))
    return "\n".join(c.lines[place - 1 : place + 1])


def scale_of(c: Console):
    drawn = c.app.query_one(TimelineView)._drawn
    assert drawn is not None
    return drawn.scale


# --- folds ----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("capture", [DEAD, HEALTHY])
async def test_silence_is_folded_when_everything_is_fitted(
    console: Open, capture: Path, size: tuple[int, int]
):
    async with console(capture, size=size) as c:
        await c.press("2")
        before = scale_of(c).cell_ns
        await c.press("C")
        assert "without an event folded: " in c.lines[-1]
        assert " folded" in c.lines[4]
        assert re.search(r"⋯ ?[\d.]+ s ?⋯", c.lines[5])
        assert scale_of(c).cell_ns < before
        await c.press("C")
        assert "time is to scale" in c.lines[-1]
        assert scale_of(c).cell_ns == before


async def test_folding_says_what_it_did_even_before_the_first_drawing(console: Open):
    async with console(DEAD, size=(80, 24)) as c:
        # Both keys at once: the timeline has no size yet when the second one comes.
        c.app.action_act("view-timeline")
        c.app.action_act("compress")
        await c.pilot.pause(0.3)
        assert "1 stretch without an event folded: " in c.lines[-1]


async def test_silence_is_folded_at_every_zoom(console: Open):
    async with console(HEALTHY, size=(80, 24)) as c:
        await c.press("2", "C")
        for key in ("plus", "plus", "right", "minus", "minus", "minus", "F"):
            await c.press(key)
            assert scale_of(c).folds, key


async def test_where_nothing_can_be_folded_that_is_said(console: Open):
    async with console(DEAD, size=(80, 24)) as c:
        # Three questions, five seconds from each other.
        await c.press("2", *["full_stop"] * 3, "plus", "plus", "minus", "C")
        assert "nothing to fold: it would bring no two events farther apart" in c.lines[-1]
        assert ", nothing folded" in c.lines[4]
        await c.press("C", "plus", "plus", "C")
        assert "nothing to fold" in c.lines[-1]


async def test_what_is_folded_is_never_more_than_there_is(console: Open):
    """A window that reaches beyond the inputs folds nothing that is not in them."""
    async with console(SAMPLES / "ikev2-healthy" / "capture.pcap", size=(132, 43)) as c:
        await c.press("2", "C")
        view = c.app.query_one(TimelineView)
        span = c.app.model.span
        length_ns = span.end_ns - span.start_ns
        view._window = Window(span.start_ns - length_ns, span.end_ns + length_ns)
        c.app.changed()
        await c.settle()
        folds = view.drawings.folding
        assert folds is not None
        assert folds.scale.folds
        assert sum(f.end_ns - f.start_ns for f in folds.scale.folds) > length_ns
        assert c.lines[4].endswith(" all 24.0 s, nothing folded")


async def test_the_cursor_walks_through_a_folded_drawing(console: Open):
    async with console(DEAD, size=(80, 24)) as c:
        await c.press("2", "C", "g")
        (fold,) = scale_of(c).folds
        seen = []
        for _ in range(12):
            seen.append(scale_of(c).at(c.app.model.at_ns))
            await c.press("right")
        assert seen == sorted(set(seen)), "every step goes on"
        inside = [cell for cell in seen if fold.first <= cell < fold.first + fold.width]
        assert len(inside) == 1, "a fold is one step"


async def test_a_fold_is_one_column_of_the_readout(console: Open):
    async with console(HEALTHY, size=(80, 24)) as c:
        await c.press("2", "C")
        fold = scale_of(c).folds[0]
        x = LABEL + fold.first + 2
        await c.pilot.click("#lanes", offset=(x, 2))
        await c.settle()
        assert "folded: no event" in readout(c)


# --- the cursor and its column --------------------------------------------------------------


async def test_the_readout_tells_all_of_a_column(console: Open):
    async with console(DEAD, size=(132, 43)) as c:
        await c.press("2", "g", "right", "left")
        told = readout(c)
        # The whole handshake is in one cell.
        assert re.search(r"column of \d+ ms: 9 other messages( \(9 logged\))?, ESP", told)
        place = next(n for n, line in enumerate(c.lines) if line.startswith(" time "))
        assert "Main Mode" in c.lines[place + 1]


@pytest.mark.parametrize("capture", [DEAD, ONE_WAY, SAMPLES / "ikev2-peer-restart"])
async def test_a_cell_with_a_mark_is_never_told_as_empty(console: Open, capture: Path):
    async with console(capture, size=(80, 24)) as c:
        await c.press("2")
        lanes = next(n for n, line in enumerate(c.lines) if line.startswith(" probes →"))
        marks = [x for x, glyph in enumerate(c.lines[lanes]) if x > LABEL and glyph in "●✗◇↻?○D"]
        assert marks
        for x in marks:
            await c.pilot.click("#lanes", offset=(x - 1, 2))
            await c.settle()
            told = readout(c)
            assert "no event" not in told, (x, told)
            assert re.search(r"column of [^:]+: \d+ (question|retr|Delete|answer)", told)
            row = c.app.query_one(TimelineView)._events[c.app.query_one(TimelineView).list.cursor]
            assert scale_of(c).at(row.at_ns) == x - 1 - LABEL


async def test_an_empty_column_says_how_long_ago_the_last_event_was(console: Open):
    async with console(HEALTHY, size=(80, 24)) as c:
        await c.press("2", *["right"] * 3)
        assert "no event here, the one before was " in readout(c)
        # The list stands on that event, faintly: it is not in the column.
        assert not c.app.query_one(TimelineView).list.active
        await c.press("full_stop")
        assert c.app.query_one(TimelineView).list.active


async def test_lanes_without_events_say_what_they_are(console: Open, tmp_path: Path):
    async with console(SAMPLES / "ikev2-data-plane-dead" / "capture.pcap", size=(80, 24)) as c:
        await c.press("f", *"kind:black_hole state:dead", "enter")
        assert "nothing happened here" not in c.text


async def test_a_range_brings_the_cursor_along(console: Open):
    async with console(DEAD, size=(132, 43)) as c:
        await c.press("2", "g")
        bar = c.app.query_one(Overview)
        cells = bar.size.width - LABEL
        await c.pilot.mouse_down("#overview", offset=(1 + LABEL + cells // 2, 0))
        await c.pilot.mouse_up("#overview", offset=(LABEL + cells, 0))
        await c.settle()
        chosen, at_ns = c.app.model.range_ns, c.app.model.at_ns
        assert chosen is not None
        assert at_ns is not None
        assert chosen[0] <= at_ns <= chosen[1]
        assert "column of" in c.text
        # The last cell reaches to the very end.
        assert chosen[1] == c.app.model.span.end_ns


# --- one time -------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("folder", ["ikev1-dead-peer", "ikev2-brief-outage", "ikev2-peer-restart"])
async def test_overview_and_timeline_have_the_same_columns(
    console: Open, folder: str, size: tuple[int, int]
):
    async with console(SAMPLES / folder, size=size) as c:
        await c.press("2")
        assert c.lines[3] == c.lines[5], "the axes"
        assert " all " in c.lines[4]
        holes = [line for line in c.lines if line.startswith(" black hole →")]
        for line in holes:
            trouble = c.lines[2].replace("✗", " ").rstrip()
            assert abs(trouble.index("░") - line.index("░")) <= 1
            assert abs(trouble.index("▓") - line.index("▓")) <= 1


async def test_the_detail_of_a_peer_has_the_columns_of_the_overview_too(console: Open):
    async with console(SAMPLES / "ikev1-dead-peer", size=(200, 60)) as c:
        axes = [line for line in c.lines if line.startswith(" UTC")]
        assert len(axes) == 2
        assert axes[0] == axes[1]


@pytest.mark.parametrize("size", [(80, 24), (132, 43), (200, 60)])
async def test_traffic_that_goes_one_way_only_is_lower_in_the_overview(
    console: Open, size: tuple[int, int]
):
    async with console(SAMPLES / "ikev2-peer-restart" / "capture.pcap", size=size) as c:
        bar, trouble = c.lines[1], c.lines[2]
        middle = (trouble.index("▓") + trouble.rindex("▓")) // 2
        assert bar[middle] < bar[1 + LABEL + 3]


async def test_the_overview_marks_what_the_timeline_shows(console: Open):
    async with console(DEAD, size=(80, 24)) as c:
        await c.press("2")
        assert tuple(c.app.model.window or ()) == tuple(c.app.model.span)
        await c.press("plus", "plus")
        assert re.search(r"8\.5 s of 33\.9 s", c.lines[4])
        window = c.app.model.window
        assert window is not None
        assert window != c.app.model.span
        overview = c.app.query_one(Overview)
        marked = [
            span for span in overview.texts[2].spans if span.style == overview.palette.selected
        ]
        assert marked
        start, end = c.app.model.span
        cells = overview.size.width - LABEL
        first = LABEL + (window.start_ns - start) * cells // (end - start)
        assert (marked[0].start, marked[0].end) == (
            first,
            LABEL + (window.end_ns - start) * cells // (end - start) + 1,
        )
        await c.press("1")
        assert not [
            span for span in overview.texts[2].spans if span.style == overview.palette.selected
        ]


async def test_a_click_on_the_overview_is_about_the_cell_under_the_mouse(console: Open):
    async with console(DEAD, size=(80, 24)) as c:
        overview = c.app.query_one(Overview)
        x = c.lines[3].index("│")
        await c.pilot.mouse_down("#overview", offset=(x, 2))
        await c.pilot.mouse_up("#overview", offset=(x + 6, 2))
        await c.settle()
        chosen = c.app.model.range_ns
        assert chosen is not None
        reversed_cells = [s for s in overview.texts[2].spans if getattr(s.style, "reverse", False)]
        assert reversed_cells[0].start == x - 1, "the widget has a blank at its left"


async def test_a_peer_that_was_there_shortly_has_the_room_and_a_mark(console: Open, tmp_path: Path):
    from tests.scenarios.timeline import capture

    path = tmp_path / "two.pcap"
    path.write_bytes(
        capture(
            "0 a>b v2 handshake\n5..600/5 a>b liveness 2+\n5.01..600/5 b>a liveness 2+ resp\n"
            "300 c>b v2 handshake sa=2\n307..320/5 c>b liveness 2+ sa=2\n"
        )
    )
    async with console(path) as c:
        short = next(p for p in c.app.model.peers if "192.0.2.3" in (p.local, p.remote))
        c.app.choose_peer(short.id)
        await c.press("2")
        assert re.search(r"\d+\.\d s of 9 min", c.lines[4])
        assert c.app.model.window != c.app.model.span


async def test_a_low_screen_keeps_the_cursor_and_counts_what_it_does_without(console: Open):
    async with console(SAMPLES / "ikev1-dead-peer", size=(60, 12)) as c:
        await c.press("2")
        assert "column of" in c.text
        assert re.search(r"… no room for log, expected →", c.text)
        for lane in (" state ", " probes →", " black hole →"):
            assert any(line.startswith(lane) for line in c.lines), lane
        assert c.app.query_one(TimelineView).list.size.height >= 2


TWO_PEERS = """\
0 a>b v2 handshake
5..60/5 a>b liveness 2+
5.01..60/5 b>a liveness 2+ resp
5..90/1 a>b esp out1
5.5..60/1 b>a esp in1
65..68/1 a>b liveness 13
1 c>b v2 handshake sa=2
7..60/5 c>b liveness 2+ sa=2
7.01..60/5 b>c liveness 2+ sa=2 resp
5..90/1 c>b esp out2
5.5..90/1 b>c esp in2
"""


@pytest.mark.parametrize("size", [(132, 43), (200, 60)])
async def test_all_lanes_of_selected_peers_are_drawn_where_there_is_room(
    console: Open, tmp_path: Path, size: tuple[int, int]
):
    from tests.scenarios.timeline import capture

    path = tmp_path / "two.pcap"
    path.write_bytes(capture(TWO_PEERS))
    async with console(path, size=size) as c:
        alone: Counter[str] = Counter()
        for _ in range(2):
            await c.press("2")
            alone += _lanes(c)
            await c.press("1", "down")
        assert alone["ESP →"] == 2
        await c.press("g", "space", "space", "2")
        assert _lanes(c) == alone
        assert "no room" not in c.text


async def test_lanes_of_selected_peers_without_room_are_named(console: Open, tmp_path: Path):
    from tests.scenarios.timeline import capture

    path = tmp_path / "two.pcap"
    path.write_bytes(capture(TWO_PEERS))
    async with console(path, size=(80, 24)) as c:
        await c.press("g", "space", "space", "2")
        shown = _lanes(c)
        assert shown["state"] == 2
        said = next(line for line in c.lines if "no room for" in line)
        for lane in ("rhythm ←", "ESP →", "ESP ←"):
            assert shown[lane] == (0 if lane in said else 2), lane


def _lanes(c: Console) -> Counter[str]:
    """How often each lane stands in the drawing."""
    names = ("state", "rhythm →", "rhythm ←", "probes →", "probes ←", "ESP →", "ESP ←",
             "black hole →", "black hole ←")  # fmt: skip
    return Counter(n for n in names for line in c.lines if line.strip().startswith(n + " "))


async def test_selected_peers_without_room_are_counted(console: Open):
    async with console(SAMPLES, size=(80, 20)) as c:
        await c.press("space", "space", "space", "2")
        peer = c.app.model.peer
        assert peer is not None
        assert re.search(r"… no room for \d+ more selected peers?, log, ", c.text)
        assert sum(line == f" {peer.local} → {peer.remote}" for line in c.lines) == 1
        assert "column of" in c.text
    async with console(SAMPLES, size=(80, 40)) as c:
        await c.press("space", "space", "space", "2")
        assert "no room" not in c.text
        assert c.text.count("\n state ") == 3


async def test_peers_one_above_the_other_are_folded_together(console: Open):
    async with console(SAMPLES, size=(132, 43)) as c:
        await c.press("space", "space", "space", "2", "C")
        lasted_ns = [fold.end_ns - fold.start_ns for fold in scale_of(c).folds]
        assert max(lasted_ns) > 370 * 86_400 * 10**9
        assert f"{duration(sum(lasted_ns))} folded" in c.lines[4]


# --- SAs ------------------------------------------------------------------------------------


async def test_a_rekey_and_a_new_beginning_are_seen(console: Open, tmp_path: Path):
    from tests.scenarios.timeline import capture

    async with console(SAMPLES / "ikev2-peer-restart" / "capture.pcap", size=(80, 24)) as c:
        await c.press("2")
        lane = next(line for line in c.lines if line.startswith(" new SAs"))
        assert lane.split()[2:] == ["IE"], "ESP comes a little later"
        state = next(line for line in c.lines if line.startswith(" state"))
        assert abs(lane.index("I", LABEL) - state.index("✗")) <= 1
    async with console(DEAD, size=(80, 24)) as c:
        await c.press("2")
        assert "new SAs" not in c.text
    path = tmp_path / "rekey.pcap"
    path.write_bytes(
        capture(
            "0 a>b v2 handshake\n0.5..30/0.5 a>b esp out1\n0.6..30/0.5 b>a esp in1\n"
            "30 a>b create-child 2\n30.02 b>a create-child 2 resp\n30.1 a>b delete 3\n"
            "30.12 b>a delete 3 resp\n30.2..60/0.5 a>b esp out2\n30.3..60/0.5 b>a esp in2\n"
        )
    )
    async with console(path, size=(80, 24)) as c:
        await c.press("2")
        lane = next(line for line in c.lines if line.startswith(" new SAs"))
        assert set(lane.split()[2:]) <= {"E", "EE"}
        assert "E" in lane[LABEL:]


async def test_times_are_since_a_mark_only_where_there_is_one(console: Open):
    async with console(DEAD, size=(132, 43)) as c:
        await c.press("2", "T", "T", "T", "T")
        assert "times: UTC (m marks a moment to count from)" in c.lines[-1]
        await c.press("m", "T", "T", "T", "T")
        c.app.unsay()
        c.app.bars()
        await c.settle()
        assert c.lines[-1].endswith("since the mark")


async def test_the_timeline_shows_the_one_peer_that_is_marked(console: Open, tmp_path: Path):
    from tests.scenarios.timeline import capture

    path = tmp_path / "two.pcap"
    path.write_bytes(capture(TWO_PEERS))
    async with console(path) as c:
        marked = c.app.model.peer_id
        await c.press("space")
        assert c.app.model.peer_id != marked
        await c.press("2")
        assert c.app.model.peer_id == marked


async def test_all_of_the_time_is_the_peers_first_and_then_that_of_the_inputs(console: Open):
    inputs = [SAMPLES / name / "capture.pcap" for name in ("ikev2-dead-peer", "ikev2-ipv6-healthy")]
    async with console(*inputs) as c:
        await c.press("2", "plus", "plus", "F")
        assert "F again shows all there is" in c.lines[-1]
        view = c.app.query_one(TimelineView)
        assert view.shown_window != c.app.model.span
        await c.press("F")
        assert view.shown_window == c.app.model.span
        assert "all of the time is shown" in c.lines[-1]
        await c.press("F")
        assert view.shown_window != c.app.model.span


async def test_an_sa_counts_no_longer_than_the_capture_that_shows_it(console: Open):
    inputs = [SAMPLES / name / "capture.pcap" for name in ("ikev2-healthy", "ikev2-brief-outage")]
    async with console(*inputs) as c:
        (peer,) = c.app.model.peers
        assert len(peer.ike_sas) == 2
        await c.press("2")
        first, last = peer.ike_sas
        assert first.initiator_spi[:8] in c.text
        c.app.go_to_moment(last.last_ns)
        await c.press(*["plus"] * 6)
        assert first.initiator_spi[:8] not in c.text
        assert f"IKEv2 {last.initiator_spi[:8]}" in c.text


@pytest.mark.parametrize("view", ["2", "3"])
async def test_a_distance_is_told_once(console: Open, view: str):
    async with console(DEAD) as c:
        await c.press(view)
        assert re.search(" time +after ", c.text)
        await c.press(*["T"] * 3)
        assert "since the event before" in c.lines[-1]
        assert not re.search(" time +after ", c.text)
        assert re.search(r"\+5\.00\d s ", c.text)


async def test_what_a_log_tells_to_the_second_has_no_decimals_anywhere(
    console: Open, tmp_path: Path
):
    whole = (SAMPLES / "ios-dead-peer-terminal" / "console.txt").read_text()
    log = tmp_path / "console.txt"
    log.write_text(re.sub(r"^(\*?\w{3} +\d+ [\d:]{8})\.\d+", r"\1", whole, flags=re.MULTILINE))
    async with console(log, size=(120, 44)) as c:
        assert "  09:14:22        +0 s  last proof from 198.51.100.9" in c.text
        assert "  09:14:32       +10 s  first R-U-THERE, no answer" in c.text
        assert re.search(r"3 of 4 questions answered, 4\s+│.*\n   retries, < 1 s ", c.text)
        await c.press("greater_than_sign")
        assert "< 1 s" in next(line for line in c.lines if line.startswith(" ✗ dead"))
        for view in "123":
            await c.press(view)
            for mode in range(4):
                assert not re.search(r"\d:\d\d\.\d|\d\.\d{3} s", c.text), (view, mode, c.text)
                await c.press("T")
