"""Findings: what a rule says is wrong, why, and what to do about it."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from analyzers.model.records import Confidence, Ref


class Severity(StrEnum):
    """How bad a finding is; never ERROR on SUSPECT evidence."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Finding(Struct, frozen=True):
    """One statement of one rule, with the places it rests on."""

    rule: str
    """Id of the rule, as in dpd-semantics section 4."""
    severity: Severity
    confidence: Confidence
    title: str
    detail: str
    remedy: str
    reference: str
    """Standard or vendor document, with its section."""
    refs: tuple[Ref, ...]
    peer: str | None = None
    at_ns: int | None = None
    end: str | None = None
    """The address of the end that it is about: who asked, gave up, sent, or did not; None: both."""
    id: str = ""
    """Given when all findings of a run are known: "f1" …"""


class Suppressed(Struct, frozen=True):
    """A finding that a suppression holds back."""

    finding: Finding
    reason: str
