"""Hindsight on a peer: which black holes are none, and what the capture did not show."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from operator import attrgetter, itemgetter
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from analyzers.model.black_hole import BlackHoleClass, StopBasis
from analyzers.model.exchange import Delete, ExchangeKind, Outcome
from analyzers.model.observations import MessageKind
from analyzers.model.records import Basis, Confidence, Problem, ProblemKind, Ref, interrupted
from analyzers.model.time import NS_PER_SECOND, seconds
from analyzers.tracking.engine import Tracker
from analyzers.tracking.flows import Cut
from analyzers.tracking.holes import BY_VERDICT, MISSING_DPD_NS, HoleTrack, Run, class_by_verdict
from analyzers.tracking.outcomes import Outcomes
from analyzers.tracking.pieces import Support
from analyzers.tracking.silence import NEVER
from analyzers.tracking.tracks import ExchangeTrack, PeerTrack, RequestTrack, SaTrack, UnitTrack
from analyzers.tracking.unjudged import perhaps_answered, without_verdict

# No retry of phase 1 comes later than this after the first ones.
_ATTEMPT_NS: Final = 30 * NS_PER_SECOND
# A time in which neither side is captured is told from this length on.
_GAP_NS: Final = 3 * NS_PER_SECOND
# Gaps of one peer that are told.
_MOST_GAPS: Final = 64
_MOST_REQUESTS: Final = 16
# ESP of who deletes an SA may be on its way so long.
_ON_ITS_WAY_NS: Final = 2 * NS_PER_SECOND
# IKE SAs that are looked at: the newest, where it is who speaks again, or those after one.
_RECENT: Final = 16
_BEGINNINGS: Final = frozenset({MessageKind.SA_INIT, MessageKind.AUTH})
_REQUESTS: Final = {
    MessageKind.SA_INIT: "IKE_SA_INIT",
    MessageKind.AUTH: "IKE_AUTH",
    MessageKind.CREATE_CHILD: "CREATE_CHILD_SA",
}


class Gap(Struct, frozen=True):
    """A time of which the capture has nothing of a peer, though both sides went on sending."""

    start_ns: int
    end_ns: int
    missing: int
    """ESP packets of both sides, by their sequence numbers."""


class Hindsight:
    """Reads what the tracker and the outcomes know of the whole input; changes nothing."""

    def __init__(self, tracker: Tracker, outcomes: Outcomes, end_ns: int) -> None:
        self._tracker = tracker
        self._outcomes = outcomes
        self._end_ns = end_ns
        self._cuts: dict[int, tuple[list[Cut], list[Cut]]] | None = None
        self._flows: dict[PeerTrack, dict[int, list[int]]] = {}
        """By peer, and by unit."""

    # --- IKE SAs ---------------------------------------------------------------------------

    def failed(self, sa: SaTrack) -> bool:
        """Whether an attempt at an IKE SA met no answer, and its initiator had to give it up.

        Retries grow: the next one comes later than the time that all before it took together.
        """
        responder = 1 - sa.initiator
        if sa.version == 1:
            is_attempt = sa.is_attempt and not sa.clear_messages[responder]
        else:
            is_attempt = sa.is_half_open and _is_begun_in_vain(sa)
        if not is_attempt or not sa.peer.heard[responder]:
            return False
        waited_ns = self._end_ns - sa.last_ns
        return waited_ns > max(_ATTEMPT_NS, sa.last_ns - sa.first_ns) or _is_begun_anew(sa)

    def lives_on(self, sa: SaTrack, delete: Delete) -> bool:
        """Whether Child SAs of an IKEv2 SA go on that was deleted: another one has taken them over.

        It need not have spoken yet, and its negotiation need not be in the capture.
        """
        if sa.version != 2:
            return False
        flows, side = self._tracker.flows, sa.peer.side_of(delete.sender)
        return any(
            flows.first_ns[flow] < delete.at_ns < flows.last_ns[flow] - _ON_ITS_WAY_NS
            and self._tracker.owner_of_flow(flow)[1] == side
            for flow in self._flows_of(sa.unit)
        )

    def _flows_of(self, unit: UnitTrack) -> Sequence[int]:
        """The flows of an IKE SA with its Child SAs; those of a peer are looked through once."""
        known = self._flows.get(unit.peer)
        if known is None:
            known = self._flows[unit.peer] = {}
            for flow in unit.peer.flows:
                known.setdefault(self._tracker.unit_of_flow(flow).index, []).append(flow)
        return known.get(unit.index, ())

    # --- black holes -----------------------------------------------------------------------

    def stands(self, track: HoleTrack) -> HoleTrack | None:
        """A black hole as it is after all; None where there was none."""
        hole: HoleTrack | None = track
        if track.run is not None:
            support = self._support(track.run.exchange)
            if support is Support.UNHEARD:
                return None
            if support in (Support.NONE, Support.SILENT):
                hole = track.without_run
                if self._outcomes.of(track.run.exchange).pieces:
                    hole = perhaps_answered(track, track.run, one_way=self._is_one_way(track))
            elif self._tells_no_loss(track.run.exchange):
                hole = track.bounded_without_run()
                if hole.dead_ns is None and track.run.exchange.dead_ns is None:
                    hole = track.without_run
        if hole is None or not hole.unit.peer.heard[1 - hole.role]:
            return None
        if self._is_unseen(hole):
            return None
        if hole.hole_class is BlackHoleClass.MISSING_DPD and not self._is_known_unasked(hole):
            return replace(hole, hole_class=without_verdict(hole), confidence=Confidence.SUSPECT)
        if hole.run is None:
            return hole
        judged = self._with_verdict(hole, hole.run)
        return None if judged is None else self._as_far_as_seen(judged, hole.run)

    def _is_one_way(self, hole: HoleTrack) -> bool:
        """Whether no ESP of the other side came before the end of a black hole."""
        flows = self._tracker.flows
        return not any(
            flows.first_ns[flow] < hole.stop_ns
            and self._tracker.owner_of_flow(flow)[1] != hole.role
            for flow in self._flows_of(hole.unit)
        )

    def _tells_no_loss(self, exchange: ExchangeTrack) -> bool:
        """Whether a question in vain says nothing of what was sent beside it.

        What did not come by the capture of that time may not have left, as the rest did; and what
        was answered, be it in vain, has arrived.
        """
        captured = self._tracker.logs.is_captured(exchange.first_ns)
        left_out = exchange.basis is Basis.LOG and captured
        return left_out or (exchange.answered and bool(exchange.replies))

    def _with_verdict(self, hole: HoleTrack, run: Run) -> HoleTrack | None:
        """A black hole with what became of its questions after all."""
        pieces = self._outcomes.of(run.exchange).pieces
        last = pieces[-1] if pieces else None
        if last is None or last.outcome is not Outcome.UNANSWERED:
            return hole
        if last.confidence is Confidence.SUSPECT:
            hole = replace(hole, confidence=Confidence.SUSPECT)
        if last.presumed_ns is not None and hole.dead_ns is not None:
            return replace(hole, confidence=Confidence.SUSPECT)
        verdict_ns = last.verdict_ns or self._given_up_beside(hole, run)
        if verdict_ns is None and hole.dead_ns is not None:
            # The peer came back on another SA before it was given up on this one.
            if hole.hole_class is BlackHoleClass.IDLE:
                return None
            return replace(hole, hole_class=without_verdict(hole), dead_ns=None)
        if verdict_ns is not None and hole.dead_ns is not None:
            # One verdict has one time.
            told = self._until_back(replace(hole, dead_ns=verdict_ns), verdict_ns)
            return self._classified(told) if hole.hole_class in BY_VERDICT else told
        stop_ns, stop_basis = hole.stop_ns, hole.stop_basis
        if last.ceased_ns is not None and verdict_ns is None:
            # Who asks no more may have been answered unseen.
            sure = hole.confidence is Confidence.CERTAIN
            level = Confidence.INFERRED if sure else hole.confidence
            return replace(hole, ceased_ns=last.ceased_ns, confidence=level)
        if verdict_ns is None:
            return hole
        if stop_basis is StopBasis.PROOF and verdict_ns >= stop_ns:
            return hole
        if stop_basis is StopBasis.PROOF:
            # It was heard again, too late: it had been given up, and nothing was sent any more.
            stop_ns, stop_basis = hole.silence.last_out_ns, StopBasis.LAST_OUTBOUND
            if seconds(stop_ns - hole.silence.first_out_ns) < self._tracker.report_s:
                return None
        told = replace(hole, dead_ns=verdict_ns, stop_ns=stop_ns, stop_basis=stop_basis)
        return self._classified(self._until_back(told, verdict_ns))

    def _classified(self, hole: HoleTrack) -> HoleTrack:
        """A black hole with a verdict, in the class that the time of the verdict makes it."""
        if hole.dead_ns is None:
            return hole
        budget_ns = self._tracker.budget_of(hole.unit, hole.role)
        chosen = class_by_verdict(hole.silence, hole.dead_ns, hole.stop_ns, budget_ns)
        return replace(hole, hole_class=chosen)

    def _given_up_beside(self, hole: HoleTrack, run: Run) -> int | None:
        """The verdict on what was asked beside a run in its silence, on the SA that renewed its
        own one."""
        found = (
            self._outcomes.of(x).verdict_ns
            for x in hole.unit.peer.exchanges
            if x.sa is run.exchange.sa.rekeyed_into
            and x.side == hole.role
            and hole.silence.last_proof_ns < x.first_ns <= hole.stop_ns
        )
        return next((at_ns for at_ns in found if at_ns is not None), None)

    def _until_back(self, hole: HoleTrack, dead_ns: int) -> HoleTrack:
        """A black hole of a peer given up, with when it was back, or was heard in vain."""
        back_ns, heard_ns = self._back_ns(hole, dead_ns), hole.recovered_ns
        return replace(
            hole, recovered_ns=back_ns, heard_again_ns=heard_ns if back_ns is None else None
        )

    def _back_ns(self, hole: HoleTrack, dead_ns: int) -> int | None:
        """When a peer was back that had been given up.

        Who gave it up, and has no word for it on the SAs of then once it is heard again, has them
        no more: what the peer sends there comes to nobody until there is a new one.
        """
        back_ns = hole.recovered_ns
        if back_ns is None:
            return None
        anew: list[int] = []
        for sa in hole.unit.peer.sas[-_RECENT:]:
            begun_ns = sa.first_ns if sa.established_ns is None else sa.established_ns
            if begun_ns > dead_ns and sa.established_ns is not None:
                anew.append(begun_ns)
            clock = self._tracker.any_clock.now(sa.unit.index, 1 - hole.role)
            if begun_ns <= dead_ns and clock.last_proof_ns >= back_ns:
                return back_ns
        return max(back_ns, min(anew)) if anew else None

    def _as_far_as_seen(self, hole: HoleTrack, run: Run) -> HoleTrack | None:
        """A black hole without what rests on a time in which nobody watched: it may have ended."""
        gap = self._outcomes.blind.after(hole.unit.peer, run.last_ns)
        if gap is None or gap[0] >= hole.stop_ns:
            return hole
        seen = replace(hole, min_start_ns=None, min_packets=0, confidence=Confidence.SUSPECT)
        if hole.dead_ns is None or hole.dead_ns <= gap[0]:
            return seen
        if hole.hole_class is BlackHoleClass.IDLE:
            return None
        return replace(seen, hole_class=without_verdict(hole), dead_ns=None)

    def _is_known_unasked(self, hole: HoleTrack) -> bool:
        """Whether nobody asked for long enough, of what is seen of a silence.

        Without IKE in the capture nobody can tell.
        """
        return bool(hole.unit.peer.sas) and self._seen_ns(hole) >= MISSING_DPD_NS

    def _is_unseen(self, hole: HoleTrack) -> bool:
        """Whether a silence that no question supports is for the most part nobody's watching."""
        start_ns, stop_ns = hole.silence.first_out_ns, hole.stop_ns
        if hole.run is not None or start_ns == NEVER:
            return False
        seen_ns = self._seen_ns(hole)
        return seen_ns < stop_ns - start_ns and seconds(seen_ns) < self._tracker.report_s

    def _seen_ns(self, hole: HoleTrack) -> int:
        """How much of a silence somebody watched."""
        start_ns, stop_ns = hole.silence.first_out_ns, hole.stop_ns
        return stop_ns - start_ns - self._outcomes.blind.within(hole.unit.peer, start_ns, stop_ns)

    def _support(self, exchange: ExchangeTrack) -> Support:
        settled = self._outcomes.of(exchange)
        if not settled.pieces and settled.support is Support.UNHEARD:
            return Support.UNHEARD
        if not settled.pieces and exchange.kind is ExchangeKind.DPD:
            return Support.NONE
        if settled.support is Support.NONE and exchange.answered and self._is_cut(exchange):
            return Support.UNHEARD
        return settled.support

    def _is_cut(self, exchange: ExchangeTrack) -> bool:
        """Whether ESP of the other side went on while its questions seemed to have no answer."""
        cuts = self._cuts_of(exchange.sa.peer)[1 - exchange.side]
        return any(c.start_ns <= exchange.last_ns and c.end_ns > exchange.first_ns for c in cuts)

    # --- what was not captured -------------------------------------------------------------

    def problems(self, peer: PeerTrack) -> list[Problem]:
        """Directions and times that the capture lost."""
        found = [self._one_way(peer, side) for side in (0, 1) if not peer.heard[side]]
        wide = {sa.unit.index for sa in peer.sas if not sa.window_one}
        for stretch in self._tracker.exposures.deafness.of(peer.units):
            since_ns, until_ns = stretch.since_ns, stretch.until_ns
            if not peer.heard[1 - stretch.role] or stretch.unit.index in wide:
                continue
            found.append(
                self._unheard(
                    peer,
                    1 - stretch.role,
                    None if since_ns == NEVER else since_ns,
                    until_ns,
                    f"each new message ID of {peer.address(stretch.role)} proves an answer",
                    stretch.ref,
                )
            )
        found += [self._unheard_answers(peer, x) for x in self._asked_with(peer, Support.UNHEARD)]
        found += [self._silence(peer, x) for x in self._asked_with(peer, Support.SILENT)]
        found += [
            Problem(
                ProblemKind.CAPTURE_INSUFFICIENT,
                f"nothing of either side was captured for {_length(gap.start_ns, gap.end_ns)}:"
                f" {gap.missing:,} ESP packets are missing by their sequence numbers",
            )
            for gap in self.gaps(peer)
        ]
        found += [
            Problem(ProblemKind.CAPTURE_INSUFFICIENT, interrupted(*span))
            for span in self._outcomes.blind.of(peer)
        ]
        return found + self.unanswered_requests(peer)

    def _asked_with(self, peer: PeerTrack, support: Support) -> list[ExchangeTrack]:
        # What was asked once and answered has no other support than others.
        asked = [x for x in peer.exchanges if not x.is_plain and x.kind is ExchangeKind.DPD]
        return [x for x in asked if self._support(x) is support]

    def untold(self, peer: PeerTrack) -> list[tuple[int, int | None]]:
        """Times, from and to, of which nobody can tell whether the peer lived."""
        found: list[tuple[int, int | None]] = [(g.start_ns, g.end_ns) for g in self.gaps(peer)]
        for exchange in self._asked_with(peer, Support.UNHEARD):
            answer = exchange.answer
            found.append((exchange.first_ns, None if answer is None else answer.at_ns))
        return sorted(found, key=itemgetter(0))

    def unanswered_requests(self, peer: PeerTrack) -> list[Problem]:
        """Requests that are no liveness questions, were sent again, and met no answer."""
        found: list[Problem] = []
        for request in self._repeated(peer):
            if len(found) >= _MOST_REQUESTS:
                break
            name = _REQUESTS.get(request.kind, "INFORMATIONAL")
            found.append(
                Problem(
                    ProblemKind.REQUEST_UNANSWERED,
                    f"{name} of {peer.address(request.side)}, message ID {request.message_id}, was"
                    f" sent {request.sent} times and never answered",
                    request.ref,
                )
            )
        return found

    def given_up(self, sa: SaTrack) -> tuple[int, Ref | None] | None:
        """When a request with another purpose than liveness ran out and the SA was given up."""
        for request in sa.requests.values():
            exchange = request.exchange
            if exchange is None or exchange.listed or exchange.answered:
                continue
            verdict_ns = self._outcomes.of(exchange).verdict_ns
            if verdict_ns is not None:
                return verdict_ns, exchange.transmissions[-1].ref
        return None

    def verdicts(self, peer: PeerTrack) -> frozenset[int]:
        """When SAs were given up over requests with another purpose than liveness."""
        given_up = (self.given_up(sa) for sa in peer.sas)
        return frozenset(verdict[0] for verdict in given_up if verdict is not None)

    def _repeated(self, peer: PeerTrack) -> Iterator[RequestTrack]:
        for sa in peer.sas:
            for request in sa.requests.values():
                unlisted = not self._is_listed(request.exchange)
                open_ = not request.answered and not request.assumed and request.delete is None
                if unlisted and open_ and request.sent > 1 and peer.heard[1 - request.side]:
                    yield request

    def _is_listed(self, exchange: ExchangeTrack | None) -> bool:
        if exchange is None or not exchange.listed:
            return False
        return not exchange.candidate or bool(self._outcomes.of(exchange).pieces)

    def _unheard_answers(self, peer: PeerTrack, exchange: ExchangeTrack) -> Problem:
        answer = exchange.answer
        return self._unheard(
            peer,
            1 - exchange.side,
            exchange.first_ns,
            None if answer is None else answer.at_ns,
            f"{peer.address(exchange.side)} kept the interval of its questions as if answered",
            exchange.transmissions[0].ref,
        )

    def _silence(self, peer: PeerTrack, exchange: ExchangeTrack) -> Problem:
        asked, there = peer.address(exchange.side), peer.address(1 - exchange.side)
        return Problem(
            ProblemKind.CAPTURE_INSUFFICIENT,
            f"nothing from {there} was captured any more while {asked} asked"
            f" {len(exchange.transmissions)} times in the interval of its answered questions:"
            f" {there} fell silent, or the capture lost all that it sends",
            exchange.transmissions[0].ref,
        )

    def _unheard(
        self,
        peer: PeerTrack,
        side: int,
        since_ns: int | None,
        until_ns: int | None,
        proof: str,
        ref: Ref,
    ) -> Problem:
        start_ns = peer.first_ns if since_ns is None else since_ns
        how_long = _length(start_ns, self._end_ns if until_ns is None else until_ns)
        end = ", to the end," if until_ns is None else ""
        return Problem(
            ProblemKind.CAPTURE_INSUFFICIENT,
            f"nothing from {peer.address(side)} was captured for {how_long}{end} although {proof}:"
            " its silence there says nothing",
            ref,
        )

    @staticmethod
    def _one_way(peer: PeerTrack, side: int) -> Problem:
        return Problem(
            ProblemKind.CAPTURE_INSUFFICIENT,
            f"nothing from {peer.address(side)} was captured: silence and missing answers say"
            " nothing",
        )

    def gaps(self, peer: PeerTrack) -> list[Gap]:
        """Times in which ESP of both sides is missing, and nothing else was captured either."""
        found: list[Gap] = []
        if not all(self._cuts_of(peer)):
            return found
        blind = self._outcomes.blind
        asked = sorted(sent.at_ns for x in peer.exchanges for sent in x.transmissions)
        for one, other in _overlapping(*self._cuts_of(peer)):
            overlap = max(one.start_ns, other.start_ns), min(one.end_ns, other.end_ns)
            start_ns, end_ns = _longest_without(asked, *overlap)
            if end_ns - start_ns - blind.within(peer, start_ns, end_ns) < _GAP_NS:
                continue  # or it is known why
            if found and start_ns < found[-1].end_ns:
                continue  # another Child SA of the same gap
            found.append(Gap(start_ns, end_ns, one.missing + other.missing))
            if len(found) >= _MOST_GAPS:
                break
        return found

    def _cuts_of(self, peer: PeerTrack) -> tuple[list[Cut], list[Cut]]:
        """Cuts of the flows that each side sends, in time order."""
        if self._cuts is None:
            self._cuts = {}
            for cut in sorted(self._tracker.flows.cuts, key=lambda c: c.start_ns):
                owner, side = self._tracker.owner_of_flow(cut.flow)
                self._cuts.setdefault(owner.index, ([], []))[side].append(cut)
        return self._cuts.get(peer.index, ([], []))


