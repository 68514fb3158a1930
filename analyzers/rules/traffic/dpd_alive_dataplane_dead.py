"""dpd-alive-dataplane-dead: questions are answered, and no ESP comes back."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.model.black_hole import BlackHole, BlackHoleClass
from analyzers.model.exchange import Exchange, Outcome
from analyzers.model.finding import Severity
from analyzers.rules.case import Case
from analyzers.rules.deleted_child import silencing_delete
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.timers.evidence import first_refs, into, spoken, times

_PLAIN = (
    "ESP travels as IP protocol 50 here, apart from IKE: look for a filter that lets UDP 500 and"
    " 4500 through and drops protocol 50. "
)
_CAUSES = (
    "Compare the SPIs at both ends (show crypto ipsec sa): after a rekey they may differ. Look at"
    " the peer's counters for replay and integrity errors, at the path for a smaller MTU, and at"
    " the routing behind the peer. DPD cannot see any of it: watch the tunnel end to end (IP SLA, a"
    " tunnel monitor, routing hellos)."
)

_ANEW = (
    "The sender began to count anew on an SA that it kept, as a cluster member does that took over"
    " without the counters (RFC 6311 section 5.2). A receiver that checks for replay drops all of"
    " it: look at its replay errors, and renew the Child SA."
)


def _check(case: Case) -> Iterator[Found]:
    for hole in case.peer.black_holes:
        if hole.black_hole_class is BlackHoleClass.DATA_PLANE:
            yield _found(case, hole)


def _found(case: Case, hole: BlackHole) -> Found:
    answered = _answered(case, hole)
    limit_s = case.thresholds.data_plane_s
    sent, which = f"{hole.max_packets} ESP packets", ""
    if len(hole.spis) == 1:
        # Nothing tells which one goes there.
        sent, which = f"up to {sent}", f" on the Child SA whose SPI back is {hole.spis[0]}"
    elif hole.spis:
        which = f" on SPI {', '.join(hole.spis)}"
    if answered:
        alive = (
            f"the question of {answered[0].prober} was answered {times(len(answered))} meanwhile"
        )
    elif hole.spis:
        alive = "other Child SAs of the peer went on meanwhile"
    else:
        alive = "IKE was answered meanwhile"
    refs = [*hole.refs, *(x.answer.ref for x in answered if x.answer is not None)]
    delete = silencing_delete(case, hole)
    said, remedy = "", ""
    back = "none back"
    if hole.counted_anew_ns is not None:
        back = "nothing back but sequence numbers that were used before"
        remedy = _ANEW
    if delete is not None:
        said = f" {delete.sender} had deleted a Child SA just before."
        refs.append(delete.ref)
        remedy = (
            f"{delete.sender} deleted the Child SA: find out why, and why {hole.sender} keeps it."
        )
    bare = any(f.sender == hole.sender and not f.encapsulated for f in case.peer.esp_flows)
    return Found(
        f"{hole.sender} sent {sent} to {hole.receiver}{which} within"
        f" {spoken(hole.max_seconds)} and got {back}, but {alive}: the peer lives, the tunnel"
        f" does not.{said} More than {spoken(limit_s)} of it are an error.",
        first_refs(refs or into(case, hole)),
        severity=Severity.ERROR if hole.max_seconds > limit_s else Severity.WARNING,
        remedy=remedy or (_PLAIN if bare else "") + _CAUSES,
        confidence=hole.confidence,
        at_ns=hole.first_exposed_ns,
        end=hole.sender,
    )


def _answered(case: Case, hole: BlackHole) -> list[Exchange]:
    """Questions of the sender that were answered within the silence."""
    since_ns = hole.first_exposed_ns or hole.stop_ns
    return [
        x
        for x in case.asked_by(hole.sender)
        if x.outcome is Outcome.ANSWERED and since_ns <= x.first_ns <= hole.stop_ns
    ]


RULE = PeerRule(
    id="dpd-alive-dataplane-dead",
    severity=Severity.ERROR,
    title="The peer answers, but its traffic is gone",
    rationale=(
        "DPD asks by IKE, and IKE shares no more with ESP than the addresses: a filter for protocol"
        " 50, SPIs that no longer match, or lost routing behind the peer kill the data alone. DPD"
        " will report a living peer for as long as it lasts, so nothing fails over."
    ),
    remedy=_CAUSES,
    source="RFC 7296 section 2.4; M. Conran, Dead Peer Detection",
    needs=(Needs.CAPTURE,),
    traps=(
        "a flow that never had an answer is one-way by design",
        "pauses that the flow makes anyway",
        "only one direction was captured, or the capture lost the other for a while",
    ),
    check=_check,
)
