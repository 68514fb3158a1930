"""Black holes: silences of a role judged with what is known of its questions (semantics 5).

Two clocks are read: one that any proof resets, and one that only ESP resets. The first gives the
windows of a peer that is gone, the second those of a data plane that is dead while IKE answers.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from analyzers.model.black_hole import StopBasis
from analyzers.model.exchange import Transmission
from analyzers.model.records import Basis, Ref
from analyzers.model.time import NS_PER_SECOND
from analyzers.tracking.holes import HoleTrack, Run, end_basis, pause_ns
from analyzers.tracking.judgement import Window, judge, judge_data_plane
from analyzers.tracking.silence import (
    NEVER,
    NO_WAITS,
    Closing,
    Silence,
    SilenceClock,
    SilenceRows,
)
from analyzers.tracking.tracks import ExchangeTrack, Mark, MarkKind, UnitTrack
from analyzers.wire.frames import Int64Array

# This many silences in a row with hardly an answer between them are the pace of a slow flow.
_SLOW_FLOW_SILENCES: Final = 3
_SLOW_FLOW_ANSWERS: Final = 3
# A question this old without an answer counts as lost, even if it was not repeated yet.
_LOST_NS: Final = 2 * NS_PER_SECOND
_MAX_DEFERRED: Final = 64
# A new SA takes over from one of the last few units; older ones ended long ago.
_RECENT: Final = 16


@dataclass(slots=True)
class _RoleState:
    """What is known of one unit and role beyond its clocks."""

    unit: UnitTrack
    role: int
    run: ExchangeTrack | None = None
    """The exchange that is unanswered now."""
    sent: list[Transmission] = field(default_factory=list)
    """What was sent of it so far; the exchange itself may be ahead of the moment judged."""
    total_at_probe: int = 0
    """Packets that had been sent when the first question since the last proof left."""
    first_out_after_probe_ns: int | None = None
    last_probe_ns: int = NEVER
    answered_since_ns: int = NEVER
    """Last inbound ESP before the silence of ESP that `answered_ns` belongs to."""
    answered_ns: int | None = None
    """First answer in that silence to a question asked in it."""
    answered_asked_ns: int | None = None
    answered_ref: Ref | None = None
    delete_ns: int = NEVER
    delete_ref: Ref | None = None
    deferred: list[Window] = field(default_factory=list)
    """Silences that IKE ended while ESP stayed silent: judged when ESP's own silence ends."""
    slow: list[HoleTrack] = field(default_factory=list)
    """Black holes without a question in close succession: perhaps the flow is just slow."""
    slow_waits: int = 0
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
        self._answered_units: set[int] = set()
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
            self._find_first_out(rows, state)
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
                self._answered_units.add(mark.unit)
                if exchange is not None:
                    self._answered(state, mark, exchange)
                    if exchange is state.run:
                        self._end_run(state)
            case MarkKind.PROOF:
                self._recover(state.unit, mark.role, mark.at_ns)
            case MarkKind.DELETE:
                state.delete_ns, state.delete_ref = mark.at_ns, mark.ref
            case MarkKind.FLOW:
                self._flow(mark)
            case MarkKind.NEW_UNIT:
                pass

    def _probe(self, rows: SilenceRows, state: _RoleState, mark: Mark) -> None:
        exchange = mark.exchange
        state.last_probe_ns = mark.at_ns
        if exchange is None:
            return
        silence = self._any.at(mark.unit, mark.role, mark.place)
        if exchange.since_proof_ns is None and silence.last_proof_ns != NEVER:
            exchange.since_proof_ns = max(0, mark.at_ns - silence.last_proof_ns)
        older = bool(state.sent) and state.sent[-1].at_ns > silence.last_proof_ns
        if state.run is not exchange:
            if older and len(state.sent) > 1:
                return  # an older question is still open: the silence counts from there
            state.run, state.sent, older = exchange, [], False
        if state.sent and not older:
            exchange.heard_before.add(mark.at_ns)
        state.sent.append(Transmission(mark.at_ns, 0, mark.ref))
        if not older:
            # The first question since the last proof: what leaves from here on is lost for sure.
            state.first_out_after_probe_ns = None
            self._waiting[mark.unit, mark.role] = state
            same_time = self._find_first_out(rows, state, mark.at_ns, mark.place)
            state.total_at_probe = silence.total_packets - same_time

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
        state.run, state.sent = None, []
        self._waiting.pop((state.unit.index, state.role), None)

    def _find_first_out(
        self, rows: SilenceRows, state: _RoleState, since_ns: int = NEVER, place: int = NEVER
    ) -> int:
        """Look for the first packet out at or after the first question of the open run.

        Returns how many packets of the same time come before `place` in the order of arrival.
        """
        unit = state.unit.index
        start, end = (int(row) for row in np.searchsorted(rows.key, [unit, unit + 1]))
        out_rows = rows.sent(state.role).out_rows
        row = start + int(np.searchsorted(rows.place[start:end], place))
        first = int(np.searchsorted(out_rows, row))
        same_time = 0
        while first - same_time > 0:
            earlier = int(out_rows[first - same_time - 1])
            if earlier < start or rows.at_ns[earlier] < since_ns or place == NEVER:
                break
            same_time += 1
        found = first - same_time
        if found < len(out_rows) and out_rows[found] < end:
            state.first_out_after_probe_ns = int(rows.at_ns[out_rows[found]])
            del self._waiting[unit, state.role]
        return same_time

    def _flow(self, mark: Mark) -> None:
        """The first packet of a flow: one that comes in is proof, either way may replace."""
        sender, unit = mark.role, self._units[mark.unit]
        for older in unit.peer.units[-_RECENT:]:
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
        if NEVER < silence.last_out_ns < mark.at_ns - pause_ns(silence):
            # Sending had stopped long before: nothing was lost in between.
            stop_ns, basis = silence.last_out_ns, StopBasis.LAST_OUTBOUND
        window = self._window(state, silence, stop_ns, basis, mark.place)
        if window.basis is not StopBasis.DELETE:
            window = replace(window, ref=mark.ref, acted_ns=mark.at_ns)
        self._judge(window)

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
        silence, pace = closing.silence, self._pace(closing)
        self._esp_closing_here = closing, pace
        if self._answered_within(state, silence, closing.at_ns):
            window = self._window(state, silence, closing.at_ns, StopBasis.PROOF, closing.place)
            hole = judge_data_plane(replace(window, run=None, waits=pace), self._report_ns)
            if hole is not None:
                self._keep(self._with_answer(state, hole))
                self._forget(closing)
            state.deferred.clear()
            self._skip = (closing.key, closing.role, closing.place)
        elif self._flush_deferred(state, pace):
            self._forget(closing)

    def _any_closing(self, closing: Closing) -> None:
        key = (closing.key, closing.role, closing.place)
        if key == self._skip:
            return
        state = self._state(closing.key, closing.role)
        silence = closing.silence
        if self._is_over(state, silence):
            return
        window = self._window(state, silence, closing.at_ns, StopBasis.PROOF, closing.place)
        if closing.by_esp:
            # ESP's own clock closed at this very place: its waits are the pace of the flow.
            own, pace = self._esp_closing_here or (closing, NO_WAITS)
            if self._heard_on_another_sa(state, silence, closing.place):
                return
            hole = self._judge(replace(window, waits=pace))
            if hole is not None:
                self._forget(own)
                self._learn_pace(state, hole, own, pace)
            return
        if self._look(state.unit, state.role, closing.place).last_proof_ns == NEVER:
            if window.run is not None:
                self._judge(window)
        elif len(state.deferred) < _MAX_DEFERRED and (window.run or not state.deferred):
            state.deferred.append(window)

    def _learn_pace(
        self, state: _RoleState, hole: HoleTrack, closing: Closing, pace: Int64Array
    ) -> None:
        """Silence after silence with hardly an answer between them is how this flow goes."""
        if hole.run is not None:
            state.slow.clear()
            return
        answers = int(pace.sum())
        if answers - state.slow_waits >= _SLOW_FLOW_ANSWERS:
            state.slow.clear()
        state.slow.append(hole)
        state.slow_waits = answers
        if len(state.slow) < _SLOW_FLOW_SILENCES:
            return
        forgotten = self._forgotten.setdefault((closing.key, closing.role), NO_WAITS.copy())
        for slow in state.slow:
            self.holes.remove(slow)
            wait_ns = slow.stop_ns - slow.silence.first_out_ns
            forgotten[self._esp.remember_wait(closing.key, closing.role, wait_ns)] -= 1
        state.slow.clear()

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
        for window in state.deferred:
            kept |= self._judge(replace(window, waits=waits)) is not None
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
        run = self._lost(state, silence, end_ns)
        if run is None and self._answered_within(state, esp, esp.last_out_ns):
            window = self._window(state, esp, esp.last_out_ns, end_basis(esp, end_ns), None)
            hole = judge_data_plane(replace(window, run=None, waits=waits), self._report_ns)
            return [] if hole is None else [self._with_answer(state, hole)]
        windows = [replace(window, waits=waits) for window in state.deferred]
        if not self._heard_on_another_sa(state, silence, None):
            stop_ns, basis = silence.last_out_ns, end_basis(silence, end_ns)
            if silence.first_out_ns == NEVER:
                stop_ns, basis = end_ns, StopBasis.CAPTURE_END
                if run is not None:
                    stop_ns = min(end_ns, run.last_ns + (run.next_wait_ns() or 0))
            window = self._window(state, silence, stop_ns, basis, None, end_ns)
            windows.append(replace(window, waits=waits))
        holes = [judge(window, self._budget_ns, self._report_ns) for window in windows]
        return [hole for hole in holes if hole is not None]

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
            for unit in state.unit.peer.units[-_RECENT:]
            if unit is not state.unit
        )

    def _look(self, unit: UnitTrack, role: int, place: int | None) -> Silence:
        """ESP's own clock at a place of this batch, or after all batches."""
        if place is None:
            return self._esp.now(unit.index, role)
        return self._esp.at(unit.index, role, place)

    # --- judgement -------------------------------------------------------------------------

    def _window(
        self,
        state: _RoleState,
        silence: Silence,
        stop_ns: int,
        basis: StopBasis,
        place: int | None,
        end_ns: int | None = None,
    ) -> Window:
        """A silence with what is known at a place of this batch; None: at the end of the input."""
        ref: Ref | None = None
        acted_ns: int | None = None
        run = self._lost(state, silence, max(stop_ns, end_ns or 0))
        if silence.last_proof_ns <= state.delete_ns and (
            max(silence.last_out_ns, 0) <= state.delete_ns <= (end_ns or stop_ns)
        ):
            stop_ns, basis, ref = state.delete_ns, StopBasis.DELETE, state.delete_ref
            acted_ns = state.delete_ns
        return Window(
            unit=state.unit,
            role=state.role,
            silence=silence,
            stop_ns=stop_ns,
            basis=basis,
            run=run,
            asked=state.last_probe_ns >= silence.first_out_ns,
            one_way=self._one_way_by_design(state, place),
            total_at_probe=state.total_at_probe,
            first_out_after_probe_ns=state.first_out_after_probe_ns,
            ref=ref,
            end_ns=end_ns,
            acted_ns=acted_ns,
        )

    def _judge(self, window: Window) -> HoleTrack | None:
        hole = judge(window, self._budget_ns, self._report_ns)
        if hole is not None:
            self._keep(hole)
        return hole

    def _one_way_by_design(self, state: _RoleState, place: int | None) -> bool:
        """No ESP ever came in although liveness is answered: only IKE is proof then."""
        return (
            state.unit.index in self._answered_units
            and self._look(state.unit, state.role, place).last_proof_ns == NEVER
        )

    @staticmethod
    def _with_answer(state: _RoleState, hole: HoleTrack) -> HoleTrack:
        """A dead data plane points to the answer that came meanwhile."""
        hole.asked_ns = state.answered_asked_ns
        if state.answered_ref is not None:
            hole.refs = (state.answered_ref,)
        return hole

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

    def _lost(self, state: _RoleState, silence: Silence, at_ns: int) -> Run | None:
        """The open exchange, if something of it was lost for sure by now.

        What was sent before the last proof is settled by it, answered or not.
        """
        if state.run is None:
            return None
        sent = tuple(t for t in state.sent if t.at_ns > silence.last_proof_ns)
        if not sent:
            return None
        alone = len(sent) == 1
        if alone and (state.run.basis is Basis.RHYTHM or at_ns - sent[0].at_ns < _LOST_NS):
            return None
        return Run(state.run, sent)

    def _state(self, unit: int, role: int) -> _RoleState:
        state = self._states.get((unit, role))
        if state is None:
            state = _RoleState(self._units[unit], role)
            self._states[unit, role] = state
        return state
