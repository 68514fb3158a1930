"""Working state of the tracker: SAs, requests, exchanges and Deletes while they grow.

Nothing of this leaves `tracking`: `views` turns it into the frozen types of the model.
"""

from __future__ import annotations

from collections.abc import Collection, Set
from enum import Enum, auto
from typing import Final, NamedTuple

from msgspec import Struct, field

from analyzers.model.exchange import (
    AnswerEvidence,
    DeleteProtocol,
    ExchangeKind,
    Transmission,
)
from analyzers.model.observations import IkeMessage, MessageKind
from analyzers.model.peer import Hint
from analyzers.model.records import Basis, Confidence, Problem, Ref
from analyzers.model.sa import SaEnd
from analyzers.tracking import schedule

# Answers that did not arrive are kept of one exchange up to this number.
_MAX_REPLIES: Final = 64
# Most exchanges never have any: an empty set each would be a third of what is kept of them.
_NONE: Final[Set[int]] = frozenset()


class UnitTrack(Struct, eq=False):
    """What lives and dies together: an IKE SA, its Child SAs, and what they are rekeyed into."""

    index: int
    peer: PeerTrack
    answered: list[int] = field(default_factory=lambda: [0, 0])
    """Liveness questions of each side that were answered."""
    first_ns: int = 0
    adopted: bool = False
    """Child SAs that begin from now on may belong to it; else its IKE SA is not established."""
    nat_port: int = 0
    """The port a NAT gave its IKE last, negative for one of port 500; 0 without one."""


class Renamed(NamedTuple):
    """One end of packets that are seen on both sides of a NAT."""

    address: str
    """What it is told as."""
    alias: str
    """What it is on the other side."""


class PeerTrack(Struct, eq=False):
    """Two ends that keep IKE SAs or Child SAs with each other."""

    index: int
    addresses: tuple[list[str], list[str]]
    """Every address of side a and of side b; the current one is the last."""
    first_ns: int
    last_ns: int
    units: list[UnitTrack] = field(default_factory=list)
    sas: list[SaTrack] = field(default_factory=list)
    nat_ports: set[int] = field(default_factory=set)
    flows: list[int] = field(default_factory=list)
    exchanges: list[ExchangeTrack] = field(default_factory=list)
    sent_again: list[ExchangeTrack] = field(default_factory=list)
    """Requests with another purpose than liveness whose answer did not come in time (IKEv2)."""
    deletes: list[DeleteTrack] = field(default_factory=list)
    lost_deletes: list[DeleteTrack] = field(default_factory=list)
    """Logged by their sender; the capture before the other end does not show them."""
    hints: list[Hint] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    heard: list[bool] = field(default_factory=lambda: [False, False])
    """Whether any packet of each side was seen."""
    last_heard_ns: list[int] = field(default_factory=lambda: [0, 0])
    """Last IKE message of each side that came by where the other one is heard."""
    initiator_seen: bool = False
    """Side a is the initiator of an IKE SA, not just the sender of the first packet."""
    ike_messages: int = 0
    retransmissions: int = 0
    unknown_informationals: int = 0
    messages: list[IkeMessage] = field(default_factory=list)
    """All of its IKE messages, also fragments, in the order of time."""
    named: int = 0
    """Captured messages that a log named after they were tracked."""
    forgotten: int = 0
    """Events of it that are kept no more, see `retention`."""
    captured: bool = False
    """Packets of it were captured; else all is from logs, which do not show traffic."""

    @property
    def unit(self) -> UnitTrack:
        """The unit that new Child SAs belong to."""
        return self.units[-1]

    def address(self, side: int) -> str:
        """The current address of a side."""
        return self.addresses[side][-1]

    def know_as(self, known: Renamed | None) -> None:
        """A side has another address on the other side of a NAT, where its packets are seen too."""
        side = None if known is None else self.side_of(known.address)
        if known is not None and side is not None and self.side_of(known.alias) is None:
            self.addresses[side].insert(0, known.alias)

    def return_to(self, side: int, address: str) -> None:
        """An address that a side had before is its current one again."""
        known = self.addresses[side]
        if known[-1] != address:
            known.remove(address)
            known.append(address)

    def side_of(self, address: str) -> int | None:
        """Which side has this address."""
        for side in (0, 1):
            if address in self.addresses[side]:
                return side
        return None


