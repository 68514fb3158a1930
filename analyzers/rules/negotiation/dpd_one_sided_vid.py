"""dpd-one-sided-vid: one end offered DPD in phase 1, the other did not."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.model.finding import Severity
from analyzers.model.sa import IkeSa
from analyzers.rules.case import Case
from analyzers.rules.negotiation.offers import (
    by_lacking,
    clear_phase1,
    counted,
    switched_on,
)
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs


def _check(case: Case) -> Iterator[Found]:
    for (end,), sas in by_lacking(case, one_sided=True).items():
        told = [sa for sa in sas if not _may_offer_later(case, sa, end)]
        if not told:
            continue
        other = told[0].responder if end == told[0].initiator else told[0].initiator
        yield Found(
            f"{other} offered DPD, {end} did not send the vendor ID {counted(told)}: neither may"
            f" ask, and {other} may believe that DPD watches this peer.",
            clear_phase1(case, told),
            confidence=case.confidence_in_offers(told),
            remedy=switched_on(case, end, 1),
            at_ns=told[0].first_ns,
        )


def _may_offer_later(case: Case, sa: IkeSa, end: str) -> bool:
    """Whether an initiator waits to be offered DPD first: its own offer may be encrypted."""
    return end == sa.initiator and case.vendor(end) == "checkpoint"


RULE = PeerRule(
    id="dpd-one-sided-vid",
    severity=Severity.WARNING,
    title="Only one end offered DPD",
    rationale=(
        "DPD needs the vendor ID of both ends. The end that offered it looks protected in its"
        " configuration, and is not: without the other's offer it must not ask."
    ),
    remedy="Switch DPD on at the other end, then negotiate the SAs anew.",
    source="RFC 3706 section 5.1",
    needs=(Needs.CAPTURE,),
    traps=(
        "the vendor ID may come in messages 3 and 4 of Main Mode",
        "a message of phase 1 was not captured, or not whole",
        "Check Point in responder mode offers DPD only once the other end did",
    ),
    check=_check,
)
