"""Black holes as values: their moments, phases, class and verdict (dpd-semantics section 5)."""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from analyzers.model.black_hole import BlackHoleClass, Phase, PhaseName, StopBasis
from analyzers.model.exchange import Transmission
from analyzers.model.records import Confidence, Ref
from analyzers.model.time import NS_PER_SECOND
from analyzers.tracking import schedule
from analyzers.tracking.children import LoneSilence
from analyzers.tracking.sending import sent_on
from analyzers.tracking.silence import NEVER, Silence
from analyzers.tracking.tracks import ExchangeTrack, UnitTrack

# Below this a silence without a question is no sign that a detector is missing (contract).
MISSING_DPD_NS: Final = 10 * NS_PER_SECOND
# An SA that is used longer than this after the verdict was torn down slowly (contract).
SLOW_TEARDOWN_NS: Final = 2 * NS_PER_SECOND
BY_VERDICT: Final = frozenset(
    {
        BlackHoleClass.OPEN,
        BlackHoleClass.DETECTED,
        BlackHoleClass.SLOW_DPD,
        BlackHoleClass.SLOW_TEARDOWN,
    }
)
"""The classes that the time of a verdict, or its absence, decides on."""
# A capture ends "inside" a window if traffic flowed until this close to its end.
_AT_END_NS: Final = NS_PER_SECOND


class Run(Struct, frozen=True):
    """An unanswered exchange as far as it had gone at some moment, from a last proof on."""

    exchange: ExchangeTrack
    sent: tuple[Transmission, ...]

    @property
    def first_ns(self) -> int:
        """The first question since the last proof."""
        return self.sent[0].at_ns

    @property
    def last_ns(self) -> int:
        """The last retry so far."""
        return self.sent[-1].at_ns

    def goes_on(self, stop_ns: int, until_ns: int) -> bool:
        """Whether it was asked again after a time, and not answered until another one."""
        answer = self.exchange.answer
        again = any(stop_ns < sent.at_ns < until_ns for sent in self.exchange.transmissions)
        return again and (answer is None or answer.at_ns > until_ns)

    def next_wait_ns(self) -> int | None:
        """How long the prober waits after the last retry."""
        return schedule.next_wait_ns(self.sent, self.exchange.kind)


