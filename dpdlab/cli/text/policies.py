"""What the pages of `dpdlab simulate` share: tables of policies, formulas, recommendations."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from analyzers.export.content import Content
from analyzers.whatif.formula import rate
from dpdlab.cli.text.page import (
    FAINT,
    LABEL,
    SEVERITY_STYLE,
    Column,
    Page,
    Part,
    assemble,
    fitted,
    row_line,
    widths,
)
from dpdlab.present.formatting import Clock, Severity, timer


def page_on(console: Console, ascii_only: bool, verbose: int, content: Content | None) -> Page:
    """The page of a simulation; `content` None where nothing was read."""
    starts = [p.first_ns for p in content.peers] if content is not None else []
    return Page(
        console,
        ascii_only=ascii_only,
        verbose=verbose,
        clock=Clock.starting(min(starts, default=0)),
    )


def table(page: Page, columns: Sequence[Column], cells: Sequence[Sequence[Text]]) -> None:
    """A table with its titles, as wide as the page."""
    sizes = fitted(page, columns, widths(columns, cells), page.width - 2)
    titles = [Text(column.title, FAINT) for column in columns]
    for line in (titles, *cells):
        page.line(assemble("  ", row_line(page, columns, sizes, line)))


def in_signs(page: Page, text: str) -> str:
    """Formulas in the alphabet of the page."""
    if page.ascii_only:
        text = text.replace("×", "x").replace("²", "^2").replace("…", "...")
    return page.data(text)


def advice(page: Page, title: str, why: Sequence[str], lines: Sequence[str], *, met: bool) -> None:
    """A recommendation: the formulas that speak for it, and what to type."""
    short: Part = "" if met else (" (the nearest it comes)", SEVERITY_STYLE[Severity.WARN])
    page.line(assemble((in_signs(page, title), LABEL), short))
    for reason in why:
        page.wrapped(in_signs(page, reason), "  ", indent=4)
    for line in lines:
        page.line((f"    {line}", SEVERITY_STYLE[Severity.NOTE]))
    page.gap()


def tenths(seconds: float) -> str:
    """Seconds below one another; long ones as the report writes them."""
    if abs(seconds) < 1000:
        return f"{seconds:.1f} s"
    return timer(round(seconds)) if seconds > 0 else f"-{timer(round(-seconds))}"


def chance(value: float) -> Text:
    """A probability: "9e-4"."""
    style = SEVERITY_STYLE[Severity.WARN] if value > 1e-4 else ""
    return Text("0" if value == 0 else f"{value:.0e}".replace("e-0", "e-"), style)


def bare_rate(per_second: float) -> str:
    """A number of messages a second, or of questions an hour, without its unit."""
    return rate(per_second).removesuffix(" messages/s")
