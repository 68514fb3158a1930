"""dpd-payload-order-mismatch: one end puts NOTIFY before HASH, the other expects it after."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzers.model.exchange import Exchange, ExchangeKind, Outcome
from analyzers.model.finding import Severity
from analyzers.model.records import Basis
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.wording import few, weakest

_ORDERS: Final = {8: "HASH before NOTIFY", 11: "NOTIFY before HASH"}


def _check(case: Case) -> Iterator[Found]:
    for sa in case.peer.ike_sas:
        exchanges = [x for x in case.exchanges_of.get(sa.id, ()) if x.kind is ExchangeKind.DPD]
        if not exchanges or any(x.outcome is Outcome.ANSWERED for x in exchanges):
            continue
        lost = [x for x in exchanges if x.outcome is Outcome.UNANSWERED]
        orders = {local: _orders(case, exchanges, local) for local in (True, False)}
        if not lost or any(len(found) != 1 for found in orders.values()):
            continue
        (own,), (other,) = orders[True], orders[False]
        if own == other or not {own, other} <= _ORDERS.keys():
            continue
        yield Found(
            f"{case.peer.local} sends {_ORDERS[own]}, {case.peer.remote} {_ORDERS[other]}; none of"
            f" their {len(exchanges)} questions on this IKE SA was answered.",
            few(t.ref for x in exchanges for t in x.transmissions),
            confidence=weakest(x.confidence for x in lost),
            at_ns=exchanges[0].first_ns,
        )


def _orders(case: Case, exchanges: list[Exchange], local: bool) -> set[int]:
    """The first payloads of the questions of one end, from the clear header of each."""
    refs = {t.ref for x in exchanges if case.is_local(x.prober) is local for t in x.transmissions}
    return {
        m.first_payload
        for m in case.messages.get(exchanges[0].ike_sa, ())
        if m.ref in refs and m.basis is not Basis.LOG
    }


RULE = PeerRule(
    id="dpd-payload-order-mismatch",
    severity=Severity.WARNING,
    title="The two ends order the payloads of DPD differently, and nothing is answered",
    rationale=(
        "RFC 3706 draws NOTIFY before HASH, RFC 2409 HASH first. Where a product insists on one of"
        " them, the other end's questions are dropped in silence and a living peer seems dead."
    ),
    remedy=(
        "Set the same order at both ends; on Huawei devices: dpd msg seq-hash-notify, in the IKE"
        " peer."
    ),
    source="RFC 3706 section 5.2; RFC 2409 section 5.7; Huawei, dpd msg",
    needs=(Needs.CAPTURE, Needs.KEYS),
    traps=(
        "most products accept both orders: where anything was answered, the order is no matter",
        "an end that never asks, or whose Deletes alone were seen, shows no order",
    ),
    check=_check,
)
