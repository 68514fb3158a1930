"""Black holes: silences of a role judged with what is known of its questions (semantics 5).

Two clocks are read: one that any proof resets, and one that only ESP resets. The first gives the
windows of a peer that is gone, the second those of a data plane that is dead while IKE answers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from msgspec.structs import replace

from analyzers.model.black_hole import BlackHoleClass, StopBasis
from analyzers.model.records import Ref
from analyzers.tracking.deafness import Deafness
from analyzers.tracking.holes import HoleTrack, Run, end_basis, pause_ns
from analyzers.tracking.judgement import Window, join, judge, judge_data_plane, stands_out
from analyzers.tracking.pace import Pace
from analyzers.tracking.questions import Questions, RoleState
from analyzers.tracking.replaced import ReplacedPlanes, told_once
from analyzers.tracking.sending import sent_on, until_heard
from analyzers.tracking.silence import (
    NEVER,
    NO_WAITS,
    QUESTIONABLE_NS,
    Closing,
    Silence,
    SilenceClock,
    without_longest,
)
from analyzers.tracking.silence_rows import SilenceRows
from analyzers.tracking.tracks import ExchangeTrack, Mark, MarkKind, PeerTrack, UnitTrack
from analyzers.wire.frames import Int64Array

_MAX_DEFERRED: Final = 64
# A new SA takes over from one of the last few units; older ones ended long ago.
_RECENT: Final = 16
# After so many packets that were answered in time the pace of a flow is known.
_LEAST_PACE: Final = 10


class Exposures:
    """Judges silences; keeps the black holes."""

    def __init__(
        self,
        units: list[UnitTrack],
        any_clock: SilenceClock,
        esp_clock: SilenceClock,
        *,
        budget_ns: Callable[[UnitTrack, int], int],
        report_ns: int,
    ) -> None:
        self._units = units
        self._any = any_clock
        self._esp = esp_clock
        self._budget_ns = budget_ns
        self._report_ns = report_ns
        self._asked = Questions(units, any_clock, esp_clock, report_ns)
        self._skip: tuple[int, int, int] = (NEVER, NEVER, NEVER)
        self._unheard_here: tuple[int, int, int] = (NEVER, NEVER, NEVER)
        self._implied: set[tuple[int, int, int]] = set()
        self._esp_closing_here: tuple[Closing, Int64Array] | None = None
        self._pace = Pace(esp_clock)
        self.holes: list[HoleTrack] = []
        self._replaced = ReplacedPlanes(esp_clock)
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
        self._asked.begin_batch(rows)
        self._pace.begin_batch()
        self._skip = self._unheard_here = (NEVER, NEVER, NEVER)
        self._implied = {(m.unit, m.role, m.place) for m in marks if m.kind is MarkKind.IMPLIED}
        self._asked.midway = {(m.unit, 1 - m.role, m.place) for m in marks if m.midway}
        for _, rank, item in ordered:
            if isinstance(item, Mark):
                self._mark(rows, item)
            elif rank == 0:
                self._esp_closing(item)
            else:
                self._any_closing(item)

    @property
    def deafness(self) -> Deafness:
        """Times in which the capture has nothing of a side that answered."""
        return self._asked.deafness

    def took_over_ns(self, unit: int, role: int) -> int | None:
        """When the traffic of a role moved to another SA for good."""
        stopped_ns = self._asked.stopped_ns(unit, role)
        heard_ns = self._any.now(unit, role).last_proof_ns
        return None if stopped_ns is None or heard_ns > stopped_ns else stopped_ns

    # --- marks -----------------------------------------------------------------------------

    def _mark(self, rows: SilenceRows, mark: Mark) -> None:
        state = self._asked.of(mark.unit, mark.role)
        match mark.kind:
            case MarkKind.PROBE:
                self._asked.probe(rows, state, mark)
                if mark.exchange is not None and mark.exchange.is_unheard(mark.at_ns):
                    for role in (0, 1):
                        self._asked.unheard(self._asked.of(mark.unit, role), mark.exchange)
            case MarkKind.ANSWERED:
                self._asked.answered(state, mark)
                if not state.asks_anyway:
                    self._asked.answered_other(self._asked.of(mark.unit, 1 - mark.role), mark)
            case MarkKind.RETRACTED:
                for role in (0, 1):
                    self._asked.retracted(self._asked.of(mark.unit, role), mark)
            case MarkKind.IMPLIED:
                self._asked.implied(state, mark)
                self._recover(state.unit, mark.role, mark.at_ns)
            case MarkKind.PROOF:
                self._asked.deafness.heard(mark.unit, mark.role, mark.at_ns)
                self._recover(state.unit, mark.role, mark.at_ns)
            case MarkKind.REMOVED:
                self._asked.removed(rows, state, mark)
            case MarkKind.DELETE:
                self._asked.deleted(state, mark)
            case MarkKind.FLOW:
                self._flow(mark)
            case MarkKind.NEW_UNIT:
                pass

    def _flow(self, mark: Mark) -> None:
        """The first packet of a flow: one that comes in is proof, either way may replace."""
        sender, unit = mark.role, self._units[mark.unit]
        for older in unit.peer.units[-_RECENT:]:
            if older is unit:
                break
            for role in (sender, 1 - sender):
                self._replace(self._asked.of(older.index, role), mark)
        self._recover(unit, 1 - sender, mark.at_ns)
        self._replaced.came(unit.peer, 1 - sender, mark.at_ns)

    def _replace(self, state: RoleState, mark: Mark) -> None:
        """Traffic moves to another SA: what was lost on this one was lost until now."""
        if state.stopped_ns is not None:
            return
        silence = self._any.at(state.unit.index, state.role, mark.place)
        state.stopped_ns = mark.at_ns
        stop_ns, basis = mark.at_ns, StopBasis.REPLACEMENT
        if NEVER < silence.last_out_ns < mark.at_ns - pause_ns(silence):
            # Sending had stopped long before: nothing was lost in between.
            stop_ns, basis = silence.last_out_ns, StopBasis.LAST_OUTBOUND
            if stop_ns <= state.delete_ns <= mark.at_ns:
                stop_ns = state.delete_ns
        window = self._window(state, silence, stop_ns, basis, mark.place)
        if window.basis is not StopBasis.DELETE:
            window = replace(window, ref=mark.ref, acted_ns=mark.at_ns)
        deferred, window = join(state.deferred, window, state.own_answer_ns)
        state.deferred = []
        dead = self._replace_data_plane(state, mark, window.run)
        if dead or self._is_hardly_answered(state, mark.place):
            deferred = [each for each in deferred if each.run is not None]
        self._flush_deferred(deferred)
        if not self._asked.is_unheard(state, window.run, mark.place):
            self._judge(window)

    def _replace_data_plane(self, state: RoleState, mark: Mark, run: Run | None) -> bool:
        """Note a silence of ESP in which IKE was answered, if one was, until the replacement."""
        esp = self._esp.at(state.unit.index, state.role, mark.place)
        stop_ns, basis = mark.at_ns, StopBasis.REPLACEMENT
        if run is not None:
            # What was lost since the last answer is lost with the peer.
            since = self._any.at(state.unit.index, state.role, mark.place)
            esp = until_heard(esp, since)
            stop_ns, basis = esp.last_out_ns, StopBasis.LAST_OUTBOUND
        part, ended_ns = sent_on(esp, min(stop_ns, max(esp.last_out_ns, state.delete_ns)))
        if not self._asked.answered_within(state, part, ended_ns, mark.place):
            return False
        window = self._window(state, esp, stop_ns, basis, mark.place)
        window = replace(window, run=None, acted_ns=None)
        hole = self._of_data_plane(state, window)
        if hole is not None:
            self._replaced.add(hole, window)
        return hole is not None

    @staticmethod
    def _is_over(state: RoleState, silence: Silence) -> bool:
        """Whether the SA was replaced and not heard of since: its silence is no news.

        Where both stay in use, side by side, the older one counts again.
        """
        if state.stopped_ns is not None and silence.last_proof_ns > state.stopped_ns:
            state.stopped_ns = None
        return state.stopped_ns is not None

    # --- closings --------------------------------------------------------------------------

    def _esp_closing(self, closing: Closing) -> None:
        state = self._asked.of(closing.key, closing.role)
        silence, pace = closing.silence, self._pace.waits(closing)
        self._esp_closing_here = closing, pace
        since_ns = silence.last_proof_ns
        part, stop_ns = sent_on(silence, closing.at_ns)
        window = self._window(state, silence, closing.at_ns, StopBasis.PROOF, closing.place)
        window = replace(window, run=None, waits=pace)
        if (part is not silence or stop_ns < closing.at_ns) and stands_out(window):
            self._pace.forget(closing)  # an idle time is no pace
        if self._asked.is_unheard(state, None, closing.place) or self._asked.deafness.explains(
            closing.key, closing.role, since_ns, closing.at_ns
        ):
            self._unheard_here = (closing.key, closing.role, closing.place)
            state.deferred = [w for w in state.deferred if w.run is not None]
        self._asked.deafness.heard(closing.key, closing.role, closing.at_ns)
        if self._asked.answered_within(state, part, stop_ns, closing.place):
            hole = self._of_data_plane(state, window)
            if hole is not None:
                self._keep(hole)
                self._learn(hole, closing, pace)
            state.deferred.clear()
            self._skip = (closing.key, closing.role, closing.place)
            return
        for hole in self._flush_deferred(self._with_rest(state, closing), pace):
            self._learn(hole, closing, pace)

    def _with_rest(self, state: RoleState, closing: Closing) -> list[Window]:
        """Take the deferred windows, now that ESP came back; one that a question follows stays.

        What IKE alone ended lasted until now, unless its question was not asked again in vain;
        and where no question of this end was answered, it began when ESP fell silent.
        """
        if not state.deferred:
            return []
        since = self._any.at(closing.key, closing.role, closing.place)
        window = self._window(state, since, closing.at_ns, StopBasis.PROOF, closing.place)
        windows, joined = join(state.deferred, window, state.own_answer_ns)
        state.deferred = state.deferred[-1:] if joined is not window else []
        if state.deferred and closing.at_ns - since.first_out_ns < self._report_ns:
            # Since the other side asked it is too short for its own clock to close here.
            state.deferred, windows = [], [*windows, joined]
        began_ns = closing.silence.last_proof_ns
        for number, each in enumerate(windows):
            whole = each.silence.last_proof_ns == began_ns or state.own_answer_ns <= began_ns
            goes_on = each.run is None or each.run.goes_on(each.stop_ns, closing.at_ns)
            if goes_on and whole:
                windows[number] = replace(each, silence=closing.silence, stop_ns=closing.at_ns)
                self._skip = (closing.key, closing.role, closing.place)
        return windows

    def _any_closing(self, closing: Closing) -> None:
        key = (closing.key, closing.role, closing.place)
        if key == self._skip:
            return
        state = self._asked.of(closing.key, closing.role)
        silence = closing.silence
        if self._is_over(state, silence):
            return
        window = self._window(state, silence, closing.at_ns, StopBasis.PROOF, closing.place)
        if window.run is not None and window.run.exchange.heard_again_ns is None:
            window.run.exchange.heard_again_ns = closing.at_ns
        alone = window.run is None or len(window.run.sent) == 1
        if alone and (key in self._implied or key == self._unheard_here):
            return  # it was answered: what is missing is missing in the capture
        if closing.by_esp:
            # ESP's own clock closed at this very place: its waits are the pace of the flow.
            own, pace = self._esp_closing_here or (closing, NO_WAITS)
            state.deferred, window = join(state.deferred, window, state.own_answer_ns)
            if self._asked.heard_on_another_sa(state, silence, closing.place):
                return
            hole = self._judge(replace(window, waits=pace))
            if hole is not None:
                self._learn(hole, own, pace)
            return
        if self._asked.look(state.unit, state.role, closing.place).last_proof_ns == NEVER:
            if window.run is not None:
                self._judge(window)
        elif len(state.deferred) < _MAX_DEFERRED and (window.run or not state.deferred):
            state.deferred, window = join(state.deferred, window, state.own_answer_ns)
            state.deferred.append(window)

    def _learn(self, hole: HoleTrack, closing: Closing, pace: Int64Array) -> None:
        """A black hole that ESP ended tells of the flow's pace; it may turn out to be that."""
        self._pace.forget(closing)
        proven = self._asked.is_answered(closing.key)
        usual = self._pace.learn(hole, closing, pace, proven=proven)
        if usual:
            self.holes = [h for h in self.holes if not any(h is u for u in usual)]

    def _is_usual(self, hole: HoleTrack) -> bool:
        """Whether a black hole that no lost question supports is a pause the flow makes."""
        if hole.run is not None:
            return False
        lasted_ns = hole.stop_ns - hole.silence.first_out_ns
        unit = hole.unit.index
        proven = self._asked.is_answered(unit)
        return self._pace.is_usual(unit, hole.role, lasted_ns, proven=proven)

    def _flush_deferred(
        self, windows: Sequence[Window], waits: Int64Array = NO_WAITS
    ) -> list[HoleTrack]:
        judged = [self._judge(replace(window, waits=waits)) for window in windows]
        return [hole for hole in judged if hole is not None]

    def _is_hardly_answered(self, state: RoleState, place: int) -> bool:
        """Whether ESP was answered too seldom to say that what never was, then, was lost."""
        esp = self._asked.look(state.unit, state.role, place)
        return esp.packets_before < _LEAST_PACE

    # --- the end ---------------------------------------------------------------------------

    def finish(
        self,
        end_ns: int,
        verdict: Callable[[ExchangeTrack], int | None],
        *,
        ongoing: bool = False,
    ) -> list[HoleTrack]:
        """All black holes, with those that are still open at the end of the input.

        `verdict`: when the prober had given up by then; `ongoing`: more is to come. Changes
        nothing.
        """
        holes = [*self.holes, *self._replaced.holes(self._is_usual)]
        opened = set(self._any.open(self._report_ns)) | set(self._esp.open(self._report_ns))
        opened |= self._asked.open()
        for key in sorted(opened):
            state = self._asked.of(*key)
            if not self._is_over(state, self._any.now(*key)):
                waits = self._esp.waits(*key)
                holes += self._judge_open(
                    state, end_ns, verdict, self._report_ns, waits, ongoing=ongoing
                )
        return told_once(holes)

    def doubts(self, end_ns: int) -> list[tuple[PeerTrack, int]]:
        """Peers that are silent now, too short so far for a black hole, and since when that is odd.

        Only what stands out of a pace that is known counts (dpd-semantics 5.2, t_q).
        """
        found: list[tuple[PeerTrack, int]] = []
        for key in self._any.open(QUESTIONABLE_NS):
            state, silence = self._asked.of(*key), self._any.now(*key)
            since_ns = silence.questionable_ns
            if NEVER in (silence.last_proof_ns, since_ns) or self._is_over(state, silence):
                continue
            if self._last_heard_ns(state) >= since_ns:
                continue
            if silence.packets_before < _LEAST_PACE or self._asked.speaks(state, end_ns):
                continue
            # The first packets of a tunnel may wait for routes and neighbours.
            waits = without_longest(self._esp.waits(*key))
            holes = self._judge_open(
                state, end_ns, lambda _: None, QUESTIONABLE_NS, waits, ongoing=True
            )
            if any(hole.hole_class is not BlackHoleClass.DATA_PLANE for hole in holes):
                found.append((state.unit.peer, since_ns))
        return found

    def _last_heard_ns(self, state: RoleState) -> int:
        """The last proof of the other side on any SA: who answers on a new one is alive."""
        units = state.unit.peer.units[-_RECENT:]
        return max(self._any.now(unit.index, state.role).last_proof_ns for unit in units)

    def _judge_open(
        self,
        state: RoleState,
        end_ns: int,
        verdict: Callable[[ExchangeTrack], int | None],
        least_ns: int,
        waits: Int64Array,
        *,
        ongoing: bool,
    ) -> list[HoleTrack]:
        unit, role = state.unit.index, state.role
        esp, silence = self._esp.now(unit, role), self._any.now(unit, role)
        run = self._asked.lost(state, silence, end_ns)
        unheard = self._asked.is_unheard(state, run, None)
        part, stop_ns = sent_on(esp, esp.last_out_ns)
        by_ike = self._asked.answered_within(state, part, stop_ns) or (
            # Nothing is over for an answer of IKE while ESP goes into the same silence.
            ongoing
            and esp.last_proof_ns != NEVER
            and self._asked.is_answered_in(state, part)
            and end_basis(part, end_ns) is StopBasis.CAPTURE_END
        )
        if run is None and not unheard and by_ike:
            window = self._window(state, esp, esp.last_out_ns, end_basis(esp, end_ns), None)
            window = replace(window, run=None, waits=waits)
            hole = self._of_data_plane(state, window, least_ns)
            return [] if hole is None or self._is_usual(hole) else [hole]
        windows = list(state.deferred)
        if unheard:
            windows = [window for window in windows if window.run is not None]
        elif not self._asked.heard_on_another_sa(state, silence, None):
            by_end_ns = None if run is None else verdict(run.exchange)
            stop_ns, basis = silence.last_out_ns, end_basis(silence, end_ns)
            if silence.first_out_ns == NEVER:
                # Nothing was sent: what would be lost is lost until the verdict.
                stop_ns = end_ns if by_end_ns is None else by_end_ns
                basis = StopBasis.LAST_OUTBOUND
            window = self._window(state, silence, stop_ns, basis, None, end_ns)
            windows, window = join(windows, window, state.own_answer_ns)
            windows.append(replace(window, by_end_ns=by_end_ns))
        judged = (
            judge(replace(window, waits=waits), self._budget_of(window), least_ns)
            for window in windows
        )
        return [hole for hole in judged if hole is not None and not self._is_usual(hole)]

    # --- judgement -------------------------------------------------------------------------

    def _window(
        self,
        state: RoleState,
        silence: Silence,
        stop_ns: int,
        basis: StopBasis,
        place: int | None,
        end_ns: int | None = None,
    ) -> Window:
        """A silence with what is known at a place of this batch; None: at the end of the input."""
        ref: Ref | None = None
        acted_ns: int | None = None
        run = self._asked.lost(state, silence, max(stop_ns, end_ns or 0))
        if run is not None:
            silence = self._asked.since_esp(state, silence, place)
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
            one_way=self._asked.one_way_by_design(state, place),
            since_probe=state.since_probe,
            removed=state.removed_in(silence, stop_ns),
            ref=ref,
            acted_ns=acted_ns,
        )

    def _budget_of(self, window: Window) -> int:
        """Within which the sender of a window should notice: its policy's worst case, if known."""
        return self._budget_ns(window.unit, window.role)

    def _judge(self, window: Window) -> HoleTrack | None:
        hole = judge(window, self._budget_of(window), self._report_ns)
        if hole is not None:
            self._keep(hole)
        return hole

    def _of_data_plane(
        self, state: RoleState, window: Window, least_ns: int | None = None
    ) -> HoleTrack | None:
        """The black hole of a silence of ESP in which IKE was answered, be it the other side's."""
        least_ns = self._report_ns if least_ns is None else least_ns
        if self._asked.asks_in_vain(state, window.silence, window.stop_ns):
            return judge(window, self._budget_of(window), least_ns)
        hole = judge_data_plane(window, least_ns)
        if hole is not None:
            # It points to the answer that came meanwhile.
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
                hole.recover(at_ns)
        still = [h for h in pending if h.recovered_ns is None]
        if still:
            self._unrecovered[unit.peer.index, role] = still
        else:
            del self._unrecovered[unit.peer.index, role]