class HoleTrack(Struct):
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
    is_transient: bool = False
    """Whether the receiver was heard again on the same SAs, be it after an idle time."""
    heard_again_ns: int | None = None
    """When the receiver was heard after it, where that came to nobody."""
    asked_ns: int | None = None
    """First question in a dead data plane: it was answered, so it is no `first_probe_ns`."""
    removed_ns: int | None = None
    """When the receiver, by its own log, had the SA no more."""
    ceased_ns: int | None = None
    """When a retry was overdue that never came."""
    flows: tuple[int, ...] = ()
    """Flows of the one Child SA that was silent, as far as known; empty: all of them."""
    run: Run | None = None
    without_run: HoleTrack | None = None
    """The judgement without the run: it may turn out later to have been no question."""

    def recover(self, at_ns: int) -> None:
        """Note the first proof after it, whatever becomes of its run."""
        self.recovered_ns = at_ns
        if self.without_run is not None and at_ns >= self.without_run.stop_ns:
            self.without_run.recovered_ns = at_ns

    def bounded_without_run(self) -> HoleTrack:
        """The black hole with the lower bound that it has without the questions of its run."""
        other = self.without_run
        if other is None:
            return replace(self, min_start_ns=None, min_packets=0)
        return replace(self, min_start_ns=other.min_start_ns, min_packets=other.min_packets)

    def with_delete(self, delete: Transmission | None) -> HoleTrack:
        """The black hole if the last message of its run was the Delete that ended the loss."""
        run = self.run
        if delete is None or run is None or run.sent[-1].ref != delete.ref or len(run.sent) < 2:
            return self
        cut = Run(run.exchange, run.sent[:-1])
        ended = delete.at_ns >= self.silence.last_out_ns
        return replace(
            self,
            run=cut,
            probes=self.probes - 1,
            dead_ns=verdict_ns(cut, delete.at_ns, None),
            stop_ns=delete.at_ns if ended else self.stop_ns,
            stop_basis=StopBasis.DELETE if ended else self.stop_basis,
        )

    def phases(self) -> tuple[Phase, ...]:
        """The window cut at its moments, and the recovery after it."""
        start, stop = self.silence.first_out_ns, self.stop_ns
        if start == NEVER:
            return ()
        questionable = self.silence.questionable_ns
        asked = self.first_probe_ns if self.asked_ns is None else self.asked_ns
        dead = stop if self.dead_ns is None else self.dead_ns
        # Who sends nothing more may ask all the same.
        doubted = [stop if questionable == NEVER else questionable]
        doubted += [] if asked is None else [asked]
        cuts = [
            (PhaseName.UNQUESTIONED, start),
            (PhaseName.UNPROBED, min(doubted)),
            (PhaseName.PROBING, stop if asked is None else asked),
            (PhaseName.UNPROBED, dead if self.ceased_ns is None else self.ceased_ns),
            (PhaseName.TEARDOWN, dead),
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


def classify(
    silence: Silence,
    run: Run | None,
    asked: bool,
    dead_ns: int | None,
    stop_ns: int,
    basis: StopBasis,
    window_ns: int,
    budget_ns: int,
) -> BlackHoleClass:
    """The class of a window in which something was sent: the first that applies (contract).

    `asked`: any question of the role falls into it; `run`: the one that was lost.
    """
    if run is None and not asked and window_ns >= MISSING_DPD_NS:
        # A detector that takes its time may still have come (dpd-semantics 5.6).
        cut_short = basis is StopBasis.CAPTURE_END and window_ns <= budget_ns
        return BlackHoleClass.OPEN if cut_short else BlackHoleClass.MISSING_DPD
    if basis is StopBasis.PROOF:
        return BlackHoleClass.TRANSIENT
    if dead_ns is None:
        return BlackHoleClass.OPEN
    return class_by_verdict(silence, dead_ns, stop_ns, budget_ns)


def class_by_verdict(
    silence: Silence, dead_ns: int, stop_ns: int, budget_ns: int
) -> BlackHoleClass:
    """The class of a window in which the peer was given up."""
    if min(silence.last_out_ns, stop_ns) - dead_ns > SLOW_TEARDOWN_NS:
        return BlackHoleClass.SLOW_TEARDOWN
    doubt = silence.questionable_ns
    if doubt != NEVER and dead_ns - doubt > budget_ns:
        return BlackHoleClass.SLOW_DPD
    return BlackHoleClass.DETECTED


def verdict_ns(run: Run, acted_ns: int | None, by_end_ns: int | None) -> int | None:
    """When the prober gave up: after the last retry and one more wait of its rhythm.

    Where it acted, by a Delete or with a new SA, the verdict came before, at the latest then. Else
    it is what the end of the input tells (`outcomes`), or nothing: proof came back.
    """
    if acted_ns is None:
        return by_end_ns
    wait = run.next_wait_ns()
    return acted_ns if wait is None else min(run.last_ns + wait, acted_ns)


def hole_of_child(lone: LoneSilence, end_ns: int) -> HoleTrack:
    """A Child SA that was silent while its siblings lived: its data plane is dead."""
    ended_ns = lone.silence.last_out_ns if lone.stop_ns is None else lone.stop_ns
    silence, stop_ns = sent_on(lone.silence, ended_ns)
    basis = StopBasis.PROOF if lone.stop_ns == stop_ns else StopBasis.LAST_OUTBOUND
    if lone.stop_ns is None:
        basis = end_basis(silence, end_ns)
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


def pause_ns(silence: Silence) -> int:
    """A pause of sending that is within its own pace."""
    span = silence.last_out_ns - silence.first_out_ns
    return max(3 * span // max(silence.packets - 1, 1), _AT_END_NS)


def end_basis(silence: Silence, end_ns: int) -> StopBasis:
    """Whether traffic flowed up to the end of the input, or stopped before."""
    within = end_ns - silence.last_out_ns <= pause_ns(silence)
    return StopBasis.CAPTURE_END if within else StopBasis.LAST_OUTBOUND
