"""Every view looks as it did when somebody looked at it last (`make screenshots`)."""

from __future__ import annotations

import html
import re

import pytest

from dpdlab.tui.app import VIEWS
from tests.tui.screenshots import ROOT, SIZES, path_of, picture


def words(svg: str) -> list[str]:
    """The texts of a picture, row by row."""
    rows: dict[str, list[str]] = {}
    for y, text in re.findall(r'<text [^>]*?y="([\d.]+)"[^>]*>([^<]*)</text>', svg):
        rows.setdefault(y, []).append(html.unescape(text))
    return ["".join(parts) for parts in rows.values()]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("view", [view.title for view in VIEWS])
async def test_a_view_is_the_picture_that_was_looked_at(
    view: str, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(ROOT)
    drawn, known = await picture(view, size), path_of(view, size).read_text(encoding="utf-8")
    # The words first: they say more when they differ.
    assert words(drawn) == words(known)
    assert drawn == known
