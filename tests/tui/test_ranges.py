"""A stretch of time that is chosen counts in every view; what is of all of it is called so."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from dpdlab.tui.bars import Overview
from dpdlab.tui.views.timeline import TimelineView
from tests.scenarios.timeline import capture
from tests.tui.conftest import SAMPLES, Console, Opened

Open = Callable[..., Opened]


async def drag(c: Console, first: int, last: int) -> None:
    """Choose a stretch of time in the overview, from one column of the screen to another."""
    await c.pilot.mouse_down("#overview", offset=(first, 2))
    await c.pilot.mouse_up("#overview", offset=(last, 2))
    await c.settle()


def listed_below(c: Console) -> str:
    """The rows of the timeline's list, as they are on the screen."""
    place = next(n for n, line in enumerate(c.lines) if line.startswith(" column of"))
    return "\n".join(c.lines[place + 1 : -1])


async def test_the_list_is_there_again_after_another_view(console: Open):
    async with console(SAMPLES / "ikev2-dead-peer" / "capture.pcap", size=(100, 30)) as c:
        await c.press("2", "1")
        await drag(c, 30, 60)
        await c.press("2")
        assert "black hole 192.0.2.1 to 192.0.2.2 begins" in listed_below(c)
        await c.press("F")
        assert "IKE_SA_INIT request" in listed_below(c)


async def test_the_list_shows_what_is_of_the_chosen_stretch_only(console: Open):
    async with console(SAMPLES / "ikev2-dead-peer" / "capture.pcap", size=(100, 30)) as c:
        await drag(c, 30, 60)
        await c.press("2")
        told = listed_below(c)
        assert "IKE_SA_INIT" not in told
        assert "black hole 192.0.2.1 to 192.0.2.2 begins" in told
        assert "retry 1 of 5" not in told
        await c.press("b")
        assert "no further black hole" not in c.lines[-1]
        await c.press("F")
        assert "IKE_SA_INIT request" in listed_below(c)


async def test_a_column_outside_of_the_chosen_stretch_is_not_told_as_empty(console: Open):
    async with console(SAMPLES / "ikev2-dead-peer" / "capture.pcap", size=(100, 30)) as c:
        await drag(c, 30, 60)
        await c.press("2", "minus", "minus")
        lane = next(n for n, line in enumerate(c.lines) if line.startswith(" probes →"))
        retry = c.lines[lane].index("↻")
        await c.pilot.click("#lanes", offset=(retry - 1, 2))
        await c.settle()
        assert re.search(r"column of [^\n]*1 retry", c.text)
        assert not c.app.query_one(TimelineView).list.active


async def test_an_empty_stretch_says_so_in_the_list(console: Open):
    async with console(SAMPLES / "ikev2-dead-peer" / "capture.pcap", size=(100, 30)) as c:
        await drag(c, 25, 35)
        await c.press("2")
        assert "in the stretch of time: F shows all" in listed_below(c)
        await c.press("b")
        assert "no black hole in the stretch of time: F shows all" in c.lines[-1]


async def test_peers_say_what_is_not_of_the_chosen_stretch(console: Open):
    async with console(SAMPLES / "ikev2-dead-peer" / "capture.pcap", size=(170, 43)) as c:
        assert "of all of the time" not in c.text
        await drag(c, 30, 60)
        assert re.search(r"counts and traffic are those of [\d.]+ s \(\d of 1 question", c.text)
        assert "all else is of all of the time" in " ".join(c.text.split())
        assert re.search(r"(activity in these|in) [\d.]+ s", c.lines[4])


@pytest.mark.parametrize("size", [(80, 24), (132, 43)])
@pytest.mark.parametrize("view", ["1", "4"])
async def test_a_verdict_on_all_of_the_time_is_called_so(
    console: Open, view: str, size: tuple[int, int]
):
    async with console(SAMPLES / "ikev2-peer-restart" / "capture.pcap", size=size) as c:
        await c.press(view)
        assert "all 35.9 s:" not in c.lines[0]
        await drag(c, 30, 40)
        assert re.search(r"only [\d.]+ s.*  all 35\.9 s: 1 peer alive · 1 black hole", c.lines[0])
        if view == "4":
            assert c.lines[4].startswith(" all 35.9 s: 1 error · ")
        await c.press("F")
        assert "all 35.9 s:" not in c.text


async def test_files_are_said_to_have_all_of_the_time(console: Open):
    async with console(SAMPLES / "ikev2-peer-restart" / "capture.pcap", size=(80, 24)) as c:
        await c.press("s")
        assert " export what is shown " in c.text
        await c.press("escape")
        await drag(c, 30, 40)
        await c.press("s")
        assert " export all of the time, not only 6.2 s " in c.text


async def test_a_verdict_that_has_no_room_is_cut_with_a_mark(console: Open):
    async with console(SAMPLES / "ikev2-peer-restart", size=(80, 24)) as c:
        await c.press("4")
        await drag(c, 70, 75)
        said = " ".join(line.strip() for line in c.lines[4:7])
        assert "3 of other times not shown, F shows all · 1 peer alive · 1 black hole" in said
        assert said.endswith(("started anew", "…"))
        await c.pilot.resize_terminal(132, 43)
        await c.settle()
        assert "16.1 s after the last proof of life · the other end started anew" in " ".join(
            c.text.split()
        )


TWO_HOLES = """\
0 a>b v2 handshake
0.5..10/0.5 a>b esp out1
0.5..10/0.5 b>a esp in1
10.5..18/0.5 a>b esp out1
18.5..60/0.5 a>b esp out1
18.5..60/0.5 b>a esp in1
60.5..70/0.5 a>b esp out1
70.5..90/0.5 a>b esp out1
70.5..90/0.5 b>a esp in1
"""


