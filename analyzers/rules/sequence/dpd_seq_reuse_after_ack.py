"""dpd-seq-reuse-after-ack: a number that was answered is asked with again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from msgspec import Struct

from analyzers.model.finding import Severity
from analyzers.model.observations import IkeMessage, MessageKind
from analyzers.model.records import Confidence
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.sequence.numbers import Stream, ahead, is_later, number, streams
from analyzers.rules.wording import few, sa_name, spoken_ns, times, weakest

# No product asks more often in vain (dpd-semantics section 3): beyond, answers arrived.
_MOST_TRIES: Final = 6
# Counters that one end keeps side by side: one for each Child SA.
_MOST_COUNTERS: Final = 16
# So many questions in a row may have been lost by the capture.
_LOST: Final = 16


class _Counter(Struct, eq=False):
    highest: IkeMessage


class _Reuse(NamedTuple):
    answer: IkeMessage
    again: IkeMessage
    certain: bool
    """The asker had the answer: the counter had gone on to later numbers, or its log says so."""


def _check(case: Case) -> Iterator[Found]:
    for stream in streams(case):
        reuses = _reuses(case, stream)
        if not reuses:
            continue
        proven = [reuse for reuse in reuses if reuse.certain]
        told = proven or reuses
        first = told[0]
        confidence = weakest([m.confidence for r in told for m in (r.answer, r.again)])
        severity = None
        why = ""
        if not proven and len(told) > _MOST_TRIES:
            confidence = weakest([confidence, Confidence.INFERRED])
            severity = Severity.WARNING
        elif not proven:
            confidence, severity = Confidence.SUSPECT, Severity.INFO
            why = " The answer may have been lost behind the place of the capture."
        count = f" It happened {times(len(told))}." if len(told) > 1 else ""
        yield Found(
            f"{stream.asker} asked with {number(first.again)} again on {sa_name(stream.sa)},"
            f" {spoken_ns(first.again.at_ns - first.answer.at_ns)} after that number was"
            f" answered, in a new message (0x{first.again.message_id:08x}).{count}{why}",
            few(m.ref for reuse in told for m in (reuse.answer, reuse.again)),
            severity=severity,
            confidence=confidence,
            at_ns=first.again.at_ns,
            end=stream.asker,
        )


def _reuses(case: Case, stream: Stream) -> list[_Reuse]:
    asked: dict[int, IkeMessage] = {}
    ids: set[tuple[int, int]] = set()
    answers: dict[int, IkeMessage] = {}
    counters: list[_Counter] = []
    counter_of: dict[int, _Counter] = {}
    found = []
    for message in stream.messages:
        value = number(message)
        if message.kind is MessageKind.R_U_THERE_ACK:
            if value in asked:
                answers.setdefault(value, message)
            continue
        answer = answers.get(value)
        is_new = (value, message.message_id) not in ids
        counter = counter_of.get(value)
        if answer is not None and counter is not None and is_new:
            passed = ahead(number(counter.highest), value) > 0
            if is_later(case, message, counter.highest if passed else answer):
                found.append(_Reuse(answer, message, passed or answer.arrived))
        ids.add((value, message.message_id))
        asked[value] = message
        if counter is None:
            counter_of[value] = _counted(counters, message)
    return found


def _counted(counters: list[_Counter], message: IkeMessage) -> _Counter:
    """The counter that a new number goes on, or begins; the latest ones stand last."""
    value = number(message)
    near = [c for c in counters if 0 < ahead(value, number(c.highest)) <= _LOST]
    counter = min(near, key=lambda c: ahead(value, number(c.highest)), default=None)
    if counter is None:
        counter = _Counter(message)
    else:
        counters.remove(counter)
        counter.highest = message
    counters[:] = [*counters[1 - _MOST_COUNTERS :], counter]
    return counter


RULE = PeerRule(
    id="dpd-seq-reuse-after-ack",
    severity=Severity.ERROR,
    title="An answered sequence number is asked with again",
    rationale=(
        "Numbers only go up; an old one is how a replay shows. A peer that tracks them drops the"
        " question, and one that does not can be kept believing in a peer that is gone."
    ),
    remedy=(
        "Find out who sent it (source address, link layer address, TTL of the packets): a device"
        " behind the SA has a defect, anybody else replays."
    ),
    source="RFC 3706 sections 6.2 and 7",
    needs=(Needs.KEYS, Needs.LOG),
    traps=(
        "the same datagram, duplicated by the network: same message ID and bytes",
        "the answer was captured but lost afterwards: the retry is right to repeat the number",
        "a retry that crossed its answer on the way",
        "counters side by side, one for each Child SA",
    ),
    check=_check,
)
