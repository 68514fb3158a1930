"""How a prober is known to have given its peer up."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from operator import attrgetter
from typing import Final

from msgspec import Struct

from analyzers.model.exchange import Delete, Exchange, Outcome
from analyzers.model.peer import HintKind
from analyzers.model.records import Confidence, Ref
from analyzers.model.sa import IkeSa, SaEnd
from analyzers.rules.case import Case
from analyzers.rules.once import once
from analyzers.rules.timers.questions import Asked, asked
from analyzers.rules.wording import weakest

_at_ns: Final = attrgetter("at_ns")
_first_ns: Final = attrgetter("first_ns")


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


@once
def verdicts(case: Case) -> tuple[tuple[Asked, Exchange, GivenUp], ...]:
    """All questions that have a time and after which the prober gave its peer up."""
    return tuple(
        (own, exchange, shown)
        for own in asked(case)
        for exchange in own.exchanges
        if (shown := given_up(case, exchange)) is not None
    )


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
        if sa is None or sa.end is not SaEnd.DEAD_PEER:
            return None
        last = case.exchanges_of[exchange.ike_sa][-1]
        if exchange is not last or not case.is_log(sa.refs[-1]):
            return None
        at_ns, ref = sa.ended_ns, sa.refs[-1]
        if _said_by(case).get(ref, exchange.prober) != exchange.prober:
            return None
    if at_ns is None or at_ns < exchange.last_ns:
        return None
    unsure = case.is_unsure(ref, exchange.transmissions[-1].ref)
    confidence = Confidence.INFERRED if unsure else Confidence.CERTAIN
    return GivenUp(at_ns, "its log says so", ref, confidence, by_log=True)


@once
def _said_by(case: Case) -> dict[Ref, str]:
    """Who gave its peer up, by the line of its log that says so."""
    hints = (hint for hint in case.peer.hints if hint.kind is HintKind.PEER_DEAD)
    said = {hint.ref: hint.sender for hint in hints}
    for exchange in case.peer.exchanges:
        if exchange.verdict_ref is not None:
            said[exchange.verdict_ref] = exchange.prober
    return said


def _acts(case: Case, exchange: Exchange) -> Iterator[GivenUp]:
    """Deletes of the SA, and new SAs, after the last question."""
    deletes = _deletes(case).get((exchange.ike_sa, exchange.prober), [])
    if case.has_taken_over(exchange):
        deletes = []
    place = bisect_left(deletes, exchange.last_ns, key=_at_ns)
    theirs = _deletes(case).get((exchange.ike_sa, exchange.responder), [])
    for delete in deletes[place : place + 1]:
        if any(exchange.first_ns <= other.at_ns <= delete.at_ns for other in theirs):
            break  # it does what it was told
        how = "it deleted the SA"
        yield GivenUp(delete.at_ns, how, delete.ref, delete.confidence, by_log=False)
    if exchange.outcome is Outcome.UNANSWERED and exchange.verdict_ns is None:
        return  # it renewed the SA, or the peer had come anew
    begun = _begun(case).get(exchange.prober, [])
    place = bisect_left(begun, exchange.last_ns, key=_first_ns)
    for sa in begun[place : place + 2]:  # its own may be one of them
        if sa.id != exchange.ike_sa:
            how = "it set up a new IKE SA"
            yield GivenUp(sa.first_ns, how, sa.refs[0], Confidence.CERTAIN, by_log=False)


@once
def _deletes(case: Case) -> dict[tuple[str, str], list[Delete]]:
    """Deletes by IKE SA and sender, in the order of time."""
    found: dict[tuple[str, str], list[Delete]] = defaultdict(list)
    for delete in sorted(case.peer.deletes, key=_at_ns):
        found[delete.ike_sa, delete.sender].append(delete)
    return found


@once
def _begun(case: Case) -> dict[str, list[IkeSa]]:
    """IKE SAs whose beginning was seen, by initiator, in the order of time."""
    found: dict[str, list[IkeSa]] = defaultdict(list)
    for sa in sorted(case.peer.ike_sas, key=_first_ns):
        if case.begins(sa):
            found[sa.initiator].append(sa)
    return found


def heard_otherwise(case: Case, exchange: Exchange, until_ns: int) -> bool:
    """Whether the other end, or somebody on its behalf, said meanwhile that the SA is gone."""
    return any(
        _is_within(at_ns, exchange.first_ns, until_ns)
        for (hinted, sender), at_ns in _said_ns(case).items()
        if (sender != exchange.prober if hinted else sender == exchange.responder)
    )


@once
def _said_ns(case: Case) -> dict[tuple[bool, str], list[int]]:
    """When somebody sent a hint (True), or a Delete or the start of an IKE SA (False), by sender.

    In the order of time.
    """
    found: dict[tuple[bool, str], list[int]] = defaultdict(list)
    for hint in case.peer.hints:
        found[True, hint.sender].append(hint.at_ns)
    for delete in case.peer.deletes:
        found[False, delete.sender].append(delete.at_ns)
    for sa in case.peer.ike_sas:
        found[False, sa.initiator].append(sa.first_ns)
    return {key: sorted(at_ns) for key, at_ns in found.items()}


def _is_within(at_ns: list[int], first_ns: int, last_ns: int) -> bool:
    place = bisect_left(at_ns, first_ns)
    return place < len(at_ns) and at_ns[place] <= last_ns
