"""What findings are worth that rest on a clock which is in doubt.

The user has set it, and messages contradict it; or message IDs and timers alone have told it; or
it was set amid a capture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Final

from msgspec.structs import replace

from analyzers.model.finding import Finding, Severity
from analyzers.model.records import Confidence, ProblemKind, SourceInfo
from analyzers.model.time import seconds

CLOCK_STEPS: Final = frozenset({ProblemKind.TIME_BACKWARDS, ProblemKind.CLOCK_SET})


def contradicted(sources: Sequence[SourceInfo]) -> Mapping[str, int]:
    """Ids of the inputs whose clock by hand is contradicted, and by how much, in ns."""
    return {s.id: s.clock_contradicted_ns for s in sources if s.clock_contradicted_ns}


def unsure(sources: Sequence[SourceInfo]) -> Set[str]:
    """Ids of the inputs that may show another session than the others."""
    return {s.id for s in sources if s.clock_unsure}


def clock_steps(sources: Sequence[SourceInfo]) -> Mapping[str, Sequence[int]]:
    """Ids of the captures whose clock was set, and the frames where that was."""
    found: dict[str, list[int]] = {}
    for source in sources:
        for problem in source.problems if source.kind == "capture" else ():
            if problem.kind in CLOCK_STEPS and problem.ref is not None:
                found.setdefault(source.id, []).append(problem.ref.record)
    return found


def across_a_step(finding: Finding, stepped: Mapping[str, Sequence[int]]) -> Finding:
    """The finding, at most inferred where its places are before and after such a frame."""
    if finding.confidence is not Confidence.CERTAIN:
        return finding
    for source, steps in stepped.items():
        records = [ref.record for ref in finding.refs if ref.source == source]
        if any(min(records) < step <= max(records) for step in steps if records):
            return replace(finding, confidence=Confidence.INFERRED)
    return finding


def if_it_is_one_session(finding: Finding, doubted: Set[str]) -> Finding:
    """The finding, at most inferred where it holds such an input against another one."""
    met = dict.fromkeys(ref.source for ref in finding.refs)
    mixed = [source for source in met if source in doubted] if len(met) > 1 else []
    if not mixed:
        return finding
    detail = (
        f"{finding.detail} This is so if {' and '.join(mixed)} shows the same session: message IDs"
        " and timers alone say so."
    )
    certain = finding.confidence is Confidence.CERTAIN
    confidence = Confidence.INFERRED if certain else finding.confidence
    return replace(finding, confidence=confidence, detail=detail)


def as_far_as_clocks_go(finding: Finding, wrong: Mapping[str, int]) -> Finding:
    """The finding, in doubt as far as the places that it rests on are.

    `wrong`: see `contradicted`. Where its first place, which says when it was, is of such an input
    it is at most a warning on suspect evidence; where another one is, at most inferred.
    """
    met = [ref.source for ref in finding.refs if ref.source in wrong]
    if not met:
        return finding
    said = " and ".join(f"{s} is {seconds(wrong[s]):.1f} s off" for s in dict.fromkeys(met))
    detail = f"{finding.detail} This is so if the clock by hand is right: by messages {said}."
    if finding.refs[0].source in wrong:
        severity = Severity.WARNING if finding.severity is Severity.ERROR else finding.severity
        return replace(finding, severity=severity, confidence=Confidence.SUSPECT, detail=detail)
    confidence = finding.confidence
    if confidence is Confidence.CERTAIN:
        confidence = Confidence.INFERRED
    return replace(finding, confidence=confidence, detail=detail)
