"""`lint --format json`: settings and findings as one document, under the rules of the report."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.export.contract import (
    SCHEMA_VERSION,
    TOOL_NAME,
    Model,
    ReportProblem,
    ReportRef,
    ReportTool,
)
from analyzers.export.json_writer import ascii_escapes, document, terminal_escapes
from analyzers.export.lint_content import LintContent, LintDevice, LintRow
from analyzers.export.report import build_policy, build_problem
from analyzers.export.schema_peers import ReportPolicy
from analyzers.export.untrusted import valid_unicode
from analyzers.model.configuration import ConfigFormat, ConnectionKind
from analyzers.model.finding import Severity
from analyzers.model.records import Confidence, Ref


class LintSource(Model, frozen=True):
    """One input."""

    id: str
    path: str


class LintSetting(Model, frozen=True):
    """What one device does about one peer."""

    connection: str
    kind: ConnectionKind | None
    local: str | None
    remotes: list[str]
    """Empty: any peer."""
    ike_version: int | None
    scope: str
    transmissions: int | None
    explicit: bool
    action: str | None
    policy: ReportPolicy | None
    ref: ReportRef


class LintConfiguration(Model, frozen=True):
    """One configuration; a terminal log may hold several."""

    source: str
    device: str
    format: ConfigFormat
    first_line: int
    last_line: int
    settings: list[LintSetting]
    problems: list[ReportProblem]


class LintFinding(Model, frozen=True):
    """A finding of the report, without a peer."""

    id: str
    rule: str
    severity: Severity
    confidence: Confidence
    peer: str | None
    at_ns: int | None
    title: str
    detail: str
    remedy: str
    reference: str
    refs: list[ReportRef]


class LintReport(Model, frozen=True):
    """The document."""

    schema_version: int
    tool: ReportTool
    sources: list[LintSource]
    configurations: list[LintConfiguration]
    findings: list[LintFinding]


def build_lint(content: LintContent) -> LintReport:
    """The content as models."""
    return LintReport(
        schema_version=SCHEMA_VERSION,
        tool=ReportTool(name=TOOL_NAME, version=content.version),
        sources=[LintSource(id=i, path=valid_unicode(path)) for i, path in content.paths.items()],
        configurations=[_configuration(device) for device in content.devices],
        findings=[
            LintFinding(
                id=f"f{number}",
                rule=finding.rule,
                severity=finding.severity,
                confidence=finding.confidence,
                peer=finding.peer,
                at_ns=finding.at_ns,
                title=valid_unicode(finding.title),
                detail=valid_unicode(finding.detail),
                remedy=valid_unicode(finding.remedy),
                reference=finding.reference,
                refs=[_ref(ref) for ref in finding.refs],
            )
            for number, finding in enumerate(content.findings, start=1)
        ],
    )


def chunks(content: LintContent, *, ascii_only: bool = False) -> Iterator[str]:
    """The document with a line break after, harmless on a terminal."""
    escape = ascii_escapes if ascii_only else terminal_escapes
    yield escape(document(build_lint(content))) + "\n"


def _configuration(device: LintDevice) -> LintConfiguration:
    return LintConfiguration(
        source=device.source,
        device=valid_unicode(device.name),
        format=device.format,
        first_line=device.first_line,
        last_line=device.last_line,
        settings=[_setting(row) for row in device.rows],
        problems=[build_problem(problem) for problem in device.problems],
    )


def _setting(row: LintRow) -> LintSetting:
    return LintSetting(
        connection=valid_unicode(row.connection),
        kind=row.kind,
        local=None if row.local is None else valid_unicode(row.local),
        remotes=[valid_unicode(remote) for remote in row.remotes],
        ike_version=row.ike_version,
        scope=valid_unicode(row.scope),
        transmissions=row.transmissions,
        explicit=row.explicit,
        action=None if row.action is None else valid_unicode(row.action),
        policy=None if row.policy is None else build_policy(row.policy),
        ref=_ref(row.ref),
    )


def _ref(ref: Ref) -> ReportRef:
    return ReportRef(source=ref.source, record=ref.record)
