"""dpd-seq-not-plus-one: the numbers of questions do not count up by one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct, field

from analyzers.model.finding import Severity
from analyzers.model.observations import IkeMessage, MessageKind
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.sequence.numbers import (
    Stream,
    ahead,
    is_later,
    may_be_unseen,
    number,
    streams,
)
from analyzers.rules.wording import few, sa_name, spoken_ns, times, weakest

# Counters that one end keeps side by side: one for each Child SA.
_MOST_COUNTERS: Final = 16
# Numbers in between that are looked for one by one.
_LOOKED_FOR: Final = 1000


class _Counter(Struct):
    last: IkeMessage
    left: list[_Jump] = field(default_factory=list)
    """Jumps away from it: none of them counts once it goes on."""


class _Jump(Struct, eq=False):
    before: IkeMessage
    after: IkeMessage
    answered: bool
    counts: bool = True


def _check(case: Case) -> Iterator[Found]:
    for stream in streams(case):
        jumps = _jumps(case, stream)
        if not jumps:
            continue
        first = jumps[0]
        answered = "answered" if first.answered else "not answered"
        more = f"; it happened {times(len(jumps))}" if len(jumps) > 1 else ""
        yield Found(
            f"{stream.asker} went from {number(first.before)} ({answered}) to"
            f" {number(first.after)} on {sa_name(stream.sa)},"
            f" {spoken_ns(first.after.at_ns - first.before.at_ns)} later: a step of"
            f" {ahead(number(first.after), number(first.before)):+,} in place of +1{more}.",
            few(m.ref for jump in jumps for m in (jump.before, jump.after)),
            confidence=weakest(m.confidence for jump in jumps for m in (jump.before, jump.after)),
            at_ns=first.after.at_ns,
            end=stream.asker,
        )


def _jumps(case: Case, stream: Stream) -> list[_Jump]:
    counters: list[_Counter] = []
    found: list[_Jump] = []
    used: set[int] = set()
    answered: set[int] = set()
    for message in stream.messages:
        value = number(message)
        if message.kind is MessageKind.R_U_THERE_ACK:
            answered.add(value)
            continue
        going_on = next((c for c in counters if ahead(value, number(c.last)) in (0, 1)), None)
        if going_on is not None:
            for left in going_on.left:
                left.counts = False
            going_on.left.clear()
            going_on.last = message
            counters.remove(going_on)
            counters.append(going_on)
        elif value not in used:
            jump = _jump(case, stream, counters[-1], message, answered) if counters else None
            if jump is not None:
                counters[-1].left.append(jump)
                found.append(jump)
            counters = [*counters[1 - _MOST_COUNTERS :], _Counter(message)]
        used.add(value)
    return [jump for jump in found if jump.counts]


def _jump(
    case: Case, stream: Stream, counter: _Counter, message: IkeMessage, answered: set[int]
) -> _Jump | None:
    before = counter.last
    step = ahead(number(message), number(before))
    if step < 0:
        unseen = not is_later(case, message, before)
    elif step > _LOOKED_FOR:
        unseen = False
    else:
        skipped = range(number(before) + 1, number(before) + step)
        unseen = may_be_unseen(case, stream, skipped, (before, message))
    return None if unseen else _Jump(before, message, number(before) in answered)


RULE = PeerRule(
    id="dpd-seq-not-plus-one",
    severity=Severity.WARNING,
    title="Sequence numbers do not count up by one",
    rationale=(
        "A peer that tracks the numbers rejects a question whose number it does not expect, and"
        " the asker then declares a living peer dead."
    ),
    remedy=(
        "Look whether the questions with unexpected numbers are answered; if they are not, update"
        " the asking end, or let the other one ask instead."
    ),
    source="RFC 3706 section 6.2",
    needs=(Needs.KEYS, Needs.LOG),
    traps=(
        "questions that the input lost may have used the numbers in between",
        "a new IKE SA may begin anew",
        "counters side by side, one for each Child SA, each count up by one",
        "the same number in a retry is not this",
    ),
    check=_check,
)
