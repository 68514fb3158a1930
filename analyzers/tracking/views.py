"""From the tracker's working state to the frozen views that reports and screens read."""

from __future__ import annotations

from functools import cache
from statistics import median

import numpy as np
from msgspec.structs import replace

from analyzers.model.black_hole import BlackHole
from analyzers.model.exchange import Delete, DeleteProtocol, Exchange, Outcome, Transmission
from analyzers.model.peer import Activity, LocalBasis, PeerView
from analyzers.model.policy import DpdPolicy, PolicyBasis, PolicyMode
from analyzers.model.records import Basis
from analyzers.model.sa import IkeSa
from analyzers.model.time import ORDER_LIMIT_NS, seconds
from analyzers.tracking import liveness, policy
from analyzers.tracking.beside import Beside
from analyzers.tracking.engine import Tracker
from analyzers.tracking.flow_views import flow_views
from analyzers.tracking.hindsight import Hindsight
from analyzers.tracking.holes import HoleTrack, hole_of_child
from analyzers.tracking.logged_questions import first_heard_ns
from analyzers.tracking.losses import (
    is_logged,
    is_watched,
    place_of_loss,
    since_proof_ns,
    with_losses,
    without_lost_proofs,
)
from analyzers.tracking.other_requests import missed
from analyzers.tracking.outcomes import Outcomes
from analyzers.tracking.pieces import Piece, of_pieces
from analyzers.tracking.restarted import starts_of, with_lost, with_starts
from analyzers.tracking.sa_views import delete_view, inferred_delete, sa_view
from analyzers.tracking.silence import NEVER
from analyzers.tracking.silence_rows import ref_of
from analyzers.tracking.tracks import ExchangeTrack, PeerTrack
from analyzers.tracking.unproven import unproven
from analyzers.tracking.unread import with_unread
from analyzers.tracking.verdicts import alive_ns, holes_of_log, judged_by_log, quiet_times

LocalSide = tuple[int, LocalBasis]
"""Which side is ours, and why."""


