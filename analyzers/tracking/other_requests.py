"""Requests with another purpose than liveness that test it all the same (RFC 7296 section 2.4)."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.model.exchange import Outcome
from analyzers.tracking.outcomes import Outcomes
from analyzers.tracking.pieces import Piece
from analyzers.tracking.tracks import ExchangeTrack, PeerTrack


def missed(peer: PeerTrack, outcomes: Outcomes) -> Iterator[tuple[ExchangeTrack, Piece]]:
    """Those whose answer was missing, in the order of time: sent again, or overdue."""
    found = dict.fromkeys(peer.sent_again)
    for sa in peer.sas:
        for request in sa.requests.values():
            exchange = request.exchange
            if exchange is not None and not (exchange.listed or exchange.answered):
                found[exchange] = None
    for track in sorted(found, key=lambda x: x.first_ns):
        for piece in outcomes.of(track).pieces:
            if len(piece.sent) > 1 or piece.outcome is Outcome.UNANSWERED:
                yield track, piece
