"""Views 1 and 2 on real captures: what is on the screen, and what keys do."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from analyzers.model.finding import Finding
from dpdlab.present.events import EventKind
from dpdlab.present.tallies import tally_of
from dpdlab.tui.views.findings import FindingsView
from dpdlab.tui.views.ladder import LadderView
from dpdlab.tui.views.lanes import LABEL
from dpdlab.tui.views.log import LogView
from dpdlab.tui.views.timeline import TimelineView
from tests.tui.conftest import SAMPLES, Console, Opened

Open = Callable[..., Opened]
DEAD = SAMPLES / "ikev1-dead-peer" / "capture.pcap"
HEALTHY = SAMPLES / "ikev2-healthy" / "capture.pcap"


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 60)])
async def test_the_silent_peer_is_seen_at_once(console: Open, size: tuple[int, int]):
    async with console(DEAD, size=size) as c:
        assert "1 peer probing" in c.lines[0]
        assert "↻ probing" in c.text
        assert "192.0.2.2" in c.text
        assert max(map(len, c.lines)) <= size[0]


async def test_the_timeline_shows_state_questions_and_the_black_hole(console: Open):
    async with console(DEAD) as c:
        await c.press("2")
        assert "state" in c.text
        assert "probing" in c.text
        assert "black hole →" in c.text
        assert "R-U-THERE" in c.text
        assert "14.7 to 19.8 s" in c.text


async def test_the_cursor_moves_by_cells_and_by_events(console: Open):
    async with console(DEAD) as c:
        await c.press("2")
        first = c.app.model.at_ns
        await c.press("right")
        second = c.app.model.at_ns
        assert first is not None
        assert second is not None
        assert second > first
        await c.press("full_stop")
        peer = c.app.model.peer
        assert peer is not None
        assert c.app.model.at_ns in [e.at_ns for e in c.app.model.events(peer)]


async def test_zoom_and_fit(console: Open):
    async with console(DEAD) as c:
        await c.press("2")
        wide = c.lines[4]
        await c.press("plus", "plus")
        assert c.lines[4] != wide
        await c.press("F")
        assert c.lines[4] == wide


async def test_there_is_no_zooming_out_of_all_of_the_time(console: Open):
    async with console(DEAD) as c:
        await c.press("2")
        window = c.app.view.shown_window
        await c.press("minus", "minus")
        assert "this is as far as it gets" in c.lines[-1]
        assert c.app.view.shown_window == window


@pytest.mark.parametrize("keys", ["b", "bb", "GB", "GBb"])
async def test_the_window_of_a_black_hole_ends_with_the_input(console: Open, keys: str):
    async with console(DEAD) as c:
        await c.press("2", *keys)
        window = c.app.view.shown_window
        assert window is not None
        span = c.app.model.span
        assert span.start_ns <= window.start_ns
        assert window.end_ns <= span.end_ns
        (hole,) = c.app.model.peers[0].black_holes
        assert window.start_ns <= hole.begin_ns
        assert hole.stop_ns <= window.end_ns


@pytest.mark.parametrize(("to_end", "on", "said"), [("G", "l", "ends"), ("g", "h", "begins")])
async def test_nothing_is_drawn_beyond_the_input(console: Open, to_end: str, on: str, said: str):
    async with console(HEALTHY, size=(100, 30)) as c:
        await c.press("2", "plus", "minus", "minus", to_end, *[on] * 12)
        _is_within_the_input(c)
        assert f"the input {said} here" in c.text
        await c.press("plus", "plus", *[on] * 12, "ctrl+d" if on == "l" else "ctrl+u")
        _is_within_the_input(c)
        await c.press("minus")
        _is_within_the_input(c)


def _is_within_the_input(c: Console) -> None:
    span, window, at_ns = c.app.model.span, c.app.view.shown_window, c.app.model.at_ns
    assert window is not None
    assert at_ns is not None
    assert span.start_ns <= window.start_ns <= at_ns <= window.end_ns <= span.end_ns


async def test_the_pair_of_a_question_is_its_answer(console: Open):
    async with console(HEALTHY) as c:
        await c.press("2", "g")
        while "liveness check ID" not in _row(c):
            await c.press("down")
        asked = _row(c)
        await c.press("right_square_bracket")
        assert "answer to liveness check" in _row(c)
        await c.press("left_square_bracket")
        assert _row(c) == asked


def _row(c: Console) -> str:
    from dpdlab.tui.views.timeline import TimelineView

    view = c.app.query_one(TimelineView)
    return view.list.source.row(view.list.cursor, 200, view.palette).plain


async def test_a_filter_leaves_what_matches_and_an_empty_one_brings_all_back(console: Open):
    async with console(DEAD) as c:
        await c.press("f")
        await c.press(*"peer:203.0.113.1", "enter")
        assert "nothing matches the filter" in c.text
        assert "filter peer:203.0.113.1" in c.lines[-1]
        await c.press("f")
        await c.press(*["backspace"] * 20, "enter")
        assert "192.0.2.2" in c.text


async def test_a_bad_filter_says_where(console: Open):
    async with console(DEAD) as c:
        await c.press("f")
        await c.press(*"pear:1", "enter")
        assert "pear" in c.text
        assert "did you mean peer" in c.text.lower()
        await c.press("escape")


async def test_times_change_everywhere(console: Open):
    async with console(DEAD) as c:
        await c.press("2")
        assert "19:55:01.951" in c.text
        await c.press("T", "T")
        assert "+14.0" in c.text
        assert "since the start" in c.lines[-1]


async def test_search_goes_round(console: Open):
    async with console(DEAD) as c:
        await c.press("2", "slash")
        await c.press(*"retry 2", "enter")
        assert "retry 2 of 2" in _row(c)
        await c.press("N")
        assert "retry" in _row(c)


async def test_help_names_every_key(console: Open):
    async with console(DEAD, size=(120, 60)) as c:
        await c.press("question_mark")
        assert "In the peers view" in c.text
        await c.press("escape")
        assert "In the peers view" not in c.text


@pytest.mark.parametrize(
    ("content", "said"), [(b"", "empty"), (b"hello world\n" * 20, "neither capture")]
)
async def test_what_is_no_input_is_said(console: Open, tmp_path, content: bytes, said: str):
    path = tmp_path / "x.pcap"
    path.write_bytes(content)
    async with console(path) as c:
        assert said in c.text


async def test_configurations_alone_are_no_crash(console: Open):
    async with console(SAMPLES / "configs") as c:
        assert c.app.is_running


async def test_ascii_is_ascii(console: Open):
    async with console(DEAD, ascii_only=True) as c:
        for key in ("1", "2", "3"):
            await c.press(key)
            assert c.text.isascii(), [x for x in c.text if not x.isascii()]


async def test_q_goes_back_and_ctrl_q_leaves(console: Open):
    async with console(DEAD) as c:
        await c.press("2", "q")
        assert c.app.view.title == "peers"
        await c.press("q")
        assert c.app.is_running
        await c.press("ctrl+q")
        assert c.app.return_value == 0


async def test_columns_come_and_go(console: Open):
    async with console(DEAD) as c:
        assert "policy seen" in c.text
        await c.press("v", "6")
        await c.press("escape")
        assert "policy seen" not in c.text
        await c.press("v", "6")
        await c.press("escape")
        assert "policy seen" in c.text


async def test_several_peers_stand_one_above_the_other(console: Open, tmp_path):
    from tests.scenarios.timeline import capture

    path = tmp_path / "two.pcap"
    path.write_bytes(
        capture(
            "0 a>b v2 handshake\n5..60/5 a>b liveness 2+\n5.01..60/5 b>a liveness 2+ resp\n"
            "1 c>b v2 handshake sa=2\n7..60/5 c>b liveness 2+ sa=2\n"
        )
    )
    async with console(path) as c:
        await c.press("g", "space", "space", "2")
        assert "192.0.2.1 → 192.0.2.2" in c.text or "192.0.2.2 → 192.0.2.1" in c.text
        assert "192.0.2.3" in c.text
        assert c.text.count("state ") >= 2


@pytest.fixture
def three_peers(tmp_path: Path) -> Path:
    """A is a hub; the last questions to B find no answer."""
    from tests.scenarios.timeline import capture

    path = tmp_path / "three.pcap"
    path.write_bytes(
        capture(
            "host d 192.0.2.4\nsa 2 by c\nsa 3 by d\n"
            "0 a>b v2 handshake\n5..60/5 a>b liveness 2+\n5.01..55/5 b>a liveness 2+ resp\n"
            "1 c>a v2 handshake sa=2\n7..60/5 c>a liveness 2+ sa=2\n"
            "2 d>a v2 handshake sa=3\n8..60/5 d>a liveness 2+ sa=3\n"
        )
    )
    return path


@pytest.mark.parametrize("key", ["2", "enter"])
async def test_what_is_read_below_the_lanes_is_of_a_peer_that_is_drawn(
    console: Open, three_peers: Path, key: str
):
    async with console(three_peers, size=(120, 50)) as c:
        assert len(c.app.model.peers) == 3
        # Space goes on to the peer below, which nobody has marked.
        await c.press("g", "space", "space")
        marked = c.app.model.selected_peers
        assert c.app.model.peer_id not in marked
        await c.press(key)
        assert c.app.view.title == "timeline"
        assert c.text.count("state  ") == 2
        assert c.app.model.peer_id in marked
        events = c.app.query_one(TimelineView)._events
        peer = c.app.model.peer
        assert peer is not None
        assert events == c.app.model.events(peer)


async def test_a_mark_stands_before_the_peer_and_is_told(console: Open, three_peers: Path):
    async with console(three_peers, size=(120, 50)) as c:
        unmarked = c.lines[5]
        await c.press("g", "space")
        assert "1 peer marked (*): 2 shows it" in c.lines[-1]
        assert c.lines[5].startswith(f" * {unmarked[1:40]}")
        assert c.lines[6].startswith("   ")
        assert c.lines[4].startswith("   state")
        await c.press("space")
        assert "2 peers marked (*): 2 shows them together" in c.lines[-1]


async def test_space_reads_the_next_of_the_peers_that_are_drawn(console: Open, three_peers: Path):
    async with console(three_peers, size=(120, 50)) as c:
        await c.press("g", "space", "space", "2", "plus", "right")
        marked, first = c.app.model.selected_peers, c.app.model.peer_id
        at_ns, window = c.app.model.at_ns, c.app.view.shown_window
        await c.press("space")
        assert {first, c.app.model.peer_id} == marked
        assert (c.app.model.at_ns, c.app.view.shown_window) == (at_ns, window)
        assert c.text.count("state  ") == 2
        await c.press("space")
        assert c.app.model.peer_id == first


async def test_a_way_to_a_peer_that_is_not_marked_leads_to_that_peer(
    console: Open, three_peers: Path
):
    async with console(three_peers, size=(120, 50)) as c:
        await c.press("G", "space", "k", "space", "4", "g")
        (other,) = {peer.id for peer in c.app.model.peers} - c.app.model.selected_peers
        c.app.choose_peer(other)
        c.app.open_view("timeline")
        await c.settle()
        assert c.text.count("state  ") == 1
        assert c.app.model.peer_id == other


async def test_there_is_nothing_to_follow_in_files(console: Open):
    async with console(DEAD) as c:
        at_ns = c.app.model.at_ns
        for key in ("A", "ctrl+l", "ctrl+g"):
            await c.press(key)
            assert "is for live sessions" in c.lines[-1]
        assert (c.app.following, c.app.bell_wanted, c.app.model.at_ns) == (False, False, at_ns)


async def test_a_click_on_the_footer_does_what_its_key_does(console: Open):
    async with console(DEAD) as c:
        footer = c.lines[-1]
        await c.pilot.click("#footer", offset=(footer.index("timeline") + 2, 0))
        await c.settle()
        assert c.app.view.title == "timeline"


async def _drag(c: Console, share_from: float, share_to: float) -> None:
    """Drag over a part of the overview."""
    bar = c.app.query_one("#overview")
    # The widget has a blank before its labels.
    cells = bar.size.width - LABEL
    first, last = (1 + LABEL + int(share * cells) for share in (share_from, share_to))
    await c.pilot.mouse_down("#overview", offset=(first, 0))
    await c.pilot.mouse_up("#overview", offset=(last, 0))
    await c.settle()


async def test_a_range_without_events_says_so_and_how_to_leave_it(console: Open):
    # Between two questions nothing is in it.
    capture = SAMPLES / "ikev1-both-sides" / "capture.pcap"
    async with console(capture, size=(132, 43)) as c:
        start, end = c.app.model.start_ns, c.app.model.end_ns
        asked = sorted(x.first_ns for x in c.app.model.peers[0].exchanges)
        middle = ((asked[0] + asked[1]) / 2 - start) / (end - start)
        await _drag(c, middle - 0.02, middle + 0.02)
        assert c.app.model.silent_range
        assert "nothing happened from " in c.lines[-1]
        assert "F or a click there shows all" in c.lines[-1]
        # The remark goes with the next key, the state stays.
        await c.press("j")
        assert "nothing in these " in c.lines[-1]
        assert "F shows all" in c.lines[-1]
        await c.press("2")
        assert "nothing in these " in c.lines[-1]
        await c.press("F")
        assert c.app.model.range_ns is None
        assert "nothing" not in c.lines[-1]


async def test_a_range_counts_in_every_view_and_the_title_tells_it(console: Open):
    folder = SAMPLES / "ikev1-dead-peer"
    async with console(folder / "capture.pcap", folder / "charon-a.log", size=(132, 43)) as c:
        model = c.app.model
        await c.press("3")
        every = len(c.app.query_one(LadderView).list.source)
        await _drag(c, 0.7, 0.9)
        assert model.range_ns is not None
        assert model.at_ns is not None
        assert model.in_range(model.at_ns)
        for view in "123456":
            await c.press(view)
            assert "only " in c.lines[0]
            assert "F shows all" in c.lines[-1], view
        ladder = c.app.query_one(LadderView)
        await c.press("3")
        assert 0 < len(ladder.list.source) < every
        outside = [e for e in ladder._events if not model.in_range(e.at_ns)]
        begun = (EventKind.HOLE, EventKind.QUESTION)
        assert all(e.kind in begun and e.at_ns < model.range_ns[0] for e in outside)
        await c.press("4")
        found = c.app.query_one(FindingsView)
        shown = [item for item in found._items if isinstance(item, Finding)]
        assert shown
        assert list(model.of_range_findings(shown)) == shown
        everything = len(model.content.findings)
        assert len(shown) == everything
        await _drag(c, 0.05, 0.15)
        assert f"{everything} of other times not shown, F shows all" in c.text
        await _drag(c, 0.7, 0.9)
        await c.press("5")
        log = model.log
        assert log is not None
        rows = c.app.query_one(LogView)._picked
        assert rows is not None
        assert 0 < len(rows) < len(log)
        assert all(model.in_range(log.at_ns(int(row))) for row in rows)
        await c.press("F", "3")
        assert len(ladder.list.source) == every
        assert "F shows all" not in c.text


async def test_a_range_with_events_says_how_to_leave_it(console: Open):
    async with console(SAMPLES / "ikev1-both-sides" / "capture.pcap", size=(132, 43)) as c:
        await _drag(c, 0.0, 0.5)
        assert not c.app.model.silent_range
        assert "only " in c.lines[-1]
        assert "F shows all" in c.lines[-1]


async def test_a_search_goes_on_at_the_beginning(console: Open):
    async with console(SAMPLES / "ikev1-dead-peer", size=(132, 43)) as c:
        await c.press("2", "G", "slash", *"main mode", "enter")
        timeline = c.app.query_one(TimelineView)
        first = timeline.list.cursor
        assert "Main Mode" in timeline._events[first].label
        assert "no match" not in c.text
        await c.press("N")
        assert "no match" not in c.text
        assert timeline.list.cursor > first


async def test_the_header_has_the_policy_of_who_asks(console: Open):
    """The other end asks here, every 3 s; the local policy of 5 s is never acted on."""
    folder = SAMPLES / "ikev1-both-sides"
    inputs = [folder / n for n in ("capture.pcap", "swanctl-a.conf", "swanctl-b.conf")]
    async with console(*inputs, size=(132, 43)) as c:
        await c.press("2")
        (header,) = [line for line in c.lines if "IKEv1" in line]
        assert "← on idle 3 s" in header
        await c.press("6")
        assert "configured at 192.0.2.2" in c.text


@pytest.mark.parametrize(
    ("name", "sign"), [("ikev2-no-dpd-blackhole", "░░"), ("ikev1-dead-peer", "▓▓")]
)
async def test_the_end_of_a_black_hole_has_the_sign_of_what_is_known(
    console: Open, name: str, sign: str
):
    async with console(SAMPLES / name / "capture.pcap") as c:
        await c.press("2", "G")
        rows = [line for line in c.lines if re.search("  black hole .* ends", line)]
        assert sign in rows[-1]


async def test_peers_are_sorted_by_their_addresses_as_numbers(console: Open):
    async with console(HEALTHY) as c:
        (peer,) = c.app.model.peers
        names = ["192.0.2.10", "192.0.2.2"]
        tallies = [tally_of(replace(peer, remote=name)) for name in names]
        assert tallies[0].worst_first > tallies[1].worst_first


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("e", "no peer in trouble below this one"),
        ("W", "no peer worth a look above this one"),
        ("B", "no peer with a black hole above this one"),
    ],
)
async def test_where_no_other_peer_is_what_is_looked_for(console: Open, key: str, said: str):
    async with console(SAMPLES / "ikev1-dead-peer" / "capture.pcap") as c:
        await c.press(key)
        assert said in c.lines[-1]


async def test_what_became_of_questions_is_not_cut_from_the_list(console: Open):
    async with console(SAMPLES / "ikev1-dead-peer" / "capture.pcap", size=(80, 24)) as c:
        await c.press("2", "b", *["down"] * 2)
        for told in ("R-U-THERE 0x57792ce3, unanswered ", "retry 1 of 2, unanswered "):
            assert told in c.text
