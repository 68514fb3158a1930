"""clock-anomaly: times that run backwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

from analyzers.model.finding import Severity
from analyzers.model.records import ProblemKind
from analyzers.model.time import nanoseconds
from analyzers.rules.case import Case
from analyzers.rules.rule import Found, Needs
from analyzers.rules.run import Run, RunRule
from analyzers.rules.wording import few, spoken_ns, times, weakest


def _check(run: Run) -> Iterator[Found]:
    for source in run.sources:
        for problem in source.problems:
            if problem.kind is ProblemKind.TIME_BACKWARDS and problem.ref is not None:
                yield Found(
                    f"{PurePath(source.path).name}: the time runs backwards {times(problem.count)}"
                    f" ({problem.detail}). Intervals across such a place are wrong.",
                    (problem.ref,),
                )
    for case in run.cases:
        yield from _answered_before(case)


def _answered_before(case: Case) -> Iterator[Found]:
    """Answers that are stamped long before their questions: two clocks that disagree."""
    if not case.timed:
        return
    step_ns = nanoseconds(case.thresholds.clock_step_s)
    early = [
        x
        for x in case.peer.exchanges
        if x.answer is not None and x.first_ns - x.answer.at_ns > step_ns
    ]
    if not early:
        return
    first = early[0]
    answer = first.answer
    ahead_ns = 0 if answer is None else first.first_ns - answer.at_ns
    yield Found(
        f"The answer of {first.responder} is stamped {spoken_ns(ahead_ns)} before the question of"
        f" {first.prober}, {times(len(early))}: what stamped them had different clocks.",
        few(
            ref
            for x in early
            for ref in (x.transmissions[0].ref, *(() if x.answer is None else (x.answer.ref,)))
        ),
        confidence=weakest(x.confidence for x in early),
        peer=case.peer.id,
        at_ns=first.first_ns,
    )


RULE = RunRule(
    id="clock-anomaly",
    severity=Severity.INFO,
    title="The clock of an input is not steady",
    rationale=(
        "A clock that was set during the recording makes intervals, retries and windows longer or"
        " shorter than they were; what rests on them across that place may be wrong."
    ),
    remedy=(
        "Synchronise the recorder and the devices with NTP before recording, and look at what"
        " happens around the given places with care."
    ),
    source="RFC 5905 (NTP)",
    needs=(Needs.CAPTURE, Needs.LOG),
    traps=(
        "packets that change places by up to 0.1 s are no step",
        "a log that lists the newest line first runs backwards by design",
    ),
    check=_check,
)
