"""dpd-answer-unheard: questions that are answered, and asked again all the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from analyzers.model.exchange import Exchange, Transmission
from analyzers.model.finding import Severity
from analyzers.model.records import Confidence
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.wording import few, question_name, weakest

# One answer gets lost now and then, or crosses the retry on the way.
_FEWEST: Final = 2


def _check(case: Case) -> Iterator[Found]:
    unheard: dict[tuple[str, str], list[Exchange]] = defaultdict(list)
    for exchange in case.peer.exchanges:
        if exchange.unheard_answers and len(_in_vain(exchange)) >= _FEWEST:
            unheard[exchange.prober, exchange.responder].append(exchange)
    for exchanges in unheard.values():
        yield _found(exchanges)


def _in_vain(exchange: Exchange) -> list[Transmission]:
    """Its answers that it was asked again after; of some the log of its prober may tell why."""
    answers = (*exchange.unheard_answers, *exchange.lost_answers)
    return [answer for answer in answers if answer.at_ns < exchange.last_ns]


def _found(exchanges: list[Exchange]) -> Found:
    first = exchanges[0]
    most = max(len(_in_vain(x)) for x in exchanges)
    what, up_to = f"a {question_name(first.kind)} that was", ""
    if len(exchanges) > 1:
        what, up_to = f"{len(exchanges):,} {question_name(first.kind)}s that were", "up to "
    return Found(
        f"{first.prober} repeated {what} answered by {first.responder}, {up_to}{most} times: the"
        " answers do not seem to arrive.",
        few(m.ref for x in exchanges for m in x.messages),
        remedy=(
            f"Follow the way from {first.responder} to {first.prober}, behind the place where this"
            " was recorded: filters for UDP 500 and 4500, NAT mappings, the route, the firewall of"
            f" {first.prober} itself."
        ),
        confidence=weakest([Confidence.INFERRED, *(x.confidence for x in exchanges)]),
        at_ns=min(answer.at_ns for answer in _in_vain(first)),
        end=first.prober,
    )


RULE = PeerRule(
    id="dpd-answer-unheard",
    severity=Severity.WARNING,
    title="A question is answered, and asked again and again",
    rationale=(
        "Who has an answer does not repeat the request. The end that asks does not hear the one"
        " that answers: soon it gives up a peer that lives, and hears none of its traffic either."
    ),
    remedy="Follow the way back, from the end that answers to the end that asks.",
    source="RFC 7296 section 2.1",
    needs=(Needs.CAPTURE, Needs.LOG),
    traps=("an answer that was lost once, or that a retry crossed on its way",),
    check=_check,
)