def _overlapping(ones: list[Cut], others: list[Cut]) -> Iterable[tuple[Cut, Cut]]:
    """Pairs of cuts, one of each list, that overlap; both lists are in time order."""
    first = 0
    for one in ones:
        while first < len(others) and others[first].end_ns <= one.start_ns:
            first += 1
        for other in others[first:]:
            if other.start_ns >= one.end_ns:
                break
            if other.end_ns > one.start_ns:
                yield one, other


def _longest_without(times: list[int], start_ns: int, end_ns: int) -> tuple[int, int]:
    """The longest part of a time in which none of the sorted `times` falls."""
    within = times[bisect_right(times, start_ns) : bisect_left(times, end_ns)]
    cuts = [start_ns, *within, end_ns]
    return max(pairwise(cuts), key=lambda part: part[1] - part[0])


def _length(start_ns: int, end_ns: int) -> str:
    return f"{seconds(max(0, end_ns - start_ns)):,.1f} s"


def _is_begun_in_vain(sa: SaTrack) -> bool:
    """Whether the last message that should set up an IKEv2 SA met no answer."""
    asked = [*sa.requests.values()]
    begins = all(request.kind in _BEGINNINGS for request in asked)
    return begins and bool(asked) and not asked[-1].answered


def _is_begun_anew(sa: SaTrack) -> bool:
    """Whether the initiator of an IKEv2 SA began another one after its last message."""
    place = bisect_right(sa.peer.sas, sa.index, key=attrgetter("index"))
    return sa.version == 2 and any(
        later.from_start and later.initiator == sa.initiator and later.first_ns > sa.last_ns
        for later in sa.peer.sas[place : place + _RECENT]
    )
