"""Requests that are no liveness questions, and met no answer."""

from __future__ import annotations

from analyzers.model.observations import IkeMessage
from analyzers.model.peer import PeerView
from analyzers.model.records import ProblemKind, Ref
from analyzers.model.sa import SaEnd


def sent_in_vain(peer: PeerView) -> frozenset[Ref]:
    """Where the messages are that were sent again and again without an answer.

    These are requests that the report calls so, and all of attempts at an IKE SA that failed
    without a word of the other end.
    """
    first = {p.ref for p in peer.whole.problems if p.kind is ProblemKind.REQUEST_UNANSWERED}
    requests = {_request(m) for m in peer.messages if m.ref in first}
    found = {m.ref for m in peer.messages if requests and _request(m) in requests}
    failed = {sa.id for sa in peer.ike_sas if sa.end is SaEnd.FAILED}
    attempts: dict[str, list[IkeMessage]] = {}
    for message in peer.messages if failed else ():
        if message.ike_sa in failed:
            attempts.setdefault(message.ike_sa, []).append(message)
    for messages in attempts.values():
        if len({m.src for m in messages}) == 1:
            found.update(m.ref for m in messages)
    return frozenset(found)


def _request(message: IkeMessage) -> object:
    """Equal for all transmissions of one request of IKEv2."""
    same = (message.initiator_spi, message.message_id, message.exchange_type, message.version)
    return message.src, message.dst, *same, message.is_response


def repeated_in_vain_ns(peer: PeerView) -> list[int]:
    """When those were sent again."""
    unanswered = any(p.kind is ProblemKind.REQUEST_UNANSWERED for p in peer.problems)
    if not unanswered and all(sa.end is not SaEnd.FAILED for sa in peer.ike_sas):
        return []
    refs, seen = sent_in_vain(peer), set[object]()
    found: list[int] = []
    for message in peer.messages:
        if message.ref in refs:
            request = _request(message)
            if request in seen or message.again:
                found.append(message.at_ns)
            seen.add(request)
    return found
