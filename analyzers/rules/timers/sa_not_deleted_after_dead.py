"""sa-not-deleted-after-dead: an SA stays in use after the verdict on its peer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzers.model.black_hole import BlackHole, BlackHoleClass, StopBasis
from analyzers.model.exchange import Exchange
from analyzers.model.finding import Severity
from analyzers.model.time import seconds
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.timers.evidence import first_refs, spoken
from analyzers.rules.timers.held import schedule_of
from analyzers.rules.timers.questions import gaps_s
from analyzers.rules.timers.verdict import at_most_inferred, given_up

_RETRIES: Final = 2
_ENDED: Final = {
    StopBasis.DELETE: "until the SA was deleted",
    StopBasis.REPLACEMENT: "until another SA took over",
    StopBasis.PROOF: "until the peer was heard again",
    StopBasis.LAST_OUTBOUND: "until it stopped sending, without a Delete",
    StopBasis.CAPTURE_END: "and was still sending when the input ends",
}
_REMEDY: Final = {
    "strongswan": "Set dpd_action = clear (or restart, at one end), so that the SAs go at once.",
    "libreswan": "Set dpdaction=clear (or restart, at one end), so that the SAs go at once.",
    "cisco-ios": "clear crypto session remote ADDRESS removes them by hand; look for a bug of the"
    " release, since IOS deletes both SAs with the verdict.",
}


def _check(case: Case) -> Iterator[Found]:
    for hole in case.peer.black_holes:
        if hole.black_hole_class is BlackHoleClass.SLOW_TEARDOWN and hole.dead_ns is not None:
            yield _found(case, hole, hole.dead_ns)


def _found(case: Case, hole: BlackHole, dead_ns: int) -> Found:
    after_s = seconds(hole.stop_ns - dead_ns)
    wait_s = _last_wait_s(case, hole)
    severity = Severity.WARNING
    if wait_s is not None and after_s > _RETRIES * wait_s:
        severity = Severity.ERROR
    logged = _says_its_log(case, hole)
    how = "by its log" if logged else "as its retries ran out"
    against = "" if wait_s is None else f" (its last retry wait is {spoken(wait_s)})"
    family = case.vendor(hole.sender) or ""
    return Found(
        f"{hole.sender} gave {hole.receiver} up {how}, and went on sending on the same SPIs for"
        f" {spoken(after_s)}{against}, {_ENDED[hole.stop_basis]}.",
        first_refs(hole.refs),
        severity=severity,
        remedy=_REMEDY.get(family, ""),
        confidence=hole.confidence if logged else at_most_inferred(hole.confidence),
        at_ns=dead_ns,
        end=hole.sender,
    )


def _last_wait_s(case: Case, hole: BlackHole) -> float | None:
    """How long the sender waits after its last retry: by its schedule, else as its retries go."""
    exchange = _question_of(case, hole)
    if exchange is None:
        return None
    sa = case.sas.get(exchange.ike_sa)
    held = None if sa is None else schedule_of(case, hole.sender, sa.ike_version)
    if held is not None and held.readings:
        return max(waits[-1] for waits in held.readings)
    gaps = gaps_s(exchange)
    return gaps[-1] if gaps else None


def _question_of(case: Case, hole: BlackHole) -> Exchange | None:
    """The question that nobody answered in a black hole."""
    since_ns = hole.first_probe_ns or 0
    return next((x for x in case.asked_by(hole.sender) if x.last_ns >= since_ns), None)


def _says_its_log(case: Case, hole: BlackHole) -> bool:
    exchange = _question_of(case, hole)
    verdict = None if exchange is None else given_up(case, exchange)
    said = verdict is not None and verdict.by_log and verdict.at_ns == hole.dead_ns
    return said or hole.dead_basis == "log"


RULE = PeerRule(
    id="sa-not-deleted-after-dead",
    severity=Severity.ERROR,
    title="A peer was given up, but its SA stayed in use",
    rationale=(
        "The verdict alone saves nobody: until the SA is gone, packets are encrypted for a peer"
        " that is not there. Failover and routing see a tunnel that is up."
    ),
    remedy=(
        "Set the action on a dead peer to clear, so that its SAs are deleted with the verdict. An"
        " action that keeps them (AWS: none) may be meant: then something else has to notice."
    ),
    source="RFC 3706 section 5.4; RFC 7296 section 2.4",
    needs=(Needs.CAPTURE, Needs.LOG),
    traps=(
        "an answer that took a path which was not captured",
        "the last packets that leave within 2 s of the verdict",
    ),
    check=_check,
)
