"""What findings are worth that rest on a clock which the user has set, and messages contradict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from analyzers.model.finding import Finding, Severity
from analyzers.model.records import Confidence, SourceInfo
from analyzers.model.time import seconds


def contradicted(sources: Sequence[SourceInfo]) -> Mapping[str, int]:
    """Ids of the inputs whose clock by hand is contradicted, and by how much, in ns."""
    return {s.id: s.clock_contradicted_ns for s in sources if s.clock_contradicted_ns}


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
