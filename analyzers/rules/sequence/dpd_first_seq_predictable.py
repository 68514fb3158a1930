"""dpd-first-seq-predictable: SA after SA an end begins to count where anybody can guess."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzers.model.finding import Severity
from analyzers.model.records import Confidence
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.sequence.numbers import Stream, askers, number
from analyzers.rules.wording import few, times, weakest

# Chance gives 0 or 1 once in 2048 SAs where only 12 bits are random; hardly ever twice.
_GUESSED_FIRST: Final = 1
_SAME: Final = 3


def _check(case: Case) -> Iterator[Found]:
    for asker, streams in askers(case):
        low = [s for s in streams if number(s.questions[0]) <= _GUESSED_FIRST]
        run = low or _same([s for s in streams if s.born])
        if not run:
            continue
        firsts = [s.questions[0] for s in run]
        told = sorted({number(m) for m in firsts})
        values = " or ".join(str(value) for value in told)
        how_often = "the one IKE SA seen" if len(streams) == 1 else f"{times(len(run))}"
        alone = Confidence.INFERRED if len(run) == 1 else Confidence.CERTAIN
        yield Found(
            f"{asker} began to count at {values}: {how_often}"
            + ("." if len(streams) == 1 else f" in {len(streams)} IKE SAs."),
            few(m.ref for m in firsts),
            confidence=weakest([alone, *(m.confidence for m in firsts)]),
            at_ns=firsts[0].at_ns,
            end=asker,
        )


def _same(streams: list[Stream]) -> list[Stream]:
    """The longest run of SAs that begin with the same number, if that is no chance."""
    best: list[Stream] = []
    run: list[Stream] = []
    for stream in streams:
        if run and number(run[-1].questions[0]) != number(stream.questions[0]):
            run = []
        run.append(stream)
        best = max(best, list(run), key=len)
    return best if len(best) >= _SAME else []


RULE = PeerRule(
    id="dpd-first-seq-predictable",
    severity=Severity.INFO,
    title="The first sequence number can be guessed",
    rationale=(
        "The number is to be random, so that an answer recorded on an older SA is of no use."
        " The messages are protected besides; alone this endangers nobody."
    ),
    remedy="None on the device; mention it to the vendor of the asking end.",
    source="RFC 3706 section 6.2",
    needs=(Needs.KEYS, Needs.LOG),
    traps=(
        "12 or 15 random bits are weak, but random: small first numbers that differ",
        "the same first number on two SAs only",
    ),
    check=_check,
)
