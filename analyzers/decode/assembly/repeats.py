"""Lines that are shown again, because somebody printed the same buffer twice."""

from __future__ import annotations

from collections import Counter
from typing import Final

from analyzers.decode.assembly.lines import LogLine

_MAX_REMEMBERED: Final = 100_000


class Repeats:
    """Tells repeated lines from events that only look alike.

    Whenever the time of the lines goes back, a new printout begins: of its lines, those are
    repeats that an earlier printout has as often. Without stamps nothing is a repeat.
    """

    def __init__(self) -> None:
        self._last_ns: int | None = None
        self._before: Counter[tuple[int, str]] = Counter()
        self._now: Counter[tuple[int, str]] = Counter()

    def take(self, line: LogLine) -> bool:
        """Whether the line was seen before; every line is to be given, once."""
        if line.at_ns is None:
            return False
        if self._last_ns is not None and line.at_ns < self._last_ns:
            self._before |= self._now
            self._now.clear()
        self._last_ns = line.at_ns
        if len(self._before) + len(self._now) > _MAX_REMEMBERED:
            self._before.clear()
            self._now.clear()
        key = (line.at_ns, line.text)
        self._now[key] += 1
        return self._now[key] <= self._before[key]
