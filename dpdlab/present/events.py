"""What happened to a peer, one moment after the other: what ladders list and keys jump along."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from enum import StrEnum

from msgspec import Struct

from analyzers.export import words
from analyzers.export.causes import hint_words
from analyzers.export.exchanges import (
    answer_words,
    bracketed,
    delete_answer_words,
    delete_words,
    half_hidden,
    lost_answer_words,
    lost_delete_words,
    sent_words,
    unheard_answer_words,
)
from analyzers.export.formatting import Severity, class_severity
from analyzers.export.lost import Reach, reach
from analyzers.export.messages import message_word
from analyzers.export.spans import is_side
from analyzers.export.story import arriving, broken_way
from analyzers.model.black_hole import BlackHole
from analyzers.model.exchange import Delete, Exchange, Outcome
from analyzers.model.observations import IkeMessage
from analyzers.model.peer import Hint, HintKind, PeerView
from analyzers.model.records import Basis, Confidence, Ref
from dpdlab.present.in_vain import sent_in_vain


class EventKind(StrEnum):
    """What a moment is."""

    QUESTION = "question"
    RETRY = "retry"
    ANSWER = "answer"
    VERDICT = "verdict"
    DELETE = "delete"
    MESSAGE = "message"
    LOST = "lost"
    """Its sender logged it, and it did not arrive: an answer, a Delete."""
    HINT = "hint"
    HOLE = "hole"
    """A black hole begins."""
    HOLE_END = "hole-end"


class Event(Struct, frozen=True):
    """One moment of a peer. `sender` None: nobody sent it, it is a conclusion or a remark."""

    at_ns: int
    kind: EventKind
    sender: str | None
    label: str
    severity: Severity
    ref: Ref | None
    basis: Basis | None = None
    confidence: Confidence = Confidence.CERTAIN
    exchange: Exchange | None = None
    number: int = 0
    """Of a transmission in its exchange, or of one message that was sent again, from 0."""
    delete: Delete | None = None
    hole: BlackHole | None = None
    way_back: bool = False
    """Of a black hole: what was sent arrived, and nothing came back."""
    message: IkeMessage | None = None
    in_vain: bool = False
    """A request that is no liveness question: it met no answer, however often it was sent."""

    @property
    def is_lost(self) -> bool:
        """Whether the log of an end tells that the message did not arrive."""
        if self.kind in (EventKind.QUESTION, EventKind.RETRY) and self.exchange is not None:
            return reach(self.exchange, self.number) is Reach.LOST
        return self.kind is EventKind.LOST

    @property
    def is_arrival_unknown(self) -> bool:
        """Whether it met no answer, and nothing tells that it arrived, or that it did not."""
        if self.kind not in (EventKind.QUESTION, EventKind.RETRY) or self.exchange is None:
            return self.in_vain
        return reach(self.exchange, self.number) is Reach.UNKNOWN

    @property
    def pairs_with(self) -> tuple[str, str] | None:
        """What belongs together has the same value: a question or a Delete and its answer."""
        if self.exchange is not None:
            return "x", self.exchange.id
        if self.delete is not None and self.delete.answer is not None:
            return "d", f"{self.delete.ref.source}#{self.delete.ref.record}"
        return None


def same_event(event: Event) -> tuple[object, ...]:
    """What an event has in common with itself when the peer's events are listed anew."""
    return event.at_ns, event.kind, event.ref, event.number


def place_of(event: Event, events: Sequence[Event]) -> int | None:
    """Where an event of another list stands in this one, which is in the order of time."""
    place = bisect_left(events, event.at_ns, key=lambda e: e.at_ns)
    while place < len(events) and events[place].at_ns == event.at_ns:
        if same_event(events[place]) == same_event(event):
            return place
        place += 1
    return None


def event_at(events: Iterable[Event], refs: Container[Ref]) -> Event | None:
    """The first event that one of these places tells, alone or too."""
    for event in events:
        seen = () if event.message is None else event.message.seen
        if event.ref in refs or any(ref in refs for ref in seen):
            return event
    return None


