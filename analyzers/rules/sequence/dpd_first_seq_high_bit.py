"""dpd-first-seq-high-bit: the first number on a new IKE SA has its highest bit set."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.model.finding import Severity
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.sequence.numbers import HIGH_BIT, askers, goes_on, number
from analyzers.rules.wording import sa_name


def _check(case: Case) -> Iterator[Found]:
    for asker, streams in askers(case):
        last: int | None = None
        for stream in streams:
            first = stream.questions[0]
            is_first = stream.born and (last is None or not goes_on(number(first), last))
            last = number(stream.questions[-1])
            if not is_first or number(first) < HIGH_BIT:
                continue
            yield Found(
                f"{asker} began to count at {number(first)} (0x{number(first):08x}) on"
                f" {sa_name(stream.sa)}; the highest bit of the first number should be zero.",
                (stream.sa.refs[0], first.ref),
                confidence=first.confidence,
                at_ns=first.at_ns,
                end=asker,
            )


RULE = PeerRule(
    id="dpd-first-seq-high-bit",
    severity=Severity.WARNING,
    title="The first sequence number has its highest bit set",
    rationale=(
        "The bit is kept zero so that a number can be told from an older one for the life of the"
        " SA. A peer that starts above it may run past 2^32, and a peer that compares plainly"
        " then takes new questions for old ones."
    ),
    remedy="Report it to the vendor of the asking end; until then keep IKE lifetimes short.",
    source="RFC 3706 section 6.2",
    needs=(Needs.KEYS, Needs.LOG),
    traps=(
        "the input does not show the SA's beginning: the number need not be the first",
        "a counter that goes on from the SA before is not at its first number",
    ),
    check=_check,
)
