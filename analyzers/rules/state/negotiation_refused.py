"""negotiation-refused: the other end answers, and does not set the SA up."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from analyzers.model.finding import Severity
from analyzers.model.observations import EXCHANGE_NAMES, IkeMessage, MessageKind
from analyzers.model.peer import HintKind
from analyzers.model.records import Basis, Confidence, Ref
from analyzers.model.sa import IkeSa
from analyzers.model.time import NS_PER_SECOND
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
# A router says of one refusal in the debug and in its syslog.
_TOGETHER_NS: Final = 2 * NS_PER_SECOND
_INVALID_KE, _COOKIE = 17, 16390
_STEPS: Final = {
    _COOKIE: "a cookie (RFC 7296 section 2.6: many were beginning)",
    _INVALID_KE: "another Diffie-Hellman group",
}
"""What an IKE_SA_INIT is answered with that is only to be sent anew."""
_PROPOSALS: Final = "Compare the proposals of both ends: ciphers, integrity, PRF and group."
_PROTECTED: Final = "Compare what both ends protect: traffic selectors, crypto ACLs, subnets."
_REMEDIES: Final = {
    "NO_PROPOSAL_CHOSEN": _PROPOSALS,
    "AUTHENTICATION_FAILED": (
        "Compare the identities, and the pre-shared keys or certificates, of both ends."
    ),
    "TS_UNACCEPTABLE": _PROTECTED,
    "INVALID_ID_INFORMATION": _PROTECTED,
}
_UNREAD: Final = (
    "Look for the name of the notify in the log of either end (AUTHENTICATION_FAILED: identities,"
    " keys and certificates; NO_PROPOSAL_CHOSEN: proposals), or open it with --keys."
)
_ASK: Final = "The log of the end that refuses says why."
_COMPARE: Final = f"Compare identities, keys and proposals of both ends. {_ASK}"
_NOTIFY: Final = re.compile(r"[A-Z]+(?:[_-][A-Z]+)+|\d+")
"""The name of a notify, or its number where that has none; logs may have words instead."""


class _Refusal(Struct, frozen=True):
    at_ns: int
    last_ns: int
    times: int
    ref: Ref
    sender: str
    what: str
    why: str
    """The notify, or what a log says instead; empty: nobody can read it."""
    confidence: Confidence
    unprotected: bool
    steps: tuple[str, ...] = ()
    """What else was asked for in answer to IKE_SA_INIT before."""

    @property
    def is_named(self) -> bool:
        """Whether the notify is known."""
        return _NOTIFY.fullmatch(self.why) is not None


def _check(case: Case) -> Iterator[Found]:
    alike: dict[tuple[str, str, str], list[_Refusal]] = {}
    for refusal in (*_captured(case), *_logged(case)):
        alike.setdefault((refusal.sender, refusal.what, refusal.why), []).append(refusal)
    named = [refusals[0] for refusals in alike.values() if refusals[0].is_named]
    for refusals in alike.values():
        first = refusals[0]
        known = any(other.sender == first.sender and _is_of(other, first) for other in named)
        if first.is_named or not known:
            yield _found(case, refusals)


def _is_of(named: _Refusal, other: _Refusal) -> bool:
    """Whether a refusal that has a name is one that has none, as another input shows it."""
    return abs(named.at_ns - other.at_ns) <= _TOGETHER_NS or named.what == other.what


def _captured(case: Case) -> Iterator[_Refusal]:
    """The first refusal of each attempt that packets show."""
    for sa in case.peer.ike_sas:
        if sa.established_ns is not None:
            continue
        for message in case.packets.get(sa.id, ()):
            refusal = _refusal(case, sa, message)
            if refusal is not None:
                yield refusal
                break


def _logged(case: Case) -> Iterator[_Refusal]:
    for hint in case.peer.hints:
        if hint.kind is HintKind.REFUSED:
            named = _NOTIFY.fullmatch(hint.reason) is not None and not hint.unprotected
            yield _Refusal(
                hint.at_ns,
                hint.last_ns,
                hint.times,
                hint.ref,
                hint.sender,
                hint.refused,
                hint.reason,
                Confidence.CERTAIN if named else Confidence.INFERRED,
                hint.unprotected,
            )


def _refusal(case: Case, sa: IkeSa, message: IkeMessage) -> _Refusal | None:
    errors = [n.type for n in message.notifies if n.type < _FIRST_STATUS[message.version]]
    if message.version == 1:
        errors = [error for error in errors if error not in _HINTS]
        refuses = message.kind is MessageKind.NOTIFY and not message.encrypted and bool(errors)
    else:
        errors = [error for error in errors if error != _INVALID_KE or message.encrypted]
        is_answer = message.is_response and message.kind in _ANSWERS
        unread = message.sk_next_payload == _PAYLOAD_NOTIFY and message.basis is Basis.HEADER
        refuses = is_answer and (bool(errors) or unread)
    if not refuses:
        return None
    name = ikev1.notify_name if message.version == 1 else ikev2.notify_name
    # Only what keys have opened is sure to be of the peer, and to be a refusal.
    opened = message.basis is Basis.DECRYPTED
    return _Refusal(
        message.at_ns,
        message.at_ns,
        1,
        message.ref,
        message.src,
        EXCHANGE_NAMES.get(message.kind, "phase 1"),
        name(errors[0]) if errors else "",
        weakest([message.confidence, *([] if opened else [Confidence.INFERRED])]),
        not message.encrypted,
        tuple(_steps(case, sa, message)),
    )


def _found(case: Case, refusals: list[_Refusal]) -> Found:
    first = refusals[0]
    other = case.other(first.sender)
    said = f"{first.sender} refused {first.what} of {other} with {first.why}"
    if not first.why:
        said = (
            f"{first.sender} answered {first.what} of {other} with a notify where its identity"
            " belongs, which nobody can read without keys: a refusal"
        )
    elif not first.is_named:
        said = f"{first.sender} refused {first.what} of {other}, as the log says ({first.why})"
    often = Counter[str]()
    for refusal in refusals:
        often[refusal.ref.source] += refusal.times
    # What several inputs tell of happened once.
    number = max(often.values())
    if number > 1:
        said += f", {times(number)}"
        if case.timed:
            said += f" within {spoken_ns(max(r.last_ns for r in refusals) - first.at_ns)}"
    said += ". It is there, and reached."
    if first.steps:
        said += f" Before, it had asked for {' and '.join(first.steps)}."
    if first.unprotected:
        said += " The notify is unprotected: anybody on the way may have sent it."
    return Found(
        said,
        few(refusal.ref for refusal in refusals),
        title=f"{first.what[0].upper()}{first.what[1:]} is refused",
        remedy=_remedy(first),
        confidence=weakest(refusal.confidence for refusal in refusals),
        at_ns=first.at_ns if case.timed else None,
        end=other,
    )


def _remedy(refusal: _Refusal) -> str:
    if not refusal.why:
        return f"{_UNREAD} {_ASK}"
    if not refusal.is_named:
        return _COMPARE
    return f"{_REMEDIES.get(refusal.why.replace('-', '_'), '')} {_ASK}".lstrip()


def _steps(case: Case, sa: IkeSa, refusal: IkeMessage) -> list[str]:
    """What the end that refuses had asked for in answer to IKE_SA_INIT."""
    asked = [
        _STEPS[notify.type]
        for message in case.packets.get(sa.id, ())
        if message.kind is MessageKind.SA_INIT and message.is_response
        for notify in message.notifies
        if notify.type in _STEPS and refusal.version == 2
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
    remedy=_COMPARE,
    source="RFC 7296 sections 2.6, 2.21.1, 2.21.2 and 3.10.1; RFC 2408 section 3.14.1",
    needs=(Needs.CAPTURE, Needs.KEYS, Needs.LOG),
    traps=(
        "a cookie or another group is asked for: IKE_SA_INIT is sent anew, and goes on",
        "the SA comes up all the same",
        "a log that asks for another group, or tells of a notify that refuses nothing",
        "without keys an IKE_AUTH with a notify first is not certain to refuse",
        "an unprotected notify may be of anybody",
        "INVALID-SPI and INVALID-COOKIE are about packets of SAs that were up",
    ),
    check=_check,
)
