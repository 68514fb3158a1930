from __future__ import annotations

import re
from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpdlab.present.filter.errors import PatternRefused
from dpdlab.present.filter.pattern import MAX_TEXT, Pattern
from dpdlab.present.filter.pattern_syntax import MAX_PATTERN

CHARACTERS = ("a", "b", "A", "_", "1", " ", ".", r"\.")
CLASSES = ("[ab]", "[^a]", "[a-c1]", "[]b]", "[b-]", r"[\d_]", r"[^\w]")
ESCAPES = (r"\d", r"\w", r"\s", r"\D", r"\W", r"\S")
ATOMS = st.sampled_from((*CHARACTERS, *CLASSES, *ESCAPES))
LOOKS = st.sampled_from(["^", "$", r"\b", r"\B"])
REPEATS = st.sampled_from(["", "*", "+", "?", "{2}", "{1,2}", "{0,}", "{,2}", "*?", "+?"])


def grown(inner):
    repeated = st.builds(lambda part, repeat: f"(?:{part}){repeat}", inner, REPEATS)
    return (
        st.lists(inner, min_size=1, max_size=3).map("".join)
        | st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"({'|'.join(parts)})")
        | repeated
    )


EXPRESSIONS = st.recursive(st.builds(str.__add__, ATOMS, REPEATS) | LOOKS, grown, max_leaves=8)
# Of an empty text versions of Python disagree whether it has a \\B.
TEXTS = st.text("aAbBc_1 .-", min_size=1, max_size=12)


@settings(max_examples=600)
@given(EXPRESSIONS, TEXTS, st.booleans())
def test_the_same_texts_match_as_with_re(expression, text, ignore_case):
    expected = re.search(expression, text, re.IGNORECASE if ignore_case else 0)
    assert Pattern(expression, ignore_case=ignore_case).search(text) is (expected is not None)


@pytest.mark.parametrize(
    "expression",
    [
        "(a+)+$",
        "(a|a)*$",
        "(a|aa)+$",
        "(.*a){12}$",
        ".*.*.*.*.*=$",
        "(a*)*b",
        "([a-z]+)*1",
        "^(([a-z])+.)+[A-Z]([a-z])+$",
        "(a?){60}a{60}$",
        "(a|b)*a(a|b){14}$",
    ],
)
def test_no_expression_backtracks(expression):
    # `re` takes hours for most of these.
    pattern = Pattern(expression)
    started = perf_counter()
    pattern.search("a" * (MAX_TEXT - 1) + "!")
    pattern.search("ab" * (MAX_TEXT // 2))
    pattern.search("abbaab" * (MAX_TEXT // 6) + "!")
    assert perf_counter() - started < 2


def test_time_grows_with_the_text_and_no_faster():
    pattern = Pattern("(x+x+)+y")

    def seconds(length: int) -> float:
        started = perf_counter()
        for _ in range(200):
            pattern.search("x" * length)
        return perf_counter() - started

    seconds(10)
    assert seconds(2000) < 100 * seconds(200)


def test_of_a_long_text_the_beginning_counts():
    assert Pattern("b").search("a" * (MAX_TEXT - 1) + "b")
    assert not Pattern("b").search("a" * MAX_TEXT + "b")


def test_many_different_characters_do_not_fill_the_memory():
    pattern = Pattern("[^a]$")
    for start in range(0, 60_000, 1_000):
        assert pattern.search("".join(chr(0x10000 + start + i) for i in range(1_000)))
    assert pattern._moves <= 20_000


@pytest.mark.parametrize(
    ("expression", "place", "what"),
    [
        ("(ab", 0, "without its )"),
        ("ab)", 2, "without its ("),
        ("a[bc", 1, "without its ]"),
        ("*a", 0, "nothing before"),
        ("a**", 2, "repeat of a repeat"),
        ("a{3}{4}", 6, "repeat of a repeat"),
        ("a*+", 2, "possessive"),
        ("(?=a)", 0, "not supported"),
        ("(?P<n>a)", 0, "not supported"),
        (r"(a)\1", 3, "back references"),
        (r"a\q", 1, "not supported"),
        ("a\\", 1, "nothing after it"),
        ("a{3,2}", 1, "less than the least"),
        ("[b-a]", 1, "backwards"),
        ("a{999}", 5, "too large"),
        ("((a{20}){20}){20}", 16, "too large"),
        ("a" * (MAX_PATTERN + 1), MAX_PATTERN, "longer than"),
        ("(" * 30 + "a" + ")" * 30, 20, "groups"),
    ],
)
def test_what_is_refused_has_a_place(expression, place, what):
    with pytest.raises(PatternRefused, match=re.escape(what)) as refused:
        Pattern(expression)
    assert refused.value.place == place


@settings(max_examples=400)
@given(st.text("ab()[]{}*+?|\\^$.-,123dwsbBAZ:=!<P/", max_size=30))
def test_any_expression_is_a_pattern_or_is_refused_with_a_place(expression):
    try:
        Pattern(expression).search("ab1 ")
    except PatternRefused as refused:
        place = refused.place
    else:
        return
    assert 0 <= place < len(expression)
