"""Findings as text: what is wrong, where, and what to do about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from rich.text import Text

from analyzers.model.finding import Finding, Severity, Suppressed
from analyzers.model.records import Confidence, Ref
from dpdlab.present import words
from dpdlab.present.formatting import Severity as Shade
from dpdlab.present.formatting import counted
from dpdlab.present.text.page import FAINT, LABEL, SEVERITY_STYLE, Page, Part, assemble

ALIKE_SHOWN: Final = 4
"""Findings of one rule without -v."""
PLACES_SHOWN: Final = 4
SUPPRESSED_SHOWN: Final = 5
_INDENT: Final = 9

SHADE: Final = {
    Severity.ERROR: Shade.BAD,
    Severity.WARNING: Shade.WARN,
    Severity.INFO: Shade.NOTE,
}

Lead = Callable[[Finding], Text]
"""What stands before the title: whose finding it is, and where."""


def full(page: Page, findings: Sequence[Finding], lead: Lead, where: Callable[[Ref], str]) -> None:
    """Every finding with detail, further places, remedy and source; many of a kind are folded."""
    told: Counter[str] = Counter()
    for finding in findings:
        told[finding.rule] += 1
        if page.verbose or told[finding.rule] <= ALIKE_SHOWN:
            _full(page, finding, lead(finding), where)
            page.gap()
    _folded(page, told)


def brief(page: Page, findings: Sequence[Finding], lead: Lead, where: Callable[[Ref], str]) -> None:
    """Errors and warnings with their remedy, what is only worth knowing in one line; -v: all."""
    if page.verbose:
        full(page, findings, lead, where)
        return
    told: Counter[str] = Counter()
    for finding in findings:
        if finding.severity is Severity.INFO:
            continue
        told[finding.rule] += 1
        if told[finding.rule] <= ALIKE_SHOWN:
            _head(page, finding, lead(finding), f" [{finding.rule}]")
            page.wrapped(page.data(finding.remedy), ("  remedy", FAINT), _INDENT)
            page.gap()
    _folded(page, told)
    light: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.severity is Severity.INFO:
            light.setdefault(finding.rule, []).append(finding)
    for alike in light.values():
        first = alike[0]
        more = f" {page.signs.more} and {len(alike) - 1} more" if len(alike) > 1 else ""
        text = assemble(lead(first), page.data(first.title), (f" [{first.rule}]{more}", FAINT))
        page.wrapped(text, _severity(first), _INDENT)
    if light:
        page.gap()


def titles(page: Page, findings: Sequence[Finding]) -> None:
    """One line for each rule that an error or a warning is of."""
    alike: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.severity is not Severity.INFO:
            alike.setdefault(finding.rule, []).append(finding)
    for first, *others in alike.values():
        more = f" {page.signs.more} and {len(others)} more" if others else ""
        text = assemble(page.data(first.title), (f" [{first.rule}]{more}", FAINT))
        page.wrapped(text, _severity(first), _INDENT)


def suppressed(page: Page, held_back: Sequence[Suppressed]) -> None:
    """What the user did not want to hear, with the reason."""
    shown = held_back if page.verbose else held_back[:SUPPRESSED_SHOWN]
    for one in shown:
        text = f"{page.data(one.finding.title)} [{one.finding.rule}]: {page.data(one.reason)}"
        page.wrapped((text, FAINT), ("silenced", FAINT), _INDENT)
    if len(held_back) > len(shown):
        more = counted(len(held_back) - len(shown), "more finding")
        page.line((f"{page.signs.more} {more} silenced (-v tells all)", FAINT))
    if held_back:
        page.gap()


def tally(findings: Sequence[Finding]) -> Text:
    """ "2 errors, 1 warning"; empty for no findings."""
    counts = Counter(finding.severity for finding in findings)
    text = Text()
    for severity in Severity:
        if counts[severity]:
            plural = "infos" if severity is Severity.INFO else f"{severity.value}s"
            told = counted(counts[severity], severity.value, plural)
            separator = ", " if text else ""
            text.append_text(assemble(separator, (told, SEVERITY_STYLE[SHADE[severity]])))
    return text


def _head(page: Page, finding: Finding, lead: Text, after: str = "") -> None:
    """Severity, place and title, and what is the case."""
    title = assemble(lead, (page.data(finding.title), LABEL), (after, FAINT))
    page.wrapped(title, _severity(finding), _INDENT)
    doubt = "" if finding.confidence is Confidence.CERTAIN else (
        f" ({words.CONFIDENCE[finding.confidence]})"
    )  # fmt: skip
    page.wrapped(page.data(finding.detail) + doubt, indent=_INDENT)


def _full(page: Page, finding: Finding, lead: Text, where: Callable[[Ref], str]) -> None:
    _head(page, finding, lead)
    others = finding.refs[1:]
    if others:
        shown = others if page.verbose else others[:PLACES_SHOWN]
        more = f" {page.signs.more}" if len(others) > len(shown) else ""
        places = ", ".join(where(ref) for ref in shown)
        page.wrapped(places + more, ("  see", FAINT), _INDENT)
    page.wrapped(page.data(finding.remedy), ("  remedy", FAINT), _INDENT)
    page.wrapped(f"{page.data(finding.reference)} [{finding.rule}]", ("  source", FAINT), _INDENT)


def _severity(finding: Finding) -> Part:
    return (finding.severity.value, SEVERITY_STYLE[SHADE[finding.severity]])


def _folded(page: Page, told: Counter[str]) -> None:
    for rule, number in told.items():
        if not page.verbose and number > ALIKE_SHOWN:
            more = f"{counted(number - ALIKE_SHOWN, 'more case')} of {rule} (-v tells all)"
            page.line((f"{page.signs.more} {more}", FAINT))
            page.gap()