class RequestTrack(Struct, eq=False):
    """An IKEv2 request that is outstanding or was the last of its direction."""

    message_id: int
    side: int
    kind: MessageKind
    fingerprint: bytes
    at_ns: int
    last_ns: int
    answered: bool = False
    assumed: bool = False
    """Taken for answered because the next request came."""
    exchange: ExchangeTrack | None = None
    delete: DeleteTrack | None = None
    sent: int = 1
    responses: int = 1
    """As many as came at once, where any came."""
    ref: Ref | None = None
    astray: bool = False
    """Only the log of its sender shows it so far: it did not come by elsewhere."""
    renews_child: bool = False
    """CREATE_CHILD_SA: its first payload is a notify, which names the Child SA that it renews."""

    @property
    def is_settled(self) -> bool:
        """Whether its answer came, or is taken to have come."""
        came = self.answered if self.exchange is None else self.exchange.answered
        return came or self.assumed


class SaTrack(Struct, eq=False):
    """One IKE SA."""

    index: int
    peer: PeerTrack
    unit: UnitTrack
    version: int
    initiator_spi: str
    responder_spi: str
    initiator: int
    """Side of the initiator."""
    first_ns: int
    last_ns: int
    first_ref: Ref
    from_start: bool
    """Its first exchange was captured."""
    initiator_told: bool = True
    """False: a log shows the SA, and not who began it."""
    version_told: bool = True
    """False: nor of which version it is."""
    ends: tuple[str, str] | None = None
    """Addresses of initiator and responder in its first message; either may have moved since."""
    established_ns: int | None = None
    ended_ns: int | None = None
    end: SaEnd | None = None
    end_ref: Ref | None = None
    rekeyed_into: SaTrack | None = None
    lost: bool = False
    """One of its devices has started anew since, by its log."""
    vendor_ids: list[tuple[int, str, bool]] = field(default_factory=list)
    """(side, name or hex, is DPD) in order of appearance."""
    clear_messages: list[int] = field(default_factory=lambda: [0, 0])
    """Clear phase-1 messages of each side (IKEv1)."""
    offers: list[int] = field(default_factory=lambda: [0, 0])
    """How many of the two clear phase-1 messages in which a side can offer DPD were captured whole;
    the only one of Aggressive Mode counts as both."""
    withheld: list[bool] = field(default_factory=lambda: [False, False])
    """By the log of the other end, this side did not offer DPD in phase 1."""
    encrypted_main_mode: list[bool] = field(default_factory=lambda: [False, False])
    protected: bool = False
    """IKEv1: an encrypted message was seen on it."""
    sent_ns: list[int] = field(default_factory=lambda: [0, 0])
    """The last encrypted message of each side."""
    used_ns: list[int] = field(default_factory=lambda: [0, 0])
    """IKEv1: the last message of each side that belongs to a phase 2, or to what it needs."""
    proposal: str | None = None
    suite: tuple[int, int] | None = None
    """IKEv1: cipher block and hash length, bytes."""
    lifetime_s: int | None = None
    messages: int = 0
    retransmissions: int = 0
    requests: dict[tuple[int, int], RequestTrack] = field(default_factory=dict)
    """IKEv2: by side and message ID; answered ones are dropped when their successor comes."""
    window_one: bool = True
    early: IkeMessage | None = None
    """IKEv2: the last answer without a request; two taps may stamp them in the wrong order."""
    last_create_child_ns: int | None = None
    renewed_ns: int | None = None
    """When a CREATE_CHILD_SA that may have renewed this SA, and no Child SA, was answered."""
    seen_ids: dict[tuple[int, int, int], tuple[bytes, ...]] = field(default_factory=dict)
    """IKEv1: fingerprint by side, exchange type and message ID, to tell fresh from repeated."""
    open_dpd: list[ExchangeTrack | None] = field(default_factory=lambda: [None, None])
    """IKEv1: the unanswered exchange of each side."""
    informationals: list[IkeMessage] = field(default_factory=list)
    """IKEv1 keyless: the last few undeciphered Informationals, for grouping."""
    r_u_there_lengths: set[int] = field(default_factory=set)
    """IKEv1 keyless: lengths that paired as question and answer."""

    id: str = ""
    """Its public id."""

    def __post_init__(self) -> None:
        self.id = f"i{self.index + 1}"

    @property
    def is_half_open(self) -> bool:
        """It was begun, and nothing has set it up so far."""
        return self.from_start and self.established_ns is None

    @property
    def is_attempt(self) -> bool:
        """IKEv1: phase 1 was begun, and nothing shows so far that it got anywhere."""
        return self.version == 1 and self.is_half_open and not self.protected


