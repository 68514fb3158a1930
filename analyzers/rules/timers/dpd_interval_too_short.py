"""dpd-interval-too-short: a prober asks more often than it is set to."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from typing import Final

from analyzers.model.finding import Severity
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.timers.evidence import confidence_of, first_refs, spoken, weakest
from analyzers.rules.timers.held import Interval, interval_of
from analyzers.rules.timers.questions import Asked, asked, distances, stamp_s

# A check for another reason (a route that changed, a rekey) comes now and then, not mostly.
_FEWEST: Final = 3


def _check(case: Case) -> Iterator[Found]:
    if not case.timed:
        return
    for own in asked(case):
        held = interval_of(case, own.prober, own.sa.ike_version)
        if held is None or not held.stated or _asks_per_child(case, own, held):
            continue
        limit_s = held.interval_s - case.thresholds.interval_tolerance(held.interval_s)
        found = distances(own.exchanges)
        short = [d for d in found if d.seconds + stamp_s(case, d.later) < limit_s]
        if len(short) < _FEWEST or 2 * len(short) <= len(found):
            continue
        usual_s = median(d.seconds for d in short)
        yield Found(
            f"{own.prober} asks {own.exchanges[0].responder} every {spoken(usual_s)};"
            f" {spoken(held.interval_s)} are {held.said}. {len(short)} of {len(found)} intervals"
            f" are too short, the shortest is {spoken(min(d.seconds for d in short))}.",
            first_refs([*held.refs, *(d.later.transmissions[0].ref for d in short)]),
            confidence=weakest(held.confidence, confidence_of(d.later for d in short)),
            at_ns=short[0].later.first_ns,
            end=own.prober,
        )


def _asks_per_child(case: Case, own: Asked, held: Interval) -> bool:
    """Whether each Child SA has a timer of its own: Libreswan's IKEv1, and who knows who else."""
    flows = [f for f in case.peer.esp_flows if f.sender == own.prober]
    return len(flows) > 1 and held.profile in (None, "libreswan-ikev1", "openswan")


RULE = PeerRule(
    id="dpd-interval-too-short",
    severity=Severity.WARNING,
    title="Liveness is asked more often than it is set",
    rationale=(
        "What runs is not what is written: an older setting, another profile, or a second timer."
        " With many peers the questions add up at the hub, and a verdict may come sooner than"
        " planned."
    ),
    remedy=(
        "Compare the setting that is in force with the one that is written (show crypto isakmp sa"
        " detail, swanctl --list-conns); SAs that are up keep the timers they began with."
    ),
    source="RFC 3706 section 5.5; RFC 7296 section 2.4",
    needs=(Needs.CAPTURE, Needs.LOG, Needs.CONFIGURATION),
    traps=(
        "a check for another reason (a route that changed, a rekey, a path test) is not the timer",
        "several Child SAs may have timers of their own, and each IKE SA has one",
        "questions of the other end are held against its own interval",
        "a log that stamps whole seconds is off by one",
    ),
    check=_check,
)
