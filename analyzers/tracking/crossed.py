"""ESP that was captured at two places: what came by the second one, and what was lost before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from analyzers.decode.flows import EspRows
from analyzers.model.black_hole import BlackHole
from analyzers.tracking.flows import FlowTable
from analyzers.tracking.passed import FlowKey, Passed
from analyzers.tracking.tracks import PeerTrack
from analyzers.wire.frames import Int64Array

# Times of more lost packets than this are not kept: they are counted all the same.
_MOST_TIMES: Final = 1 << 20


class Crossed:
    """Holds the packets of flows against what a capture near their receiver shows."""

    def __init__(self, arrivals: Mapping[FlowKey, Passed] | None = None) -> None:
        self._arrivals = arrivals or {}
        self._lost: dict[int, int] = {}
        self._times: dict[int, list[Int64Array]] = {}
        self._kept = 0

    def __bool__(self) -> bool:
        """Whether any flow was captured near its receiver too."""
        return bool(self._arrivals)

    def came(self, flows: FlowTable, esp: EspRows, flow: Int64Array) -> NDArray[np.bool_]:
        """(n,) which packets came to the other side, as far as is known; counts the others."""
        came = np.ones(len(esp), np.bool_)
        for number in np.unique(flow).tolist():
            passed = self._arrivals.get(flows.identities[number][:3])
            if passed is None:
                continue
            rows = np.flatnonzero(flow == number)
            own = esp.take(rows)
            lacking = passed.lacks(own)
            came[rows] = ~(lacking | passed.later(own))
            self._note(number, own.at_ns[lacking])
        return came

    def lost(self, number: int) -> int | None:
        """How many packets of a flow are known to be lost; None where it was captured once."""
        return self._lost.get(number)

    def with_losses(
        self, holes: Sequence[BlackHole], flows: FlowTable, peer: PeerTrack
    ) -> tuple[BlackHole, ...]:
        """The black holes of a peer, with what is known to be lost of what was sent meanwhile."""
        if not any(number in self._lost for number in peer.flows) or self._kept > _MOST_TIMES:
            return tuple(holes)
        return tuple(self._with_losses(hole, flows, peer) for hole in holes)

    def _with_losses(self, hole: BlackHole, flows: FlowTable, peer: PeerTrack) -> BlackHole:
        start_ns, stop_ns = hole.first_exposed_ns, hole.stop_ns
        if start_ns is None:
            return hole
        side = peer.side_of(hole.sender)
        there: list[int] = []
        back: list[int] = []
        for number in peer.flows:
            identity = flows.identities[number]
            used = flows.first_ns[number] <= stop_ns and flows.last_ns[number] >= start_ns
            if not hole.spis or f"{identity.spi:08x}" in hole.spis:
                way = there if peer.side_of(identity.src) == side else back
                if used or way is back:
                    way.append(number)
        known = all(self._covers(flows.identities[n][:3], start_ns, stop_ns) for n in there)
        since_ns = start_ns if hole.last_proof_ns is None else hole.last_proof_ns
        return replace(
            hole,
            lost_there=self._within(there, start_ns, stop_ns) if there and known else None,
            lost_back=self._within(back, since_ns, stop_ns),
        )

    def _note(self, number: int, at_ns: Int64Array) -> None:
        self._lost[number] = self._lost.get(number, 0) + len(at_ns)
        if len(at_ns) and self._kept <= _MOST_TIMES:
            self._times.setdefault(number, []).append(at_ns)
            self._kept += len(at_ns)

    def _covers(self, key: FlowKey, first_ns: int, last_ns: int) -> bool:
        passed = self._arrivals.get(key)
        return passed is not None and passed.first_ns <= first_ns and last_ns <= passed.last_ns

    def _within(self, numbers: Sequence[int], first_ns: int, last_ns: int) -> int:
        return sum(
            int(((at_ns >= first_ns) & (at_ns <= last_ns)).sum())
            for number in numbers
            for at_ns in self._times.get(number, ())
        )
