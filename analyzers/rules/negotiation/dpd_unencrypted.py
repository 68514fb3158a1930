"""dpd-unencrypted: an R-U-THERE, or its acknowledgement, that anybody could have written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from analyzers.model.finding import Severity
from analyzers.model.observations import IkeMessage, MessageKind
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.wording import few, times, weakest

_NAMES: Final = {MessageKind.R_U_THERE: "R-U-THERE", MessageKind.R_U_THERE_ACK: "R-U-THERE-ACK"}


def _check(case: Case) -> Iterator[Found]:
    for messages in case.messages.values():
        clear: dict[tuple[str, MessageKind], list[IkeMessage]] = defaultdict(list)
        for message in messages:
            if message.kind in _NAMES and not message.encrypted:
                clear[message.src, message.kind].append(message)
        for (sender, kind), found in clear.items():
            answers = _answers(messages, found) if kind is MessageKind.R_U_THERE else []
            yield Found(
                _detail(sender, kind, found, answers),
                few(m.ref for m in (*found[:10], *answers)),
                confidence=weakest(m.confidence for m in found),
                at_ns=found[0].at_ns,
            )


def _answers(messages: list[IkeMessage], questions: list[IkeMessage]) -> list[IkeMessage]:
    """Acknowledgements of their numbers: the other end took them for genuine."""
    asked = {q.dpd_sequence: q.at_ns for q in reversed(questions) if q.dpd_sequence is not None}
    return [
        m
        for m in messages
        if m.kind is MessageKind.R_U_THERE_ACK
        and m.src != questions[0].src
        and m.dpd_sequence in asked
        and m.at_ns >= asked[m.dpd_sequence]
    ]


def _detail(
    sender: str, kind: MessageKind, found: list[IkeMessage], answers: list[IkeMessage]
) -> str:
    said = (
        f"A {_NAMES[kind]} came in clear {times(len(found))}, with the source {sender}, which"
        " whoever wrote it could choose."
    )
    if answers:
        said += f" {answers[0].src} accepted it: it answered {times(len(answers))}."
    return said


RULE = PeerRule(
    id="dpd-unencrypted",
    severity=Severity.ERROR,
    title="A DPD message was not encrypted",
    rationale=(
        "Only what the IKE SA protects may be believed. A gateway that accepts DPD in clear can be"
        " kept from noticing a dead peer, or be made to work for strangers."
    ),
    remedy=(
        "Find who sends it: the source may be forged. The end that answers is to be updated; until"
        " then filter UDP 500 and 4500 to the addresses of known peers."
    ),
    source="RFC 3706 section 5.2",
    needs=(Needs.CAPTURE,),
    traps=("the sender may be forged: it is the message that is wrong, not the peer",),
    check=_check,
)
