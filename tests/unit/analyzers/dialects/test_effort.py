"""How long regexes may take, beside how long they take."""

from __future__ import annotations

import re
import time

import pytest

from analyzers.dialects.dialect import MAX_TEXT
from analyzers.dialects.effort import effort

QUICK = [
    r"DPD probe to (?P<peer>[\d.]{7,15}) seq (?P<seq>\d{1,10})",
    r"(?:\d{1,3}\.){3}\d{1,3}",
    r"a*b*c*d*e*",
    r"(?:[a-d]+, )*end",
    r"\w+ \w+ \w+ \w+!",
    r"(?:sent|received|retried) [a-z]{1,20}",
    r"(?:\d++ )*x",
    r"(?>\w+)\w",
    r"(?:x|y)*z",
    r"(?=\d+)\w{3}[^\d]",
    r"",
]
SLOW = [
    r"(a+)+b",
    r"(?:a{1,80}){1,80}b",
    r"(?:a?){40}b",
    r"(?:a|ab|b){1,60}c",
    r"(?:\w+\s?)*!",
    r".*.*.*x",
    r"(.*)*x",
    r"(?:.{0,100}x){20}",
    r"\w*\d*\w*\d*[a-z]*!",
    r"(?i:a|A)+?[aA]+(?:a|b)+c*c*c*d",
]


@pytest.mark.parametrize("regex", QUICK)
def test_regexes_that_go_one_way(regex: str) -> None:
    assert effort(regex) < 1


@pytest.mark.parametrize("regex", SLOW)
def test_regexes_that_may_take_long(regex: str) -> None:
    assert effort(regex) > 6.7


def test_ways_multiply() -> None:
    one, two = effort(r".*x"), effort(r".*.*x")
    assert one == pytest.approx(3.3, abs=0.01)
    assert two == pytest.approx(2 * one)
    assert effort(r"\w{0,9}\w{0,9}!") == pytest.approx(1)
    assert effort(r"\w{0,9}(?:\wb|ac)x") == pytest.approx(1.3, abs=0.01)


@pytest.mark.parametrize("text", ["a" * MAX_TEXT, "a, " * (MAX_TEXT // 3), "1.1a " * 400])
@pytest.mark.parametrize("regex", QUICK)
def test_what_goes_one_way_takes_no_longer_than_the_text(regex: str, text: str) -> None:
    pattern = re.compile(regex)
    start = time.process_time()
    for _ in range(10):
        pattern.match(text)
    assert time.process_time() - start < 0.1
