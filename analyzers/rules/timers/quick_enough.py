"""A policy that notices a dead peer within a time, with its formula: what a remedy can say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from analyzers.configs.profiles import Timers, VendorProfile, Verdict
from analyzers.configs.vendors import PROFILES
from analyzers.rules.timers.evidence import spoken

# Fewer transmissions give a living peer up too easily.
_FEWEST: Final = 3
_INTERVALS_S: Final = (30, 20, 15, 10, 8, 5, 4, 3, 2)
_RETRIES_S: Final = (5, 4, 3, 2, 1)
_TRIES: Final = (5, 4, 3, 2)
_GENERIC: Final = "cisco-ios"


@dataclass(frozen=True, slots=True)
class Quick:
    """A setting, and what it makes of the worst case."""

    profile: VendorProfile
    timers: Timers
    worst_s: float
    in_time: bool
    """False: the product cannot be as quick as that; this is the quickest."""

    @property
    def formula(self) -> str:
        """ "10 s until it asks + 5 × 3 s of asking = 25 s"."""
        interval_s = self.timers.interval_s or 0.0
        if self.profile.verdict is Verdict.SINCE_PROOF:
            return f"{spoken(self.worst_s)} after the last proof of life"
        waits = self.profile.waits_s(self.timers) or ()
        if len(set(waits)) == 1:
            asking = f"{len(waits)} × {spoken(waits[0])}"
        else:
            asking = "(" + " + ".join(spoken(w).removesuffix(" s") for w in waits) + ") s"
        lead_s = self.profile.lead_s(interval_s)
        return f"{spoken(lead_s)} until it asks + {asking} of asking = {spoken(self.worst_s)}"


def quick_enough(family: str | None, ike_version: int | None, within_s: float) -> Quick:
    """The least talkative setting of a product that comes to a verdict in time.

    `family` as `case.vendor` tells it; None takes the timers of an IOS router as an example.
    """
    version = 1 if ike_version is None else ike_version
    profile = _profile(family, version)
    best: Quick | None = None
    quickest: Quick | None = None
    for timers in _candidates(profile):
        worst_s = profile.worst_case_s(timers)
        waits = profile.waits_s(timers)
        if worst_s is None or waits is None or len(waits) < _FEWEST:
            continue
        found = Quick(profile, timers, worst_s, in_time=worst_s <= within_s)
        if quickest is None or worst_s < quickest.worst_s:
            quickest = found
        if found.in_time and (best is None or _merit(found) > _merit(best)):
            best = found
    return best or quickest or quick_enough(None, 1, within_s)


def advice(family: str | None, ike_version: int | None, within_s: float) -> str:
    """What to configure to notice a dead peer within a time, with the formula and its numbers."""
    quick = quick_enough(family, ike_version, within_s)
    lines = _lines(quick)
    if family is None:
        lines = f"an interval and retries as in {lines} (Cisco IOS), in the terms of the product"
    if not quick.in_time:
        return (
            f"The quickest that {quick.profile.title} can be is {spoken(quick.worst_s)}"
            f" ({quick.formula}): {lines}. Only routing or a monitor over the tunnel is quicker."
        )
    return f"Configure {lines}: {quick.formula} at worst, within {spoken(within_s)}."


def _profile(family: str | None, version: int) -> VendorProfile:
    named = f"{family}-ikev{version}"
    found = PROFILES.get(named) or PROFILES.get(family or _GENERIC)
    if found is None or (found.defaults.retries is None and found.verdict is Verdict.RETRIES):
        return PROFILES[_GENERIC]
    return found


def _candidates(profile: VendorProfile) -> Iterator[Timers]:
    own = profile.defaults
    for interval_s in _within(profile, "interval", _INTERVALS_S):
        timers = replace(own, interval_s=interval_s)
        if profile.verdict is not Verdict.RETRIES:
            yield from (
                replace(timers, timeout_s=timeout_s)
                for factor in _TRIES
                for timeout_s in (factor * interval_s, 8.0 * factor)
                if timeout_s >= interval_s
            )
            continue
        may_retry = own.retry_s is None or profile.knob("retry") is not None
        spacing: tuple[float | None, ...] = (own.retry_s,)
        if may_retry and not profile.retry_is_interval:
            spacing = tuple(_within(profile, "retry", _RETRIES_S))
        tries: tuple[int | None, ...] = (own.retries,)
        if profile.knob("retries") is not None:
            tries = _TRIES
        for retry_s in spacing:
            for count in tries:
                yield replace(timers, retry_s=retry_s, retries=count)


def _within(profile: VendorProfile, key: str, values: tuple[int, ...]) -> Iterator[float]:
    knob = profile.knob(key)
    for value in values:
        if knob is None or (knob.least or 0) <= value <= (knob.most or value):
            yield float(value)


def _merit(quick: Quick) -> tuple[int, float, float]:
    """Enough tries first, then few questions, then long waits for an answer."""
    waits = quick.profile.waits_s(quick.timers) or ()
    return min(len(waits), 5), min(quick.timers.interval_s or 0.0, 10.0), sum(waits)


def _lines(quick: Quick) -> str:
    timers, name = quick.timers, quick.profile.name
    interval = f"{timers.interval_s or 0:g}"
    retry = f"{timers.retry_s or 0:g}"
    timeout = f"{timers.timeout_s or 0:g}"
    match name:
        case "cisco-ios":
            return f"crypto isakmp keepalive {interval} {retry} periodic"
        case "cisco-ios-ikev2":
            return f"crypto ikev2 dpd {interval} {retry} periodic"
        case "cisco-asa":
            return f"isakmp keepalive threshold {interval} retry {retry}"
        case "strongswan-ikev1":
            return f"dpd_delay = {interval}s and dpd_timeout = {timeout}s in the connection"
        case "strongswan-ikev2":
            return (
                f"dpd_delay = {interval}s in the connection, and charon.retransmit_timeout ="
                f" {retry} with retransmit_base = {timers.backoff:g} and retransmit_tries ="
                f" {timers.retries}"
            )
        case "libreswan-ikev1":
            return f"dpddelay={interval} and dpdtimeout={timeout}"
        case "libreswan-ikev2":
            return f"dpddelay={interval} and retransmit-timeout={timeout}s"
        case "fortios-ikev1":
            return (
                f"set dpd on-idle, set dpd-retryinterval {interval} and set dpd-retrycount"
                f" {timers.retries}"
            )
        case "fortios-ikev2":
            return f"set dpd on-idle and set dpd-retryinterval {interval}"
        case _:
            parts = [f"an interval of {interval} s"]
            parts += [f"retries every {retry} s"] * (timers.retry_s is not None)
            parts += [f"{timers.retries} tries"] * (timers.retries is not None)
            return ", ".join(parts)
