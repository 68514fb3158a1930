"""What is kept from one session to the next, and keys and theme of the user's own."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from analyzers.errors import OptionError
from analyzers.model.time import NS_PER_SECOND
from analyzers.session import ClockOptions, SessionOptions
from dpdlab.present.filter import Filter
from dpdlab.settings.model import Settings, as_toml, load
from dpdlab.tui import state
from dpdlab.tui.actions import ACTIONS
from dpdlab.tui.app import ConsoleApp
from dpdlab.tui.keymap import DEFAULT, keymap_of
from dpdlab.tui.state import State
from dpdlab.tui.views.peers import PeersView
from tests.tui.conftest import SAMPLES, Console

DEAD = SAMPLES / "ikev1-dead-peer" / "capture.pcap"


async def session(path: Path, *keys: str, wanted: Filter | None = None) -> ConsoleApp:
    """One session over the same capture, left by its key."""
    app = ConsoleApp([str(DEAD)], SessionOptions(), state=path, wanted=wanted)
    async with app.run_test(size=(120, 36)) as pilot:
        await Console(app, pilot).read()
        await pilot.press(*keys)
        await pilot.pause()
        await pilot.press("ctrl+q")
    return app


async def test_a_session_goes_on_where_the_last_one_was_left(tmp_path: Path):
    path = tmp_path / "kept.json"
    first = await session(path, "S", "T", "2", "full_stop", "m", "full_stop")
    kept = state.load(path)
    assert kept.view == "timeline"
    assert kept.times == "LOCAL"
    assert kept.mark_ns == first.model.times.mark_ns is not None
    assert kept.views["peers"]["sort"] == "local"
    again = await session(path)
    assert again.model.at_ns == first.model.at_ns
    assert again.model.times.mark_ns == first.model.times.mark_ns
    assert again.model.times.mode is first.model.times.mode
    assert state.load(path) == kept


async def test_sort_and_filter_come_back(tmp_path: Path):
    path = tmp_path / "kept.json"
    await session(path, "S", "f", *"kind:dpd", "enter")
    app = ConsoleApp([str(DEAD)], SessionOptions(), state=path)
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        assert app.model.filter is not None
        assert app.model.filter.text == "kind:dpd"
        console = Console(app, pilot)
        await console.read()
        assert "filtered: 1 of 1 peer" in console.lines[0]
        assert "filter as you left it: kind:dpd (f changes it)" in console.lines[-1]
        assert app.query_one(PeersView).sort_by == "local"


async def test_a_filter_of_the_command_line_comes_first(tmp_path: Path):
    path = tmp_path / "kept.json"
    state.save(path, State(filter="kind:dpd"))
    app = await session(path, wanted=Filter.of("ike:1"))
    assert app.model.filter is not None
    assert app.model.filter.text == "ike:1"


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", "null", '{"version": 99}', "[" * 100_000, '"' + "x" * 70_000 + '"',
     '{"version": 1, "view": 7, "filter": ["x"], "range_ns": [2, 1], "mark_ns": true,'
     ' "peer": ["a"], "views": {"peers": 3}, "at_ns": -1, "clocks": {"a": "1", "": 2}}'],
)  # fmt: skip
def test_what_is_no_state_is_none(tmp_path: Path, text: str):
    path = tmp_path / "kept.json"
    path.write_text(text, encoding="utf-8")
    assert state.load(path) == State()


async def test_a_clock_that_was_set_by_hand_is_kept_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "kept.json"
    first = await session(path, "i", "enter", *"3600", "enter")
    assert first.options.clocks.offsets_ns == {str(DEAD): 3600 * NS_PER_SECOND}
    assert state.load(path).clocks == {str(DEAD): 3600 * NS_PER_SECOND}
    # The same inputs under another name.
    monkeypatch.chdir(DEAD.parent)
    app = ConsoleApp([DEAD.name], SessionOptions(), state=path)
    async with app.run_test(size=(120, 36)) as pilot:
        c = Console(app, pilot)
        await c.read()
        assert app.model.clock_by_hand
        said = "clock by hand as you left it: +3600 s capture.pcap (i changes it)"
        assert said in c.lines[-1]
        await c.press("i", "enter", *["backspace"] * 8, "enter")
        await c.read()
        await c.press("ctrl+q")
    assert state.load(path).clocks == {}


async def test_a_clock_of_the_command_line_comes_first(tmp_path: Path):
    path = tmp_path / "kept.json"
    state.save(path, State(clocks={str(DEAD): 3600 * NS_PER_SECOND}))
    given = ClockOptions(offsets_ns={DEAD.name: 5 * NS_PER_SECOND})
    app = ConsoleApp([str(DEAD)], SessionOptions(clocks=given), state=path)
    assert app.options.clocks == given


def test_clocks_of_files_in_a_folder_are_named_as_the_folder_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    kept = {str(tmp_path / "logs" / "a.log"): 7, "/elsewhere/b.log": 8}
    assert state.clocks_here(kept, ["logs"]) == {"logs/a.log": 7, "/elsewhere/b.log": 8}
    assert state.clocks_here(kept, ["ios:logs/a.log"])["ios:logs/a.log"] == 7


async def test_a_state_that_fits_nothing_changes_nothing(tmp_path: Path):
    path = tmp_path / "kept.json"
    state.save(
        path,
        State(
            view="nowhere", filter="pear:1", times="NEVER", range_ns=(1, 2), at_ns=5,
            peer=("\x1b[31m", "[bold]"), views={"peers": {"sort": "age", "hidden": [1, "state"]}},
        ),
    )  # fmt: skip
    app = await session(path)
    assert app.model.filter is None
    assert app.model.range_ns is None
    assert state.load(path).view == "peers"


def test_only_the_owner_reads_it(tmp_path: Path):
    path = tmp_path / "deep" / "kept.json"
    state.save(path, State(view="log"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert state.load(path).view == "log"
    assert [p.name for p in path.parent.iterdir()] == ["kept.json"]


def test_what_cannot_be_kept_is_no_error():
    state.save(Path("/dev/null/kept.json"), State(view="log"))
    assert state.load(Path("/dev/null/kept.json")) == State()


def test_the_oldest_files_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(state, "_MOST_FILES", 3)
    for number in range(5):
        state.save(tmp_path / f"{number}.json", State(view=str(number)))
    assert len(list(tmp_path.iterdir())) == 3


def test_a_set_of_inputs_has_one_file_in_any_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.chdir(DEAD.parent)
    one = state.file_for(["capture.pcap", "charon-a.log"])
    assert one == state.file_for([str(DEAD.parent / "charon-a.log"), str(DEAD)])
    assert one != state.file_for(["capture.pcap"])
    assert one is not None
    assert tmp_path in one.parents
    assert state.file_for(["-"]) is None
    assert state.file_for(["pcap:-"]) is None
    assert state.file_for(["nul\0"]) is None


# --- keys and theme ------------------------------------------------------------------------------


async def test_a_remapped_key_does_it_and_the_old_one_does_not():
    keymap = keymap_of({"view-timeline": ["ctrl+t"], "mark": ["?"], "help": ["f1"]}, "x.toml")
    app = ConsoleApp([str(DEAD)], SessionOptions(), keymap=keymap)
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await pilot.press("2")
        assert app.view.title == "peers"
        await pilot.press("ctrl+t")
        assert app.view.title == "timeline"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"serch": ["x"]}, "keys.serch: there is no action 'serch'"),
        ({"search": ["f"]}, "keys.search: f is the key of filter"),
        ({"search": ["x", "x1"]}, "keys.search: there is no key 'x1'"),
        ({"search": [""]}, "keys.search: there is no key ''"),
        ({"quit": []}, "keys.quit: one to 8 keys are wanted"),
        ({"mark": ["hyper+m"]}, "keys.mark: there is no key 'hyper+m'"),
        ({"mark": ["z"], "fit": ["z"]}, "z is the key of"),
    ],
)
def test_keys_that_cannot_be_are_refused_with_their_place(given: dict[str, list[str]], said: str):
    with pytest.raises(OptionError) as refused:
        keymap_of(given, "dpdlab.toml")
    assert refused.value.message.startswith("dpdlab.toml: keys.")
    assert said in refused.value.message


def test_keys_may_change_places():
    keymap = keymap_of({"search": ["f"], "filter": ["slash"]}, "x.toml")
    assert keymap["search"] == ("f",)
    assert keymap["filter"] == ("slash",)
    assert keymap["mark"] == DEFAULT["mark"]


def test_signs_are_keys_by_themselves():
    keymap = keymap_of({"columns": ["!"], "sort": [";"], "inputs": ["\\"]}, "x.toml")
    assert keymap["columns"] == ("exclamation_mark",)
    assert keymap["sort"] == ("semicolon",)
    assert keymap["inputs"] == ("backslash",)


def test_settings_are_printed_as_they_are_read(tmp_path: Path):
    path = tmp_path / "dpdlab.toml"
    path.write_text(
        '[console]\ntheme = "dpdlab-light"\nascii = true\n[keys]\nsearch = ["S"]\nsort = ["/"]\n',
        encoding="utf-8",
    )
    own = load(path)
    assert own.console.theme == "dpdlab-light"
    actions = {action.id: (action.keys, action.help) for action in ACTIONS}
    printed = "".join(as_toml(own, actions))
    path.write_text(printed, encoding="utf-8")
    assert load(path).console == own.console
    assert load(path).keys == own.keys
    assert '# filter = ["f", "f7"]' in printed
    path.write_text("".join(as_toml(Settings(), actions)), encoding="utf-8")
    assert load(path).keys == {}
    assert load(path).console == Settings().console


def test_a_theme_that_is_none_is_refused(tmp_path: Path):
    path = tmp_path / "dpdlab.toml"
    path.write_text('[console]\ntheme = "pink"\n', encoding="utf-8")
    with pytest.raises(OptionError, match=r"console\.theme"):
        load(path)


async def test_the_theme_of_the_settings_is_the_one_shown():
    app = ConsoleApp([str(DEAD)], SessionOptions(), theme="dpdlab-contrast")
    async with app.run_test():
        assert app.theme == "dpdlab-contrast"


def test_a_state_file_is_json(tmp_path: Path):
    path = tmp_path / "kept.json"
    state.save(path, State(view="log", range_ns=(1, 2), peer=("a", "b")))
    assert json.loads(path.read_text(encoding="utf-8"))["range_ns"] == [1, 2]
    assert state.load(path).peer == ("a", "b")
