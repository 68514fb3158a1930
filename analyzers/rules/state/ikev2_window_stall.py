"""ikev2-window-stall: an unanswered request that blocks everything else of its side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analyzers.model.finding import Severity
from analyzers.model.records import Confidence
from analyzers.model.sa import IkeSa
from analyzers.model.time import nanoseconds
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.requests import Request, window_known
from analyzers.rules.rule import Found, Needs
from analyzers.rules.wording import few, sa_name, spoken_ns

_EVER = 1 << 62


def _check(case: Case) -> Iterator[Found]:
    least_ns = nanoseconds(case.thresholds.window_stall_s)
    for sa in case.peer.ike_sas:
        window_is_one = window_known(case.packets.get(sa.id, ()))
        if sa.ike_version != 2 or window_is_one is False or case.one_direction:
            continue
        requests = case.requests[sa.id]
        for by_initiator in (True, False):
            own = [r for r in requests if r.by_initiator is by_initiator]
            others = [r for r in requests if r.by_initiator is not by_initiator and r.answer]
            for place, request in enumerate(own):
                end_ns = _end_ns(own[place : place + 2])
                if len(request.sent) < 2 or end_ns - request.first.at_ns < least_ns:
                    continue
                served = _served(others, request.first.at_ns + least_ns, end_ns)
                if served:
                    yield _found(sa, request, served, known=window_is_one is True)


def _end_ns(own: Sequence[Request]) -> int:
    """Until when the first of these is waited for: its answer, or the next request."""
    stalled, *later = own
    end_ns = _EVER if stalled.answer is None else stalled.answer.at_ns
    return min([end_ns, *(r.first.at_ns for r in later)])


def _served(others: Sequence[Request], start_ns: int, end_ns: int) -> list[Request]:
    """Requests of the other side that were answered in a time."""
    return [r for r in others if r.answer is not None and start_ns <= r.answer.at_ns < end_ns]


def _found(sa: IkeSa, stalled: Request, served: list[Request], *, known: bool) -> Found:
    sender, other = stalled.first.src, stalled.first.dst
    answers = [r.answer for r in served if r.answer is not None]
    length = spoken_ns(answers[-1].at_ns - stalled.first.at_ns)
    after = "" if stalled.answer is None else " It was answered after that."
    unknown = "" if known else " (a larger window cannot be seen without keys)"
    return Found(
        f"{sender} sent its request {stalled.message_id} ({stalled.name}) {len(stalled.sent)} times"
        f" to {other} and had no answer for at least {length}, in which it answered"
        f" {len(served)} request{'s' if len(served) > 1 else ''} of {other} on the"
        f" same {sa_name(sa)}. Until then nothing else of {sender} can pass: no liveness"
        f" question, no rekey, no Delete{unknown}.{after}",
        few((*(m.ref for m in stalled.sent), *(m.ref for m in answers))),
        confidence=Confidence.CERTAIN if known else Confidence.INFERRED,
        at_ns=stalled.first.at_ns,
        end=sender,
    )


RULE = PeerRule(
    id="ikev2-window-stall",
    severity=Severity.ERROR,
    title="An unanswered request holds up everything else of its side",
    rationale=(
        "IKEv2 has a window of 1: as long as one request is unanswered, the side that sent it can"
        " ask, rekey and delete nothing, although the peer lives and its own requests pass. The SA"
        " runs into its lifetime, or is given up with a peer that was never dead."
    ),
    remedy=(
        "Find out why the peer does not answer this one request: its log at that time, and a"
        " capture at its end. Large requests (rekeys, certificates) are lost where IP fragments"
        " are dropped: enable IKE fragmentation (RFC 7383). Clearing the IKE SA ends the stall."
    ),
    source="RFC 7296 section 2.3",
    needs=(Needs.CAPTURE,),
    traps=(
        "a window larger than 1 (SET_WINDOW_SIZE)",
        "a side that gives up and answers nothing more has no SA any more, and no stall",
        "a request that is not sent again may have an answer that the capture lost",
        "an answer within the limit",
    ),
    check=_check,
)
