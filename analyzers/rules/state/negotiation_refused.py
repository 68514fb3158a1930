"""negotiation-refused: the other end answers, and does not set the SA up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from analyzers.model.finding import Severity
from analyzers.model.observations import EXCHANGE_NAMES, IkeMessage, MessageKind
from analyzers.model.records import Basis, Confidence
from analyzers.model.sa import IkeSa
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.wording import few, spoken_ns, times, weakest
from analyzers.wire import ikev1, ikev2

_ANSWERS: Final = frozenset({MessageKind.SA_INIT, MessageKind.AUTH})
_PAYLOAD_NOTIFY: Final = 41
# Both versions: error types are below, status types from here on.
_FIRST_STATUS: Final = {1: 8192, 2: 16384}
# IKEv1, about packets of SAs that are up: INVALID-COOKIE and INVALID-SPI.
_HINTS: Final = frozenset({4, 11})
_INVALID_KE, _COOKIE = 17, 16390
_STEPS: Final = {
    _COOKIE: "a cookie (RFC 7296 section 2.6: many were beginning)",
    _INVALID_KE: "another Diffie-Hellman group",
}
"""What an IKE_SA_INIT is answered with that is only to be sent anew."""
_REMEDIES: Final = {
    14: "Compare the proposals of both ends: ciphers, integrity, PRF and group.",
    24: "Compare the identities, and the pre-shared keys or certificates, of both ends.",
}
_UNREAD: Final = (
    "Look for the name of the notify in the log of either end (AUTHENTICATION_FAILED: identities,"
    " keys and certificates; NO_PROPOSAL_CHOSEN: proposals), or open it with --keys."
)
_ASK: Final = "The log of the end that refuses says why."


class _Refusal(Struct, frozen=True):
    sa: IkeSa
    message: IkeMessage
    notify: int | None
    """None: nobody can read it."""

    @property
    def name(self) -> str:
        if self.notify is None:
            return ""
        named = ikev1.notify_name if self.message.version == 1 else ikev2.notify_name
        return named(self.notify)

    @property
    def confidence(self) -> Confidence:
        """Only what keys have opened is sure to be of the peer, and to be a refusal."""
        opened = self.message.basis is Basis.DECRYPTED
        return weakest([self.message.confidence, *([] if opened else [Confidence.INFERRED])])


def _check(case: Case) -> Iterator[Found]:
    alike: dict[tuple[str, MessageKind, int | None], list[_Refusal]] = {}
    for sa in case.peer.ike_sas:
        if sa.established_ns is not None:
            continue
        for message in case.packets.get(sa.id, ()):
            refusal = _refusal(sa, message)
            if refusal is not None:
                key = message.src, message.kind, refusal.notify
                alike.setdefault(key, []).append(refusal)
                break
    for refusals in alike.values():
        yield _found(case, refusals)


def _refusal(sa: IkeSa, message: IkeMessage) -> _Refusal | None:
    errors = [n.type for n in message.notifies if n.type < _FIRST_STATUS[message.version]]
    if message.version == 1:
        errors = [error for error in errors if error not in _HINTS]
        refuses = message.kind is MessageKind.NOTIFY and not message.encrypted and bool(errors)
    else:
        errors = [error for error in errors if error != _INVALID_KE or message.encrypted]
        is_answer = message.is_response and message.kind in _ANSWERS
        unread = message.sk_next_payload == _PAYLOAD_NOTIFY and message.basis is Basis.HEADER
        refuses = is_answer and (bool(errors) or unread)
    return _Refusal(sa, message, errors[0] if errors else None) if refuses else None


def _found(case: Case, refusals: list[_Refusal]) -> Found:
    first, last = refusals[0], refusals[-1]
    message = first.message
    what = EXCHANGE_NAMES.get(message.kind, "phase 1")
    said = f"{message.src} refused {what} of {message.dst} with {first.name}"
    if first.notify is None:
        said = (
            f"{message.src} answered {what} of {message.dst} with a notify where its identity"
            " belongs, which nobody can read without keys: a refusal"
        )
    if len(refusals) > 1:
        said += f", {times(len(refusals))}"
        if case.timed:
            said += f" within {spoken_ns(last.message.at_ns - message.at_ns)}"
    said += ". It is there, and reached."
    steps = _steps(case, first)
    if steps:
        said += f" Before, it had asked for {' and '.join(steps)}."
    if not message.encrypted:
        said += " The notify is unprotected: anybody on the way may have sent it."
    remedy = _UNREAD if first.notify is None else _REMEDIES.get(first.notify, "")
    return Found(
        said,
        few(refusal.message.ref for refusal in refusals),
        title=f"{what[0].upper()}{what[1:]} is refused",
        remedy=f"{remedy} {_ASK}".lstrip(),
        confidence=weakest(refusal.confidence for refusal in refusals),
        at_ns=message.at_ns if case.timed else None,
        end=message.dst,
    )


def _steps(case: Case, refusal: _Refusal) -> list[str]:
    """What the end that refuses had asked for in answer to IKE_SA_INIT."""
    asked = [
        _STEPS[notify.type]
        for message in case.packets.get(refusal.sa.id, ())
        if message.kind is MessageKind.SA_INIT and message.is_response
        for notify in message.notifies
        if notify.type in _STEPS and refusal.message.version == 2
    ]
    return list(dict.fromkeys(asked))


RULE: Final = PeerRule(
    id="negotiation-refused",
    severity=Severity.WARNING,
    title="The peer refuses to set up an SA",
    rationale=(
        "A refusal is an answer: both ends reach each other, and what keeps the tunnel down is"
        " their configuration. Liveness is not asked on an SA that never was."
    ),
    remedy=f"Compare identities, keys and proposals of both ends. {_ASK}",
    source="RFC 7296 sections 2.6, 2.21.1, 2.21.2 and 3.10.1; RFC 2408 section 3.14.1",
    needs=(Needs.CAPTURE, Needs.KEYS),
    traps=(
        "a cookie or another group is asked for: IKE_SA_INIT is sent anew, and goes on",
        "the SA comes up all the same",
        "without keys an IKE_AUTH with a notify first is not certain to refuse",
        "an unprotected notify may be of anybody",
        "INVALID-SPI and INVALID-COOKIE are about packets of SAs that were up",
    ),
    check=_check,
)
