"""The models behind the public JSON: names, shapes and closed vocabularies, nothing else.

What stands here is a promise to scripts: additions are free, a rename or a change of meaning
raises `SCHEMA_VERSION`. Times are integer nanoseconds since the epoch, UTC; unknown is null.
`analyzers.export.report` fills the models from the engine's values.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Final, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from analyzers.model.alignment import ClockBasis
from analyzers.model.black_hole import BlackHoleClass, PhaseName, StopBasis
from analyzers.model.exchange import (
    AnswerEvidence,
    DeleteProtocol,
    ExchangeKind,
    Lost,
    Outcome,
)
from analyzers.model.finding import Severity
from analyzers.model.observations import MessageKind
from analyzers.model.peer import LocalBasis, PeerState
from analyzers.model.policy import PolicyBasis, PolicyMode
from analyzers.model.records import Basis, Confidence, ProblemKind
from analyzers.model.sa import SaEnd
from analyzers.model.time import ClockQuality

SCHEMA_VERSION: Final = 1
TOOL_NAME: Final = "dpdlab"

Nanoseconds = Annotated[int, Field(description="Nanoseconds since the epoch, UTC.")]
DurationNs = Annotated[int, Field(description="A duration in nanoseconds.")]
Address = Annotated[str, Field(description="An IP address, or its pseudonym.")]
Spi = Annotated[str, Field(description="SPI or cookie: lower-case hex without 0x.")]
MessageId = Annotated[str, Field(pattern="^0x[0-9a-f]{8}$", description="0x and 8 hex digits.")]
Count = Annotated[int, Field(ge=0)]


class SourceKind(StrEnum):
    """What an input is."""

    CAPTURE = "capture"
    LOG = "log"
    CONFIG = "config"


class DeadBasis(StrEnum):
    """How the verdict is known."""

    LOG = "log"
    INFERRED = "inferred"


class _Model(BaseModel):
    """Closed and immutable: a field nobody declared is an error, not a surprise for a reader."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ReportRef(_Model):
    """A place in the input: the frame number as Wireshark counts it, or the line number."""

    source: str
    record: int


class ReportTool(_Model):
    """What wrote the report."""

    name: str
    version: str


class ReportClock(_Model):
    """How far the times of a source can be trusted, and what was added to them."""

    quality: ClockQuality
    offset_ns: DurationNs
    spread_ns: DurationNs | None
    basis: ClockBasis


class ReportProblem(_Model):
    """Damage in the input, or a limit of what it can tell; repeats are counted."""

    kind: ProblemKind
    count: Count
    detail: str
    ref: ReportRef | None


class ReportSource(_Model):
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
    log_lines: Count = Field(description="Lines of a log that belong to a known dialect.")
    unparsed_lines: Count = Field(description="Lines of a known dialect nothing understands.")
    dialects: dict[str, int] = Field(description="Lines of a log by dialect, most first.")
    log_events: dict[str, int] = Field(description="What a log says, by kind.")
    nat_keepalives: Count
    size_bytes: Count | None
    protocols: dict[str, int] = Field(description="Packets by what they were, most first.")
    clock: ReportClock
    problems: list[ReportProblem]


class ReportVendorId(_Model):
    """A Vendor ID payload: its name where it is known, else its bytes in hex."""

    sender: str
    value: str


class ReportDpdVendorId(_Model):
    """Whether each side announced DPD (IKEv1); null: not seen, or IKEv2, which has none."""

    initiator: bool | None
    responder: bool | None


class ReportIkeSa(_Model):
    """One IKE SA (IKEv1: ISAKMP SA)."""

    id: str
    ike_version: int
    initiator: Address
    responder: Address
    initiator_spi: Spi | None = Field(description="null: known from a log that does not say it.")
    responder_spi: Spi | None
    first_ns: Nanoseconds
    last_ns: Nanoseconds
    established_ns: Nanoseconds | None
    ended_ns: Nanoseconds | None
    end: SaEnd | None
    rekeyed_into: str | None = Field(description="Id of the IKE SA that replaced this one.")
    dpd_vendor_id: ReportDpdVendorId
    vendor_ids: list[ReportVendorId]
    proposal: str | None = Field(description="The chosen transforms, readable.")
    lifetime_s: int | None
    messages: Count
    retransmissions: Count
    refs: list[ReportRef] = Field(description="First message, and the message that ended it.")


class ReportEspFlow(_Model):
    """One direction of one Child SA, as its SPI shows it."""

    spi: Spi
    sender: Address = Field(
        validation_alias=AliasChoices("from", "sender"), serialization_alias="from"
    )
    receiver: Address = Field(
        validation_alias=AliasChoices("to", "receiver"), serialization_alias="to"
    )
    first_ns: Nanoseconds
    last_ns: Nanoseconds
    packets: Count
    bytes: Count
    missing_sequences: Count
    encapsulated: bool = Field(description="Carried in UDP or TCP, not directly over IP.")


