"""Strips look as rich would draw their texts."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.style import Style
from rich.text import Text

from dpdlab.tui.painted import strip_of

CONSOLE = Console(file=io.StringIO(), width=80)
BASE = Style(color="white", bgcolor="black")
STYLES = (
    Style(),
    Style(bold=True),
    Style(color="red"),
    Style(reverse=True, color="green"),
    Style(bgcolor="blue", dim=True),
)
places = st.integers(0, 30)


@given(
    letters=st.text("abc d…界", min_size=1, max_size=24),
    spans=st.lists(st.tuples(places, places, st.sampled_from(STYLES)), max_size=6),
    whole=st.sampled_from((None, *STYLES)),
    more=st.integers(-5, 5),
)
def test_a_strip_has_the_letters_and_styles_of_its_text(
    letters: str, spans: list[tuple[int, int, Style]], whole: Style | None, more: int
):
    text = Text(letters) if whole is None else Text(letters, whole)
    for start, end, style in spans:
        text.stylize(style, start, end)
    ground = BASE if whole is None else BASE + whole
    told = [
        (letter, ground + s.style if s.style else ground)
        for s in text.render(CONSOLE)
        for letter in s.text
        if letter != "\n"
    ]
    strip = strip_of(text, text.cell_len, BASE, CONSOLE)
    assert [(letter, s.style) for s in strip for letter in s.text] == told
    width = max(text.cell_len + more, 1)
    assert strip_of(text, width, BASE, CONSOLE).cell_length == width
