"""What the timers of a side are called: the same words in every front end, in ASCII as `words`."""

from __future__ import annotations

from typing import Final

from analyzers.configs.vendors import PROFILES
from analyzers.export.formatting import ASCII, Glyphs, counted, timer
from analyzers.model.policy import DpdPolicy, PolicyBasis, PolicyMode

POLICY_BASIS: Final = {
    PolicyBasis.CONFIG: "configured",
    PolicyBasis.OBSERVED: "observed",
    PolicyBasis.GIVEN: "given",
    PolicyBasis.DEFAULT: "default",
}


def _asking(policy: DpdPolicy) -> str:
    every = "" if policy.interval_s is None else timer(policy.interval_s)
    if policy.mode is PolicyMode.PERIODIC:
        return f"every {every}" if every else "periodic, interval unknown"
    if policy.mode is PolicyMode.ON_IDLE:
        return f"on idle {every}" if every else "on idle, interval unknown"
    if policy.mode is PolicyMode.ON_DEMAND:
        return f"on demand after {every}" if every else "on demand"
    if policy.mode is PolicyMode.DISABLED:
        return "never asks"
    # Periodic and on-idle look alike where there is no traffic.
    return f"after {every}" if every else asking_about(policy)


def asking_about(policy: DpdPolicy) -> str:
    """When a holder asks whose interval is not known."""
    if policy.about_s is None:
        return "at an unknown interval"
    return f"after about {timer(round(policy.about_s, 1))}"


def policy_summary(policy: DpdPolicy, signs: Glyphs = ASCII) -> str:
    """The timers of a holder: "on idle 5 s, 5 retries x 2 s, worst case 17 s"."""
    parts = [_asking(policy)]
    if policy.repetitions is not None:
        tries = counted(policy.repetitions, "retry", "retries") + _own_count(policy)
        if policy.retry_s is not None:
            if abs(policy.backoff - 1.0) > 0.05:
                tries += f" from {timer(policy.retry_s)}, each {policy.backoff:.1f}"
                tries += f" {signs.times} the last"
            else:
                tries += f" {signs.times} {timer(policy.retry_s)}"
        parts.append(tries)
    elif policy.retry_s is not None:
        parts.append(f"retry after {timer(policy.retry_s)}")
    if policy.worst_case_s is not None:
        parts.append(f"worst case {timer(policy.worst_case_s)}")
    return ", ".join(parts)


def _own_count(policy: DpdPolicy) -> str:
    """ " (dpd-retrycount 3)": the option of a product that counts otherwise, as it is set."""
    profile = PROFILES.get(policy.profile or "")
    knob = None if profile is None else profile.knob("retries")
    if profile is None or knob is None or policy.retries is None:
        return ""
    own = profile.own_count(policy.repetitions or 0)
    return "" if own == policy.repetitions else f" ({knob.option} {own})"


def asks(mode: PolicyMode) -> str:
    """What goes between a holder and its timers."""
    return "" if mode is PolicyMode.DISABLED else "asks "


def policy_basis(policy: DpdPolicy) -> str:
    """Where a policy is known from; its retries may be known from elsewhere."""
    retries = {
        PolicyBasis.OBSERVED: ", retries as seen",
        PolicyBasis.DEFAULT: ", retries by default",
    }
    more = "" if policy.retry_basis is None else retries.get(policy.retry_basis, "")
    return POLICY_BASIS[policy.basis] + more
