"""States of a peer that were over before anybody looked, as they were."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

from msgspec.structs import replace

from analyzers.model.peer import PeerState, PeerView, StateSpan
from analyzers.tracking import liveness

# A question that is answered at once is no state, nor is a negotiation before anybody is known.
_FLEETING = frozenset({PeerState.PROBING, PeerState.UNKNOWN})


def passed(peer: PeerView, since_ns: int | None, settles_ns: int) -> Iterator[PeerView]:
    """The peer as it was in each state that began after a time, but for the one that it is in.

    `since_ns` None: in all of them; `settles_ns`: what is shorter was no state.
    """
    states = peer.states
    first = 0 if since_ns is None else bisect_right(states, since_ns, key=_start_of)
    for place in range(first, len(states) - 1):
        span, until_ns = states[place], states[place + 1].start_ns
        if span.state not in _FLEETING or until_ns - span.start_ns >= settles_ns:
            yield _as_it_was(peer, place, until_ns)


def _as_it_was(peer: PeerView, place: int, until_ns: int) -> PeerView:
    states = peer.states[: place + 1]
    exchanges = tuple(x for x in peer.exchanges if (x.verdict_ns or x.first_ns) < until_ns)
    deletes = tuple(delete for delete in peer.deletes if delete.at_ns < until_ns)
    holes = (h for h in peer.black_holes if (h.dead_ns or h.begin_ns) < until_ns)
    return replace(
        peer,
        state=states[-1].state,
        states=states,
        exchanges=exchanges,
        deletes=deletes,
        black_holes=tuple(holes),
        # Without its SAs nothing is certain here that was inferred.
        confidence=liveness.confidence(exchanges, deletes, states),
        unwatched="",
    )


def _start_of(span: StateSpan) -> int:
    return span.start_ns
