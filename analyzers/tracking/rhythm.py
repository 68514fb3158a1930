"""What the rhythm of questions tells where their content does not: dpd-semantics 2.7 and 5.6.

An interval is known from questions that were answered. Retries come in another distance, unless
the stack repeats at its interval; and no stack goes on repeating for ever.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence, Set
from itertools import pairwise
from statistics import median
from typing import Final

from analyzers.model.exchange import ExchangeKind, Transmission
from analyzers.model.records import Basis
from analyzers.model.time import NS_PER_SECOND, ORDER_LIMIT_NS
from analyzers.tracking.tracks import ExchangeTrack, PeerTrack, SaTrack

# Equal Informationals are questions from this many on: two may be anything twice.
LEAST_RHYTHM: Final = 3
_FEWEST_APART: Final = 2
# By chance it does not happen so often that a run is like the one before.
_LEAST_SERIES: Final = 3
# From so many answered ones on it is known how long the prober waits before it asks.
LEAST_DUE: Final = 2
# No stack of dpd-semantics section 3 asks more often in vain with the timers it ships with.
MOST_TRIES: Final = 6
# How many neighbours in time are looked at one by one.
_SIBLINGS: Final = 32
# Gaps within this share of their median are regular; traffic in between shifts a few of them.
_STEADY_SHARE: Final = 0.2
_MOSTLY: Final = 0.6
# One distance in so many may be that of a retry which was answered anew.
_SELDOM: Final = 10
# Intervals are judged with this tolerance (dpd-semantics section 4: tolI); where the capture
# dropped a question the distance is a multiple.
_TOLERANCE_NS: Final = NS_PER_SECOND // 2
_TOLERANCE_SHARE: Final = 0.1
_MOST_MISSED: Final = 8
_GROWTH_FROM: Final = 1.2
# Retries of IKEv1 are constant: a wait that is longer than its neighbours by this is none of them.
_LONGER: Final = 1.5


class Rhythms:
    """The exchanges of every SA and side, and what their distances say."""

    def __init__(self) -> None:
        self._alike: dict[tuple[SaTrack, int], list[ExchangeTrack]] = {}
        self._place: dict[ExchangeTrack, int] = {}
        self._known: set[PeerTrack] = set()
        self._lengths: dict[SaTrack, Counter[tuple[int, int]]] = {}
        """By SA: answered questions by their length and the Quick Mode before them; runs have 0."""
        self._regular: dict[tuple[SaTrack, int, int], bool] = {}

    def siblings(self, track: ExchangeTrack) -> list[ExchangeTrack]:
        """All exchanges of the same SA and side, in time order."""
        return self._of(track.sa, track.side)

    def _of(self, sa: SaTrack, side: int) -> list[ExchangeTrack]:
        if sa.peer not in self._known:
            self._known.add(sa.peer)
            for x in sorted(sa.peer.exchanges, key=lambda x: x.first_ns):
                same = self._alike.setdefault((x.sa, x.side), [])
                self._place[x] = len(same)
                same.append(x)
        return self._alike.get((sa, side), [])

    def heard_before(self, track: ExchangeTrack) -> Set[int]:
        """Times of its questions before which the other end was heard, by its own ones in a log."""
        if track.basis is not Basis.LOG or not 1 < len(track.sequences) == len(track.transmissions):
            return track.heard_before
        theirs = self._of(track.sa, 1 - track.side)
        came_ns = sorted(t.at_ns for x in theirs for t in x.transmissions if t.arrived)
        return track.heard_before | {
            later.at_ns
            for earlier, later in pairwise(track.transmissions)
            if bisect_left(came_ns, later.at_ns) > bisect_right(came_ns, earlier.at_ns)
        }

    def before(self, track: ExchangeTrack) -> list[ExchangeTrack]:
        """The last few answered exchanges of the same SA and side before this one."""
        near = self.siblings(track)
        place = self._place.get(track, 0)
        return [x for x in near[max(0, place - _SIBLINGS) : place] if x.answered]

    def goes_on(self, track: ExchangeTrack) -> bool:
        """Whether this side went on with the SA: by exchanges known as such, or by more messages
        of their kind than the Delete of a peer given up."""
        near = self.siblings(track)
        place = self._place.get(track, len(near))
        later = near[place + 1 : place + 1 + _SIBLINGS]
        known = any(not x.dissolved and not self.is_lone(x, x.transmissions) for x in later)
        return known or sum(len(x.transmissions) for x in later) > 1

    def is_paired(self, track: ExchangeTrack) -> bool:
        """Whether a question of this side was ever seen with its answer, on this SA."""
        return any(x.answered for x in self.siblings(track))

    def is_lone(self, track: ExchangeTrack, sent: Sequence[Transmission]) -> bool:
        """A single encrypted Informational without answer or rhythm: nobody can tell what it is.

        It counts as a question only where the SA's questions are known, by length and rhythm.
        """
        if track.basis is not Basis.RHYTHM or track.answered or len(sent) > 1:
            return False
        earlier = self.before(track)
        if len(earlier) < 2 or earlier[-1].length != track.length:
            return True
        starts = [x.first_ns for x in earlier]
        gaps = [b - a for a, b in pairwise(starts)]
        return not 0.8 <= (sent[0].at_ns - starts[-1]) / max(median(gaps), 1) <= 1.2

    def may_be_deletes(self, track: ExchangeTrack) -> bool:
        """Whether a question and its answer may be the Deletes of a Child SA by both ends.

        A Quick Mode had renewed it, nobody knows how long questions of the SA are, and since then
        nothing else of this length came that can be no such Delete.
        """
        if track.basis is not Basis.RHYTHM or not track.renewed_ns or len(track.transmissions) > 1:
            return False
        if not track.answered or track.sa.suite is not None:
            return False
        return self._alike_since(track) == 1

    def _alike_since(self, track: ExchangeTrack) -> int:
        """How many questions of its length came since the Quick Mode before it, and all runs."""
        sa = track.sa
        if sa not in self._lengths:
            counts = self._lengths[sa] = Counter[tuple[int, int]]()
            for each in (x for side in (0, 1) for x in self._of(sa, side) if not x.dissolved):
                runs = len(each.transmissions) >= LEAST_RHYTHM
                if runs or each.answered:
                    counts[each.length, 0 if runs else each.renewed_ns] += 1
        counts = self._lengths[sa]
        return counts[track.length, 0] + counts[track.length, track.renewed_ns]

    def is_due(self, track: ExchangeTrack) -> bool:
        """Whether a single one comes as long after the last proof of life as those that were
        answered: who asks only in silence (dpd-semantics 3) shows no other rhythm."""
        earlier = self.before(track)
        if earlier and earlier[0].since_proof_ns is None and earlier[0] is self.siblings(track)[0]:
            # Nothing was seen before the first one, when it was the first thing that was.
            earlier = earlier[1:]
        waits = [x.since_proof_ns for x in earlier if x.since_proof_ns is not None]
        if len(waits) < LEAST_DUE or len(waits) < len(earlier) or not track.since_proof_ns:
            return False
        if any(x.length != track.length for x in earlier):
            return False
        usual = median(waits)
        tolerance = max(_TOLERANCE_NS, _TOLERANCE_SHARE * usual)
        return all(abs(wait - usual) <= tolerance for wait in (*waits, track.since_proof_ns))

    def is_series(self, track: ExchangeTrack) -> bool:
        """Whether encrypted Informationals that never met an answer are questions with their
        retries although the peer was heard between them all: as many, at the same distance, came
        again and again after a pause.

        Who is answered asks at an interval, and a heartbeat makes no pause.
        """
        least = max(LEAST_RHYTHM, len(track.transmissions))
        if track.basis is not Basis.RHYTHM or len(track.heard_before) + 1 < least:
            return False
        if self.is_paired(track):
            return False
        near = self.siblings(track)
        place = self._place.get(track, 0)
        alike = (_is_alike(track, x) for x in near[max(0, place - _SIBLINGS) : place + _SIBLINGS])
        return sum(alike) >= _LEAST_SERIES

    def is_asked_again(self, track: ExchangeTrack, heard_before: Set[int]) -> bool:
        """Whether the peer was heard between the tries of one question, which it did not answer."""
        sent = track.transmissions
        if not heard_before or not self._are_faster(track, sent):
            return False
        return len(sent) >= LEAST_RHYTHM or self._begins_on_time(track)

    def are_retries(self, track: ExchangeTrack, sent: Sequence[Transmission]) -> bool:
        """Whether several R-U-THEREs come as only the retries of one question do."""
        return len(sent) >= LEAST_RHYTHM and self._are_faster(track, sent)

    def _begins_on_time(self, track: ExchangeTrack) -> bool:
        """Whether its first question comes an interval after the one before."""
        earlier, interval = self.before(track), self.interval_ns(track)
        if len(earlier) <= LEAST_RHYTHM or interval is None:
            return False
        tolerance = max(_TOLERANCE_NS, _TOLERANCE_SHARE * interval)
        since = (track.first_ns - at_ns for at_ns in (earlier[-1].first_ns, earlier[-1].last_ns))
        return any(abs(gap - interval) <= tolerance for gap in since)

    def _are_faster(self, track: ExchangeTrack, sent: Sequence[Transmission]) -> bool:
        """Whether R-U-THEREs come faster than those that are answered, and steadily.

        Who is answered asks at its interval. Where the capture loses some of that, the usual
        distance is several intervals; the shortest ones tell.
        """
        if len(sent) < _FEWEST_APART or track.kind is not ExchangeKind.DPD:
            return False
        interval = self.interval_ns(track)
        if interval is None:
            return False
        gaps = [later.at_ns - sooner.at_ns for sooner, later in pairwise(sent)]
        middle = median(gaps)
        steady = all(abs(gap - middle) <= _TOLERANCE_SHARE * middle for gap in gaps)
        if not steady or max(gaps) > (1 - _STEADY_SHARE) * interval:
            return False
        starts = [x.first_ns for x in self.before(track)]
        apart = [later - sooner for sooner, later in pairwise(starts)]
        usual = sum(abs(gap - interval) <= _STEADY_SHARE * interval for gap in apart)
        alike = sum(abs(gap - middle) <= _STEADY_SHARE * middle for gap in apart)
        return usual >= _MOSTLY * len(apart) and _SELDOM * alike <= len(apart)

    def are_questions(self, track: ExchangeTrack) -> bool:
        """Whether unread requests come as regularly, and as equal, as only questions do."""
        key = (track.sa, track.side, track.length)
        known = self._regular.get(key)
        if known is None:
            known = self._regular[key] = are_questions(track, self.siblings(track))
        return known

    def interval_ns(self, track: ExchangeTrack) -> int | None:
        """The distance of the answered questions before this one, if it is regular."""
        gaps = [later.first_ns - sooner.last_ns for sooner, later in pairwise(self.before(track))]
        if not gaps:
            return None
        middle = median(gaps)
        steady = sum(abs(gap - middle) <= _STEADY_SHARE * middle for gap in gaps)
        return round(middle) if steady >= _MOSTLY * len(gaps) else None

    def keeps_interval(self, track: ExchangeTrack, sent: Sequence[Transmission]) -> bool:
        """Whether unanswered questions come exactly as those did that were answered.

        Then each may be a question of its own, answered unseen (dpd-semantics 5.6), unless the
        stack repeats at its interval. With one sequence number throughout it does repeat.
        """
        if track.kind is not ExchangeKind.DPD or not _is_unsure(track):
            return False
        earlier = self.before(track)
        if not earlier:
            return False
        times = [t.at_ns for t in sent]
        interval = self.interval_ns(track)
        if len(earlier) == 1:
            # The distance to the next question is all that is known of it.
            interval = times[0] - earlier[0].last_ns
        if not interval:
            return False
        return all(is_multiple(b - a, interval) for a, b in pairwise(times))

    def is_one_run(self, track: ExchangeTrack, sent: Sequence[Transmission], heard_ns: int) -> bool:
        """Whether questions told by their rhythm alone are the retries of one question.

        They keep their distance, or it grows; and nothing like them came before in the same
        silence, after which the prober did not give up either.
        """
        if track.basis is not Basis.RHYTHM:
            return True
        gaps = [later.at_ns - sooner.at_ns for sooner, later in pairwise(sent)]
        steady = max(gaps) - min(gaps) <= max(_TOLERANCE_NS, _TOLERANCE_SHARE * max(gaps))
        grows = all(later >= _GROWTH_FROM * sooner for sooner, later in pairwise(gaps))
        near = self.siblings(track)
        place = self._place.get(track, 0)
        before = near[max(0, place - _SIBLINGS) : place]
        asked = (x for x in before if not x.answered and len(x.transmissions) >= LEAST_RHYTHM)
        return (steady or grows) and not any(x.last_ns > heard_ns for x in asked)

    def breaks_off(self, track: ExchangeTrack, sent: Sequence[Transmission]) -> bool:
        """Whether the last of these comes at another distance than retries of this side do."""
        if len(sent) < 2:
            return False
        gaps = [later.at_ns - sooner.at_ns for sooner, later in pairwise(sent)]
        others = (
            x.transmissions
            for x in track.sa.peer.exchanges[-_SIBLINGS:]
            if x is not track and x.side == track.side and len(x.transmissions) >= LEAST_RHYTHM
        )
        known = gaps[:-1] + [b.at_ns - a.at_ns for each in others for a, b in pairwise(each)]
        return bool(known) and all(abs(gaps[-1] - gap) > _TOLERANCE_NS for gap in known)

    def tries_since(self, track: ExchangeTrack, heard_ns: int) -> int:
        """How often this side has asked in vain up to now, in this run and those just before."""
        near = self.siblings(track)
        place = self._place.get(track, 0)
        asked = near[max(0, place - _SIBLINGS) : place + 1]
        return sum(t.at_ns > heard_ns for x in asked if not x.answered for t in x.transmissions)

    def continues_answers(self, track: ExchangeTrack, sent: Sequence[Transmission]) -> bool:
        """Whether what looks like questions comes exactly as this side's answers did before.

        Without keys a question and its answer look the same: where the capture loses the other
        side's questions, the answers go on.
        """
        if track.basis is not Basis.RHYTHM or self.is_paired(track):
            return False
        answers = [
            x.answer.at_ns
            for x in self._of(track.sa, 1 - track.side)
            if x.answer is not None and x.answer.at_ns < sent[0].at_ns
        ][-_SIBLINGS:]
        if not answers:
            return False
        # The distance to the first of these is all that is known where there was one answer.
        known = answers if len(answers) > 1 else [*answers, sent[0].at_ns]
        interval = round(median(later - sooner for sooner, later in pairwise(known)))
        times = [answers[-1], *(t.at_ns for t in sent)]
        mostly = sum(is_multiple(b - a, interval) for a, b in pairwise(times))
        return mostly > _MOSTLY * len(sent)


def parts(track: ExchangeTrack, heard_before: Set[int]) -> list[tuple[Transmission, ...]]:
    """The run cut where the peer was heard between two questions: before those of these times.

    With one message ID (IKEv2) or one sequence number throughout, all are one question all the
    same: who repeats it has no answer (RFC 7296 section 2.1, RFC 3706 section 6.2).
    """
    if track.kind is ExchangeKind.LIVENESS or len(track.sequences) == 1:
        return [tuple(track.transmissions)]
    found: list[list[Transmission]] = []
    for sent in track.transmissions:
        if not found or sent.at_ns in heard_before:
            found.append([])
        found[-1].append(sent)
    return [tuple(part) for part in found]


def asked_in_a_row(track: ExchangeTrack) -> list[tuple[Transmission, ...]]:
    """The run cut where the peer was heard, and the next question came out of the spacing.

    Who has given its peer up asked in vain at the end, whatever came by that did not reach it.
    """
    sent = track.transmissions
    found = [[sent[0]]]
    for number, each in enumerate(sent[1:], 1):
        gaps = [b.at_ns - a.at_ns for a, b in pairwise(sent[max(0, number - 2) : number + 2])]
        gap_ns = each.at_ns - sent[number - 1].at_ns
        alone = len(gaps) == 1 or gap_ns > _LONGER * min(gaps)
        if each.at_ns in track.heard_before and alone and track.kind is ExchangeKind.DPD:
            found.append([])
        found[-1].append(each)
    return [tuple(part) for part in found]


def _is_unsure(track: ExchangeTrack) -> bool:
    """Whether retries and new questions look the same: without keys, or with a number each."""
    if track.basis is Basis.RHYTHM:
        return True
    return track.basis is Basis.DECRYPTED and len(track.sequences) == len(track.transmissions)


def is_multiple(gap_ns: int, interval_ns: int) -> bool:
    """Whether a distance is an interval, or several where the capture dropped a question."""
    times = round(gap_ns / interval_ns)
    tolerance = max(_TOLERANCE_NS, round(_TOLERANCE_SHARE * interval_ns))
    return 1 <= times <= _MOST_MISSED and abs(gap_ns - times * interval_ns) <= tolerance


def _is_alike(one: ExchangeTrack, other: ExchangeTrack) -> bool:
    """Whether two runs without an answer are as long, of as long messages, and as fast."""
    if other.answered or other.dissolved or other.length != one.length:
        return False
    if len(other.transmissions) != len(one.transmissions):
        return False
    lasted_ns = one.last_ns - one.first_ns
    tolerance = max(_TOLERANCE_NS, _TOLERANCE_SHARE * lasted_ns)
    return abs(other.last_ns - other.first_ns - lasted_ns) <= tolerance


def are_questions(track: ExchangeTrack, siblings: Iterable[ExchangeTrack]) -> bool:
    """Whether requests like one come as only questions do; `siblings`: of its SA and side."""
    if track.first_ns < ORDER_LIMIT_NS:
        return False  # lines without stamps have no rhythm
    return _is_regular([x for x in siblings if x.candidate and x.length == track.length])


def _is_regular(alike: list[ExchangeTrack]) -> bool:
    if len(alike) < LEAST_RHYTHM:
        return False
    gaps = [b.first_ns - a.first_ns for a, b in pairwise(alike) if not a.transmissions[1:]]
    if len(gaps) < LEAST_RHYTHM - 1:
        return False
    middle = median(gaps)
    steady = sum(abs(gap - middle) <= _STEADY_SHARE * middle for gap in gaps)
    return steady >= _MOSTLY * len(gaps)
