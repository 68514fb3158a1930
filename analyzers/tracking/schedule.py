"""The rhythm of retries: when the next one is due, and when it is overdue."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import Final

from analyzers.model.exchange import ExchangeKind, Transmission
from analyzers.model.time import NS_PER_SECOND

# Gaps whose ratio lies in here grow on purpose (strongSwan 1.8, others 2); less is jitter.
_GROWTH_FROM: Final = 1.2
_GROWTH_TO: Final = 3.0
# With one gap nothing is known of its growth: RFC 7296 section 2.4 demands that it grows, IKEv1
# stacks keep it constant.
_UNKNOWN_GROWTH: Final = {ExchangeKind.LIVENESS: 2.0}
# Libreswan's second wait is as long as its first, and only then they grow: three gaps tell.
_GAPS_OF_CONSTANT: Final = {ExchangeKind.LIVENESS: 3}
# Retry horizons are judged with this tolerance (dpd-semantics section 4: tolR).
_TOLERANCE_NS: Final = NS_PER_SECOND // 2
_TOLERANCE_SHARE: Final = 0.2
# Gaps that kept one rhythm as exactly as this may be off by a few times as much once more.
_LEAST_SHARE: Final = 0.02
_TIMES_SEEN: Final = 3
_FEWEST_RATIOS: Final = 2
# Traffic this dense ends by chance just before a retry was due once in as many cuts.
_DENSE_SHARE: Final = 0.11
# The last packet before an instant is at most a pace before it, and a little for jitter.
_LAST_PACKET: Final = 1.1
# No stack of dpd-semantics section 3 gives up after fewer transmissions.
_FEWEST_TRIES: Final = {ExchangeKind.LIVENESS: 5}
_FEWEST_TRIES_IKEV1: Final = 3


def next_wait_ns(sent: Sequence[Transmission], kind: ExchangeKind) -> int | None:
    """How long the prober waits after its last transmission, by the rhythm of its retries.

    None with a single transmission: nothing is known of the schedule.
    """
    if len(sent) < 2:
        return None
    last = max(sent[-1].at_ns - sent[-2].at_ns, 0)
    if len(sent) == 2:
        return round(last * _UNKNOWN_GROWTH.get(kind, 1.0))
    before = sent[-2].at_ns - sent[-3].at_ns
    ratio = last / before if before > 0 else 1.0
    return round(last * ratio) if _GROWTH_FROM <= ratio <= _GROWTH_TO else last


def longest_wait_ns(
    sent: Sequence[Transmission], kind: ExchangeKind, known_ns: int | None = None
) -> int | None:
    """The longest that the prober can be waiting after its last transmission, with tolerance.

    Jitter shortens a gap and hides growth, so the largest growth that was seen counts.
    `known_ns`: the wait that the policy in force has, if these kept it so far.
    """
    if known_ns is not None:
        return known_ns + max(_TOLERANCE_NS, round(_LEAST_SHARE * known_ns))
    if len(sent) < 2:
        return None
    gaps = [max(later.at_ns - sooner.at_ns, 0) for sooner, later in pairwise(sent)]
    ratios = [later / sooner for sooner, later in pairwise(gaps) if sooner and later]
    grown = [ratio for ratio in ratios if _GROWTH_FROM <= ratio <= _GROWTH_TO]
    growth = max(grown, default=1.0)
    if not grown and len(gaps) < _GAPS_OF_CONSTANT.get(kind, 1):
        growth = _UNKNOWN_GROWTH.get(kind, 1.0)
    wait = round(gaps[-1] * growth)
    return wait + max(_TOLERANCE_NS, round(_tolerance_share(ratios) * wait))


def _tolerance_share(ratios: Sequence[float]) -> float:
    """How far a gap may be off, by how exactly the gaps so far kept their rhythm."""
    if len(ratios) < _FEWEST_RATIOS:
        return _TOLERANCE_SHARE
    middle = median(ratios)
    seen = max(abs(ratio / middle - 1) for ratio in ratios)
    return min(max(_TIMES_SEEN * seen, _LEAST_SHARE), _TOLERANCE_SHARE)


def horizon_reached(
    sent: Sequence[Transmission], kind: ExchangeKind, end_ns: int, known_ns: int | None = None
) -> bool:
    """Whether the next retry would have come by now, if there was to be one."""
    wait = longest_wait_ns(sent, kind, known_ns)
    return wait is not None and end_ns >= sent[-1].at_ns + wait


def breaks_off_in_time(
    sent: Sequence[Transmission], kind: ExchangeKind, last_out_ns: int, pace_ns: int
) -> bool:
    """Whether the prober's traffic ends with the last packet before the next retry was due.

    An SA that is torn down takes its traffic with it. Of an input that ends there as well, this is
    all that tells; so it counts only after as many tries as some stack makes, at a constant
    distance, and for traffic so dense that chance hardly ends it just there.
    """
    gaps = [later.at_ns - sooner.at_ns for sooner, later in pairwise(sent)]
    if len(sent) < _FEWEST_TRIES.get(kind, _FEWEST_TRIES_IKEV1) or not gaps:
        return False
    longest, shortest = max(gaps), min(gaps)
    if shortest <= 0 or longest > _GROWTH_FROM * shortest:
        return False
    due_ns = sent[-1].at_ns + gaps[-1]
    dense = 0 < pace_ns <= _DENSE_SHARE * gaps[-1]
    return dense and due_ns - _LAST_PACKET * pace_ns <= last_out_ns <= due_ns
