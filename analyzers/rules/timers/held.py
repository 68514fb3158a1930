"""What the timers of a prober are held against: its interval, and the schedule of its retries.

What is configured or given is held in full. Of a product known by its vendor ID or its log only
that is held which it has no option for: anybody may set the rest.
"""

from __future__ import annotations

from msgspec import Struct

from analyzers.configs.profiles import VendorProfile, Verdict
from analyzers.configs.vendors import PROFILES
from analyzers.model.configuration import Configuration, DpdSetting
from analyzers.model.policy import DpdPolicy, PolicyBasis, PolicyMode
from analyzers.model.records import Confidence, Ref
from analyzers.rules.case import Case
from analyzers.rules.expected import Expected
from analyzers.rules.schedules import counts_by_clock, readings_of


class Interval(Struct, frozen=True):
    """How often a prober should ask."""

    mode: PolicyMode
    interval_s: float
    latest_s: float
    """From the last proof of life to the question, at the latest."""
    said: str
    """"configured", "given", "its own rhythm"."""
    confidence: Confidence
    stated: bool
    """Somebody set it."""
    profile: str | None
    refs: tuple[Ref, ...]


class Schedule(Struct, frozen=True):
    """How a prober should repeat its question, as far as it is known."""

    readings: tuple[tuple[float, ...], ...]
    """The wait after each transmission, the last one ending in the verdict, by every reading of
    the documents of the product; () is unknown."""
    counts: frozenset[int]
    """Transmissions before the verdict; empty is unknown."""
    growth: float | None
    """Ratio of successive gaps; None is unknown."""
    repeats_first: bool
    """The second gap is as long as the first, only then they grow."""
    said: str
    confidence: Confidence
    refs: tuple[Ref, ...]


def interval_of(case: Case, prober: str, ike_version: int) -> Interval | None:
    """The interval that somebody set for a prober, or that it keeps by itself."""
    expected = case.expected(prober, ike_version)
    if expected is None or (expected.stated and ike_version != case.ike_version):
        return None
    policy = expected.policy
    if not expected.stated:
        own = observed(case, prober)
        if own is None:
            return None
        policy, expected = own, Expected(own, "its own rhythm")
    if policy.mode is PolicyMode.DISABLED or not policy.interval_s:
        return None
    profile = PROFILES.get(policy.profile or "")
    latest_s = policy.interval_s if profile is None else profile.lead_s(policy.interval_s)
    return Interval(
        policy.mode,
        policy.interval_s,
        latest_s,
        expected.said,
        expected.confidence,
        expected.stated,
        policy.profile,
        () if policy.ref is None or not expected.stated else (policy.ref,),
    )


def observed(case: Case, prober: str) -> DpdPolicy | None:
    """The policy that a prober's own questions show."""
    return next(
        (p for p in case.peer.policies if p.holder == prober and p.basis is PolicyBasis.OBSERVED),
        None,
    )


def schedule_of(case: Case, prober: str, ike_version: int) -> Schedule | None:
    """How a prober should repeat its questions; None where nothing is known."""
    expected = case.expected(prober, ike_version)
    if expected is None or (expected.stated and ike_version != case.ike_version):
        return None
    policy = expected.policy
    profile = PROFILES.get(policy.profile or "")
    if policy.basis is PolicyBasis.OBSERVED:
        return None
    if profile is None or policy.basis is PolicyBasis.DEFAULT:
        return None if profile is None else _fixed(profile, expected.said)
    if policy.mode is PolicyMode.DISABLED or not policy.waits_s:
        return None
    _, setting = setting_of(case, policy)
    # strongSwan retransmits as a second file says.
    whole = policy.retry_basis is None
    if not whole and not profile.retry_is_interval:
        return None
    readings = readings_of(policy, profile, () if setting is None else setting.alternatives)
    return Schedule(
        readings,
        frozenset(len(waits) for waits in readings) if whole else frozenset(),
        2.0 if profile.verdict is Verdict.DOUBLING else policy.backoff,
        profile.verdict is Verdict.DOUBLING,
        expected.said,
        expected.confidence,
        () if policy.ref is None else (policy.ref,),
    )


def setting_of(case: Case, policy: DpdPolicy) -> tuple[Configuration | None, DpdSetting | None]:
    """The configuration and the setting that a policy comes from."""
    if policy.ref is not None:
        for configuration in case.configurations:
            for setting in configuration.dpd:
                if (setting.policy.ref, setting.policy.profile) == (policy.ref, policy.profile):
                    return configuration, setting
    return None, None


def _fixed(profile: VendorProfile, said: str) -> Schedule | None:
    """What a product has no option for."""
    if counts_by_clock(profile):
        return None
    by_retries = profile.verdict is Verdict.RETRIES
    counts: frozenset[int] = frozenset()
    if by_retries and profile.defaults.retries and not _is_set(profile, "retries", "timeout"):
        uncounted = {profile.uncounted, profile.otherwise_uncounted} - {None}
        counts = frozenset(profile.defaults.retries + (n or 0) for n in uncounted)
    growth = None
    told = profile.defaults.retries is not None or profile.defaults.retry_s is not None
    if told and not _is_set(profile, "backoff", "limit") and profile.defaults.limit_s is None:
        growth = 2.0 if not by_retries else profile.defaults.backoff
    waits = profile.waits_s(profile.defaults)
    spaced = counts and waits and not profile.retry_is_interval and not _is_set(profile, "retry")
    if not counts and growth is None:
        return None
    return Schedule(
        (waits,) if waits and spaced else (),
        counts,
        growth,
        not by_retries,
        said,
        Confidence.INFERRED,
        (),
    )


def _is_set(profile: VendorProfile, *keys: str) -> bool:
    return any(profile.knob(key) is not None for key in keys)
