from __future__ import annotations

import pytest

from dpdlab.present.filter.errors import FilterError
from dpdlab.present.filter.keys import KEYS
from dpdlab.present.filter.lexer import MAX_LENGTH
from dpdlab.present.filter.parser import MAX_DEPTH, parse
from dpdlab.present.filter.tree import (
    And,
    Everything,
    Expression,
    Not,
    Operator,
    Or,
    Term,
    Value,
    Words,
    written,
)

A, B, C, D = Words("a"), Words("b"), Words("c"), Words("d")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", Everything()),
        ("  \t\n ", Everything()),
        ("a", A),
        ("a b", And((A, B))),
        ("a and b", And((A, B))),
        ("a AND b", And((A, B))),
        ("a b or c d", Or((And((A, B)), And((C, D))))),
        ("not a b", And((Not(A), B))),
        ("-a b", And((Not(A), B))),
        ("-(a b)", Not(And((A, B)))),
        ("not not a", Not(Not(A))),
        ("--a", Not(Not(A))),
        ("(a or b) not c", And((Or((A, B)), Not(C)))),
        ("a (b (c d))", And((A, B, C, D))),
        ("a or (b or c)", Or((A, B, C))),
        ("((a))", A),
        ('"no answer"', Words("no answer")),
        (r'"say \"no\" \\ \d"', Words(r'say "no" \ \d')),
        ('"or"', Words("or")),
        ("dpd-no-ack", Words("dpd-no-ack")),
        ("12:30:05", Words("12:30:05")),
        ("2001:db8::7", Words("2001:db8::7")),
        ("fe80::1", Words("fe80::1")),
        ("dead:beef::1", Words("dead:beef::1")),
        ("/a b|c/", Expression("a b|c", ignore_case=False)),
        ("/a b/i", Expression("a b", ignore_case=True)),
        (r"/a\/b/", Expression(r"a\/b", ignore_case=False)),
    ],
)
def test_trees(text, tree):
    assert parse(text) == tree
    assert parse(written(tree)) == tree


@pytest.mark.parametrize(
    ("text", "key", "operator", "values"),
    [
        ("state:dead", "state", Operator.IS, (Value("dead"),)),
        ("State:DEAD", "state", Operator.IS, (Value("DEAD"),)),
        ("state=dead", "state", Operator.IS, (Value("dead"),)),
        ("state == dead", "state", Operator.IS, (Value("dead"),)),
        ("kind:dpd,delete", "kind", Operator.IS, (Value("dpd"), Value("delete"))),
        ("type!=dpd,delete", "kind", Operator.NOT, (Value("dpd"), Value("delete"))),
        ("gap>30s", "gap", Operator.OVER, (Value("30s"),)),
        ("gap > 30s", "gap", Operator.OVER, (Value("30s"),)),
        ("retry>=2", "retries", Operator.AT_LEAST, (Value("2"),)),
        ("rtt<1m30s", "rtt", Operator.UNDER, (Value("1m30s"),)),
        ("severity<=warning", "sev", Operator.AT_MOST, (Value("warning"),)),
        ("peer:2001:db8::7", "peer", Operator.IS, (Value("2001:db8::7"),)),
        ("spi:ab12*", "spi", Operator.IS, (Value("ab12*"),)),
        ('file:"my hub.pcap"', "source", Operator.IS, (Value("my hub.pcap", quoted=True),)),
        ("source:/var/log/a.log", "source", Operator.IS, (Value("/var/log/a.log"),)),
    ],
)
def test_terms(text, key, operator, values):
    tree = parse(text)
    assert tree == Term(key, operator, values)
    assert parse(written(tree)) == tree


def test_the_example_of_the_contract():
    text = (
        "peer:198.51.100.7 state:dead kind:dpd,delete ike:1 dir:out gap>30s rtt>200ms"
        " retries>=2 sev>=warning rule:dpd-* source:hub.pcapng spi:ab12* -basis:rhythm"
        ' "text" /regex/i (a or b) not c'
    )
    tree = parse(text)
    assert isinstance(tree, And)
    assert len(tree.operands) == 17
    assert parse(written(tree)) == tree