def events_of(peer: PeerView, *, ongoing: bool = False) -> list[Event]:
    """All events of a peer in the order of time; `ongoing`: what is known so far."""
    by_ref = {message.ref: message for message in peer.messages}
    events = [*_exchanges(peer.exchanges, by_ref), *_deletes(peer, by_ref), *_holes(peer, ongoing)]
    told = {event.ref for event in events}
    # A message is what it is, also where a filter hides the exchange that it belongs to.
    events += [e for e in _hidden(peer, by_ref) if e.ref not in told]
    told.update(event.ref for event in events)
    untold = [m for m in peer.messages if m.ref not in told]
    first = [e.message for e in events if e.delete is not None and e.message is not None]
    events += _messages(untold, first, sent_in_vain(peer) if untold else frozenset())
    events += [_hint(hint) for hint in peer.hints]
    # A black hole begins after what proved life at the same time.
    events.sort(key=lambda e: (e.at_ns, e.kind is EventKind.HOLE, e.ref or Ref("", 0)))
    return events


def _hidden(peer: PeerView, by_ref: dict[Ref, IkeMessage]) -> Iterator[Event]:
    """What a filter leaves of exchanges that it hides: their messages."""
    yield from (e for e in _exchanges(half_hidden(peer), by_ref) if e.ref in by_ref)


def _exchanges(exchanges: Iterable[Exchange], by_ref: dict[Ref, IkeMessage]) -> Iterator[Event]:
    for exchange in exchanges:
        unanswered = exchange.outcome is Outcome.UNANSWERED
        for number, sent in enumerate(exchange.transmissions):
            retry = number > 0 or exchange.first_missing
            severity = Severity.WARN if retry else Severity.GOOD
            yield Event(
                sent.at_ns,
                EventKind.RETRY if retry else EventKind.QUESTION,
                exchange.prober,
                sent_words(exchange, number),
                Severity.BAD if unanswered else severity,
                sent.ref,
                exchange.basis,
                exchange.confidence,
                exchange,
                number,
                message=by_ref.get(sent.ref),
            )
        if exchange.answer is not None:
            yield Event(
                exchange.answer.at_ns,
                EventKind.ANSWER,
                exchange.responder,
                answer_words(exchange),
                Severity.GOOD,
                exchange.answer.ref,
                exchange.basis,
                exchange.confidence,
                exchange,
                message=by_ref.get(exchange.answer.ref),
            )
        for unheard in exchange.unheard_answers:
            yield Event(
                unheard.at_ns,
                EventKind.ANSWER,
                exchange.responder,
                unheard_answer_words(exchange, unheard),
                Severity.WARN,
                unheard.ref,
                exchange.basis,
                exchange.confidence,
                exchange,
                message=by_ref.get(unheard.ref),
            )
        for lost in exchange.lost_answers:
            yield Event(
                lost.at_ns,
                EventKind.LOST,
                exchange.responder,
                lost_answer_words(exchange, lost),
                Severity.BAD if unanswered else Severity.WARN,
                lost.ref,
                Basis.LOG,
                exchange=exchange,
            )
        if unanswered and exchange.verdict_ns is not None:
            confidence = Confidence.CERTAIN if exchange.verdict_ref else Confidence.INFERRED
            yield Event(
                exchange.verdict_ns,
                EventKind.VERDICT,
                None,
                f"{exchange.prober} gives {exchange.responder} up{bracketed(confidence)}",
                Severity.BAD,
                exchange.verdict_ref,
                exchange.basis,
                confidence,
                exchange,
            )


def _deletes(peer: PeerView, by_ref: dict[Ref, IkeMessage]) -> Iterator[Event]:
    for delete in peer.deletes:
        yield Event(
            delete.at_ns,
            EventKind.DELETE,
            delete.sender,
            delete_words(delete),
            Severity.NOTE,
            delete.ref,
            delete.basis,
            delete.confidence,
            delete=delete,
            message=by_ref.get(delete.ref),
        )
        if delete.answer is not None:
            yield Event(
                delete.answer.at_ns,
                EventKind.ANSWER,
                peer.remote if is_side(delete.sender, peer.local, peer) else peer.local,
                delete_answer_words(delete),
                Severity.GOOD,
                delete.answer.ref,
                delete.basis,
                delete.confidence,
                delete=delete,
                message=by_ref.get(delete.answer.ref),
            )
    for lost in peer.lost_deletes:
        yield Event(
            lost.at_ns,
            EventKind.LOST,
            lost.sender,
            lost_delete_words(lost),
            Severity.WARN,
            lost.ref,
            lost.basis,
            lost.confidence,
            delete=lost,
        )


