"""Messages that did not arrive, by inputs of both ends: drawings have lanes for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import StrEnum
from functools import partial
from typing import NamedTuple

from analyzers.export.exchanges import (
    DID_NOT_ARRIVE,
    lost_answer_words,
    lost_delete_words,
    sent_words,
)
from analyzers.model.exchange import Exchange, Lost, Outcome
from analyzers.model.peer import PeerView
from analyzers.model.records import Ref


class Reach(StrEnum):
    """How far a message is known to have come: as far is its arrow drawn, in every ladder."""

    THERE = "there"
    """It arrived, or nothing tells otherwise."""
    UNKNOWN = "unknown"
    """It met no answer, and nobody saw it arrive: a question mark stands before the other side."""
    LOST = "lost"
    """An input of an end tells that it did not: a broken arrow to a cross before that side."""


class LostMessage(NamedTuple):
    """A message that its sender's side shows, and the other end did not have."""

    at_ns: int
    sender: str
    ref: Ref
    tell: Callable[[], str]
    """What it was; only those that are drawn need their words."""


def never_reached(exchange: Exchange, number: int) -> bool:
    """Whether a transmission is known to have reached nobody: no input of the other end has it."""
    return exchange.lost is Lost.REQUEST or exchange.transmissions[number].lost


def reach(exchange: Exchange, number: int) -> Reach:
    """How far a transmission came."""
    if never_reached(exchange, number):
        return Reach.LOST
    known = exchange.lost is not None or exchange.transmissions[number].arrived
    unknown = exchange.outcome is Outcome.UNANSWERED and not known
    return Reach.UNKNOWN if unknown else Reach.THERE


def lost_messages(peer: PeerView) -> Iterator[LostMessage]:
    """Questions, answers and Deletes that did not arrive, in no order."""
    for exchange in peer.exchanges:
        for number, sent in enumerate(exchange.transmissions):
            if never_reached(exchange, number):
                tell = partial(_question_words, exchange, number)
                yield LostMessage(sent.at_ns, exchange.prober, sent.ref, tell)
        for lost in exchange.lost_answers:
            tell = partial(lost_answer_words, exchange, lost)
            yield LostMessage(lost.at_ns, exchange.responder, lost.ref, tell)
    for delete in peer.lost_deletes:
        yield LostMessage(
            delete.at_ns, delete.sender, delete.ref, partial(lost_delete_words, delete)
        )


def _question_words(exchange: Exchange, number: int) -> str:
    return f"{sent_words(exchange, number)}, {DID_NOT_ARRIVE}"
