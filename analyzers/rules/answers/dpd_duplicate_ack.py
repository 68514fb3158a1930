"""dpd-duplicate-ack: the same number acknowledged more than once."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.model.finding import Severity
from analyzers.rules.answers.acks import AckKind, acknowledged
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.wording import few, sa_name, times, weakest


def _check(case: Case) -> Iterator[Found]:
    for stream in acknowledged(case):
        found = stream.of(AckKind.AGAIN)
        if not found:
            continue
        first = found[0]
        numbers = {ack.message.dpd_sequence for ack in found}
        more = f" {len(numbers):,} numbers in all." if len(numbers) > 1 else ""
        yield Found(
            f"{stream.responder} acknowledged {first.message.dpd_sequence} again on"
            f" {sa_name(stream.sa)}; {stream.prober} had sent that question {times(first.asked)}."
            f"{more}",
            few(ack.message.ref for ack in found),
            confidence=weakest(ack.message.confidence for ack in found),
            at_ns=first.message.at_ns,
            end=stream.responder,
        )


RULE = PeerRule(
    id="dpd-duplicate-ack",
    severity=Severity.INFO,
    title="A number was acknowledged more than once",
    rationale=(
        "An end that answers every retry acknowledges the same number several times: harmless, but"
        " it shows that retries crossed their answers. More answers than questions show a fault."
    ),
    remedy="Where it happens often, allow more time before the first retry.",
    source="RFC 3706 section 6.1",
    needs=(Needs.KEYS, Needs.LOG),
    traps=(
        "the same packet carried, or captured, twice",
        "the same acknowledgement in two logs, or in a log and a capture",
    ),
    check=_check,
)
