"""The models behind the report's JSON: names, shapes and closed vocabularies, nothing else.

`analyzers.export.report` fills the models from the engine's values.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from msgspec.json import schema_components

from analyzers.export.contract import (
    Count,
    DurationNs,
    Model,
    Nanoseconds,
    ReportProblem,
    ReportRef,
    ReportTool,
    about,
)
from analyzers.export.schema_peers import ReportPeer
from analyzers.model.alignment import ClockBasis
from analyzers.model.finding import Severity
from analyzers.model.records import Confidence
from analyzers.model.time import ClockQuality


class SourceKind(StrEnum):
    """What an input is."""

    CAPTURE = "capture"
    LOG = "log"
    CONFIG = "config"
    UNREADABLE = "unreadable"
    """Nothing of it was read; a problem says why."""


class ReportClock(Model, frozen=True):
    """How far the times of a source can be trusted, and what was added to them."""

    quality: ClockQuality
    offset_ns: DurationNs
    spread_ns: DurationNs | None
    basis: ClockBasis


class ReportSource(Model, frozen=True):
    """One input, and what was seen in it."""

    id: str
    path: str
    kind: SourceKind
    format: str
    first_ns: Nanoseconds | None
    last_ns: Nanoseconds | None
    packets: Count
    ike_messages: Count
    esp_packets: Count
    lines: Count
    log_lines: Annotated[Count, about("Lines of a log that belong to a known dialect.")]
    unparsed_lines: Annotated[Count, about("Lines of a known dialect nothing understands.")]
    dialects: Annotated[dict[str, int], about("Lines of a log by dialect, most first.")]
    log_events: Annotated[dict[str, int], about("What a log says, by kind.")]
    nat_keepalives: Count
    size_bytes: Count | None
    protocols: Annotated[dict[str, int], about("Packets by what they were, most first.")]
    clock: ReportClock
    problems: list[ReportProblem]


class ReportFinding(Model, frozen=True):
    """What a rule says about a peer, or about the whole run."""

    id: str
    rule: str
    severity: Severity
    confidence: Confidence
    peer: Annotated[str | None, about("null: several peers, or the inputs.")]
    end: Annotated[
        str | None,
        about("The end that it is about: who asked, gave up, sent, or did not; null: both."),
    ]
    at_ns: Nanoseconds | None
    title: str
    detail: str
    remedy: str
    reference: str
    refs: list[ReportRef]
    frame_filters: Annotated[
        dict[str, str],
        about("Wireshark display filters by frame number, by the id of their capture."),
    ]
    display_filter: Annotated[
        str | None,
        about("A Wireshark display filter for any capture of the same traffic."),
    ]
    bpf: Annotated[str | None, about("A capture filter (tcpdump) for the same packets.")]


class ReportSuppressed(Model, frozen=True):
    """A finding that the user asked not to hear."""

    rule: str
    severity: Severity
    peer: str | None
    at_ns: Nanoseconds | None
    title: str
    reason: Annotated[str, about("Why, in the words of the user.")]


class ReportAlignment(Model, frozen=True):
    """How the clock of one source was laid on another's."""

    source: str
    against: str
    matched: Count
    offset_ns: DurationNs
    spread_ns: DurationNs
    drift_ppm: float
    evidence: Annotated[str, about("What was identical in both, for people.")]


class ReportHeader(Model, frozen=True):
    """What stands before the peers."""

    schema_version: Literal[1]
    tool: ReportTool
    filter: Annotated[str | None, about("What the report was narrowed by; null: it is whole.")]
    sources: list[ReportSource]


class Report(ReportHeader, frozen=True):
    """The dpdlab report."""

    peers: list[ReportPeer]
    findings: list[ReportFinding]
    suppressed: list[ReportSuppressed]
    alignment: list[ReportAlignment]


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the report as it is written."""
    (reference,), shapes = schema_components([Report], ref_template="#/$defs/{name}")
    report = shapes.pop(reference["$ref"].rpartition("/")[2])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **report,
        "$defs": dict(sorted(shapes.items())),
    }
