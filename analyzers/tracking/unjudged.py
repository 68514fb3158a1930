"""Black holes of which nobody knows whether anybody asked, or whether it was in vain."""

from __future__ import annotations

from msgspec.structs import replace

from analyzers.model.black_hole import BlackHoleClass, StopBasis
from analyzers.model.records import Confidence
from analyzers.tracking.holes import HoleTrack, Run
from analyzers.tracking.rhythm import LEAST_RHYTHM


def without_verdict(hole: HoleTrack) -> BlackHoleClass:
    """The class of a black hole of which nobody knows whether and when anybody asked."""
    idled = hole.run is None and hole.is_transient
    proven = idled or hole.stop_basis is StopBasis.PROOF
    return BlackHoleClass.TRANSIENT if proven else BlackHoleClass.OPEN


def perhaps_answered(track: HoleTrack, run: Run, *, one_way: bool) -> HoleTrack | None:
    """A black hole whose questions may have been answered unseen; None: nothing else shows it.

    `one_way`: nothing but answers ever came from the other side, so their absence shows it.
    """
    hole = track.without_run
    if len(run.sent) < LEAST_RHYTHM:
        return hole
    if hole is None and one_way:
        hole = replace(
            track.bounded_without_run(),
            hole_class=without_verdict(track),
            first_probe_ns=None,
            dead_ns=None,
            run=None,
            probes=0,
            confidence=Confidence.SUSPECT,
        )
    return None if hole is None else replace(hole, asked_ns=run.first_ns)
