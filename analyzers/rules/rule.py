"""What every rule has, whatever it looks at."""

from __future__ import annotations

from dataclasses import dataclass

from analyzers.model.finding import Finding, Severity
from analyzers.model.records import Confidence, Ref


@dataclass(frozen=True, slots=True)
class Found:
    """One case that a rule sees. Empty texts stand for those of the rule."""

    detail: str
    refs: tuple[Ref, ...]
    title: str = ""
    remedy: str = ""
    severity: Severity | None = None
    """None is the severity of the rule, which is the worst it reports."""
    confidence: Confidence = Confidence.CERTAIN
    peer: str | None = None
    at_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """The public side of a rule: what `explain` tells of it."""

    id: str
    severity: Severity
    title: str
    """One line, without the names and numbers of a case."""
    rationale: str
    remedy: str
    source: str
    """Standard or document, with its section."""

    def finding(self, found: Found) -> Finding:
        """A case as the finding that reports tell."""
        return Finding(
            rule=self.id,
            severity=self.severity if found.severity is None else found.severity,
            confidence=found.confidence,
            title=found.title or self.title,
            detail=found.detail,
            remedy=found.remedy or self.remedy,
            reference=self.source,
            refs=found.refs,
            peer=found.peer,
            at_ns=found.at_ns,
        )
