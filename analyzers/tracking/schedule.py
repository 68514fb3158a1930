"""The rhythm of retries: when the next one is due, and when it is overdue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from analyzers.model.exchange import ExchangeKind, Transmission
from analyzers.model.time import NS_PER_MS, NS_PER_SECOND

# Gaps whose ratio lies in here grow on purpose (strongSwan 1.8, others 2); less is jitter.
_GROWTH_FROM: Final = 1.2
_GROWTH_TO: Final = 3.0
# With one gap nothing is known of its growth: RFC 7296 section 2.4 demands that it grows, IKEv1
# stacks keep it constant.
_UNKNOWN_GROWTH: Final = {ExchangeKind.LIVENESS: 2.0}
# Retry horizons are judged with this tolerance (dpd-semantics section 4: tolR).
_TOLERANCE_NS: Final = NS_PER_SECOND // 2
_TOLERANCE_SHARE: Final = 0.2


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


def horizon_reached(sent: Sequence[Transmission], kind: ExchangeKind, end_ns: int) -> bool:
    """Whether the next retry would have come by now, with the tolerance of retry timers."""
    wait = next_wait_ns(sent, kind)
    if wait is None:
        return False
    tolerance = max(_TOLERANCE_NS, round(_TOLERANCE_SHARE * wait))
    return end_ns >= sent[-1].at_ns + max(wait - tolerance, NS_PER_MS)
