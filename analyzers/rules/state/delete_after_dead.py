"""delete-after-dead: a Delete to a peer that had just been given up."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import Final

from analyzers.model.exchange import Delete, Exchange, ExchangeKind, Outcome
from analyzers.model.finding import Severity
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.wording import spoken_ns, weakest

# Retries keep their distance within this share.
_TOLERANCE: Final = 0.2


def _check(case: Case) -> Iterator[Found]:
    told: set[tuple[str, str]] = set()
    for delete in case.peer.deletes:
        key = (delete.ike_sa, delete.sender)
        question = _given_up(case, delete)
        if question is None or key in told:
            continue
        told.add(key)
        after, looks = "", ""
        if case.timed:
            after = f" {spoken_ns(delete.at_ns - question.last_ns)} after its last question"
        if case.timed and _is_due(question, delete):
            looks = " Without keys it looks like one more retry."
        yield Found(
            f"{delete.sender} sent a Delete to {case.other(delete.sender)}{after}, to which no"
            f" answer had come.{looks}",
            (question.transmissions[-1].ref, delete.ref),
            confidence=weakest([delete.confidence, question.confidence]),
            at_ns=delete.at_ns,
            end=delete.sender,
        )


def _given_up(case: Case, delete: Delete) -> Exchange | None:
    """The unanswered question that its sender had given the peer up for."""
    asked = case.exchanges_of.get(delete.ike_sa, [])
    place = bisect_right(asked, delete.at_ns, key=lambda x: x.first_ns)
    before = (asked[number] for number in range(place - 1, -1, -1))
    last = next((x for x in before if x.prober == delete.sender), None)
    if last is None or last.outcome is not Outcome.UNANSWERED or last.last_ns > delete.at_ns:
        return None
    return None if case.has_taken_over(last) else last


def _is_due(question: Exchange, delete: Delete) -> bool:
    """Whether a Delete of IKEv1 comes when one more retry would."""
    if question.kind is ExchangeKind.LIVENESS or not question.retries:
        return False
    last, before = question.transmissions[-1], question.transmissions[-2]
    wait_ns = last.at_ns - before.at_ns
    return abs(delete.at_ns - last.at_ns - wait_ns) <= _TOLERANCE * wait_ns


RULE = PeerRule(
    id="delete-after-dead",
    severity=Severity.INFO,
    title="A Delete was sent to a peer that was presumed dead",
    rationale=(
        "It does no harm, and helps where only one direction was broken; but in a capture without"
        " keys it is as long as a question and comes when the next retry would: whoever counts"
        " retries counts one too many."
    ),
    remedy="Nothing to do: Cisco IOS, Libreswan and vpnc do so, most other products do not.",
    source="RFC 7296 section 2.4; Cisco IOS IPsec Dead Peer Detection guide",
    needs=(Needs.CAPTURE, Needs.LOG),
    traps=(
        "a Delete after questions that were answered is an orderly end",
        "another SA had taken over: the old one is deleted because it is used no more",
    ),
    check=_check,
)
