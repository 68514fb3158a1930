"""Schedules of retries: by which readings they are set, and whether distances keep to one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Final

from analyzers.configs.profiles import VendorProfile, Verdict
from analyzers.model.policy import DpdPolicy
from analyzers.rules.options import Thresholds

_COUNT_BY_CLOCK: Final = frozenset({Verdict.SINCE_PROOF, Verdict.SINCE_PROBE})
# By whole seconds shorter distances cannot be told.
_COARSE_FROM_S: Final = 2.0


def counts_by_clock(profile: VendorProfile) -> bool:
    """Whether a clock ends the questions of a product, not their number."""
    return profile.verdict in _COUNT_BY_CLOCK


def readings_of(
    policy: DpdPolicy, profile: VendorProfile, alternatives: Iterable[DpdPolicy] = ()
) -> tuple[tuple[float, ...], ...]:
    """The waits of a policy by all readings: where documents differ, or a clock cuts the count.

    `alternatives` is the same setting under other readings that documents of its vendor allow.
    """
    waits = policy.waits_s
    found = [waits, *(other.waits_s for other in alternatives if other.waits_s)]
    if profile.otherwise_uncounted is not None:
        more = profile.otherwise_uncounted - profile.uncounted
        found.append((*waits, *waits[-1:] * more) if more > 0 else waits[:more])
    if counts_by_clock(profile):
        found += [(*waits[:-1], waits[0], waits[-1]), waits[:-1]]
    return tuple(dict.fromkeys(reading for reading in found if reading))


def fits(
    waits: Sequence[float], gaps: Sequence[float], thresholds: Thresholds, slack_s: float = 0.0
) -> bool:
    """Whether each distance is the next wait, or several of them: a retry may be missing.

    `slack_s`: how far a distance may be off because its log stamps whole seconds.
    """
    place = 0
    for gap in gaps:
        left = waits[place:]
        if not left:
            return True  # more retries than set is another matter
        if slack_s and left[0] < _COARSE_FROM_S:
            return True
        sums = accumulate(left)
        near = (
            count
            for count, total in enumerate(sums, start=1)
            if abs(gap - total) <= thresholds.retry_tolerance(total) + slack_s
        )
        used = next(near, None)
        if used is None:
            return False
        place += used
    return True
