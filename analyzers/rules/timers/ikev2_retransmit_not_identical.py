"""ikev2-retransmit-not-identical: a message ID was used again with other bytes."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.model.finding import Severity
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.timers.evidence import first_refs, times
from analyzers.rules.timers.retransmissions import Request, requests


def _check(case: Case) -> Iterator[Found]:
    for found in requests(case):
        differing = [request for request in found if _differs(found, request)]
        if not differing:
            continue
        worst = differing[0]
        first, kinds = worst.first, len({m.fingerprint for m in worst.sent})
        more = f" So it was with {len(differing)} requests." if len(differing) > 1 else ""
        yield Found(
            f"{first.src} sent request {first.message_id} to {first.dst}"
            f" {times(len(worst.sent))} before an answer, with {kinds} different contents.{more}",
            first_refs(m.ref for request in differing for m in request.sent),
            at_ns=first.at_ns,
            end=first.src,
        )


def _differs(of_end: list[Request], request: Request) -> bool:
    """Whether bytes changed while the request was outstanding: later its ID may start over."""
    if len({m.fingerprint for m in request.sent}) == 1:
        return False
    last_ns = request.sent[-1].at_ns
    return not any(
        other.first.message_id > request.first.message_id
        and request.first.at_ns < other.first.at_ns < last_ns
        for other in of_end
    )


RULE = PeerRule(
    id="ikev2-retransmit-not-identical",
    severity=Severity.ERROR,
    title="A request was repeated with other bytes",
    rationale=(
        "A repeated request has to be the same message, bit by bit: the other end answers from"
        " its memory, or drops it. With other bytes the two ends no longer agree on what was"
        " asked, and the exchange may never end. Somebody else may also be sending."
    ),
    remedy="Report it to the vendor with both frames; look for a device that changes packets.",
    source="RFC 7296 section 2.1",
    needs=(Needs.CAPTURE,),
    traps=(
        "IKE fragments may be cut anew for a smaller path (RFC 7383 section 2.5.2)",
        "IKE_SA_INIT is sent anew with a cookie, or with another group",
        "IP and UDP headers may differ: a NAT gave another port",
        "an ID that starts over after higher ones is no retransmission",
        "messages that are damaged, or fail their check, are not the sender's",
    ),
    check=_check,
)
