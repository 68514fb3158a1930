"""New ESP flows whose SPI was seen before, elsewhere: whether an SA has moved, or many have it.

A receiver chooses the SPI of what it gets, and its sender counts on when either of them moves (RFC
4555). The members of a group have one SPI for all that they send each other, and a counter each
(RFC 6407): there, nobody has moved.
"""

from __future__ import annotations

from ipaddress import ip_address

from analyzers.decode.flows import EspRows
from analyzers.tracking.flows import FlowTable
from analyzers.wire.frames import Int64Array


class Moves:
    """Tells who moves by the SPIs of the flows that have begun."""

    def __init__(self) -> None:
        self._of_groups: set[int] = set()
        """SPIs that several have."""

    def former(self, flows: FlowTable, esp: EspRows, numbers: Int64Array, row: int) -> int | None:
        """The flow that the flow of a row goes on with, if an end may have moved between the two.

        `row`: its first one; `numbers`: (n,) the flows of all rows.
        """
        new = int(numbers[row])
        identity = flows.identities[new]
        others = [flow for flow in reversed(flows.of_spi(identity.spi)) if flow != new]
        if not others:
            return None
        ends = [flows.identities[flow] for flow in others]
        both_ways = any(identity.src == e.dst or identity.dst == e.src for e in ends)
        if both_ways or ip_address(identity.dst).is_multicast:
            self._of_groups.add(identity.spi)
        others.insert(0, flows.of_sender(identity.spi, identity.src))
        found = (f for f in others if f != new and flows.goes_on(esp, numbers, row, f))
        before = next(found, None)
        if before is None:
            return None
        moved = identity.spi not in self._of_groups
        if moved or flows.identities[before].src == identity.src:
            flows.count_on(new, before)
        return before if moved else None
