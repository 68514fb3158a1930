"""liveness-not-probed-one-way-out: traffic into a silent tunnel whose sender did not ask."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.model.black_hole import BlackHole, BlackHoleClass, StopBasis
from analyzers.model.finding import Severity
from analyzers.model.policy import PolicyMode
from analyzers.rules.case import Case
from analyzers.rules.expected import Expected
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.remedies import advice, with_what_it_lasted
from analyzers.rules.rule import Found, Needs
from analyzers.rules.timers.evidence import first_refs, into, spoken, weakest

_ENDED = {
    StopBasis.DELETE: "until the SA was deleted",
    StopBasis.REPLACEMENT: "until another SA took over",
    StopBasis.PROOF: "until the peer was heard again",
    StopBasis.LAST_OUTBOUND: "until it stopped sending",
    StopBasis.CAPTURE_END: "and was going on when the input ends",
}


def _check(case: Case) -> Iterator[Found]:
    for hole in case.peer.black_holes:
        if hole.black_hole_class is BlackHoleClass.MISSING_DPD:
            yield _found(case, hole)


def _found(case: Case, hole: BlackHole) -> Found:
    expected = case.expected(hole.sender)
    severity, why = _held_against(case, hole, expected)
    confidence = hole.class_confidence
    if expected is not None and expected.stated:
        confidence = weakest(confidence, expected.confidence)
    refs = [*(hole.refs or into(case, hole))]
    if expected is not None and expected.stated and expected.policy.ref is not None:
        refs.append(expected.policy.ref)
    return Found(
        f"{hole.sender} sent {hole.max_packets} ESP packets to {hole.receiver} within"
        f" {spoken(hole.max_seconds)} without any sign of life, and no liveness question,"
        f" {_ENDED[hole.stop_basis]}. {why}",
        first_refs(refs),
        severity=severity,
        remedy=_remedy(case, hole, expected),
        confidence=confidence,
        at_ns=hole.first_exposed_ns,
        end=hole.sender,
    )


def _held_against(case: Case, hole: BlackHole, expected: Expected | None) -> tuple[Severity, str]:
    """How bad it is, and what it was held against."""
    limit_s = case.thresholds.one_way_s
    if expected is not None and expected.stated:
        policy = expected.policy
        if policy.mode is PolicyMode.DISABLED:
            return Severity.ERROR, f"It never asks: DPD is off ({expected.said})."
        if policy.interval_s:
            late_s = policy.interval_s + case.thresholds.interval_tolerance(policy.interval_s)
            if hole.max_seconds <= late_s:
                return Severity.INFO, (
                    f"It would have asked after {spoken(policy.interval_s)} ({expected.said})."
                )
            return Severity.ERROR, (
                f"It should have asked after {spoken(policy.interval_s)} ({expected.said})."
            )
    if hole.max_seconds > limit_s:
        return Severity.ERROR, (
            f"Its interval is not known; {spoken(limit_s)} are held against it."
        )
    return Severity.WARNING, (f"Its interval is not known: up to {spoken(limit_s)} may be meant.")


def _remedy(case: Case, hole: BlackHole, expected: Expected | None) -> str:
    budget_s = case.thresholds.budget_s
    advised = advice(case.vendor(hole.sender), case.ike_version, budget_s)
    switch_on = with_what_it_lasted(advised, hole, budget_s)
    stated = expected is not None and expected.stated
    if stated and expected is not None and expected.policy.mode is not PolicyMode.DISABLED:
        return (
            "Find out why it does not ask: an SA that is older than its setting, a peer that did"
            f" not offer DPD, another profile. {switch_on}"
        )
    return switch_on


RULE = PeerRule(
    id="liveness-not-probed-one-way-out",
    severity=Severity.ERROR,
    title="Traffic went into a silent tunnel whose sender did not ask whether the peer lives",
    rationale=(
        "This is the black hole: packets leave, nothing returns, and the device neither notices"
        " nor fails over. When only outgoing traffic is left it is essential to ask; without a"
        " question the loss lasts until a lifetime ends, 86,400 s by default."
    ),
    remedy="Switch liveness checks on at the end that sends.",
    source="RFC 7296 section 2.4; RFC 3706 section 5.5",
    needs=(Needs.CAPTURE,),
    traps=(
        "a flow that is one-way by design, while questions about liveness are answered",
        "only one direction was captured",
        "another Child SA of the same IKE SA was heard: that is proof for all",
        "the silence was shorter than the interval of the policy",
    ),
    check=_check,
)
