"""Nodes: addresses that keep SAs with several peers, and what they ask them."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property

from msgspec import Struct

from analyzers.model.exchange import Exchange
from analyzers.rules.case import Case
from analyzers.rules.once import once
from analyzers.rules.run import Run


class Asked(Struct, frozen=True, gc=False):
    """A question of a node, at its first transmission."""

    at_ns: int
    peer: str
    exchange: Exchange


class Node(Struct, frozen=True, dict=True):
    """One address with all of its peers."""

    address: str
    cases: tuple[Case, ...]

    @cached_property
    def exchanges(self) -> list[Asked]:
        """Questions of either side whose time is known, in the order of time."""
        found = [
            Asked(x.first_ns, case.peer.id, x)
            for case in self.cases
            if case.timed
            for x in case.peer.exchanges
        ]
        return sorted(found, key=lambda asked: asked.at_ns)

    @cached_property
    def questions(self) -> list[Asked]:
        """Those that the node asked itself, where an input stamps more than whole seconds."""
        coarse = {source for case in self.cases for source in case.coarse_sources}
        return [
            asked
            for asked in self.exchanges
            if asked.exchange.prober == self.address
            and asked.exchange.transmissions[0].ref.source not in coarse
        ]


def nodes(run: Run, fewest_peers: int) -> list[Node]:
    """All nodes with so many peers."""
    return [node for node in _nodes(run) if len(node.cases) >= fewest_peers]


@once
def _nodes(run: Run) -> list[Node]:
    found: dict[str, list[Case]] = defaultdict(list)
    for case in run.cases:
        for end in case.ends:
            found[end].append(case)
    return [Node(end, tuple(own)) for end, own in found.items()]