@pytest.mark.parametrize(
    ("text", "marked", "message", "hint"),
    [
        ("a stat:dead", "stat", "no key 'stat'", "did you mean state? the keys are peer, local"),
        ("peer:192.0.2.1 state:deaf", "deaf", "no value 'deaf'", "did you mean dead?"),
        ("sev>=warn", "warn", "no value 'warn'", "did you mean warning?"),
        ("state>dead", "dead", "> means nothing", "write :"),
        ("spi>ab", "ab", "> means nothing", ""),
        ("spi:xyz", "xyz", "not hexadecimal", ""),
        ("id>=57*", "57*", "a star has no order", ""),
        ("id:abc", "abc", "no number", ""),
        ("peer:192.0.2.0/33", "192.0.2.0/33", "no network", ""),
        ("rtt>5x", "5x", "no duration", "write 200ms"),
        ("rtt>", "rtt>", "has no value", ""),
        ("state:", "state:", "has no value", ""),
        ("kind:dpd, delete", ",", "the comma has no value", ""),
        ("retries>1,2", "retries>1,2", "takes one value", ""),
        ("retries:two", "two", "no number", ""),
        ('text:""', '""', "empty text", ""),
        ('a ""', '""', "an empty text", ""),
        ("(a or b", "(", "without its )", ""),
        ("a)", ")", "without its (", ""),
        ("()", ")", "nothing before", ""),
        ("(", "(", "without its )", ""),
        ("a or", "or", "nothing after it", ""),
        ("or a", "or", "nothing before it", "in quotes"),
        ("a or or b", "or", "nothing after it", ""),
        ("a and", "and", "nothing after it", ""),
        ("not", "not", "nothing after it", ""),
        ("a -", "-", "nothing after it", "not"),
        (">5", ">", "no key before it", ""),
        ("a && b", "&&", "no sign", "write and"),
        ("!a", "!", "no sign", "write not"),
        ('a "bc', '"', "does not end", ""),
        ("/abc", "/", "does not end", ""),
        ("/abc/x", "x", "no flag x", ""),
        ("/var/log/a.log", "log", "no flag log", "a path goes in quotes"),
        ("/a(b/", "(", "without its )", ""),
        ("/(?=a)/", "(", "not supported", ""),
    ],
)
def test_mistakes_have_a_place(text, marked, message, hint):
    with pytest.raises(FilterError) as caught:
        parse(text)
    error = caught.value
    assert text[error.start : error.end] == marked
    assert message in error.message
    assert hint in error.hint
    shown, carets = error.caret()
    assert shown == text
    assert carets == " " * error.start + "^" * len(marked)
    assert error.column == error.start + 1


def test_an_unknown_key_lists_them_all():
    with pytest.raises(FilterError) as caught:
        parse("zzz:1")
    assert all(key in caught.value.hint for key in KEYS)
    assert "did you mean" not in caught.value.hint


def test_the_caret_of_a_long_filter_is_in_sight():
    text = " ".join(["state:dead"] * 30 + ["stat:dead"])
    with pytest.raises(FilterError) as caught:
        parse(text)
    shown, carets = caught.value.caret()
    assert len(shown) <= 80
    assert shown[carets.index("^") : len(carets)] == "stat"


def test_the_caret_is_under_what_a_terminal_shows():
    with pytest.raises(FilterError) as caught:
        parse('"漢字 \x1b[2J" stat:dead')
    shown, carets = caught.value.caret()
    assert "\x1b" not in shown
    assert len(carets) - 4 == len(shown[: shown.index("stat")]) + 2


def test_limits():
    deepest = "(" * MAX_DEPTH + "a" + ")" * MAX_DEPTH
    assert parse(deepest) == A
    with pytest.raises(FilterError, match="levels"):
        parse(f"({deepest})")
    with pytest.raises(FilterError, match="levels"):
        parse("-" * (MAX_DEPTH + 1) + "a")
    with pytest.raises(FilterError, match="characters"):
        parse("a " * MAX_LENGTH)