@pytest.mark.parametrize(("ascii_only", "sign"), [(False, "Σ"), (True, "sum")])
async def test_a_sum_of_black_holes_has_its_sign(
    console: Open, tmp_path: Path, ascii_only: bool, sign: str
):
    path = tmp_path / "two.pcap"
    path.write_bytes(capture(TWO_HOLES))
    async with console(path, size=(132, 43), ascii_only=ascii_only) as c:
        assert re.search(rf" 2, {sign} \S", c.text)
        assert "2 black holes, together" in c.lines[0]


async def test_what_if_is_about_the_black_holes_of_the_chosen_stretch(
    console: Open, tmp_path: Path
):
    path = tmp_path / "two.pcap"
    path.write_bytes(capture(TWO_HOLES))
    async with console(path, size=(132, 43)) as c:
        await c.press("6")
        assert "of 2)" in c.text
        start_ns = c.app.model.start_ns
        for first_s, last_s, wanted in ((5, 30, "b1"), (62, 64, "b2")):
            c.app.model.choose_range((start_ns + first_s * 10**9, start_ns + last_s * 10**9))
            c.app.changed()
            await c.settle()
            said = f"1 of 2 black holes, with all of it: that of these {last_s - first_s}"
            assert said in c.text
            assert "F shows all" in c.text
            assert [n for n in ("b1", "b2") if f" {n} " in c.text] == [wanted]
            await c.press("b")
            assert "no further black hole in the stretch of time: F shows all" in c.lines[-1]
        c.app.model.choose_range((start_ns + 30 * 10**9, start_ns + 40 * 10**9))
        c.app.changed()
        await c.settle()
        assert "2 black holes of other times not shown, F shows all: what to expect" in c.text
        await c.press("b")
        assert "no black hole in the stretch of time: F shows all" in c.lines[-1]
        await c.press("F")
        assert "of 2)" in c.text


async def test_the_timeline_names_the_sa_of_the_time_that_it_shows(console: Open):
    async with console(SAMPLES / "ikev2-peer-restart" / "capture.pcap", size=(132, 43)) as c:
        (peer,) = c.app.model.peers
        first, second = (f"{sa.initiator_spi[:8]}…" for sa in peer.ike_sas)
        await c.press("2")
        assert f"IKEv2 {first}, {second}  " in c.lines[4]
        for begin, end, told in ((30, 50, first), (110, 120, second)):
            await drag(c, begin, end)
            assert f"IKEv2 {told}  " in c.lines[4]
            assert c.lines[4].count("…") == 1


async def test_many_sas_are_counted(console: Open, tmp_path: Path):
    path = tmp_path / "sas.pcap"
    begun = "".join(f"{10 * n} a>b v2 handshake sa={n}\n" for n in (2, 3))
    path.write_bytes(capture(f"0 a>b v2 handshake\n{begun}"))
    async with console(path, size=(80, 24)) as c:
        await c.press("2")
        assert "  3 IKEv2 SAs  " in c.lines[4]
        await drag(c, 15, 20)
        assert re.search(r"  IKEv2 [0-9a-f]{8}…  ", c.lines[4])


async def choose(c: Console, first_s: float, last_s: float) -> None:
    """A stretch of time by seconds after the beginning."""
    start_ns = c.app.model.start_ns
    ends = (start_ns + round(first_s * 10**9), start_ns + round(last_s * 10**9))
    c.app.query_one(Overview).post_message(Overview.Ranged(ends))
    await c.settle()


async def test_the_middle_of_an_outage_has_its_black_hole_its_question_and_its_findings(
    console: Open,
):
    # The black hole begins after 14.1 s, the question after 19 s, its last retry after 29 s.
    async with console(SAMPLES / "ikev2-dead-peer" / "capture.pcap", size=(170, 43)) as c:
        everything = len(c.app.model.content.findings)
        await choose(c, 22, 26)
        (peer,) = c.app.model.peers
        tally = c.app.model.tally(peer)
        assert (tally.probes, tally.unanswered, tally.retries) == (1, 1, 2)
        assert tally.warnings == 1
        await c.press("4")
        assert "no finding is of the stretch" not in c.text
        assert "of other times not shown" not in c.text
        assert len(c.app.model.of_range_findings(c.app.model.content.findings)) == everything
        await c.press("2")
        rows = listed_below(c)
        assert "black hole 192.0.2.1 to 192.0.2.2 begins" in rows
        assert "liveness check ID 3, unanswered" in rows
        assert "retry 3 of 5" in rows
        assert "retry 1 of 5" not in rows
        assert "retry 5 of 5" not in rows
        await c.press("b")
        assert "no black hole" not in c.lines[-1]
        await c.press("F", "3")


async def test_a_black_hole_without_a_message_of_its_own_keeps_its_finding(console: Open):
    folder = SAMPLES / "ikev2-no-dpd-blackhole"
    async with console(folder / "capture.pcap", folder / "swanctl-a.conf") as c:
        (peer,) = c.app.model.peers
        (hole,) = peer.black_holes
        start_ns = c.app.model.start_ns
        middle = ((hole.begin_ns + hole.stop_ns) / 2 - start_ns) / 1e9
        await choose(c, middle, middle + 1)
        kept = c.app.model.of_range_findings(c.app.model.content.findings)
        assert "liveness-not-probed-one-way-out" in [f.rule for f in kept]
        before = (hole.begin_ns - start_ns) / 1e9
        await choose(c, before - 4, before - 3)
        kept = c.app.model.of_range_findings(c.app.model.content.findings)
        assert "liveness-not-probed-one-way-out" not in [f.rule for f in kept]
