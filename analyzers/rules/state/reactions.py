"""What a side does after an unprotected hint."""

from __future__ import annotations

from analyzers.model.observations import IkeMessage, MessageKind
from analyzers.rules.case import Case
from analyzers.rules.state.hints import Unprotected, negotiations

_NO_QUESTION = frozenset({MessageKind.DELETE, MessageKind.FRAGMENT, MessageKind.R_U_THERE_ACK})


def asked(case: Case, hint: Unprotected, until_ns: int) -> bool:
    """Whether the receiver of a hint asked its peer anything on the SA, from then on or before.

    Any request tests liveness (RFC 7296 section 2.4); one that was open when the hint came does.
    """
    own = [x for x in case.exchanges_of.get(hint.sa.id, ()) if x.prober == hint.receiver]
    last = next((x for x in reversed(own) if x.first_ns <= until_ns), None)
    if last is not None and (last.answer is None or last.answer.at_ns >= hint.at_ns):
        return True
    return any(
        _is_request(message)
        and message.src == hint.receiver
        and hint.at_ns <= message.at_ns <= until_ns
        for message in case.messages.get(hint.sa.id, ())
    )


def starts_over(case: Case, hint: Unprotected, until_ns: int) -> bool:
    """Whether the receiver negotiated a new IKE SA."""
    return any(
        sa.initiator == hint.receiver and hint.at_ns <= sa.first_ns <= until_ns
        for sa in negotiations(case)
    )


def _is_request(message: IkeMessage) -> bool:
    # Without keys an IKEv1 Informational may be a question.
    return message.encrypted and not message.is_response and message.kind not in _NO_QUESTION
