"""liveness-inbound-only: an end hears its peer, and has not tested the way there for long."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from analyzers.model.finding import Severity
from analyzers.model.peer import Activity
from analyzers.model.time import nanoseconds, seconds
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.timers.evidence import around, spoken
from analyzers.rules.timers.held import Interval, interval_of

_INTERVALS: Final = 3
# So many slices of time at least; fewer do not tell traffic that goes on from two packets.
_SLICES: Final = 6
_MOSTLY: Final = 0.8


def _check(case: Case) -> Iterator[Found]:
    activity = case.peer.activity
    version = case.ike_version
    if activity is None or version is None or case.one_direction or not case.timed:
        return
    pauses = _pauses_of_ike(case)
    for holder in case.ends:
        held = interval_of(case, holder, version)
        if held is None:
            continue
        least_ns = nanoseconds(max(_INTERVALS * held.interval_s, case.thresholds.one_way_s))
        waits_ns = _waits_ns(case, holder)
        found = [
            (start_ns, end_ns)
            for start_ns, end_ns in pauses
            if end_ns - start_ns > least_ns
            and start_ns not in waits_ns
            and _is_used(activity, start_ns, end_ns, local=case.is_local(holder))
        ]
        if found:
            yield _found(case, holder, held, found)


def _waits_ns(case: Case, holder: str) -> set[int]:
    """When an end had asked in vain, as far as it could tell, for the last time."""
    return {
        max(message.at_ns for message in x.messages)
        for x in case.peer.exchanges
        if x.prober == holder and (x.answer is None or x.unheard_answers)
    }


def _pauses_of_ike(case: Case) -> list[tuple[int, int]]:
    """Times without any IKE message while an IKE SA was up."""
    up = [sa.established_ns for sa in case.peer.ike_sas if sa.established_ns is not None]
    if not up:
        return []
    up_ns = min(up)
    times_ns = sorted({up_ns, *(m.at_ns for m in case.peer.messages if m.at_ns >= up_ns)})
    return list(pairwise([*times_ns, case.peer.last_ns]))


def _is_used(activity: Activity, start_ns: int, end_ns: int, *, local: bool) -> bool:
    """Whether the other end was heard all the time, and this one sent something."""
    first = -(-(start_ns - activity.start_ns) // activity.slice_ns)
    last = (end_ns - activity.start_ns) // activity.slice_ns
    own, other = activity.outbound, activity.inbound
    if not local:
        own, other = other, own
    # ESP may begin after IKE, and end before it.
    within = slice(max(first, 0), max(last, 0))
    if last - first < _SLICES or sum(own[within]) == 0:
        return False
    return sum(1 for packets in other[within] if packets) >= _MOSTLY * (last - first)


def _found(case: Case, holder: str, held: Interval, pauses: list[tuple[int, int]]) -> Found:
    start_ns, end_ns = max(pauses, key=lambda pause: pause[1] - pause[0])
    more = f", the longest of {len(pauses)} such times" if len(pauses) > 1 else ""
    return Found(
        f"{holder} heard ESP of {case.other(holder)} for {spoken(seconds(end_ns - start_ns))}"
        f"{more}, and asked nothing: nothing proves that what it sends arrives. Its interval is"
        f" {spoken(held.interval_s)} ({held.said}).",
        (*around(case, start_ns, end_ns), *held.refs),
        confidence=held.confidence,
        at_ns=start_ns,
        end=holder,
    )


RULE = PeerRule(
    id="liveness-inbound-only",
    severity=Severity.INFO,
    title="Only the way from the peer is known to work",
    rationale=(
        "Inbound packets prove that the peer lives, not that it hears this end: half the channel"
        " is untested. Where the way there alone breaks, the peer has to notice by questions of"
        " its own."
    ),
    remedy="Let both ends ask, or ask periodically at the end whose data matters.",
    source="Libreswan, ikev2_liveness.c; RFC 7296 section 2.4",
    needs=(Needs.CAPTURE,),
    traps=(
        "a question of either end is a round trip, or shows that the peer got the last answer",
        "without traffic of its own this end loses nothing",
        "a question that waits for its answer, or for one that arrives",
        "an interval that is not known",
    ),
    check=_check,
)