class ExchangeTrack(Struct, eq=False):
    """A liveness exchange while it grows."""

    sa: SaTrack
    kind: ExchangeKind
    side: int
    sequence: int | None
    transmissions: list[Transmission]
    basis: Basis
    confidence: Confidence
    length: int = 0
    sequences: Collection[int] = ()
    """Those of its questions; the one that most have needs no set."""
    answer: Transmission | None = None
    evidence: AnswerEvidence | None = None
    dissolved: bool = False
    """It turned out not to be a liveness question."""
    listed: bool = True
    """False: a request with another purpose, which tests liveness all the same (IKEv2)."""
    candidate: bool = False
    """IKEv1 keyless: not yet corroborated by an answer or by rhythm."""
    heard_before: Set[int] = _NONE
    """Times of transmissions before which the other side was heard since the one before."""
    heard_again_ns: int | None = None
    """When life was first proven after questions that met no answer."""
    closed_ns: int | None = None
    """The prober gave the SA up: its Delete, or a replacement."""
    dead_ns: int | None = None
    """The prober's log says that it gave the peer up."""
    dead_ref: Ref | None = None
    arrived: bool = False
    """The responder's log says that a question came."""
    astray: bool = False
    """The last question was sent, by a log, and did not come by where it would have been seen."""
    unpaired: bool = False
    """It says so of one that is none of the transmissions known."""
    first_missing: bool = False
    unseen: int | None = None
    """The log calls the first transmission that it shows a retry."""
    tries: int | None = None
    """The prober's log says that it gives the peer up after so many transmissions."""
    replies: tuple[Transmission, ...] = ()
    """Answers that did not come to the prober; the first ones of many."""
    unread: bool = False
    """They were captured on their way to it."""
    unheard: tuple[Transmission, ...] = ()
    """Answers after which it was asked again all the same; the first ones of many."""
    since_proof_ns: int | None = None
    renewed_ns: int = 0
    """IKEv1 keyless: when the last Quick Mode before it was; 0: none was seen."""

    def note_lost_answer(self, answer: Transmission) -> None:
        """It was sent, and did not come back."""
        if len(self.replies) < _MAX_REPLIES:
            self.replies = (*self.replies, answer)

    def note_astray(self, answer: IkeMessage) -> None:
        """It was captured, and the prober did not get it."""
        self.unread = self.unread or answer.unread
        self.note_lost_answer(transmission(answer))

    def note_sequence(self, number: int) -> None:
        """One of its questions has this sequence number."""
        self.sequences = _with(self.sequences, number) if self.sequences else (number,)

    def sequence_of(self, sent: Transmission) -> int | None:
        """The sequence number of one of its transmissions: some count each, some each question."""
        if not 1 < len(self.sequences) == len(self.transmissions):
            return self.sequence
        return sorted(self.sequences)[self.transmissions.index(sent)]

    def ask_again(self, sent: Transmission) -> None:
        """It was sent again: what had answered it so far did not come back in time."""
        self.unhear()
        self.transmissions.append(sent)

    def is_answered_after(self, at_ns: int) -> bool:
        """Whether an answer came later than that: a log may tell of a question when it is there."""
        return self.answer is not None and at_ns <= self.answer.at_ns

    def is_given_up(self, at_ns: int) -> bool:
        """Whether the prober's log says that it had given up by then: no answer is one any more."""
        return self.dead_ns is not None and self.dead_ns <= at_ns

    def unhear(self) -> None:
        """The answer that was seen, if any, did not reach the prober."""
        if self.answer is not None and len(self.unheard) < _MAX_REPLIES:
            self.unheard = (*self.unheard, self.answer)
        self.answer = self.evidence = None

    def is_unheard(self, at_ns: int) -> bool:
        """Whether it had been asked again after an answer by then."""
        return any(answer.at_ns < at_ns for answer in self.unheard)

    def note_heard_before(self, at_ns: int) -> None:
        """The other side was heard since the transmission before this one."""
        self.heard_before = _with(self.heard_before, at_ns)

    @property
    def answered(self) -> bool:
        """Whether an answer was seen, or is proven."""
        return self.evidence is not None

    @property
    def is_plain(self) -> bool:
        """Whether it was asked once and answered, and nothing else in it can be told apart."""
        return (
            self.evidence is not None
            and len(self.transmissions) == 1
            and self.basis is not Basis.RHYTHM
            and not self.candidate
        )

    @property
    def first_ns(self) -> int:
        """Time of the first transmission."""
        return self.transmissions[0].at_ns

    @property
    def last_ns(self) -> int:
        """Time of the last transmission."""
        return self.transmissions[-1].at_ns

    def next_wait_ns(self) -> int | None:
        """How long the prober waits after the last transmission, see `schedule`."""
        return schedule.next_wait_ns(self.transmissions, self.kind)


