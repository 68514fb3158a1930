"""What stands at an instant of a timeline, in words, in time order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from operator import attrgetter
from typing import Final, NamedTuple

from analyzers.export import words
from analyzers.export.causes import hint_words
from analyzers.export.exchanges import answer_words, delete_words, sent_words
from analyzers.export.lost import lost_messages
from analyzers.export.messages import message_word
from analyzers.export.naming import Naming
from analyzers.export.spans import answered_transmission, is_side
from analyzers.export.svg.shapes import Sign
from analyzers.model.exchange import Exchange, Outcome
from analyzers.model.peer import PeerView
from analyzers.model.records import Ref
from analyzers.model.time import ORDER_LIMIT_NS

_TIME: Final = attrgetter("at_ns")


class Mark(NamedTuple):
    """Something at an instant. Only a few of many are drawn, and only those need their words."""

    at_ns: int
    sign: Sign | None
    """None for what only a log says."""
    ref: Ref
    tell: Callable[[], str]

    @property
    def rank(self) -> int:
        """Which of several marks in one place is drawn."""
        return 0 if self.sign is None else int(self.sign)

    def said(self, naming: Naming) -> str:
        """When, what, where."""
        return f"{naming.at(self.at_ns)} {self.tell()}, {naming.place(self.ref)}"


def probe_marks(peer: PeerView, side: str) -> Sequence[Mark]:
    """Questions and Deletes of one side, and the answers to its questions."""
    found: list[Mark] = []
    for exchange in peer.exchanges:
        if is_side(exchange.prober, side, peer):
            found += _of_exchange(exchange)
    found += [
        Mark(delete.at_ns, Sign.DELETE, delete.ref, partial(delete_words, delete))
        for delete in peer.deletes
        if is_side(delete.sender, side, peer)
    ]
    return sorted(found, key=_TIME)


def lost_marks(peer: PeerView, side: str) -> Sequence[Mark]:
    """What one side sent, and the other end did not have."""
    kind = Sign.LOST if side == peer.local else Sign.LOST_BACK
    found = (
        Mark(lost.at_ns, kind, lost.ref, lost.tell)
        for lost in lost_messages(peer)
        if is_side(lost.sender, side, peer)
    )
    return sorted(found, key=_TIME)


def _of_exchange(exchange: Exchange) -> Iterator[Mark]:
    answered = answered_transmission(exchange)
    for index, sent in enumerate(exchange.transmissions):
        if index == answered:
            sign = Sign.ANSWERED
        elif index:
            sign = Sign.RETRY
        elif exchange.outcome is Outcome.ANSWERED:
            sign = Sign.ASKED
        else:
            sign = Sign.OPEN if exchange.outcome is Outcome.OPEN else Sign.UNANSWERED
        yield Mark(sent.at_ns, sign, sent.ref, partial(sent_words, exchange, index))
    answer = exchange.answer
    if answer is not None and answered is not None:
        yield Mark(answer.at_ns, Sign.ANSWER, answer.ref, partial(answer_words, exchange))


def log_marks(peer: PeerView, naming: Naming) -> Sequence[Mark]:
    """What logs say: messages they show, verdicts, hints."""
    if not naming.texts:
        return ()
    found: dict[Ref, Mark] = {}

    def note(at_ns: int, tell: Callable[[], str], *refs: Ref) -> None:
        for ref in refs:
            if ref.source in naming.texts and at_ns >= ORDER_LIMIT_NS:
                found.setdefault(ref, Mark(at_ns, None, ref, tell))

    for exchange in peer.exchanges:
        for index, sent in enumerate(exchange.transmissions):
            note(sent.at_ns, partial(sent_words, exchange, index), sent.ref, *sent.seen)
        if exchange.answer is not None:
            answer = exchange.answer
            note(answer.at_ns, partial(answer_words, exchange), answer.ref, *answer.seen)
        if exchange.verdict_ns is not None and exchange.verdict_ref is not None:
            note(exchange.verdict_ns, partial(str, words.DECLARED_DEAD), exchange.verdict_ref)
    for delete in peer.deletes:
        note(delete.at_ns, partial(delete_words, delete), delete.ref)
    for hint in peer.hints:
        note(hint.at_ns, partial(hint_words, hint), hint.ref)
    for message in peer.messages:
        note(message.at_ns, partial(message_word, message), message.ref, *message.seen)
    return sorted(found.values(), key=_TIME)
