"""Peers while nobody captures: nothing that was known of them goes on by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from analyzers.model.peer import PeerState, PeerView, StateSpan
from analyzers.model.records import Confidence
from analyzers.session.live_channel import Channel

_STAYS: Final = frozenset({PeerState.DEAD, PeerState.DELETED, PeerState.UNKNOWN})
"""What nobody needs to watch to go on."""


def unwatched_ns(captures: Sequence[Channel]) -> int | None:
    """Since when no capture has shown anything, in event time; None while one does."""
    since = [c.seen_ns if c.over else c.broken_ns for c in captures]
    known = [at_ns for at_ns in since if at_ns is not None]
    return max(known) if known and len(known) == len(captures) else None


def unknown_since(peer: PeerView, since_ns: int, now_ns: int) -> PeerView:
    """A peer that nobody has watched since then; as it is, where a log has heard of it later."""
    if peer.state in _STAYS or (peer.last_proof_ns or 0) > since_ns:
        return peer
    before = tuple(span for span in peer.states if span.start_ns < since_ns)
    return replace(
        peer,
        state=PeerState.UNKNOWN,
        confidence=Confidence.SUSPECT,
        states=(*before, StateSpan(PeerState.UNKNOWN, since_ns)),
        until_ns=max(now_ns, peer.until_ns or 0),
    )
