"""Lines that are alike are read alike: every sample of every dialect, with other digits in it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzers.dialects.catalogue import DIALECTS
from analyzers.dialects.dialect import Dialect, Outline, Pattern, Reader
from analyzers.dialects.digits import named_digits, zeroed
from analyzers.dialects.likeness import Alike, Likeness
from analyzers.dialects.stamps import STAMP_AT_START

READER = Reader(DIALECTS)
LIKENESS = Likeness(DIALECTS)


def text_of(sample: str) -> str:
    stamp = STAMP_AT_START.match(sample)
    return sample if stamp is None else sample[stamp.end() :]


TEXTS = [
    text_of(sample)
    for dialect in DIALECTS
    for pattern in dialect.patterns
    for sample in pattern.samples
    if sample.isascii()
]


def outline(text: str) -> Outline | None:
    tag = READER.tag.match(text)
    return None if tag is None else READER.outline(text, tag)


def alike(text: str) -> Alike:
    tag = READER.tag.match(text)
    if tag is None:
        return LIKENESS.of_tag(text)
    found = READER.outline(text, tag)
    return max(LIKENESS.of_tag(text), LIKENESS.of_text(text, tag.end(), found))


@st.composite
def texts(draw: st.DrawFn) -> str:
    """A sample, whole or with some of it lost."""
    text = draw(st.sampled_from(TEXTS))
    start, end = sorted((draw(st.integers(0, len(text))), draw(st.integers(0, len(text)))))
    return draw(st.sampled_from((text, text[:end], text[start:], text[:start] + text[end:])))


@settings(max_examples=600)
@given(text=texts(), data=st.data())
def test_texts_that_differ_in_digits_only_are_read_alike(text: str, data: st.DataObject) -> None:
    likeness = alike(text)
    kept = set(range(len(text))) if likeness is Alike.NOT else set()
    if likeness is Alike.NAMED:
        kept = set(named_digits(text))
    other = "".join(
        data.draw(st.sampled_from("0123456789"))
        if char in "0123456789" and place not in kept
        else char
        for place, char in enumerate(text)
    )
    assert zeroed(other) == zeroed(text)
    assert outline(other) == outline(text)
    assert alike(other) is likeness


def test_most_samples_have_likes() -> None:
    """Else nothing is gained."""
    counts = [alike(text) for text in TEXTS]
    assert counts.count(Alike.NOT) < 0.15 * len(counts)


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_no_pattern_makes_all_lines_of_its_dialect_unlike(dialect: Dialect) -> None:
    """A literal digit in a pattern that begins with anything would."""
    counts = [alike(text) for pattern in dialect.patterns for text in pattern.samples]
    assert counts.count(Alike.NOT) < 0.5 * len(counts)


def test_levels() -> None:
    dialect = Dialect(
        "x",
        "",
        "x: ",
        (
            Pattern("blind", r"node (?P<mid>\d+)", ("x: node 12",)),
            Pattern("named", r"state P1_DONE", ("x: state P1_DONE",)),
            Pattern("seen", r"protocol 1", ("x: protocol 1",)),
        ),
        ignored=(r"phase [12]",),
    )
    likeness, reader = Likeness((dialect,)), Reader((dialect,))
    levels = {}
    for text in (
        "x: node 12",
        "x: state P1_DONE",
        "x: state P2_DONE",
        "x: protocol 2",
        "x: phase 2",
    ):
        tag = reader.tag.match(text)
        assert tag is not None
        levels[text] = likeness.of_text(text, tag.end(), reader.outline(text, tag))
    assert levels == {
        "x: node 12": Alike.ZEROED,
        "x: state P1_DONE": Alike.NAMED,
        "x: state P2_DONE": Alike.NAMED,
        "x: protocol 2": Alike.NOT,
        "x: phase 2": Alike.NOT,
    }


@pytest.mark.parametrize("text", ["hub sshd[12]: Failed password for root port 22", "", "1 2 3"])
def test_texts_without_a_tag(text: str) -> None:
    assert outline(text) is None
    assert LIKENESS.of_tag(text) is Alike.ZEROED
