"""Single values of a settings file are changed; the rest stays as people wrote it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.errors import OptionError
from dpdlab.settings.edit import changed, edited
from dpdlab.settings.model import Settings, as_toml, read

THEME = ("console", "theme")
BUDGET = ("report", "budget_s")
FILE = """# mine
[report]
budget_s = 12  # the customer's
local = ["192.0.2.1"]

[rules.thresholds]
late_answer_s = 2.0

[console]
ascii = false
"""


def test_a_value_is_replaced_and_its_comment_stays():
    made = edited(FILE, {BUDGET: 20.0}, "x.toml")
    assert made == FILE.replace("budget_s = 12 ", "budget_s = 20.0 ")


def test_a_new_key_goes_to_the_end_of_its_section():
    made = edited(FILE, {THEME: "dpdlab-light", ("report", "ports"): (4501,)}, "x.toml")
    assert (
        made
        == FILE.replace('"192.0.2.1"]\n', '"192.0.2.1"]\nports = [4501]\n')
        + 'theme = "dpdlab-light"\n'
    )


def test_an_empty_file_gets_the_section():
    assert edited("", {THEME: "dpdlab-light"}, "x") == '[console]\ntheme = "dpdlab-light"\n'


def test_what_stays_as_it_is_is_not_written():
    assert edited(FILE, {("console", "bell"): False, BUDGET: 12.0}, "x") == FILE


@pytest.mark.parametrize(
    "text",
    [
        'console = {theme = "dpdlab-dark"}\n',
        'console.theme = "dpdlab-dark"\n',
        '[console]\ntheme = """dpdlab-dark"""\n',
    ],
)
def test_however_people_wrote_it(text: str):
    assert read(edited(text, {THEME: "dpdlab-light"}, "x.toml"), "x").console.theme == (
        "dpdlab-light"
    )


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (BUDGET, 0.0),
        (THEME, "dracula"),
        (("report", "local"), ("x",)),
        (("report", "ports"), (0,)),
        (("report", "ports"), (70_000,)),
        (("console", "times"), "swatch"),
    ],
)
def test_a_value_that_cannot_be_is_refused(key: tuple[str, str], value: object):
    with pytest.raises(OptionError):
        edited(FILE, {key: value}, "x.toml")


@given(
    budget=st.floats(0.5, 1e6),
    ports=st.lists(st.integers(1, 65_535), max_size=4),
    ascii_only=st.booleans(),
    begin=st.sampled_from(["", FILE, "".join(as_toml(Settings()))]),
)
def test_any_values_are_read_again(budget: float, ports: list[int], ascii_only: bool, begin: str):
    changes = {
        BUDGET: float(f"{budget:g}"),
        ("report", "ports"): tuple(ports),
        ("console", "ascii"): ascii_only,
    }
    made = read(edited(begin, changes, "x"), "x")
    assert made == changed(read(begin, "x"), changes)


def test_keys_that_are_no_list_are_told_in_words_of_the_file():
    with pytest.raises(OptionError, match=r"own.toml: keys.search: a list is meant: \[\"…\"\]"):
        read('[keys]\nsearch = "x"\n', "own.toml")
