"""liveness-response-not-empty: an empty question, and an answer with something in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from analyzers.model.exchange import Exchange, ExchangeKind
from analyzers.model.finding import Severity
from analyzers.model.observations import IkeMessage, MessageKind
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.wording import few, sa_name, weakest

_PAYLOADS: Final = {41: "a Notify", 42: "a Delete", 43: "a Vendor ID", 47: "a Configuration"}


def _check(case: Case) -> Iterator[Found]:
    if not case.packets:
        return
    found: dict[tuple[str, str], list[tuple[Exchange, IkeMessage]]] = defaultdict(list)
    for exchange in case.peer.exchanges:
        answer = _full_answer(case, exchange)
        if answer is not None:
            found[exchange.ike_sa, exchange.responder].append((exchange, answer))
    for (sa_id, responder), pairs in found.items():
        first, answer = pairs[0]
        what = _PAYLOADS.get(answer.sk_next_payload or 0, f"payload {answer.sk_next_payload}")
        yield Found(
            f"{responder} answered {len(pairs):,} empty"
            f" {'request' if len(pairs) == 1 else 'requests'} of {first.prober} on"
            f" {sa_name(case.sas[sa_id])} with {what} first.",
            few(ref for x, m in pairs for ref in (x.transmissions[-1].ref, m.ref)),
            confidence=weakest(m.confidence for _, m in pairs),
            at_ns=answer.at_ns,
            end=responder,
        )


def _full_answer(case: Case, exchange: Exchange) -> IkeMessage | None:
    if exchange.kind is not ExchangeKind.LIVENESS or exchange.answer is None:
        return None
    question = case.message_at.get(exchange.transmissions[0].ref)
    answer = case.message_at.get(exchange.answer.ref)
    if question is None or answer is None or question.kind is not MessageKind.LIVENESS:
        return None
    return answer if answer.sk_next_payload else None


RULE = PeerRule(
    id="liveness-response-not-empty",
    severity=Severity.INFO,
    title="The answer to an empty request is not empty",
    rationale=(
        "It proves life like any other, and is allowed. But it is unusual: the peer uses the answer"
        " to say something, often an error, that is worth reading with keys or in its log."
    ),
    remedy="Read what the answer says, in the peer's log or with the keys of the SA.",
    source="RFC 7296 section 1.4",
    needs=(Needs.CAPTURE,),
    traps=(
        "a MOBIKE question carries NAT detection, and so does its answer",
        "the answer to a Delete, a Notify or a Configuration request is not one to an empty one",
        "the first payload stands in the first fragment only",
    ),
    check=_check,
)