class Viewer:
    """Builds the views of all peers; reads the tracker and changes nothing."""

    def __init__(
        self,
        tracker: Tracker,
        local: frozenset[str],
        end_ns: int | None,
        *,
        one_by_one: bool = False,
        ongoing: bool = False,
        guessed: dict[int, LocalSide] | None = None,
    ) -> None:
        """`one_by_one`: views are asked for singly, and events are numbered within their peer.

        `ongoing`: more is to come. Silences that go on make a peer questionable before they are
        black holes, and that nothing comes after the last packet means nothing yet.

        `guessed`: the local side of peers by index, where nothing tells; it grows, and what is in
        it stays so.
        """
        self._tracker = tracker
        self._end_ns = tracker.now_ns if end_ns is None else max(end_ns, tracker.now_ns)
        self._local = local
        self._guessed = {} if guessed is None else guessed
        self._common = _common_addresses(tracker.table.peers)
        self._silence = cache(tracker.any_clock.now)
        self._outcomes = Outcomes(tracker, self._end_ns, ongoing=ongoing)
        self._hindsight = Hindsight(tracker, self._outcomes, self._end_ns)
        holes = tracker.exposures.finish(
            self._end_ns,
            lambda exchange: self._outcomes.of(exchange).ended_ns,
            ongoing=ongoing,
        )
        self._holes: dict[int, list[HoleTrack]] = {}
        for track in holes:
            hole = self._hindsight.stands(track)
            if hole is not None:
                self._holes.setdefault(hole.unit.peer.index, []).append(hole)
        self._beside = Beside(tracker, self._holes)
        children = tracker.children
        for lone in [*children.found, *children.silent_now()]:
            self._add_lone(hole_of_child(lone, self._end_ns))
        self._doubts: dict[int, int] = {}
        for doubted, since_ns in tracker.exposures.doubts(self._end_ns) if ongoing else ():
            self._doubts.setdefault(doubted.index, since_ns)
        self._numbers = {"x": 0, "b": 0}
        self._one_by_one = one_by_one
        self._prefix = ""

    def _add_lone(self, hole: HoleTrack) -> None:
        """Keep the black hole of one Child SA, unless all of them were silent with it."""
        known = self._holes.setdefault(hole.unit.peer.index, [])
        if not any(
            other.role == hole.role
            and other.silence.first_out_ns <= hole.stop_ns
            and other.stop_ns >= hole.silence.first_out_ns
            for other in known
        ):
            known.append(hole)

    def peers(self) -> tuple[PeerView, ...]:
        """All peers in the order in which they appeared."""
        return tuple(self.view(peer) for peer in self._tracker.table.peers)

    def holes_known(self, peer: PeerTrack) -> tuple[object, ...]:
        """What is different when a black hole of a peer is, or what may become one."""
        return (
            self._doubts.get(peer.index),
            *(
                (hole.role, hole.silence.first_out_ns, hole.stop_ns, hole.recovered_ns)
                for hole in self._holes.get(peer.index, ())
            ),
        )

    def with_traffic(self, view: PeerView, peer: PeerTrack) -> PeerView:
        """A view that was made before, with the ESP since; all else is as it was."""
        local_side, _ = self.local_side(peer)
        flows = flow_views(self._tracker.flows, self._tracker.crossed, peer.flows)
        return replace(
            view,
            esp_flows=flows,
            activity=self._activity(peer, local_side),
            last_ns=max([peer.last_ns, *(flow.last_ns for flow in flows)]),
            last_proof_ns=self._last_proof(peer, local_side),
            until_ns=self._end_ns,
        )

    def view(self, peer: PeerTrack) -> PeerView:
        """One peer."""
        if self._one_by_one:
            self._numbers = {"x": 0, "b": 0}
            self._prefix = f"{peer.index + 1}."
        local_side, basis = self.local_side(peer)
        local, remote = peer.address(local_side), peer.address(1 - local_side)
        exchanges, deletes, unknown = self._exchanges(peer)
        holes = with_unread(self._black_holes(peer), peer.messages, exchanges, deletes)
        holes = self._tracker.crossed.with_losses(holes, self._tracker.flows, peer)
        last_asked = {x.ike_sa: x for x in exchanges}
        gone = {d.ike_sa: d for d in reversed(deletes) if d.protocol is DeleteProtocol.IKE}
        moved_ns = self._tracker.exposures.took_over_ns
        sas = tuple(
            sa_view(
                sa,
                last_asked.get(sa.id),
                gone.get(sa.id),
                self._hindsight,
                moved_ns(sa.unit.index, sa.initiator),
            )
            for sa in peer.sas
        )
        restarts = [] if peer.captured else starts_of(peer.hints, local)
        sas = with_lost(sas, restarts)
        flows = flow_views(self._tracker.flows, self._tracker.crossed, peer.flows)
        first_ns = min([peer.first_ns, *(f.first_ns for f in flows)])
        last_ns = max([peer.last_ns, *(f.last_ns for f in flows)])
        heard = [f.first_ns for f in flows if peer.side_of(f.sender) == 1 - local_side]
        heard += first_heard_ns(peer, 1 - local_side)
        others = [self._exchange(peer, *one) for one in missed(peer, self._outcomes)]
        asked = sorted([*exchanges, *others], key=lambda x: x.first_ns)
        states = liveness.spans(local, sas, exchanges, holes, deletes, first_ns, heard, others)
        states = liveness.with_untold(states, self._hindsight.untold(peer))
        states = liveness.with_untold(states, unproven(self._tracker, peer, flows))
        blind = self._outcomes.blind
        states = liveness.with_blind(states, blind.of(peer), blind.heard_ns(peer, 1 - local_side))
        states = liveness.with_doubt(states, self._doubts.get(peer.index))
        rtts = [rtt_ns for x in exchanges if (rtt_ns := x.rtt_ns) is not None]
        timed = [x for x in exchanges if x.first_ns >= ORDER_LIMIT_NS]
        policies = [
            policy.observe(
                peer.address(side), timed, sas, traffic_shown=bool(flows), captured=peer.captured
            )
            for side in (0, 1)
        ]
        policies += [self._agreed(peer, side) for side in (0, 1)]
        seen = {p.holder: p for p in policies if p is not None}
        policies += [
            policy.with_seen_retries(
                p, seen.get(p.holder), timed, self._tracker.configured.other_readings(p)
            )
            for p in self._configured(peer)
        ]
        logged = [x for x in exchanges if x.basis is Basis.LOG and not self._is_captured(x)]
        intervals_s = policy.known_intervals_s(policies)
        if not peer.captured:
            states = liveness.with_untold(states, quiet_times(exchanges, intervals_s))
            states = with_starts(states, restarts, alive_ns(sas, exchanges))
            holes = self._logged_holes(peer, exchanges, deletes, sas, intervals_s, first_ns)
        elif logged:
            # No capture shows that time: what was sent then is as unknown as with a log alone.
            starts = {x.first_ns for x in logged}
            told = self._logged_holes(peer, tuple(logged), deletes, sas, intervals_s, first_ns)
            holes = (*told, *(h for h in holes if h.first_probe_ns not in starts))
        problems = [*peer.problems, *self._hindsight.problems(peer)]
        return PeerView(
            id=f"p{peer.index + 1}",
            local=local,
            remote=remote,
            local_basis=basis,
            state=states[-1].state,
            first_ns=first_ns,
            last_ns=last_ns,
            ike_sas=sas,
            esp_flows=flows,
            exchanges=exchanges,
            deletes=deletes,
            black_holes=holes,
            policies=tuple(p for p in policies if p is not None),
            states=tuple(states),
            activity=self._activity(peer, local_side),
            hints=tuple(peer.hints),
            problems=tuple(problems),
            last_proof_ns=self._last_proof(peer, local_side),
            rtt_ns=round(median(rtts)) if rtts else None,
            ike_messages=peer.ike_messages,
            retransmissions=peer.retransmissions,
            unknown_informationals=peer.unknown_informationals + unknown,
            addresses=tuple(peer.addresses[1 - local_side]),
            until_ns=self._end_ns,
            messages=tuple(peer.messages),
            logged=tuple(
                log for log in self._tracker.logs.reaches if peer.side_of(log.address) is not None
            ),
            lost_deletes=tuple(delete_view(peer, d) for d in peer.lost_deletes),
            forgotten=peer.forgotten,
            unheard=tuple(peer.address(side) for side in (0, 1) if not peer.heard[side]),
            confidence=liveness.confidence(
                asked, deletes, states, sas, self._hindsight.verdicts(peer)
            ),
        )

    def _is_captured(self, exchange: Exchange) -> bool:
        return self._tracker.logs.is_captured(exchange.first_ns)

    def _logged_holes(
        self,
        peer: PeerTrack,
        exchanges: tuple[Exchange, ...],
        deletes: tuple[Delete, ...],
        sas: tuple[IkeSa, ...],
        intervals_s: dict[str, float],
        first_ns: int,
    ) -> tuple[BlackHole, ...]:
        """The black holes of a peer that only logs tell of."""
        kept = []
        budget_of, unit = self._tracker.budget_of, peer.units[0]
        budgets_ns = {peer.address(side): budget_of(unit, side) for side in (0, 1)}
        for hole in holes_of_log(exchanges, deletes, sas, intervals_s, budgets_ns, first_ns):
            if hole.max_seconds >= self._tracker.report_s:
                self._numbers["b"] += 1
                kept.append(replace(hole, id=f"b{self._prefix}{self._numbers['b']}"))
        return tuple(kept)

    def _agreed(self, peer: PeerTrack, side: int) -> DpdPolicy | None:
        """The interval that a device's log names for its own questions."""
        agreed = self._tracker.logs.agreed.get((peer.index, side))
        if agreed is None:
            return None
        return DpdPolicy(
            holder=peer.address(side),
            profile=None,
            mode=PolicyMode.UNKNOWN,
            interval_s=agreed[0],
            retry_s=None,
            retries=None,
            basis=PolicyBasis.CONFIG,
            worst_case_s=None,
            evidence=f"its log says that DPD is set to {agreed[0]:g} s",
            ref=agreed[1],
        )

    def _configured(self, peer: PeerTrack) -> list[DpdPolicy]:
        """The policies of both sides as the user and configurations have them."""
        version = peer.sas[-1].version if peer.sas else None
        return self._tracker.configured.of_ends((peer.address(0), peer.address(1)), version)

    # --- who is local ----------------------------------------------------------------------

    def local_side(self, peer: PeerTrack) -> LocalSide:
        """Which side is ours, and why."""
        known = self._known_side(peer)
        if known is None:
            known = self._guessed.get(peer.index)
        if known is None:
            known = self._guessed[peer.index] = self._guess(peer)
        return known

    def _known_side(self, peer: PeerTrack) -> LocalSide | None:
        """The side that the user or an input names."""
        for side in (0, 1):
            if self._local.intersection(peer.addresses[side]):
                return side, LocalBasis.GIVEN
        own = self._tracker.configured.local((peer.address(0), peer.address(1)))
        if own is not None:
            return own, LocalBasis.CONFIG
        for addresses in self._tracker.captured_at:
            ours = [side for side in (0, 1) if addresses.intersection(peer.addresses[side])]
            if len(ours) == 1:
                return ours[0], LocalBasis.INTERFACE
        logged = [s for d in self._tracker.logs.devices if (s := peer.side_of(d)) is not None]
        # Of both ends the hub, which others have too, else the one that comes first.
        own = max(logged, key=lambda side: self._common.get(peer.address(side), 0), default=None)
        return None if own is None else (own, LocalBasis.LOG)

    def _guess(self, peer: PeerTrack) -> LocalSide:
        common = [self._common.get(peer.address(side), 0) for side in (0, 1)]
        if common[0] != common[1]:
            return (0 if common[0] > common[1] else 1), LocalBasis.MOST_COMMON
        return 0, LocalBasis.INITIATOR

    # --- exchanges and Deletes -------------------------------------------------------------

    def _exchanges(self, peer: PeerTrack) -> tuple[tuple[Exchange, ...], tuple[Delete, ...], int]:
        """What there is of them, and how many Informationals nobody can tell apart."""
        unknown = 0
        deletes = [delete_view(peer, d) for d in peer.deletes]
        exchanges: list[Exchange] = []
        for track in sorted(peer.exchanges, key=lambda x: x.first_ns):
            settled = self._outcomes.of(track)
            unknown += settled.unknown
            if len(settled.pieces) == 1 and not track.replies and settled.delete is None:
                exchanges.append(self._exchange(peer, track, settled.pieces[0]))
                continue
            if settled.delete is not None:
                deletes.append(inferred_delete(track, settled.delete))
            lost = of_pieces(track.replies, settled.pieces)
            exchanges += [
                self._exchange(peer, track, piece, answers)
                for piece, answers in zip(settled.pieces, lost, strict=True)
            ]
        # What was one question and is several now reaches over others.
        exchanges.sort(key=lambda x: x.first_ns)
        deletes.sort(key=lambda d: d.at_ns)
        return without_lost_proofs(exchanges), tuple(deletes), unknown

    def _exchange(
        self,
        peer: PeerTrack,
        track: ExchangeTrack,
        piece: Piece,
        lost_answers: tuple[Transmission, ...] = (),
    ) -> Exchange:
        """An exchange; what the report does not list has no id."""
        self._numbers["x"] += track.listed
        silence = self._silence(track.sa.unit.index, track.side)
        logs = self._tracker.logs
        watched = is_watched(self._tracker.watched, track, piece.sent)
        answered = piece.outcome is Outcome.ANSWERED
        is_first = piece.sent[0] == track.transmissions[0]
        return Exchange(
            id=f"x{self._prefix}{self._numbers['x']}" if track.listed else "",
            ike_sa=track.sa.id,
            kind=track.kind,
            prober=peer.address(track.side),
            responder=peer.address(1 - track.side),
            sequence=track.sequence if answered else track.sequence_of(piece.sent[0]),
            transmissions=with_losses(logs, track, piece.sent),
            answer=track.answer if answered else None,
            outcome=piece.outcome,
            basis=track.basis,
            confidence=piece.confidence,
            answer_evidence=track.evidence if answered else None,
            since_proof_ns=since_proof_ns(track, silence) if is_first else None,
            verdict_ns=piece.verdict_ns,
            cut_short=piece.presumed_ns is not None,
            heard_beside=not answered and self._beside.is_heard(track, piece),
            ceased_ns=piece.ceased_ns,
            verdict_ref=track.dead_ref if piece.verdict_ns == track.dead_ns else None,
            lost=None if answered else place_of_loss(logs, track, piece.sent, watched=watched),
            by_capture=watched and not is_logged(logs, track, piece.sent),
            peer_heard=piece.heard,
            heard_between=any(sent.at_ns in track.heard_before for sent in piece.sent[1:]),
            first_missing=track.first_missing and is_first,
            unseen=track.unseen if is_first else None,
            tries=track.tries,
            lost_answers=lost_answers,
            unheard_answers=track.unheard,
        )

    # --- flows ---------------------------------------------------------------------

    def _activity(self, peer: PeerTrack, local_side: int) -> Activity | None:
        grid = self._tracker.activity
        if grid.start_ns is None or not peer.flows:
            return None
        units = [unit.index for unit in peer.units]
        outbound, inbound = (grid.of(units, side) for side in (local_side, 1 - local_side))
        last = np.flatnonzero(outbound + inbound)[-1:]
        used = int(last[0]) + 1 if len(last) else 1
        return Activity(
            grid.start_ns,
            grid.slice_ns,
            tuple(outbound[:used].tolist()),
            tuple(inbound[:used].tolist()),
        )

    def _last_proof(self, peer: PeerTrack, role: int) -> int | None:
        if not peer.captured:
            return peer.last_heard_ns[1 - role] or None
        clock = self._tracker.any_clock
        last = max(clock.now(unit.index, role).last_proof_ns for unit in peer.units)
        return None if last == NEVER else last

    # --- black holes -----------------------------------------------------------------------

    def _black_holes(self, peer: PeerTrack) -> tuple[BlackHole, ...]:
        tracks = sorted(
            self._holes.get(peer.index, ()), key=lambda h: (h.silence.first_out_ns, h.stop_ns)
        )
        return tuple(self._black_hole(peer, track) for track in tracks)

    def _black_hole(self, peer: PeerTrack, track: HoleTrack) -> BlackHole:
        self._numbers["b"] += 1
        if track.run is not None:
            track = track.with_delete(self._outcomes.of(track.run.exchange).delete)
        track = judged_by_log(track, self._tracker.budget_of(track.unit, track.role))
        silence = track.silence
        exposed, first_ref = _or_none(silence.first_out_ns), ref_of(silence.first_ref)
        window_ns = 0 if exposed is None else max(0, track.stop_ns - exposed)
        least_ns = 0
        if track.min_start_ns is not None and track.min_packets:
            seen_ns = self._tracker.logs.captured_until_ns(track.stop_ns)
            least_ns = max(0, seen_ns - track.min_start_ns)
        return BlackHole(
            id=f"b{self._prefix}{self._numbers['b']}",
            sender=peer.address(track.role),
            receiver=peer.address(1 - track.role),
            black_hole_class=track.hole_class,
            last_proof_ns=_or_none(silence.last_proof_ns),
            first_exposed_ns=exposed,
            questionable_ns=_or_none(silence.questionable_ns),
            first_probe_ns=track.first_probe_ns,
            dead_ns=track.dead_ns,
            dead_basis=_dead_basis(track),
            stop_ns=track.stop_ns,
            stop_basis=track.stop_basis,
            recovered_ns=track.recovered_ns,
            heard_again_ns=track.heard_again_ns,
            min_seconds=round(seconds(min(least_ns, window_ns)), 6),
            max_seconds=round(seconds(window_ns), 6),
            min_packets=min(track.min_packets, silence.packets),
            max_packets=silence.packets,
            max_bytes=silence.bytes,
            phases=track.phases(),
            confidence=track.confidence,
            refs=track.refs,
            first_exposed_ref=first_ref,
            begun_before=silence.last_proof_ns == NEVER
            and first_ref in self._tracker.flows.begun_before,
            probes=track.probes,
            removed_ns=track.removed_ns,
            ceased_ns=track.ceased_ns,
            spis=tuple(f"{self._tracker.flows.identities[f].spi:08x}" for f in track.flows),
            counted_anew_ns=self._counted_anew_ns(track),
        )

    def _counted_anew_ns(self, track: HoleTrack) -> int | None:
        """When ESP of the silent end began to count anew on an SA that it has, within a silence."""
        tracker = self._tracker
        return min(
            (
                at_ns
                for flow, at_ns in tracker.flows.begun_again()
                if tracker.unit_of_flow(flow) is track.unit
                and tracker.owner_of_flow(flow)[1] == 1 - track.role
                and track.silence.last_proof_ns < at_ns <= track.stop_ns
            ),
            default=None,
        )


def _common_addresses(peers: list[PeerTrack]) -> dict[str, int]:
    common: dict[str, int] = {}
    for peer in peers:
        for side in (0, 1):
            address = peer.address(side)
            common[address] = common.get(address, 0) + 1
    return common


def _dead_basis(track: HoleTrack) -> str | None:
    if track.dead_ns is None:
        return None
    by_log = track.run is not None and track.run.exchange.dead_ns == track.dead_ns
    return "log" if by_log else "inferred"


def _or_none(time_ns: int) -> int | None:
    return None if time_ns == NEVER else time_ns