class ReportMessage(_Model):
    """One message of an exchange on the wire."""

    at_ns: Nanoseconds
    message_id: MessageId
    ref: ReportRef
    seen: list[ReportRef] = Field(description="Where else it was seen: logs, other captures.")


class ReportNotify(_Model):
    """A Notify payload that was read; numbers as on the wire."""

    type: int
    protocol: int
    spi: str


class ReportIkeMessage(_Model):
    """One IKE message, whether or not it belongs to an exchange."""

    at_ns: Nanoseconds
    sender: Address = Field(
        validation_alias=AliasChoices("from", "sender"), serialization_alias="from"
    )
    receiver: Address = Field(
        validation_alias=AliasChoices("to", "receiver"), serialization_alias="to"
    )
    source_port: int | None = Field(description="null where a log does not say it.")
    destination_port: int | None
    ike_sa: str
    ike_version: int
    kind: MessageKind = Field(
        description="What the message is by itself; what it was taken for is in the exchanges."
    )
    response: bool = Field(description="IKEv2: the R flag.")
    message_id: MessageId | None = Field(description="null where a log does not say it.")
    length: int
    encrypted: bool
    sequence: int | None = Field(description="Of an R-U-THERE or its ACK.")
    payloads: list[int] = Field(description="Payload types in order, inner ones if decrypted.")
    notifies: list[ReportNotify]
    vendor_ids: list[str] = Field(description="Names, or hex where the value is not known.")
    integrity_ok: bool | None = Field(description="Verified with the user's keys; null: not.")
    basis: Basis
    confidence: Confidence
    ref: ReportRef
    seen: list[ReportRef] = Field(description="Where else it was seen: logs, other captures.")


class ReportExchange(_Model):
    """One liveness question of one side: all its transmissions, and its answer."""

    id: str
    ike_sa: str
    kind: ExchangeKind
    prober: Address
    responder: Address
    sequence: int | None = Field(description="R-U-THERE sequence number, where it could be read.")
    transmissions: list[ReportMessage]
    retries: Count = Field(description="Transmissions after the first.")
    answer: ReportMessage | None
    answer_evidence: AnswerEvidence | None = Field(
        description="next-request: the answer was not captured, the next request proves it."
    )
    rtt_ns: DurationNs | None = Field(
        description="Answer minus the last transmission before it, nanoseconds."
    )
    since_proof_ns: DurationNs | None = Field(
        description="From the prober's last inbound proof to the first transmission."
    )
    verdict_ns: Nanoseconds | None = Field(description="When the prober gave up.")
    verdict_ref: ReportRef | None = Field(description="The line of the log that says so.")
    lost: Lost | None = Field(
        description="Where an unanswered question was lost, by the log of the other end."
    )
    outcome: Outcome
    basis: Basis
    confidence: Confidence


class ReportDelete(_Model):
    """One Delete; retransmissions are folded, its answer is not a second one."""

    at_ns: Nanoseconds
    sender: Address
    ike_sa: str
    protocol: DeleteProtocol
    spis: list[Spi]
    reason: str
    transmissions: Count
    answered: bool | None = Field(description="IKEv2 only; an IKEv1 Delete has no answer.")
    basis: Basis
    confidence: Confidence
    ref: ReportRef


class ReportPhase(_Model):
    """A part of a black hole; all but recovery add up to the window."""

    name: PhaseName
    start_ns: Nanoseconds
    end_ns: Nanoseconds


class ReportBlackHole(_Model):
    """A silent period in which one side kept sending, as a pair of bounds."""

    id: str
    sender: Address = Field(
        validation_alias=AliasChoices("from", "sender"), serialization_alias="from"
    )
    receiver: Address = Field(
        validation_alias=AliasChoices("to", "receiver"), serialization_alias="to"
    )
    black_hole_class: BlackHoleClass = Field(
        validation_alias=AliasChoices("class", "black_hole_class"), serialization_alias="class"
    )
    last_proof_ns: Nanoseconds | None
    first_exposed_ns: Nanoseconds | None
    questionable_ns: Nanoseconds | None
    first_probe_ns: Nanoseconds | None
    dead_ns: Nanoseconds | None
    dead_basis: DeadBasis | None
    stop_ns: Nanoseconds
    stop_basis: StopBasis
    recovered_ns: Nanoseconds | None
    min_seconds: float
    max_seconds: float
    min_packets: Count | None = Field(
        description="Packets and bytes are null where only a log tells: it shows no traffic."
    )
    max_packets: Count | None
    max_bytes: Count | None
    probes: Count = Field(description="Unanswered transmissions inside the window.")
    spis: list[str] = Field(
        description="The SPIs of the one Child SA that was silent while others lived;"
        " empty: all of them were."
    )
    phases: list[ReportPhase]
    confidence: Confidence
    refs: list[ReportRef]


