"""peer-rebooted: a peer that has lost its SAs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzers.model.exchange import Exchange, Outcome
from analyzers.model.finding import Severity
from analyzers.model.observations import IkeMessage
from analyzers.model.peer import Hint
from analyzers.model.records import Basis, Confidence, Ref
from analyzers.model.sa import IkeSa, SaEnd
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.state.hints import (
    AROUND_NS,
    Unprotected,
    follows_delete,
    in_flight_ns,
    logged,
    negotiations,
    unprotected,
)
from analyzers.rules.state.restarts import LOOK_FOR_IT, restarts
from analyzers.rules.wording import sa_name, spoken_ns

# IKEv1: RFC 2407 section 4.6.3; IKEv2: RFC 7296 section 3.10.1.
_INITIAL_CONTACT: Final = {(1, 24578), (2, 16384)}
_SOONER: Final = (
    "To be noticed sooner: DPD on the other end, INITIAL_CONTACT at the {}, or crash detection"
    " tokens (RFC 6290) on both. On Cisco IOS: crypto isakmp invalid-spi-recovery."
)
_OWN_TITLE: Final = "This end has lost its SAs"
_OWN_REMEDY: Final = (
    "Look for the reason of the start at this end: a reload, a crash, its power."
    f" {_SOONER.format('end that starts')}"
)


def _check(case: Case) -> Iterator[Found]:
    if not case.timed:
        return
    told: set[str] = set()
    for start, old in restarts(case):
        if old.id not in told:
            told.add(old.id)
            yield _restarted(case, start, old)
    for sa, message, old in _initial_contacts(case):
        if old.id in told:
            continue
        told.add(old.id)
        yield Found(
            f"{message.src} came back with INITIAL_CONTACT on a new {sa_name(sa)} and"
            f" has forgotten the {sa_name(old)} of before, which nobody had deleted: it was"
            " restarted or cleared, or it had given up unseen.",
            (*old.refs[:1], message.ref),
            severity=Severity.WARNING,
            confidence=Confidence.INFERRED,
            at_ns=message.at_ns,
            end=message.src,
        )
    for sa, exchange in _begun_anew(case):
        if exchange.ike_sa in told:
            continue
        told.add(exchange.ike_sa)
        old = case.sas[exchange.ike_sa]
        yield Found(
            f"{exchange.responder} began a new IKE SA, and what {exchange.prober} asked on"
            f" {sa_name(old)} of before, which nobody had deleted, was not answered: it was"
            " restarted or cleared, or it had given up unseen.",
            (*sa.refs[:1], *(t.ref for t in exchange.transmissions[:10])),
            severity=Severity.WARNING,
            confidence=Confidence.INFERRED,
            at_ns=sa.first_ns,
            end=exchange.responder,
        )
    for hint in sorted([*unprotected(case), *logged(case)], key=lambda h: h.at_ns):
        if hint.sa.id in told or follows_delete(case, hint.at_ns) or _still_knows(case, hint):
            continue
        proof = _proven_by(case, hint)
        if proof is not None:
            told.add(hint.sa.id)
            text, refs = proof
            yield Found(
                f"{_said(case, hint)}; {text}. It has lost its SAs.",
                (hint.ref, *refs),
                severity=Severity.WARNING,
                confidence=Confidence.INFERRED,
                at_ns=hint.at_ns,
                end=hint.sender,
            )


def _restarted(case: Case, start: Hint, old: IkeSa) -> Found:
    came = f" ({start.reason})" if start.reason else ""
    unanswered = [
        x
        for x in case.exchanges_of.get(old.id, ())
        if x.outcome is Outcome.UNANSWERED and x.responder == start.sender
    ]
    asked = ""
    if unanswered:
        asked = f" What {unanswered[0].prober} asked on it was not answered."
    return Found(
        f"{start.sender} started anew{came}, by its own log, while it had an IKE SA that"
        f" nobody had deleted: it has lost its SAs.{asked}",
        (start.ref, *(t.ref for x in unanswered[:1] for t in x.transmissions[:10])),
        title=_OWN_TITLE if case.is_local(start.sender) else "",
        remedy=_OWN_REMEDY if case.is_local(start.sender) else "",
        # It is the cause of a verdict that is told as an error.
        severity=Severity.ERROR if any(x.verdict_ns for x in unanswered) else Severity.WARNING,
        confidence=Confidence.CERTAIN if case.is_placed(start.ref) else Confidence.INFERRED,
        at_ns=start.at_ns,
        end=start.sender,
    )


def _said(case: Case, hint: Unprotected) -> str:
    if case.is_log(hint.ref):
        return f"{hint.sender} logs packets of {hint.receiver} for an SA that it does not have"
    return f"{hint.sender} answered {hint.receiver} with an unprotected {hint.name}"


def _still_knows(case: Case, hint: Unprotected) -> bool:
    """Whether its sender goes on using the SA: then the hint is forged, or about another one."""
    return any(
        m.encrypted and m.src == hint.sender and m.at_ns > hint.at_ns + in_flight_ns(case, sa.id)
        for sa in (hint.sa,)
        for m in case.messages.get(sa.id, ())
    )


def _proven_by(case: Case, hint: Unprotected) -> tuple[str, tuple[Ref, ...]] | None:
    for exchange in case.exchanges_of.get(hint.sa.id, ()):
        unanswered = exchange.outcome is Outcome.UNANSWERED and exchange.last_ns >= hint.at_ns
        if unanswered and exchange.prober == hint.receiver:
            refs = tuple(t.ref for t in exchange.transmissions[:10])
            return f"what {hint.receiver} asked on that IKE SA was not answered", refs
    for sa in negotiations(case):
        after_ns = sa.first_ns - hint.at_ns
        answers = any(m.src == hint.sender for m in case.messages.get(sa.id, ()))
        if 0 < after_ns <= AROUND_NS and answers:
            return f"a new IKE SA was negotiated {spoken_ns(after_ns)} later", sa.refs[:1]
    return None


def _begun_anew(case: Case) -> Iterator[tuple[IkeSa, Exchange]]:
    """New IKE SAs of an end that does not answer on the one of before, with what that was asked."""
    for exchange in case.peer.exchanges:
        sa = case.newer_sa(exchange)
        if sa is None or sa.initiator != exchange.responder:
            continue
        if not any(d.ike_sa == exchange.ike_sa for d in case.peer.deletes):
            yield sa, exchange


def _initial_contacts(case: Case) -> Iterator[tuple[IkeSa, IkeMessage, IkeSa]]:
    """New IKE SAs with an INITIAL_CONTACT that can be read, and the one that it forgets."""
    for sa in negotiations(case):
        message = next(
            (
                m
                for m in case.messages.get(sa.id, ())
                if m.basis is Basis.DECRYPTED
                and any((m.version, n.type) in _INITIAL_CONTACT for n in m.notifies)
            ),
            None,
        )
        if message is None:
            continue
        old = _forgotten(case, sa, message.src)
        if old is not None:
            yield sa, message, old


def _forgotten(case: Case, sa: IkeSa, sender: str) -> IkeSa | None:
    """The SA before it, if its end was neither told nor seen to be found out by the sender."""
    before = [o for o in case.peer.ike_sas if o.first_ns < sa.first_ns and o.established_ns]
    if not before:
        return None
    old = before[-1]
    over = old.ended_ns is not None and old.ended_ns < sa.first_ns
    if over and old.end is not SaEnd.DEAD_PEER:
        return None
    if any(d.ike_sa == old.id for d in case.peer.deletes):
        return None
    gave_up = any(
        x.prober == sender and x.outcome is not Outcome.ANSWERED
        for x in case.exchanges_of.get(old.id, ())
    )
    return None if gave_up else old


RULE = PeerRule(
    id="peer-rebooted",
    severity=Severity.ERROR,
    title="The peer has lost its SAs",
    rationale=(
        "A peer that restarts, fails over without its state or is cleared drops everything that is"
        " sent on the old SAs. Until the other end notices, traffic is lost; only DPD or the new"
        " SA tells it."
    ),
    remedy=f"{LOOK_FOR_IT} {_SOONER.format('peer')}",
    source="RFC 7296 sections 2.4 and 2.21.4; RFC 6290 section 2",
    needs=(Needs.CAPTURE, Needs.KEYS, Needs.LOG),
    traps=(
        "an unprotected notify alone proves nothing: a failed question or a new SA must follow",
        "its sender goes on using the SA: the notify is forged",
        "packets that were on their way when the SA was deleted",
        "INITIAL_CONTACT of an end that gave the peer up itself",
        "a start of the daemon after its SA was deleted, or before there was one",
        "a start that cost no verdict: a warning",
    ),
    check=_check,
)
