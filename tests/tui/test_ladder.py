"""View 3 on real captures."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from analyzers.model.records import Ref
from analyzers.model.time import NS_PER_SECOND
from analyzers.session import ClockOptions, SessionOptions
from dpdlab.tui.views.ladder import LadderView
from tests.scenarios.timeline import capture
from tests.tui.conftest import SAMPLES, Opened

Open = Callable[..., Opened]
DEAD = SAMPLES / "ikev2-dead-peer" / "capture.pcap"
HEALTHY = SAMPLES / "ikev2-healthy" / "capture.pcap"


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 60)])
async def test_rungs_between_the_two_ends(console: Open, size: tuple[int, int]):
    async with console(DEAD, size=size) as c:
        await c.press("3")
        assert "192.0.2.1" in c.text
        assert "IKE_SA_INIT request" in c.text
        await c.press("e")
        assert "liveness check ID 3" in c.text
        assert "retry 1 of 5" in c.text
        assert max(map(len, c.lines)) <= size[0]


async def test_the_detail_says_what_the_message_is(console: Open):
    async with console(DEAD, size=(132, 43)) as c:
        await c.press("3", "w")
        assert "known by      header, certain" in c.text
        assert "unanswered" in c.text
        assert "[dpd-no-ack]" in c.text


async def test_healthy_exchanges_fold_and_unfold(console: Open):
    async with console(HEALTHY, size=(120, 40)) as c:
        await c.press("3")
        assert "answered questions in" in c.text
        folded = len([x for x in c.lines if "liveness check" in x])
        await c.press("C")
        assert len([x for x in c.lines if "liveness check" in x]) > folded


@pytest.mark.parametrize("sample", ["ikev1-dead-peer", "ikev2-data-plane-dead"])
async def test_distances_are_no_finer_than_the_log_that_tells_them(console: Open, sample: str):
    folder = SAMPLES / sample
    async with console(folder / "capture.pcap", folder / "charon-a.log", size=(132, 60)) as c:
        await c.press("3", "C")
        view = c.app.query_one(LadderView)
        rows = [
            view.list.source.row(n, 132, view.palette).plain for n in range(len(view.list.source))
        ]
        after = [row[13:26] for row in rows]
        assert not any(" ns" in told for told in after), after
        assert any("< 1 ms" in told for told in after)


async def test_a_pair_inside_a_fold_is_unfolded(console: Open):
    async with console(HEALTHY, size=(120, 40)) as c:
        await c.press("3", "slash")
        await c.press(*"ID 6, ans", "enter")
        assert "answered questions in" not in c.text
        await c.press("right_square_bracket")
        assert c.app.model.peer is not None


async def test_the_moment_is_shared_with_the_timeline(console: Open):
    async with console(DEAD) as c:
        await c.press("3", "w")
        at_ns = c.app.model.at_ns
        assert at_ns is not None
        await c.press("2")
        assert c.app.model.at_ns == at_ns


async def test_the_bytes_of_a_message_are_those_of_the_capture(console: Open):
    async with console(DEAD, size=(132, 43)) as c:
        await c.press("3", "g", "r")
        await c.until(lambda: "0000  " in c.text)
        frame = DEAD.read_bytes()[24 + 16 :]
        first = " ".join(f"{byte:02x}" for byte in frame[:8])
        assert first in c.text
        await c.press("r")
        assert "known by" in c.text


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
async def test_tshark_gives_a_second_opinion(console: Open):
    async with console(DEAD, size=(132, 43)) as c:
        await c.press("3", "g", "R")
        await c.until(lambda: "ISAKMP" in c.text)
        for _ in range(80):
            if "Initiator SPI" in c.text:
                break
            await c.press("right")
        assert "Initiator SPI" in c.text
        # A later message is as good as the first one.
        await c.press("R", "down", "R")
        await c.until(lambda: "Exchange type: IKE_SA_INIT" in c.text)


async def test_two_messages_are_compared_field_by_field(console: Open):
    async with console(DEAD, size=(132, 43)) as c:
        await c.press("3", "e", "d")
        assert "space selects two messages" in c.text
        await c.press("space", "down", "space", "d")
        assert "compared" in c.text
        assert "1 at" in c.text
        assert "2 at" in c.text
        assert "= message" in c.text
        await c.press("d")
        assert "compared" not in c.text


async def test_escape_leaves_what_stands_beside_the_ladder_and_then_the_ladder(console: Open):
    async with console(DEAD, size=(132, 43)) as c:
        await c.press("3", "space", "down", "space", "d")
        assert "compared" in c.text
        await c.press("escape")
        assert "compared" not in c.text
        assert c.app.view.title == "ladder"
        await c.press("escape")
        assert c.app.view.title != "ladder"


@pytest.mark.parametrize("key", ["b", "B"])
async def test_the_bytes_of_a_black_hole_are_those_of_what_shows_it(console: Open, key: str):
    async with console(DEAD, size=(132, 43)) as c:
        await c.press("3", "G" if key == "B" else "g", key, "r")
        await c.app.workers.wait_for_complete()
        await c.settle()
        assert "liveness check ID 3" in c.text
        assert "this itself is no packet" in c.text
        assert "0000  " in c.text


async def test_the_bytes_of_the_end_of_a_black_hole_are_those_of_what_came_last(console: Open):
    async with console(DEAD, size=(132, 43)) as c:
        await c.press("3", "G", "r")
        await c.app.workers.wait_for_complete()
        await c.settle()
        assert "0000  " in c.text


async def test_what_only_a_log_knows_is_shown_as_its_line(console: Open):
    async with console(SAMPLES / "ikev1-dead-peer" / "charon-a.log", size=(132, 43)) as c:
        await c.until(lambda: c.app.model.log is not None)
        await c.press("3", "e", "r")
        assert "line 76 of charon-a.log  (the same key goes" in c.text
        assert "76 2026-11-20 19:55:06.880" in c.text
        await c.press("R")
        assert "no packet for tshark; line " in c.text


ONE_WAY = SAMPLES / "ikev1-one-way-loss"


@pytest.mark.parametrize(
    ("ascii_only", "arrow", "lane"),
    [(False, "✗╌╌╌ R-U-THERE-ACK ", "↚"), (True, "X... R-U-THERE-ACK ", "\\")],
)
async def test_answers_that_never_came_are_broken_arrows(
    console: Open, ascii_only: bool, arrow: str, lane: str
):
    inputs = [ONE_WAY / name for name in ("capture.pcap", "charon-a.log", "charon-b.log")]
    options = SessionOptions(keys=(str(ONE_WAY),))
    async with console(*inputs, size=(100, 43), options=options, ascii_only=ascii_only) as c:
        await c.press("3")
        (first, *others) = [line for line in c.lines if arrow in line]
        assert first.rstrip().endswith("s3#83")
        assert len(others) == 2
        await c.press("2")
        assert c.text.count("R-U-THERE-ACK seq 1263316700, did not arrive  s3#") == 3
        (lost,) = [line for line in c.lines if line.startswith(" lost ")]
        assert lost.count(lane) == 3


async def test_the_words_of_a_log_are_found_in_the_ladder(console: Open):
    inputs = [ONE_WAY / name for name in ("capture.pcap", "charon-a.log", "charon-b.log")]
    options = SessionOptions(keys=(str(ONE_WAY),))
    async with console(*inputs, size=(132, 43), options=options) as c:
        await c.press("5")
        await c.until(lambda: c.app.model.log is not None)
        await c.press("3", "g", "slash", *"DPD_ACK", "enter")
        view = c.app.query_one(LadderView)
        assert view._current is not None
        assert view._current.ref == Ref("s3", 83)
        assert "known by      log, certain" in c.text
        # The same reason as in the story of the peer.
        assert "lost          the answer did not leave" in c.text
        # And from the line of the log to the same place.
        await c.press("g", "5", "slash", *"DPD_ACK", "enter", "enter")
        assert c.app.view is view
        assert view._current.ref == Ref("s3", 83)


async def test_all_that_a_contradicted_clock_by_hand_tells_is_marked(console: Open):
    folder = SAMPLES / "ikev1-clean-delete"
    inputs = [folder / name for name in ("capture.pcap", "charon-a.log", "charon-b.log")]
    clocks = ClockOptions(offsets_ns={"charon-b.log": 5 * NS_PER_SECOND})
    async with console(*inputs, size=(100, 40), options=SessionOptions(clocks=clocks)) as c:
        await c.press("3", "C", "G")
        theirs = [line for line in c.lines if re.search(r" s3#\d+", line)]
        assert len(theirs) > 2
        assert all(re.search(r"\d\.\d{3}~", line) for line in theirs)
        assert re.search(
            r"order +not certain: the clock by hand contradicts \d+ .* of s1 by 5.0 s", c.text
        )
        assert "clocks here agree" not in c.text
        # Next to them, what the inputs tell whose clocks do agree is not in doubt.
        assert not any("~" in line for line in c.lines if re.search(r" s1#\d+", line))


async def test_what_a_delete_removed_stands_below_it_and_doubtful_order_is_marked(console: Open):
    folder = SAMPLES / "ikev1-clean-delete"
    inputs = [folder / name for name in ("capture.pcap", "charon-a.log", "charon-b.log")]
    options = SessionOptions(keys=(str(folder),))
    async with console(*inputs, size=(120, 40), options=options) as c:
        await c.press("3", "C", "G")
        rungs = c.lines

        def row(text: str) -> int:
            return next(n for n, line in enumerate(rungs) if text in line)

        assert row("Delete of ESP SA") < row("← Child SA removed")
        assert row("Delete of IKE SA") < row("← IKE SA removed")
        # What both ends did on their own within the same half of a millisecond.
        assert "20:00:45.811~" in rungs[row("← IKE SA removed")]
        assert "20:00:45.811~" in rungs[row("→ IKE SA removed")]
        # The lines of one log have an order, and so has a message that it shows, too.
        assert "20:00:45.811 " in rungs[row("← Child SA removed")]
        assert "order         not certain" in c.text
        assert "agree to 1 ms" in c.text
        await c.press("question_mark", "G")
        assert "by its clock the order is not certain" in c.text


async def test_what_is_no_message_is_compared_with_nothing(console: Open):
    async with console(DEAD, size=(132, 43)) as c:
        await c.press("3", "b", "space", "down", "space", "d")
        assert "the beginning of a black hole is no message" in c.lines[-1]
        assert "compared" not in c.text
        await c.press("down", "space", "d")
        assert "compared  (d goes back)" in c.text


async def test_a_low_screen_has_more_rows_of_the_ladder_than_of_the_detail(console: Open):
    async with console(DEAD, size=(80, 24)) as c:
        await c.press("3")
        view = c.app.query_one(LadderView)
        assert view.list.size.height >= 13
        await c.press("e", "r")
        assert view.detail.size.height >= 8
        assert "0000" in c.text


async def test_a_request_that_nobody_answers_is_trouble_and_its_rung_says_which_time(
    console: Open, tmp_path: Path
):
    path = tmp_path / "vain.pcap"
    path.write_bytes(
        capture(
            "0 a>b v2 sa-init 0\n0.1 b>a v2 sa-init 0 resp\n"
            + "".join(f"{at} a>b v2 auth 1\n" for at in (0.2, 1.2, 3.2))
            + "80 c:4500>a:4500 keepalive\n"
        )
    )
    async with console(path, size=(80, 24)) as c:
        await c.press("3")
        assert "retry 1 of 2 ═" in c.text
        assert "no answ…" not in c.text
        trouble = next(line for line in c.lines if line.startswith(" trouble"))
        assert "↻" in trouble


async def test_a_remark_is_no_lifeline_without_unicode(console: Open):
    async with console(DEAD, size=(100, 34), ascii_only=True) as c:
        await c.press("3")
        remark = next(
            line for line in c.lines if "black hole 192.0.2.1 to 192.0.2.2 begins" in line
        )
        arrow = next(line for line in c.lines if "|---" in line)
        assert remark[arrow.index("|")] == "#"


async def test_an_arrow_reaches_only_who_is_known_to_be_reached(console: Open, tmp_path: Path):
    text = "".join(f"{at} a>b v2 auth 1\n" for at in (0.2, 1.2, 3.2))
    path = tmp_path / "vain.pcap"
    path.write_bytes(
        capture(f"0 a>b v2 sa-init 0\n0.1 b>a v2 sa-init 0 resp\n{text}80 a>b keepalive\n")
    )
    async with console(path, size=(80, 24)) as c:
        await c.press("3")
        rungs = [line for line in c.lines if ("│" in line and "s1#" in line) or "frame" in line]
        assert re.search(r"─►│ ", rungs[0])
        assert re.search(r"─► \? │ ✗", rungs[2])
        assert re.search(r"═► \? │ ✗", rungs[3])


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_a_question_that_did_not_arrive_is_called_one(console: Open, size: tuple[int, int]):
    folder = SAMPLES / "ikev2-brief-outage"
    inputs = [folder / name for name in ("capture.pcap", "charon-a.log", "charon-b.log")]
    async with console(*inputs, size=size) as c:
        await c.press("3", "G", *["up"] * 6)
        asked = next(line for line in c.lines if line.startswith(" 19:57:46.212"))
        assert "liveness check" in asked


async def test_a_line_whose_text_is_told_is_not_told_as_a_place_again(console: Open):
    folder = SAMPLES / "ikev1-dead-peer"
    async with console(folder / "capture.pcap", folder / "charon-a.log", size=(200, 60)) as c:
        await c.press("3", "g")
        await c.until(lambda: "log           s2:" in c.text)
        assert "also at" not in c.text


async def test_what_has_little_room_leaves_out_what_stands_elsewhere(console: Open):
    folder = SAMPLES / "ikev1-dead-peer"
    async with console(folder / "capture.pcap", folder / "charon-a.log", size=(120, 36)) as c:
        await c.press("3")
        assert "─── R-U-THERE 0x57792ce3 ─" in c.text
        assert "▌ black hole 192.0.2.1 to 192.0.2.2 begins" in c.text
        assert "▌ black hole → goes on: capture ends" in c.text
    keys = SessionOptions(keys=(str(folder),))
    async with console(folder / "capture.pcap", size=(120, 36), options=keys) as c:
        await c.press("3")
        assert re.search(r"─── R-U-THERE \d+ ─", c.text)
    folder = SAMPLES / "ikev1-one-way-loss"
    inputs = [folder / name for name in ("capture.pcap", "charon-a.log", "charon-b.log")]
    async with console(*inputs, size=(120, 36)) as c:
        await c.press("3")
        assert "▌ black hole ← goes on: capture ends" in c.text
