"""Lines and their numbers, wherever the text is cut."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.dialects.physical_lines import LineCutter

LIMIT = 1 << 18


def cut(*pieces: str) -> list[str]:
    cutter = LineCutter()
    return [line for piece in pieces for line in cutter.feed(piece)] + cutter.finish()


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a\nb\n", ["a", "b"]),
        ("a\nb", ["a", "b"]),
        ("a\r\nb\r\n", ["a", "b"]),
        ("a\r\nb\r", ["a", "b"]),
        ("\n\na", ["", "", "a"]),
        ("a\rb\nc\r\r\nd", ["a\rb", "c\r", "d"]),
        ("a\rb\rc\r", ["a", "b", "c"]),
        ("a\rb", ["a", "b"]),
        ("a\r", ["a"]),
        ("", []),
        ("\r", [""]),
    ],
)
def test_line_ends(text: str, lines: list[str]) -> None:
    assert cut(text) == lines
    assert cut(*text) == lines


@given(
    text=st.text(alphabet="ab\r\n", max_size=60),
    cuts=st.lists(st.integers(0, 60), max_size=8),
    far=st.booleans(),
)
def test_any_cutting_gives_the_same(text: str, cuts: list[int], far: bool) -> None:
    if far:
        text = "x\n" + text
    bounds = [0, *sorted(min(place, len(text)) for place in cuts), len(text)]
    pieces = [text[a:b] for a, b in itertools.pairwise(bounds)]
    assert cut(*pieces) == cut(text)


def test_a_file_with_nothing_but_cr() -> None:
    lines = [f"line {n}" for n in range(20_000)]
    text = "\r".join(lines)
    assert cut(text) == lines
    pieces = [text[n : n + 1000] for n in range(0, len(text), 1000)]
    assert cut(*pieces) == lines


def test_a_cr_in_a_file_with_line_ends_is_none() -> None:
    text = "a\rb\n" + "x\r" * 40_000 + "\ny"
    assert cut(text)[0] == "a\rb"
    assert len(cut(text)) == 3
    pieces = [text[n : n + 7777] for n in range(0, len(text), 7777)]
    assert cut(*pieces) == cut(text)


@pytest.mark.parametrize("step", [1 << 12, 1 << 16, 1 << 20])
def test_lines_of_megabytes_are_kept_in_part(step: int) -> None:
    text = "a\n" + "x" * 3_000_000 + "\nb\n" + "y" * 3_000_000
    cutter = LineCutter()
    lines: list[str] = []
    for start in range(0, len(text), step):
        lines += cutter.feed(text[start : start + step])
    assert lines + cutter.finish() == ["a", "x" * LIMIT, "b", "y" * LIMIT]
    assert cutter.long_lines == 2
