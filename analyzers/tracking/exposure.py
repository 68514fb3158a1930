"""Black holes: silences of a role judged with what is known of its questions (semantics 5).

Two clocks are read: one that any proof resets, and one that only ESP resets. The first gives the
windows of a peer that is gone, the second those of a data plane that is dead while IKE answers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from analyzers.model.black_hole import BlackHoleClass, Phase, PhaseName, StopBasis
from analyzers.model.records import Confidence, Ref
from analyzers.model.time import NS_PER_MS, NS_PER_SECOND
from analyzers.tracking.children import LoneSilence
from analyzers.tracking.silence import (
    MIN_PACKETS,
    NEVER,
    NO_WAITS,
    Closing,
    Silence,
    SilenceClock,
    SilenceRows,
    summarise,
)
from analyzers.tracking.tracks import ExchangeTrack, Mark, MarkKind, UnitTrack
from analyzers.wire.frames import Int64Array

# Below this a silence without a question is no sign that a detector is missing (contract).
MISSING_DPD_NS: Final = 10 * NS_PER_SECOND
# An SA that is used longer than this after the verdict was torn down slowly (contract).
SLOW_TEARDOWN_NS: Final = 2 * NS_PER_SECOND
# A silence that no unanswered question supports must stand out of the flow's own pace …
_TIMES_MEDIAN_WAIT: Final = 10
_TIMES_HIGH_WAIT: Final = 3
# … once so many waits are known.
_WAITS_KNOWN: Final = 5
# A question this old without an answer counts as lost, even if it was not repeated yet.
_LOST_NS: Final = 2 * NS_PER_SECOND
# Retry horizons are judged with this tolerance (dpd-semantics section 4: tolR).
_TOLERANCE_NS: Final = NS_PER_SECOND // 2
_TOLERANCE_SHARE: Final = 0.2
# A capture ends "inside" a window if traffic flowed until this close to its end.
_AT_END_NS: Final = NS_PER_SECOND
_MAX_DEFERRED: Final = 64


@dataclass(slots=True)
class HoleTrack:
    """A black hole; `recovered_ns` may still come."""

    unit: UnitTrack
    role: int
    hole_class: BlackHoleClass
    silence: Silence
    first_probe_ns: int | None
    dead_ns: int | None
    stop_ns: int
    stop_basis: StopBasis
    min_start_ns: int | None
    min_packets: int
    confidence: Confidence
    refs: tuple[Ref, ...]
    probes: int
    recovered_ns: int | None = None
    asked_ns: int | None = None
    """First question in a dead data plane: it was answered, so it is no `first_probe_ns`."""
    flows: tuple[int, ...] = ()
    """Flows of the one Child SA that was silent; empty: all of them."""

    def phases(self) -> tuple[Phase, ...]:
        """The window cut at its moments, and the recovery after it."""
        start, stop = self.silence.first_out_ns, self.stop_ns
        if start == NEVER:
            return ()
        questionable = self.silence.questionable_ns
        asked = self.first_probe_ns if self.asked_ns is None else self.asked_ns
        cuts = [
            (PhaseName.UNQUESTIONED, start),
            (PhaseName.UNPROBED, stop if questionable == NEVER else questionable),
            (PhaseName.PROBING, stop if asked is None else asked),
            (PhaseName.TEARDOWN, stop if self.dead_ns is None else self.dead_ns),
        ]
        phases = []
        at = start
        for index, (name, begin) in enumerate(cuts):
            following = cuts[index + 1][1] if index + 1 < len(cuts) else stop
            begin, end = max(at, min(begin, stop)), max(at, min(following, stop))
            if end > begin:
                phases.append(Phase(name, begin, end))
                at = end
        if self.recovered_ns is not None and self.recovered_ns > stop:
            phases.append(Phase(PhaseName.RECOVERY, stop, self.recovered_ns))
        return tuple(phases)


class _Deferred(NamedTuple):
    """A silence that IKE ended while ESP stayed silent: judged when ESP's own silence ends."""

    silence: Silence
    stop_ns: int
    first_probe: ExchangeTrack | None
    probes: int
    ref: Ref | None


