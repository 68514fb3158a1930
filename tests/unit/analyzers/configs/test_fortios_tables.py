from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.configs.fortios_tables import Entry, entries, statement
from analyzers.configs.lines import numbered

WANTED = {"vpn t": frozenset({"a", "b"}), "system global": frozenset({"hostname"})}


def found(text: str) -> list[Entry]:
    return entries(numbered(text.split("\n")), WANTED)


def values(entry: Entry) -> dict[str, str]:
    return {key: value.text for key, value in entry.values.items()}


def test_tables_entries_and_lines():
    one, two = found(
        'config vpn t\n    edit "one"\n        set a 1\n        set c hush\n    next\n'
        '    edit "two two"\n        set b "x \\"y\\"" z\n    next\nend\n'
    )
    assert (one.name, one.table, one.line, values(one)) == ("one", "vpn t", 2, {"a": "1"})
    assert (two.name, values(two)) == ("two two", {"b": 'x "y" z'})
    assert str(two.values["b"]) == 'b x "y" z'
    assert two.values["b"].line == 7


def test_a_table_without_entries():
    (only,) = found("config system global\n set hostname FGT\nend")
    assert (only.name, only.text("hostname"), only.text("other")) == ("", "FGT", None)


def test_unset_and_set_again():
    (only,) = found("config vpn t\nedit x\nset a 1\nset b 2\nunset a\nset b 3\nnext\nend")
    assert values(only) == {"b": "3"}


def test_tables_within_entries_are_other_tables():
    (only,) = found(
        "config vpn t\nedit x\nset a 1\nconfig more\nedit 1\nset a 9\nnext\nend\nset b 2\nnext\nend"
    )
    assert values(only) == {"a": "1", "b": "2"}


def test_the_same_name_in_two_virtual_domains():
    domain = "edit {}\nconfig vpn t\nedit x\nset a {}\nnext\nend\nnext\n"
    both = found("config vdom\n" + domain.format("root", 1) + domain.format("b", 2) + "end")
    assert [values(entry) for entry in both] == [{"a": "1"}, {"a": "2"}]


def test_texts_over_many_lines_are_passed_over():
    (only,) = found(
        'config vpn t\nedit x\nset key "-----BEGIN\nset a 7\nend\n-----END-----"\n'
        "set a 1\nnext\nend"
    )
    assert values(only) == {"a": "1"}


def test_a_quote_that_never_ends_costs_its_line():
    (only,) = found('config vpn t\nedit x\nset b "oh\nset a 1\nnext\nend')
    assert values(only)["a"] == "1"


def test_prompts_of_a_terminal_log():
    (only,) = found(
        "FGT-1 # config vpn t\nFGT-1 (t) # edit x\nFGT-1 (x) # set a 1\nFGT-1 (x) # next\n"
    )
    assert values(only) == {"a": "1"}
    assert statement("FGT-1 (to-hub) # set dpd on-idle") == "set dpd on-idle"
    assert statement("#config-version=FGT60F") == "#config-version=FGT60F"


@pytest.mark.parametrize(
    "text",
    ["end\n" * 5, "next\nset a 1", "edit x\nset a 1", "config\nedit\nset\nset a", "config x"],
)
def test_fragments_give_what_they_have(text):
    assert found(text) == []


@pytest.mark.parametrize(
    "text",
    [
        'config vpn t\nedit x\nset a "\n' * 60_000,
        "config vpn t\n" * 200_000,
        "config vpn t\n" + "".join(f"edit {i}\nset a 1\n" for i in range(90_000)),
        ("set a " + '\\"' * 900 + "\n") * 2_000,
    ],
)
def test_hostile_text_costs_no_more_than_its_length(text):
    lines = numbered(text.split("\n")[:200_000])
    started = time.process_time()
    entries(lines, WANTED)
    assert time.process_time() - started < 10


@given(st.text(alphabet='config vpn t\nedit x set a 1 next end"\\#', max_size=200))
def test_any_text_is_read(text):
    for entry in found(text):
        assert entry.line >= 1
