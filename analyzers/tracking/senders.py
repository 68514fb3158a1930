"""When each device sent anything last, to whomever: whether it is there, and captured."""

from __future__ import annotations

from analyzers.tracking.engine import Tracker
from analyzers.tracking.tracks import PeerTrack

_Last = dict[str, int]


class Senders:
    """Looks through all peers once, when it is first asked; changes nothing."""

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker
        self._to: dict[str, _Last] | None = None

    def last_ns(self, peer: PeerTrack, side: int) -> int:
        """The last ESP packet or protected IKE message of a side of a peer, ns; 0: none is known.

        What comes from its address to the same other end may be of somebody else behind its NAT.
        """
        if self._to is None:
            self._to = self._all()
        own, there = peer.address(side), peer.address(1 - side)
        elsewhere = (at_ns for to, at_ns in self._to.get(own, {}).items() if to != there)
        return max(*self._of(peer)[side], *elsewhere, 0)

    def _all(self) -> dict[str, _Last]:
        """By sender: the two receivers to which it sent last, and when."""
        found: dict[str, _Last] = {}
        for peer in self._tracker.table.peers:
            for side, times in enumerate(self._of(peer)):
                sent = found.setdefault(peer.address(side), {})
                to = peer.address(1 - side)
                sent[to] = max(*times, sent.get(to, 0))
                if len(sent) > 2:
                    del sent[min(sent, key=sent.__getitem__)]
        return found

    def _of(self, peer: PeerTrack) -> tuple[list[int], list[int]]:
        times: tuple[list[int], list[int]] = ([0, 0], [0, 0])
        for sa in peer.sas:
            for side in (0, 1):
                times[side].append(sa.sent_ns[side])
        for flow in peer.flows:
            _, side = self._tracker.owner_of_flow(flow)
            times[side].append(int(self._tracker.flows.last_ns[flow]))
        return times
