"""What stands at a place that a finding rests on."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from analyzers.export.exchanges import answer_words, delete_words, sent_words
from analyzers.export.messages import message_word
from analyzers.model.peer import PeerView
from analyzers.model.records import Ref
from analyzers.session.log_lines import LogLines

# A peer with more is not looked through while a key waits.
_MOST: Final = 4_000


class Evidence(Struct, frozen=True):
    """What is there, and when it was; None if no time is known."""

    at_ns: int | None
    text: str
    sender: str | None = None


def evidence_at(ref: Ref, peer: PeerView | None, log: LogLines | None) -> Evidence | None:
    """A line of a log word for word, a message by its name; None if nothing is known of it."""
    if log is not None:
        row = log.row_of(ref)
        if row is not None:
            return Evidence(log.at_ns(row), log.whole(row).strip())
    return None if peer is None else _message(ref, peer)


def _message(ref: Ref, peer: PeerView) -> Evidence | None:
    if len(peer.exchanges) + len(peer.messages) > _MOST:
        return None
    for exchange in peer.exchanges:
        for number, sent in enumerate(exchange.transmissions):
            if sent.ref == ref:
                return Evidence(sent.at_ns, sent_words(exchange, number), exchange.prober)
        answer = exchange.answer
        if answer is not None and answer.ref == ref:
            return Evidence(answer.at_ns, answer_words(exchange), exchange.responder)
    for delete in peer.deletes:
        if delete.ref == ref:
            return Evidence(delete.at_ns, delete_words(delete), delete.sender)
    for message in peer.messages:
        if message.ref == ref:
            return Evidence(message.at_ns, message_word(message), message.src)
    return None
