"""Encrypted Informationals of IKEv1 that may have been questions, and of which nothing came.

Without keys a single one has no rhythm that tells it apart (dpd-semantics section 2.7): an
R-U-THERE and an ISAKMP Delete often have the same length.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from analyzers.model.black_hole import BlackHole, BlackHoleClass
from analyzers.model.exchange import Delete, Exchange
from analyzers.model.observations import IkeMessage, MessageKind
from analyzers.model.records import Ref
from analyzers.tracking.ikev1_inference import ALL_LENGTHS, ANSWER_NS

# So many messages before a time are looked at for the length of what is known.
_BEFORE: Final = 64
_UNPROBED: Final = frozenset(
    {BlackHoleClass.OPEN, BlackHoleClass.MISSING_DPD, BlackHoleClass.TRANSIENT}
)


def unread_asks(
    messages: Sequence[IkeMessage],
    exchanges: Sequence[Exchange],
    deletes: Sequence[Delete],
    since_ns: int,
) -> list[IkeMessage]:
    """Those of the messages from a time on that have the length of a question.

    Messages are in the order of time. Where questions of the peer are known by rhythm, theirs is
    the length. What is known to be something is none, nor what the other side may have answered.
    """
    first = bisect_left(messages, since_ns, key=_at_ns)
    if not any(_is_unknown(m) for m in messages[first:]):
        return []
    return _among(messages[max(0, first - _BEFORE) :], _known(exchanges, deletes), since_ns)


def with_unread(
    holes: tuple[BlackHole, ...],
    messages: Sequence[IkeMessage],
    exchanges: Sequence[Exchange],
    deletes: Sequence[Delete],
) -> tuple[BlackHole, ...]:
    """The black holes of a peer, with what may have been asked in those without a question."""
    unprobed = {n for n, hole in enumerate(holes) if _is_unprobed(hole)}
    if not unprobed or not any(map(_is_unknown, messages)):
        return holes
    known = _known(exchanges, deletes)
    found = list(holes)
    for number in unprobed:
        hole = holes[number]
        first = max(0, bisect_left(messages, hole.begin_ns, key=_at_ns) - _BEFORE)
        last = bisect_right(messages, hole.stop_ns + ANSWER_NS, key=_at_ns)
        asks = _among(messages[first:last], known, hole.begin_ns)
        asked = sum(m.src == hole.sender and m.at_ns <= hole.stop_ns for m in asks)
        if asked:
            found[number] = replace(hole, unread=asked)
    return tuple(found)


def _is_unprobed(hole: BlackHole) -> bool:
    known = hole.first_probe_ns is not None or hole.spis or not hole.traffic_known
    return not known and hole.black_hole_class in _UNPROBED


def _known(exchanges: Sequence[Exchange], deletes: Sequence[Delete]) -> set[Ref]:
    known = {sent.ref for x in exchanges for sent in x.transmissions}
    known |= {x.answer.ref for x in exchanges if x.answer is not None}
    return known | {delete.ref for delete in deletes}


def _among(messages: Sequence[IkeMessage], known: set[Ref], since_ns: int) -> list[IkeMessage]:
    unknown = [m for m in messages if _is_unknown(m)]
    lengths = {m.length for m in unknown if m.ref in known} or ALL_LENGTHS
    return [
        m
        for m in unknown
        if m.at_ns >= since_ns
        and m.ref not in known
        and m.length in lengths
        and not any(_may_answer(other, m) for other in unknown)
    ]


def _is_unknown(message: IkeMessage) -> bool:
    informational = message.kind is MessageKind.INFORMATIONAL
    return informational and message.version == 1 and message.encrypted


def _may_answer(other: IkeMessage, asked: IkeMessage) -> bool:
    return (
        other.src == asked.dst
        and other.length == asked.length
        and 0 <= other.at_ns - asked.at_ns <= ANSWER_NS
    )


def _at_ns(message: IkeMessage) -> int:
    return message.at_ns
