"""What became of every exchange, told once the input is known as far as it goes.

Here an unanswered run of questions is closed, left open, taken apart, or recognised as something
else: with hindsight, and with what ESP says of the peer.
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import Final

from msgspec.structs import replace

from analyzers.model.exchange import ExchangeKind, Outcome, Transmission
from analyzers.model.records import Basis, Confidence
from analyzers.model.time import NS_PER_MS, NS_PER_SECOND
from analyzers.tracking.acts import ON_TIME_NS, Acts
from analyzers.tracking.blind import BlindTimes
from analyzers.tracking.ceased import Ceased, torn_down
from analyzers.tracking.dropping import Dropping
from analyzers.tracking.engine import Tracker
from analyzers.tracking.flows import DUPLICATE_NS
from analyzers.tracking.foretold import Foretold
from analyzers.tracking.holes import pause_ns
from analyzers.tracking.nothing_sent import stayed_away
from analyzers.tracking.pieces import Piece, Settled, Support
from analyzers.tracking.renewals import FEWEST_TRIES, Renewals
from analyzers.tracking.rhythm import (
    LEAST_RHYTHM,
    MOST_TRIES,
    Rhythms,
    asked_in_a_row,
    is_multiple,
    parts,
)
from analyzers.tracking.schedule import (
    breaks_off_in_time,
    horizon_reached,
    longest_wait_ns,
    next_wait_ns,
)
from analyzers.tracking.senders import Senders
from analyzers.tracking.silence import NEVER, Silence
from analyzers.tracking.tracks import ExchangeTrack

# An exchange of one transmission shows no rhythm; after this long it counts as unanswered
# (the longest first retry of the stacks in dpd-semantics section 3 is 15 s).
_LONE_HORIZON_NS: Final = 30 * NS_PER_SECOND
# An SA that stays in use after its questions stopped is watched this long for the next one.
_PATIENCE_NS: Final = 20 * NS_PER_SECOND
# Intervals are judged with this tolerance (dpd-semantics section 4: tolI), or a tenth.
_INTERVAL_TOLERANCE_NS: Final = 3 * NS_PER_SECOND // 2
# A Cisco router sends its ISAKMP Delete in the rhythm of the retries; new phase 1 follows at once.
_FOLLOWED_BY_NS: Final = NS_PER_SECOND
# The clock of a log may be so far from that of a capture, or what comes was under way.
_SURELY_AFTER_NS: Final = NS_PER_SECOND
_ESP_STOPS_NS: Final = 100 * NS_PER_MS
# Its questions, and the Delete (dpd-semantics fact 12).
_SIX: Final = 6
_SIXTH_NS: Final = NS_PER_SECOND // 2


class Outcomes:
    """Settles exchanges; reads the tracker and changes nothing."""

    def __init__(self, tracker: Tracker, end_ns: int, *, ongoing: bool = False) -> None:
        """`ongoing`: more is to come after `end_ns`."""
        self._tracker = tracker
        self._end_ns = end_ns
        self._ongoing = ongoing
        self._settled: dict[ExchangeTrack, Settled] = {}
        self._rhythms = Rhythms()
        self._foretold = Foretold(tracker.configured)
        self.blind = BlindTimes(tracker)
        self._dropping = Dropping(tracker)
        self._ceased = Ceased(
            Senders(tracker), self._rhythms, self._foretold, self.blind, self._dropping
        )
        self._acts = Acts()
        self._renewals = Renewals(self._acts, self._foretold, tracker.logs)

    def of(self, track: ExchangeTrack) -> Settled:
        """What became of a run of questions."""
        settled = self._settled.get(track)
        if settled is None:
            settled = self._settle(track)
            if track.basis is Basis.RHYTHM and settled.verdict_ns is not None:
                settled = self._as_far_as_recorded(track, settled)
            self._settled[track] = settled
        return settled

    def _as_far_as_recorded(self, track: ExchangeTrack, settled: Settled) -> Settled:
        """A verdict that rhythm tells, of a capture that may have dropped what else there was."""
        if not self._dropping.is_told(track.sa.peer):
            return settled
        *before, last = settled.pieces
        return replace(settled, pieces=(*before, replace(last, confidence=Confidence.SUSPECT)))

    def _settle(self, track: ExchangeTrack) -> Settled:
        sent = tuple(track.transmissions)
        if track.dissolved:
            return Settled(())
        if track.is_plain:
            return Settled((Piece(sent, Outcome.ANSWERED, None, track.confidence),))
        if track.kind is ExchangeKind.LIVENESS and track.candidate:
            if not self._rhythms.are_questions(track):
                return Settled(())
        elif self._rhythms.is_lone(track, sent):
            return self._lone(track, sent)
        elif self._rhythms.may_be_deletes(track):
            return Settled((), unknown=2)
        if track.dead_ns is not None and not track.answered:
            # The device says so itself.
            *before, last = asked_in_a_row(track)
            piece = Piece(last, Outcome.UNANSWERED, track.dead_ns, track.confidence)
            return Settled((*map(_unsettled, before), piece))
        heard = track.sa.peer.heard[1 - track.side]
        heard_before = self._rhythms.heard_before(track)
        whole = (
            not heard_before
            or self._rhythms.is_series(track)
            or (
                self._rhythms.is_asked_again(track, heard_before)
                and not self._dropping.is_much(track.sa.peer)
            )
        )
        cut = [sent] if whole else parts(track, heard_before)
        if self._is_anything(track, cut):
            return Settled((), unknown=len(sent))
        if self._rhythms.continues_answers(track, sent) and not self._acted(track, cut[-1]):
            return Settled((), unknown=len(sent), support=Support.UNHEARD)
        # The peer was heard before the next question: it was answered, or dropped; nobody died.
        pieces = [self._outlived(track, part) for part in cut[:-1]]
        last = cut[-1]
        if track.answered:
            return self._answered(track, pieces, last)
        if not heard:
            return Settled((*pieces, _unsettled(last)))
        if self._rhythms.is_lone(track, last):
            return Settled(tuple(pieces), unknown=1)
        delete = last[-1] if self._ends_in_delete(track, last) else None
        if delete is None:
            piece, support = self._unanswered(track, last)
            if self._is_sixth(track, piece):
                delete = last[-1]
                given_up_ns = min(piece.verdict_ns or delete.at_ns, delete.at_ns)
                piece = replace(piece, sent=last[:-1], verdict_ns=given_up_ns)
            return Settled((*pieces, piece), delete, support=support)
        last = last[:-1]
        verdict: int | None = None
        if not self._is_replaced(track, last):
            wait = next_wait_ns(last, track.kind)
            verdict = delete.at_ns if wait is None else min(last[-1].at_ns + wait, delete.at_ns)
        elif self._rhythms.is_lone(track, last):
            return Settled(tuple(pieces), delete, unknown=1)
        piece = Piece(last, Outcome.UNANSWERED, verdict, track.confidence)
        return Settled((*pieces, piece), delete)

    def _lone(self, track: ExchangeTrack, sent: tuple[Transmission, ...]) -> Settled:
        """A single Informational that no other one explains: an open question while it can be.

        It may be the Delete that ends the SA all the same, so nobody is given up for it.
        """
        now = self._tracker.any_clock.now(track.sa.unit.index, track.side)
        fresh = self._end_ns - sent[0].at_ns < _LONE_HORIZON_NS
        silent = now.last_proof_ns < sent[0].at_ns
        due = self._rhythms.is_due(track) or self._foretold.is_due(track, sent)
        if fresh and silent and self._acts.given_up_ns(track) is None and due:
            piece = Piece(sent, Outcome.OPEN, None, track.confidence)
            return Settled((piece,), support=Support.NONE)
        return Settled((), unknown=1)

    def _is_anything(self, track: ExchangeTrack, cut: list[tuple[Transmission, ...]]) -> bool:
        """Whether encrypted Informationals that never met an answer need be no questions at all.

        Where the peer was heard between them they were answered unseen, or are something else;
        and no stack goes on asking that often without an answer to a single question, unless
        it began when the traffic of the peer stopped.
        """
        if track.basis is not Basis.RHYTHM or self._rhythms.is_paired(track):
            return False
        if len(cut[-1]) < LEAST_RHYTHM:
            return not self._foretold.is_due(track, cut[-1])
        if len(cut) > 2:
            return True
        return len(cut[-1]) > MOST_TRIES and not self._began_with_silence(track, cut[-1])

    def _began_with_silence(self, track: ExchangeTrack, sent: tuple[Transmission, ...]) -> bool:
        """Whether ESP of the peer had come until an interval before the first question."""
        last_ns = self._tracker.esp_clock.now(track.sa.unit.index, track.side).last_proof_ns
        idle_ns = sent[0].at_ns - last_ns
        return last_ns != NEVER and 2 * idle_ns >= sent[1].at_ns - sent[0].at_ns

    def _answered(
        self, track: ExchangeTrack, pieces: list[Piece], sent: tuple[Transmission, ...]
    ) -> Settled:
        support = Support.LOST
        if len(sent) > 1 and self._rhythms.keeps_interval(track, sent):
            # No retries: questions of their own, of which the last one's answer was captured.
            pieces += [_unsettled((each,)) for each in sent[:-1]]
            sent, support = sent[-1:], Support.NONE
        piece = Piece(sent, Outcome.ANSWERED, None, track.confidence)
        return Settled((*pieces, piece), support=support)

    def _unanswered(
        self, track: ExchangeTrack, sent: tuple[Transmission, ...]
    ) -> tuple[Piece, Support]:
        """An exchange without an answer: given up, overdue, or open."""
        if track.basis is Basis.LOG:
            now = self._tracker.any_clock.now(track.sa.unit.index, track.side)
            if now.last_proof_ns > sent[-1].at_ns + _SURELY_AFTER_NS:
                # The peer lives: what the log says of the question's end is not in it.
                return _unsettled(sent), Support.LOST
            # The device would have said that it gave the peer up.
            return Piece(sent, Outcome.OPEN, None, track.confidence), Support.NONE
        last_ns = sent[-1].at_ns
        if self._is_replaced(track, sent):
            # Asked on an SA that was in use no more: whatever became of it, nobody was given up.
            return Piece(sent, Outcome.UNANSWERED, None, track.confidence), Support.LOST
        known = self._foretold.last_wait_ns(track, sent)
        wait = next_wait_ns(sent, track.kind) if known is None else known
        if wait is not None and self._acts.goes_on_ns(track) > last_ns + wait + ON_TIME_NS:
            wait = None  # nobody was given up then
        now = self._tracker.any_clock.now(track.sa.unit.index, track.side)
        gap = self.blind.after(track.sa.peer, last_ns)
        unseen = gap is not None and not horizon_reached(sent, track.kind, gap[0], known)
        acted = self._by_acts(track, sent, now, wait, gap[0] if gap and unseen else self._end_ns)
        if acted is not None:
            return acted, Support.LOST
        if unseen:
            # The next try, the answer, or what else ended it may have come while nobody watched.
            return _unsettled(sent), Support.LOST
        heard_after = now.last_proof_ns > last_ns
        if heard_after:
            # Fresh ESP or IKE after the last question: the peer lives (RFC 7296 section 2.4).
            series = self._rhythms.is_series(track)
            repeated = self._is_repeated(track, sent)
            if (repeated or series) and horizon_reached(sent, track.kind, self._end_ns):
                # Its IKE did not answer all the same: repeating says that nothing came.
                piece = Piece(sent, Outcome.UNANSWERED, None, track.confidence, heard=True)
                # What is never answered says nothing of what is sent beside it.
                return piece, Support.NONE if series else Support.LOST
            return _unsettled(sent), Support.LOST
        if self._rhythms.keeps_interval(track, sent) and len(sent) > 1:
            ran_out = horizon_reached(sent, track.kind, self._end_ns)
            tries = self._rhythms.tries_since(track, now.last_proof_ns)
            if tries > MOST_TRIES and not (ran_out and torn_down(sent, track.kind, now)):
                if not self._fell_silent(track):
                    return _unsettled(sent), Support.UNHEARD
                return Piece(sent, Outcome.OPEN, None, track.confidence), Support.SILENT
            if not ran_out:
                return Piece(sent, Outcome.OPEN, None, track.confidence), Support.NONE
        elif len(sent) == 1 and self._is_deaf(track):
            return _unsettled(sent), Support.UNHEARD
        else:
            ran_out = self._ran_out(track, sent, now, known)
        outcome, verdict = Outcome.OPEN, None
        tried = len(sent) >= FEWEST_TRIES or known is not None
        if self._rhythms.goes_on(track):
            pass  # the prober goes on with the same SA: it has not given it up
        elif tried and not self._rhythms.is_one_run(track, sent, now.last_proof_ns):
            pass
        elif wait is not None and ran_out and tried:
            outcome, verdict = Outcome.UNANSWERED, min(last_ns + wait, self._end_ns)
        elif self._breaks_off(track, sent, now):
            piece = Piece(sent, Outcome.UNANSWERED, None, track.confidence)
            return replace(piece, presumed_ns=now.last_out_ns), Support.LOST
        elif self._end_ns - last_ns >= (horizon_ns := self._lone_horizon_ns(track)):
            piece = Piece(sent, Outcome.UNANSWERED, None, track.confidence)
            return self._ceased.told(track, piece, horizon_ns, now), Support.LOST
        return Piece(sent, outcome, verdict, track.confidence), Support.LOST

    def _is_repeated(self, track: ExchangeTrack, sent: tuple[Transmission, ...]) -> bool:
        """Whether these are a question and its retries for sure: it was not answered."""
        if track.kind is ExchangeKind.LIVENESS or len(track.sequences) == 1:
            return len(sent) > 1
        if track.basis is Basis.LOG or self._dropping.is_much(track.sa.peer):
            return False
        before = self._rhythms.before(track)
        return self._rhythms.are_retries(track, sent) or stayed_away(
            self._tracker, track, before, sent
        )

    def _outlived(self, track: ExchangeTrack, sent: tuple[Transmission, ...]) -> Piece:
        """Questions after which the peer was heard before the next one."""
        if not self._is_repeated(track, sent):
            return _unsettled(sent)
        return Piece(sent, Outcome.UNANSWERED, None, track.confidence, heard=True)

    def _fell_silent(self, track: ExchangeTrack) -> bool:
        """Whether ESP of the peer came until its last answer did, and then neither came.

        Answers that take another way leave ESP as it was.
        """
        answered = self._rhythms.before(track)
        esp_ns = self._tracker.esp_clock.now(track.sa.unit.index, track.side).last_proof_ns
        return bool(answered) and answered[-1].last_ns < esp_ns

    def _is_replaced(self, track: ExchangeTrack, sent: tuple[Transmission, ...]) -> bool:
        """Whether another SA had taken over before the first of these was asked."""
        moved_ns = self._tracker.exposures.took_over_ns(track.sa.unit.index, track.side)
        renewed = track.sa.rekeyed_into
        renewed_ns = None if renewed is None else renewed.established_ns
        return any(ns is not None and ns <= sent[0].at_ns for ns in (moved_ns, renewed_ns))

    def _by_acts(
        self,
        track: ExchangeTrack,
        sent: tuple[Transmission, ...],
        now: Silence,
        wait_ns: int | None,
        seen_ns: int,
    ) -> Piece | None:
        """What both ends did afterwards makes of questions without an answer; None: nothing.

        What they did after `seen_ns` had causes that nobody saw."""
        last_ns = sent[-1].at_ns
        due_ns = None if wait_ns is None else last_ns + wait_ns
        unanswered = partial(Piece, sent, Outcome.UNANSWERED, confidence=track.confidence)
        given_up_ns = self._acts.given_up_ns(track)
        if given_up_ns is not None and (
            not last_ns <= given_up_ns <= seen_ns
            or self._renewals.is_denied(track, sent, given_up_ns)
        ):
            given_up_ns = None
        if given_up_ns is not None and self._renewals.is_one(track, sent, given_up_ns, wait_ns):
            if due_ns is None or given_up_ns <= due_ns + ON_TIME_NS:
                return unanswered(verdict_ns=None)  # it does not ask any longer what it renews
            given_up_ns = None
        came_ns = self._acts.came_anew_ns(track)
        in_time = (
            came_ns is not None and came_ns <= seen_ns and (due_ns is None or came_ns < due_ns)
        )
        # What a log tells at that moment is what comes of it.
        if in_time and (given_up_ns is None or (came_ns or 0) <= given_up_ns + ON_TIME_NS):
            # It restarted, or had given up itself: the prober was not to ask any longer.
            return unanswered(verdict_ns=None)
        if given_up_ns is not None and (
            not last_ns < now.last_proof_ns < given_up_ns
            or _is_after_wait(sent, wait_ns, given_up_ns)
        ):
            heard = last_ns < now.last_proof_ns <= given_up_ns
            return unanswered(verdict_ns=min(given_up_ns, due_ns or given_up_ns), heard=heard)
        if (
            due_ns is not None
            and due_ns <= seen_ns
            and self._is_heard_too_late(track, sent, now, due_ns)
        ):
            return unanswered(verdict_ns=due_ns)
        return None

    def _is_heard_too_late(
        self, track: ExchangeTrack, sent: tuple[Transmission, ...], now: Silence, due_ns: int
    ) -> bool:
        """Whether the peer was heard only after the retries had run out, to no effect.

        It did not notice that it had been given up: the prober never used the SA again.
        """
        if track.heard_again_ns is None or len(sent) < FEWEST_TRIES:
            return False
        late_ns = max(ON_TIME_NS, (due_ns - sent[-1].at_ns) // 20)
        used = now.last_out_ns > due_ns or self._rhythms.goes_on(track)
        return track.heard_again_ns > due_ns + late_ns and not used

    def _ran_out(
        self,
        track: ExchangeTrack,
        sent: tuple[Transmission, ...],
        now: Silence,
        known_ns: int | None,
    ) -> bool:
        """Whether the next retry would have come by the end of the input, were there to be one."""
        if not horizon_reached(sent, track.kind, self._end_ns, known_ns):
            return False
        # Who goes on sending may have been answered unseen: the next question will tell.
        interval = self._rhythms.interval_ns(track)
        usual_ns = track.since_proof_ns if interval is None else interval
        patience_ns = _PATIENCE_NS
        if usual_ns:
            if len(sent) > 1:
                # These may be questions of their own, in the rhythm of questions.
                usual_ns = max(usual_ns, sent[-1].at_ns - sent[-2].at_ns)
            patience_ns = usual_ns + max(_INTERVAL_TOLERANCE_NS, usual_ns // 10)
        return not self._in_use(sent, track.kind, now, known_ns) or (
            self._end_ns >= sent[-1].at_ns + patience_ns
        )

    def _breaks_off(
        self, track: ExchangeTrack, sent: tuple[Transmission, ...], now: Silence
    ) -> bool:
        """Whether the input ends with the last packet of the prober before its next retry."""
        if self._ongoing or self._end_ns - now.last_out_ns > DUPLICATE_NS or now.packets < 2:
            return False
        interval = self._rhythms.interval_ns(track)
        if (
            interval is not None
            and len(sent) > 1
            and is_multiple(sent[-1].at_ns - sent[-2].at_ns, interval)
        ):
            return False  # the next question is due then, as much as the next retry
        pace_ns = (now.last_out_ns - now.first_out_ns) // (now.packets - 1)
        return breaks_off_in_time(sent, track.kind, now.last_out_ns, pace_ns)

    def _in_use(
        self,
        sent: tuple[Transmission, ...],
        kind: ExchangeKind,
        now: Silence,
        known_ns: int | None,
    ) -> bool:
        """Whether traffic goes on past the would-be verdict, to the end of the input."""
        wait = longest_wait_ns(sent, kind, known_ns)
        return (
            wait is not None
            and now.last_out_ns > sent[-1].at_ns + wait
            and self._end_ns - now.last_out_ns <= pause_ns(now)
        )

    def _acted(self, track: ExchangeTrack, sent: tuple[Transmission, ...]) -> bool:
        """Whether the prober gave the SA up, by what it did afterwards."""
        given_up_ns = self._acts.given_up_ns(track)
        if given_up_ns is not None:
            return given_up_ns >= sent[-1].at_ns
        now = self._tracker.any_clock.now(track.sa.unit.index, track.side)
        return horizon_reached(sent, track.kind, self._end_ns) and torn_down(sent, track.kind, now)

    def _is_deaf(self, track: ExchangeTrack) -> bool:
        """Whether the capture is known to have lost the other side, and never got it back."""
        unit = track.sa.unit.index
        esp_ns = self._tracker.esp_clock.now(unit, track.side).last_proof_ns
        return self._tracker.exposures.deafness.is_deaf(unit, track.side, esp_ns)

    def _lone_horizon_ns(self, track: ExchangeTrack) -> int:
        """How long a question that was never repeated stays open."""
        return max(_LONE_HORIZON_NS, 2 * (self._rhythms.interval_ns(track) or 0))

    def _ends_in_delete(self, track: ExchangeTrack, sent: tuple[Transmission, ...]) -> bool:
        """Whether the last message is the Delete of a peer given up, or of a renewed SA."""
        if track.basis is not Basis.RHYTHM:
            return False
        if self._is_replaced(track, sent):
            # An SA that was renewed is deleted when it suits, not in the rhythm of retries.
            return track.sa.last_ns <= sent[-1].at_ns and self._rhythms.breaks_off(track, sent)
        if len(sent) < LEAST_RHYTHM:
            return False
        last_ns = sent[-1].at_ns
        now = self._tracker.any_clock.now(track.sa.unit.index, track.side)
        if now.last_out_ns > last_ns + _ESP_STOPS_NS:
            return False  # the SA was in use after it
        wait_ns = last_ns - sent[-2].at_ns
        for first_ns, sa in self._acts.later(track):
            if sa.initiator == track.side and sa.from_start:
                soon = first_ns - last_ns <= min(_FOLLOWED_BY_NS, wait_ns // 2)
                # After a whole wait it was another question, and nothing was deleted.
                if soon or not horizon_reached(sent, track.kind, first_ns):
                    return soon
                break
        if self._ongoing and not horizon_reached(sent, track.kind, self._end_ns):
            return False  # the next question may be on its way
        flowed = now.last_out_ns != NEVER and now.last_out_ns > sent[-2].at_ns
        # A question has its wait, in which packets were due.
        due_ns = min(self._end_ns - last_ns, wait_ns)
        return flowed and due_ns > max(_FOLLOWED_BY_NS, pause_ns(now))

    def _is_sixth(self, track: ExchangeTrack, piece: Piece) -> bool:
        """Whether the last of six retries on an idle SA is the Delete of a peer given up.

        Nothing goes on or stops with it; but the SA ends there, and no stack that repeats at
        another distance than its interval asks six times (dpd-semantics facts 11 and 12).
        """
        sent = piece.sent
        if track.basis is not Basis.RHYTHM or piece.verdict_ns is None or len(sent) != _SIX:
            return False
        gaps = [later.at_ns - sooner.at_ns for sooner, later in pairwise(sent)]
        if max(gaps) - min(gaps) > _SIXTH_NS or self._foretold.tries(track) == _SIX:
            return False
        if not self._rhythms.is_paired(track) or self._rhythms.keeps_interval(track, sent):
            return False
        now = self._tracker.any_clock.now(track.sa.unit.index, track.side)
        if max(now.last_out_ns, now.last_proof_ns) > sent[-1].at_ns + _ESP_STOPS_NS:
            return False
        given_up_ns = self._acts.given_up_ns(track)
        # After a whole wait it was another question, and nothing was deleted.
        return given_up_ns is None or not _is_after_wait(sent, gaps[-1], given_up_ns)


def _unsettled(sent: tuple[Transmission, ...]) -> Piece:
    """Questions of which nobody knows whether they were answered."""
    return Piece(sent, Outcome.OPEN, None, Confidence.SUSPECT)


def _is_after_wait(sent: tuple[Transmission, ...], wait_ns: int | None, given_up_ns: int) -> bool:
    """Whether the prober acted when its last wait was over, whatever ESP it heard meanwhile."""
    if wait_ns is None or len(sent) < FEWEST_TRIES:
        return False
    late_ns = given_up_ns - sent[-1].at_ns - wait_ns
    return abs(late_ns) <= max(ON_TIME_NS, wait_ns // 20)
