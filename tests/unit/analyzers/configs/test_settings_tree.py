from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.configs.lines import numbered
from analyzers.configs.settings_tree import Tree, parse, share
from analyzers.model.records import ProblemKind, Ref


def tree(text: str) -> Tree:
    return parse(numbered(text.split("\n")), "s1")


def value(parsed: Tree, path: str) -> str | None:
    *sections, key = path.split("/")
    view = parsed.view(*sections)
    found = None if view is None else view.get(key)
    return None if found is None else found.value


def told(parsed: Tree) -> list[tuple[int, str]]:
    assert all(p.kind is ProblemKind.CONFIG_LINE for p in parsed.problems)
    return [(p.ref.record, p.detail) for p in parsed.problems if p.ref is not None]


def test_sections_settings_and_their_lines():
    parsed = tree("a {\n  # a comment\n  b\n  {\n    key = value # why\n  }\n}\nlone = 1\n")
    assert value(parsed, "a/b/key") == "value"
    assert value(parsed, "lone") == "1"
    below = parsed.view("a", "b")
    assert below is not None
    found = below.get("key")
    assert found is not None
    assert (below.line, found.line, str(found)) == (3, 5, "key = value")
    assert parsed.problems == ()


def test_many_on_one_line():
    parsed = tree("a { b { c = one two\n  d = three } e = four } f { g = 5 }")
    assert [value(parsed, p) for p in ("a/b/c", "a/b/d", "a/e", "f/g")] == [
        "one two",
        "three",
        "four",
        "5",
    ]
    assert parsed.problems == ()


def test_values_run_to_the_end_of_the_line():
    parsed = tree("a = 192.0.2.1, 2001:db8::1 = x\nb = c=d {e\nc =   \nd =#none\ne = f}")
    assert value(parsed, "a") == "192.0.2.1, 2001:db8::1 = x"
    assert value(parsed, "b") == "c=d {e"
    assert value(parsed, "c") is None
    assert value(parsed, "d") is None
    assert value(parsed, "e") == "f"
    assert told(parsed) == [(5, "a '}' that closes nothing")]


def test_quoted_strings_may_hold_anything_and_span_lines():
    parsed = tree('a = "x # } \\" \\t{" y\nb = "one\ntwo \\\nthree"\nc = 1\n')
    assert value(parsed, "a") == 'x # } " \t{ y'
    assert value(parsed, "b") == "one\ntwo three"
    assert value(parsed, "c") == "1"
    assert parsed.problems == ()
    root = parsed.root.settings
    assert root["c"].line == 5


def test_a_section_that_is_opened_again_is_extended_and_values_are_replaced():
    parsed = tree("a { x = 1\n y = 1 }\na { x = 2 }\n")
    assert (value(parsed, "a/x"), value(parsed, "a/y")) == ("2", "1")


def test_a_section_inherits_settings_and_sections_by_absolute_name():
    parsed = tree(
        "conns { one : base, more { delay = 5s\n kids { net : kid { } } }\n"
        "two : conns.one { }\n}\n"
        "base { delay = 30s\n action = clear\n kids { net { mode = tunnel\n life = 1h } } }\n"
        "more { action = trap\n tries = 3 }\nkid { life = 2h\n mode = }\n"
    )
    assert value(parsed, "conns/one/delay") == "5s"
    assert value(parsed, "conns/one/action") == "clear"
    assert value(parsed, "conns/one/tries") == "3"
    # what a section inherits itself comes before what its parent's section has
    assert value(parsed, "conns/one/kids/net/life") == "2h"
    assert value(parsed, "conns/one/kids/net/mode") is None
    assert value(parsed, "conns/two/delay") == "5s"
    assert value(parsed, "conns/two/tries") == "3"
    assert value(parsed, "conns/two/kids/net/life") == "2h"
    assert parsed.problems == ()


def test_an_empty_assignment_clears_what_is_inherited():
    parsed = tree("base { a = 1 }\none : base { a = }\n")
    assert value(parsed, "one/a") is None


def test_own_children_come_before_inherited_ones():
    parsed = tree("base { x { }\n y { } }\none : base { z { }\n y { } }\n")
    one = parsed.view("one")
    assert one is not None
    assert [name for name, _ in one.sections()] == ["z", "y", "x"]


def test_sections_that_inherit_from_each_other_or_from_nothing_end():
    parsed = tree("a : b { x = 1 }\nb : a, gone, a.b.c { y = 2 }\n")
    assert (value(parsed, "a/y"), value(parsed, "b/x")) == ("2", "1")
    assert value(parsed, "a/z") is None


