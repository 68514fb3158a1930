"""dpd-unsolicited-ack: an acknowledgement that nobody asked for."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.model.finding import Severity
from analyzers.model.records import Basis, Confidence
from analyzers.rules.answers.acks import AckKind, Acks, acknowledged, asked_numbers
from analyzers.rules.answers.device_words import Words, unasked
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.wording import few, sa_name, times, weakest

_NAMED = 3


def _check(case: Case) -> Iterator[Found]:
    said = {prober: words for prober in case.ends if (words := _unasked(case, prober))}
    for prober, words in said.items():
        yield _said(prober, case.other(prober), words)
    for stream in acknowledged(case):
        if stream.prober not in said and stream.of(AckKind.UNASKED):
            yield _seen(stream)


def _unasked(case: Case, prober: str) -> list[Words]:
    """What its log calls unexpected, but for answers that come late or twice."""
    words = unasked(case, prober)
    asked = asked_numbers(case, prober) if words else set()
    return [w for w in words if w.number not in asked]


def _said(prober: str, responder: str, words: list[Words]) -> Found:
    return Found(
        f"The log of {prober} says {times(len(words))} that {responder} acknowledged what it had"
        f" not asked: {_listed([w.number for w in words])}.",
        few(w.hint.ref for w in words),
        at_ns=words[0].hint.at_ns,
        end=responder,
    )


def _seen(stream: Acks) -> Found:
    found = stream.of(AckKind.UNASKED)
    numbers = [ack.message.dpd_sequence or 0 for ack in found]
    logged = all(ack.message.basis is Basis.LOG for ack in found)
    floor = Confidence.CERTAIN if logged else Confidence.INFERRED
    return Found(
        f"{stream.responder} sent an R-U-THERE-ACK {times(len(found))} on {sa_name(stream.sa)}"
        f" although {stream.prober} waited for none: {_listed(numbers)}.",
        few(ack.message.ref for ack in found),
        confidence=weakest((floor, *(ack.message.confidence for ack in found))),
        at_ns=found[0].message.at_ns,
        end=stream.responder,
    )


def _listed(numbers: list[int]) -> str:
    more = len(numbers) - _NAMED
    shown = ", ".join(str(n) for n in numbers[:_NAMED])
    return f"number{'s' if len(numbers) > 1 else ''} {shown}" + (" …" if more > 0 else "")


RULE = PeerRule(
    id="dpd-unsolicited-ack",
    severity=Severity.WARNING,
    title="An acknowledgement came that nobody had asked for",
    rationale=(
        "Answers without a question are a fault of the peer, or an attempt to keep a gateway from"
        " noticing that its peer is dead. Cisco's documentation treats them as a security matter."
    ),
    remedy=(
        "Compare the logs of both ends: if the peer did not send them, somebody else did. If it"
        " did, update it."
    ),
    source="RFC 3706 section 6.1; ASA syslog messages; Openswan issue 312",
    needs=(Needs.KEYS, Needs.LOG),
    traps=(
        "the question was not captured: one direction is missing, or numbers leave room for it",
        "the capture begins between question and answer",
        "an answer that is carried or sent twice, or comes late",
        "without keys: nobody knows that it is an acknowledgement",
    ),
    check=_check,
)
