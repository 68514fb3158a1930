"""How a product comes to a verdict: the waits of its schedule and its worst case.

Formulas: dpd-semantics sections 3 and 5.5. Durations in seconds.
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from analyzers.model.policy import DpdPolicy, PolicyBasis, PolicyMode
from analyzers.model.records import Ref


class Verdict(StrEnum):
    """What ends the waiting for an answer."""

    RETRIES = "retries"
    """The last retry went unanswered for as long as its gap."""
    SINCE_PROOF = "since-proof"
    """A timer that runs from the last proof of life."""
    SINCE_PROBE = "since-probe"
    """A timer that runs from the first unanswered question."""
    DOUBLING = "doubling"
    """The doubled gap that reaches a timeout (Libreswan, IKEv2)."""


class Timers(Struct, frozen=True):
    """Numbers of one setting, durations in seconds; None is unknown or not used."""

    interval_s: float | None = None
    """None or 0: asks nothing."""
    retry_s: float | None = None
    retries: int | None = None
    """As the product counts them."""
    backoff: float = 1.0
    """Ratio of successive gaps."""
    limit_s: float | None = None
    """No gap is longer."""
    timeout_s: float | None = None


class Looks(StrEnum):
    """When a product looks whether it has to ask."""

    AT_ONCE = "at-once"
    """With a timer of the peer's own, or as a packet leaves."""
    EACH_INTERVAL = "each-interval"
    """Once an interval, counted from the last packet of the peer."""
    FREE_RUNNING = "free-running"
    """Once an interval of its own, back over all of it: a question can come an interval late."""


class Knob(Struct, frozen=True):
    """One option of a product. Bounds and default are of durations in seconds, or of counts."""

    option: str
    """As the product names it."""
    sets: str
    """A key of `--policy`, "action", or "" where it is none of these."""
    least: float | None = None
    most: float | None = None
    default: float | None = None


