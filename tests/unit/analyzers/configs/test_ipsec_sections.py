from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.configs.ipsec_sections import IpsecConf, parse
from analyzers.configs.lines import numbered
from analyzers.model.records import ProblemKind


def conf(text: str) -> IpsecConf:
    return parse(numbered(text.split("\n")), "s1")


def options(found: IpsecConf, name: str) -> dict[str, str]:
    (conn,) = [c for c in found.connections if c.name == name]
    return {key: option.value for key, option in conn.options.items()}


def told(found: IpsecConf) -> list[tuple[int, str]]:
    assert all(p.kind is ProblemKind.CONFIG_LINE for p in found.problems)
    return [(p.ref.record, p.detail) for p in found.problems if p.ref is not None]


def test_sections_options_and_lines():
    found = conf(
        'version 2.0\n\nconfig setup # first\n\tcharondebug = "ike 2, cfg 1"\n\nconn gw\n'
        "  # a comment\n    dpd_delay=30s   # why\n    left = 192.0.2.1\n"
    )
    assert found.setup["charondebug"].value == "ike 2, cfg 1"
    (conn,) = found.connections
    assert (conn.name, conn.line) == ("gw", 6)
    assert conn.options["dpd-delay"] == ("dpd-delay", "30s", 8)
    assert str(conn.options["left"]) == "left=192.0.2.1"
    assert found.problems == ()


def test_values_in_quotes_and_braces():
    found = conf("conn a\n a='x # y'\n b={1.1.1.0/24 2.2.2.0/24}\n c=a#b\n d=\n")
    assert options(found, "a") == {"a": "x # y", "b": "1.1.1.0/24 2.2.2.0/24", "c": "a#b", "d": ""}


def test_own_options_come_before_also_and_also_before_the_default():
    found = conf(
        "conn %default\n a=1\n b=1\n c=1\n d=1\n"
        "conn x\n also=y\n a=4\n also=z\n"
        "conn y\n a=3\n b=3\n also=z\n"
        "conn z\n a=2\n b=2\n c=2\n"
    )
    assert options(found, "x") == {"a": "4", "b": "3", "c": "2", "d": "1"}
    assert [c.name for c in found.connections] == ["x", "y", "z"]


def test_several_names_in_one_also_and_circles():
    found = conf("conn x\n also=y, gone\n also=x\nconn y\n also=x\n b=1\n")
    assert options(found, "x") == {"b": "1"}


def test_a_section_that_is_opened_again_is_extended():
    found = conf("conn x\n a=1\nconn y\n b=1\nconn x\n a=2\n c=3\n")
    assert options(found, "x") == {"a": "2", "c": "3"}


def test_lost_indentation_costs_nothing():
    assert options(conf("conn x\na=1\nb=2\n"), "x") == {"a": "1", "b": "2"}


def test_includes_are_told_and_not_followed():
    found = conf("include /etc/ipsec.d/*.conf\nconn x\n a=1\n")
    assert told(found) == [(1, "the included '/etc/ipsec.d/*.conf' is not read")]


def test_authorities_are_noticed_and_not_read():
    found = conf("ca example\n cacert=ca.pem\nconn x\n a=1\n")
    assert found.has_authorities
    assert options(found, "x") == {"a": "1"}
    assert found.problems == ()


def test_passwords_are_kept_nowhere():
    found = conf("conn x\n xauth_pass=hush\n leftxauthpass=hush\n eap_password=hush\n a=1\n")
    assert "hush" not in repr(found)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a=1\nconn x", (1, "a stands in no section")),
        ("conn x\n nonsense here", (2, "neither a section nor an option")),
        ("conn\nconn x", (1, "neither a section nor an option")),
        ("conn x\n =5", (2, "neither a section nor an option")),
    ],
)
def test_damage_is_told_with_its_line(text, problem):
    found = conf(text)
    assert told(found) == [problem]
    assert [c.name for c in found.connections] == ["x"]


def test_limits():
    assert len(conf("what\n" * 1000).problems) == 50
    many = conf("".join(f"conn c{i}\n" for i in range(5_003)))
    assert len(many.connections) == 5_000
    assert many.problems[0].detail == "more than 5,000 connections"


@pytest.mark.parametrize(
    "text",
    [
        "conn x\n" + " a=" + '"' * 1_900 + "\n",
        "conn x\n" + " a" + " " * 1_900 + "\n",
        "conn " + " " * 1_900 + "\n",
        "".join(f"conn c{i}\n" + f" also=c{i + 1}\n" * 20 for i in range(4_000)),
        "conn x\n" + "".join(f" also={'a,' * 900}\n" for _ in range(200)),
    ],
)
def test_hostile_text_costs_no_more_than_its_length(text):
    lines = numbered((text * 20).split("\n")[:200_000])
    started = time.process_time()
    parse(lines, "s1")
    assert time.process_time() - started < 5


@given(st.text(alphabet="conn x=also%default\n\t #\"'{}", max_size=200))
def test_any_text_is_read(text):
    for conn in conf(text).connections:
        assert conn.line >= 1
