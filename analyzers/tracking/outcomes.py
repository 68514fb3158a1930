"""What became of every exchange, told once the input is known as far as it goes.

Here an unanswered run of questions is closed, left open, taken apart, or recognised as something
else: with hindsight, and with what ESP says of the peer.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter
from statistics import median
from typing import Final

from analyzers.model.exchange import ExchangeKind, Outcome, Transmission
from analyzers.model.records import Basis, Confidence
from analyzers.model.time import NS_PER_MS, NS_PER_SECOND
from analyzers.tracking.engine import Tracker
from analyzers.tracking.schedule import horizon_reached, next_wait_ns
from analyzers.tracking.silence import NEVER
from analyzers.tracking.tracks import ExchangeTrack, PeerTrack, SaTrack

# An exchange of one transmission shows no rhythm; after this long it counts as unanswered
# (the longest first retry of the stacks in dpd-semantics section 3 is 15 s).
_LONE_HORIZON_NS: Final = 30 * NS_PER_SECOND
# A Cisco router sends its ISAKMP Delete in the rhythm of the retries; new phase 1 follows at once.
_FOLLOWED_BY_NS: Final = 2 * NS_PER_SECOND
_ESP_STOPS_NS: Final = 100 * NS_PER_MS
# Equal Informationals are questions from this many on: two may be anything twice.
_RHYTHM: Final = 3
# How many neighbours in time are looked at one by one.
_SIBLINGS: Final = 32
# Gaps within this share of their median are regular; traffic in between shifts a few of them.
_STEADY_SHARE: Final = 0.2
_MOSTLY: Final = 0.6


@dataclass(frozen=True, slots=True)
class Piece:
    """One exchange of the report."""

    sent: tuple[Transmission, ...]
    outcome: Outcome
    verdict_ns: int | None
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class Settled:
    """What a run of questions came to."""

    pieces: tuple[Piece, ...]
    delete: Transmission | None = None
    """The last message of the run is an ISAKMP Delete (dpd-semantics fact 12)."""
    unknown: int = 0
    """Informationals that nobody can tell apart."""


class Outcomes:
    """Settles exchanges; reads the tracker and changes nothing."""

    def __init__(self, tracker: Tracker, end_ns: int) -> None:
        self._tracker = tracker
        self._end_ns = end_ns
        self._settled: dict[ExchangeTrack, Settled] = {}
        self._alike: dict[tuple[SaTrack, int], list[ExchangeTrack]] = {}
        self._starts: dict[PeerTrack, list[tuple[int, SaTrack]]] = {}
        self._mobike: dict[tuple[SaTrack, int, int], bool] = {}

    def of(self, track: ExchangeTrack) -> Settled:
        """What became of a run of questions."""
        settled = self._settled.get(track)
        if settled is None:
            settled = self._settle(track)
            self._settled[track] = settled
        return settled

    def _settle(self, track: ExchangeTrack) -> Settled:
        sent = tuple(track.transmissions)
        if track.dissolved:
            return Settled(())
        if track.kind is ExchangeKind.LIVENESS and track.candidate:
            if not self._is_mobike_liveness(track):
                return Settled(())
        elif self._is_lone_candidate(track):
            return Settled((), unknown=1)
        if track.dead_ns is not None and not track.answered:
            # The device says so itself.
            return Settled((Piece(sent, Outcome.UNANSWERED, track.dead_ns, track.confidence),))
        heard = track.sa.peer.heard[1 - track.side]
        parts = _parts(track) if track.heard_before else [sent]
        if (
            not track.answered
            and len(parts) > 1
            and track.basis is Basis.RHYTHM
            and len(sent) < _RHYTHM
        ):
            return Settled((), unknown=len(sent))
        # The peer was heard before the next question: it was answered, or dropped; nobody died.
        pieces = [Piece(p, Outcome.OPEN, None, Confidence.SUSPECT) for p in parts[:-1]]
        last = parts[-1]
        if track.answered:
            pieces.append(Piece(last, Outcome.ANSWERED, None, track.confidence))
            return Settled(tuple(pieces))
        if not heard:
            pieces.append(Piece(last, Outcome.OPEN, None, Confidence.SUSPECT))
            return Settled(tuple(pieces))
        delete = last[-1] if self._ends_in_delete(track, last) else None
        if delete is not None:
            last = last[:-1]
            wait = next_wait_ns(last, track.kind)
            verdict = delete.at_ns if wait is None else min(last[-1].at_ns + wait, delete.at_ns)
            pieces.append(Piece(last, Outcome.UNANSWERED, verdict, track.confidence))
        else:
            pieces.append(self._unanswered(track, last))
        return Settled(tuple(pieces), delete)

    def _unanswered(self, track: ExchangeTrack, sent: tuple[Transmission, ...]) -> Piece:
        """An exchange without an answer: given up, overdue, or open."""
        last_ns = sent[-1].at_ns
        given_up_ns = self._given_up_ns(track)
        wait = next_wait_ns(sent, track.kind)
        clock = self._tracker.any_clock
        proof_ns = clock.now(track.sa.unit.index, track.side).last_proof_ns
        heard_after = proof_ns > last_ns
        acted = given_up_ns is not None and given_up_ns >= last_ns
        if given_up_ns is not None and acted and (not heard_after or proof_ns >= given_up_ns):
            end_ns = given_up_ns if wait is None else min(last_ns + wait, given_up_ns)
            return Piece(sent, Outcome.UNANSWERED, end_ns, track.confidence)
        if heard_after:
            # Fresh ESP or IKE after the last question: the peer lives (RFC 7296 section 2.4).
            return Piece(sent, Outcome.OPEN, None, Confidence.SUSPECT)
        if wait is not None and horizon_reached(sent, track.kind, self._end_ns):
            verdict = min(last_ns + wait, self._end_ns)
            return Piece(sent, Outcome.UNANSWERED, verdict, track.confidence)
        if wait is None and self._end_ns - last_ns >= _LONE_HORIZON_NS:
            return Piece(sent, Outcome.UNANSWERED, None, track.confidence)
        return Piece(sent, Outcome.OPEN, None, track.confidence)

    def _is_mobike_liveness(self, track: ExchangeTrack) -> bool:
        """Whether unread notifies come as regularly, and as equal, as only questions do."""
        key = (track.sa, track.side, track.length)
        known = self._mobike.get(key)
        if known is None:
            siblings = self._siblings(track)
            alike = [x for x in siblings if x.candidate and x.length == track.length]
            known = self._mobike[key] = _is_regular(alike)
        return known

    def _siblings(self, track: ExchangeTrack) -> list[ExchangeTrack]:
        """All exchanges of the same SA and side."""
        key = (track.sa, track.side)
        if key not in self._alike:
            for x in track.sa.peer.exchanges:
                self._alike.setdefault((x.sa, x.side), []).append(x)
        return self._alike[key]

    def _given_up_ns(self, track: ExchangeTrack) -> int | None:
        """When the prober demonstrably gave the SA up."""
        if track.closed_ns is not None:
            return track.closed_ns
        if track.sa.ended_ns is not None:
            return track.sa.ended_ns
        for first_ns, sa in self._later(track):
            if sa.from_start and sa.unit is not track.sa.unit:
                return first_ns
        return None

    def _later(self, track: ExchangeTrack) -> list[tuple[int, SaTrack]]:
        """The next few SAs of the peer that began after the last transmission."""
        peer = track.sa.peer
        starts = self._starts.get(peer)
        if starts is None:
            starts = sorted(((sa.first_ns, sa) for sa in peer.sas), key=itemgetter(0))
            self._starts[peer] = starts
        place = bisect_right(starts, track.last_ns, key=itemgetter(0))
        return starts[place : place + _SIBLINGS]

    def _is_lone_candidate(self, track: ExchangeTrack) -> bool:
        """A single encrypted Informational without answer or rhythm: nobody can tell what it is.

        It counts as a question only where the SA's questions are known, by length and rhythm.
        """
        if track.answered or not track.candidate or len(track.transmissions) > 1:
            return False
        near = self._siblings(track)
        place = near.index(track)
        earlier = [x for x in near[max(0, place - _SIBLINGS) : place] if x.answered]
        if len(earlier) < 2 or earlier[-1].length != track.length:
            return True
        starts = [x.first_ns for x in earlier]
        gaps = [b - a for a, b in pairwise(starts)]
        return not 0.8 <= (track.first_ns - starts[-1]) / max(median(gaps), 1) <= 1.2

    def _ends_in_delete(self, track: ExchangeTrack, sent: tuple[Transmission, ...]) -> bool:
        """Whether the message that continues the rhythm is the Delete of a peer given up."""
        if track.basis is not Basis.RHYTHM or len(sent) < _RHYTHM:
            return False
        last_ns = sent[-1].at_ns
        for first_ns, sa in self._later(track):
            if sa.initiator == track.side and sa.from_start:
                return first_ns - last_ns <= _FOLLOWED_BY_NS
        now = self._tracker.any_clock.now(track.sa.unit.index, track.side)
        flowed = now.last_out_ns != NEVER and now.last_out_ns > sent[-2].at_ns
        return (
            flowed
            and now.last_out_ns <= last_ns + _ESP_STOPS_NS
            and self._end_ns - last_ns > _FOLLOWED_BY_NS
        )


def _is_regular(alike: list[ExchangeTrack]) -> bool:
    if len(alike) < _RHYTHM:
        return False
    gaps = [b.first_ns - a.first_ns for a, b in pairwise(alike) if not a.transmissions[1:]]
    if len(gaps) < _RHYTHM - 1:
        return False
    middle = median(gaps)
    steady = sum(abs(gap - middle) <= _STEADY_SHARE * middle for gap in gaps)
    return steady >= _MOSTLY * len(gaps)


def _parts(track: ExchangeTrack) -> list[tuple[Transmission, ...]]:
    """The run cut where the peer was heard between two questions.

    With one message ID (IKEv2) or one sequence number throughout, all are one question all the
    same: who repeats it has no answer (RFC 7296 section 2.1, RFC 3706 section 6.2).
    """
    if track.kind is ExchangeKind.LIVENESS or len(track.sequences) == 1:
        return [tuple(track.transmissions)]
    parts: list[list[Transmission]] = []
    for sent in track.transmissions:
        if not parts or sent.at_ns in track.heard_before:
            parts.append([])
        parts[-1].append(sent)
    return [tuple(part) for part in parts]
