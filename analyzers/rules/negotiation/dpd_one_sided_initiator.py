"""dpd-one-sided-initiator: only one end asks, and the other had cause to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzers.model.addresses import same_address
from analyzers.model.black_hole import BlackHole, BlackHoleClass
from analyzers.model.exchange import Exchange, Outcome
from analyzers.model.finding import Severity
from analyzers.model.policy import DpdPolicy, PolicyMode
from analyzers.model.records import Confidence
from analyzers.rules.case import Case
from analyzers.rules.negotiation.offers import switched_on
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.wording import few, question_name, weakest

_LEAST_QUESTIONS: Final = 3


def _check(case: Case) -> Iterator[Found]:
    for silent in case.ends:
        asking = case.other(silent)
        asked = [
            x for x in case.asked_by(asking) if x.outcome in (Outcome.ANSWERED, Outcome.UNANSWERED)
        ]
        if len(asked) < _LEAST_QUESTIONS or case.asked_by(silent) or not case.heard(silent):
            continue
        hole = _missed(case, silent)
        policy = _switched_off(case, silent)
        if hole is not None:
            yield _shown(case, asked, hole)
        elif policy is not None and not _both_configured(case):
            yield _configured(case, silent, asked, policy)


def _missed(case: Case, silent: str) -> BlackHole | None:
    """A silence of the other end in which it sent and did not ask."""
    return next(
        (
            h
            for h in case.peer.black_holes
            if h.sender == silent
            and h.black_hole_class is BlackHoleClass.MISSING_DPD
            and not h.probes
            and h.traffic_known
        ),
        None,
    )


def _switched_off(case: Case, holder: str) -> DpdPolicy | None:
    """The policy by which somebody has switched asking off."""
    expected = case.expected(holder)
    if expected is None or not expected.stated:
        return None
    return expected.policy if expected.policy.mode is PolicyMode.DISABLED else None


def _both_configured(case: Case) -> bool:
    """Whether the rule over configurations sees both ends."""
    return all(
        any(same_address(end, own) for c in case.configurations for own in c.addresses)
        for end in case.ends
    )


def _shown(case: Case, asked: list[Exchange], hole: BlackHole) -> Found:
    what = question_name(asked[0].kind)
    return Found(
        f"{hole.receiver} sent {len(asked):,} {what}s, {hole.sender} none: not even while"
        f" {hole.receiver} was silent and {hole.max_packets:,} packets were sent to it, for up to"
        f" {hole.max_seconds:.1f} s.",
        few((*(x.transmissions[0].ref for x in asked[:5]), *hole.refs)),
        remedy=_remedy(case, hole.sender, asked),
        confidence=weakest((hole.confidence, Confidence.INFERRED)),
        at_ns=hole.first_exposed_ns,
    )


def _configured(case: Case, silent: str, asked: list[Exchange], policy: DpdPolicy) -> Found:
    what = question_name(asked[0].kind)
    ref = () if policy.ref is None else (policy.ref,)
    return Found(
        f"{asked[0].prober} sent {len(asked):,} {what}s; {silent} sends none, as configured. When"
        f" {asked[0].prober} dies, {silent} notices when a lifetime ends.",
        few((*ref, *(x.transmissions[0].ref for x in asked))),
        remedy=_remedy(case, silent, asked),
        confidence=weakest(x.confidence for x in asked),
        at_ns=asked[0].first_ns,
    )


def _remedy(case: Case, silent: str, asked: list[Exchange]) -> str:
    return switched_on(case, silent, case.sas[asked[0].ike_sa].ike_version)


RULE = PeerRule(
    id="dpd-one-sided-initiator",
    severity=Severity.INFO,
    title="Only one end asks",
    rationale=(
        "Answering is on by default, asking is not. The end that never asks learns of a dead peer"
        " only when a lifetime ends."
    ),
    remedy="Let both ends ask, with timers of their own.",
    source="RFC 3706 section 5; M. Conran, Dead Peer Detection",
    needs=(Needs.CAPTURE, Needs.LOG, Needs.CONFIGURATION),
    traps=(
        "a question of the other end proves that it lives: the quiet end need not ask",
        "on-demand: an end that sends nothing, or hears enough, has no cause to ask",
        "with both configurations at hand, the rule over configurations tells it",
    ),
    check=_check,
)