@dataclass(slots=True)
class _RoleState:
    """What is known of one unit and role beyond its clocks."""

    unit: UnitTrack
    role: int
    run: ExchangeTrack | None = None
    """The exchange that is unanswered now."""
    run_total: tuple[int, int] = (0, 0)
    """Packets and bytes sent when the run began."""
    first_out_after_run_ns: int | None = None
    last_probe_ns: int = NEVER
    answered_since_ns: int = NEVER
    """Last inbound ESP before the silence of ESP that `answered_ns` belongs to."""
    answered_ns: int | None = None
    """First answer in that silence to a question asked in it."""
    answered_asked_ns: int | None = None
    answered_ref: Ref | None = None
    delete_ns: int = NEVER
    delete_ref: Ref | None = None
    deferred: list[_Deferred] = field(default_factory=list)
    stopped_ns: int | None = None
    """When another SA took over."""


class Exposures:
    """Judges silences; keeps the black holes."""

    def __init__(
        self,
        units: list[UnitTrack],
        any_clock: SilenceClock,
        esp_clock: SilenceClock,
        *,
        budget_ns: int,
        report_ns: int,
    ) -> None:
        self._units = units
        self._any = any_clock
        self._esp = esp_clock
        self._budget_ns = budget_ns
        self._report_ns = report_ns
        self._states: dict[tuple[int, int], _RoleState] = {}
        self._waiting: dict[tuple[int, int], _RoleState] = {}
        self._skip: tuple[int, int, int] = (NEVER, NEVER, NEVER)
        self._esp_closing_here: tuple[Closing, Int64Array] | None = None
        self._forgot_at = (NEVER, NEVER, NEVER)
        self._forgotten: dict[tuple[int, int], Int64Array] = {}
        self.holes: list[HoleTrack] = []
        self._unrecovered: dict[tuple[int, int], list[HoleTrack]] = {}

    def run(
        self,
        rows: SilenceRows,
        any_closings: list[Closing],
        esp_closings: list[Closing],
        marks: list[Mark],
    ) -> None:
        """Judge a batch, in the order of arrival."""
        # At one place ESP's own silence is judged first, then that of any proof, then what the
        # message itself says.
        ordered: list[tuple[int, int, Closing | Mark]] = [(c.place, 0, c) for c in esp_closings]
        ordered += [(c.place, 1, c) for c in any_closings]
        ordered += [(m.place, 2, m) for m in marks]
        ordered.sort(key=lambda item: item[:2])
        for state in list(self._waiting.values()):
            self._find_first_out(rows, state, after=-1)
        self._forgotten.clear()
        self._forgot_at = self._skip = (NEVER, NEVER, NEVER)
        for _, rank, item in ordered:
            if isinstance(item, Mark):
                self._mark(rows, item)
            elif rank == 0:
                self._esp_closing(item)
            else:
                self._any_closing(item)

    # --- marks -----------------------------------------------------------------------------

    def _mark(self, rows: SilenceRows, mark: Mark) -> None:
        state = self._state(mark.unit, mark.role)
        match mark.kind:
            case MarkKind.PROBE:
                self._probe(rows, state, mark)
            case MarkKind.ANSWERED:
                exchange = mark.exchange
                if exchange is not None:
                    self._answered(state, mark, exchange)
                    if exchange is state.run:
                        self._end_run(state)
            case MarkKind.PROOF:
                self._recover(state.unit, mark.role, mark.at_ns)
                if state.run is not None and state.run.answered:
                    self._end_run(state)
            case MarkKind.DELETE:
                state.delete_ns, state.delete_ref = mark.at_ns, mark.ref
            case MarkKind.FLOW:
                self._flow(mark)
            case MarkKind.NEW_UNIT:
                pass

    def _probe(self, rows: SilenceRows, state: _RoleState, mark: Mark) -> None:
        exchange = mark.exchange
        state.last_probe_ns = mark.at_ns
        if exchange is None or state.run is exchange:
            return
        silence = self._any.at(mark.unit, mark.role, mark.place)
        if exchange.since_proof_ns is None and silence.last_proof_ns != NEVER:
            exchange.since_proof_ns = max(0, mark.at_ns - silence.last_proof_ns)
        exchange.at_probe = (silence.total_packets, silence.total_bytes)
        if state.run is not None and not state.run.answered and not state.run.dissolved:
            return  # an older question is still open: the silence counts from there
        state.run = exchange
        state.run_total = exchange.at_probe
        state.first_out_after_run_ns = None
        self._waiting[mark.unit, mark.role] = state
        self._find_first_out(rows, state, after=mark.place)

    def _answered(self, state: _RoleState, mark: Mark, exchange: ExchangeTrack) -> None:
        """Note the first answer within a silence of ESP: IKE lives, the data plane may not."""
        esp = self._esp.at(mark.unit, mark.role, mark.place)
        if state.answered_since_ns != esp.last_proof_ns:
            state.answered_since_ns, state.answered_ns = esp.last_proof_ns, None
        if state.answered_ns is None and NEVER < esp.first_out_ns <= exchange.first_ns:
            state.answered_ns, state.answered_ref = mark.at_ns, mark.ref
            state.answered_asked_ns = exchange.first_ns

    def _answered_within(self, state: _RoleState, silence: Silence, end_ns: int) -> bool:
        """Whether a question asked within a silence of ESP was answered, and ESP stayed silent."""
        return (
            silence.last_proof_ns != NEVER
            and state.answered_since_ns == silence.last_proof_ns
            and state.answered_ns is not None
            and end_ns - state.answered_ns >= self._report_ns
        )

    def _end_run(self, state: _RoleState) -> None:
        state.run = None
        self._waiting.pop((state.unit.index, state.role), None)

    def _find_first_out(self, rows: SilenceRows, state: _RoleState, after: int) -> None:
        """Look for the first packet out after the first question of the open run."""
        unit = state.unit.index
        start, end = np.searchsorted(rows.key, [unit, unit + 1])
        part = slice(int(start), int(end))
        out = rows.esp[part] & (rows.direction[part] == state.role) & (rows.place[part] > after)
        if out.any():
            state.first_out_after_run_ns = int(rows.at_ns[part][int(np.argmax(out))])
            del self._waiting[unit, state.role]

    def _flow(self, mark: Mark) -> None:
        """The first packet of a flow: one that comes in is proof, either way may replace."""
        sender, unit = mark.role, self._units[mark.unit]
        for older in unit.peer.units:
            if older is unit:
                break
            for role in (sender, 1 - sender):
                self._replace(self._state(older.index, role), mark)
        self._recover(unit, 1 - sender, mark.at_ns)

    def _replace(self, state: _RoleState, mark: Mark) -> None:
        """Traffic moves to another SA: what was lost on this one was lost until now."""
        if state.stopped_ns is not None:
            return
        silence = self._any.at(state.unit.index, state.role, mark.place)
        state.stopped_ns = mark.at_ns
        self._flush_deferred(state)
        stop_ns, basis = mark.at_ns, StopBasis.REPLACEMENT
        if NEVER < silence.last_out_ns < mark.at_ns - _pause_ns(silence):
            # Sending had stopped long before: nothing was lost in between.
            stop_ns, basis = silence.last_out_ns, StopBasis.LAST_OUTBOUND
        self._judge(state, silence, stop_ns, basis, mark.ref, acted_ns=mark.at_ns)

    @staticmethod
    def _is_over(state: _RoleState, silence: Silence) -> bool:
        """Whether the SA was replaced and not heard of since: its silence is no news.

        Where both stay in use, side by side, the older one counts again.
        """
        if state.stopped_ns is not None and silence.last_proof_ns > state.stopped_ns:
            state.stopped_ns = None
        return state.stopped_ns is not None

    # --- closings --------------------------------------------------------------------------

    def _esp_closing(self, closing: Closing) -> None:
        state = self._state(closing.key, closing.role)
        silence = closing.silence
        if self._answered_within(state, silence, closing.at_ns):
            if self._stands_out(silence, closing.at_ns, self._pace(closing)):
                self._keep_data_plane(state, silence, closing.at_ns, StopBasis.PROOF)
                self._forget(closing)
            state.deferred.clear()
            self._skip = (closing.key, closing.role, closing.place)
            return
        pace = self._pace(closing)
        self._esp_closing_here = closing, pace
        if self._flush_deferred(state, pace):
            self._forget(closing)

    def _any_closing(self, closing: Closing) -> None:
        key = (closing.key, closing.role, closing.place)
        if key == self._skip:
            return
        state = self._state(closing.key, closing.role)
        silence = closing.silence
        if self._is_over(state, silence):
            return
        if closing.by_esp:
            # ESP's own clock closed at this very place: its waits are the pace of the flow.
            own, pace = self._esp_closing_here or (closing, NO_WAITS)
            if not self._heard_on_another_sa(state, silence, closing.place) and self._judge(
                state, silence, closing.at_ns, StopBasis.PROOF, None, pace
            ):
                self._forget(own)
            return
        two_way = self._esp.at(closing.key, closing.role, closing.place).last_proof_ns != NEVER
        lost = self._lost(state, closing.at_ns)
        if two_way:
            if (lost is not None or not state.deferred) and len(state.deferred) < _MAX_DEFERRED:
                probes = 0 if lost is None else len(lost.transmissions)
                state.deferred.append(_Deferred(silence, closing.at_ns, lost, probes, None))
        elif lost is not None:
            self._judge(state, silence, closing.at_ns, StopBasis.PROOF, None)

    def _pace(self, closing: Closing) -> Int64Array:
        """Earlier waits, without those that this batch showed to be black holes."""
        forgotten = self._forgotten.get((closing.key, closing.role))
        return closing.waits if forgotten is None else np.maximum(closing.waits - forgotten, 0)

    def _forget(self, closing: Closing) -> None:
        """Take the wait of a black hole out of the flow's pace, once."""
        if self._forgot_at == (closing.key, closing.role, closing.place):
            return
        self._forgot_at = (closing.key, closing.role, closing.place)
        wait_ns = closing.at_ns - closing.silence.first_out_ns
        bucket = self._esp.forget_wait(closing.key, closing.role, wait_ns)
        forgotten = self._forgotten.setdefault((closing.key, closing.role), NO_WAITS.copy())
        forgotten[bucket] += 1

    def _flush_deferred(self, state: _RoleState, waits: Int64Array = NO_WAITS) -> bool:
        kept = False
        for item in state.deferred:
            kept |= self._judge(
                state, item.silence, item.stop_ns, StopBasis.PROOF, item.ref, waits, item
            )
        state.deferred.clear()
        return kept

    # --- the end ---------------------------------------------------------------------------

    def finish(self, end_ns: int) -> list[HoleTrack]:
        """All black holes, with those that are still open at the end of the input.

        Changes nothing: more input may follow.
        """
        holes = list(self.holes)
        opened = set(self._any.open(self._report_ns)) | set(self._esp.open(self._report_ns))
        opened |= {key for key, state in self._states.items() if state.run is not None}
        for key in sorted(opened):
            state = self._state(*key)
            if not self._is_over(state, self._any.now(*key)):
                holes += self._judge_open(state, end_ns)
        return holes

    def _judge_open(self, state: _RoleState, end_ns: int) -> list[HoleTrack]:
        unit, role = state.unit.index, state.role
        esp, silence = self._esp.now(unit, role), self._any.now(unit, role)
        waits = self._esp.waits(unit, role)
        if self._answered_within(state, esp, esp.last_out_ns) and self._lost(state, end_ns) is None:
            if not self._stands_out(esp, esp.last_out_ns, waits):
                return []
            basis = _end_basis(esp, end_ns)
            hole = self._data_plane(state, esp, esp.last_out_ns, basis)
            return [] if hole is None else [hole]
        found = []
        for item in state.deferred:
            hole = self._judgement(
                state, item.silence, item.stop_ns, StopBasis.PROOF, item.ref, waits, item, end_ns
            )
            found += [] if hole is None else [hole]
        if silence.first_out_ns == NEVER:
            stop_ns, basis = end_ns, StopBasis.CAPTURE_END
            if state.run is not None:
                stop_ns = min(end_ns, state.run.last_ns + (state.run.next_wait_ns() or 0))
        else:
            stop_ns, basis = silence.last_out_ns, _end_basis(silence, end_ns)
        if self._heard_on_another_sa(state, silence, None):
            return found
        hole = self._judgement(state, silence, stop_ns, basis, None, waits, None, end_ns)
        return found + ([] if hole is None else [hole])

    def _heard_on_another_sa(self, state: _RoleState, silence: Silence, place: int | None) -> bool:
        """Whether the other side still sends on the SA that this one replaces.

        While a new IKE SA takes over, one side may use its Child SAs before the other does.
        """
        if len(state.unit.peer.units) < 2 or state.run is not None:
            return False
        if self._look(state.unit, state.role, place).last_proof_ns != NEVER:
            return False
        return any(
            self._look(unit, state.role, place).last_proof_ns >= silence.first_out_ns
            for unit in state.unit.peer.units
            if unit is not state.unit
        )

    def _look(self, unit: UnitTrack, role: int, place: int | None) -> Silence:
        """ESP's own clock at a place of this batch, or after all batches."""
        if place is None:
            return self._esp.now(unit.index, role)
        return self._esp.at(unit.index, role, place)

    # --- judgement -------------------------------------------------------------------------

    def _judge(
        self,
        state: _RoleState,
        silence: Silence,
        stop_ns: int,
        basis: StopBasis,
        ref: Ref | None,
        waits: Int64Array = NO_WAITS,
        deferred: _Deferred | None = None,
        acted_ns: int | None = None,
    ) -> bool:
        hole = self._judgement(state, silence, stop_ns, basis, ref, waits, deferred, None, acted_ns)
        if hole is None:
            return False
        self._keep(hole)
        return True

    def _judgement(
        self,
        state: _RoleState,
        silence: Silence,
        stop_ns: int,
        basis: StopBasis,
        ref: Ref | None,
        waits: Int64Array,
        deferred: _Deferred | None,
        end_ns: int | None,
        acted_ns: int | None = None,
    ) -> HoleTrack | None:
        """The black hole of a silence, if it is one.

        `end_ns`: the input ended there. `acted_ns`: the prober set up a replacement then.
        """
        if not state.unit.peer.heard[1 - state.role]:
            return None  # one direction was captured: silence is the capture's
        run = deferred.first_probe if deferred is not None else self._lost(state, stop_ns, end_ns)
        deleted = (
            silence.last_proof_ns <= state.delete_ns
            and state.delete_ns >= silence.last_out_ns
            and state.delete_ns <= stop_ns
        ) or (end_ns is not None and state.delete_ns >= max(silence.last_out_ns, 0))
        if deleted and state.delete_ns != NEVER:
            stop_ns, basis, ref = state.delete_ns, StopBasis.DELETE, state.delete_ref
            acted_ns = state.delete_ns
        dead_ns = None if run is None else _verdict_ns(run, acted_ns, end_ns)
        if silence.first_out_ns == NEVER:
            if run is None or dead_ns is None:
                return None
            return self._hole(
                state, BlackHoleClass.IDLE, silence, run, dead_ns, stop_ns, basis, ref
            )
        window_ns = stop_ns - silence.first_out_ns
        if window_ns < self._report_ns:
            return None
        if run is None and not self._stands_out(silence, stop_ns, waits):
            return None
        asked = state.last_probe_ns >= silence.first_out_ns
        chosen = self._class(silence, run, asked, dead_ns, stop_ns, basis, window_ns)
        return self._hole(state, chosen, silence, run, dead_ns, stop_ns, basis, ref)

    def _class(
        self,
        silence: Silence,
        run: ExchangeTrack | None,
        asked: bool,
        dead_ns: int | None,
        stop_ns: int,
        basis: StopBasis,
        window_ns: int,
    ) -> BlackHoleClass:
        if run is None and not asked and window_ns >= MISSING_DPD_NS:
            return BlackHoleClass.MISSING_DPD
        if basis is StopBasis.PROOF:
            return BlackHoleClass.TRANSIENT
        if dead_ns is None:
            return BlackHoleClass.OPEN
        if min(silence.last_out_ns, stop_ns) - dead_ns > SLOW_TEARDOWN_NS:
            return BlackHoleClass.SLOW_TEARDOWN
        doubt = silence.questionable_ns
        if doubt != NEVER and dead_ns - doubt > self._budget_ns:
            return BlackHoleClass.SLOW_DPD
        return BlackHoleClass.DETECTED

    def _hole(
        self,
        state: _RoleState,
        hole_class: BlackHoleClass,
        silence: Silence,
        run: ExchangeTrack | None,
        dead_ns: int | None,
        stop_ns: int,
        basis: StopBasis,
        ref: Ref | None,
    ) -> HoleTrack:
        min_start: int | None = None
        min_packets = 0
        refs: list[Ref] = []
        if run is not None:
            refs += [t.ref for t in run.transmissions]
            total = run.at_probe[0] if run.at_probe is not None else silence.total_packets
            before = silence.total_packets - silence.packets
            min_packets = max(0, silence.total_packets - max(total, before))
            if run is state.run:
                min_start = state.first_out_after_run_ns
            if min_start is None and min_packets:
                min_start = run.first_ns
        if ref is not None:
            refs.append(ref)
        if run is not None:
            confidence = run.confidence
        elif silence.last_proof_ns == NEVER or basis is StopBasis.CAPTURE_END:
            confidence = Confidence.SUSPECT
        else:
            confidence = Confidence.INFERRED
        return HoleTrack(
            unit=state.unit,
            role=state.role,
            hole_class=hole_class,
            silence=silence,
            first_probe_ns=None if run is None else run.first_ns,
            dead_ns=dead_ns,
            stop_ns=stop_ns,
            stop_basis=basis,
            min_start_ns=min_start,
            min_packets=min_packets,
            confidence=confidence,
            refs=tuple(refs),
            probes=0 if run is None else len(run.transmissions),
            recovered_ns=stop_ns if basis is StopBasis.PROOF else None,
        )

    def _data_plane(
        self, state: _RoleState, silence: Silence, stop_ns: int, basis: StopBasis
    ) -> HoleTrack | None:
        if stop_ns - silence.first_out_ns < self._report_ns:
            return None
        hole = self._hole(
            state, BlackHoleClass.DATA_PLANE, silence, None, None, stop_ns, basis, None
        )
        if state.answered_ref is not None:
            hole.refs = (state.answered_ref,)
            hole.asked_ns = state.answered_asked_ns
        hole.confidence = Confidence.INFERRED
        return hole

    def _keep_data_plane(
        self, state: _RoleState, silence: Silence, stop_ns: int, basis: StopBasis
    ) -> None:
        hole = self._data_plane(state, silence, stop_ns, basis)
        if hole is not None:
            self._keep(hole)

    def _keep(self, hole: HoleTrack) -> None:
        self.holes.append(hole)
        if hole.recovered_ns is None:
            key = (hole.unit.peer.index, hole.role)
            self._unrecovered.setdefault(key, []).append(hole)

    def _recover(self, unit: UnitTrack, role: int, at_ns: int) -> None:
        pending = self._unrecovered.get((unit.peer.index, role))
        if not pending:
            return
        for hole in pending:
            if at_ns >= hole.stop_ns:
                hole.recovered_ns = at_ns
        still = [h for h in pending if h.recovered_ns is None]
        if still:
            self._unrecovered[unit.peer.index, role] = still
        else:
            del self._unrecovered[unit.peer.index, role]

    def _lost(
        self, state: _RoleState, at_ns: int, end_ns: int | None = None
    ) -> ExchangeTrack | None:
        """The open exchange, if something of it was lost for sure by now."""
        run = state.run
        if run is None or run.dissolved or run.answered:
            return None
        if len(run.transmissions) > 1 or max(at_ns, end_ns or 0) - run.first_ns >= _LOST_NS:
            return None if run.candidate and len(run.transmissions) < 2 else run
        return None

    def _stands_out(self, silence: Silence, stop_ns: int, waits: Int64Array) -> bool:
        """Whether a silence is long against the pace of its own flow."""
        if silence.packets < MIN_PACKETS:
            return False
        count, median, high = summarise(waits)
        window_ns = stop_ns - silence.first_out_ns
        if count < _WAITS_KNOWN:
            return True
        return window_ns >= max(_TIMES_MEDIAN_WAIT * median, _TIMES_HIGH_WAIT * high)

    def _state(self, unit: int, role: int) -> _RoleState:
        state = self._states.get((unit, role))
        if state is None:
            state = _RoleState(self._units[unit], role)
            self._states[unit, role] = state
        return state


