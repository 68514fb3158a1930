"""The exit code of a run, with what led to it on stderr."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from analyzers.export.content import Content
from analyzers.model.finding import Finding, Severity
from analyzers.model.records import (
    BENIGN_PROBLEMS,
    NO_DAMAGE,
    UNREADABLE,
    Problem,
    ProblemKind,
    SourceInfo,
)
from dpdlab.cli.diagnostics import Diagnostics, ExitCode

_WORST_FIRST: Final = tuple(Severity)
_UNREAD_TOLD: Final = 5


def as_bad_as(findings: Sequence[Finding], fail_on: str | None) -> bool:
    """Whether there is a finding at or above a severity; None asks for nothing."""
    if fail_on is None:
        return False
    limit = _WORST_FIRST.index(Severity(fail_on))
    return any(_WORST_FIRST.index(finding.severity) <= limit for finding in findings)


def exit_code(
    content: Content,
    diagnostics: Diagnostics,
    *,
    strict: bool,
    fail_on: str | None = None,
    damage_told: bool = False,
    diagnosis_told: bool = False,
) -> ExitCode:
    """What the run comes to; `…_told`: the output on the terminal says it itself."""
    trouble = _trouble(content)
    damage = [found for found in trouble if found[1].kind not in NO_DAMAGE]
    unread = tell_unread(content.sources, diagnostics)
    if not damage_told:
        _warn(trouble, diagnostics)
    nothing = not content.peers and not content.findings
    if not diagnosis_told:
        for sentence in content.diagnosis:
            diagnostics.note(sentence)
        if nothing and not content.filter:
            diagnostics.error("nothing was recognised in the input")
    if unread or (nothing and not content.filter):
        return ExitCode.INPUT
    if strict and damage:
        kinds = ", ".join(dict.fromkeys(problem.kind for _, problem in damage))
        diagnostics.error(f"the input is damaged: {kinds}", "--strict")
        return ExitCode.DAMAGE
    return ExitCode.FINDINGS if as_bad_as(content.findings, fail_on) else ExitCode.OK


def tell_unread(sources: Sequence[SourceInfo], diagnostics: Diagnostics) -> bool:
    """One line an input of which nothing was read; whether there is any."""
    unread = [info for info in sources if info.kind == UNREADABLE]
    for info in unread[:_UNREAD_TOLD]:
        diagnostics.error(f"{info.path}: {info.problems[0].detail}", "the others were read")
    if len(unread) > _UNREAD_TOLD:
        diagnostics.error(f"{len(unread) - _UNREAD_TOLD} more inputs were not read")
    return bool(unread)


def _warn(trouble: Sequence[tuple[str, Problem]], diagnostics: Diagnostics) -> None:
    """One line a kind of trouble: how often, and where first."""
    total: Counter[tuple[str, ...]] = Counter()
    first: dict[tuple[str, ...], tuple[str, Problem]] = {}
    for place, problem in trouble:
        key: tuple[str, ...] = (problem.kind,)
        if problem.kind is ProblemKind.LINES_LOST:
            # Of each log for each reason: what one sender lost is not the loss of another.
            key += (place, problem.detail)
        total[key] += problem.count
        first.setdefault(key, (place, problem))
    for key, (place, problem) in first.items():
        times = f", first of {total[key]:,}" if total[key] > 1 else ""
        diagnostics.warning(f"{place}: {problem.kind}{times}: {problem.detail}")


def _trouble(content: Content) -> list[tuple[str, Problem]]:
    """Problems that are more than a limit of the input, with the place as people name it."""
    paths = {info.id: info.path for info in content.sources}
    return [
        (_place(problem, paths, owner), problem)
        for owner, problems in (
            *((i.path, i.problems) for i in content.sources if i.kind != UNREADABLE),
            *((peer.id, peer.problems) for peer in content.peers),
        )
        for problem in problems
        if problem.kind not in BENIGN_PROBLEMS
    ]


def _place(problem: Problem, paths: dict[str, str], owner: str) -> str:
    if problem.ref is None:
        return owner
    return f"{paths.get(problem.ref.source, problem.ref.source)}:{problem.ref.record}"
