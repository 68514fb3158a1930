"""Interfaces of one capture that have clocks of their own, as where several recorders are merged.

A message that two interfaces show was seen on both at nearly the same time. What it took from one
to the other adds to the difference of their clocks one way, and is taken from it the other way.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from statistics import median_low
from typing import Final

from analyzers.model.observations import Datagram
from analyzers.model.records import InterfaceClock
from analyzers.model.time import NS_PER_MS

# What one clock records twice within this time is known as that.
_ALIKE_NS: Final = 100 * NS_PER_MS
_LEAST_EACH_WAY: Final = 2
# Messages that are remembered, and differences of two interfaces.
_MOST: Final = 4096
_Ends = tuple[str, str]


class InterfaceClocks:
    """By how much the clocks of interfaces differ."""

    def __init__(self) -> None:
        self._first: OrderedDict[bytes, dict[int, tuple[int, _Ends]]] = OrderedDict()
        self._later: dict[tuple[int, int], dict[_Ends, list[int]]] = {}
        """Of two interfaces: how much later the second one shows messages, by their ends."""

    def note(self, message: Datagram, interface: int) -> None:
        """A message; of what is sent again only the first one counts."""
        seen = self._first.get(message.payload)
        if seen is None:
            seen = self._first[message.payload] = {}
            if len(self._first) > _MOST:
                self._first.popitem(last=False)
        if interface in seen:
            return
        seen[interface] = message.at_ns, (message.src, message.dst)
        for other in seen:
            if other != interface:
                first, second = sorted((interface, other))
                by_ends = self._later.setdefault((first, second), defaultdict(list))
                differences = by_ends[seen[first][1]]
                if len(differences) < _MOST:
                    differences.append(seen[second][0] - seen[first][0])

    def told(self, interfaces: int) -> tuple[InterfaceClock, ...]:
        """The clocks of so many interfaces, that of the first one first; none where it is one."""
        ahead_ns = {0: 0}
        for (first, second), by_ends in sorted(self._later.items()):
            by_ns = _apart(by_ends)
            if by_ns is not None and second not in ahead_ns:
                ahead_ns[second] = ahead_ns.get(first, 0) + by_ns
        clocks: dict[int, set[int]] = {0: set()}
        for number in range(interfaces):
            own_ns = ahead_ns.get(number, 0)
            known = (at_ns for at_ns in clocks if abs(at_ns - own_ns) <= _ALIKE_NS)
            clocks.setdefault(next(known, own_ns), set()).add(number)
        told = (InterfaceClock(at_ns, frozenset(own)) for at_ns, own in clocks.items())
        return tuple(told) if len(clocks) > 1 else ()


def _apart(by_ends: dict[_Ends, list[int]]) -> int | None:
    """How far the clock of the second interface is ahead; None where nothing tells."""
    found = []
    for ends, there in by_ends.items():
        back = by_ends.get(ends[::-1], ())
        if ends < ends[::-1] and min(len(there), len(back)) >= _LEAST_EACH_WAY:
            both = median_low(there), median_low(back)
            found.append((sum(both) // 2, abs(both[0] - both[1]) // 2))
    if not found:
        return None
    by_ns, way_ns = sorted(found)[len(found) // 2]
    return 0 if abs(by_ns) <= max(way_ns, _ALIKE_NS) else by_ns