class VendorProfile(Struct, frozen=True):
    """One product and IKE version. What no source tells is absent."""

    name: str
    title: str
    ike_version: int | None
    mode: PolicyMode
    """What a configuration without a mode gets, once the product asks at all."""
    defaults: Timers
    sources: tuple[str, ...]
    verdict: Verdict = Verdict.RETRIES
    uncounted: int = 0
    """Waits beyond its own count: 1 where a product counts the repetitions, not the first."""
    otherwise_uncounted: int | None = None
    """By another reading of its documents."""
    retry_is_interval: bool = False
    """Retries come at the interval; there is no spacing of their own."""
    schedule_fixed: bool = False
    """Nothing sets its retries: it retransmits as it always does."""
    slack_s: float = 0.0
    """What the product's own timer adds to the interval."""
    looks: Looks = Looks.AT_ONCE
    interval_unknown: bool = False
    """It asks, or may, and no source tells how often."""
    knobs: tuple[Knob, ...] = ()
    after: str = ""
    """What it does with a dead peer."""
    notes: tuple[str, ...] = ()

    @property
    def source(self) -> str:
        """All sources in one line."""
        return "; ".join(self.sources)

    def knob(self, sets: str) -> Knob | None:
        """The option that sets a key of a policy."""
        return next((knob for knob in self.knobs if knob.sets == sets), None)

    def repetitions(self, own_count: float) -> float:
        """Retries, which are transmissions after the first, by the number that it counts."""
        return own_count + self.uncounted - 1

    def own_count(self, repetitions: int) -> int:
        """The inverse of `repetitions`."""
        return repetitions + 1 - self.uncounted

    def waits_s(self, timers: Timers) -> tuple[float, ...] | None:
        """The wait after each transmission, the last one ending in the verdict."""
        first_s = timers.interval_s if self.retry_is_interval else timers.retry_s
        if first_s is None or first_s <= 0:
            return None
        if self.verdict is Verdict.RETRIES:
            if timers.retries is None:
                return None
            return _backed_off_s(first_s, timers, timers.retries + self.uncounted)
        if timers.timeout_s is None:
            return None
        if self.verdict is Verdict.DOUBLING:
            return _doubled_s(first_s, timers.timeout_s)
        elapsed_s = first_s if self.verdict is Verdict.SINCE_PROOF else 0.0
        return _steady_s(first_s, timers.timeout_s - elapsed_s)

    def worst_case_s(self, timers: Timers) -> float | None:
        """From the last proof of life to the verdict, at the latest, with traffic to send.

        None where it cannot be told, and where the verdict never comes.
        """
        if not timers.interval_s:
            return None
        if self.verdict is Verdict.SINCE_PROOF:
            if timers.timeout_s is None or timers.timeout_s < timers.interval_s:
                return None
            return timers.timeout_s
        lead_s = self.lead_s(timers.interval_s)
        if self.verdict is Verdict.SINCE_PROBE:
            return None if timers.timeout_s is None else lead_s + timers.timeout_s
        waits = self.waits_s(timers)
        return None if waits is None else round(lead_s + sum(waits), 3)

    def lead_s(self, interval_s: float) -> float:
        """From the last proof of life to the first question, at the latest, with traffic."""
        return interval_s * (2 if self.looks is Looks.FREE_RUNNING else 1) + self.slack_s

    def worst_cases_s(self, timers: Timers) -> tuple[float, float] | None:
        """`worst_case_s` by all readings of the product's documents: the least and the most."""
        readings = [self]
        if self.otherwise_uncounted is not None:
            readings.append(replace(self, uncounted=self.otherwise_uncounted))
        found = [reading.worst_case_s(timers) for reading in readings]
        known = [worst_s for worst_s in found if worst_s is not None]
        return (min(known), max(known)) if known else None

    def policy(
        self,
        timers: Timers,
        evidence: str,
        *,
        basis: PolicyBasis,
        mode: PolicyMode | None = None,
        holder: str = "",
        ref: Ref | None = None,
        retry_basis: PolicyBasis | None = None,
    ) -> DpdPolicy:
        """The policy of a holder of this product; without an interval it never asks."""
        untold = self.interval_unknown and timers.interval_s is None
        if (not timers.interval_s and not untold) or mode is PolicyMode.DISABLED:
            timers, mode = Timers(), PolicyMode.DISABLED
        waits = None if untold else self.waits_s(timers)
        doubling = self.verdict is Verdict.DOUBLING and mode is not PolicyMode.DISABLED
        return DpdPolicy(
            holder=holder,
            profile=self.name,
            mode=self.mode if mode is None else mode,
            interval_s=timers.interval_s,
            retry_s=waits[0] if waits else timers.retry_s,
            retries=len(waits) - self.uncounted if waits else timers.retries,
            basis=basis,
            worst_case_s=self.worst_case_s(timers),
            evidence=evidence,
            ref=ref,
            backoff=2.0 if doubling else timers.backoff,
            waits_s=waits or (),
            retry_basis=retry_basis if waits else None,
        )


# Hostile timers make no longer list than a day of questions every second.
_MAX_WAITS: Final = 86_400
# Libreswan, retransmit.c: so many retransmissions, whatever the timeout.
_MAX_DOUBLINGS: Final = 12


def _backed_off_s(first_s: float, timers: Timers, count: int) -> tuple[float, ...] | None:
    if not 0 < count <= _MAX_WAITS:
        return None
    limit_s = math.inf if timers.limit_s is None else timers.limit_s
    waits: list[float] = []
    gap_s = first_s
    for _ in range(count):
        waits.append(min(gap_s, limit_s))
        gap_s = min(gap_s * timers.backoff, 1e12)
    return tuple(waits)


def _steady_s(gap_s: float, total_s: float) -> tuple[float, ...] | None:
    """Waits of `gap_s`, the last one cut where `total_s` is over."""
    if total_s <= 0:
        return (0.0,) if total_s == 0 else None
    count = math.ceil(total_s / gap_s)
    if count > _MAX_WAITS:
        return None
    return (*[gap_s] * (count - 1), total_s - gap_s * (count - 1))


def _doubled_s(first_s: float, timeout_s: float) -> tuple[float, ...]:
    """The first gap twice, then doubled, until the sum reaches the timeout."""
    waits = [first_s]
    gap_s = first_s
    while sum(waits) < timeout_s and len(waits) <= _MAX_DOUBLINGS:
        if len(waits) > 1 and gap_s * 2 < timeout_s:
            gap_s *= 2
        waits.append(gap_s)
    return tuple(waits)
