"""The models of a peer in the report's JSON: its SAs, exchanges, black holes, policy and states."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from analyzers.export.contract import (
    Address,
    Count,
    DurationNs,
    MessageId,
    Model,
    Nanoseconds,
    ReportProblem,
    ReportRef,
    Spi,
    about,
)
from analyzers.model.black_hole import BlackHoleClass, PhaseName, StopBasis
from analyzers.model.exchange import (
    AnswerEvidence,
    DeleteProtocol,
    ExchangeKind,
    Lost,
    Outcome,
)
from analyzers.model.observations import MessageKind
from analyzers.model.peer import HintKind, LocalBasis, PeerState
from analyzers.model.policy import PolicyBasis, PolicyMode
from analyzers.model.records import Basis, Confidence
from analyzers.model.sa import SaEnd


class DeadBasis(StrEnum):
    """How the verdict is known."""

    LOG = "log"
    INFERRED = "inferred"


class ReportVendorId(Model, frozen=True):
    """A Vendor ID payload: its name where it is known, else its bytes in hex."""

    sender: str
    value: str


class ReportDpdVendorId(Model, frozen=True):
    """Whether each side announced DPD (IKEv1); null: not seen, or IKEv2, which has none."""

    initiator: bool | None
    responder: bool | None


class ReportIkeSa(Model, frozen=True):
    """One IKE SA (IKEv1: ISAKMP SA)."""

    id: str
    ike_version: int
    initiator: Address
    responder: Address
    initiator_spi: Annotated[Spi | None, about("null: known from a log that does not say it.")]
    responder_spi: Spi | None
    first_ns: Nanoseconds
    last_ns: Nanoseconds
    established_ns: Nanoseconds | None
    ended_ns: Nanoseconds | None
    end: SaEnd | None
    rekeyed_into: Annotated[str | None, about("Id of the IKE SA that replaced this one.")]
    dpd_vendor_id: ReportDpdVendorId
    vendor_ids: list[ReportVendorId]
    proposal: Annotated[str | None, about("The chosen transforms, readable.")]
    lifetime_s: int | None
    messages: Count
    retransmissions: Count
    refs: Annotated[list[ReportRef], about("First message, and the message that ended it.")]


class ReportUsedPorts(Model, frozen=True, rename={"sender": "from", "receiver": "to"}):
    """The UDP ports that ESP goes between from some time on."""

    since_ns: Nanoseconds
    sender: Count
    receiver: Count


class ReportEspFlow(Model, frozen=True, rename={"sender": "from", "receiver": "to"}):
    """One direction of one Child SA, as its SPI shows it."""

    spi: Spi
    sender: Address
    receiver: Address
    first_ns: Nanoseconds
    last_ns: Nanoseconds
    packets: Count
    bytes: Count
    missing_sequences: Count
    lost_packets: Annotated[
        Count | None,
        about("Not in a second capture, near the receiver, that shows others; null without one."),
    ]
    encapsulated: Annotated[bool, about("Carried in UDP or TCP, not directly over IP.")]
    ports: Annotated[
        list[ReportUsedPorts],
        about("Of UDP, in the order of time: several where a NAT forgot its mapping."),
    ]


class ReportMessage(Model, frozen=True):
    """One message of an exchange on the wire."""

    at_ns: Nanoseconds
    message_id: Annotated[MessageId | None, about("null where a log does not say it.")]
    ref: ReportRef
    seen: Annotated[tuple[ReportRef, ...], about("Where else it was seen: logs, other captures.")]
    lost: Annotated[
        bool,
        about(
            "It did not arrive: the log or capture at its receiver, which shows others, lacks it."
        ),
    ]


class ReportNotify(Model, frozen=True):
    """A Notify payload that was read; numbers as on the wire."""

    type: int
    protocol: int
    spi: str


class ReportIkeMessage(Model, frozen=True, rename={"sender": "from", "receiver": "to"}):
    """One IKE message, whether or not it belongs to an exchange."""

    at_ns: Nanoseconds
    sender: Address
    receiver: Address
    source_port: Annotated[int | None, about("null where a log does not say it.")]
    destination_port: int | None
    ike_sa: Annotated[str | None, about("null for an unprotected notify that names none.")]
    ike_version: int
    kind: Annotated[
        MessageKind,
        about("What the message is by itself; what it was taken for is in the exchanges."),
    ]
    response: Annotated[bool, about("IKEv2: the R flag.")]
    message_id: Annotated[MessageId | None, about("null where a log does not say it.")]
    length: int
    encrypted: bool
    sequence: Annotated[int | None, about("Of an R-U-THERE or its ACK.")]
    payloads: Annotated[tuple[int, ...], about("Payload types in order, inner ones if decrypted.")]
    notifies: tuple[ReportNotify, ...]
    vendor_ids: Annotated[tuple[str, ...], about("Names, or hex where the value is not known.")]
    integrity_ok: Annotated[bool | None, about("Verified with the user's keys; null: not.")]
    basis: Basis
    confidence: Confidence
    ref: ReportRef
    seen: Annotated[tuple[ReportRef, ...], about("Where else it was seen: logs, other captures.")]


class ReportExchange(Model, frozen=True):
    """One liveness question of one side: all its transmissions, and its answer."""

    id: str
    ike_sa: str
    kind: ExchangeKind
    prober: Address
    responder: Address
    sequence: Annotated[int | None, about("R-U-THERE sequence number, where it could be read.")]
    transmissions: tuple[ReportMessage, ...]
    retries: Annotated[Count, about("Transmissions after the first.")]
    answer: ReportMessage | None
    answer_evidence: Annotated[
        AnswerEvidence | None,
        about("next-request: the answer was not captured, the next request proves it."),
    ]
    rtt_ns: Annotated[
        DurationNs | None,
        about("Answer minus the last transmission before it, nanoseconds."),
    ]
    since_proof_ns: Annotated[
        DurationNs | None,
        about("From the prober's last inbound proof to the first transmission."),
    ]
    verdict_ns: Annotated[Nanoseconds | None, about("When the prober gave up.")]
    verdict_ref: Annotated[ReportRef | None, about("The line of the log that says so.")]
    lost: Annotated[
        Lost | None,
        about("Where an unanswered question was lost, by the logs of both ends."),
    ]
    lost_answers: Annotated[
        tuple[ReportMessage, ...],
        about("Answers that the log of the other end or a capture shows, and that did not arrive."),
    ]
    unheard_answers: Annotated[
        tuple[ReportMessage, ...],
        about("Answers that were seen, and after which it was asked again all the same."),
    ]
    outcome: Outcome
    basis: Basis
    confidence: Confidence


class ReportDelete(Model, frozen=True):
    """One Delete; retransmissions are folded, its answer is not a second one."""

    at_ns: Nanoseconds
    sender: Address
    ike_sa: str
    protocol: DeleteProtocol
    spis: list[Spi]
    reason: str
    transmissions: Count
    answered: Annotated[bool | None, about("IKEv2 only; an IKEv1 Delete has no answer.")]
    answer: Annotated[ReportMessage | None, about("Where its answer was seen.")]
    basis: Basis
    confidence: Confidence
    ref: ReportRef


class ReportPhase(Model, frozen=True):
    """A part of a black hole; all but recovery add up to the window."""

    name: PhaseName
    start_ns: Nanoseconds
    end_ns: Nanoseconds


class ReportBlackHole(
    Model, frozen=True, rename={"sender": "from", "receiver": "to", "black_hole_class": "class"}
):
    """A silent period in which one side kept sending, as a pair of bounds."""

    id: str
    sender: Address
    receiver: Address
    black_hole_class: BlackHoleClass
    last_proof_ns: Nanoseconds | None
    first_exposed_ns: Nanoseconds | None
    questionable_ns: Nanoseconds | None
    first_probe_ns: Nanoseconds | None
    dead_ns: Nanoseconds | None
    dead_basis: DeadBasis | None
    stop_ns: Nanoseconds
    stop_basis: StopBasis
    removed_ns: Annotated[
        Nanoseconds | None,
        about(
            "When the receiver, by its own log, had the SA no more: what was sent from then on was"
            " lost, and is part of the lower bounds."
        ),
    ]
    ceased_ns: Annotated[
        Nanoseconds | None,
        about(
            "When a retry was overdue: the sender asked no more, though it is there, and no verdict"
            " shows. Null where there is a verdict, or where a retry may still come."
        ),
    ]
    recovered_ns: Nanoseconds | None
    min_seconds: float
    max_seconds: float
    begun_before: Annotated[
        bool,
        about("The input begins amid it: upper bounds are of what it shows, and may be exceeded."),
    ]
    min_packets: Annotated[
        Count | None,
        about("Packets and bytes are null where only a log tells: it shows no traffic."),
    ]
    max_packets: Count | None
    max_bytes: Count | None
    lost_packets: Annotated[
        Count | None,
        about(
            "Of those, what did not come by a second capture, near the receiver; null where none"
            " shows all of the time."
        ),
    ]
    lost_back_packets: Annotated[
        Count | None,
        about("What the receiver sent meanwhile and did not come by one near the sender."),
    ]
    counted_least_packets: Annotated[
        Count | None,
        about(
            "Where only a log tells: packets that counters in it (show crypto ipsec sa) grew by"
            " within the black hole, while nothing came back; null where none did."
        ),
    ]
    counted_most_packets: Annotated[
        Count | None, about("Packets that such counters grew by around all of the black hole.")
    ]
    probes: Annotated[Count, about("Unanswered transmissions inside the window.")]
    spis: Annotated[
        list[str],
        about(
            "The SPIs of the one Child SA that was silent while others lived, or that of its way"
            " back alone where nothing tells which one goes with it; empty: all of them were."
        ),
    ]
    phases: list[ReportPhase]
    confidence: Confidence
    refs: list[ReportRef]


class ReportPolicy(Model, frozen=True):
    """The DPD timers of one holder; unknown parts are null."""

    holder: Address
    profile: str | None
    mode: PolicyMode
    interval_s: float | None
    retry_s: float | None
    retries: Annotated[
        int | None,
        about(
            "As the product counts them; without a profile, and with basis observed,"
            " transmissions after the first one up to the verdict."
        ),
    ]
    transmissions: Annotated[
        int | None,
        about("Questions sent before the verdict, the first included, whatever the basis."),
    ]
    backoff: Annotated[float, about("Ratio of successive retry gaps; 1.0 is constant.")]
    basis: PolicyBasis
    retry_basis: Annotated[
        PolicyBasis | None,
        about("Where the retries are known from, if not from where the interval is."),
    ]
    worst_case_s: float | None
    evidence: Annotated[str, about("What the numbers were read from, for people.")]
    ref: ReportRef | None


class ReportState(Model, frozen=True):
    """The state of a peer from a moment on, until the next one."""

    state: PeerState
    start_ns: Nanoseconds


class ReportActivity(Model, frozen=True):
    """ESP packets per equal slice of time, seen from the local side."""

    start_ns: Nanoseconds
    slice_ns: DurationNs
    outbound: list[int]
    inbound: list[int]


class ReportHint(Model, frozen=True):
    """Something that suggests trouble but proves nothing."""

    at_ns: Nanoseconds
    sender: Address
    text: str
    ref: ReportRef
    kind: Annotated[HintKind, about("What it is about; `remark`: anything else.")]
    unprotected: Annotated[bool, about("A packet that anybody could have written.")]
    times: Annotated[Count, about("How often it is said in a row.")]
    last_ns: Annotated[Nanoseconds, about("The last of these times.")]


class ReportShownSa(Model, frozen=True):
    """What a device showed of its SA with a peer at one moment."""

    at_ns: Nanoseconds | None
    command: str
    ike_version: int | None
    state: str
    uptime_s: int | None
    remaining_s: int | None
    dpd_active: Annotated[bool | None, about("DPD in force on the SA; null: not told.")]
    dpd: Annotated[str | None, about("In the words of the output.")]
    interval_s: float | None
    retry_s: float | None
    spis: list[Spi]
    encaps_packets: Count | None
    decaps_packets: Count | None
    ref: ReportRef


class ReportPeerHead(Model, frozen=True):
    """What is known of a peer, without the events that JSONL writes as lines of their own."""

    id: str
    local: Address
    remote: Address
    local_basis: LocalBasis
    state: PeerState
    confidence: Annotated[Confidence, about("Confidence of `state`.")]
    unwatched: Annotated[
        str | None,
        about("Live: why nobody knows how it is, as its sources are gone; null in a report."),
    ]
    first_ns: Nanoseconds
    last_ns: Nanoseconds
    last_proof_ns: Nanoseconds | None
    last_esp_ns: Annotated[
        Nanoseconds | None,
        about("When ESP of the remote side came last; null: none was seen."),
    ]
    ike_only: Annotated[bool, about("It answers IKE, and no ESP comes back any more.")]
    rtt_ns: Annotated[DurationNs | None, about("Median round trip of answered exchanges.")]
    addresses: Annotated[list[Address], about("Every address of the remote side.")]
    ike_messages: Count
    retransmissions: Count
    unknown_informationals: Annotated[
        Count, about("Encrypted IKEv1 Informationals that could not be told apart.")
    ]
    ike_sas: list[ReportIkeSa]
    esp_flows: list[ReportEspFlow]
    policies: list[ReportPolicy]
    states: list[ReportState]
    activity: ReportActivity | None
    hints: list[ReportHint]
    shown: list[ReportShownSa]
    not_shown: Annotated[
        dict[str, Count] | None,
        about("How many of each list of its events the filter hides; null: all of it is told."),
    ]


class ReportPeer(ReportPeerHead, frozen=True):
    """Everything about one peer; lists are in time order."""

    exchanges: list[ReportExchange]
    deletes: list[ReportDelete]
    black_holes: list[ReportBlackHole]
    messages: Annotated[list[ReportIkeMessage], about("Every IKE message, in time order.")]
    problems: list[ReportProblem]
