"""ikev2-unanswered-request-other: another request than a question, and no answer to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from msgspec import Struct, field

from analyzers.model.exchange import NO_MESSAGE_ID, DeleteProtocol
from analyzers.model.finding import Severity
from analyzers.model.observations import IkeMessage, MessageKind
from analyzers.model.records import Basis, Confidence
from analyzers.model.sa import IkeSa, SaEnd
from analyzers.rules.case import Case
from analyzers.rules.once import once
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.wording import few, sa_name, spoken_ns, weakest

_KINDS: Final = {
    MessageKind.CREATE_CHILD: "CREATE_CHILD_SA",
    MessageKind.NOTIFY: "Notify",
    MessageKind.CONFIG: "Configuration",
    MessageKind.INFORMATIONAL: "INFORMATIONAL",
}
# The next retry would have come within twice the last gap (RFC 7296 section 2.4: growing gaps).
_GROWTH: Final = 2
_OFTEN: Final = 3
_UNKNOWN_TITLE: Final = "A request was not answered"
_UNKNOWN_REMEDY: Final = (
    "Capture at both ends: a request that does not arrive is a problem of the path or a filter (UDP"
    " 500 and 4500); one that arrives and stays unanswered is one of the peer."
)


class _Request(Struct):
    sent: list[IkeMessage] = field(default_factory=list)
    followed: IkeMessage | None = None
    """The first request with a later ID of the same end."""


def _check(case: Case) -> Iterator[Found]:
    for sa in case.peer.ike_sas:
        if sa.ike_version != 2 or sa.id not in _with_others(case):
            continue
        lost: dict[bool, list[list[IkeMessage]]] = defaultdict(list)
        for request in _unanswered(case, sa):
            if _is_lost(case, sa, request):
                lost[case.is_local(request.sent[0].src)].append(request.sent)
        for found in lost.values():
            yield _found(case, sa, found)


@once
def _with_others(case: Case) -> frozenset[str]:
    """IKE SAs on which anything else was asked: most have questions only."""
    return frozenset(
        m.ike_sa
        for m in case.peer.messages
        if m.kind in _KINDS and m.encrypted and not m.is_response
    )


def _unanswered(case: Case, sa: IkeSa) -> Iterator[_Request]:
    """Requests of other kinds that got no answer, each with what its end asked next."""
    requests: dict[tuple[bool, int], _Request] = {}
    newest: dict[bool, int] = {}
    for message in case.messages.get(sa.id, ()):
        if not message.encrypted or message.message_id >= NO_MESSAGE_ID:
            continue
        local = case.is_local(message.src)
        number = message.message_id
        if message.is_response:
            requests.pop((not local, number), None)
            continue
        known = requests.get((local, number))
        if known is not None:
            known.sent.append(message)
            continue
        last = newest.get(local)
        if last is not None and number > last and (local, last) in requests:
            requests[local, last].followed = message
        newest[local] = number
        requests[local, number] = _Request([message])
    for request in requests.values():
        if request.sent[0].kind in _KINDS and request.sent[0].ref not in case.places:
            yield request


def _is_lost(case: Case, sa: IkeSa, request: _Request) -> bool:
    first, last = request.sent[0], request.sent[-1]
    if len(request.sent) == 1 or not case.heard(last.dst):
        return False
    if not case.timed and not _gave_up(case, sa, last):
        return False
    after = request.followed
    if after is not None and after.at_ns >= last.at_ns and after.kind is not MessageKind.DELETE:
        return False  # with a window of 1 it was answered unseen (RFC 7296 section 2.3)
    by_other = any(
        d.ike_sa == sa.id
        and d.protocol is not DeleteProtocol.ESP
        and case.is_local(d.sender) != case.is_local(first.src)
        and d.at_ns >= first.at_ns
        for d in case.peer.deletes
    )
    return (len(request.sent) >= _OFTEN or _ran_out(case, sa, request.sent)) and not by_other


def _ran_out(case: Case, sa: IkeSa, sent: list[IkeMessage]) -> bool:
    """Whether the next retry would have come before the input ends, or its sender gave up."""
    last = sent[-1]
    gap_ns = last.at_ns - sent[-2].at_ns
    return case.end_ns - last.at_ns >= _GROWTH * gap_ns or _gave_up(case, sa, last)


def _gave_up(case: Case, sa: IkeSa, last: IkeMessage) -> bool:
    """Whether the log of the end that asks says that its retries ran out."""
    return (
        sa.end is SaEnd.DEAD_PEER
        and sa.ended_ns is not None
        and sa.ended_ns >= last.at_ns
        and case.is_log(sa.refs[-1])
        and case.is_log(last.ref)
    )


def _found(case: Case, sa: IkeSa, lost: list[list[IkeMessage]]) -> Found:
    sent = lost[0]
    first, last = sent[0], sent[-1]
    what = _KINDS[first.kind]
    within = f" within {spoken_ns(last.at_ns - first.at_ns)}" if case.timed else ""
    said = (
        f"{first.src} sent its {what} request {first.message_id} to {first.dst} {len(sent)} times"
        f"{within} on {sa_name(sa)}; no answer came."
    )
    unknown = first.kind is MessageKind.INFORMATIONAL and first.basis is Basis.LOG
    if unknown:
        said += " The log does not show what it asked: it may have been a liveness question."
    if len(lost) > 1:
        said += f" So it went with {len(lost) - 1:,} more."
    confidence = weakest(m.confidence for each in lost for m in each)
    if sa.end is SaEnd.DEAD_PEER:
        said += " The peer was given up."
    elif not any(_ran_out(case, sa, each) for each in lost):
        said += " The input ends before the next retry was due."
        confidence = weakest([confidence, Confidence.INFERRED])
    return Found(
        said,
        few(m.ref for each in lost for m in each),
        title=_UNKNOWN_TITLE if unknown else "",
        remedy=_UNKNOWN_REMEDY if unknown else "",
        severity=Severity.ERROR if _gave_up(case, sa, last) else Severity.WARNING,
        confidence=confidence,
        at_ns=first.at_ns if case.timed else None,
        end=first.src,
    )


RULE = PeerRule(
    id="ikev2-unanswered-request-other",
    severity=Severity.ERROR,
    title="A request that is no liveness question was not answered",
    rationale=(
        "Every IKEv2 request must be answered, so each one tests liveness: when its retries run"
        " out, the SA is given up as after a question. Meanwhile no question can be asked."
    ),
    remedy=(
        "Look at what it asked in the log of the end that sent it. Where only large requests are"
        " lost, as rekeys are, IP fragments are dropped on the way: enable IKE fragmentation."
    ),
    source="RFC 7296 sections 2.1 and 2.4",
    needs=(Needs.CAPTURE, Needs.LOG),
    traps=(
        "the input ends before the first retry had its time",
        "nothing of the other end was captured",
        "the next request of a window of 1 proves that it was answered",
        "the other end deleted the SA in the meantime",
        "IKE_SA_INIT and IKE_AUTH: negotiation-unanswered tells it; a Delete: delete-lost does",
        "a request that was not sent again: its answer may not have been captured",
    ),
    check=_check,
)
