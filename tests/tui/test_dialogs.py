"""Copying, exporting, inputs and further files."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.widgets import Input

from analyzers.configs.vendors import parse_given
from analyzers.session import SessionOptions
from dpdlab.cli import main
from dpdlab.tui.exporting import EXPORTERS, Matter, default_path, write
from dpdlab.tui.views import policy_cells
from tests.tui.conftest import SAMPLES, Opened

Capture = pytest.CaptureFixture[str]
Open = Callable[..., Opened]
DEAD = SAMPLES / "ikev1-dead-peer" / "capture.pcap"
LOG = SAMPLES / "ikev1-dead-peer" / "charon-a.log"
HEALTHY = SAMPLES / "ikev2-healthy" / "capture.pcap"


async def test_an_event_is_copied_in_every_form(console: Open):
    async with console(DEAD) as c:
        await c.press("3", "w", "y")
        for name in ("text", "JSON", "Wireshark filter", "BPF"):
            assert name in c.text
        await c.press("2")
        copied = json.loads(c.app.clipboard)
        assert copied["outcome"] == "unanswered"


async def test_what_would_be_copied_is_cut_with_a_mark_and_goes_on_below_itself(console: Open):
    async with console(DEAD, size=(80, 24)) as c:
        await c.press("y")
        lines = [line.partition("│")[2].rpartition("│")[0] for line in c.lines]
        first = next(n for n, line in enumerate(lines) if "2 JSON" in line)
        column = lines[first].index("{")
        said = [lines[first]]
        for line in lines[first + 1 :]:
            if "3 Wireshark" in line:
                break
            assert not line[:column].strip()
            said.append(line)
        assert len(said) > 1
        assert said[-1].rstrip().endswith("…")
        await c.press("2")
        assert "JSON is copied: {" in c.lines[-1]
        assert "…" in c.lines[-1]


@pytest.mark.parametrize("size", [(80, 24), (132, 43)])
async def test_choices_from_the_tenth_on_stand_below_the_others(
    console: Open, size: tuple[int, int]
):
    async with console(DEAD, size=size) as c:
        await c.press("v", "end")
        rows = [m for line in c.lines if (m := re.search(r"│ *(\d+) (\w[^✓│]*)(✓)", line))]
        assert {len(m[1]) for m in rows} == {1, 2}, c.text
        assert len({m.start(2) for m in rows}) == 1
        assert len({m.start(3) for m in rows}) == 1


async def test_a_peer_is_copied_as_a_filter(console: Open):
    async with console(DEAD) as c:
        await c.press("y", "4")
        assert c.app.clipboard == "host 192.0.2.1 and host 192.0.2.2"


@pytest.mark.parametrize("place", range(len(EXPORTERS)), ids=[e.name for e in EXPORTERS])
async def test_every_format_is_written(console: Open, tmp_path: Path, place: int, monkeypatch):
    monkeypatch.chdir(tmp_path)
    async with console(DEAD) as c:
        await c.press("s", str(place + 1))
        await c.press("enter")
        await c.until(lambda: "is written" in c.lines[-1])
        (written,) = tmp_path.iterdir()
        assert written.suffix == EXPORTERS[place].suffix
        assert written.stat().st_size > 200


def test_what_comes_through_a_pipe_has_a_name_that_is_no_option():
    assert default_path(EXPORTERS[0], ["-"]) == "dpdlab-html.html"


async def test_the_text_is_that_of_the_command_line(
    console: Open,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.chdir(tmp_path)
    async with console(DEAD) as c:
        await c.press("s", str([e.name for e in EXPORTERS].index("text") + 1), "enter")
        await c.until(lambda: "is written" in c.lines[-1])
    assert main(["report", str(DEAD)]) == 0
    assert (tmp_path / "capture-text.txt").read_text() == capsys.readouterr().out


async def test_a_file_has_what_the_same_filter_gives_on_the_command_line(
    console: Open,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.chdir(tmp_path)
    async with console(DEAD) as c:
        await c.press("f", *"kind:black-hole", "enter")
        await c.press("s", str([e.name for e in EXPORTERS].index("JSON") + 1), "enter")
        await c.until(lambda: "is written" in c.lines[-1])
    assert main(["report", "--format", "json", "-Y", "kind:black-hole", str(DEAD)]) == 0
    assert (tmp_path / "capture-json.json").read_text() == capsys.readouterr().out


async def test_packets_have_the_comments_that_the_same_filter_gives_on_the_command_line(
    console: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """What a filter hides still says what the packets are that it leaves."""
    monkeypatch.chdir(tmp_path)
    async with console(DEAD) as c:
        await c.press("f", *"kind:finding", "enter")
        await c.press("s", str([e.name for e in EXPORTERS].index("pcapng") + 1), "enter")
        await c.until(lambda: "is written" in c.lines[-1])
    assert main(["export", str(DEAD), "-Y", "kind:finding", "-w", "cli.pcapng"]) == 0
    assert Path("capture-pcapng.pcapng").read_bytes() == Path("cli.pcapng").read_bytes()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Markdown", "write Markdown  1 peer, 1 black hole, 1 finding"),
        ("JSON", "write JSON  1 peer, 1 black hole, 1 finding, 1 exchange"),
        ("CSV", "write CSV  1 row"),
        ("pcapng", "write pcapng  the packets behind 1 peer, 1 black hole, 1 finding, 1 exchange;"),
        ("ladder", "write ladder  192.0.2.1 and 192.0.2.2"),
    ],
)
async def test_what_is_written_and_where_is_told_before_and_after(
    console: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, told: str
):
    monkeypatch.chdir(tmp_path)
    async with console(DEAD, size=(160, 43)) as c:
        await c.press("s", str([e.name for e in EXPORTERS].index(name) + 1))
        await c.until(lambda: told in c.text)
        assert f"into {tmp_path}, or a path of your own" in c.text
        assert not list(tmp_path.iterdir())
        await c.press("enter")
        await c.until(lambda: "is written" in c.lines[-1])
        (written,) = tmp_path.iterdir()
        size = written.stat().st_size
        assert f"{written.name} is written, {size:,} bytes, into {tmp_path}" in c.lines[-1]


async def test_what_a_filter_leaves_is_counted(console: Open):
    async with console(DEAD) as c:
        await c.press("f", *"kind:finding", "enter", "s", "6")
        await c.until(lambda: "write CSV  0 rows" in c.text)


async def test_an_input_is_not_overwritten(console: Open, tmp_path: Path):
    copy = tmp_path / "mine.pcap"
    copy.write_bytes(DEAD.read_bytes())
    async with console(copy) as c:
        await c.press("s", "1")
        await c.press(*["backspace"] * 40, *str(copy))
        await c.press("enter")
        assert "is an input" in c.text
        await c.press("escape")
    assert copy.read_bytes() == DEAD.read_bytes()


async def test_a_file_that_is_there_is_replaced_after_a_second_enter(
    console: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    known = tmp_path / "capture-markdown.md"
    known.write_text("x" * 12_000)
    async with console(DEAD, size=(80, 24)) as c:
        await c.press("s", "2", "enter")
        assert "replace capture-markdown.md?" in c.text
        assert "12 kB" in c.text
        assert max(map(len, c.lines)) <= 80
        await c.press("escape")
        assert known.read_text() == "x" * 12_000
        # Another name is another question.
        await c.press("s", "2", "enter", "end", "x", "backspace", "enter")
        assert "replace capture-markdown.md?" in c.text
        await c.press("enter")
        await c.until(lambda: "is written" in c.lines[-1])
    assert known.read_text().startswith("#")


async def test_a_further_file_is_read(console: Open):
    async with console(DEAD) as c:
        await c.press("o")
        await c.press(*str(LOG), "enter")
        await c.until(lambda: c.app.model.done and len(c.app.model.whole.sources) == 2)
        assert "correlated" in str(c.app.model.whole.peers)


@pytest.mark.parametrize("key", ["question_mark", "ctrl+p", "x", "i", "o", "f10"])
async def test_what_opens_fits_another_size_too(console: Open, key: str):
    async with console(DEAD, size=(120, 36)) as c:
        await c.press(key)
        for size in ((80, 24), (160, 50)):
            await c.pilot.resize_terminal(*size)
            await c.settle()
            assert len(c.app.screen_stack) == 2
            assert c.app.is_running
            assert len(c.lines) == size[1]
            # What is below shines through in the new size.
            assert "dpdlab" in c.lines[0]
            assert max(map(len, c.lines)) <= size[0]


async def test_tab_completes_a_path(console: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "captures of today").mkdir()
    for name in ("hub.pcap", "hub.log", ".hidden"):
        (tmp_path / "captures of today" / name).write_bytes(DEAD.read_bytes())
    async with console(DEAD, size=(80, 24)) as c:
        await c.press("o", *"cap", "tab")
        line = c.app.screen.query_one(Input)
        assert line.value == "captures of today/"
        await c.press("tab")
        assert line.value == "captures of today/hub."
        assert "hub.log  hub.pcap" in c.text
        assert ".hidden" not in c.text
        await c.press("p", "tab")
        assert line.value == "captures of today/hub.pcap"
        assert "hub.log" not in c.text
        await c.press("enter")
        await c.until(lambda: c.app.model.done and len(c.app.model.whole.sources) == 2)


async def test_inputs_show_their_clocks_and_can_be_moved(console: Open):
    async with console(DEAD, LOG) as c:
        await c.press("i")
        assert "charon-a.log" in c.text
        assert "250 packets" in c.text
        assert "put right" in c.text
        await c.press("down", "enter")
        await c.press("backspace", *"3600", "enter")
        await c.until(lambda: c.app.model.done)
        assert list(c.app.options.clocks.offsets_ns.values()) == [3600 * 10**9]


async def test_a_clock_that_was_set_by_hand_is_named_even_that_of_the_reference(console: Open):
    async with console(DEAD, LOG, size=(80, 24)) as c:
        await c.press("i", "enter", *"3600", "enter")
        await c.until(lambda: c.app.model.done and c.app.model.clock_by_hand)
        await c.press("i")
        assert "clock set by hand: 1 h added to its times" in c.text
        # What is in force is what is edited.
        await c.press("enter")
        assert "3600" in c.lines[-1]


async def test_a_clock_that_was_set_by_hand_is_automatic_again_where_nothing_is_given(
    console: Open,
):
    async with console(DEAD, LOG, size=(80, 24)) as c:
        await c.press("i", "enter", *"3600", "enter")
        await c.until(lambda: c.app.model.done and c.app.model.clock_by_hand)
        await c.press("i", "enter")
        assert "empty: automatic" in c.text
        await c.press("ctrl+u", "enter")
        await c.until(lambda: c.app.model.done and not c.app.model.clock_by_hand)
        assert not c.app.options.clocks.offsets_ns


async def test_a_clock_that_was_set_by_hand_against_the_messages_is_doubted(console: Open):
    async with console(DEAD, LOG, size=(132, 43)) as c:
        await c.press("i", "down", "enter", "backspace", *"2.5", "enter")
        await c.until(lambda: c.app.model.done and c.app.model.clock_by_hand)
        await c.settle()
        doubt = re.search(r"s2: contradicts \d+ .*message IDs of s1 by 2.5 s", c.text)
        assert doubt, c.text
        assert "(i changes it)" in c.text
        await c.press("1")
        assert "clock by hand, contradicted" in c.lines[-1]
        assert not c.app.model.damaged
        await c.press("i")
        assert re.search(r"! clock by hand: contradicts \d+ .*message IDs of s1 by 2.5 s", c.text)


async def test_the_palette_does_what_keys_do(console: Open):
    async with console(HEALTHY) as c:
        await c.press("ctrl+p")
        await c.press(*"Timeline")
        await c.pilot.pause(0.3)
        await c.press("enter")
        await c.until(lambda: c.app.view.title == "timeline")


async def test_the_filter_prompt_tells_examples_from_what_is_in_force(console: Open):
    async with console(DEAD) as c:
        await c.press("f")
        assert "such as peer:198.51.100.* state:dead" in c.text
        await c.press(*"sev>=error", "enter")
        await c.press("f")
        assert "empty shows all" in c.text
        assert "198.51.100" not in c.text
        await c.press("escape")


async def test_what_is_wrong_with_a_filter_is_told_before_enter(console: Open):
    async with console(DEAD) as c:
        await c.press("f", *"sev>=foo")
        await c.pilot.pause(1.0)
        await c.settle()
        assert "no value 'foo'" in c.text
        await c.press(*["backspace"] * 3, *"error")
        await c.pilot.pause(1.0)
        await c.settle()
        assert "no value" not in c.text
        await c.press("escape")


async def test_lines_that_nothing_understands_belong_to_the_time_of_a_log(
    console: Open, tmp_path: Path
):
    path = tmp_path / "own.log"
    last = LOG.read_text(encoding="utf-8").splitlines()[-1]
    day = last.split()[0]
    path.write_text(
        LOG.read_text(encoding="utf-8") + f"{day} 23:59:58.000 16[NET] some other line\n",
        encoding="utf-8",
    )
    async with console(DEAD, path, size=(132, 43)) as c:
        await c.until(lambda: c.app.model.log is not None)
        await c.press("i")
        assert "to 23:59:58" in c.text


async def test_packets_of_a_capture_that_shrank_are_not_exported(console: Open, tmp_path: Path):
    capture, target = tmp_path / "copy.pcap", tmp_path / "out.pcapng"
    capture.write_bytes(DEAD.read_bytes())
    async with console(capture, LOG) as c:
        capture.write_bytes(DEAD.read_bytes()[:3000])
        pcapng = next(one for one in EXPORTERS if one.name == "pcapng")
        app = c.app
        said = write(pcapng, str(target), Matter(
            app.model.whole, app.model.whole, app.inputs, app.options, None, app.captures
        ))  # fmt: skip
        assert "out.pcapng is not written: " in said
        assert "behind the report are not there any more (the capture has changed" in said
    assert not target.exists()


async def test_what_cannot_be_written_is_said_without_internals(console: Open, tmp_path: Path):
    async with console(DEAD) as c:
        app = c.app
        matter = Matter(app.model.whole, app.model.whole, app.inputs, app.options, None)
        said = write(EXPORTERS[1], "/proc/x.md", matter)
        assert said == "/proc/x.md is not written: No such file or directory"


async def test_a_policy_that_fits_no_peer_is_said_in_the_console(console: Open):
    options = SessionOptions(policies=(parse_given("cisco-ios interval=10 mode=periodic"),))
    async with console(HEALTHY, options=options, size=(160, 50)) as c:
        fits_not = "--policy cisco-ios fits no peer: it is one of IKEv1, and IKEv2 was seen."
        assert "given and not used: 1 (i)" in c.lines[-1]
        await c.press("i")
        assert f"! {fits_not}" in c.text
        await c.press("escape")
        told = [
            t.plain for t in policy_cells.lines(c.app.model.peers[0], c.app.model, c.app.colours)
        ]
        assert [line for line in told if fits_not in line]
        assert not [line for line in told if "nobody says" in line]


async def test_keys_are_no_input_that_can_be_opened(console: Open):
    async with console(HEALTHY) as c:
        await c.press("o", *"ikev2_decryption_table", "enter")
        assert "ikev2_decryption_table holds keys: start with --keys" in c.text
