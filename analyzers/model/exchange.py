"""Liveness exchanges and Deletes: what one side asked, and what became of it."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from msgspec import Struct

from analyzers.model.records import Basis, Confidence, Ref
from analyzers.model.time import ORDER_LIMIT_NS


class ExchangeKind(StrEnum):
    """The protocol's own way of asking whether the peer lives."""

    DPD = "dpd"
    """IKEv1 R-U-THERE (RFC 3706)."""
    LIVENESS = "liveness"
    """IKEv2 empty INFORMATIONAL (RFC 7296 section 1.4)."""
    IOS_KEEPALIVE = "ios-keepalive"
    """Cisco's IKE keepalive from before DPD."""


class Outcome(StrEnum):
    """What became of an exchange."""

    ANSWERED = "answered"
    UNANSWERED = "unanswered"
    OPEN = "open"
    """The input ended before the retry horizon."""


class Lost(StrEnum):
    """Where an unanswered question was lost, as far as the other end tells: a log, or a capture."""

    REQUEST = "request"
    """The responder's input covers the time, and no question arrived."""
    ANSWER = "answer"
    """The responder answered, and nothing came back."""
    UNREAD = "unread"
    """The answer was captured on its way back; by its log the prober did not get it."""
    NEVER_ANSWERED = "never-answered"
    """The question arrived; the responder's input shows no answer."""
    TOO_LATE = "too-late"
    """The responder answered after the prober had given it up, as the log of that says."""


class AnswerEvidence(StrEnum):
    """How an answered exchange is known to be answered."""

    MESSAGE = "message"
    NEXT_REQUEST = "next-request"
    """The answer was not captured, but the next request of a window of 1 proves it
    (RFC 7296 section 2.3)."""


NO_MESSAGE_ID: Final = 1 << 32
"""From here on a message ID is none of the wire's: a log did not say it."""


class Transmission(Struct, frozen=True, gc=False):
    """One message of an exchange on the wire."""

    at_ns: int
    message_id: int
    """As on the wire; NO_MESSAGE_ID or more where a log does not say it."""
    ref: Ref
    seen: tuple[Ref, ...] = ()
    """Where else it was seen: in logs, or by a second capture."""
    arrived: bool = False
    """The log of its receiver shows it, or a capture nearer to that."""
    lost: bool = False
    """The log of its receiver shows others of its exchange, and not this one; or a capture that is
    nearer to its receiver does not show it."""


class Exchange(Struct, frozen=True, gc=False):
    """One liveness question of one side, with all its transmissions and its answer."""

    id: str
    ike_sa: str
    kind: ExchangeKind
    prober: str
    responder: str
    sequence: int | None
    transmissions: tuple[Transmission, ...]
    answer: Transmission | None
    outcome: Outcome
    basis: Basis
    confidence: Confidence
    answer_evidence: AnswerEvidence | None = None
    since_proof_ns: int | None = None
    """Time from the prober's last inbound proof to the first transmission that is shown."""
    verdict_ns: int | None = None
    """When the prober gave up, for an unanswered exchange; inferred unless a log says it."""
    verdict_ref: Ref | None = None
    """The line of the log that says so."""
    lost: Lost | None = None
    by_capture: bool = False
    """Where its messages were lost is told by a second capture, near the responder, and no log."""
    peer_heard: bool = False
    """It was not answered, but the responder was heard after it by other means."""
    heard_between: bool = False
    """It was asked again after the responder had been heard by other means."""
    cut_short: bool = False
    """Not answered, and perhaps given up, as the input ends: no retry is missing yet."""
    heard_beside: bool = False
    """It was not answered, but the responder was heard meanwhile on a newer IKE SA."""
    ceased_ns: int | None = None
    """Not answered, and no verdict: a retry was overdue then, and the prober, which goes on sending
    to this peer or to others, asked no more."""
    first_missing: bool = False
    """The log calls its first transmission a retry: the question itself is not shown."""
    unseen: int | None = None
    """Transmissions before that one, as the log counts them; None: it does not."""
    tries: int | None = None
    """Transmissions after which the prober gives the peer up, as its log counts them."""
    lost_answers: tuple[Transmission, ...] = ()
    """Answers that the responder's log or a capture shows, and that did not arrive."""
    unheard_answers: tuple[Transmission, ...] = ()
    """Answers that were seen, and after which it was asked again all the same: as far as the prober
    tells, they had not arrived by then."""

    @property
    def first_ns(self) -> int:
        """Time of the first transmission."""
        return self.transmissions[0].at_ns

    @property
    def last_ns(self) -> int:
        """Time of the last transmission."""
        return self.transmissions[-1].at_ns

    @property
    def answers(self) -> tuple[Transmission, ...]:
        """All of its answers that were seen where it was asked."""
        return (*self.unheard_answers, *(() if self.answer is None else (self.answer,)))

    @property
    def messages(self) -> tuple[Transmission, ...]:
        """All of its messages that any input shows, also answers that did not arrive."""
        return (*self.transmissions, *self.answers, *self.lost_answers)

    @property
    def answered_in_vain(self) -> bool:
        """Whether the responder answered, and the prober did not get it."""
        return self.lost in (Lost.ANSWER, Lost.UNREAD)

    @property
    def retries(self) -> int:
        """Transmissions after the first, which a log may not show."""
        return len(self.transmissions) - (0 if self.first_missing else 1)

    @property
    def missing(self) -> int:
        """Transmissions before the first one that is shown, at least."""
        return self.unseen or int(self.first_missing)

    @property
    def sent(self) -> int | None:
        """All transmissions, those before the log included; None where nothing counts these."""
        if self.first_missing and self.unseen is None:
            return None
        return len(self.transmissions) + self.missing

    @property
    def idle_ns(self) -> int | None:
        """Time from the prober's last inbound proof to the question; None if unknown."""
        return None if self.first_missing else self.since_proof_ns

    @property
    def rtt_ns(self) -> int | None:
        """Answer minus the last transmission before it; None if it is stamped before all.

        None too where nothing has a time: lines without stamps have places only.
        """
        if self.answer is None or self.answer.at_ns < ORDER_LIMIT_NS:
            return None
        answer_ns = self.answer.at_ns
        for sent in reversed(self.transmissions):
            if sent.at_ns <= answer_ns:
                return answer_ns - sent.at_ns
        return None


class DeleteProtocol(StrEnum):
    """What a Delete removes."""

    IKE = "ike"
    ESP = "esp"
    AH = "ah"
    UNKNOWN = "unknown"


class Delete(Struct, frozen=True):
    """One Delete request (its answer is not a second one); retransmissions are folded."""

    at_ns: int
    sender: str
    ike_sa: str
    protocol: DeleteProtocol
    spis: tuple[str, ...]
    reason: str
    basis: Basis
    confidence: Confidence
    ref: Ref
    transmissions: int = 1
    answered: bool | None = None
    """IKEv2 only: whether the Delete was answered; IKEv1 Deletes have no answer."""
    answer: Transmission | None = None
    """Where its answer was seen."""

    @property
    def rtt_ns(self) -> int | None:
        """How long the answer took; None where which transmission it answers is open."""
        if self.answer is None or self.transmissions > 1 or self.answer.at_ns < ORDER_LIMIT_NS:
            return None
        return max(0, self.answer.at_ns - self.at_ns)

    @property
    def refs(self) -> tuple[Ref, ...]:
        """The places of its messages that are known."""
        return (self.ref,) if self.answer is None else (self.ref, self.answer.ref)
