"""Findings of a report in Markdown: what is wrong, where, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzers.export.content import Content
from analyzers.export.instants import optional_utc
from analyzers.export.selections import Selector
from analyzers.export.untrusted import markdown_text
from analyzers.model.finding import Finding
from analyzers.model.records import Confidence, Ref

MAX_FINDINGS: Final = 30
_MAX_PLACES: Final = 5
_MAX_FILTER: Final = 300
_FRACTION_DIGITS: Final = 3


def findings(content: Content) -> Iterator[str]:
    """The section, line by line; nothing without findings."""
    if not content.findings and not content.suppressed:
        return
    yield "## Findings"
    yield ""
    selector = Selector(content.sources, content.peers)
    for finding in content.findings[:MAX_FINDINGS]:
        yield from _finding(finding, selector)
    hidden = len(content.findings) - MAX_FINDINGS
    if hidden > 0:
        yield f"- … and {hidden} more: see the JSON report."
    for one in content.suppressed[:MAX_FINDINGS]:
        title, reason = markdown_text(one.finding.title), markdown_text(one.reason)
        yield f"- silenced: {title} ({one.finding.rule}), because {reason}"


def _finding(finding: Finding, selector: Selector) -> Iterator[str]:
    doubt = "" if finding.confidence is Confidence.CERTAIN else f", {finding.confidence}"
    where = [finding.peer] if finding.peer else []
    if finding.at_ns is not None:
        where.append(optional_utc(finding.at_ns, digits=_FRACTION_DIGITS))
    where += [_place(ref) for ref in finding.refs[:_MAX_PLACES]]
    if len(finding.refs) > _MAX_PLACES:
        where.append(f"{len(finding.refs) - _MAX_PLACES} more")
    title = markdown_text(finding.title)
    yield f"- **{finding.severity}{doubt}: {title}** ({finding.rule}; {', '.join(where) or 'all'})"
    yield f"  - {markdown_text(finding.detail)}"
    yield f"  - Remedy: {markdown_text(finding.remedy)}"
    yield f"  - Source: {markdown_text(finding.reference)}"
    wanted = selector.of_finding(finding).display_filter
    if wanted and len(wanted) <= _MAX_FILTER and "`" not in wanted:
        yield f"  - Wireshark: `{wanted}`"


def _place(ref: Ref) -> str:
    return f"{ref.source}:{ref.record}"
