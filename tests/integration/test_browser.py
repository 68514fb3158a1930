"""A real browser opens the report: nothing is fetched, nothing overflows, no complaint."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from analyzers.export.html.document import chunks
from analyzers.export.svg.document import Drawing
from analyzers.export.svg.document import chunks as svg_chunks
from dpdlab.cli import main
from tests.export_browser import CHROMIUM, Browser
from tests.export_content import everything
from tests.export_hostile import poisoned

ROOT = Path(__file__).parents[2]
SAMPLES = sorted(p.parent for p in (ROOT / "sample_pcaps").glob("*/capture.pcap"))
TERMINAL = ROOT / "sample_pcaps" / "ios-dead-peer-terminal" / "console.txt"
WIDTHS = (1280, 390)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]

# Everything is unfolded, so that what is folded is measured too. What may scroll sideways does so
# in a box of its own, which clips it.
UNFOLD = "document.querySelectorAll('details').forEach(d => { d.open = true; })"
OVERFLOWING = """
[...document.body.querySelectorAll('*')].filter(e =>
    !e.closest('.scroll') && !e.closest('.unseen') && e.getBoundingClientRect().width > 0
    && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.tagName + '.' + e.className)
"""
ACCIDENTS = "document.querySelectorAll('script,img,iframe,[onload],[onerror]').length"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    opened = Browser(tmp_path_factory.mktemp("profile"))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    made = {
        "everything": "".join(chunks(everything())),
        "hostile": "".join(chunks(poisoned(everything()))),
    }
    for name, text in made.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    for given in (*SAMPLES, TERMINAL):
        name = given.parent.name if given == TERMINAL else given.name
        path = folder / f"{name}.html"
        assert main(["report", str(given), "--format", "html", "-o", str(path), "-q"]) == 0
    return {path.stem: path for path in sorted(folder.iterdir())}


def test_nothing_is_fetched_and_nothing_overflows(browser: Browser, pages: dict[str, Path]) -> None:
    assert len(pages) == len(SAMPLES) + 3
    for name, path in pages.items():
        for width in WIDTHS:
            browser.open(path, width=width)
            browser.value(UNFOLD)
            where = f"{name} at {width}"
            assert browser.requested == [path.as_uri()], where
            assert browser.complaints == [], where
            assert browser.value("document.scrollingElement.scrollWidth") <= width, where
            assert browser.value(OVERFLOWING) == [], where
            assert browser.value(ACCIDENTS) == 0, where


def test_it_is_dark_where_the_reader_likes_it_dark(
    browser: Browser, pages: dict[str, Path]
) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    browser.open(pages["everything"], width=1280)
    light = browser.value(paper)
    browser.open(pages["everything"], width=1280, dark=True)
    dark = browser.value(paper)
    browser.open(pages["everything"], width=1280, dark=True, media="print")
    assert (light, browser.value(paper)) == ("rgb(255, 255, 255)",) * 2
    assert dark != light


# Contrast of text against its background (WCAG 2.2 section 1.4.3): 4.5 for text of this size.
CONTRAST = """
(() => {
  const luminance = c => { const [r, g, b] = c.match(/[\\d.]+/g).map(Number).map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const paper = luminance(getComputedStyle(document.body).backgroundColor);
  const seen = new Set();
  for (const e of document.querySelectorAll('body *:not(title, desc)')) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
    const style = getComputedStyle(e);
    seen.add(e.closest('svg') ? style.fill : style.color);
  }
  return [...seen].filter(c => {
    const text = luminance(c), high = Math.max(text, paper), low = Math.min(text, paper);
    return (high + 0.05) / (low + 0.05) < 4.5 && text !== paper; });
})()
"""


@pytest.mark.parametrize("dark", [False, True])
def test_every_text_can_be_read(browser: Browser, pages: dict[str, Path], dark: bool) -> None:
    browser.open(pages["everything"], width=1280, dark=dark)
    assert browser.value(CONTRAST) == []


@pytest.mark.parametrize("drawing", Drawing)
def test_drawings_open_alone(browser: Browser, tmp_path: Path, drawing: Drawing) -> None:
    for name, content in (("plain", everything()), ("hostile", poisoned(everything()))):
        path = tmp_path / f"{name}.svg"
        path.write_text("".join(svg_chunks(content, drawing=drawing)), encoding="utf-8")
        browser.open(path, width=1280)
        assert browser.requested == [path.as_uri()]
        assert browser.complaints == []
        assert browser.value("document.documentElement.tagName") == "svg"
        assert browser.value("document.querySelectorAll('text').length") > 0
        assert browser.value(ACCIDENTS) == 0
