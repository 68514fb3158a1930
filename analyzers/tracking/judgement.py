"""Judges one silence: whether it is a black hole, of which class, and within which bounds.

A pure function of what `exposure` gathered about the silence; nothing is remembered here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from analyzers.model.black_hole import BlackHoleClass, StopBasis
from analyzers.model.records import Confidence, Ref
from analyzers.tracking.holes import HoleTrack, Run, classify, verdict_ns
from analyzers.tracking.sending import sent_on
from analyzers.tracking.silence import MIN_PACKETS, NEVER, NO_WAITS, Silence, summarise
from analyzers.tracking.tracks import UnitTrack
from analyzers.wire.frames import Int64Array

# A silence that no unanswered question supports must stand out of the flow's own pace.
_TIMES_MEDIAN_WAIT: Final = 10
_TIMES_HIGH_WAIT: Final = 3
# So many waits of about one length are a rhythm.
_FEWEST_OF_RHYTHM: Final = 10


class SentSince(Struct):
    """What a role sends from a moment on."""

    total_before: int = 0
    """Packets that had been sent by then."""
    first_out_ns: int | None = None
    """The first packet from then on; None: none so far."""

    def lost(self, silence: Silence, at_ns: int) -> tuple[int, int]:
        """How many of a silence's packets were sent from then on, and since when."""
        packets = max(0, silence.total_packets - max(self.total_before, silence.packets_before))
        return packets, at_ns if self.first_out_ns is None else self.first_out_ns


class Removed(Struct, frozen=True):
    """The receiver's log says that it has the SA no more."""

    at_ns: int
    ref: Ref
    sent: SentSince


class Window(Struct, frozen=True):
    """A silence with its end, and what else is known of its unit and role at that moment."""

    unit: UnitTrack
    role: int
    silence: Silence
    stop_ns: int
    basis: StopBasis
    run: Run | None = None
    """The exchange of which something was lost."""
    asked: bool = False
    """Any question of the role falls into the window."""
    one_way: bool = False
    """No ESP ever came in although liveness is answered: only IKE is proof then."""
    since_probe: SentSince = field(default_factory=SentSince)
    """From the first question since the last proof on."""
    removed: Removed | None = None
    waits: Int64Array = field(default_factory=lambda: NO_WAITS)
    """Earlier waits of the flow for an answer: its pace."""
    ref: Ref | None = None
    """What ended it."""
    by_end_ns: int | None = None
    """When the prober had given up by the end of the input, if that is what ended the window."""
    acted_ns: int | None = None
    """The prober deleted the SA, or set up a replacement, then."""
    proof_ns: int | None = None
    """When the other side was heard again, where nothing had been sent any more for long."""

    @property
    def is_transient(self) -> bool:
        """Whether the other side was heard again on the same SAs."""
        return self.basis is StopBasis.PROOF or self.proof_ns is not None


def while_sent(window: Window) -> Window:
    """The part of a silence in which sending went on, where no question nor log tells of a loss."""
    if window.run is not None or window.removed is not None:
        return window
    silence, stop_ns = sent_on(window.silence, window.stop_ns)
    if stop_ns == window.stop_ns:
        return replace(window, silence=silence)
    return replace(
        window,
        silence=silence,
        stop_ns=stop_ns,
        basis=StopBasis.LAST_OUTBOUND,
        ref=None,
        proof_ns=window.stop_ns if window.basis is StopBasis.PROOF else window.proof_ns,
    )


def stands_out(window: Window) -> bool:
    """Whether a silence is long against the pace of its own flow."""
    silence = window.silence
    if silence.packets < MIN_PACKETS:
        return False
    count, median, high = summarise(window.waits)
    if count == 1:
        return False  # one answer is no pace: a host that nobody listens on gives it
    lasted_ns = window.stop_ns - silence.first_out_ns
    return not count or lasted_ns >= max(_TIMES_MEDIAN_WAIT * median, _TIMES_HIGH_WAIT * high)


def _misses_beats(window: Window) -> bool:
    """Whether a flow whose waits are all alike waits several times as long.

    A usual wait and the longest one are the same then, and nothing longer is to be expected.
    """
    count, median, high = summarise(window.waits)
    if count < _FEWEST_OF_RHYTHM or median != high or window.silence.packets < MIN_PACKETS:
        return False
    return window.stop_ns - window.silence.first_out_ns >= _TIMES_HIGH_WAIT * high


