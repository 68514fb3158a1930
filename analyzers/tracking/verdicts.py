"""Black holes as the log of the device tells them: its own verdict, and no view of the traffic."""

from __future__ import annotations

from dataclasses import replace

from analyzers.model.black_hole import BlackHole, BlackHoleClass, Phase, PhaseName
from analyzers.model.policy import DpdPolicy
from analyzers.model.records import Confidence
from analyzers.model.time import nanoseconds, seconds
from analyzers.tracking.holes import SLOW_TEARDOWN_NS, HoleTrack

_BY_VERDICT = frozenset(
    {
        BlackHoleClass.OPEN,
        BlackHoleClass.DETECTED,
        BlackHoleClass.SLOW_DPD,
        BlackHoleClass.SLOW_TEARDOWN,
    }
)


def judged_by_log(track: HoleTrack, budget_ns: int) -> HoleTrack:
    """A black hole with the time at which the device says it gave the peer up, if it does."""
    dead_ns = None if track.run is None else track.run.exchange.dead_ns
    if dead_ns is None or dead_ns < track.silence.last_proof_ns:
        return track
    chosen = track.hole_class
    if chosen in _BY_VERDICT:
        doubt = track.silence.questionable_ns
        if min(track.silence.last_out_ns, track.stop_ns) - dead_ns > SLOW_TEARDOWN_NS:
            chosen = BlackHoleClass.SLOW_TEARDOWN
        elif doubt > 0 and dead_ns - doubt > budget_ns:
            chosen = BlackHoleClass.SLOW_DPD
        else:
            chosen = BlackHoleClass.DETECTED
    return replace(track, dead_ns=dead_ns, hole_class=chosen)


def without_traffic(hole: BlackHole, policy: DpdPolicy | None, first_ns: int) -> BlackHole:
    """The black hole of a log alone (dpd-semantics 5.4): what was sent into it is unknown.

    The loss lies between nothing and the time from the last proof of life to the end of the SA;
    where the interval is known the last proof is at most that long before the first question.
    """
    start_ns = hole.last_proof_ns if hole.last_proof_ns is not None else first_ns
    asked_ns = hole.first_probe_ns
    if policy is not None and policy.interval_s is not None and asked_ns is not None:
        start_ns = max(start_ns, asked_ns - nanoseconds(policy.interval_s))
    cuts = [
        (PhaseName.UNPROBED, start_ns, asked_ns),
        (PhaseName.PROBING, asked_ns, hole.dead_ns),
        (PhaseName.TEARDOWN, hole.dead_ns, hole.stop_ns),
    ]
    phases = tuple(
        Phase(name, begin, end)
        for name, begin, end in cuts
        if begin is not None and end is not None and end > begin
    )
    return replace(
        hole,
        black_hole_class=BlackHoleClass.DETECTED,
        traffic_known=False,
        min_seconds=0.0,
        max_seconds=round(max(0.0, seconds(hole.stop_ns - start_ns)), 6),
        phases=phases,
        confidence=Confidence.INFERRED,
    )
