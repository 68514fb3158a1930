"""The rungs of a ladder: every message worth seeing, and how many are folded between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Final

from msgspec import Struct

from analyzers.export import words
from analyzers.export.exchanges import (
    answer_words,
    bracketed,
    delete_answer_words,
    delete_words,
    half_hidden,
    identity,
    identity_of,
    late_words,
    lost_answer_words,
    lost_delete_words,
    rtt_range,
    sent_words,
    unheard_answer_words,
    worth_showing,
)
from analyzers.export.formatting import counted, duration
from analyzers.export.lost import Reach, reach
from analyzers.export.messages import message_word
from analyzers.export.naming import Naming, address
from analyzers.export.spans import answered_transmission, exposed_ns, is_side
from analyzers.export.story import POSSIBLY, arriving, broken_way, certainly_in_vain_s
from analyzers.export.svg.shapes import Sign
from analyzers.model.exchange import Exchange, ExchangeKind, Outcome
from analyzers.model.peer import PeerView
from analyzers.model.records import Ref
from analyzers.model.time import nanoseconds

MESSAGES_IN_A_ROW: Final = 8
"""Messages of no exchange that are shown together; of more the first and the last ones."""
MOST_STEPS: Final = 160
"""Rungs of one ladder; of more the first and the last ones."""


class Manner(StrEnum):
    """How an arrow is drawn."""

    PLAIN = "plain"
    GOOD = "good"
    LOST = "lost"
    OPEN = "open"
    DELETE = "delete"


class NoteKind(StrEnum):
    """What a note between the lifelines tells of."""

    VERDICT = "bad"
    HOLE = "warn"
    BACK = "good"


class Arrow(Struct, frozen=True):
    """A message."""

    at_ns: int
    from_local: bool
    label: str
    manner: Manner
    place: str
    said: str
    reach: Reach = Reach.THERE
    sign: Sign | None = None
    """What stands beside it."""
    again: bool = False
    """A retransmission."""


class Note(Struct, frozen=True):
    """Something that is no message."""

    at_ns: int
    kind: NoteKind
    label: str
    place: str = ""


class Fold(Struct, frozen=True):
    """What is not drawn between two steps."""

    at_ns: int
    end_ns: int
    label: str


Step = Arrow | Note | Fold


def steps(peer: PeerView, naming: Naming) -> Sequence[Step]:
    """The ladder of a peer, in time order."""
    shown = worth_showing(peer)
    drawn: list[Step] = []
    hidden: list[Exchange] = []
    for index, exchange in enumerate(peer.exchanges):
        if index in shown:
            drawn += _exchange(peer, exchange, naming)
        else:
            hidden.append(exchange)
    drawn += _deletes(peer, naming)
    drawn += _notes(peer, naming)
    others = [*_half_hidden(peer, naming), *_others(peer, naming)]
    ordered = sorted([*drawn, *others], key=_at_ns)
    plain = {id(step) for step in others}
    ordered = _without_long_runs(ordered, plain)
    return _bounded(_with_folds(ordered, hidden))


def _at_ns(step: Step) -> int:
    return step.at_ns


def _exchange(peer: PeerView, exchange: Exchange, naming: Naming) -> Iterator[Step]:
    from_local = is_side(exchange.prober, peer.local, peer)
    answered = answered_transmission(exchange)
    word = words.KIND[exchange.kind]
    number = identity(exchange)
    doubt = bracketed(exchange.confidence)
    beside = {Outcome.UNANSWERED: Sign.UNANSWERED, Outcome.OPEN: Sign.OPEN}.get(exchange.outcome)
    for index, sent in enumerate(exchange.transmissions):
        retry = index + (1 if exchange.first_missing else 0)
        label = f"{word} {number}".rstrip()
        if retry:
            label = f"retry {retry} of {exchange.retries}"
        if index == answered:
            manner = Manner.GOOD
        else:
            unanswered = exchange.outcome is Outcome.UNANSWERED
            manner = Manner.LOST if unanswered else Manner.OPEN
        yield Arrow(
            sent.at_ns,
            from_local,
            label + doubt,
            manner,
            naming.place(sent.ref),
            sent_words(exchange, index),
            reach=reach(exchange, index),
            sign=beside,
            again=bool(retry),
        )
    answer = exchange.answer
    if answer is not None:
        label = "R-U-THERE-ACK" if exchange.kind is ExchangeKind.DPD else "answer"
        late = late_words(exchange)
        yield Arrow(
            answer.at_ns,
            not from_local,
            f"{label} {identity_of(exchange, answer)}".rstrip()
            + (f", {late}" if late else "")
            + doubt,
            Manner.GOOD,
            naming.place(answer.ref),
            answer_words(exchange),
        )
    for unheard in exchange.unheard_answers:
        said = unheard_answer_words(exchange, unheard)
        place = naming.place(unheard.ref)
        yield Arrow(unheard.at_ns, not from_local, said, Manner.OPEN, place, said)
    for lost in exchange.lost_answers:
        said = lost_answer_words(exchange, lost)
        yield Arrow(
            lost.at_ns,
            not from_local,
            said,
            Manner.LOST,
            naming.place(lost.ref),
            said,
            reach=Reach.LOST,
        )
    if exchange.outcome is Outcome.UNANSWERED and exchange.verdict_ns is not None:
        who = f"{address(exchange.prober)} gives {address(exchange.responder)} up"
        place = naming.place(exchange.verdict_ref) if exchange.verdict_ref is not None else ""
        how = "" if place else " (inferred)"
        yield Note(exchange.verdict_ns, NoteKind.VERDICT, f"✗ {who}{how}", place)


def _deletes(peer: PeerView, naming: Naming) -> Iterator[Step]:
    for delete in peer.deletes:
        said = delete_words(delete)
        again = f", sent {delete.transmissions} ×" if delete.transmissions > 1 else ""
        of = words.DELETE_OF[delete.protocol].partition(" (")[0]
        label = f"Delete of {of}{again}{bracketed(delete.confidence)}"
        from_local = is_side(delete.sender, peer.local, peer)
        place = naming.place(delete.ref)
        yield Arrow(delete.at_ns, from_local, label, Manner.DELETE, place, said, sign=Sign.DELETE)
        if delete.answer is not None:
            answer = delete_answer_words(delete)
            place = naming.place(delete.answer.ref)
            yield Arrow(delete.answer.at_ns, not from_local, answer, Manner.GOOD, place, answer)
    for lost in peer.lost_deletes:
        said = lost_delete_words(lost)
        from_local = is_side(lost.sender, peer.local, peer)
        place = naming.place(lost.ref)
        yield Arrow(lost.at_ns, from_local, said, Manner.LOST, place, said, reach=Reach.LOST)


def _notes(peer: PeerView, naming: Naming) -> Iterator[Step]:
    there = arriving(peer)
    for hole in peer.black_holes:
        if hole.max_seconds <= 0:
            continue
        way = "→" if is_side(broken_way(hole, there)[0], peer.local, peer) else "←"
        loss = "nothing comes back" if hole.id in there else f"packets {POSSIBLY}"
        start = f"black hole {way}: from here on {loss}"
        yield Note(exposed_ns(hole), NoteKind.HOLE, start)
        certain_ns = hole.stop_ns - nanoseconds(hole.min_seconds)
        end = f"black hole {way} {words.stop(hole)}".rstrip()
        kind = NoteKind.BACK if hole.recovered_ns == hole.stop_ns else NoteKind.HOLE
        if (
            certainly_in_vain_s(hole, there) > 0
            and certain_ns > exposed_ns(hole)
            and hole.first_probe_ns is None
        ):
            yield Note(certain_ns, NoteKind.HOLE, f"black hole {way}: certain from here on")
        yield Note(hole.stop_ns, kind, end)
        if hole.recovered_ns is not None and hole.recovered_ns != hole.stop_ns:
            yield Note(hole.recovered_ns, NoteKind.BACK, "reached again")


def _half_hidden(peer: PeerView, naming: Naming) -> Iterator[Step]:
    """The messages that a filter leaves of exchanges that it hides, as what they were."""
    left = {naming.place(message.ref) for message in peer.messages}
    for exchange in half_hidden(peer):
        for step in _exchange(peer, exchange, naming):
            if isinstance(step, Arrow) and step.place in left:
                yield step


def _others(peer: PeerView, naming: Naming) -> list[Step]:
    """Messages that belong to no exchange and are no Delete."""
    told: set[Ref] = set()
    for exchange in (*peer.exchanges, *half_hidden(peer)):
        for sent in (*exchange.transmissions, *exchange.answers):
            told.update((sent.ref, *sent.seen))
    told.update(ref for delete in peer.deletes for ref in delete.refs)
    return [
        Arrow(
            message.at_ns,
            is_side(message.src, peer.local, peer),
            message_word(message),
            Manner.PLAIN,
            naming.place(message.ref),
            f"{message_word(message)}, {message.length:,} bytes",
        )
        for message in peer.messages
        if message.ref not in told
    ]


def _without_long_runs(ordered: Sequence[Step], plain: set[int]) -> list[Step]:
    """Long rows of plain messages lose their middle."""
    kept: list[Step] = []
    run: list[Step] = []
    for step in [*ordered, None]:
        if step is not None and id(step) in plain:
            run.append(step)
            continue
        if len(run) > MESSAGES_IN_A_ROW + 2:
            edge = MESSAGES_IN_A_ROW // 2
            middle = run[edge:-edge]
            label = counted(len(middle), "more message")
            kept += [*run[:edge], Fold(middle[0].at_ns, middle[-1].at_ns, label), *run[-edge:]]
        else:
            kept += run
        run = []
        if step is not None:
            kept.append(step)
    return kept


def _with_folds(ordered: Sequence[Step], hidden: Sequence[Exchange]) -> list[Step]:
    """Exchanges that are not drawn, one fold for each row of them."""
    if not hidden:
        return list(ordered)
    result: list[Step] = []
    left = sorted(hidden, key=lambda exchange: exchange.first_ns)
    place = 0
    for step in [*ordered, None]:
        row: list[Exchange] = []
        while place < len(left) and (step is None or left[place].first_ns <= step.at_ns):
            row.append(left[place])
            place += 1
        if row:
            result.append(_fold(row))
        if step is not None:
            result.append(step)
    return result


def _fold(row: Sequence[Exchange]) -> Fold:
    good = [x for x in row if x.outcome is Outcome.ANSWERED]
    what = "answered exchange" if len(good) == len(row) else "exchange"
    label = counted(len(row), what)
    spread = rtt_range(good)
    if len(good) == len(row) and spread:
        label += f", RTT {spread}"
    elif len(good) < len(row):
        label += f", {len(row) - len(good):,} of them not answered"
    return Fold(row[0].first_ns, row[-1].last_ns, label)


def _bounded(ladder: list[Step]) -> list[Step]:
    if len(ladder) <= MOST_STEPS:
        return ladder
    first, last = MOST_STEPS * 2 // 3, MOST_STEPS // 3
    middle = ladder[first:-last]
    lasted = duration(middle[-1].at_ns - middle[0].at_ns)
    label = f"{counted(len(middle), 'more step')} in {lasted}"
    return [*ladder[:first], Fold(middle[0].at_ns, middle[-1].at_ns, label), *ladder[-last:]]
