"""ikev2-msgid-reset: request IDs that begin anew on the same SPIs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from analyzers.model.finding import Severity
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.requests import Request, synchronises, window_known
from analyzers.rules.rule import Found, Needs
from analyzers.rules.wording import few, times

# Neighbours may change places on the way.
_OUT_OF_ORDER: Final = 1


def _check(case: Case) -> Iterator[Found]:
    for sa in case.peer.ike_sas:
        if sa.ike_version != 2 or window_known(case.packets.get(sa.id, ())) is False:
            continue
        requests = case.requests[sa.id]
        for by_initiator in (True, False):
            own = [r for r in requests if r.by_initiator is by_initiator]
            found = _reset(own)
            if found:
                yield _found(*found)


def _reset(own: Sequence[Request]) -> tuple[Request, list[Request]] | None:
    """The request with the highest ID before, and those that came after it with lower ones."""
    highest: Request | None = None
    used: set[int] = set()
    again: list[Request] = []
    for request in own:
        if highest is None or request.message_id > highest.message_id:
            highest = request if not again else highest
        elif (
            not synchronises(request)
            and _same_spis(request, highest)
            and (
                request.message_id < highest.message_id - _OUT_OF_ORDER
                or (request.message_id in used and request.message_id < highest.message_id)
            )
        ):
            again.append(request)
        used.add(request.message_id)
    return None if highest is None or not again else (highest, again)


def _same_spis(one: Request, other: Request) -> bool:
    return (one.first.initiator_spi, one.first.responder_spi) == (
        other.first.initiator_spi,
        other.first.responder_spi,
    )


def _found(highest: Request, again: list[Request]) -> Found:
    first = again[0]
    answered = sum(r.answer is not None for r in again)
    said = "and was not answered" if not answered else f"and was answered {times(answered)}"
    sent = "one request" if len(again) == 1 else f"{len(again)} requests"
    return Found(
        f"After its request {highest.message_id}, {first.first.src} sent {sent} from message ID"
        f" {first.message_id} on to {first.first.dst} on the same IKE SA, {said}.",
        few((highest.first.ref, *(r.first.ref for r in again))),
        at_ns=first.first.at_ns,
    )


RULE = PeerRule(
    id="ikev2-msgid-reset",
    severity=Severity.ERROR,
    title="Request IDs began anew on a living IKE SA",
    rationale=(
        "IDs only grow until the IKE SA is rekeyed; a request with an old ID is taken for a"
        " retransmission and gets the old answer, or none. A device that asks with ID 0 every time"
        " finds its living peer dead."
    ),
    remedy=(
        "A defect of the sender (known of old Openswan, which asked with message ID 0), or a"
        " failover without its counters: update it, or enable RFC 6311 on both ends."
    ),
    source="RFC 7296 section 2.2",
    needs=(Needs.CAPTURE,),
    traps=(
        "the MESSAGE_ID_SYNC of a cluster has ID 0 (RFC 6311)",
        "a retransmission has the same bytes",
        "neighbours that changed places on the way",
        "after a rekey the IDs of the new IKE SA begin at 0: its SPIs are others",
    ),
    check=_check,
)