class ReportPolicy(_Model):
    """The DPD timers of one holder; unknown parts are null."""

    holder: Address
    profile: str | None
    mode: PolicyMode
    interval_s: float | None
    retry_s: float | None
    retries: int | None = Field(
        description="As the product counts them; with basis observed, transmissions after the"
        " first one up to the verdict."
    )
    transmissions: int | None = Field(
        description="Questions sent before the verdict, the first included, whatever the basis."
    )
    backoff: float = Field(description="Ratio of successive retry gaps; 1.0 is constant.")
    basis: PolicyBasis
    worst_case_s: float | None
    evidence: str = Field(description="What the numbers were read from, for people.")
    ref: ReportRef | None


class ReportState(_Model):
    """The state of a peer from a moment on, until the next one."""

    state: PeerState
    start_ns: Nanoseconds


class ReportActivity(_Model):
    """ESP packets per equal slice of time, seen from the local side."""

    start_ns: Nanoseconds
    slice_ns: DurationNs
    outbound: list[int]
    inbound: list[int]


class ReportHint(_Model):
    """Something unprotected that suggests trouble but proves nothing."""

    at_ns: Nanoseconds
    sender: Address
    text: str
    ref: ReportRef


class ReportShownSa(_Model):
    """What a device showed of its SA with a peer at one moment."""

    at_ns: Nanoseconds | None
    command: str
    ike_version: int | None
    state: str
    uptime_s: int | None
    remaining_s: int | None
    dpd_active: bool | None = Field(description="DPD in force on the SA; null: not told.")
    dpd: str | None = Field(description="In the words of the output.")
    interval_s: float | None
    retry_s: float | None
    spis: list[Spi]
    encaps_packets: Count | None
    decaps_packets: Count | None
    ref: ReportRef


class ReportPeerHead(_Model):
    """What is known of a peer, without the events that JSONL writes as lines of their own."""

    id: str
    local: Address
    remote: Address
    local_basis: LocalBasis
    state: PeerState
    confidence: Confidence = Field(description="Confidence of `state`.")
    first_ns: Nanoseconds
    last_ns: Nanoseconds
    last_proof_ns: Nanoseconds | None
    rtt_ns: DurationNs | None = Field(description="Median round trip of answered exchanges.")
    addresses: list[Address] = Field(description="Every address of the remote side.")
    ike_messages: Count
    retransmissions: Count
    unknown_informationals: Count = Field(
        description="Encrypted IKEv1 Informationals that could not be told apart."
    )
    ike_sas: list[ReportIkeSa]
    esp_flows: list[ReportEspFlow]
    policies: list[ReportPolicy]
    states: list[ReportState]
    activity: ReportActivity | None
    hints: list[ReportHint]
    shown: list[ReportShownSa]


class ReportPeer(ReportPeerHead):
    """Everything about one peer; lists are in time order."""

    exchanges: list[ReportExchange]
    deletes: list[ReportDelete]
    black_holes: list[ReportBlackHole]
    messages: list[ReportIkeMessage] = Field(description="Every IKE message, in time order.")
    problems: list[ReportProblem]


class ReportFinding(_Model):
    """What a rule says about a peer, or about the whole run."""

    id: str
    rule: str
    severity: Severity
    confidence: Confidence
    peer: str | None = Field(description="null: several peers, or the inputs.")
    at_ns: Nanoseconds | None
    title: str
    detail: str
    remedy: str
    reference: str
    refs: list[ReportRef]
    frame_filters: dict[str, str] = Field(
        description="Wireshark display filters by frame number, by the id of their capture."
    )
    display_filter: str | None = Field(
        description="A Wireshark display filter for any capture of the same traffic."
    )
    bpf: str | None = Field(description="A capture filter (tcpdump) for the same packets.")


class ReportSuppressed(_Model):
    """A finding that the user asked not to hear."""

    rule: str
    severity: Severity
    peer: str | None
    at_ns: Nanoseconds | None
    title: str
    reason: str = Field(description="Why, in the words of the user.")


class ReportAlignment(_Model):
    """How the clock of one source was laid on another's."""

    source: str
    against: str
    matched: Count
    offset_ns: DurationNs
    spread_ns: DurationNs
    drift_ppm: float
    evidence: str = Field(description="What was identical in both, for people.")


class ReportHeader(_Model):
    """What stands before the peers."""

    schema_version: Literal[1]
    tool: ReportTool
    filter: str | None = Field(description="What the report was narrowed by; null: it is whole.")
    sources: list[ReportSource]


class Report(ReportHeader):
    """The dpdlab report."""

    peers: list[ReportPeer]
    findings: list[ReportFinding]
    suppressed: list[ReportSuppressed]
    alignment: list[ReportAlignment]


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the report as it is written."""
    schema = Report.model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
