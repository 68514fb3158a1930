"""Peers that are heard on one IKE SA while they are asked in vain on another, older one.

Fresh protected messages on the newer one, or on its Child SAs, prove that the peer lives (RFC 7296
section 2.4): what is given up then is an SA.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from analyzers.tracking.engine import Tracker
from analyzers.tracking.holes import HoleTrack
from analyzers.tracking.pieces import Piece
from analyzers.tracking.tracks import ExchangeTrack, UnitTrack

# IKE SAs that are looked at, the newest.
_RECENT: Final = 16


class Beside:
    """Reads the tracker, and what is known of silences; changes nothing."""

    def __init__(self, tracker: Tracker, holes: dict[int, list[HoleTrack]]) -> None:
        """`holes`: black holes by the index of their peer."""
        self._tracker = tracker
        self._holes = holes

    def is_heard(self, track: ExchangeTrack, piece: Piece) -> bool:
        """Whether the other end was heard on a newer SA while a question had no answer.

        A silence there meanwhile is as bad as that on the SA that was asked on.
        """
        sent, peer = piece.sent, track.sa.peer
        until_ns = piece.verdict_ns or sent[-1].at_ns
        newer = {
            sa.unit
            for sa in peer.sas[-_RECENT:]
            if sa.unit is not track.sa.unit
            and sa.established_ns is not None
            and (track.sa.established_ns or 0) < sa.established_ns <= sent[0].at_ns
        }
        return any(
            self._tracker.any_clock.now(unit.index, track.side).last_proof_ns > sent[-1].at_ns
            and not _is_silent(self._of(unit, track.side), sent[0].at_ns, until_ns)
            for unit in newer
        )

    def _of(self, unit: UnitTrack, role: int) -> Iterable[HoleTrack]:
        holes = self._holes.get(unit.peer.index, ())
        return (hole for hole in holes if hole.unit is unit and hole.role == role)


def _is_silent(holes: Iterable[HoleTrack], from_ns: int, until_ns: int) -> bool:
    return any(hole.silence.last_proof_ns < until_ns and hole.stop_ns > from_ns for hole in holes)