def _verdict_ns(run: ExchangeTrack, acted_ns: int | None, end_ns: int | None) -> int | None:
    """When the prober gave up: after the last retry and one more wait of its rhythm.

    Where it acted, by a Delete or with a new SA, the verdict came before, at the latest then.
    Without that, and without the end of the input, proof came back: no verdict.
    """
    wait = run.next_wait_ns()
    if acted_ns is not None:
        return acted_ns if wait is None else min(run.last_ns + wait, acted_ns)
    if end_ns is None or wait is None or not horizon_reached(run, end_ns):
        return None
    return min(run.last_ns + wait, end_ns)


def horizon_reached(exchange: ExchangeTrack, end_ns: int) -> bool:
    """Whether the next retry would have come by now, with the tolerance of retry timers."""
    wait = exchange.next_wait_ns()
    if wait is None:
        return False
    tolerance = max(_TOLERANCE_NS, round(_TOLERANCE_SHARE * wait))
    return end_ns >= exchange.last_ns + max(wait - tolerance, NS_PER_MS)


def hole_of_child(lone: LoneSilence, end_ns: int) -> HoleTrack:
    """A Child SA that was silent while its siblings lived: its data plane is dead."""
    silence = lone.silence
    stop_ns, basis = lone.stop_ns, StopBasis.PROOF
    if stop_ns is None:
        stop_ns, basis = silence.last_out_ns, _end_basis(silence, end_ns)
    return HoleTrack(
        unit=lone.child.unit,
        role=lone.role,
        hole_class=BlackHoleClass.DATA_PLANE,
        silence=silence,
        first_probe_ns=None,
        dead_ns=None,
        stop_ns=stop_ns,
        stop_basis=basis,
        min_start_ns=None,
        min_packets=0,
        confidence=Confidence.INFERRED,
        refs=(),
        probes=0,
        recovered_ns=lone.stop_ns,
        flows=tuple(flow for flow in lone.child.flows if flow is not None),
    )


def _pause_ns(silence: Silence) -> int:
    """A pause of sending that is within its own pace."""
    span = silence.last_out_ns - silence.first_out_ns
    return max(3 * span // max(silence.packets - 1, 1), _AT_END_NS)


def _end_basis(silence: Silence, end_ns: int) -> StopBasis:
    """Whether traffic flowed up to the end of the input, or stopped before."""
    within = end_ns - silence.last_out_ns <= _pause_ns(silence)
    return StopBasis.CAPTURE_END if within else StopBasis.LAST_OUTBOUND
