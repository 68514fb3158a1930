from __future__ import annotations

from time import perf_counter

import pytest

from dpdlab.present.filter.keys import KEYS
from dpdlab.present.filter.lexer import tokens
from dpdlab.present.filter.tree import Value
from dpdlab.present.filter.values import glob, joined

MS = 1_000_000
S = 1_000 * MS


def fits(term: str, *facts: str | int) -> bool:
    """Whether an item with these facts matches a term."""
    (token,) = tokens(term)
    value_type = KEYS[token.text].type
    tests = [value_type.test(token.operator, value) for value, _ in token.values]
    return joined(token.operator, tests)(facts)


@pytest.mark.parametrize(
    ("term", "fact", "expected"),
    [
        ("rtt>200ms", 200 * MS, False),
        ("rtt>200ms", 200 * MS + 1, True),
        ("rtt>=200ms", 200 * MS, True),
        ("rtt<0.2s", 200 * MS, False),
        ("rtt<=200000us", 200 * MS, True),
        ("rtt:200000000ns", 200 * MS, True),
        ("gap>30", 30 * S, False),
        ("gap:1m30s", 90 * S, True),
        ("gap:1h", 3600 * S, True),
        ("gap<1d", 86_399 * S, True),
        ("gap:0.000000001s", 1, True),
        ("retries>=2", 2, True),
        ("retries!=2", 2, False),
        ("retries:1,2", 2, True),
        ("seq:0x10", 16, True),
        ("state:DEAD", "dead", True),
        ("state:d*", "deleted", True),
        ("state:d*", "alive", False),
        ("state!=dead,deleted", "alive", True),
        ("state!=dead,deleted", "deleted", False),
        ("sev>=warning", "error", True),
        ("sev>=warning", "warning", True),
        ("sev>=warning", "info", False),
        ("sev<error", "warning", True),
        ("confidence<certain", "suspect", True),
        ("rule:dpd-*", "dpd-no-ack", True),
        ("rule:DPD-*", "dpd-no-ack", True),
        ("rule:dpd", "dpd-no-ack", False),
        ("rule:*-ack,*-x", "dpd-no-ack", True),
        ('rule:"dpd-*"', "dpd-no-ack", False),
        ("spi:AB12*", "ab12cd34", True),
        ("spi:0xab12cd34", "ab12cd34", True),
        ("spi:ab12", "ab12cd34", False),
        ("id:0x57792ce3", 0x57792CE3, True),
        ("id:57792CE3", 0x57792CE3, True),
        ("id:5779*", 0x57792CE3, True),
        ("id:12", 12, True),
        ("id:0x12", 0x12, True),
        ("id:00000012", 0x12, True),
        ("id>=5", 4, False),
        ("peer:192.0.2.1", "192.0.2.1", True),
        ("peer:192.0.2.1", "192.0.2.10", False),
        ("peer:192.0.2.*", "192.0.2.10", True),
        ("peer:192.0.2.0/24", "192.0.2.10", True),
        ("peer:192.0.2.0/24", "198.51.100.1", False),
        ("peer:192.0.2.0/24", "2001:db8::1", False),
        ("peer:192.0.2.0/24", "192.0.x.x", False),
        ("peer:192.0.x.x", "192.0.x.x", True),
        ("peer:2001:DB8:0::1", "2001:db8::1", True),
        ("peer:2001:db8::/32", "2001:db8::1", True),
        ("peer:p1", "p1", True),
        ("text:ANSWER", "there was no answer", True),
        ("text:no*swer", "there was no answer to it", True),
        ('text:"no*swer"', "there was no answer to it", False),
    ],
)
def test_one_fact(term, fact, expected):
    assert fits(term, fact) is expected


def test_several_facts():
    assert fits("spi:ab*", "cd000000", "ab000000")
    assert not fits("spi!=ab*", "cd000000", "ab000000")
    assert fits("spi!=ab*", "cd000000")


def test_no_fact_is_never_a_match():
    for term in ("rtt>1s", "rtt<=1s", "rtt!=1s", "rtt:1s"):
        assert not fits(term)


def test_stars_cost_no_more_than_the_text():
    started = perf_counter()
    assert not glob(Value("*a" * 500 + "*b"))("a" * 20_000)
    assert perf_counter() - started < 0.5


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("*", "", True),
        ("**", "x", True),
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("ab*bc", "abc", False),
        ("*ab*ab*", "xabyab", True),
        ("*ab*ab", "ab", False),
        ("", "", True),
        ("", "x", False),
    ],
)
def test_stars(pattern, text, expected):
    assert glob(Value(pattern))(text) is expected
