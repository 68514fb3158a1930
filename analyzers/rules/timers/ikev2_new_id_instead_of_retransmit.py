"""ikev2-new-id-instead-of-retransmit: a request went out while another one was outstanding."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from analyzers.model.finding import Severity
from analyzers.model.observations import MessageKind
from analyzers.model.records import Basis, Confidence
from analyzers.model.time import NS_PER_SECOND, seconds
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.timers.evidence import first_refs, spoken
from analyzers.rules.timers.retransmissions import Request, requests

_SET_WINDOW_SIZE: Final = 16385
# An answer and the next request cross within less.
_CROSSING_NS: Final = NS_PER_SECOND
_LIVENESS: Final = frozenset({MessageKind.LIVENESS, MessageKind.LIVENESS_MOBIKE})


def _check(case: Case) -> Iterator[Found]:
    for found in requests(case):
        pairs = [
            (older, newer)
            for older, newer in pairwise(found)
            if newer.first.message_id > older.first.message_id and _overlaps(older, newer)
        ]
        window = _window_of_one(case, found[0])
        if window is None:
            pairs = [p for p in pairs if {r.first.kind for r in p} <= _LIVENESS]
        if not pairs or window is False:
            continue
        older, newer = pairs[0]
        ahead_s = seconds(_outstanding_until(older) - newer.first.at_ns)
        more = f" So it was {len(pairs)} times." if len(pairs) > 1 else ""
        why = "with a window of 1" if window else "and both ask for liveness"
        yield Found(
            f"{newer.first.src} sent request {newer.first.message_id} to {newer.first.dst} while"
            f" request {older.first.message_id} was still outstanding, {why}: the older one was"
            f" open for {spoken(ahead_s)} more.{more}",
            first_refs(m.ref for p in pairs for request in p for m in request.sent),
            confidence=Confidence.CERTAIN if window else Confidence.INFERRED,
            at_ns=newer.first.at_ns,
            end=newer.first.src,
        )


def _overlaps(older: Request, newer: Request) -> bool:
    """Whether the older request was shown to be open after the newer one was sent.

    That it has no answer is no sign: with a window of 1 the newer one proves its answer.
    """
    return _outstanding_until(older) - newer.first.at_ns >= _CROSSING_NS


def _outstanding_until(request: Request) -> int:
    """Until when a request is known to have been open: its answer, or its last retransmission."""
    return request.sent[-1].at_ns if request.answer is None else request.answer.at_ns


def _window_of_one(case: Case, request: Request) -> bool | None:
    """Whether the other end takes one request at a time; None where its IKE_AUTH is encrypted."""
    said = [
        m
        for m in case.messages.get(request.first.ike_sa, ())
        if m.kind is MessageKind.AUTH and case.is_local(m.src) != case.is_local(request.first.src)
    ]
    if not said or any(m.basis is not Basis.DECRYPTED for m in said):
        return None
    return not any(n.type == _SET_WINDOW_SIZE for m in said for n in m.notifies)


RULE = PeerRule(
    id="ikev2-new-id-instead-of-retransmit",
    severity=Severity.ERROR,
    title="A new request was sent where the old one had to be repeated",
    rationale=(
        "With a window of 1 the next request may only be sent when the last one was answered. The"
        " other end drops what is beyond its window, so the new question is never answered, and a"
        " living peer is given up."
    ),
    remedy="Report it to the vendor with the frames of both requests.",
    source="RFC 7296 section 2.3",
    needs=(Needs.CAPTURE, Needs.KEYS),
    traps=(
        "the other end may have offered a larger window, which only keys show: without them two"
        " questions about liveness at once are held against it, nothing else",
        "an answer that was not captured is proven by the next request",
        "an answer and the next request may cross",
    ),
    check=_check,
)
