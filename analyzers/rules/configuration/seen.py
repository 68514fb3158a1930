"""Configurations with the retries that traffic shows.

That is where no file that was read sets them, or the line that does can be read in several ways.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from analyzers.model.configuration import Configuration, DpdSetting
from analyzers.model.peer import PeerView
from analyzers.model.policy import DpdPolicy, PolicyBasis
from analyzers.model.records import Ref


def as_seen(
    configurations: Sequence[Configuration], peers: Sequence[PeerView]
) -> tuple[Configuration, ...]:
    """What was seen of one connection holds for all of the device: strongswan.conf is one file.

    So its worst case is the same wherever it is told, in the policies of its peers and here.
    """
    seen: dict[tuple[str, str | None], DpdPolicy] = {}
    settled: dict[tuple[Ref | None, str | None], DpdPolicy] = {}
    for policy in (policy for peer in peers for policy in peer.policies):
        if policy.settled:
            settled[policy.ref, policy.profile] = policy
        if policy.basis is not PolicyBasis.CONFIG or policy.retry_basis is not PolicyBasis.OBSERVED:
            continue
        if policy.ref is None:
            continue
        key = (policy.ref.source, policy.profile)
        known = seen.get(key)
        if known is None or sum(known.waits_s) < sum(policy.waits_s):
            seen[key] = policy
    if not seen and not settled:
        return tuple(configurations)
    return tuple(
        replace(
            c,
            dpd=tuple(
                _settled(s, settled.get((s.ref, s.policy.profile)))
                if s.alternatives
                else _with(s, seen.get((c.source, s.policy.profile)))
                for s in c.dpd
            ),
        )
        for c in configurations
    )


def _settled(setting: DpdSetting, policy: DpdPolicy | None) -> DpdSetting:
    if policy is None:
        return setting
    told = replace(policy, holder=setting.policy.holder)
    return replace(setting, policy=told, transmissions=policy.transmissions, alternatives=())


def _with(setting: DpdSetting, seen: DpdPolicy | None) -> DpdSetting:
    policy = setting.policy
    if seen is None or policy.retry_basis is not PolicyBasis.DEFAULT or not policy.waits_s:
        return setting
    worst_s = policy.worst_case_s
    if worst_s is not None:
        worst_s = round(worst_s - sum(policy.waits_s) + sum(seen.waits_s), 3)
    told = replace(
        policy,
        retry_s=seen.retry_s,
        retries=seen.retries,
        backoff=seen.backoff,
        waits_s=seen.waits_s,
        worst_case_s=worst_s,
        retry_basis=PolicyBasis.OBSERVED,
    )
    return replace(setting, policy=told, transmissions=len(seen.waits_s))
