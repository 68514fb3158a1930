"""What a side's questions show of its DPD policy: mode, interval, retries, and the evidence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise
from statistics import median, median_low
from typing import Final

from msgspec.structs import replace

from analyzers.configs.charon import UNREAD
from analyzers.configs.vendors import PROFILES
from analyzers.model.exchange import Exchange, Outcome
from analyzers.model.policy import DpdPolicy, PolicyBasis, PolicyMode
from analyzers.model.records import Basis, Confidence
from analyzers.model.sa import IkeSa
from analyzers.model.time import LONG_S, NS_PER_SECOND, long_duration, seconds
from analyzers.tracking.readings import settled
from analyzers.tracking.unshown import as_far_as_shown

# An interval is only told from at least this many; a mode needs more than that.
_MIN_INTERVALS: Final = 2
_MIN_FOR_MODE: Final = 3
# Intervals within this share of their median are one rhythm (dpd-semantics section 4: tolI).
_TOLERANCE_SHARE: Final = 0.1
_TOLERANCE_S: Final = 0.25
_MOSTLY: Final = 0.6
# One question in so many may be something else: a path test, the check after a rekey.
_SELDOM: Final = 4
# Of many distances one in so many may be none: a handover, a failover, a lost answer.
_STRAY: Final = 10
_GROWTH_FROM: Final = 1.2
# No stack waits longer by more than this, nor shorter by this, than it did before.
_GROWTH_TO: Final = 3.0
_SHORTER: Final = 0.8
# No stack repeats faster: what is this close together was asked on two IKE SAs.
_LEAST_RETRY_S: Final = 0.1
# Nor asks again so soon, unless something else makes it.
_LEAST_NS: Final = NS_PER_SECOND // 2
# A retry may be off by this and be the one that is set (dpd-semantics section 4: tolR).
_RETRY_TOLERANCE_S: Final = 0.5
_RETRY_TOLERANCE_SHARE: Final = 0.2
_IDLE: Final = "where nothing comes in between, periodic and on-idle look alike"
_IN_LOGS: Final = "a log shows no traffic to tell the mode by"
_LEFT_OUT: Final = "some of its questions did not come by the capture: they tell no mode"
# No stack asks after less of silence: what comes sooner was not triggered by it.
_IDLE_S: Final = 1.0
# Who counts silence in whole seconds asks after one that differs by as much, or a little more.
_COUNTED_S: Final = 1.25
# What came this shortly before a question may have crossed it.
_CROSSING_S: Final = 0.01
# Python 3.11 is slow to find a member by its name, and this is asked for of every question.
_ANSWERED: Final = Outcome.ANSWERED


def observe(
    holder: str,
    exchanges: Sequence[Exchange],
    sas: Sequence[IkeSa] = (),
    *,
    traffic_shown: bool = True,
    captured: bool = True,
) -> DpdPolicy | None:
    """The policy of `holder` as its exchanges show it; None if it never asked.

    `sas`: those of the peer.
    `traffic_shown`: a capture has the ESP of the peer. Without it nobody can tell how long the
    peer had been silent before a question, nor whether anything was to be sent: that questions
    come on demand, or after what silence, only equal waits show. `captured`: a capture has the
    peer, be it without ESP.
    """
    own = as_far_as_shown(holder, exchanges, sas)
    if not own:
        return None
    own, changed = _of_one_policy(own)
    logged = any(x.basis is Basis.LOG for x in own)
    alike = (_LEFT_OUT if captured else _IN_LOGS) if logged else _IDLE
    traffic_shown = traffic_shown and not logged
    starts = _starts_s(own, pauses=not traffic_shown)
    since = [seconds(x.idle_ns) for x in own if x.idle_ns is not None]
    since = [s for s in since if s >= _CROSSING_S]
    if _side_by_side(own):
        # What answers on one IKE SA is no proof of life on the other.
        starts, since = _within_sas_s(own), []
    mode, interval_s, evidence = _rhythm(
        starts,
        since,
        alike,
        traffic_shown=traffic_shown,
        by_silence=not any(x.prober != holder for x in exchanges),
    )
    retry_s, backoff = _retry(own)
    retries = _retries(own)
    waits_s: tuple[float, ...] = ()
    if retry_s is not None and retries is not None:
        waits_s = tuple(round(retry_s * backoff**k, 3) for k in range(retries + 1))
    worst_s = interval_s + sum(waits_s) if interval_s is not None and waits_s else None
    if retry_s is not None:
        spacing = f"{retry_s:.3g} s" + ("" if backoff == 1.0 else f", growing ×{backoff:.2g}")
        evidence += f"; retries every {spacing}"
    if partly := sum(x.first_missing for x in own):
        evidence += f"; {partly} question{'s' * (partly > 1)} may not be shown whole"
    if changed:
        evidence += "; on IKE SAs before it asked at other intervals"
    waits = traffic_shown and interval_s is None and not _is_busy(since)
    about = _idle_s(own) if waits else []
    return DpdPolicy(
        holder=holder,
        profile=None,
        mode=mode,
        interval_s=None if interval_s is None else round(interval_s, 3),
        retry_s=None if retry_s is None else round(retry_s, 3),
        retries=retries,
        basis=PolicyBasis.OBSERVED,
        worst_case_s=None if worst_s is None else round(worst_s, 3),
        evidence=evidence,
        ref=own[0].transmissions[0].ref,
        backoff=round(backoff, 2),
        about_s=round(median(about), 3) if about else None,
        waits_s=waits_s,
    )


def _of_one_policy(own: list[Exchange]) -> tuple[list[Exchange], bool]:
    """The questions of the IKE SAs at the end that keep one interval; whether others kept another.

    A gateway can be configured anew between two IKE SAs, or have several connections to one peer:
    questions of both make no policy that anybody has set.
    """
    kept: list[Exchange] = []
    latest: float | None = None
    for asked in reversed(_by_sa(own).values()):
        every = _interval(_gaps_s(asked), pauses=False)
        known = every is not None and latest is not None
        if known and abs((every or 0.0) - (latest or 0.0)) > _tolerance_s(latest or 0.0):
            return kept, True
        latest = every if latest is None else latest
        kept = [*asked, *kept]
    return own, False


def _by_sa(own: Iterable[Exchange]) -> dict[str, list[Exchange]]:
    of_sa: dict[str, list[Exchange]] = {}
    for exchange in own:
        of_sa.setdefault(exchange.ike_sa, []).append(exchange)
    return of_sa


def _side_by_side(own: Sequence[Exchange]) -> bool:
    """Whether it went on asking on an IKE SA after it had asked on another one."""
    turns = [sa for sa, _ in groupby(own, key=lambda x: x.ike_sa)]
    return len(turns) > len(set(turns)) or any(
        x.ike_sa != later.ike_sa and later.first_ns < x.transmissions[-1].at_ns
        for x, later in pairwise(own)
    )


def known_intervals_s(policies: Sequence[DpdPolicy | None]) -> dict[str, float]:
    """The interval of each holder, where it is known for sure."""
    return {
        p.holder: p.interval_s
        for p in policies
        if p is not None
        and p.interval_s is not None
        and (p.basis is PolicyBasis.CONFIG or p.mode is not PolicyMode.UNKNOWN)
    }


def with_seen_retries(
    policy: DpdPolicy,
    seen: DpdPolicy | None,
    exchanges: Sequence[Exchange],
    others: Sequence[DpdPolicy] = (),
) -> DpdPolicy:
    """A policy with the retries that were seen in place of those that nobody has read.

    Where a second file sets the retries and is not among the inputs (strongswan.conf), what the
    configuration gives for them is a default, and what is seen goes before it. What is not seen
    stays the default. `seen` is the observed policy of the same holder, `others` the same line by
    its other readings.
    """
    if others:
        return settled(policy, others, seen)
    if policy.retry_basis is not PolicyBasis.DEFAULT or seen is None or not policy.waits_s:
        return policy
    own = [x for x in exchanges if x.prober == policy.holder]
    most = max((x.retries for x in own), default=0)
    if not most:
        return policy
    first_s, backoff = policy.waits_s[0], policy.backoff
    profile = PROFILES.get(policy.profile or "")
    by_delay = profile is not None and profile.retry_is_interval
    spaced = not by_delay and seen.retry_s is not None and not _is_default(policy, seen, most)
    if spaced and seen.retry_s is not None:
        # One distance alone shows no growth.
        first_s, backoff = round(seen.retry_s, 2), seen.backoff if most > 1 else backoff
    retries = seen.retries
    if retries is None:
        retries = max(most, len(policy.waits_s) - 1)
    if not spaced and retries == len(policy.waits_s) - 1:
        return policy
    waits_s = tuple(round(first_s * backoff**k, 3) for k in range(retries + 1))
    worst_s = policy.worst_case_s
    if worst_s is not None:
        worst_s = round(worst_s - sum(policy.waits_s) + sum(waits_s), 3)
    parts = ("retries as observed", "retries as observed, their number by default")
    told = parts[seen.retries is None]
    if not spaced:
        told = "their number as observed"
    return replace(
        policy,
        retry_s=waits_s[0],
        retries=retries,
        backoff=backoff,
        waits_s=waits_s,
        worst_case_s=worst_s,
        retry_basis=PolicyBasis.OBSERVED,
        evidence=f"{policy.evidence.partition(';')[0]}; {told}: {UNREAD}",
    )


def _is_default(policy: DpdPolicy, seen: DpdPolicy, most: int) -> bool:
    """Whether the distances that were seen are those of the default."""
    first_s = policy.waits_s[0]
    seen_s = seen.retry_s or 0.0
    if abs(seen_s - first_s) > max(_RETRY_TOLERANCE_S, _RETRY_TOLERANCE_SHARE * first_s):
        return False
    return most == 1 or abs(seen.backoff - policy.backoff) <= _TOLERANCE_SHARE * policy.backoff


def _idle_s(own: list[Exchange]) -> list[float]:
    """How long the peer had been silent before questions that this may have brought about, s."""
    sure = (x for x in own if x.confidence is not Confidence.SUSPECT)
    since = [seconds(x.idle_ns) for x in sure if x.idle_ns is not None]
    return [s for s in since if s >= _IDLE_S]


def _starts_s(own: list[Exchange], *, pauses: bool) -> list[float]:
    """Distances of successive questions; a new IKE SA may begin to count anew."""
    across = _gaps_s(own)
    if _interval(across, pauses=pauses) is not None:
        return across
    within = _within_sas_s(own)
    return across if _interval(within, pauses=pauses) is None else within


def _within_sas_s(own: list[Exchange]) -> list[float]:
    """Distances of successive questions on the same IKE SA."""
    return [gap for asked in _by_sa(own).values() for gap in _gaps_s(asked)]


def _gaps_s(own: list[Exchange]) -> list[float]:
    """Distances between the starts of successive questions, the first of each answered."""
    counts = len({x.sequence for x in own}) > 1
    return [
        seconds(gap_ns)
        for earlier, later in pairwise(own)
        if earlier.outcome is _ANSWERED
        and not earlier.retries
        and not later.first_missing
        and not (counts and _is_repeated(earlier, later))
        and (gap_ns := later.first_ns - earlier.first_ns) > _LEAST_NS
    ]


def _is_repeated(earlier: Exchange, later: Exchange) -> bool:
    """Whether a number is asked again that was answered: the answer did not reach the prober."""
    known = earlier.sequence is not None and earlier.ike_sa == later.ike_sa
    return known and earlier.sequence == later.sequence


def _rhythm(
    starts: list[float], since: list[float], alike: str, *, traffic_shown: bool, by_silence: bool
) -> tuple[PolicyMode, float | None, str]:
    """Mode, interval and evidence.

    `starts`: distances of questions; `since`: how long the peer had been silent before each, s;
    `alike`: why equal distances tell no mode. `by_silence`: no rhythm of the peer's own questions
    explains that the silences are as equal.
    """
    idle = [s for s in since if s >= _IDLE_S]
    busy = _is_busy(since)
    proof = "message of the peer in the log" if alike is _IN_LOGS else "proof of life"
    came = f"{_range(idle)} after the last {proof}" if idle else ""
    every = _interval(starts, pauses=not traffic_shown)
    if every is not None:
        told = _intervals(starts, every)
        sooner = [s for s in idle if s < every * (1 - _TOLERANCE_SHARE)]
        heard = busy or _SELDOM * len(sooner) > len(idle)
        if heard and by_silence and not busy and (_steady(idle) or not _is_uneven(idle)):
            return PolicyMode.UNKNOWN, None, f"{told}, each {came}: either may be what is set"
        if heard:
            return PolicyMode.PERIODIC, every, f"{told}, also while the peer was heard"
        return PolicyMode.UNKNOWN, every, f"{told}; {alike}" if idle else told
    if (busy or not idle) and len(starts) >= _MIN_FOR_MODE:
        return PolicyMode.UNKNOWN, None, f"{len(starts)} intervals of {_range(starts)}, irregular"
    if busy or not idle:
        return PolicyMode.UNKNOWN, None, "too few questions to tell an interval"
    if len(idle) >= _MIN_INTERVALS and _steady(idle):
        if len(starts) >= _MIN_FOR_MODE:
            return PolicyMode.ON_IDLE, median(idle), f"each of {len(idle)} questions came {came}"
        return PolicyMode.UNKNOWN, median(idle), f"{len(idle)} questions, each {came}"
    same = _alike(idle)
    mostly = len(same) >= _MOSTLY * len(idle)
    if mostly and len(same) >= _MIN_FOR_MODE:
        usual = median(same)
        told = f"{len(idle)} questions, most of them {usual:.3g} s after the last {proof}"
        return PolicyMode.UNKNOWN, usual, told
    if not mostly and _on_demand(idle):
        told = f"{len(idle)} questions, {came}, in no fixed rhythm"
        if traffic_shown:
            return PolicyMode.ON_DEMAND, min(idle), told
        return PolicyMode.UNKNOWN, None, told
    return PolicyMode.UNKNOWN, None, f"{len(idle)} question{'s' * (len(idle) > 1)}, {came}"


def _is_busy(since: list[float]) -> bool:
    """Whether many of its questions came while the peer was heard: no silence triggered them."""
    return _SELDOM * sum(s < _IDLE_S for s in since) > len(since)


def _interval(gaps: list[float], *, pauses: bool) -> float | None:
    """The interval that distances keep; some are multiples, where other messages took its place.

    Of many, a few may be anything.

    `pauses`: or anything longer, where traffic that is not shown may have taken it, or where
    questions were lost on their way to the device that logged them.
    """
    if len(gaps) < _MIN_INTERVALS:
        return None
    middle = median_low(gaps)
    if middle <= 0:
        return None  # damaged stamps
    tolerance = _tolerance_s(middle)
    single = [gap for gap in gaps if abs(gap - middle) <= tolerance]
    strays = sum(
        abs(gap - max(round(gap / middle), 1) * middle) > tolerance
        and not (pauses and gap > middle)
        for gap in gaps
    )
    keeps = _STRAY * strays <= len(gaps) and len(single) >= _MOSTLY * len(gaps)
    return median(single) if keeps else None


def _intervals(gaps: list[float], every: float) -> str:
    """How many distances keep it: "5 intervals of 3 s", "3 of 4 of 3 s, the longest 11 s"."""
    single = [gap for gap in gaps if abs(gap - every) <= _tolerance_s(every)]
    if len(single) == len(gaps):
        return f"{len(gaps)} intervals of {_range(gaps)}"
    told = f"{len(single)} of {len(gaps)} intervals of {_range(single)}"
    if min(gaps) < min(single):
        told += f", the shortest {_range([min(gaps)])}"
    if max(gaps) > max(single):
        told += f", the longest {_range([max(gaps)])}"
    return told


def _tolerance_s(middle: float) -> float:
    return max(_TOLERANCE_S, _TOLERANCE_SHARE * middle)


def _retry(own: list[Exchange]) -> tuple[float | None, float]:
    """First retry gap in seconds and growth of the gaps, from the exchange with most retries of
    those that have a spacing."""
    known = [
        x
        for x in own
        if len(x.transmissions) > 1
        and x.confidence is not Confidence.SUSPECT
        # Without keys the second of two may be something else, a Delete above all.
        and (x.basis is not Basis.RHYTHM or x.retries != 1 or x.verdict_ns is not None)
    ]
    for exchange in sorted(known, key=lambda x: x.retries, reverse=True):
        gaps = [seconds(b.at_ns - a.at_ns) for a, b in pairwise(exchange.transmissions)]
        spacing = _spacing(gaps, first_missing=exchange.first_missing)
        if spacing is not None:
            return spacing
    return None, 1.0


def _spacing(gaps: list[float], *, first_missing: bool) -> tuple[float, float] | None:
    """First gap and growth, if they are those that somebody has set.

    A gap over a retry that is not shown is two, or more: one after a question that is not shown
    may be any of them, and of several the others tell. No stack waits shorter than before.
    """
    if not gaps or gaps[0] <= _LEAST_RETRY_S or (first_missing and len(gaps) == 1):
        return None
    ratios = [b / a for a, b in pairwise(gaps) if a > 0]
    if any(ratio < _SHORTER for ratio in ratios):
        every = _interval(gaps, pauses=False)
        return None if every is None or max(gaps) > _GROWTH_TO * every else (every, 1.0)
    growth = median(ratios) if ratios else 1.0
    if growth < _GROWTH_FROM:
        return median(gaps), 1.0
    return None if first_missing or growth > _GROWTH_TO else (gaps[0], growth)


def _retries(own: list[Exchange]) -> int | None:
    """Retries before giving up: only an exchange that ended in a verdict shows them.

    Where a log counts them, those count that it does not show, too; without that it has to show
    the time before them.
    """
    ended = [x for x in own if x.verdict_ns is not None and x.retries]
    shown = [x.retries for x in ended if x.sent is None and x.since_proof_ns is not None]
    return max([*shown, *(x.sent - 1 for x in ended if x.sent is not None)], default=None)


def _steady(values: list[float]) -> bool:
    middle = median_low(values)
    tolerance = _tolerance_s(middle)
    return all(abs(v - middle) <= tolerance for v in values)


def _on_demand(idle: list[float]) -> bool:
    """Whether silences have a least length and no usual one, nor a longest one: that would be what
    is waited for, and what was captured in between need not have arrived."""
    longest = [s for s in idle if max(idle) - s <= _tolerance_s(max(idle))]
    return len(idle) >= _MIN_FOR_MODE > len(longest) and _is_uneven(idle)


def _is_uneven(idle: list[float]) -> bool:
    """Whether silences differ by more than those of who counts whole seconds."""
    return max(idle) - min(idle) > _COUNTED_S


def _alike(idle: list[float]) -> list[float]:
    """The silences that are about the middle one: where they are most, something else made it ask
    sooner, or kept it from asking, the other times."""
    middle = median(idle)
    tolerance = _tolerance_s(middle)
    return [s for s in idle if abs(s - middle) <= tolerance]


def _range(values: list[float]) -> str:
    low, high = min(values), max(values)
    if high >= LONG_S:
        texts = [long_duration(round(s)) if s >= LONG_S else f"{s:.3g} s" for s in (low, high)]
        return " to ".join(dict.fromkeys(texts))
    if high - low < 0.01:
        return f"{median(values):.3g} s"
    return f"{low:.3g} to {high:.3g} s"
