"""ikev2-msgid-jump: request IDs that were never used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median
from typing import Final

from analyzers.model.finding import Severity
from analyzers.model.records import Confidence
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.requests import Request, synchronises, window_known
from analyzers.rules.rule import Found, Needs

# ESP that goes on without a gap shows that the capture lost nothing meanwhile.
_ESP_PACKETS: Final = 10
# Requests that keep their distance leave no room for one between them.
_RHYTHM_GAPS: Final = 3
_RHYTHM_SHARE: Final = 1.5
# A capture that drops frames has many gaps, and none that tells anything.
_MOST_JUMPS: Final = 50


def _check(case: Case) -> Iterator[Found]:
    for sa in case.peer.ike_sas:
        if sa.ike_version != 2 or window_known(case.packets.get(sa.id, ())) is False:
            continue
        requests = case.requests[sa.id]
        synchronised_ns = min(
            (r.first.at_ns for r in requests if synchronises(r)), default=case.end_ns
        )
        for by_initiator in (True, False):
            own = [r for r in requests if r.by_initiator is by_initiator]
            rhythm_ns = _rhythm_ns(own)
            jumps = [
                (before, after)
                for before, after in _jumps(own)[:_MOST_JUMPS]
                if after.first.at_ns <= synchronised_ns
                and _complete(case, sa.id, rhythm_ns, before, after)
            ]
            if jumps:
                yield _found(jumps)


def _jumps(own: Sequence[Request]) -> list[tuple[Request, Request]]:
    """Neighbours by ID that are none; an ID that came late in the file is no jump."""
    by_id = {r.message_id: r for r in reversed(own)}
    ordered = [by_id[number] for number in sorted(by_id)]
    return [(a, b) for a, b in pairwise(ordered) if b.message_id > a.message_id + 1]


def _complete(
    case: Case, ike_sa: str, rhythm_ns: float | None, before: Request, after: Request
) -> bool:
    """Whether the capture shows that nothing was sent between two requests."""
    start_ns, end_ns = before.first.at_ns, after.first.at_ns
    if before.first.ref.source != after.first.ref.source or end_ns <= start_ns:
        return False
    if any(
        flow.first_ns <= start_ns
        and flow.last_ns >= end_ns
        and flow.packets >= _ESP_PACKETS
        and flow.missing_sequences == 0
        for flow in case.peer.esp_flows
    ):
        return True
    rtt_ns = case.rtt_ns(ike_sa)
    missing = after.message_id - before.message_id - 1
    if rtt_ns is not None and end_ns - start_ns < missing * rtt_ns:
        return True
    return rhythm_ns is not None and end_ns - start_ns <= _RHYTHM_SHARE * rhythm_ns


def _rhythm_ns(own: Sequence[Request]) -> float | None:
    """The usual distance of neighbours; None where there are too few."""
    gaps = [
        b.first.at_ns - a.first.at_ns for a, b in pairwise(own) if b.message_id == a.message_id + 1
    ]
    return median(gaps) if len(gaps) >= _RHYTHM_GAPS else None


def _found(jumps: Sequence[tuple[Request, Request]]) -> Found:
    before, after = jumps[0]
    more = f" {len(jumps)} such jumps in all." if len(jumps) > 1 else ""
    return Found(
        f"{after.first.src} went from request {before.message_id} to {after.message_id} on one IKE"
        f" SA with {after.first.dst}, without RFC 6311, and the capture has no room for those"
        f" between.{more}",
        tuple(m.first.ref for pair in jumps[:10] for m in pair),
        confidence=Confidence.INFERRED,
        at_ns=after.first.at_ns,
    )


RULE = PeerRule(
    id="ikev2-msgid-jump",
    severity=Severity.WARNING,
    title="Request IDs were skipped",
    rationale=(
        "Each request has the ID after the one before it. A peer with a window of 1 drops a request"
        " whose ID it does not expect: liveness questions then stay unanswered, and a living SA is"
        " given up."
    ),
    remedy=(
        "Typical of a failover that does not carry the counters over: enable the synchronisation of"
        " message IDs (RFC 6311) on both ends, or clear the SA after a failover."
    ),
    source="RFC 7296 section 2.2; RFC 6311 section 5",
    needs=(Needs.CAPTURE,),
    traps=(
        "a capture that lost frames: it must be shown to be complete by ESP without a gap, by a"
        " rhythm that goes on, or by too little time",
        "the MESSAGE_ID_SYNC of a cluster (ID 0, RFC 6311)",
        "a window larger than 1, and requests that come out of order",
        "two captures with a time between them",
    ),
    check=_check,
)
