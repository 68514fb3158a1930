"""The numbers that one end counts its questions with, on one IKEv1 SA (RFC 3706 section 6.2)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import pairwise
from statistics import median
from typing import Final

from msgspec import Struct

from analyzers.model.observations import IkeMessage, MessageKind
from analyzers.model.records import Confidence
from analyzers.model.sa import IkeSa
from analyzers.model.time import nanoseconds, seconds
from analyzers.rules.case import Case
from analyzers.rules.once import once

HIGH_BIT: Final = 1 << 31
_NUMBERS: Final = 1 << 32
# A first number this close behind the last one of another SA goes on from it.
_NEAR: Final = 1000
# The fastest retries in use are Libreswan's (dpd-semantics section 3.6).
_FASTEST_S: Final = 0.5
# A rhythm is told from this many gaps, alike within this share of their median.
_RHYTHM_GAPS: Final = 3
_ALIKE_SHARE: Final = 0.2


class Stream(Struct, frozen=True, dict=True):
    """Questions of one end and what answered them, as one input shows them.

    Inputs are kept apart: their clocks need not be one.
    """

    sa: IkeSa
    asker: str
    messages: tuple[IkeMessage, ...]
    """In the order of time; each message once, however often the network carried it."""
    born: bool
    """The input shows the SA's beginning."""

    @cached_property
    def questions(self) -> list[IkeMessage]:
        """The R-U-THEREs; a stream has one at least."""
        return [m for m in self.messages if m.kind is MessageKind.R_U_THERE]

    @cached_property
    def steady_s(self) -> float | None:
        """The distance that its questions keep; None where they keep none."""
        times = [m.at_ns for m in self.questions]
        gaps = [seconds(after - before) for before, after in pairwise(times)]
        if len(gaps) < _RHYTHM_GAPS:
            return None
        middle = median(gaps)
        return middle if all(abs(g - middle) <= _ALIKE_SHARE * middle for g in gaps) else None


@once
def streams(case: Case) -> tuple[Stream, ...]:
    """All streams of a peer with at least one question whose number is known."""
    return tuple(_streams(case))


def _streams(case: Case) -> Iterator[Stream]:
    for sa in case.peer.ike_sas:
        if sa.ike_version != 1:
            continue
        told = _by_source(case, sa)
        for asker in case.ends:
            for source, messages in told[case.is_local(asker)].items():
                if any(m.kind is MessageKind.R_U_THERE for m in messages):
                    yield Stream(sa, asker, tuple(messages), _shows_birth(case, sa, source))


def _by_source(case: Case, sa: IkeSa) -> dict[bool, dict[str, list[IkeMessage]]]:
    """Questions and answers by whether the local end asks, and by input."""
    found: dict[bool, dict[str, list[IkeMessage]]] = {
        True: defaultdict(list),
        False: defaultdict(list),
    }
    seen: dict[bool, set[bytes]] = {True: set(), False: set()}
    for message in case.messages.get(sa.id, ()):
        if message.dpd_sequence is None or not is_believed(message):
            continue
        asks = message.kind is MessageKind.R_U_THERE
        sender = message.src if asks else message.dst
        local = case.is_local(sender)
        if message.fingerprint not in seen[local]:
            seen[local].add(message.fingerprint)
            found[local][message.ref.source].append(message)
    return found


def is_believed(message: IkeMessage) -> bool:
    """Protected, and opened with a key that is known to fit."""
    trusted = message.confidence is not Confidence.SUSPECT
    return message.encrypted and trusted and message.integrity_ok is not False


def _shows_birth(case: Case, sa: IkeSa, source: str) -> bool:
    """Whether an input shows phase 1 from its start, or its end."""
    if sa.established_ns is None:
        return False
    first = next((m for m in case.messages[sa.id] if m.ref.source == source), None)
    return first is not None and (not first.encrypted or first.at_ns >= sa.established_ns)


def number(message: IkeMessage) -> int:
    """The number of a message of a stream."""
    return message.dpd_sequence or 0


def ahead(later: int, earlier: int) -> int:
    """How far one number is ahead of another, modulo 2^32; negative if it is behind."""
    step = (later - earlier) % _NUMBERS
    return step if step < HIGH_BIT else step - _NUMBERS


def goes_on(later: int, earlier: int) -> bool:
    """Whether a counter of one SA goes on in the next one."""
    return 0 <= ahead(later, earlier) <= _NEAR


@once
def askers(case: Case) -> tuple[tuple[str, list[Stream]], ...]:
    """Each end that asked, with one stream for each of its SAs: that which shows most."""
    return tuple(_askers(case))


def _askers(case: Case) -> Iterator[tuple[str, list[Stream]]]:
    every = sorted(streams(case), key=lambda stream: len(stream.messages))
    for end in case.ends:
        fullest = {stream.sa.id: stream for stream in every if stream.asker == end}
        own = [fullest[sa.id] for sa in case.peer.ike_sas if sa.id in fullest]
        if own:
            yield end, own


def may_be_unseen(
    case: Case, stream: Stream, skipped: Iterable[int], ends: tuple[IkeMessage, IkeMessage]
) -> bool:
    """Whether the numbers between two questions may have been used where no input looked.

    They were if another input shows one; they may have been if so many questions fit in.
    """
    before, after = ends
    wanted = set(skipped)
    if any(m.dpd_sequence in wanted for m in case.messages[stream.sa.id]):
        return True
    time_s = seconds(after.at_ns - before.at_ns)
    if time_s < _FASTEST_S * len(wanted):
        return False
    every_s = stream.steady_s
    expected = case.expected(stream.asker, 1)
    if every_s is None and expected is not None and expected.stated:
        every_s = expected.policy.interval_s
    if every_s is None:
        return True
    return time_s > every_s + case.thresholds.interval_tolerance(every_s)


def is_later(case: Case, later: IkeMessage, earlier: IkeMessage) -> bool:
    """Whether the network cannot have swapped two messages."""
    return later.at_ns - earlier.at_ns > nanoseconds(case.thresholds.replay_s)
