"""dpd-cookie-mismatch: a DPD message names other cookies than those of its IKE SA."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from enum import StrEnum

from analyzers.model.exchange import Outcome
from analyzers.model.finding import Severity
from analyzers.model.observations import IkeMessage, MessageKind
from analyzers.rules.case import Case, Place
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.sequence.opened import dpd_name, opened_dpd
from analyzers.rules.wording import few, times, weakest


class _Wrong(StrEnum):
    SWAPPED = "the responder's cookie first"
    ZERO = "zeros"
    OTHER = "the cookies of no SA it belongs to"
    SIZE = "an SPI that is not two cookies long"


def _check(case: Case) -> Iterator[Found]:
    found: dict[tuple[str, _Wrong], list[IkeMessage]] = defaultdict(list)
    for message in opened_dpd(case):
        wrong = _wrong(message)
        if wrong is not None:
            found[message.src, wrong].append(message)
    for (sender, wrong), messages in found.items():
        first = messages[0]
        accepted = _are_accepted(case, messages)
        harmless = wrong is _Wrong.SIZE or accepted or not case.heard(first.dst)
        size = len(first.notifies[0].spi) // 2
        what = f"an SPI of {size} bytes" if wrong is _Wrong.SIZE else wrong.value
        heard = " The other end does not mind." if accepted else ""
        yield Found(
            f"{sender} sent {what} in place of the cookies of the IKE SA"
            f" {times(len(messages))}, first in an {dpd_name(first)}.{heard}",
            few(m.ref for m in messages),
            severity=Severity.INFO if harmless else None,
            confidence=weakest(m.confidence for m in messages),
            at_ns=first.at_ns,
            end=sender,
        )


def _wrong(message: IkeMessage) -> _Wrong | None:
    spi = message.notifies[0].spi
    if spi == message.initiator_spi + message.responder_spi:
        return None
    if len(spi) != len(message.initiator_spi) * 2:
        return _Wrong.SIZE
    if not int(spi, 16):
        return _Wrong.ZERO
    swapped = spi == message.responder_spi + message.initiator_spi
    return _Wrong.SWAPPED if swapped else _Wrong.OTHER


def _are_accepted(case: Case, messages: list[IkeMessage]) -> bool:
    """Whether the questions were answered, and the answers satisfied the asker."""
    return all(_is_accepted(case, message) for message in messages)


def _is_accepted(case: Case, message: IkeMessage) -> bool:
    if message.kind is MessageKind.R_U_THERE_ACK:
        return not any(
            m.kind is MessageKind.R_U_THERE
            and m.dpd_sequence == message.dpd_sequence
            and m.at_ns > message.at_ns
            for m in case.messages[message.ike_sa]
        )
    exchange = case.places.get(message.ref, Place()).exchange
    return exchange is not None and exchange.outcome is Outcome.ANSWERED


RULE = PeerRule(
    id="dpd-cookie-mismatch",
    severity=Severity.WARNING,
    title="A DPD message names the wrong IKE SA",
    rationale=(
        "The receiver should check the cookies and drop a message whose cookies are not those of"
        " the SA. Several products tolerate it, others do not: then DPD fails with a peer that"
        " is alive."
    ),
    remedy=(
        "If the questions stay unanswered, let the end whose messages are right ask, and report"
        " the other one to its vendor."
    ),
    source="RFC 3706 sections 5.3 and 6.1",
    needs=(Needs.KEYS,),
    traps=(
        "answered all the same: Libreswan and racoon tolerate it by design",
        "nothing of the other end was captured: nobody knows whether it answered",
        "no SPI at all, or one of another size, is unusual and no more",
        "the `spi 0` that Cisco prints in its debug is no field of the message",
    ),
    check=_check,
)
