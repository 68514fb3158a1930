"""F10: what the settings file holds, changed and kept, with keys and mouse."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from dpdlab import settings
from dpdlab.present.times import TimeMode
from dpdlab.settings.model import ConsoleSettings, ReportSettings
from dpdlab.tui.dialogs.settings import ENTRIES, SettingsScreen
from dpdlab.tui.views.lanes import Lanes
from tests.tui.conftest import SAMPLES, Console, Opened

Open = Callable[..., Opened]
DEAD = SAMPLES / "ikev1-dead-peer" / "capture.pcap"


@pytest.fixture(autouse=True)
def users_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "config" / "dpdlab" / "dpdlab.toml"


async def _to(c: Console, label: str) -> None:
    """The settings, with the cursor on one of them."""
    if not isinstance(c.app.screen, SettingsScreen):
        await c.press("f10")
    labels = [entry.label for entry in ENTRIES]
    await c.press("home", *["down"] * labels.index(label))


def _row(c: Console, label: str) -> str:
    return next(line for line in c.lines if f"  {label} " in line and "│" in line)


def test_every_setting_of_console_and_report_is_there():
    known = {("console", name) for name in ConsoleSettings.model_fields}
    known |= {("report", name) for name in ReportSettings.model_fields}
    assert {entry.key for entry in ENTRIES} == known


async def test_it_fits_the_smallest_terminal(console: Open, users_file: Path):
    async with console(DEAD, size=(80, 24)) as c:
        await c.press("f10")
        for entry in ENTRIES:
            assert entry.label in c.text
            assert entry.told in c.text
        assert "s keeps" in c.text
        assert "0 suppressions" in c.text
        assert max(map(len, c.lines)) <= 80


async def test_what_is_changed_is_kept_and_counts_at_once(console: Open, users_file: Path):
    async with console(DEAD) as c:
        await _to(c, "theme")
        await c.press("right")
        assert c.app.theme == "dpdlab-light"
        await _to(c, "times")
        await c.press("right")
        await _to(c, "bell")
        await c.press("enter")
        await _to(c, "budget")
        await c.press("enter", *"2m", "enter")
        assert "120 s" in _row(c, "budget")
        await _to(c, "our side")
        await c.press("enter", *"192.0.2.2", "enter", "s")
        await c.read()
        assert tomllib.loads(users_file.read_text()) == {
            "console": {"theme": "dpdlab-light", "times": "local", "bell": True},
            "report": {"budget_s": 120.0, "local": ["192.0.2.2"]},
        }
        assert c.app.model.times.mode is TimeMode.LOCAL
        assert c.app.bell_wanted
        assert c.app.options.budget_s == 120.0
        assert [peer.local for peer in c.app.model.peers] == ["192.0.2.2"]
        await c.press("f10")
        assert "120 s" in _row(c, "budget")


async def test_esc_leaves_everything_as_it_was(console: Open, users_file: Path):
    async with console(DEAD) as c:
        await c.press("T")
        await _to(c, "theme")
        await c.press("right")
        await _to(c, "times")
        await c.press("left")
        assert c.app.model.times.mode.name == "MARK"
        await c.press("escape")
        assert c.app.theme == "dpdlab-dark"
        assert c.app.model.times.mode is TimeMode.LOCAL
        assert not users_file.exists()


async def test_ascii_is_tried_and_taken_back(console: Open, users_file: Path):
    async with console(DEAD, size=(80, 24)) as c:
        await _to(c, "only ASCII")
        assert not c.text.isascii()
        await c.press("right")
        assert c.text.isascii(), [line for line in c.lines if not line.isascii()]
        await c.press("escape")
        assert not c.app.model.ascii_only
        assert not c.text.isascii()
        assert not users_file.exists()


async def test_what_a_black_hole_is_is_tried_and_taken_back(console: Open, users_file: Path):
    async with console(DEAD) as c:
        assert sum(len(peer.black_holes) for peer in c.app.model.peers) == 1
        c.app._took_s = 0.1
        await _to(c, "black hole")
        await c.press("enter", *"60", "enter")
        await c.read()
        assert not any(peer.black_holes for peer in c.app.model.peers)
        assert isinstance(c.app.screen, SettingsScreen)
        await c.press("escape")
        await c.read()
        assert sum(len(peer.black_holes) for peer in c.app.model.peers) == 1
        assert not users_file.exists()


async def test_what_takes_long_to_read_is_not_read_to_try_something(
    console: Open, users_file: Path
):
    async with console(DEAD) as c:
        c.app._took_s = 5.0
        options = c.app.options
        await _to(c, "black hole")
        await c.press("enter", *"60", "enter")
        assert c.app.options is options


async def test_values_are_checked_where_they_are_typed(console: Open, users_file: Path):
    async with console(DEAD) as c:
        for label, text, said in (
            ("budget", "0", "greater than 0"),
            ("budget", "soon", "is no duration"),
            ("our side", "hub", "does not appear to be"),
            ("IKE ports", "70000", "less than or equal to 65535"),
            ("IKE ports", "isakmp", "ports are numbers"),
        ):
            await _to(c, label)
            await c.press("enter", *text, "enter")
            assert said in c.text
            await c.press("escape")
        await c.press("s")
        assert not users_file.exists()


async def test_the_mouse_does_it_too(console: Open, users_file: Path):
    async with console(DEAD) as c:
        await c.press("f10")
        row = next(n for n, line in enumerate(c.lines) if "  theme " in line)
        await c.pilot.click(offset=(c.lines[row].index("theme") + 1, row))
        await c.settle()
        assert c.app.theme == "dpdlab-light"
        row = next(n for n, line in enumerate(c.lines) if "s keeps" in line)
        await c.pilot.click(offset=(c.lines[row].index("s keeps") + 2, row))
        await c.settle()
        assert "kept in" in c.lines[-1]
    assert 'theme = "dpdlab-light"' in users_file.read_text()


async def test_only_ascii_from_now_on_and_back(console: Open, users_file: Path):
    async with console(DEAD, SAMPLES / "ikev1-dead-peer" / "charon-a.log") as c:
        for ascii_only in (True, False):
            await _to(c, "only ASCII")
            await c.press("enter", "s")
            for view in "123456":
                await c.press(view)
                assert c.text.isascii() is ascii_only, [x for x in c.lines if not x.isascii()]


async def test_the_timeline_is_drawn_in_other_signs_at_once_and_back(
    console: Open, users_file: Path
):
    drawn = {}
    for ascii_only in (True, False):
        async with console(DEAD, ascii_only=ascii_only) as c:
            await c.press("2")
            drawn[ascii_only] = c.app.query_one(Lanes).texts
    async with console(DEAD) as c:
        await c.press("2")
        for ascii_only in (True, False):
            await _to(c, "only ASCII")
            await c.press("enter", "s")
            assert c.app.query_one(Lanes).texts == drawn[ascii_only]


async def test_what_an_option_says_is_told(console: Open, users_file: Path):
    async with console(DEAD, ascii_only=True, size=(80, 24)) as c:
        await c.press("f10")
        row = next(line for line in c.lines if "only ASCII" in line)
        assert "now yes, by an option" in row
        assert c.text.isascii()


async def test_a_file_that_cannot_be_written_is_said(
    console: Open, tmp_path: Path, users_file: Path
):
    (tmp_path / "config").write_text("a file where the folder would be")
    async with console(DEAD) as c:
        await _to(c, "theme")
        await c.press("right", "s")
        assert "nothing is kept" in c.lines[-1]
        assert c.app.theme == "dpdlab-light"


async def test_without_a_home_everything_counts_for_this_session(
    console: Open, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(settings, "users_file", lambda: None)
    async with console(DEAD) as c:
        for label in ("theme", "only ASCII", "bell"):
            await _to(c, label)
            await c.press("right")
        await _to(c, "budget")
        await c.press("enter", *"2m", "enter", "s")
        assert "nothing is kept: no home" in c.lines[-1]
        await c.read()
        assert c.app.theme == "dpdlab-light"
        assert c.app.model.ascii_only
        assert c.app.bell_wanted
        assert c.app.options.budget_s == 120.0


async def test_the_dark_theme_by_its_name_is_the_one_without(console: Open, users_file: Path):
    users_file.parent.mkdir(parents=True)
    users_file.write_text('[console]\ntheme = "dpdlab-dark"\n')
    async with console(DEAD) as c:
        await _to(c, "theme")
        await c.press("right")
        assert c.app.theme == "dpdlab-light"
        await c.press("left")
        assert c.app.theme == "dpdlab-dark"
        await c.press("s")
        assert "kept" not in c.lines[-1]
    assert users_file.read_text() == '[console]\ntheme = "dpdlab-dark"\n'


async def test_a_file_with_a_mistake_is_said_and_left_alone(console: Open, users_file: Path):
    async with console(DEAD) as c:
        users_file.parent.mkdir(parents=True)
        users_file.write_text("[console]\nthema = 1\n")
        await c.press("f10")
        assert not isinstance(c.app.screen, SettingsScreen)
        assert "console.thema" in c.lines[-1]
