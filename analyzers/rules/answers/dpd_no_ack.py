"""dpd-no-ack: a liveness question that nobody answered within the retry horizon."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.model.exchange import Exchange, ExchangeKind, Lost, Outcome
from analyzers.model.finding import Severity
from analyzers.model.sa import SaEnd
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs

_WHERE = {
    Lost.REQUEST: "By the other end's log no question arrived: it was lost on the way.",
    Lost.ANSWER: "The other end answered by its log: the answer was lost on the way.",
    Lost.NEVER_ANSWERED: "By the other end's log the question arrived, and was not answered.",
}


def _check(case: Case) -> Iterator[Found]:
    for exchange in case.peer.exchanges:
        if exchange.outcome is not Outcome.UNANSWERED or not case.heard(exchange.responder):
            continue
        yield Found(
            _detail(exchange),
            tuple(t.ref for t in exchange.transmissions),
            severity=None if _ends_sa(case, exchange) else Severity.WARNING,
            confidence=exchange.confidence,
            at_ns=exchange.first_ns,
        )


def _ends_sa(case: Case, exchange: Exchange) -> bool:
    sa = case.sas.get(exchange.ike_sa)
    if sa is None or sa.end is not SaEnd.DEAD_PEER:
        return False
    return exchange is case.exchanges_of[exchange.ike_sa][-1]


def _detail(exchange: Exchange) -> str:
    what = "R-U-THERE" if exchange.kind is ExchangeKind.DPD else "liveness request"
    times = len(exchange.transmissions)
    sent = "once" if times == 1 else f"{times} times"
    said = f"{exchange.prober} sent a {what} {sent} to {exchange.responder}; no answer came."
    return f"{said} {_WHERE[exchange.lost]}" if exchange.lost else said


RULE = PeerRule(
    id="dpd-no-ack",
    severity=Severity.ERROR,
    title="A liveness question was not answered",
    rationale=(
        "The answer is mandatory. When it stays out, the peer is gone, it has lost its SA, or IKE"
        " is dropped on the way there or back; what is sent into the tunnel meanwhile is lost."
    ),
    remedy=(
        "Capture at both ends: a question that does not arrive is a problem of the path or a"
        " filter (UDP 500 and 4500); one that arrives and stays unanswered is one of the peer."
    ),
    source="RFC 3706 section 5.2; RFC 7296 section 1.4",
    needs=(Needs.CAPTURE, Needs.KEYS, Needs.LOG),
    traps=(
        "the input ends before the retry horizon: the question is open",
        "nothing of the other end was captured: the answer may have taken another path",
        "a later question proves the answer that was not captured",
        "without keys: a Delete as long as an R-U-THERE is no question",
    ),
    check=_check,
)
