"""sa-flapping: a tunnel that comes up and goes down again and again."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from analyzers.model.finding import Severity
from analyzers.model.records import Confidence
from analyzers.model.sa import IkeSa, SaEnd, is_due
from analyzers.model.time import nanoseconds
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.wording import few, spoken_ns, weakest

_DOWN: Final = (SaEnd.DEAD_PEER, SaEnd.DELETE, SaEnd.REPLACED)
_WORST_CASES: Final = 10
_CAUSES: Final = {
    SaEnd.DEAD_PEER: "given up for dead {}",
    SaEnd.DELETE: "deleted {}",
    SaEnd.REPLACED: "replaced without a Delete {}",
}
_TIMES: Final = {1: "once", 2: "twice"}


def _check(case: Case) -> Iterator[Found]:
    if not case.timed:
        return
    within = _densest(_downs(case), _span_ns(case))
    if len(within) >= case.thresholds.flapping_cycles:
        yield _found(case, within)


def _span_ns(case: Case) -> int:
    worst = [e.policy.worst_case_s for end in case.ends if (e := case.expected(end)) is not None]
    worst_s = max((w for w in worst if w is not None), default=0.0)
    return nanoseconds(max(case.thresholds.flapping_s, _WORST_CASES * worst_s))


def _downs(case: Case) -> list[IkeSa]:
    """IKE SAs with whose end the tunnel was down: no other had taken over before."""
    up = [sa for sa in case.peer.ike_sas if sa.established_ns is not None]
    starts = sorted(sa.established_ns or 0 for sa in up)
    ends = sorted(sa.ended_ns for sa in up if sa.ended_ns is not None)
    found = []
    for sa in up:
        if sa.end in _DOWN and sa.ended_ns is not None and not _is_renewed(sa, sa.ended_ns):
            alive = bisect_left(starts, sa.ended_ns) - bisect_right(ends, sa.ended_ns)
            if alive <= 0:
                found.append(sa)
    return sorted(found, key=lambda sa: sa.ended_ns or 0)


def _is_renewed(sa: IkeSa, ended_ns: int) -> bool:
    """Whether one with an open question was replaced when its lifetime told."""
    return sa.end is SaEnd.REPLACED and is_due(sa.established_ns, sa.lifetime_s, ended_ns)


def _densest(downs: Sequence[IkeSa], span_ns: int) -> Sequence[IkeSa]:
    """The most of them that lie within a time, from the first one's beginning."""
    best: Sequence[IkeSa] = ()
    for start, sa in enumerate(downs):
        until_ns = (sa.established_ns or 0) + span_ns
        end = bisect_right(downs, until_ns, key=lambda other: other.ended_ns or 0)
        if end - start > len(best):
            best = downs[start:end]
    return best


def _found(case: Case, downs: Sequence[IkeSa]) -> Found:
    causes = Counter(sa.end for sa in downs if sa.end is not None)
    said = ", ".join(
        _CAUSES[end].format(_TIMES.get(count, f"{count} times"))
        for end, count in causes.most_common()
    )
    length_ns = (downs[-1].ended_ns or 0) - (downs[0].established_ns or 0)
    orderly = set(causes) == {SaEnd.DELETE}
    asked = [
        case.exchanges_of[sa.id][-1].confidence
        for sa in downs
        if sa.end is SaEnd.DEAD_PEER and case.exchanges_of.get(sa.id)
    ]
    deleted = [d.confidence for d in case.peer.deletes if d.ike_sa in {sa.id for sa in downs}]
    return Found(
        f"The tunnel between {case.ends[0]} and {case.ends[1]} came up and went down"
        f" {len(downs)} times in {spoken_ns(length_ns)}: {said}.",
        few(ref for sa in downs for ref in sa.refs),
        severity=Severity.WARNING if orderly else Severity.ERROR,
        confidence=weakest([Confidence.CERTAIN, *asked, *deleted]),
        at_ns=downs[0].established_ns,
    )


RULE = PeerRule(
    id="sa-flapping",
    severity=Severity.ERROR,
    title="The tunnel comes up and goes down again and again",
    rationale=(
        "Each cycle loses traffic for as long as it takes to notice and to negotiate, and routing"
        " over the tunnel flaps with it. The cause of the ends tells where to look: a peer given up"
        " for dead is a path that loses packets or DPD timers that are too short; Deletes are"
        " policy, idle timers or an operator."
    ),
    remedy=(
        "Dead peers: measure the loss on the path and allow more or longer retries (Cisco:"
        " crypto isakmp keepalive 10 5 periodic). Deletes: read the reason in the log of the end"
        " that sends them; look for idle and session timers and lifetimes that differ."
    ),
    source="Azure VPN gateway FAQ on short DPD timeouts",
    needs=(Needs.CAPTURE, Needs.LOG),
    traps=(
        "a rekeyed SA is replaced, not down",
        "an IKEv1 SA is renewed when its lifetime ends, whatever is open on it",
        "reauthentication that makes the new SA before it breaks the old one",
        "negotiations that never came up",
        "Deletes alone are a warning: a tunnel on demand may be meant to",
    ),
    check=_check,
)
