"""Problems as they become known: each once, again where there is more, taken back at the end."""

from __future__ import annotations

from analyzers.model.records import Problem, ProblemKind, SourceInfo
from analyzers.session.live_problems import ProblemLog, ToldProblem

SECOND = 1_000_000_000
DROPPED = Problem(ProblemKind.PACKETS_DROPPED, "packets were dropped while capturing")
SHORT = Problem(ProblemKind.SNAPLEN_SHORT, "cut")


def source() -> SourceInfo:
    return SourceInfo(id="s1", path="eth0", kind="capture", format="pcapng")


def told(
    log: ProblemLog, info: SourceInfo, at_s: float, *, last: bool = False
) -> list[ToldProblem]:
    return list(log.take([info], int(at_s * SECOND), last=last))


def test_each_is_told_once() -> None:
    log, info = ProblemLog(), source()
    assert told(log, info, 0) == []
    info.note(SHORT)
    assert told(log, info, 1) == [ToldProblem("s1", None, SHORT, 0)]
    info.note(DROPPED)
    assert told(log, info, 1.1) == [ToldProblem("s1", None, DROPPED, 0)]
    assert told(log, info, 60) == []


def test_what_goes_on_is_told_every_few_seconds_and_at_the_end() -> None:
    log, info = ProblemLog(), source()
    counts = []
    for tenth in range(100):
        info.note(DROPPED)
        counts += [each.problem.count for each in told(log, info, tenth / 10)]
    assert counts == [1, 51]
    (end,) = told(log, info, 10, last=True)
    assert (end.problem.count, end.revision) == (100, 2)
    assert told(log, info, 11, last=True) == []


def test_what_was_none_is_taken_back_at_the_end() -> None:
    log, info = ProblemLog(), source()
    info.note(SHORT)
    assert len(told(log, info, 0)) == 1
    assert told(log, source(), 1) == []
    assert told(log, source(), 2, last=True) == [ToldProblem("s1", None, SHORT, 1, retracted=True)]
