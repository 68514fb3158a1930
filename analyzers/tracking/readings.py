"""Which reading of a configured line is right, where documents of its vendor allow several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from analyzers.model.policy import DpdPolicy, PolicyBasis

# A retry may be off by this and be the one that is set (dpd-semantics section 4: tolR).
_TOLERANCE_S: Final = 0.5
_TOLERANCE_SHARE: Final = 0.2


def settled(policy: DpdPolicy, others: Sequence[DpdPolicy], seen: DpdPolicy | None) -> DpdPolicy:
    """A policy as the questions up to a verdict show it.

    `others`: the same line by its other readings; `seen`: the observed policy of the same holder.
    What fits one reading alone settles it. Where the spacing is none of the reading that is used,
    and no other one fits, what was seen goes before all of them.
    """
    if not others or seen is None or seen.retry_s is None or not seen.waits_s:
        return policy
    readings = [policy, *others]
    if seen.backoff != 1.0 or any(len(set(reading.waits_s)) != 1 for reading in readings):
        return policy
    sent = len(seen.waits_s)
    spaced = [reading for reading in readings if _is_near(reading, seen.retry_s)]
    exact = [reading for reading in spaced if len(reading.waits_s) == sent]
    if len(exact) == 1:
        (right,) = exact
        evidence = f"{right.evidence}; its questions show that it is so"
        return replace(right, holder=policy.holder, settled=True, evidence=evidence)
    if policy in spaced:
        return policy
    retry_s = round(seen.retry_s, 1)
    waits_s = (retry_s,) * sent
    rest_s = (policy.worst_case_s or 0.0) - sum(policy.waits_s)
    line = policy.evidence.partition("': ")[0]
    return replace(
        policy,
        retry_s=retry_s,
        retries=sent,
        waits_s=waits_s,
        worst_case_s=None if policy.worst_case_s is None else round(rest_s + sum(waits_s), 3),
        retry_basis=PolicyBasis.OBSERVED,
        settled=True,
        evidence=f"{line}': its questions fit no documented reading: {sent}, {retry_s:g} s apart",
    )


def _is_near(reading: DpdPolicy, retry_s: float) -> bool:
    wait_s = reading.waits_s[0]
    return abs(wait_s - retry_s) <= max(_TOLERANCE_S, _TOLERANCE_SHARE * wait_s)
