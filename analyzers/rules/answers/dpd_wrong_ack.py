"""dpd-wrong-ack: an acknowledgement of a number that is not outstanding."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.model.finding import Severity
from analyzers.rules.answers.acks import AckKind, Acks, acknowledged
from analyzers.rules.answers.device_words import Words, wrong
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.wording import few, sa_name, times, weakest


def _check(case: Case) -> Iterator[Found]:
    said = {prober: words for prober in case.ends if (words := wrong(case, prober))}
    for prober, words in said.items():
        yield _said(prober, case.other(prober), words)
    for stream in acknowledged(case):
        if stream.prober not in said and stream.of(AckKind.WRONG):
            yield _seen(stream)


def _said(prober: str, responder: str, words: list[Words]) -> Found:
    first = words[0]
    return Found(
        f"The log of {prober} says {times(len(words))} that {responder} acknowledged a number that"
        f" was not asked: {first.number}, where {first.expected} was expected.",
        few(w.hint.ref for w in words),
        at_ns=first.hint.at_ns,
        end=responder,
    )


def _seen(stream: Acks) -> Found:
    found = stream.of(AckKind.WRONG)
    first = found[0]
    asked = None if first.outstanding is None else first.outstanding.dpd_sequence
    more = "" if len(found) == 1 else f" It did so {times(len(found))}."
    return Found(
        f"{stream.responder} acknowledged {first.message.dpd_sequence} on {sa_name(stream.sa)},"
        f" while {stream.prober} had asked {asked} and waited for its answer.{more}",
        few(m.ref for ack in found for m in (ack.outstanding, ack.message) if m is not None),
        confidence=weakest(ack.message.confidence for ack in found),
        at_ns=first.message.at_ns,
        end=stream.responder,
    )


RULE = PeerRule(
    id="dpd-wrong-ack",
    severity=Severity.WARNING,
    title="An acknowledgement has the wrong number",
    rationale=(
        "The number is what ties an answer to its question. An answer with another one is dropped,"
        " and a living peer is given up when that goes on; or somebody replays old answers."
    ),
    remedy=(
        "Update the end that answers. Where two IKE SAs of one peer are up, clear them: answers may"
        " go by the wrong one."
    ),
    source="RFC 3706 sections 5.3 and 6.1",
    needs=(Needs.KEYS, Needs.LOG),
    traps=(
        "an earlier retry, where every retry has a number of its own (Libreswan, racoon)",
        "two IKE SAs of one peer during a rekey: the number was asked on the other",
        "the question was not captured: numbers before and after leave room for it",
        "strongSwan's log has the same words for questions with an odd number",
    ),
    check=_check,
)
