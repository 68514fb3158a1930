"""What stands at an instant of a timeline, in words, in time order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from analyzers.export import words
from analyzers.export.exchanges import answer_words, delete_words, sent_words
from analyzers.export.messages import message_word
from analyzers.export.naming import Naming
from analyzers.export.spans import answered_transmission, is_side
from analyzers.export.svg.shapes import Sign
from analyzers.model.exchange import Exchange, Outcome
from analyzers.model.peer import PeerView
from analyzers.model.records import Ref
from analyzers.model.time import ORDER_LIMIT_NS


class Mark(NamedTuple):
    """Something at an instant; `sign` is None for what only a log says."""

    at_ns: int
    said: str
    sign: Sign | None

    @property
    def rank(self) -> int:
        """Which of several marks in one place is drawn."""
        return 0 if self.sign is None else int(self.sign)


def probe_marks(peer: PeerView, side: str, naming: Naming) -> Sequence[Mark]:
    """Questions and Deletes of one side, and the answers to its questions."""
    found: list[Mark] = []
    for exchange in peer.exchanges:
        if is_side(exchange.prober, side, peer):
            found += _of_exchange(exchange, naming)
    for delete in peer.deletes:
        if is_side(delete.sender, side, peer):
            said = f"{naming.at(delete.at_ns)} {delete_words(delete)}, {naming.place(delete.ref)}"
            found.append(Mark(delete.at_ns, said, Sign.DELETE))
    return sorted(found)


def _of_exchange(exchange: Exchange, naming: Naming) -> Iterator[Mark]:
    answered = answered_transmission(exchange)
    for index, sent in enumerate(exchange.transmissions):
        if index == answered:
            sign = Sign.ANSWERED
        elif index:
            sign = Sign.RETRY
        else:
            sign = Sign.OPEN if exchange.outcome is Outcome.OPEN else Sign.UNANSWERED
        said = f"{naming.at(sent.at_ns)} {sent_words(exchange, index)}, {naming.place(sent.ref)}"
        yield Mark(sent.at_ns, said, sign)
    answer = exchange.answer
    if answer is not None and answered is not None:
        said = f"{naming.at(answer.at_ns)} {answer_words(exchange)}, {naming.place(answer.ref)}"
        yield Mark(answer.at_ns, said, Sign.ANSWER)


def log_marks(peer: PeerView, naming: Naming) -> Sequence[Mark]:
    """What logs say: messages they show, verdicts, hints."""
    found: dict[Ref, Mark] = {}

    def note(at_ns: int, text: str, refs: Sequence[Ref]) -> None:
        for ref in refs:
            if ref.source in naming.texts and at_ns >= ORDER_LIMIT_NS:
                said = f"{naming.at(at_ns)} {text}, {naming.place(ref)}"
                found.setdefault(ref, Mark(at_ns, said, None))

    for exchange in peer.exchanges:
        for index, sent in enumerate(exchange.transmissions):
            note(sent.at_ns, sent_words(exchange, index), (sent.ref, *sent.seen))
        if exchange.answer is not None:
            answer = exchange.answer
            note(answer.at_ns, answer_words(exchange), (answer.ref, *answer.seen))
        if exchange.verdict_ns is not None and exchange.verdict_ref is not None:
            note(exchange.verdict_ns, words.DECLARED_DEAD, (exchange.verdict_ref,))
    for delete in peer.deletes:
        note(delete.at_ns, delete_words(delete), (delete.ref,))
    for hint in peer.hints:
        note(hint.at_ns, hint.text, (hint.ref,))
    for message in peer.messages:
        note(message.at_ns, message_word(message), (message.ref, *message.seen))
    return sorted(found.values(), key=lambda mark: mark.at_ns)
