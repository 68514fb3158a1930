"""When a policy asks, when it gives up, what that costs: pure arithmetic (dpd-semantics 5.5).

Times are seconds after the last proof of life. A question comes at a fixed time, or anywhere
within a span, where the device's own clock decides; so does the verdict.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from analyzers.configs.profiles import Looks
from analyzers.configs.vendors import PROFILES
from analyzers.model.policy import DpdPolicy, PolicyBasis, PolicyMode

LOSS_RATES: Final = (0.001, 0.01, 0.05)
"""Packet loss, each way, for which the chance of a false verdict is told."""

_HOUR_S: Final = 3600.0


class Trigger(StrEnum):
    """What makes a device ask."""

    IDLE = "idle"
    """Nothing came for an interval."""
    PERIODIC = "periodic"
    """A clock of its own, whatever comes."""
    ON_DEMAND = "on-demand"
    """A packet leaves, and nothing came for an interval."""
    EACH_INTERVAL = "each-interval"
    """An interval since the last packet of the peer ends, in which something was sent."""
    FREE_RUNNING = "free-running"
    """An interval of its own clock ends, in which something was sent and nothing came."""
    NEVER = "never"


class Span(Struct, frozen=True):
    """A time that lies anywhere from `first_s` to `last_s`, each as likely; often they are one."""

    first_s: float
    last_s: float

    @property
    def mean_s(self) -> float:
        """The middle."""
        return (self.first_s + self.last_s) / 2

    def later(self, by_s: float) -> Span:
        """The span moved."""
        return Span(self.first_s + by_s, self.last_s + by_s)


class Timing(Struct, frozen=True):
    """A policy as replay and planning use it. Durations in seconds."""

    trigger: Trigger
    interval_s: float
    waits_s: tuple[float, ...]
    """The wait after each question; the sum is the time from the first one to the verdict."""
    slack_s: float = 0.0
    """Added to the interval by the product's own timer."""

    @property
    def probing_s(self) -> float:
        """From the first question to the verdict."""
        return sum(self.waits_s)

    @property
    def questions_per_hour(self) -> float:
        """At most: where nothing the peer sends keeps it from asking."""
        return 0.0 if self.trigger is Trigger.NEVER else _HOUR_S / self.interval_s

    def first_question(self, first_out_s: float | None, due_out_s: float | None) -> Span | None:
        """When the first question is sent, after the peer has gone at 0; None: never.

        `first_out_s`: the first packet sent into the silence; `due_out_s`: the first one sent once
        an interval has passed. None where there is none.
        """
        interval_s = self.interval_s
        match self.trigger:
            case Trigger.IDLE:
                return Span(interval_s + self.slack_s, interval_s + self.slack_s)
            case Trigger.PERIODIC:
                return Span(0.0, interval_s)
            case Trigger.ON_DEMAND:
                return None if due_out_s is None else Span(due_out_s, due_out_s)
            case Trigger.EACH_INTERVAL if first_out_s is not None:
                ended = max(1, -int(-first_out_s // interval_s))
                return Span(ended * interval_s, ended * interval_s)
            case Trigger.FREE_RUNNING if first_out_s is not None:
                # An interval with the last proof in it does not count; the one after it does.
                earliest = max(interval_s, first_out_s)
                return Span(earliest, earliest + interval_s)
        return None

    def verdict(self, every_s: float | None = None) -> Span | None:
        """When the peer is given up, with one packet to send every `every_s` seconds.

        None as `every_s`: traffic without a pause. The first packet leaves anywhere within
        `every_s` after the last proof.
        """
        if self.trigger is Trigger.NEVER:
            return None
        if every_s is None or self.trigger in (Trigger.IDLE, Trigger.PERIODIC):
            question = self.first_question(0.0, self.interval_s)
            return None if question is None else question.later(self.probing_s)
        if self.trigger is Trigger.ON_DEMAND:
            # The packets after an interval: the first one comes within one more pause.
            return Span(self.interval_s, self.interval_s + every_s).later(self.probing_s)
        soonest = self.first_question(0.0, None)
        latest = self.first_question(every_s, None)
        if soonest is None or latest is None:
            return None
        return Span(soonest.first_s, latest.last_s).later(self.probing_s)

    def questions_per_hour_amid(self, every_s: float) -> float:
        """With two-way traffic, one packet each way every `every_s` seconds."""
        match self.trigger:
            case Trigger.NEVER:
                return 0.0
            case Trigger.PERIODIC:
                return _HOUR_S / self.interval_s
            case Trigger.IDLE:
                # Nothing comes between two packets: as many questions as intervals fit.
                return _HOUR_S / every_s * int(every_s / self.interval_s * (1 + 1e-12))
        return 0.0 if every_s < self.interval_s else _HOUR_S / every_s


def as_told(policy: DpdPolicy) -> DpdPolicy:
    """A policy with its timers as they are told: what was seen is known to a tenth of a second.

    For formulas and loads; what would have been is computed from what was seen.
    """
    if policy.basis is not PolicyBasis.OBSERVED:
        return policy
    return replace(
        policy,
        interval_s=_tenths(policy.interval_s),
        retry_s=_tenths(policy.retry_s),
        waits_s=tuple(round(wait_s, _digits(wait_s)) for wait_s in policy.waits_s),
    )


def _tenths(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, _digits(seconds))


def _digits(seconds: float) -> int:
    return 1 if seconds >= 1 else 2


def timing_of(policy: DpdPolicy) -> Timing | None:
    """The timing of a policy; None where its interval or its waits are unknown."""
    if policy.mode is PolicyMode.DISABLED:
        return NEVER
    if not policy.interval_s or not policy.waits_s:
        return None
    profile = PROFILES.get(policy.profile or "")
    looks = Looks.AT_ONCE if profile is None else profile.looks
    slack_s = 0.0 if profile is None else profile.slack_s
    return Timing(_trigger(policy.mode, looks), policy.interval_s, policy.waits_s, slack_s)


def _trigger(mode: PolicyMode, looks: Looks) -> Trigger:
    match mode:
        case PolicyMode.PERIODIC:
            return Trigger.PERIODIC
        case PolicyMode.ON_DEMAND:
            by_looks = {
                Looks.AT_ONCE: Trigger.ON_DEMAND,
                Looks.EACH_INTERVAL: Trigger.EACH_INTERVAL,
                Looks.FREE_RUNNING: Trigger.FREE_RUNNING,
            }
            return by_looks[looks]
    # On idle; and unknown, which differs from it only while the peer is heard.
    return Trigger.IDLE


NEVER: Final = Timing(Trigger.NEVER, 0.0, ())
"""Nothing is ever asked."""


def false_death(questions: int, loss: float) -> float:
    """The chance that a live peer is given up, at a packet loss each way.

    `(1 - (1 - loss)²)ⁿ`: each of n questions, or its answer, is lost, independently.
    """
    if questions <= 0:
        return 0.0
    return (1.0 - (1.0 - loss) ** 2) ** questions
