"""ESP flows as reports and screens read them."""

from __future__ import annotations

from collections.abc import Iterable

from analyzers.model.sa import EspFlow
from analyzers.tracking.crossed import Crossed
from analyzers.tracking.flows import FlowTable


def flow_views(table: FlowTable, crossed: Crossed, numbers: Iterable[int]) -> tuple[EspFlow, ...]:
    """The flows with these numbers."""
    flows = []
    for number in numbers:
        identity = table.identities[number]
        repeated = table.repeated(number)
        packets, octets = table.once(number)
        flows.append(
            EspFlow(
                spi=f"{identity.spi:08x}",
                sender=identity.src,
                receiver=identity.dst,
                first_ns=int(table.first_ns[number]),
                last_ns=int(table.last_ns[number]),
                packets=packets,
                bytes=octets,
                missing_sequences=table.missing(number),
                encapsulated=identity.sport != 0,
                ref=table.first_refs.get(number),
                repeats=0 if repeated is None else repeated.packets,
                repeat_ns=None if repeated is None else repeated.at_ns,
                repeat_ref=None if repeated is None else repeated.ref,
                ports=table.ports(number),
                lost=crossed.lost(number),
            )
        )
    return tuple(flows)
