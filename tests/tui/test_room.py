"""Small screens: what matters stays, and what is cut has a mark."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from dpdlab.tui.dialogs.help import HelpScreen
from tests.tui.conftest import SAMPLES, Opened

Open = Callable[..., Opened]
DEAD = SAMPLES / "ikev1-dead-peer" / "capture.pcap"
TERMINAL = SAMPLES / "ios-dead-peer-terminal" / "console.txt"


@pytest.mark.parametrize("view", "123456")
async def test_the_key_of_all_keys_is_always_shown(console: Open, view: str):
    async with console(DEAD, size=(80, 24)) as c:
        await c.press(view)
        assert "… ? help" in c.lines[-1]
        assert "UTC" in c.lines[-1]
    async with console(DEAD, size=(200, 60)) as c:
        await c.press(view)
        assert " ? help" in c.lines[-1]
        assert "…" not in c.lines[-1]


async def test_long_names_leave_the_verdict_its_room(console: Open, tmp_path: Path):
    names = [tmp_path / f"{letter * 60}.pcap" for letter in "abc"]
    for name in names:
        shutil.copy(DEAD, name)
    for inputs, shown in ((names[:1], "aaa… "), (names, "  3 inputs  ")):
        async with console(*inputs, size=(80, 24)) as c:
            assert "1 peer probing" in c.lines[0]
            assert shown in c.lines[0]


async def test_names_give_way_to_the_words_of_the_verdict(console: Open):
    folder = SAMPLES / "ikev1-dead-peer"
    inputs = [folder / name for name in ("capture.pcap", "charon-a.log", "swanctl-a.conf")]
    async with console(*inputs, size=(120, 36)) as c:
        verdict = c.app.model.digest.verdict
        assert verdict is not None
        assert verdict.parts[1].text in c.lines[0]
        assert verdict.parts[2].shorter[-1] in c.lines[0]
        assert " dpdlab  3 inputs " in c.lines[0]


async def test_how_long_the_black_hole_was_is_told_at_80_columns(console: Open):
    async with console(DEAD, size=(80, 24)) as c:
        assert "1 peer probing (inferred) · black hole 14.7 to 19.8 s · …" in c.lines[0]


async def test_the_head_of_the_log_is_cut_with_a_mark(console: Open, tmp_path: Path):
    log = tmp_path / ("console-" * 9 + ".txt")
    shutil.copy(TERMINAL, log)
    async with console(log, size=(80, 24)) as c:
        await c.press("5")
        assert c.lines[4].endswith("…")


async def test_what_has_no_times_has_no_room_for_them(console: Open, tmp_path: Path):
    log = tmp_path / "untimed.log"
    log.write_text(
        "ISAKMP (1001): received packet from 192.0.2.2 dport 500 sport 500 Global (I) QM_IDLE\n"
    )
    async with console(log, size=(80, 24)) as c:
        assert c.lines[1] == " no times in these inputs"
        assert c.lines[2].startswith(" state")
    async with console(DEAD, size=(80, 24)) as c:
        assert c.lines[3].startswith(" UTC")


@pytest.mark.parametrize(("view", "wanted"), [("3", "black hole"), ("4", "! → 192.0.2.2")])
async def test_low_screens_keep_rows_of_the_list(console: Open, view: str, wanted: str):
    async with console(DEAD, size=(60, 12)) as c:
        await c.press(view)
        rows = next(w for w in c.app.view.query("RowList") if w.id and w.id.endswith("-rows"))
        assert rows.size.height >= 4
        assert wanted in c.text


async def test_labels_of_a_detail_stand_apart_from_what_they_say(console: Open):
    async with console(DEAD, size=(80, 30)) as c:
        await c.press("3", "b")
        assert "questionable  19:55:02.768" in c.text


async def test_a_heading_goes_on_below_itself(console: Open):
    async with console(SAMPLES / "ikev2-data-plane-dead" / "capture.pcap") as c:
        await c.press("4")
        detail = [line.partition("│")[2] for line in c.lines]
        place = next(n for n, line in enumerate(detail) if "The peer answers" in line)
        assert detail[place + 1].startswith("   gone")


async def test_lines_of_an_input_that_are_too_long_go_on_below_themselves(console: Open):
    async with console(TERMINAL, size=(80, 24)) as c:
        await c.press("i")
        # The axis above has two ticks.
        inside = [line.split("│")[1] for line in c.lines[5:] if line.count("│") == 2]
        assert len(inside) > 2
        assert all(line.startswith("     ") for line in inside[1:] if line.strip())


async def test_of_a_long_path_its_end_is_shown(console: Open, tmp_path: Path):
    folder = tmp_path / ("a-long-name-of-a-folder-" * 3)
    folder.mkdir()
    path = folder / "hub.txt"
    path.write_bytes(TERMINAL.read_bytes())
    async with console(path, size=(80, 24)) as c:
        await c.press("i")
        inside = [line.split("│")[1].rstrip() for line in c.lines if line.count("│") == 2]
        assert inside[0].startswith(" s1  ...")
        assert inside[0].endswith("/hub.txt")
        assert inside[1].startswith("     cisco-isakmp")


async def test_keys_stand_apart_from_what_they_do(console: Open):
    async with console(DEAD) as c:
        await c.press("?")
        assert "ctrl+d pagedown  One page down." in c.text


async def test_the_help_explains_the_signs(console: Open):
    async with console(DEAD, size=(80, 24)) as c:
        await c.press("2", "?")
        await c.press("end")
        await c.pilot.pause(1.0)
        for told in ("▓   what is sent is in vain", "┆   a question that the policy", "D   Delete"):
            assert told in c.text
    async with console(DEAD, size=(80, 24), ascii_only=True) as c:
        await c.press("2", "?")
        await c.press("end")
        await c.pilot.pause(1.0)
        assert "#   what is sent is in vain" in c.text


async def test_the_keys_that_move_rows_move_the_help_too(console: Open):
    async with console(DEAD, size=(80, 24)) as c:
        await c.press("?")
        page = c.app.screen
        assert isinstance(page, HelpScreen)
        await c.press("j", "j")
        assert page.pane.top == 2
        await c.press("k")
        assert page.pane.top == 1
        await c.press("ctrl+d")
        assert page.pane.top > 10
        await c.press("G")
        assert page.pane.top == len(page.pane.source) - page.pane.size.height
        await c.press("g")
        assert page.pane.top == 0


@pytest.mark.parametrize("keys", [("2",), ("3",), ("4",), ("5",), ("6",), ("?",), ("i",), ("y",)])
async def test_with_ascii_nothing_else_is_on_the_screen(console: Open, keys: tuple[str, ...]):
    async with console(SAMPLES / "ikev2-dead-peer", size=(80, 24), ascii_only=True) as c:
        await c.press(*keys)
        assert c.text.isascii()


async def test_without_arrows_hints_and_help_name_keys_that_are_there(console: Open):
    async with console(SAMPLES / "ikev2-dead-peer", size=(80, 24), ascii_only=True) as c:
        await c.press("2")
        assert c.lines[-1].startswith(" h earlier l later ")
        await c.press("?")
        page = c.app.screen
        assert isinstance(page, HelpScreen)
        help_text = "\n".join(line.plain for line in page.lines())
        for keys, said in (("down j", "One row down."), ("left h", "A column earlier.")):
            assert re.search(rf"\n  {keys} +{said}", help_text)
        assert "\n  v " in help_text


async def test_moments_of_a_story_go_on_below_their_text(console: Open):
    async with console(DEAD, size=(80, 24)) as c:
        place = next(n for n, line in enumerate(c.lines) if "from here on it may be" in line)
        assert c.lines[place + 1].index("in vain") == c.lines[place].index("192.0.2.1 keeps")


async def test_a_wide_screen_tells_all_of_the_peer_beside_its_story(console: Open):
    async with console(SAMPLES / "ikev1-dead-peer", size=(200, 60)) as c:
        told = c.text
        assert "expected" in c.lines[4] or "findings" in c.lines[4]
        for wanted in (
            "policy of 192.0.2.1",
            "asks      after about 5.1 s  =  on idle 5 s",
            "last proof  19:55:01.750",
            "→ R-U-THERE ID 0x57792ce3 unanswered, 3 × every 5.0 s",
            "IKEv1 a41ac1a6…  ended: peer given up",
            "→ 990b2fae  168 packets",
            "probing 14.9 s",
            "See whether 192.0.2.2 ran then",
        ):
            assert wanted in told


async def test_a_narrow_screen_tells_the_same_below_the_story(console: Open):
    async with console(SAMPLES / "ikev1-dead-peer", size=(80, 40)) as c:
        await c.press(*["right"] * 20)
        assert "policy of 192.0.2.1" in c.text
        assert "168 packets" in c.text


async def test_a_wide_screen_tells_why_and_what_stands_where_a_finding_rests(console: Open):
    async with console(SAMPLES / "ikev1-dead-peer", size=(200, 60)) as c:
        await c.press("4")
        assert "why       The answer is mandatory." in c.text
        assert "frame 200  19:55:11.880  → R-U-THERE ID" in c.text
        await c.press("g")
        assert "peers     192.0.2.1 → 192.0.2.2" in c.text


@pytest.mark.parametrize("view", ["1", "3", "4", "6"])
async def test_texts_wrap_for_another_size_at_once(console: Open, view: str):
    async with console(SAMPLES / "ikev1-dead-peer", size=(80, 24)) as c:
        await c.press(view)
        await c.pilot.resize_terminal(132, 43)
        await c.settle()
        await c.pilot.resize_terminal(200, 60)
        await c.settle()
        wide = c.text
    async with console(SAMPLES / "ikev1-dead-peer", size=(200, 60)) as c:
        await c.press(view)
        assert c.text == wide


async def test_without_scroll_bars_words_say_that_more_follows(console: Open):
    async with console(SAMPLES / "ikev1-dead-peer", size=(80, 24), ascii_only=True) as c:
        assert re.search(r"~ \d+ more lines", c.lines[-2])
        await c.press(*["right"] * 60)
        assert "more lines" not in c.text
        assert "packets" in c.lines[-2]
        await c.press("5")
        await c.until(lambda: "more lines" in c.text)
        assert re.search(r"~ \d+ more lines", c.lines[-2])
        await c.press("G")
        assert "more lines" not in c.text


async def test_the_columns_that_tell_the_story_come_first(console: Open):
    async with console(SAMPLES / "ikev2-peer-restart" / "capture.pcap", size=(80, 24)) as c:
        titles = next(line for line in c.lines if line.startswith(" state"))
        for title in ("state", "remote", "black holes", "last proof", "unansw."):
            assert title in titles
        assert "+9 >" in titles


async def test_the_local_address_is_among_them_where_it_tells_peers_apart(
    console: Open, tmp_path: Path
):
    inputs = [SAMPLES / name / "capture.pcap" for name in ("ikev2-healthy", "ikev2-ipv6-healthy")]
    async with console(*inputs, size=(80, 24)) as c:
        titles = next(line for line in c.lines if line.startswith(" state"))
        assert "local" in titles
