"""How a prober is known to have given its peer up."""

from __future__ import annotations

from dataclasses import dataclass

from analyzers.model.exchange import Exchange, Outcome
from analyzers.model.records import Confidence, Ref
from analyzers.model.sa import SaEnd
from analyzers.rules.case import Case


@dataclass(frozen=True, slots=True)
class GivenUp:
    """The moment at which a prober showed that it had given its peer up, at the latest."""

    at_ns: int
    how: str
    """"its log says so", "it deleted the SA", "it set up a new IKE SA"."""
    ref: Ref
    confidence: Confidence
    by_log: bool


def given_up(case: Case, exchange: Exchange) -> GivenUp | None:
    """What a prober did after a question that was not answered; None where it did nothing."""
    if exchange.outcome is not Outcome.UNANSWERED:
        return None
    if exchange.verdict_ref is not None and exchange.verdict_ns is not None:
        ref = exchange.verdict_ref
        return GivenUp(exchange.verdict_ns, "its log says so", ref, Confidence.CERTAIN, True)
    sa = case.sas.get(exchange.ike_sa)
    if sa is not None and sa.end is SaEnd.DEAD_PEER and sa.ended_ns is not None:
        last = case.exchanges_of[exchange.ike_sa][-1]
        if exchange is last and len(sa.refs) > 1 and case.is_log(sa.refs[-1]):
            return GivenUp(sa.ended_ns, "its log says so", sa.refs[-1], Confidence.CERTAIN, True)
    acted = [
        GivenUp(d.at_ns, "it deleted the SA", d.ref, d.confidence, False)
        for d in case.peer.deletes
        if d.ike_sa == exchange.ike_sa
        and d.sender == exchange.prober
        and d.at_ns >= exchange.last_ns
    ]
    acted += [
        GivenUp(sa.first_ns, "it set up a new IKE SA", sa.refs[0], Confidence.CERTAIN, False)
        for sa in case.peer.ike_sas
        if sa.id != exchange.ike_sa
        and sa.initiator == exchange.prober
        and sa.first_ns >= exchange.last_ns
        and case.begins(sa)
    ]
    return min(acted, key=lambda each: each.at_ns, default=None)


def heard_otherwise(case: Case, exchange: Exchange, until_ns: int) -> bool:
    """Whether the other end, or somebody on its behalf, said meanwhile that the SA is gone."""
    hinted = any(
        h.sender != exchange.prober and exchange.first_ns <= h.at_ns <= until_ns
        for h in case.peer.hints
    )
    deleted = any(
        d.sender == exchange.responder and exchange.first_ns <= d.at_ns <= until_ns
        for d in case.peer.deletes
    )
    renewed = any(
        sa.initiator == exchange.responder and exchange.first_ns <= sa.first_ns <= until_ns
        for sa in case.peer.ike_sas
    )
    return hinted or deleted or renewed
