"""no-liveness-mechanism, as it happened: the tunnel was idle for long, and nobody asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzers.model.finding import Severity
from analyzers.model.policy import PolicyMode
from analyzers.model.sa import IkeSa
from analyzers.model.time import nanoseconds, seconds
from analyzers.rules.case import Case
from analyzers.rules.configuration.estate import Estate
from analyzers.rules.expected import Expected
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.remedies import advice
from analyzers.rules.rule import Found, Needs
from analyzers.rules.timers.evidence import spoken
from analyzers.rules.timers.presence import Presence, shows_esp

_TIMES: Final = 3


def _check(case: Case) -> Iterator[Found]:
    if not (case.captured and case.timed and case.configurations) or case.one_direction:
        return
    if case.peer.exchanges or case.peer.unknown_informationals or not shows_esp(case):
        return
    if not case.peer.ike_sas or _has_routing(case):
        return
    sa = case.peer.ike_sas[-1]
    for holder in case.ends:
        expected = case.expected(holder, sa.ike_version)
        if expected is None or not expected.stated:
            continue
        if expected.policy.mode is PolicyMode.DISABLED:
            yield from _held(case, holder, sa, expected)
            return


def _has_routing(case: Case) -> bool:
    """Whether a routing protocol runs over any tunnel of the configurations."""
    return any(usage.routing for usage in Estate(case.configurations).usages)


def _held(case: Case, holder: str, sa: IkeSa, expected: Expected) -> Iterator[Found]:
    limit_s = case.thresholds.one_way_s
    end_ns = case.end_ns if sa.ended_ns is None else sa.ended_ns
    start_ns = sa.first_ns if sa.established_ns is None else sa.established_ns
    lived_s = seconds(end_ns - start_ns)
    if lived_s <= _TIMES * limit_s:
        return
    # The peer was silent for long, and was there afterwards: somebody should have asked.
    other = case.other(holder)
    pauses = list(Presence(case, other).pauses(nanoseconds(limit_s)))
    if not pauses:
        return
    longest = max(pauses, key=lambda pause: pause.end_ns - pause.start_ns)
    quiet_s = seconds(longest.end_ns - longest.start_ns)
    yield Found(
        f"The tunnel between {holder} and {other} was up for {spoken(lived_s)}, of which {other}"
        f" was silent for up to {spoken(quiet_s)} at a time, and neither end asked once. {holder}"
        f" is set not to ask ({expected.said}).",
        (sa.refs[0],) if expected.policy.ref is None else (expected.policy.ref, sa.refs[0]),
        remedy=advice(case.vendor(holder), sa.ike_version, case.thresholds.budget_s),
        at_ns=longest.start_ns,
    )


RULE = PeerRule(
    id="no-liveness-mechanism",
    severity=Severity.WARNING,
    title="Nothing notices a dead peer",
    rationale=(
        "Neither end asks, and no routing protocol runs over the tunnel. Once a peer is gone, the"
        " other one keeps its SAs and sends into them until a lifetime ends: 86,400 s by default."
    ),
    remedy="Configure DPD at least at the end that has traffic to lose.",
    source="RFC 3706 section 3; RFC 7296 section 2.4; M. Conran, Dead Peer Detection",
    needs=(Needs.CAPTURE, Needs.CONFIGURATION),
    traps=(
        "on demand, and with FortiGate's rule, a tunnel with traffic both ways never asks",
        "without a configuration nobody knows whether an end would have asked",
        "a routing protocol over the tunnel notices by itself",
        "a capture that is too short, or has no pause in it",
    ),
    check=_check,
)
