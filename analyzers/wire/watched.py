"""When the interfaces of a pcapng section were captured, and when that was interrupted.

An interface statistics block has the times at which capturing began and ended: between the end that
one block tells and the beginning that the next one of the same interface tells, nobody watched.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from analyzers.model.time import NS_PER_MS

# Starting another child, or the look whether an interface is up, takes no less.
LEAST_GAP_NS: Final = 100 * NS_PER_MS
_MOST_GAPS: Final = 1000

Span = tuple[int, int]
"""From and to, ns since the epoch."""


class Watched:
    """The statistics of a stream, in its order."""

    def __init__(self) -> None:
        self.until_ns: int | None = None
        """Until when was captured, as the last block says."""
        self._ends: dict[int, int] = {}
        self.by_interface: dict[int, list[Span]] = {}
        """Times in which each of them was not captured, in their order."""

    def section(self) -> None:
        """Another section begins: its interfaces are others."""
        self._ends.clear()

    def tell(self, interface: int, start_ns: int | None, end_ns: int | None) -> None:
        """One block."""
        known_ns = self._ends.get(interface)
        gaps = self.by_interface.setdefault(interface, [])
        if end_ns is not None:
            self.until_ns = max(self.until_ns or 0, end_ns)
            self._ends[interface] = max(known_ns or 0, end_ns)
        if known_ns is None or start_ns is None or len(gaps) >= _MOST_GAPS:
            return
        if start_ns - known_ns >= LEAST_GAP_NS:
            gaps.append((known_ns, start_ns))

    @property
    def gaps(self) -> list[Span]:
        """Times in which no interface was captured, in their order."""
        return common_to_all(self.by_interface.values())


def common_to_all(lists: Iterable[list[Span]]) -> list[Span]:
    """What lists of spans have in common; nothing where there is no list."""
    found: list[Span] | None = None
    for spans in lists:
        found = spans if found is None else common(found, spans)
    return list(found or ())


def common(ones: list[Span], others: list[Span]) -> list[Span]:
    """What two lists of spans, each in the order of time, have in common."""
    found: list[Span] = []
    one = other = 0
    while one < len(ones) and other < len(others):
        start_ns = max(ones[one][0], others[other][0])
        end_ns = min(ones[one][1], others[other][1])
        if start_ns < end_ns:
            found.append((start_ns, end_ns))
        if ones[one][1] < others[other][1]:
            one += 1
        else:
            other += 1
    return found
