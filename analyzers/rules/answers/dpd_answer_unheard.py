"""dpd-answer-unheard: questions that are answered, and asked again all the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import groupby
from typing import Final

from analyzers.model.exchange import Exchange, ExchangeKind, Transmission
from analyzers.model.finding import Severity
from analyzers.model.records import Confidence
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.wording import few, question_name, weakest

# One answer gets lost now and then, or crosses the retry on the way.
_FEWEST: Final = 2
# No product repeats a question more often (dpd-semantics section 3): beyond, its number stands.
_MOST_TRIES: Final = 7


def _check(case: Case) -> Iterator[Found]:
    unheard: dict[tuple[str, str], list[Exchange]] = defaultdict(list)
    for exchange in case.peer.exchanges:
        if exchange.unheard_answers and len(_in_vain(exchange)) >= _FEWEST:
            unheard[exchange.prober, exchange.responder].append(exchange)
    for exchanges in unheard.values():
        yield _found(exchanges)
    for again in _asked_again(case):
        yield _found_again(again)


def _asked_again(case: Case) -> Iterator[list[Exchange]]:
    """IKEv1: answered questions with one number, of which each but the first is a retry."""
    for exchanges in case.exchanges_of.values():
        for end in case.ends:
            own = [x for x in exchanges if x.prober == end and x.kind is ExchangeKind.DPD]
            for number, found in groupby(own, key=lambda x: x.sequence):
                again = list(found)
                answered = all(x.answer is not None for x in again)
                if number is not None and answered and _FEWEST < len(again) <= _MOST_TRIES:
                    yield again


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
        remedy=_remedy(first),
        confidence=weakest([Confidence.INFERRED, *(x.confidence for x in exchanges)]),
        at_ns=min(answer.at_ns for answer in _in_vain(first)),
        end=first.prober,
    )


def _found_again(again: list[Exchange]) -> Found:
    first = again[0]
    return Found(
        f"{first.prober} asked again with number {first.sequence}, {len(again) - 1} times, although"
        f" {first.responder} had answered each time: the answers do not seem to arrive.",
        few(m.ref for x in again for m in x.messages),
        remedy=_remedy(first),
        confidence=weakest([Confidence.INFERRED, *(x.confidence for x in again)]),
        at_ns=again[1].first_ns,
        end=first.prober,
    )


def _remedy(exchange: Exchange) -> str:
    return (
        f"Follow the way from {exchange.responder} to {exchange.prober}, behind the place where"
        " this was recorded: filters for UDP 500 and 4500, NAT mappings, the route, the firewall of"
        f" {exchange.prober} itself."
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
    source="RFC 7296 section 2.1; RFC 3706 section 6.2",
    needs=(Needs.CAPTURE, Needs.LOG),
    traps=(
        "an answer that was lost once, or that a retry crossed on its way",
        "a prober that never counts: it asks with one number for ever",
    ),
    check=_check,
)
