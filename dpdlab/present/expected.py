"""When a policy would have asked: ghost marks beside the questions that were really sent.

Only what follows from the policy and from what was seen: after each question the next one, after
an unanswered one its retries, and in a black hole the question that should have come.
"""

from __future__ import annotations

from itertools import accumulate
from typing import Final

from analyzers.model.exchange import Exchange, Outcome
from analyzers.model.peer import PeerView
from analyzers.model.policy import DpdPolicy, PolicyMode, by_precedence
from analyzers.model.time import nanoseconds

_MOST_RETRIES: Final = 32


def policy_of(peer: PeerView, holder: str) -> DpdPolicy | None:
    """The policy that a holder is held against: given, configured, else what is seen of it."""
    return next((p for p in by_precedence(peer.policies, holder) if p.interval_s), None)


def expected_ns(peer: PeerView, holder: str) -> list[int]:
    """Times at which the policy of a holder would have asked, in ns since the epoch."""
    policy = policy_of(peer, holder)
    if policy is None or policy.mode is PolicyMode.DISABLED or not policy.interval_s:
        return []
    interval_ns = nanoseconds(policy.interval_s)
    found: set[int] = set()
    for exchange in peer.exchanges:
        if exchange.prober != holder:
            continue
        found.add(_due_ns(exchange, policy, interval_ns))
        if exchange.outcome is not Outcome.ANSWERED:
            found.update(_retries_ns(exchange, policy))
    for hole in peer.black_holes:
        unasked = hole.first_probe_ns is None
        if hole.sender == holder and hole.last_proof_ns is not None and unasked:
            found.add(hole.last_proof_ns + interval_ns)
    return sorted(found)


def _due_ns(exchange: Exchange, policy: DpdPolicy, interval_ns: int) -> int:
    """When this question was due; without its last proof known, when it came."""
    idle = policy.mode in (PolicyMode.ON_IDLE, PolicyMode.ON_DEMAND)
    if idle and exchange.since_proof_ns is not None:
        return exchange.first_ns - exchange.since_proof_ns + interval_ns
    return exchange.first_ns


def _retries_ns(exchange: Exchange, policy: DpdPolicy) -> list[int]:
    """When it would be asked again; after the last wait comes the verdict, and no question."""
    waits_s = policy.waits_s[: _MOST_RETRIES + 1]
    if not waits_s and policy.retry_s is not None and policy.retries is not None:
        count = min(policy.retries, _MOST_RETRIES) + 1
        waits_s = tuple(policy.retry_s * policy.backoff**n for n in range(count))
    after_s = accumulate(waits_s[:-1])
    return [exchange.first_ns + nanoseconds(s) for s in after_s]
