"""Which ESP packets of a flow a capture shows, by their sequence numbers.

ESP never uses a number twice (RFC 4303 section 2.2), so two captures of one flow tell which packets
passed both of them. Numbers are kept as ranges: memory grows with the gaps, not with the packets.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from analyzers.decode.flows import EspRows
from analyzers.wire.frames import Int64Array

FlowKey = tuple[str, str, int]
"""Source, destination and SPI."""

_SPAN: Final = 1 << 32
# Ranges that wait until they are put together.
_WAITING: Final = 1 << 16
# More gaps than this are no capture of a flow, but noise.
MOST_RANGES: Final = 1 << 20


class Numbers(Struct, frozen=True):
    """Sequence numbers as ranges in their order, which do not touch."""

    starts: Int64Array
    ends: Int64Array
    """Inclusive."""

    def have(self, sequence: NDArray[np.uint32]) -> NDArray[np.bool_]:
        """(n,) which of these are among them."""
        wanted = sequence.astype(np.int64)
        place = np.searchsorted(self.starts, wanted, side="right") - 1
        return (place >= 0) & (wanted <= self.ends[place])

    def lack(self, other: Numbers) -> bool:
        """Whether there are others between the first and the last of these that these are not."""
        starts = np.maximum(other.starts, self.starts[0])
        ends = np.minimum(other.ends, self.ends[-1])
        within = starts <= ends
        place = np.searchsorted(self.starts, starts[within], side="right") - 1
        return bool((ends[within] > self.ends[place]).any())


class PassedFold:
    """Collects the numbers of the flows of one capture, as it is read."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Int64Array, Int64Array]] = []
        self._count = 0
        self._starts = np.empty(0, np.int64)
        self._ends = np.empty(0, np.int64)

    def add(self, esp: EspRows) -> None:
        """The rows of a batch."""
        if not len(esp) or len(self._starts) > MOST_RANGES:
            return
        keys = np.unique(esp.flow.astype(np.int64) * _SPAN + esp.sequence)
        self._waiting.append(_ranges(keys, keys))
        self._count += len(self._waiting[-1][0])
        if self._count > _WAITING:
            self._put_together()

    def by_flow(self, flows: Sequence[FlowKey]) -> dict[FlowKey, Numbers]:
        """The numbers of each flow, which are counted as in the rows."""
        self._put_together()
        if len(self._starts) > MOST_RANGES:
            return {}
        edges = np.searchsorted(self._starts, np.arange(len(flows) + 1, dtype=np.int64) * _SPAN)
        return {
            flow: Numbers(self._starts[a:b] % _SPAN, self._ends[a:b] % _SPAN)
            for flow, a, b in zip(flows, edges[:-1], edges[1:], strict=True)
            if a < b
        }

    def _put_together(self) -> None:
        parts = [(self._starts, self._ends), *self._waiting]
        starts, ends = (np.concatenate(side) for side in zip(*parts, strict=True))
        order = np.argsort(starts, kind="stable")
        self._starts, self._ends = _ranges(starts[order], ends[order])
        self._waiting, self._count = [], 0


class Passed(Struct, frozen=True):
    """What a capture shows of a flow, on the common clock."""

    first_ns: int
    """From here on it would show what passes …"""
    last_ns: int
    """… until here."""
    numbers: Numbers
    deaf: bool = False
    """At its end it had heard nothing of the sender any more, while the other side went on."""

    def shows(self, esp: EspRows) -> NDArray[np.bool_]:
        """(n,) which packets it has."""
        return self._within(esp) & self.numbers.have(esp.sequence)

    def lacks(self, esp: EspRows) -> NDArray[np.bool_]:
        """(n,) which packets did not come by it."""
        return self._within(esp) & ~self.numbers.have(esp.sequence)

    def later(self, esp: EspRows) -> NDArray[np.bool_]:
        """(n,) of which packets nobody can tell whether they would have come by."""
        if not self.deaf:
            return np.zeros(len(esp), np.bool_)
        return (esp.at_ns > self.last_ns) & ~self.numbers.have(esp.sequence)

    def _within(self, esp: EspRows) -> NDArray[np.bool_]:
        return (esp.at_ns >= self.first_ns) & (esp.at_ns <= self.last_ns)


def _ranges(starts: Int64Array, ends: Int64Array) -> tuple[Int64Array, Int64Array]:
    """Ranges in the order of their starts, those of a flow that touch as one."""
    if not len(starts):
        return starts, ends
    reach = np.maximum.accumulate(ends)
    begins = np.empty(len(starts), np.bool_)
    begins[0] = True
    begins[1:] = (starts[1:] > reach[:-1] + 1) | (starts[1:] // _SPAN != reach[:-1] // _SPAN)
    first = np.flatnonzero(begins)
    return starts[first], reach[np.append(first[1:], len(starts)) - 1]