def _holes(peer: PeerView, ongoing: bool) -> Iterator[Event]:
    there = arriving(peer)
    for hole in peer.black_holes:
        way_back = hole.id in there
        severity = class_severity(hole.black_hole_class)
        begin_ns = hole.begin_ns
        sender, receiver = broken_way(hole, there)
        said = f"black hole {sender} to {receiver}"
        yield Event(
            begin_ns, EventKind.HOLE, None, f"{said} begins", severity, None,
            confidence=hole.class_confidence, hole=hole, way_back=way_back,
        )  # fmt: skip
        cut_off = words.is_censored(hole)
        if cut_off and ongoing:
            continue
        going_on = f"{said} goes on: {words.end_of_input(hole)} ends"
        end = going_on if cut_off else f"{said} ends"
        yield Event(
            hole.stop_ns, EventKind.HOLE_END, None, end, severity, None,
            confidence=hole.class_confidence, hole=hole, way_back=way_back,
        )  # fmt: skip


def _messages(
    messages: Sequence[IkeMessage], first: Sequence[IkeMessage], in_vain: Container[Ref]
) -> Iterator[Event]:
    """Messages of no exchange that is followed; those that were sent before say so.

    `first`: those that may be sent again, and are told by themselves; `in_vain`: where those are
    that met no answer.
    """
    before: Counter[object] = Counter(map(_sameness, first))
    sent = before + Counter(map(_sameness, messages))
    for message in sorted(messages, key=lambda m: (m.at_ns, m.ref)):
        same = _sameness(message)
        before[same] += 1
        number = before[same] if message.again else before[same] - 1
        if not number:
            again = ""
        elif message.version == 2 and not message.is_response:
            again = f", retry {number} of {sent[same] - (not message.again)}"
        else:
            # A response is repeated for a request that is; IKEv1 does not tell them apart.
            again = ", sent again"
        yield _message(message, again, number, in_vain=message.ref in in_vain)


def _sameness(message: IkeMessage) -> object:
    """Equal for the transmissions of one message; a log shows no bytes, but may call them so.

    Of those the first one is not among them.
    """
    if message.again:
        same = (message.initiator_spi, message.message_id, message.exchange_type)
        return message.src, message.dst, *same, message.is_response
    if message.basis is Basis.LOG or not message.fingerprint:
        return message.ref
    return message.src, message.dst, message.initiator_spi, message.message_id, message.fingerprint


def _message(message: IkeMessage, again: str, number: int, *, in_vain: bool) -> Event:
    return Event(
        message.at_ns,
        EventKind.MESSAGE,
        message.src,
        message_word(message) + again + (", no answer" if in_vain else ""),
        Severity.WARN if in_vain else Severity.MUTE,
        message.ref,
        message.basis,
        message.confidence,
        number=number,
        message=message,
        in_vain=in_vain,
    )


def _hint(hint: Hint) -> Event:
    return Event(
        hint.at_ns,
        EventKind.HINT,
        hint.sender,
        hint_words(hint),
        Severity.WARN if hint.unprotected or hint.kind is HintKind.NOT_SENT else Severity.NOTE,
        hint.ref,
        confidence=Confidence.SUSPECT if hint.unprotected else Confidence.CERTAIN,
    )


def first_moment(peer: PeerView, events: Sequence[Event]) -> int:
    """Where the eye should be first, in ns: the worst black hole, else the first event."""
    holes = sorted(peer.black_holes, key=lambda h: -h.max_seconds)
    if holes:
        return holes[0].begin_ns
    told = (EventKind.MESSAGE, EventKind.HINT)
    first = next((e for e in events if e.kind not in told), None)
    first = first or next(iter(events), None)
    return peer.first_ns if first is None else first.at_ns
