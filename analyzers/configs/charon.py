"""strongSwan's daemon: the policy that a delay, a timeout and its retransmission make.

IKEv2 gives up by retransmission alone (charon.opt, `retransmit_*`). IKEv1 asks every `dpd_delay`
and has a timer that runs from the last proof of life: `dpd_timeout`, or where that is 0 as long as
a retransmission would take (task_manager_v1.c).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from analyzers.configs.durations import spoken_s
from analyzers.configs.endpoints import Scope
from analyzers.configs.profiles import Timers, VendorProfile
from analyzers.configs.vendors import PROFILES
from analyzers.model.configuration import (
    Configuration,
    DpdSetting,
    IgnoredOption,
    Retransmission,
)
from analyzers.model.policy import DpdPolicy, PolicyBasis, PolicyMode
from analyzers.model.records import Ref

IKEV1: Final = PROFILES["strongswan-ikev1"]
IKEV2: Final = PROFILES["strongswan-ikev2"]
_BY_VERSION: Final = {1: IKEV1, 2: IKEV2}

UNREAD: Final = "strongswan.conf is not among the inputs"
"""Why the retransmission is a default."""
DEFAULT_RETRANSMISSION: Final = Retransmission(timeout_s=4.0, base=1.8, tries=5)


class Written(Struct, frozen=True):
    """The DPD options of one connection."""

    delay_s: float
    """0 asks nothing."""
    delay_option: str
    """As evidence cites it."""
    ref: Ref
    """The line of the delay, or where it is a default, that which opens the connection."""
    explicit: bool
    timeout_s: float | None = None
    """None and 0 leave the verdict to retransmission."""
    timeout_option: str = ""
    timeout_ref: Ref | None = None
    action: str | None = None
    reading: str = ""
    """How the product was recognised, where the text does not say it."""
    unused: tuple[IgnoredOption, ...] = ()
    """Options that another one makes useless."""


def settings(
    written: Written, scope: Scope, versions: Iterable[int], retransmission: Retransmission | None
) -> list[DpdSetting]:
    """One setting for each IKE version that a connection may use."""
    return [_setting(written, scope, version, retransmission) for version in versions]


def _setting(
    written: Written, scope: Scope, version: int, retransmission: Retransmission | None
) -> DpdSetting:
    profile = _BY_VERSION[version]
    timers = _timers(profile, written.delay_s, written.timeout_s, retransmission)
    evidence = written.reading + written.delay_option
    if written.delay_s and written.timeout_option and version == 1:
        evidence += f", {written.timeout_option}"
    if written.delay_s:
        evidence += _giving_up(profile, written.timeout_s, timers, retransmission)
    says_retries = retransmission is not None or (version == 1 and bool(written.timeout_s))
    policy = profile.policy(
        timers,
        evidence,
        basis=PolicyBasis.CONFIG if written.explicit else PolicyBasis.DEFAULT,
        holder=scope.holder,
        ref=written.ref,
        retry_basis=None if says_retries else PolicyBasis.DEFAULT,
    )
    waits = profile.waits_s(timers) if written.delay_s else None
    return DpdSetting(
        scope=scope.name,
        policy=policy,
        ref=written.ref,
        peers=scope.peers,
        local=scope.local,
        ike_version=version,
        profile=scope.profile,
        explicit=written.explicit,
        transmissions=len(waits) if waits else None,
        timeout_s=written.timeout_s if version == 1 or written.timeout_ref else None,
        action=written.action,
        ignored=(*written.unused, *_ignored(written, version)),
    )


def _timers(
    profile: VendorProfile,
    delay_s: float,
    timeout_s: float | None,
    retransmission: Retransmission | None,
) -> Timers:
    retransmitted = retransmission or DEFAULT_RETRANSMISSION
    if profile is IKEV1:
        return Timers(interval_s=delay_s, timeout_s=timeout_s or round(retransmitted.total_s, 3))
    return Timers(
        interval_s=delay_s,
        retry_s=retransmitted.timeout_s,
        retries=retransmitted.tries,
        backoff=retransmitted.base,
        limit_s=retransmitted.limit_s,
    )


def _giving_up(
    profile: VendorProfile,
    timeout_s: float | None,
    timers: Timers,
    retransmission: Retransmission | None,
) -> str:
    """How the verdict comes, as far as the options of the connection do not say it."""
    if profile is IKEV1 and profile.worst_case_s(timers) is None:
        return "; the timeout is shorter than the delay, so the verdict never comes"
    if profile is IKEV1 and timeout_s:
        return ""
    used = retransmission or DEFAULT_RETRANSMISSION
    origin = f"by default: {UNREAD}" if retransmission is None else "as in strongswan.conf"
    if profile is IKEV1:
        return (
            f"; given up {spoken_s(used.total_s)} after the last proof of life, which is how long"
            f" charon retransmits ({origin})"
        )
    limit = "" if used.limit_s is None else f", at most {spoken_s(used.limit_s)}"
    return (
        f"; given up after {used.tries} retransmissions, the first after"
        f" {spoken_s(used.timeout_s)}, each gap × {used.base:g}{limit} ({origin})"
    )


def _ignored(written: Written, version: int) -> tuple[IgnoredOption, ...]:
    if written.timeout_ref is None or not written.timeout_s:
        return ()
    if version == 2:
        why = "IKEv2 gives up by retransmission"
    elif not written.delay_s:
        why = "without a delay nothing is asked"
    else:
        return ()
    return (IgnoredOption(written.timeout_option, why, written.timeout_ref),)


def with_retransmission(
    configuration: Configuration, retransmission: Retransmission
) -> Configuration:
    """The configuration of a device whose strongswan.conf says how it retransmits.

    Settings of other products, and those with a timeout of their own, stay as they are.
    """
    dpd = tuple(_with(setting, retransmission) for setting in configuration.dpd)
    return replace(configuration, dpd=dpd, retransmission=retransmission)


def _with(setting: DpdSetting, retransmission: Retransmission) -> DpdSetting:
    old = setting.policy
    profile = next((p for p in _BY_VERSION.values() if p.name == old.profile), None)
    if profile is None or old.mode is PolicyMode.DISABLED or old.interval_s is None:
        return setting
    if profile is IKEV1 and setting.timeout_s:
        return setting
    timers = _timers(profile, old.interval_s, setting.timeout_s, retransmission)
    written = old.evidence.partition(";")[0]
    policy: DpdPolicy = profile.policy(
        timers,
        written + _giving_up(profile, setting.timeout_s, timers, retransmission),
        basis=old.basis,
        holder=old.holder,
        ref=old.ref,
    )
    waits = profile.waits_s(timers)
    return replace(setting, policy=policy, transmissions=len(waits) if waits else None)
