"""What a prober did after its questions: it gave the peer up, renewed the SA, or went on with it.

Read with hindsight, and nothing is changed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from operator import itemgetter
from typing import Final

from analyzers.model.sa import SaEnd
from analyzers.model.time import NS_PER_MS
from analyzers.tracking.tracks import ExchangeTrack, PeerTrack, SaTrack

ON_TIME_NS: Final = 250 * NS_PER_MS
"""Timers of daemons are as exact as this."""
# Another SA ended it, and that tells of its own initiator only.
_REPLACED: Final = frozenset({SaEnd.REPLACED, SaEnd.REKEYED})
# How many neighbours in time are looked at one by one.
_SIBLINGS: Final = 32


class Acts:
    """The acts of all peers."""

    def __init__(self) -> None:
        self._starts: dict[PeerTrack, list[tuple[int, SaTrack]]] = {}
        self._asked: dict[PeerTrack, list[ExchangeTrack]] = {}
        """Exchanges in the order in which they began."""
        self._ended_sides: dict[PeerTrack, dict[SaTrack, int]] = {}

    def given_up_ns(self, track: ExchangeTrack) -> int | None:
        """When the prober demonstrably gave the SA up."""
        begun_ns = self._begun_ns(track)
        if self._renews(track):
            return None
        known = [ns for ns in (track.closed_ns, begun_ns) if ns is not None]
        if not known and track.sa.end in _REPLACED:
            return None
        if not known and self._ended_by(track.sa) != 1 - track.side:
            return track.sa.ended_ns
        return min(known, default=None)

    def _begun_ns(self, track: ExchangeTrack) -> int | None:
        """When the prober began another SA with the peer."""
        own = (first_ns for first_ns, sa in self._anew(track) if sa.initiator == track.side)
        return next(own, None)

    def phase1(self, track: ExchangeTrack, at_ns: int) -> SaTrack | None:
        """The IKEv1 SA that the prober began then, if that is what it did: that renews one, too."""
        own = (sa for _, sa in self._anew(track) if sa.initiator == track.side)
        begun = next(own, None) if track.sa.version == 1 else None
        return begun if begun is not None and begun.first_ns == at_ns else None

    def heard_ns(self, track: ExchangeTrack) -> int | None:
        """When the prober first answered the peer after its last question, on whatever SA."""
        asked, place = self._asked_by(track)
        answered = (
            x.answer.at_ns
            for x in asked[max(0, place - _SIBLINGS) : place + _SIBLINGS]
            if x.answer is not None and x.side != track.side
        )
        return min((at_ns for at_ns in answered if at_ns > track.last_ns), default=None)

    def _renews(self, track: ExchangeTrack) -> bool:
        """Whether the prober still sent on the SA when it had begun another one."""
        begun_ns = self._begun_ns(track)
        return begun_ns is not None and track.sa.sent_ns[track.side] > begun_ns + ON_TIME_NS

    def came_anew_ns(self, track: ExchangeTrack) -> int | None:
        """When the peer had set up another SA with the prober: that tells the prober all."""
        starts, place = self._started(track)
        of_peer = (
            sa.established_ns
            # An attempt may have begun before the last question.
            for _, sa in starts[max(0, place - _SIBLINGS) : place + _SIBLINGS]
            if sa.from_start and sa.unit is not track.sa.unit and sa.initiator != track.side
        )
        return min((ns for ns in of_peer if ns is not None and ns > track.last_ns), default=None)

    def _anew(self, track: ExchangeTrack) -> Iterator[tuple[int, SaTrack]]:
        """SAs that renew nothing and began after the last transmission, with their beginnings.

        An attempt that came to nothing renewed nothing.
        """
        for first_ns, sa in self.later(track):
            if sa.from_start and (sa.unit is not track.sa.unit or sa.established_ns is None):
                yield first_ns, sa

    def goes_on_ns(self, track: ExchangeTrack) -> int:
        """When the prober last went on with the SA, or asked on one that it had beside it."""
        asked, place = self._asked_by(track)
        beside = (
            x.last_ns
            for x in asked[max(0, place - _SIBLINGS) : place]
            if x.sa is not track.sa and x.side == track.side and not x.answered and not x.dissolved
        )
        renewed_ns = track.sa.sent_ns[track.side] if self._renews(track) else 0
        return max(track.sa.used_ns[track.side], renewed_ns, *beside)

    def _asked_by(self, track: ExchangeTrack) -> tuple[list[ExchangeTrack], int]:
        """The exchanges of the peer in order, and the first that began after the last question."""
        peer = track.sa.peer
        asked = self._asked.get(peer)
        if asked is None:
            asked = self._asked[peer] = sorted(peer.exchanges, key=lambda x: x.first_ns)
        return asked, bisect_right(asked, track.last_ns, key=lambda x: x.first_ns)

    def _ended_by(self, sa: SaTrack) -> int | None:
        """The side that deleted an IKE SA, or gave it up by its log: the other one did neither."""
        peer = sa.peer
        if peer not in self._ended_sides:
            sides = {x.sa: x.side for x in peer.exchanges if x.dead_ns == x.sa.ended_ns is not None}
            sides |= {d.sa: d.side for d in peer.deletes if d.at_ns == d.sa.ended_ns}
            self._ended_sides[peer] = sides
        return self._ended_sides[peer].get(sa)

    def later(self, track: ExchangeTrack) -> list[tuple[int, SaTrack]]:
        """The next few SAs of the peer that began after the last transmission."""
        starts, place = self._started(track)
        return starts[place : place + _SIBLINGS]

    def _started(self, track: ExchangeTrack) -> tuple[list[tuple[int, SaTrack]], int]:
        """The SAs of the peer in order, and the first that began after the last transmission."""
        peer = track.sa.peer
        starts = self._starts.get(peer)
        if starts is None:
            starts = sorted(((sa.first_ns, sa) for sa in peer.sas), key=itemgetter(0))
            self._starts[peer] = starts
        return starts, bisect_right(starts, track.last_ns, key=itemgetter(0))
