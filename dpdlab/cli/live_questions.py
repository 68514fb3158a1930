"""Questions that have no answer in time, told once, and again each time they are repeated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analyzers.model.peer import PeerView
from analyzers.model.records import Ref
from analyzers.session.expectations import Expectation, expectations

_Question = tuple[int, Ref | None]
"""When it was asked, and the line where only a log tells of it: stamps may be whole seconds."""


class QuestionNews:
    """Gives each of them when it is to be told."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str], tuple[_Question, int]] = {}
        self._found: dict[tuple[str, str], tuple[_Question, int]] = {}
        """When each began, and when a look first found it."""
        self.due_ns: int | None = None
        """When one that is held back now is to be told, in event time."""

    def take(
        self, peers: Sequence[PeerView], now_ns: int, settles_ns: int, lines_settle_ns: int
    ) -> Iterator[Expectation]:
        """Those whose answer should be there; an answer is waited for so long, or in a log so."""
        self.due_ns = None
        for peer in peers:
            for each in expectations(peer):
                key = each.peer, each.prober
                which = each.first_ns, each.ref if each.logged else None
                told = which, each.sent
                if self._told.get(key) == told:
                    continue
                found = self._found.get(key)
                if found is None or found[0] != which:
                    found = self._found[key] = (which, now_ns)
                known_ns = found[1] + (lines_settle_ns if each.logged else settles_ns)
                late_ns = max(known_ns, each.first_ns + each.patience_ns)
                due_ns = min(late_ns, each.questionable_ns)
                if each.logged:
                    # The answer may come with the next line, whatever second they are told of.
                    due_ns = max(known_ns, due_ns)
                if now_ns >= due_ns:
                    self._told[key] = told
                    yield each
                elif self.due_ns is None or due_ns < self.due_ns:
                    self.due_ns = due_ns