def judge(window: Window, budget_ns: int, report_ns: int) -> HoleTrack | None:
    """The black hole of a window, if it is one; `report_ns` is the least that is reported."""
    hole = _judge(window, budget_ns, report_ns)
    run = window.run
    if hole is not None and run is not None:
        hole.without_run = _judge(replace(window, run=None), budget_ns, report_ns)
    return hole


def join(
    before: Sequence[Window], window: Window, own_answer_ns: int
) -> tuple[list[Window], Window]:
    """A window in which a question was lost, and what is left of those before it.

    Where the other side has only asked since the last ESP, the silence began before that.
    `own_answer_ns`: when the last answer came to what the sender asked itself.
    """
    last = before[-1] if before else None
    run = window.run
    if last is None or run is None or not _is_begin(last, window, own_answer_ns):
        return list(before), window
    if last.run is not None:
        run = Run(run.exchange, (*last.run.sent, *run.sent))
    silence = window.silence.since(last.silence)
    return list(before[:-1]), replace(window, silence=silence, run=run)


def _is_begin(one: Window, other: Window, own_answer_ns: int) -> bool:
    """Whether a window is the first part of the one after it: what ended it was no answer.

    What was asked in it, if anything, goes on being asked.
    """
    doubted = one.silence.questionable_ns != NEVER
    follows = own_answer_ns < one.stop_ns == other.silence.last_proof_ns
    asked = one.run is None or (other.run is not None and one.run.exchange is other.run.exchange)
    return asked and doubted and follows


def judge_data_plane(window: Window, report_ns: int) -> HoleTrack | None:
    """The black hole of a silence of ESP in which IKE was answered."""
    window = while_sent(window)
    if window.stop_ns - window.silence.first_out_ns < report_ns or not stands_out(window):
        return None
    hole = _hole(window, BlackHoleClass.DATA_PLANE, None)
    unknown = window.silence.last_proof_ns == NEVER
    hole.confidence = Confidence.SUSPECT if unknown else Confidence.INFERRED
    return hole


def _judge(window: Window, budget_ns: int, report_ns: int) -> HoleTrack | None:
    window = while_sent(window)
    silence, run = window.silence, window.run
    dead_ns = None if run is None else verdict_ns(run, window.acted_ns, window.by_end_ns)
    if silence.first_out_ns == NEVER:
        return None if dead_ns is None else _hole(window, BlackHoleClass.IDLE, dead_ns)
    lasted_ns = window.stop_ns - silence.first_out_ns
    if lasted_ns < report_ns:
        return None
    odd = window.removed is not None or (
        not window.one_way and (stands_out(window) or _misses_beats(window))
    )
    if run is None and not odd:
        return None
    chosen = classify(
        silence,
        run,
        window.asked,
        dead_ns,
        window.stop_ns,
        StopBasis.PROOF if window.is_transient else window.basis,
        lasted_ns,
        budget_ns,
    )
    return _hole(window, chosen, dead_ns)


def _hole(window: Window, hole_class: BlackHoleClass, dead_ns: int | None) -> HoleTrack:
    silence, basis, run = window.silence, window.basis, window.run
    refs: list[Ref] = []
    lost = [(0, 0)]
    if run is not None:
        refs += [t.ref for t in run.sent]
        lost.append(window.since_probe.lost(silence, run.first_ns))
    if window.removed is not None:
        refs.append(window.removed.ref)
        lost.append(window.removed.sent.lost(silence, window.removed.at_ns))
    min_packets, min_start_ns = max(lost)
    if window.ref is not None:
        refs.append(window.ref)
    if run is not None:
        confidence = run.exchange.confidence
    elif window.removed is not None:
        confidence = Confidence.CERTAIN
    elif silence.last_proof_ns == NEVER or basis is StopBasis.CAPTURE_END:
        confidence = Confidence.SUSPECT
    else:
        confidence = Confidence.INFERRED
    return HoleTrack(
        unit=window.unit,
        role=window.role,
        hole_class=hole_class,
        silence=silence,
        first_probe_ns=None if run is None else run.first_ns,
        dead_ns=dead_ns,
        stop_ns=window.stop_ns,
        stop_basis=basis,
        min_start_ns=min_start_ns if min_packets else None,
        min_packets=min_packets,
        confidence=confidence,
        refs=tuple(refs),
        probes=0 if run is None else len(run.sent),
        removed_ns=None if window.removed is None else window.removed.at_ns,
        recovered_ns=window.stop_ns if basis is StopBasis.PROOF else window.proof_ns,
        is_transient=window.is_transient,
        run=run,
    )
