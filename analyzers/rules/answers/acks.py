"""What each R-U-THERE-ACK acknowledges, by its number (RFC 3706 sections 5.3 and 6.1)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from enum import Enum, auto
from typing import Final

from msgspec import Struct

from analyzers.model.observations import IkeMessage, MessageKind
from analyzers.model.records import Basis, Confidence
from analyzers.model.sa import IkeSa
from analyzers.model.time import nanoseconds
from analyzers.rules.case import Case
from analyzers.rules.once import once

# So many questions in a row may have been lost by the capture.
_LOST: Final = 16


class AckKind(Enum):
    """What an acknowledgement is, seen from what was asked."""

    ANSWER = auto()
    AGAIN = auto()
    """Its number was acknowledged before."""
    WRONG = auto()
    """A question is outstanding, with another number."""
    UNASKED = auto()
    """No question is outstanding, and this number was never asked."""
    UNTOLD = auto()
    """What was asked is not known well enough."""


class Ack(Struct, frozen=True, gc=False):
    """One acknowledgement."""

    kind: AckKind
    message: IkeMessage
    outstanding: IkeMessage | None = None
    """The last question that waited for an answer."""
    asked: int = 0
    """How often its number had been asked."""


class Acks(Struct, frozen=True):
    """The acknowledgements that one end got on one IKE SA, as one input shows them."""

    sa: IkeSa
    prober: str
    responder: str
    acks: tuple[Ack, ...]

    def of(self, kind: AckKind) -> list[Ack]:
        """Those of one kind, in the order of time."""
        return [ack for ack in self.acks if ack.kind is kind]


@once
def acknowledged(case: Case) -> tuple[Acks, ...]:
    """All acknowledgements whose numbers can be read, by IKE SA, prober and input."""
    return tuple(_acknowledged(case))


def _acknowledged(case: Case) -> Iterator[Acks]:
    sas = [sa for sa in case.peer.ike_sas if sa.ike_version == 1]
    asked = {prober: asked_numbers(case, prober) if sas else {} for prober in case.ends}
    for sa in sas:
        told = _by_source(case, sa)
        for prober in case.ends:
            for messages in told[case.is_local(prober)].values():
                acks = tuple(_told(case, sa, messages, asked[prober]))
                if acks and case.heard(prober):
                    yield Acks(sa, prober, case.other(prober), acks)


def asked_numbers(case: Case, prober: str) -> dict[int, set[str]]:
    """Every number that an end has asked, with the ids of the IKE SAs it did on."""
    found: dict[int, set[str]] = defaultdict(set)
    local = case.is_local(prober)
    for message in case.peer.messages:
        if message.kind is not MessageKind.R_U_THERE or message.dpd_sequence is None:
            continue
        if case.is_local(message.src) is local:
            found[message.dpd_sequence].add(message.ike_sa)
    return found


def _by_source(case: Case, sa: IkeSa) -> dict[bool, dict[str, list[IkeMessage]]]:
    """Questions and acknowledgements of each input, by whether the local end asks.

    Each message once: clocks need not be one.
    """
    found: dict[bool, dict[str, list[IkeMessage]]] = {
        True: defaultdict(list),
        False: defaultdict(list),
    }
    seen: dict[bool, set[bytes]] = {True: set(), False: set()}
    for message in case.messages.get(sa.id, ()):
        asks = message.kind is MessageKind.R_U_THERE
        if not asks and message.kind is not MessageKind.R_U_THERE_ACK:
            continue
        sender = message.src if asks else message.dst
        trusted = message.encrypted and message.integrity_ok is not False
        if not trusted or message.confidence is Confidence.SUSPECT:
            continue
        local = case.is_local(sender)
        if message.fingerprint not in seen[local]:
            seen[local].add(message.fingerprint)
            found[local][message.ref.source].append(message)
    return found


def _told(
    case: Case, sa: IkeSa, messages: list[IkeMessage], asked: Mapping[int, set[str]]
) -> Iterator[Ack]:
    count: dict[int, int] = defaultdict(int)
    answered: set[int] = set()
    outstanding: IkeMessage | None = None
    before: IkeMessage | None = None
    unnumbered = False
    for message, after in zip(messages, _following(messages), strict=True):
        number = message.dpd_sequence
        if message.kind is MessageKind.R_U_THERE:
            if number is None:
                unnumbered = True
            else:
                count[number] += 1
                outstanding = before = message
            continue
        kind = AckKind.UNTOLD
        if number is None:
            outstanding = None
        elif number in answered:
            kind = AckKind.AGAIN
        elif number in count:
            kind = AckKind.ANSWER
        elif not (
            unnumbered
            or asked.get(number, set()) - {sa.id}
            or _may_be_missed(case, sa, message, before, after)
        ):
            kind = AckKind.UNASKED if outstanding is None else AckKind.WRONG
        yield Ack(kind, message, outstanding, 0 if number is None else count.get(number, 0))
        if kind is AckKind.ANSWER and number is not None:
            answered.add(number)
            outstanding = None


def _following(messages: list[IkeMessage]) -> list[IkeMessage | None]:
    """The next question after each message."""
    found: list[IkeMessage | None] = []
    after: IkeMessage | None = None
    for message in reversed(messages):
        found.append(after)
        if message.kind is MessageKind.R_U_THERE:
            after = message
    return found[::-1]


def _may_be_missed(
    case: Case, sa: IkeSa, ack: IkeMessage, before: IkeMessage | None, after: IkeMessage | None
) -> bool:
    """Whether the question may have been asked where this input did not see it."""
    number = ack.dpd_sequence or 0
    if before is None and not case.begins(sa):
        return True
    if after is not None and after.dpd_sequence == number:
        # Two points of capture stamp an answer and its question in the wrong order.
        return after.at_ns - ack.at_ns <= nanoseconds(case.thresholds.replay_s)
    if before is not None and after is not None:
        return (before.dpd_sequence or 0) < number < (after.dpd_sequence or 0)
    if after is not None:
        return 0 < (after.dpd_sequence or 0) - number <= _LOST
    if before is None or (ack.basis is Basis.LOG and ack.arrived):
        return False  # who logs what it receives logs what it asks
    return 0 < number - (before.dpd_sequence or 0) <= _LOST