class DeleteTrack(Struct, eq=False):
    """A Delete request while its answer is awaited."""

    sa: SaTrack
    side: int
    at_ns: int
    protocol: DeleteProtocol
    spis: tuple[str, ...]
    reason: str
    basis: Basis
    confidence: Confidence
    ref: Ref
    transmissions: int = 1
    answered: bool | None = None
    answer: Transmission | None = None


def _with(numbers: Collection[int], number: int) -> Set[int]:
    grown = numbers if isinstance(numbers, set) else set(numbers)
    grown.add(number)
    return grown


def transmission(message: IkeMessage) -> Transmission:
    """A message as a part of an exchange."""
    return Transmission(
        message.at_ns,
        message.message_id,
        message.ref,
        message.seen,
        message.arrived,
        message.lost,
    )


class MarkKind(Enum):
    """What happened to a unit and role, besides ESP."""

    PROOF = auto()
    PROBE = auto()
    ANSWERED = auto()
    RETRACTED = auto()
    """What was taken for an answer was none: a question of the other side that crossed it."""
    IMPLIED = auto()
    """The answer was not captured, but what the prober does next proves it."""
    DELETE = auto()
    VERDICT = auto()
    """A device's log says that it gave the peer up."""
    REMOVED = auto()
    """The receiver's log says that it has the SA no more: what the role sends is lost."""
    NEW_UNIT = auto()
    FLOW = auto()


class Mark(Struct, frozen=True):
    """A moment the silence clocks are asked about."""

    kind: MarkKind
    unit: int
    role: int
    at_ns: int
    place: int
    ref: Ref
    exchange: ExchangeTrack | None = None
    delete: DeleteTrack | None = None
    asked_ns: int = 0
    """IMPLIED: when it was asked last."""
    midway: bool = False
    """FLOW: its first packet is not its first one."""
