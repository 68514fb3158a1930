"""Questions of one prober on one IKE SA, and the distances between them."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

from msgspec import Struct

from analyzers.model.exchange import Exchange, Outcome
from analyzers.model.records import Confidence
from analyzers.model.sa import IkeSa
from analyzers.model.time import ORDER_LIMIT_NS, seconds
from analyzers.rules.case import Case
from analyzers.rules.once import once

_STAMP_S = 1.0


class Asked(Struct, frozen=True):
    """What one prober asked on one IKE SA, in the order of time."""

    prober: str
    sa: IkeSa
    exchanges: tuple[Exchange, ...]


@once
def asked(case: Case) -> tuple[Asked, ...]:
    """All questions of a peer that have a time, by prober and IKE SA; doubtful ones left out."""
    known: dict[tuple[str, str], list[Exchange]] = defaultdict(list)
    for exchange in case.peer.exchanges:
        if exchange.confidence is not Confidence.SUSPECT and exchange.first_ns >= ORDER_LIMIT_NS:
            known[exchange.ike_sa, exchange.prober].append(exchange)
    return tuple(
        Asked(prober, case.sas[ike_sa], tuple(found))
        for (ike_sa, prober), found in sorted(known.items())
        if ike_sa in case.sas
    )


class Distance(Struct, frozen=True):
    """Two questions in a row, of which the first was answered at once."""

    seconds: float
    earlier: Exchange
    later: Exchange


def distances(exchanges: tuple[Exchange, ...]) -> list[Distance]:
    """From start to start of questions in a row."""
    return [
        Distance(seconds(later.first_ns - earlier.first_ns), earlier, later)
        for earlier, later in pairwise(exchanges)
        if earlier.outcome is Outcome.ANSWERED
        and not earlier.retries
        and not later.first_missing
        and later.first_ns > earlier.first_ns
    ]


def stamp_s(case: Case, exchange: Exchange) -> float:
    """How far a distance may be off because its log stamps whole seconds."""
    coarse = case.coarse_sources
    if coarse and any(t.ref.source in coarse for t in exchange.transmissions):
        return _STAMP_S
    return 0.0


def gaps_s(exchange: Exchange) -> list[float]:
    """Distances of the transmissions of one question; empty where the first is not shown."""
    if exchange.first_missing:
        return []
    sent = [t.at_ns for t in exchange.transmissions]
    return [seconds(later - sooner) for sooner, later in pairwise(sent)]
