"""Whether a capture drops packets: the sequence numbers of ESP lack some here and there, both ways.

What is lost on the way comes by at most on one side of the capture: where it is the sender's own
interface, nothing of what that sends is missing. A stretch in which nothing came is no such loss.
"""

from __future__ import annotations

from typing import Final

from analyzers.tracking.engine import Tracker
from analyzers.tracking.tracks import PeerTrack

_FEWEST: Final = 3
_LEAST_SHARE: Final = 0.01
# Of this much even a few answers in a row are missing by chance.
_MUCH_SHARE: Final = 0.1


class Dropping:
    """Asks it for each peer once; reads the tracker and changes nothing."""

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker
        self._cut: dict[int, int] | None = None
        self._known: dict[PeerTrack, float] = {}

    def is_told(self, peer: PeerTrack) -> bool:
        """Whether packets of both sides of a peer are missing."""
        return self._share(peer) >= _LEAST_SHARE

    def is_much(self, peer: PeerTrack) -> bool:
        """Whether so many are that what is missing of a few messages says nothing."""
        return self._share(peer) >= _MUCH_SHARE

    def _share(self, peer: PeerTrack) -> float:
        """The share that is missing of the packets of either side, at least."""
        known = self._known.get(peer)
        if known is None:
            known = self._known[peer] = self._missing(peer)
        return known

    def _missing(self, peer: PeerTrack) -> float:
        flows = self._tracker.flows
        if self._cut is None:
            self._cut = {}
            for cut in flows.cuts:
                self._cut[cut.flow] = self._cut.get(cut.flow, 0) + cut.missing
        missing, came = [0, 0], [0, 0]
        for flow in peer.flows:
            _, side = self._tracker.owner_of_flow(flow)
            missing[side] += max(0, flows.missing(flow) - self._cut.get(flow, 0))
            came[side] += int(flows.packets[flow])
        if min(missing) < _FEWEST:
            return 0.0
        return min(
            lacking / max(packets, 1) for lacking, packets in zip(missing, came, strict=True)
        )
