"""How a prober is known to have given its peer up."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from analyzers.model.exchange import Exchange, Outcome
from analyzers.model.records import Confidence, Ref
from analyzers.model.sa import SaEnd
from analyzers.rules.case import Case
from analyzers.rules.wording import weakest


class GivenUp(Struct, frozen=True):
    """The moment at which a prober showed that it had given its peer up, at the latest."""

    at_ns: int
    how: str
    """"its log says so", "it deleted the SA", "it set up a new IKE SA"."""
    ref: Ref
    confidence: Confidence
    by_log: bool


def at_most_inferred(confidence: Confidence) -> Confidence:
    """The confidence of what rests on a verdict that only silence shows."""
    return weakest((confidence, Confidence.INFERRED))


def given_up(case: Case, exchange: Exchange) -> GivenUp | None:
    """What a prober did while a question had no answer; None where it did nothing.

    The answer may have come later.
    """
    if exchange.outcome is Outcome.OPEN:
        return None
    answer_ns = None if exchange.answer is None else exchange.answer.at_ns
    if exchange.outcome is Outcome.ANSWERED and answer_ns is None:
        return None
    shown = _by_log(case, exchange)
    if shown is None and (answer_ns is None or exchange.retries):
        shown = min(_acts(case, exchange), key=lambda each: each.at_ns, default=None)
    if shown is None or (answer_ns is not None and answer_ns <= shown.at_ns):
        return None
    return shown


def _by_log(case: Case, exchange: Exchange) -> GivenUp | None:
    """What its log says of the question, or of its SA after the last question on it."""
    at_ns, ref = exchange.verdict_ns, exchange.verdict_ref
    if ref is None:
        sa = case.sas.get(exchange.ike_sa)
        if sa is None or sa.end is not SaEnd.DEAD_PEER or not case.is_log(sa.refs[-1]):
            return None
        if exchange is not case.exchanges_of[exchange.ike_sa][-1]:
            return None
        at_ns, ref = sa.ended_ns, sa.refs[-1]
    if at_ns is None or at_ns < exchange.last_ns:
        return None
    return GivenUp(at_ns, "its log says so", ref, Confidence.CERTAIN, by_log=True)


def _acts(case: Case, exchange: Exchange) -> Iterator[GivenUp]:
    """Deletes of the SA, and new SAs, after the last question."""
    for delete in case.peer.deletes:
        own = (delete.ike_sa, delete.sender) == (exchange.ike_sa, exchange.prober)
        if own and delete.at_ns >= exchange.last_ns:
            how = "it deleted the SA"
            yield GivenUp(delete.at_ns, how, delete.ref, delete.confidence, by_log=False)
    for sa in case.peer.ike_sas:
        other = sa.id != exchange.ike_sa and sa.initiator == exchange.prober
        if other and sa.first_ns >= exchange.last_ns and case.begins(sa):
            how = "it set up a new IKE SA"
            yield GivenUp(sa.first_ns, how, sa.refs[0], Confidence.CERTAIN, by_log=False)


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
