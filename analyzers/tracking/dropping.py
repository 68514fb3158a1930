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


class Dropping:
    """Asks it for each peer once; reads the tracker and changes nothing."""

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker
        self._cut: dict[int, int] | None = None
        self._known: dict[PeerTrack, bool] = {}

    def is_told(self, peer: PeerTrack) -> bool:
        """Whether packets of both sides of a peer are missing."""
        known = self._known.get(peer)
        if known is None:
            known = self._known[peer] = self._is_told(peer)
        return known

    def _is_told(self, peer: PeerTrack) -> bool:
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
        return all(
            lacking >= max(_FEWEST, _LEAST_SHARE * packets)
            for lacking, packets in zip(missing, came, strict=True)
        )
