"""dpd-before-vid: an R-U-THERE on an SA for which DPD was not agreed."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.model.finding import Severity
from analyzers.model.observations import IkeMessage, MessageKind
from analyzers.model.sa import IkeSa
from analyzers.rules.case import Case
from analyzers.rules.negotiation.offers import clear_phase1, lacking
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.wording import few, sa_name, times, weakest


def _check(case: Case) -> Iterator[Found]:
    for sa in case.peer.ike_sas:
        without = lacking(sa)
        if not without:
            continue
        questions = [
            m
            for m in case.messages.get(sa.id, ())
            if m.kind is MessageKind.R_U_THERE and m.encrypted
        ]
        for local in (True, False):
            asked = [m for m in questions if case.is_local(m.src) is local]
            if asked:
                yield _found(case, sa, without, asked)


def _found(case: Case, sa: IkeSa, without: tuple[str, ...], asked: list[IkeMessage]) -> Found:
    prober, responder = asked[0].src, asked[0].dst
    if len(without) > 1:
        why = "neither end had sent the DPD vendor ID"
    elif prober in without:
        why = f"{prober} had not sent the DPD vendor ID itself"
    else:
        why = f"{responder} had not sent the DPD vendor ID"
    return Found(
        f"{prober} sent R-U-THERE {times(len(asked))} to {responder} on {sa_name(sa)}, but {why}"
        " when the SA was negotiated.",
        few((*(m.ref for m in asked[:10]), *clear_phase1(case, [sa]))),
        confidence=weakest(m.confidence for m in asked),
        at_ns=asked[0].at_ns,
    )


RULE = PeerRule(
    id="dpd-before-vid",
    severity=Severity.ERROR,
    title="R-U-THERE was sent on an SA without DPD",
    rationale=(
        "An end that did not offer DPD need not answer: the one that asks will declare a living"
        " peer dead and tear the tunnel down."
    ),
    remedy=(
        "Switch DPD on at the end that did not offer it, or off at the one that asks; then"
        " negotiate the SAs anew."
    ),
    source="RFC 3706 section 5.1",
    needs=(Needs.KEYS, Needs.LOG),
    traps=(
        "phase 1 was not seen whole, as on an SA that a cluster member took over",
        "without keys: an encrypted Informational as long as an R-U-THERE need not be one",
    ),
    check=_check,
)
