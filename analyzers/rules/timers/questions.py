"""Questions of one prober on one IKE SA, and the distances between them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby, pairwise
from typing import NamedTuple

from analyzers.model.exchange import Exchange, Outcome
from analyzers.model.records import Confidence
from analyzers.model.sa import IkeSa
from analyzers.model.time import ORDER_LIMIT_NS, seconds
from analyzers.rules.case import Case

_STAMP_S = 1.0


class Asked(NamedTuple):
    """What one prober asked on one IKE SA, in the order of time."""

    prober: str
    sa: IkeSa
    exchanges: tuple[Exchange, ...]


def asked(case: Case) -> Iterator[Asked]:
    """All questions of a peer that have a time, by prober and IKE SA; doubtful ones left out."""

    def key(exchange: Exchange) -> tuple[str, str]:
        return exchange.ike_sa, exchange.prober

    known = [
        x
        for x in case.peer.exchanges
        if x.ike_sa in case.sas
        and x.first_ns >= ORDER_LIMIT_NS
        and x.confidence is not Confidence.SUSPECT
    ]
    for (ike_sa, prober), found in groupby(sorted(known, key=key), key):
        yield Asked(prober, case.sas[ike_sa], tuple(found))


class Distance(NamedTuple):
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
    coarse = any(t.ref.source in case.coarse_sources for t in exchange.transmissions)
    return _STAMP_S if coarse else 0.0


def gaps_s(exchange: Exchange) -> list[float]:
    """Distances of the transmissions of one question; empty where the first is not shown."""
    if exchange.first_missing:
        return []
    sent = [t.at_ns for t in exchange.transmissions]
    return [seconds(later - sooner) for sooner, later in pairwise(sent)]
