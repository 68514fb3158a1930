"""Starts of a device that cost it an SA, as its own log tells them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzers.model.exchange import Delete, DeleteProtocol
from analyzers.model.peer import Hint
from analyzers.model.records import Confidence
from analyzers.model.sa import IkeSa, SaEnd
from analyzers.model.time import NS_PER_SECOND
from analyzers.rules.case import Case
from analyzers.rules.once import once
from analyzers.rules.state.hints import AROUND_NS, starts

# Many logs have stamps of whole seconds.
_RESOLUTION_NS: Final = NS_PER_SECOND
LOOK_FOR_IT: Final = "Look for a restart, a crash or a manual clear at the peer at that time."
"""What to do about a peer that has lost its SAs."""


@once
def restarts(case: Case) -> list[tuple[Hint, IkeSa]]:
    """Starts of a device, and the IKE SA that it had before, which no Delete had ended."""
    return list(_restarts(case))


@once
def restart_of_sa(case: Case) -> dict[str, Hint]:
    """The first start that cost its device an IKE SA, by the id of that."""
    return {old.id: start for start, old in reversed(restarts(case))}


def _restarts(case: Case) -> Iterator[tuple[Hint, IkeSa]]:
    for start in starts(case):
        old = next((sa for sa in reversed(case.peer.ike_sas) if _was_in_use(case, sa, start)), None)
        if old is None:
            continue
        over_ns = old.ended_ns if old.end not in (None, SaEnd.LOST) else None
        given_up = old.end is SaEnd.DEAD_PEER and start.at_ns - (over_ns or 0) <= AROUND_NS
        if over_ns is not None and over_ns <= start.at_ns and not given_up:
            continue
        if any(d.ike_sa == old.id and _may_end(d) for d in case.peer.deletes):
            continue
        still_used = any(
            m.src == start.sender
            and m.encrypted
            and m.at_ns > start.at_ns + _margin_ns(case, start)
            for m in case.messages.get(old.id, ())
        )
        if not still_used:
            yield start, old


def _may_end(delete: Delete) -> bool:
    """Whether a Delete is one of an IKE SA, or may be."""
    return delete.protocol is not DeleteProtocol.ESP or (
        delete.confidence is not Confidence.CERTAIN and not delete.spis
    )


def _was_in_use(case: Case, sa: IkeSa, start: Hint) -> bool:
    """Whether the device had used an IKE SA before it started, or its log says that it was up."""
    before_ns = start.at_ns - _margin_ns(case, start)
    if sa.end is SaEnd.LOST and sa.id not in case.messages:
        return sa.established_ns is not None and sa.established_ns < before_ns
    return any(
        m.encrypted
        and m.src == start.sender
        and m.at_ns < before_ns
        and case.have_an_order(start.ref, m.ref)
        for m in case.messages.get(sa.id, ())
    )


def _margin_ns(case: Case, start: Hint) -> int:
    """How far the time of a log's line may be off."""
    return max(case.source[start.ref.source].clock_spread_ns or 0, _RESOLUTION_NS)
