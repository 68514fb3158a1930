"""How the sources of a live session are."""

from __future__ import annotations

from collections import deque
from typing import Final

from msgspec import Struct

from analyzers.model.time import NS_PER_SECOND
from analyzers.sources.feed import Loss, SourceState

_WINDOW_NS: Final = 2 * NS_PER_SECOND


class SourceHealth(Struct, frozen=True):
    """One source of the session, now."""

    name: str
    kind: str
    """ "capture", "log" or "syslog"."""
    state: SourceState
    detail: str
    """Why it is in that state; from outside, and untrusted."""
    records: int
    """Packets or lines so far."""
    per_second: float
    """Of the last two seconds."""
    dropped: int
    """Lost before they could be read."""
    losses: tuple[Loss, ...]
    """Why, and what else may be missing."""
    restarts: int
    silent_ns: int | None
    """Since its last record was read; None before the first."""


class Rate:
    """Records a second, over a short window."""

    def __init__(self) -> None:
        self._known: deque[tuple[int, int]] = deque()
        self.last_ns: int | None = None
        """When the count grew for the last time."""

    def take(self, now_ns: int, count: int) -> None:
        """The count as it is now."""
        known = self._known
        if (known[-1][1] if known else 0) < count:
            self.last_ns = now_ns
        if known and now_ns - known[-1][0] < _WINDOW_NS // 20:
            known[-1] = (known[-1][0], count)
        else:
            known.append((now_ns, count))
        while len(known) > 2 and known[1][0] <= now_ns - _WINDOW_NS:
            known.popleft()

    def per_second(self, now_ns: int) -> float:
        """Records a second."""
        if not self._known:
            return 0.0
        first_ns, first = self._known[0]
        passed_ns = max(now_ns - first_ns, NS_PER_SECOND)
        return (self._known[-1][1] - first) * NS_PER_SECOND / passed_ns
