"""The questions that lines of a log are about."""

from __future__ import annotations

from typing import Final

from analyzers.model.exchange import ExchangeKind
from analyzers.model.log_events import LogEvent
from analyzers.model.observations import MessageKind
from analyzers.model.records import Basis
from analyzers.model.time import NS_PER_SECOND
from analyzers.tracking.rhythm import are_questions
from analyzers.tracking.tracks import ExchangeTrack, PeerTrack, SaTrack
from analyzers.tracking.witnesses import QUESTIONS

RECENT: Final = 16
_MESSAGES: Final = 64
"""More than are sent again of one before it is given up."""
"""Exchanges of a peer that a line may be about: the newest."""
MAY_ASK: Final = QUESTIONS | {MessageKind.INFORMATIONAL}
"""Questions, and what may be one where a log does not say what it carries."""
_ANSWERED_WITHIN_NS: Final = 5 * NS_PER_SECOND


def is_doubted(exchange: ExchangeTrack) -> bool:
    """Whether it was asked again after each of its answers but the last, which nothing proves."""
    asked = (r.at_ns for r in exchange.sa.requests.values() if r.side == exchange.side)
    return bool(exchange.unheard) and max(asked, default=0) <= exchange.first_ns


def is_open(exchange: ExchangeTrack) -> bool:
    """Whether it met no answer, or none that is sure to have arrived."""
    return not exchange.answered or is_doubted(exchange)


def is_known(exchange: ExchangeTrack) -> bool:
    """Whether it is a question as far as the log tells by now: by its content, or its rhythm."""
    sa, side = exchange.sa, exchange.side
    asked = (x for x in sa.peer.exchanges if x.sa is sa and x.side == side)
    return not exchange.candidate or are_questions(exchange, asked)


def is_in_vain(peer: PeerTrack, side: int, message_id: int | None) -> bool:
    """Whether nothing of the other side came since a side first sent an IKEv1 negotiation.

    Of one within an IKE SA, that is: none of phase 1 has a number.
    """
    if not message_id:
        return False
    heard = False
    for message in reversed(peer.messages[-_MESSAGES:]):
        if message.src not in peer.addresses[side]:
            heard = heard or not message.astray
        elif heard and message.message_id == message_id:
            return False
    return True


def first_heard_ns(peer: PeerTrack, side: int) -> list[int]:
    """When a log shows the first protected message of a side, whatever it was about; or nothing.

    Those that set an IKE SA up may refuse it.
    """
    if peer.captured:
        return []
    of_side = peer.addresses[side]
    for message in peer.messages:
        within = message.encrypted and message.version == 2 and message.kind is not MessageKind.AUTH
        if within and message.src in of_side:
            return [message.at_ns]
    return []


def open_question(sa: SaTrack, side: int, event: LogEvent, *, logged: bool) -> ExchangeTrack | None:
    """What a side asks on an SA, or on one that it has beside it, and has no answer to.

    Where a log does not name its SAs, what was asked on two of them looks like one: the number of
    the request that is given up tells which it was. `logged`: none that a capture shows.
    """
    asked = [
        x
        for x in reversed(sa.peer.exchanges[-RECENT:])
        if x.side == side
        and x.sa.unit is sa.unit
        and not x.dissolved
        and not (logged and x.basis is not Basis.LOG)
    ]
    on_it = next((x for x in asked if x.sa is sa), None)
    for exchange in (*(x for x in asked if _is_numbered(x, event)), on_it):
        if exchange is not None and is_open(exchange) and exchange.dead_ns is None:
            return exchange
    return asked[0] if asked and is_open(asked[0]) else None


def _is_numbered(exchange: ExchangeTrack, event: LogEvent) -> bool:
    counted = event.version == 2 and event.message_id is not None
    return counted and exchange.transmissions[0].message_id == event.message_id


def first_beside(question: ExchangeTrack) -> ExchangeTrack:
    """What was asked first, and is not given up yet, of a question and those beside it.

    A side has the same timers on all of its IKE SAs: what it asked first it gives up first. Where
    it asked on one twice since it asked on another, it is done with that.
    """
    since_ns = question.transmissions[-2:][0].at_ns
    beside = (
        x
        for x in question.sa.peer.exchanges[-RECENT:]
        if x.side == question.side
        and x.kind is question.kind
        and x.last_ns >= since_ns
        and not (x.dissolved or x.dead_ns)
        and is_open(x)
    )
    return min(beside, key=lambda x: x.first_ns, default=question)


def verdict_ns(sa: SaTrack, side: int) -> int | None:
    """When its log says that a side gave up what it asked on an SA."""
    for exchange in reversed(sa.peer.exchanges[-RECENT:]):
        asked = exchange.side == side and exchange.sa.unit is sa.unit
        if asked and exchange.dead_ns is not None:
            return exchange.dead_ns
    return None


def question_of(peer: PeerTrack, side: int, event: LogEvent) -> ExchangeTrack | None:
    """The question an answer in the other end's log belongs to."""
    at_ns = event.at_ns or 0
    for exchange in reversed(peer.exchanges[-RECENT:]):
        if exchange.side != side or exchange.first_ns > at_ns + NS_PER_SECOND:
            continue
        counted = exchange.kind is ExchangeKind.LIVENESS and event.message_id is not None
        if counted and exchange.transmissions[0].message_id != event.message_id:
            continue
        # Who answers does so as soon as it is asked; each IKE SA has these numbers anew.
        soon = at_ns - exchange.last_ns <= _ANSWERED_WITHIN_NS
        return exchange if soon or (counted and exchange.is_given_up(at_ns)) else None
    return None


def comes_too_late(peer: PeerTrack, side: int, event: LogEvent) -> bool:
    """Whether the log of `side` tells of a question, or answers one, that was given up before.

    Who stood still reads what came meanwhile, and answers it, when it goes on.
    """
    if event.version != 2 or event.message not in QUESTIONS or event.sent is not event.response:
        return False
    exchange = question_of(peer, 1 - side, event)
    return exchange is not None and exchange.is_given_up(event.at_ns or 0)


def note_question(peer: PeerTrack, side: int, event: LogEvent, heard_ns: int) -> None:
    """How long the other end had been silent when a question was new, and if it was."""
    newest = peer.exchanges[-1] if peer.exchanges else None
    at_ns = event.at_ns or 0
    if newest is None or newest.side != side:
        return
    newest.tries = event.tries or newest.tries
    if newest.first_ns != at_ns:
        return
    if len(newest.transmissions) == 1:
        newest.first_missing = event.retransmission
        newest.unseen = event.retry
    if newest.since_proof_ns is None and heard_ns:
        newest.since_proof_ns = max(0, at_ns - heard_ns)
