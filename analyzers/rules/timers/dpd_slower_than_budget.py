"""dpd-slower-than-budget, as it happened: the verdict came later than a black hole may last."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.model.black_hole import BlackHole, BlackHoleClass
from analyzers.model.finding import Severity
from analyzers.model.time import seconds
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.remedies import advice, with_what_it_lasted
from analyzers.rules.rule import Found, Needs
from analyzers.rules.timers.evidence import first_refs, spoken


def _check(case: Case) -> Iterator[Found]:
    for hole in case.peer.black_holes:
        if hole.black_hole_class is BlackHoleClass.SLOW_DPD and hole.dead_ns is not None:
            yield _found(case, hole, hole.dead_ns)


def _found(case: Case, hole: BlackHole, dead_ns: int) -> Found:
    return Found(
        _detail(case, hole, dead_ns),
        first_refs(hole.refs),
        remedy=_remedy(case, hole),
        confidence=hole.class_confidence,
        at_ns=dead_ns,
        end=hole.sender,
    )


def _detail(case: Case, hole: BlackHole, dead_ns: int) -> str:
    budget_s, said = _budget(case, hole.sender)
    sent = f"{hole.probes} transmissions"
    if not hole.traffic_known and hole.first_probe_ns is not None:
        took_s = seconds(dead_ns - hole.first_probe_ns)
        return (
            f"{hole.sender} gave {hole.receiver} up {spoken(took_s)} after the first try without an"
            f" answer that its log shows ({sent}). That alone is {spoken(took_s - budget_s)} more"
            f" than the {spoken(budget_s)} {said}. What was sent meanwhile a log does not show."
        )
    doubt_ns = hole.questionable_ns or hole.first_exposed_ns or dead_ns
    took_s = seconds(dead_ns - doubt_ns)
    # The phases end where nothing is sent any more; it waits and asks all the same.
    asked_ns = max(doubt_ns, hole.first_probe_ns or doubt_ns)
    return (
        f"{hole.sender} gave {hole.receiver} up after it was questionable for {spoken(took_s)}:"
        f" {spoken(seconds(asked_ns - doubt_ns))} until it asked,"
        f" {spoken(seconds(dead_ns - asked_ns))} of asking ({sent})."
        f" That is {spoken(took_s - budget_s)} more than the {spoken(budget_s)} {said}. Up to"
        f" {hole.max_packets} packets were {_fate(case, hole)}."
    )


def _remedy(case: Case, hole: BlackHole) -> str:
    wanted_s = case.thresholds.budget_s
    expected = case.expected(hole.sender)
    planned_s = None if expected is None else expected.policy.worst_case_s
    if expected is not None and expected.stated and planned_s is not None:
        late = (
            "Find out why it takes longer than it is set to: other settings in force, an SA that is"
            " older than its setting, a daemon-wide retransmission."
        )
        if planned_s <= wanted_s:
            return late
        return f"{late} {advice(case.vendor(hole.sender), case.ike_version, wanted_s)}"
    advised = advice(case.vendor(hole.sender), case.ike_version, wanted_s)
    return with_what_it_lasted(advised, hole, wanted_s)


def _fate(case: Case, hole: BlackHole) -> str:
    """Where the other end answered, what was sent to it arrived."""
    asked = (x for x in case.asked_by(hole.sender) if x.last_ns >= (hole.first_probe_ns or 0))
    came = any(x.answered_in_vain and x.first_ns <= hole.stop_ns for x in asked)
    return "sent meanwhile, and nothing came back" if came else "sent in vain"


def _budget(case: Case, sender: str) -> tuple[float, str]:
    """Within which the sender should notice, and who says so (contract, section 2)."""
    expected = case.expected(sender)
    if expected is not None and expected.stated and expected.policy.worst_case_s is not None:
        return expected.policy.worst_case_s, f"that its policy takes at worst ({expected.said})"
    return case.thresholds.budget_s, "that a black hole may last (--budget)"


RULE = PeerRule(
    id="dpd-slower-than-budget",
    severity=Severity.WARNING,
    title="A dead peer was noticed late",
    rationale=(
        "Between the last proof of life and the verdict, traffic goes into the void. What it takes"
        " is the interval and all retries; in IKEv2 retransmission dominates: 165 s in strongSwan,"
        " 93 s in FortiOS, 64 s in Libreswan up to 5.3."
    ),
    remedy="Shorten the interval and the retries until their sum is within the budget.",
    source="RFC 3706 section 5.4; RFC 7296 section 2.4; the documents of the product",
    needs=(Needs.CAPTURE, Needs.LOG),
    traps=(
        "a verdict within the worst case of the policy is as planned, however late",
        "a peer that came back before the verdict was not given up",
    ),
    check=_check,
)
