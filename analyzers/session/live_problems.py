"""Problems of a session that goes on: each as it becomes known, and again where there is more.

While it goes on those of the inputs are told; what is wrong with a peer only its end tells.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from msgspec import Struct

from analyzers.model.peer import PeerView
from analyzers.model.records import Problem, ProblemKind, SourceInfo
from analyzers.model.time import NS_PER_SECOND

# What goes on is told again after so long.
_AGAIN_NS: Final = 5 * NS_PER_SECOND
_Key = tuple[str | None, str | None, ProblemKind, int]
"""Its source or its peer, and which of its kind it is: what it says may grow."""


class ToldProblem(NamedTuple):
    """A problem that is new or has changed, and how often it was told before."""

    source: str | None
    peer: str | None
    problem: Problem
    revision: int
    retracted: bool = False


class _Told(Struct):
    problem: Problem
    revision: int
    told_ns: int


class ProblemLog:
    """Compares problems with what was told before."""

    def __init__(self) -> None:
        self._told: dict[_Key, _Told] = {}

    def take(
        self,
        sources: Sequence[SourceInfo],
        now_ns: int,
        peers: Sequence[PeerView] = (),
        *,
        last: bool = False,
    ) -> Iterator[ToldProblem]:
        """What is new by now; `last`: nothing is told later, and what is not there never was."""
        present: set[_Key] = set()
        for owner, problem in _all(sources, peers):
            present.add(owner)
            known = self._told.get(owner)
            if known is None:
                self._told[owner] = known = _Told(problem, 0, now_ns)
            elif known.problem != problem and (last or now_ns - known.told_ns >= _AGAIN_NS):
                known.problem, known.revision, known.told_ns = problem, known.revision + 1, now_ns
            else:
                continue
            yield ToldProblem(*owner[:2], problem, known.revision)
        for owner in [owner for owner in self._told if last and owner not in present]:
            known = self._told.pop(owner)
            yield ToldProblem(*owner[:2], known.problem, known.revision + 1, retracted=True)


def _all(
    sources: Iterable[SourceInfo], peers: Iterable[PeerView]
) -> Iterator[tuple[_Key, Problem]]:
    for info in sources:
        yield from _numbered(info.id, None, info.problems)
    for peer in peers:
        yield from _numbered(None, peer.id, peer.problems)


def _numbered(
    source: str | None, peer: str | None, problems: Iterable[Problem]
) -> Iterator[tuple[_Key, Problem]]:
    before: Counter[ProblemKind] = Counter()
    for problem in problems:
        yield (source, peer, problem.kind, before[problem.kind]), problem
        before[problem.kind] += 1
