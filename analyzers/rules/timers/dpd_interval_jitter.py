"""dpd-interval-jitter: a prober that asks by itself keeps no rhythm."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import sqrt
from statistics import fmean, median
from typing import Final

from analyzers.model.finding import Severity
from analyzers.model.policy import PolicyMode
from analyzers.model.time import seconds
from analyzers.rules.case import Case
from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.rule import Found, Needs
from analyzers.rules.timers.evidence import confidence_of, first_refs, spoken
from analyzers.rules.timers.presence import shows_esp
from analyzers.rules.timers.questions import Asked, asked, distances, stamp_s

# No stack asks after less of silence: what comes sooner has another reason.
_IDLE_S: Final = 1.0
_NEAR_SHARE: Final = 0.1
"""How near to a multiple of the interval a distance is one."""


def _check(case: Case) -> Iterator[Found]:
    if not case.timed or case.clock_was_set:
        return
    for own in asked(case):
        if not _asks_by_itself(case, own):
            continue
        if any(stamp_s(case, x) for x in own.exchanges):
            continue
        found = distances(own.exchanges)
        by_start = [d.seconds for d in found]
        by_proof = [
            seconds(x.idle_ns)
            for x in own.exchanges
            if x.idle_ns is not None and seconds(x.idle_ns) >= _IDLE_S
        ]
        wanted = case.thresholds.jitter_intervals
        known = [values for values in (by_start, by_proof) if len(values) >= wanted]
        steadiest = min(known, key=_unsteadiness, default=None)
        if steadiest is None or _unsteadiness(steadiest) <= case.thresholds.jitter_share:
            continue
        yield _found(case, own, steadiest)


def _asks_by_itself(case: Case, own: Asked) -> bool:
    """Whether the questions of a prober follow a clock, not its traffic."""
    expected = case.expected(own.prober, own.sa.ike_version)
    if expected is not None and expected.stated and own.sa.ike_version == case.ike_version:
        if expected.policy.mode is PolicyMode.ON_IDLE:
            return case.captured and shows_esp(case)
        return expected.policy.mode is PolicyMode.PERIODIC
    # Without traffic there is no demand; what a log alone shows has traffic that nobody sees.
    return case.captured and not any(f.sender == own.prober for f in case.peer.esp_flows)


def _unsteadiness(values: Sequence[float]) -> float:
    """Coefficient of variation, a multiple of the interval counting as several."""
    middle = median(values)
    counts = [max(round(value / middle), 1) for value in values]
    single = [
        value / count if abs(value - count * middle) <= _NEAR_SHARE * value else value
        for value, count in zip(values, counts, strict=True)
    ]
    mean = fmean(single)
    # `statistics.pstdev` counts in fractions: exact, and a hundred times as slow.
    return sqrt(fmean([(value - mean) ** 2 for value in single])) / mean


def _found(case: Case, own: Asked, values: Sequence[float]) -> Found:
    exchanges = own.exchanges
    return Found(
        f"{own.prober} asks {exchanges[0].responder} every {spoken(min(values))} to"
        f" {spoken(max(values))}: {len(values)} intervals that differ by"
        f" {_unsteadiness(values):.0%} of their mean (standard deviation); up to"
        f" {case.thresholds.jitter_share:.0%} is steady.",
        first_refs(x.transmissions[0].ref for x in exchanges),
        confidence=confidence_of(exchanges),
        at_ns=exchanges[0].first_ns,
        end=own.prober,
    )


RULE = PeerRule(
    id="dpd-interval-jitter",
    severity=Severity.INFO,
    title="Liveness is asked at uneven intervals",
    rationale=(
        "A timer keeps its rhythm. Where it does not, the device is busy, sleeps, or several"
        " timers ask; how long a dead peer stays unnoticed cannot be told beforehand."
    ),
    remedy="Look at the load of the device at the uneven places; ask for one timer per peer.",
    source="RFC 3706 section 5.5: each end has an interval of its own",
    needs=(Needs.CAPTURE, Needs.LOG),
    traps=(
        "who asks when idle counts from the last packet of the peer, not from its last question",
        "on demand the traffic gives the rhythm",
        "traffic that a log does not show takes the place of questions",
        "a multiple of the interval is a question whose place another message took",
        "a log that stamps whole seconds shows no rhythm",
        "a clock that was set back tells no distances",
    ),
    check=_check,
)
