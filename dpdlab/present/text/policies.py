"""What the pages of `dpdlab simulate` share: tables of policies, formulas, recommendations."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from analyzers.export.content import Content
from analyzers.whatif.formula import chance
from dpdlab.present.formatting import Clock, Severity
from dpdlab.present.policies import chance_severity
from dpdlab.present.text.page import (
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


def advice(page: Page, title: str, why: Sequence[str], lines: Sequence[str], *, met: bool) -> None:
    """A recommendation: the formulas that speak for it, and what to type."""
    short: Part = "" if met else (" (the nearest it comes)", SEVERITY_STYLE[Severity.WARN])
    page.line(assemble((page.data(title), LABEL), short))
    for reason in why:
        page.wrapped(page.data(reason), "  ", indent=4)
    for line in lines:
        page.line((f"    {line}", SEVERITY_STYLE[Severity.NOTE]))
    page.gap()


def chance_cell(value: float) -> Text:
    """A probability."""
    likely = chance_severity(value) is Severity.WARN
    return Text(chance(value), SEVERITY_STYLE[Severity.WARN] if likely else "")
