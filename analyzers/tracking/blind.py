"""Times in which nothing of a peer could be seen: the captures that show it were interrupted."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Final

from analyzers.model.records import Basis
from analyzers.tracking.engine import Tracker
from analyzers.tracking.tracks import PeerTrack
from analyzers.wire.watched import Span, common_to_all

_MOST: Final = 64


class BlindTimes:
    """What interruptions of captures are to the peers; reads the tracker and changes nothing."""

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker
        self._known: dict[PeerTrack, list[Span]] = {}

    def of(self, peer: PeerTrack) -> list[Span]:
        """Those of a peer, in their order: where any source shows it, it was seen."""
        if not (self._tracker.gaps or self._tracker.interfaces):
            return []
        known = self._known.get(peer)
        if known is None:
            known = self._known[peer] = self._find(peer)[:_MOST]
        return known

    def after(self, peer: PeerTrack, at_ns: int) -> Span | None:
        """The first one that ends after a time."""
        return next((span for span in self.of(peer) if span[1] > at_ns), None)

    def within(self, peer: PeerTrack, start_ns: int, end_ns: int) -> int:
        """How much of a time they take, ns."""
        spans = self.of(peer)
        return sum(max(0, min(e, end_ns) - max(s, start_ns)) for s, e in spans)

    def heard_ns(self, peer: PeerTrack, side: int) -> list[int]:
        """When a side was heard, as far as that matters to these times.

        A flow that goes on after one goes on from its end, as far as anybody knows.
        """
        blind, table = self.of(peer), self._tracker.flows
        if not blind:
            return []
        heard = [m.at_ns for m in peer.messages if m.encrypted and peer.side_of(m.src) == side]
        for flow in peer.flows:
            if peer.side_of(table.identities[flow].src) == side:
                first_ns, last_ns = int(table.first_ns[flow]), int(table.last_ns[flow])
                heard += [max(first_ns, end_ns) for _, end_ns in blind if last_ns >= end_ns]
        return heard

    def _of_source(self, peer: PeerTrack, source: str) -> Sequence[Span]:
        """When a capture was interrupted: on all interfaces that show the peer."""
        interfaces = self._tracker.interfaces.get(source)
        if interfaces is None:
            return self._tracker.gaps.get(source, ())
        ends = ((a, b) for a in peer.addresses[0] for b in peer.addresses[1])
        shown = (interfaces.shown.get(way, ()) for one in ends for way in (one, one[::-1]))
        return common_to_all(interfaces.gaps.get(number, []) for number in {*chain(*shown)})

    def _find(self, peer: PeerTrack) -> list[Span]:
        captured = {m.ref.source for m in peer.messages if m.basis is not Basis.LOG}
        refs = (self._tracker.flows.first_refs.get(flow) for flow in peer.flows)
        captured |= {ref.source for ref in refs if ref is not None}
        if len(captured) != 1:
            # Several captures are of several places: what one misses another one shows.
            return []
        own = self._of_source(peer, captured.pop())
        first_ns = min([peer.first_ns, *(int(self._tracker.flows.first_ns[f]) for f in peer.flows)])
        logged = [m.at_ns for m in peer.messages if m.basis is Basis.LOG]
        return [
            (start_ns, end_ns)
            for start_ns, end_ns in own
            if first_ns < start_ns and not any(start_ns <= at_ns <= end_ns for at_ns in logged)
        ]
