"""When a policy would have asked: ghost marks beside the questions that were really sent.

Only what follows from the policy and from what was seen: after each question the next one, after
an unanswered one its retries, and where nobody asked the questions that should have come.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import IntEnum
from itertools import accumulate
from typing import Final, NamedTuple

from analyzers.export.spans import Window
from analyzers.model.exchange import Exchange, Outcome
from analyzers.model.peer import PeerState, PeerView
from analyzers.model.policy import DpdPolicy, PolicyMode, by_precedence
from analyzers.model.time import NS_PER_SECOND, nanoseconds

_MOST_RETRIES: Final = 32
_MOST_MISSED: Final = 10_000
"""Questions that should have come and did not, of which one holder has marks."""
_TOLERANCE_NS: Final = NS_PER_SECOND // 2
_TOLERANCE_SHARE: Final = 0.1
"""Of an interval: a question is on time that comes so much before it is due."""


def policy_of(peer: PeerView, holder: str) -> DpdPolicy | None:
    """The policy that a holder is held against: given, configured, else what is seen of it."""
    return next((p for p in by_precedence(peer.policies, holder) if p.interval_s), None)


def expected_ns(peer: PeerView, holder: str, unseen: Sequence[Window] = ()) -> list[int]:
    """Times at which the policy of a holder would have asked, in ns since the epoch.

    `unseen`: what no input shows; who asked there, nobody knows.
    """
    policy = policy_of(peer, holder)
    if policy is None or policy.mode is PolicyMode.DISABLED or not policy.interval_s:
        return []
    interval_ns = max(nanoseconds(policy.interval_s), 1)
    asked = [exchange for exchange in peer.exchanges if exchange.prober == holder]
    found: set[int] = set()
    for exchange in asked:
        if exchange.outcome is not Outcome.ANSWERED:
            found.update(_retries_ns(exchange, policy))
    if policy.mode is PolicyMode.PERIODIC:
        found.update(_periodic_ns(peer, holder, interval_ns, unseen))
        return sorted(found)
    found.update(_due_ns(exchange, policy, interval_ns) for exchange in asked)
    for hole in peer.black_holes:
        if hole.sender != holder or hole.last_proof_ns is None or hole.first_probe_ns is not None:
            continue
        due_ns = hole.last_proof_ns + interval_ns
        if due_ns <= hole.stop_ns:
            found.add(due_ns)
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


# --- periodic -------------------------------------------------------------------------------


class _What(IntEnum):
    """What a period begins or ends with; of one moment in this order."""

    OVER = 0
    """Nothing is expected any more: no SA is left, or nobody knows."""
    BEGUN = 1
    """A period: with an SA, a last proof, or a question of the other side, which takes the place
    of one (Cisco, IPsec Dead Peer Detection Periodic Message Option)."""
    ASKED = 2


class _Event(NamedTuple):
    at_ns: int
    what: _What
    exchange: Exchange | None = None


def _periodic_ns(
    peer: PeerView, holder: str, interval_ns: int, unseen: Sequence[Window]
) -> Iterator[int]:
    """An interval after each question, or after the SA began, and on while none came.

    A question before it is due is none of the policy's, and moves nothing.
    """
    if holder in peer.unheard:
        return
    tolerance_ns = max(_TOLERANCE_NS, round(_TOLERANCE_SHARE * interval_ns))
    shown = {exchange.id for exchange in peer.exchanges}
    whole = peer.whole
    due_ns: int | None = None
    left = _MOST_MISSED
    for at_ns, what, exchange in _events(whole, holder, interval_ns, unseen):
        missed = range(0)
        asked = exchange is not None and exchange.id in shown
        if due_ns is not None:
            missed = range(due_ns, at_ns if asked else at_ns - tolerance_ns, interval_ns)
            yield from missed[:left]
            left -= min(len(missed), left)
            due_ns += len(missed) * interval_ns
        if exchange is None:
            due_ns = None if what is _What.OVER else at_ns + interval_ns
            continue
        on_time = due_ns is not None and due_ns <= at_ns + tolerance_ns and not missed
        if asked and (on_time or due_ns is None):
            yield at_ns if due_ns is None else due_ns
        if exchange.outcome is not Outcome.ANSWERED:
            due_ns = None
        elif on_time or missed or due_ns is None:
            due_ns = exchange.last_ns + interval_ns
    if due_ns is not None:
        yield from range(due_ns, (whole.until_ns or whole.last_ns) + 1, interval_ns)[:left]


def _events(
    peer: PeerView, holder: str, interval_ns: int, unseen: Sequence[Window]
) -> list[_Event]:
    """What the periods of a holder begin and end with, in order."""
    found = [_Event(s.start_ns, _What.OVER) for s in peer.states if s.state is PeerState.UNKNOWN]
    # Files that follow each other closely hide no question.
    gaps = (gap for gap in unseen if gap.end_ns - gap.start_ns > interval_ns)
    found += [_Event(gap.start_ns, _What.OVER) for gap in gaps]
    for exchange in peer.exchanges:
        if exchange.prober == holder:
            found.append(_Event(exchange.first_ns, _What.ASKED, exchange))
        elif exchange.outcome is Outcome.ANSWERED:
            found.append(_Event(exchange.last_ns, _What.BEGUN))
    # What a live session keeps no more may have been asked.
    begun = [] if peer.forgotten else [sa.established_ns for sa in peer.ike_sas]
    found += [_Event(at_ns, _What.BEGUN) for at_ns in begun if at_ns is not None]
    found += [_Event(at_ns, _What.OVER) for at_ns in _without_sa(peer)]
    found.sort(key=lambda event: event[:2])
    first = next((e for e in found if e.what is not _What.OVER), None)
    if first is not None and first.exchange is not None:
        silent_ns = first.exchange.since_proof_ns
        if silent_ns is not None and silent_ns > interval_ns:
            found.insert(0, _Event(first.at_ns - silent_ns, _What.BEGUN))
    return found


def _without_sa(peer: PeerView) -> Iterator[int]:
    """When the last SA that there was ended."""
    changes = [(sa.first_ns, 1) for sa in peer.ike_sas]
    changes += [(sa.ended_ns, -1) for sa in peer.ike_sas if sa.ended_ns is not None]
    up = 0
    for at_ns, change in sorted(changes):
        up += change
        if not up:
            yield at_ns
