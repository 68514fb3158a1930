"""What devices themselves say of acknowledgements that do not fit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from analyzers.model.observations import MessageKind
from analyzers.model.peer import Hint
from analyzers.rules.case import Case


class Words(Struct, frozen=True):
    """One line of a log about an acknowledgement; the sender of the hint wrote it."""

    hint: Hint
    number: int
    expected: int | None


# Of the last acknowledgement or question: charon says the same of both.
_CHARON: Final = re.compile(
    r"received invalid DPD sequence number (?P<number>\d{1,10}) \(expected (?P<expected>\d{1,10})\)"
)
_WRONG: Final = (
    re.compile(
        r"DPD: R_U_THERE_ACK has unexpected sequence number (?P<number>\d{1,10})"
        r" \(expected was (?P<expected>\d{1,10})\)"
    ),
    re.compile(
        r"Wrong DPD sequence number \((?P<number>\d{1,10})(?:, |; last_ack=\d{1,10}, seq=)"
        r"(?P<expected>\d{1,10})"
    ),
    re.compile(
        r"Received DPD sequence number (?P<number>\d{1,10}) in DPD R-U-THERE-ACK,"
        r" expected seq # ?(?P<expected>\d{1,10})"
    ),
)
_UNASKED: Final = re.compile(
    r"DPD: unexpected R_U_THERE_ACK packet with sequence number (?P<number>\d{1,10})"
)
_DPD: Final = frozenset({MessageKind.R_U_THERE, MessageKind.R_U_THERE_ACK})


def wrong(case: Case, prober: str) -> list[Words]:
    """Acknowledgements with a number that was not the expected one."""
    return [
        words
        for hint in case.peer.hints
        if hint.sender == prober
        for words in _read(case, hint)
        if words.number != words.expected
    ]


def unasked(case: Case, prober: str) -> list[Words]:
    """Acknowledgements that came when none was expected."""
    return [
        Words(hint, int(found["number"]), None)
        for hint in case.peer.hints
        if hint.sender == prober and (found := _UNASKED.search(hint.text))
    ]


def _read(case: Case, hint: Hint) -> Iterator[Words]:
    found = _CHARON.search(hint.text)
    if found is not None and not _follows_ack(case, hint):
        return
    if found is None:
        found = next((m for pattern in _WRONG if (m := pattern.search(hint.text))), None)
    if found is not None:
        yield Words(hint, int(found["number"]), int(found["expected"]))


def _follows_ack(case: Case, hint: Hint) -> bool:
    """Whether the last DPD message before a line of a log is an acknowledgement."""
    last: tuple[int, MessageKind] | None = None
    for message in case.peer.messages:
        if message.kind not in _DPD or not message.arrived:
            continue
        for ref in (message.ref, *message.seen):
            before = ref.source == hint.ref.source and ref.record <= hint.ref.record
            if before and (last is None or ref.record >= last[0]):
                last = ref.record, message.kind
    return last is not None and last[1] is MessageKind.R_U_THERE_ACK
