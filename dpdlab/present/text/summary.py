"""The top of the report: the verdict, the inputs, and the explanation of an empty result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from rich.text import Text

from analyzers.export.inputs import clock_phrases, counts_of, folded, span_of
from analyzers.export.problem_words import problem_rest, problem_word
from analyzers.export.verdict import verdict_of
from analyzers.model.alignment import Alignment
from analyzers.model.peer import PeerView
from analyzers.model.records import BENIGN_PROBLEMS, Problem, SourceInfo
from dpdlab.present.formatting import (
    Severity,
    byte_count,
    count,
    counted,
    state_glyph,
)
from dpdlab.present.text.page import FAINT, LABEL, SEVERITY_STYLE, Page, Part, assemble, padded

INPUTS_SHOWN: Final = 6
PROBLEMS_SHOWN: Final = 3
PROTOCOLS_SHOWN: Final = 6


def verdict(page: Page, peers: Sequence[PeerView], *, partial: bool = False) -> None:
    """The one line that answers the question: who is gone, what was lost, when it was noticed."""
    told = verdict_of(peers, partial=partial)
    style = SEVERITY_STYLE[told.severity]
    sign = page.signs.questionable if told.state is None else state_glyph(told.state, page.signs)
    parts: list[Part] = [(part.text, style if part.weighty else "") for part in told.parts]
    page.listing(Text(sign, style), parts, indent=2)


# --- inputs ---------------------------------------------------------------------------------


def inputs(page: Page, sources: Sequence[SourceInfo], alignments: Sequence[Alignment] = ()) -> None:
    """What was read, what was wrong with it, and how its clock was put right."""
    shown = list(sources)
    if not page.verbose and len(shown) > INPUTS_SHOWN:
        # Damaged inputs are the ones to see.
        shown = sorted(shown, key=lambda s: not s.problems)[:INPUTS_SHOWN]
    for source in shown:
        _input(page, source, [a for a in alignments if a.source == source.id])
    hidden = len(sources) - len(shown)
    if hidden:
        rest = f"{page.signs.more} {counted(hidden, 'more input')} not shown (-v shows all)"
        page.entry("", (rest, FAINT))


def _input(page: Page, source: SourceInfo, alignments: Sequence[Alignment]) -> None:
    name = page.data(source.path)
    label = page.data(source.id) if page.several_sources else "input"
    page.at_margin((label, LABEL), Text(page.clip_middle(name, page.beside)))
    span: list[Part] = [page.data(source.format), *span_of(source)]
    if source.kind == "config":
        span = [page.data(source.format), "configuration"]
    counts: list[Part] = [*counts_of(source)]
    if page.verbose and source.size_bytes is not None:
        counts.append(byte_count(source.size_bytes))
    if page.several_sources:
        page.listing("", span + counts)
    else:
        page.listing("", span)
        page.listing("", counts)
    for phrase in clock_phrases(source, alignments):
        page.listing("", [page.data(phrase)])
    problems(page, source.problems)


def problems(page: Page, found: Sequence[Problem]) -> None:
    """Problems, one line a kind: how often, what, where first."""
    entries = folded(found)
    limit = len(entries) if page.verbose else PROBLEMS_SHOWN
    for problem, number in entries[:limit]:
        style = SEVERITY_STYLE[Severity.MUTE if problem.kind in BENIGN_PROBLEMS else Severity.WARN]
        text = problem_word(problem.kind)
        if number > 1:
            text += f", {count(number)} {page.signs.times}"
        if problem.ref is not None:
            text += f", {'first ' if number > 1 else ''}{page.place(problem.ref)}"
        rest = problem_rest(problem.kind, page.data(problem.detail))
        page.entry(("problem", style), assemble((text, style), rest))
    if len(entries) > limit:
        rest = counted(len(entries) - limit, "more kind of problem", "more kinds of problems")
        page.entry("", (f"{page.signs.more} {rest} (-v shows all)", FAINT))


# --- nothing --------------------------------------------------------------------------------


def nothing_found(
    page: Page, sources: Sequence[SourceInfo], diagnosis: Sequence[str], *, filtered: bool = False
) -> None:
    """Instead of empty tables: that nothing was found, why, and what was seen instead."""
    style = SEVERITY_STYLE[Severity.WARN]
    what = "No peer found" if sources else "No input"
    what = "Nothing matches the filter" if filtered else f"{what}: there is nothing to report on"
    page.wrapped(
        (f"{what}.", style),
        first=Text(page.signs.questionable, style),
        indent=2,
    )
    page.gap()
    for sentence in diagnosis:
        page.wrapped(page.data(sentence), first=Text(page.signs.to, LABEL), indent=4)
    if diagnosis:
        page.gap()
    inputs(page, sources)
    _seen_instead(page, sources)


def _seen_instead(page: Page, sources: Sequence[SourceInfo]) -> None:
    seen: Counter[str] = Counter()
    for source in sources:
        seen.update(source.protocols)
    if not seen:
        return
    page.gap()
    page.line(("Seen instead", LABEL))
    total = sum(seen.values())
    limit = len(seen) if page.verbose else PROTOCOLS_SHOWN
    for name, number in seen.most_common(limit):
        share = f"{100 * number / total:.0f} %" if number * 200 >= total else "< 1 %"
        figures = padded(Text(f"{number:,}"), 11, "right")
        page.at_margin(
            page.clip(Text(page.data(name)), page.margin),
            assemble(figures, padded(Text(share, FAINT), 7, "right")),
        )
    if len(seen) > limit:
        rest = counted(len(seen) - limit, "more protocol")
        page.entry("", (f"{page.signs.more} {rest} (-v shows all)", FAINT))


def notes(page: Page, diagnosis: Sequence[str]) -> None:
    """What limits the result although there is one."""
    for sentence in diagnosis:
        page.entry("note", page.data(sentence))


__all__ = ["inputs", "notes", "nothing_found", "problems", "verdict"]
