"""What every rule has, whatever it looks at."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from analyzers.model.finding import Finding, Severity
from analyzers.model.records import Confidence, Ref


class Needs(StrEnum):
    """What a rule can be judged from; one of them is enough unless the rule says otherwise."""

    CAPTURE = "capture"
    KEYS = "capture with keys"
    LOG = "log"
    CONFIGURATION = "configuration"


class Found(Struct, frozen=True):
    """One case that a rule sees. Empty texts stand for those of the rule."""

    detail: str
    refs: tuple[Ref, ...]
    title: str = ""
    remedy: str = ""
    source: str = ""
    severity: Severity | None = None
    """None is the severity of the rule, which is the worst it reports."""
    confidence: Confidence = Confidence.CERTAIN
    peer: str | None = None
    at_ns: int | None = None
    end: str | None = None
    """The address of the end that it is about: who asked, gave up, sent, or did not; None: both."""


class Rule(Struct, frozen=True):
    """The public side of a rule: what `explain` tells of it."""

    id: str
    severity: Severity
    title: str
    """One line, without the names and numbers of a case."""
    rationale: str
    """For the person on call: why it matters."""
    remedy: str
    source: str
    """Standard or document, with its section."""
    needs: tuple[Needs, ...] = (Needs.CONFIGURATION,)
    traps: tuple[str, ...] = ()
    """What looks alike and is not meant: there the rule is silent, or says less."""

    def finding(self, found: Found) -> Finding:
        """A case as the finding that reports tell; never an error on suspect evidence."""
        severity = self.severity if found.severity is None else found.severity
        if severity is Severity.ERROR and found.confidence is Confidence.SUSPECT:
            severity = Severity.WARNING
        return Finding(
            rule=self.id,
            severity=severity,
            confidence=found.confidence,
            title=found.title or self.title,
            detail=found.detail,
            remedy=found.remedy or self.remedy,
            reference=found.source or self.source,
            refs=tuple(dict.fromkeys(found.refs)),
            peer=found.peer,
            at_ns=found.at_ns,
            end=found.end,
        )
