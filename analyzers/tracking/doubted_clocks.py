"""Verdicts whose time is that of a clock which is in doubt.

The user has set it, and messages contradict it; or message IDs and timers alone have told it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from analyzers.model.black_hole import BlackHole
from analyzers.model.peer import PeerState, PeerView
from analyzers.model.records import Confidence


def with_doubted_clocks(
    peers: Sequence[PeerView], doubted: Mapping[str, int | None]
) -> tuple[PeerView, ...]:
    """The peers, with what a log of such a clock alone says at most inferred.

    `doubted`: by how much the messages of an input contradict its clock, in ns, by its id; None
    where nothing contradicts it.
    """
    return tuple(_doubted(peer, doubted) for peer in peers)


def _doubted(peer: PeerView, doubted: Mapping[str, int | None]) -> PeerView:
    said = {
        (x.prober, x.verdict_ns): doubted[x.verdict_ref.source]
        for x in peer.exchanges
        if x.verdict_ref is not None and x.verdict_ref.source in doubted
    }
    holes = []
    for each in peer.black_holes:
        hole = _bounded(each, doubted)
        verdict = hole.sender, hole.dead_ns
        holes.append(_hole(hole, said[verdict]) if verdict in said else hole)
    confidence = peer.confidence
    if said and peer.state is PeerState.DEAD:
        confidence = _at_most_inferred(confidence)
    return replace(peer, black_holes=tuple(holes), confidence=confidence)


def _bounded(hole: BlackHole, doubted: Mapping[str, int | None]) -> BlackHole:
    """A black hole without the lower bound that such a log gives it."""
    if hole.removed_ns is None or not any(ref.source in doubted for ref in hole.refs):
        return hole
    least = _at_most_inferred(hole.confidence)
    return replace(hole, removed_ns=None, min_seconds=0.0, min_packets=0, confidence=least)


def _hole(hole: BlackHole, off_ns: int | None) -> BlackHole:
    return replace(hole, confidence=_at_most_inferred(hole.confidence), verdict_clock_off_ns=off_ns)


def _at_most_inferred(confidence: Confidence) -> Confidence:
    return Confidence.INFERRED if confidence is Confidence.CERTAIN else confidence