def test_names_with_dots_and_colons():
    parsed = tree(
        "log { /var/log/a.log { ike = 2 }\n C::/x { cfg = 1 } }\nb : log./var/log/a.log {}"
    )
    assert value(parsed, "log//var/log/a.log/ike") is None
    logs = parsed.view("log")
    assert logs is not None
    assert [name for name, _ in logs.sections()] == ["/var/log/a.log", "C:/x"]
    assert value(parsed, "b/ike") == "2"


def test_includes_are_told_and_not_followed():
    parsed = tree('include conf.d/*.conf\na { include "more x.conf" # why\n x = 1 }\ninclude = 5\n')
    assert parsed.includes == ((1, "conf.d/*.conf"), (2, "more x.conf"))
    assert told(parsed) == [
        (1, "the included 'conf.d/*.conf' is not read"),
        (2, "the included 'more x.conf' is not read"),
    ]
    assert (value(parsed, "a/x"), value(parsed, "include")) == ("1", "5")


def test_secrets_are_kept_nowhere():
    text = 'secrets { ike-1 { secret = "hush hush"\n id = x } }\na { secrets { s = hush } }'
    parsed = tree(text + "\nb { c = 1 }")
    assert "hush" not in repr(parsed)
    assert value(parsed, "b/c") == "1"


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("a {\n b = 1\n", [(1, "section 'a' is not closed")]),
        ("a = 1\n}\nb = 2", [(2, "a '}' that closes nothing")]),
        ("a\nb = 2", [(1, "'a' has no value")]),
        ("a = 1\nb", [(2, "'b' has no value")]),
        ("{ a = 1 }\nb = 2", [(1, "a section without a name")]),
        ("= 5\nb = 2", [(1, "a value without a key")]),
        ("a : c = 5\nb = 2", [(1, "a value without a key")]),
        ('"x"\nb = 2', [(1, "a string where a name should be")]),
        ('a = "x\nb = 2', [(1, "a string that is not closed")]),
        (", b = 2", [(1, "a ',' without a name before it")]),
    ],
)
def test_damage_is_told_with_its_line_and_costs_little(text, problems):
    parsed = tree(text)
    assert told(parsed) == problems
    if "b = 2" in text:
        assert value(parsed, "b") == "2"


def test_lines_keep_their_numbers_where_some_are_missing():
    lines = [line for line in numbered(["a {", "noise", "b = 1", "}"]) if line.text != "noise"]
    parsed = parse(lines, "s2")
    assert parsed.root.sections["a"].settings["b"].line == 3
    problem = parse([*lines, *lines[:1]], "s2").problems[0]
    assert problem.ref == Ref("s2", 1)


def test_depth_settings_and_problems_are_limited():
    deep = "a {\n" * 1000 + "x = 1\n" + "}\n" * 1000 + "b = 2"
    parsed = tree(deep)
    assert told(parsed) == [(33, "sections nested deeper than 32")]
    assert value(parsed, "b") == "2"
    assert len(tree("}\n" * 1000).problems) == 50
    many = tree("a = 1\n" * 199_999 + "b = 2\nc = 3\n")
    assert "more than 200,000" in many.problems[-1].detail
    assert value(many, "c") is None


HOSTILE = {
    "quotes": 'a = "' * 50_000,
    "escaped quotes": 'a = x" ' + '\\" ' * 100_000,
    "colons": ":" * 200_000,
    "names": "a\n" * 100_000,
    "one name": "a" * 400_000,
    "dots": "b : " + "a." * 900 + " { }\n" + "c : b { }\n",
    "parents": "\n".join(f"a{i} : {', '.join(f'a{j}' for j in range(i))} {{ }}" for i in range(60)),
    "include": "include " * 50_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_costs_no_more_than_its_length(name):
    started = time.process_time()
    parsed = tree(HOSTILE[name])
    for _, view in parsed.view().sections() if parsed.view() else ():  # type: ignore[union-attr]
        view.get("x")
    assert time.process_time() - started < 3
    assert len(parsed.problems) <= 51


def test_the_share_of_lines_that_look_like_settings():
    assert share(numbered(["a {", "  # text", "b = 1", "}", ""])) == 1
    assert share(numbered(["interface Tunnel0", " ip address 192.0.2.1 255.255.255.0"])) == 0
    assert share([]) == 0


@given(st.text(alphabet='ab {}=:,."\\#\n\t include', max_size=200))
def test_any_text_is_a_tree(text):
    parsed = tree(text)
    root = parsed.view()
    assert root is not None
    for _, view in root.sections():
        view.get("a")
        assert view.line >= 1
