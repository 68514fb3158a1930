"""dpd-ack-from-other-address: the answer does not come from where the question went."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from operator import attrgetter
from typing import Final, TypeAlias

from msgspec import Struct

from analyzers.model.exchange import Exchange
from analyzers.model.finding import Severity
from analyzers.model.observations import IkeMessage
from analyzers.model.records import Basis
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.wording import few, sa_name, times, weakest

End: TypeAlias = tuple[str, int]
"""Address and port."""
# So many answers, all of them from one other address, are how a cluster is built.
_ALWAYS: Final = 3


class _Stray(Struct, frozen=True):
    exchange: Exchange
    question: IkeMessage
    answer: IkeMessage


def _check(case: Case) -> Iterator[Found]:
    if not case.packets:
        return
    for sa_id, exchanges in case.exchanges_of.items():
        for prober in case.ends:
            answered = [
                x for x in exchanges if x.prober == prober and _captured(case, x) is not None
            ]
            strays: dict[tuple[End, End], list[_Stray]] = defaultdict(list)
            for exchange in answered:
                stray = _stray(case, exchange)
                if stray is not None and not _moved(case, stray):
                    went = (stray.question.dst, stray.question.dport)
                    strays[went, (stray.answer.src, stray.answer.sport)].append(stray)
            for ends, found in strays.items():
                always = len(found) == len(answered) >= _ALWAYS
                yield _found(case, sa_id, ends, found, always=always)


def _captured(case: Case, exchange: Exchange) -> IkeMessage | None:
    """The answer, where a capture has it: logs need not print addresses as they were."""
    answer = None if exchange.answer is None else case.message_at.get(exchange.answer.ref)
    return None if answer is None or answer.basis is Basis.LOG else answer


def _stray(case: Case, exchange: Exchange) -> _Stray | None:
    """An answer that comes from none of the ends that the question was sent to."""
    answer = _captured(case, exchange)
    if answer is None:
        return None
    asked = [
        m
        for t in exchange.transmissions
        if (m := case.message_at.get(t.ref)) is not None and m.basis is not Basis.LOG
    ]
    if not asked or (answer.src, answer.sport) in {(m.dst, m.dport) for m in asked}:
        return None
    return _Stray(exchange, asked[-1], answer)


def _moved(case: Case, stray: _Stray) -> bool:
    """Whether the prober follows: what it sends next goes to where the answer came from.

    Without anything sent later nobody knows.
    """
    answer = stray.answer
    messages = case.messages[answer.ike_sa]
    start = bisect_right(messages, answer.at_ns, key=attrgetter("at_ns"))
    for later in islice(messages, start, None):
        same_input = later.ref.source == answer.ref.source and later.basis is not Basis.LOG
        if same_input and case.is_local(later.src) == case.is_local(stray.question.src):
            return (later.dst, later.dport) == (answer.src, answer.sport)
    return True


def _found(
    case: Case, sa_id: str, ends: tuple[End, End], found: list[_Stray], *, always: bool
) -> Found:
    (went, port), (came, from_port) = ends
    first = found[0]
    if went == came:
        what = f"to port {port} of {went}, the answer came from its port {from_port}"
    else:
        what = f"to {went}, the answer came from {came}"
    known = " It always does: so answers a member of a cluster with its own address." * always
    return Found(
        f"{first.exchange.prober} sent its question on {sa_name(case.sas[sa_id])} {what},"
        f" {times(len(found))}, and its next message went to the old one again.{known}",
        few(m.ref for stray in found for m in (stray.question, stray.answer)),
        severity=Severity.INFO if always else None,
        confidence=weakest(stray.exchange.confidence for stray in found),
        at_ns=first.answer.at_ns,
        end=first.exchange.prober,
    )


RULE = PeerRule(
    id="dpd-ack-from-other-address",
    severity=Severity.WARNING,
    title="The answer came from another address than was asked",
    rationale=(
        "An answer goes back the way the question came. From another address it may not pass NAT"
        " or a stateful firewall, and a living peer looks dead; or the way back is another one."
    ),
    remedy=(
        "Look for two ways to the peer, or a cluster that answers with a member's own address: IKE"
        " must answer from the address that was asked."
    ),
    source="RFC 7296 section 2.11; RFC 3947 section 4",
    needs=(Needs.CAPTURE,),
    traps=(
        "the peer has moved (NAT rebinding, MOBIKE): what is sent next goes to its new address",
        "a path test that was sent to several addresses (RFC 4555 section 3.10)",
        "a cluster that always answers from one other address is worth a note only",
        "two captures, one on either side of a NAT",
    ),
    check=_check,
)
