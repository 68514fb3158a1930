"""The configuration of a policy: what to type on which product, and what it will do then.

A product cannot be told everything: Cisco IOS always sends five messages, FortiOS retransmits in
IKEv2 as it likes. So a policy is first put into what the product has, no slower than it was
where that is possible, and the lines are those of the result. Ranges are the profiles'.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

from msgspec.structs import replace

from analyzers.configs.profiles import Timers, VendorProfile
from analyzers.configs.vendors import PROFILES
from analyzers.model.policy import DpdPolicy, PolicyBasis, PolicyMode

NAME: Final = "NAME"
"""Stands in the lines for the connection or tunnel group, or what else has a name there."""

# Charon: growing gaps as RFC 7296 section 2.4 demands, and as many messages as Cisco sends.
_CHARON_BASE: Final = 1.8
_CHARON_TRIES: Final = 4
_HUNDREDTH: Final = 100
# What is seen strays from what is set: s, and as a ratio.
_STRAY_S: Final = 0.05
_STRAY: Final = 0.02
# Profiles by product and IKE version.
_BY_PRODUCT: Final = {
    "cisco-ios": ("cisco-ios", "cisco-ios-ikev2"),
    "cisco-asa": ("cisco-asa", "cisco-asa"),
    "cisco-ftd": ("cisco-asa", "cisco-asa"),
    "fortios": ("fortios-ikev1", "fortios-ikev2"),
    "strongswan": ("strongswan-ikev1", "strongswan-ikev2"),
    "libreswan": ("libreswan-ikev1", "libreswan-ikev2"),
}


def config_lines(policy: DpdPolicy, vendor: str, ike_version: int | None = None) -> tuple[str, ...]:
    """The lines that set a policy, as near as the product comes to it; see `as_set_on`.

    `vendor` is a profile ("cisco-ios-ikev2"), or a product ("cisco-ios", "fortios") with the IKE
    version; without one that of the policy's own profile counts, else IKEv2. () where the lines of
    a product are not known.
    """
    name = _profile_name(policy, vendor, ike_version)
    if name is None:
        return ()
    if policy.mode is PolicyMode.DISABLED:
        return _OFF[name]
    fitted = as_set_on(policy, name)
    return () if fitted is None else _LINES[name](fitted)


def as_set_on(policy: DpdPolicy, vendor: str, ike_version: int | None = None) -> DpdPolicy | None:
    """The policy that a product makes of one; None where it cannot be told, or nothing is asked."""
    name = _profile_name(policy, vendor, ike_version)
    if name is None or not policy.interval_s or policy.mode is PolicyMode.DISABLED:
        return None
    profile = PROFILES[name]
    mode = policy.mode if policy.mode in _MODES[name] else profile.mode
    if policy.profile == name and policy.waits_s:
        return replace(policy, mode=mode)
    probing_s = sum(policy.waits_s) or sum(profile.waits_s(profile.defaults) or (10.0,))
    timers = _FIT[name](profile, policy.interval_s, probing_s)
    if policy.basis is PolicyBasis.OBSERVED:
        timers = _as_spaced(profile, policy, timers) or timers
    evidence = f"put into what {profile.title} can be told"
    return profile.policy(timers, evidence, basis=policy.basis, holder=policy.holder, mode=mode)


def mode_instead(policy: DpdPolicy, vendor: str) -> PolicyMode | None:
    """How a profile asks with `config_lines` where nothing sets the mode of a policy on it.

    None where it asks as the policy does, and where its lines are not known.
    """
    if vendor not in _MODES or policy.mode in (PolicyMode.DISABLED, PolicyMode.UNKNOWN):
        return None
    return None if policy.mode in _MODES[vendor] else PROFILES[vendor].mode


def configurable() -> tuple[str, ...]:
    """The profiles whose lines are known."""
    return tuple(_LINES)


def profile_for(product: str, ike_version: int | None) -> str | None:
    """The profile of a product, whose lines are known, for an IKE version (2 where it is None)."""
    both = _BY_PRODUCT.get(product)
    return None if both is None else both[0 if ike_version == 1 else 1]


def _profile_name(policy: DpdPolicy, vendor: str, ike_version: int | None) -> str | None:
    if vendor not in _BY_PRODUCT:
        return vendor if vendor in _LINES else None
    own = PROFILES.get(policy.profile or "")
    version = ike_version or (None if own is None else own.ike_version)
    return profile_for(vendor, version)


# --- what a product can be told ---


def _as_spaced(profile: VendorProfile, policy: DpdPolicy, timers: Timers) -> Timers | None:
    """The spacing that was seen, where options of the product set just that; else None."""
    settable = {knob.sets for knob in profile.knobs}
    if not policy.waits_s or not settable >= {"retry", "retries", "backoff"}:
        return None
    spaced = replace(
        timers,
        retry_s=round(policy.waits_s[0] * _HUNDREDTH) / _HUNDREDTH,
        retries=len(policy.waits_s) - profile.uncounted,
        backoff=round(policy.backoff, 2),
    )
    return spaced if is_spaced_as(profile.waits_s(spaced) or (), policy) else None


def is_spaced_as(waits_s: Sequence[float], policy: DpdPolicy) -> bool:
    """Whether these waits are those of a policy, but for what clocks stray."""
    return len(waits_s) == len(policy.waits_s) and all(
        math.isclose(made, seen, rel_tol=_STRAY, abs_tol=_STRAY_S)
        for made, seen in zip(waits_s, policy.waits_s, strict=True)
    )


def _ios(profile: VendorProfile, interval_s: float, probing_s: float) -> Timers:
    return _constant(profile, interval_s, probing_s, messages=5, retry=(2, 60))


def _asa(profile: VendorProfile, interval_s: float, probing_s: float) -> Timers:
    return _constant(profile, interval_s, probing_s, messages=4, retry=(2, 10))


def _constant(
    profile: VendorProfile,
    interval_s: float,
    probing_s: float,
    *,
    messages: int,
    retry: tuple[int, int],
) -> Timers:
    """Whole seconds; a fixed number of messages, each waited for equally long."""
    retry_s = _within(round(probing_s / messages), *retry)
    total_s = interval_s + probing_s
    return Timers(
        interval_s=_within(math.floor(total_s - messages * retry_s + 1e-9), 10, 3600),
        retry_s=retry_s,
        retries=profile.defaults.retries,
    )


def _fortios_ikev1(profile: VendorProfile, interval_s: float, probing_s: float) -> Timers:
    count = profile.defaults.retries or 3
    total_s = interval_s + probing_s
    return Timers(interval_s=max(1, math.floor(total_s / (count + 1) + 1e-9)), retries=count)


def _fortios_ikev2(profile: VendorProfile, interval_s: float, probing_s: float) -> Timers:
    default = profile.defaults
    fixed_s = sum(profile.waits_s(default) or ())
    return Timers(
        interval_s=max(1, math.floor(interval_s + probing_s - fixed_s)),
        retry_s=default.retry_s,
        retries=default.retries,
        backoff=default.backoff,
    )


def _charon_ikev1(profile: VendorProfile, interval_s: float, probing_s: float) -> Timers:
    return Timers(
        interval_s=max(1, math.floor(interval_s)),
        timeout_s=max(2, math.floor(interval_s + probing_s + 1e-9)),
    )


def _charon_ikev2(profile: VendorProfile, interval_s: float, probing_s: float) -> Timers:
    grown = sum(_CHARON_BASE**k for k in range(_CHARON_TRIES + 1))
    first_s = max(1, math.floor(probing_s / grown * _HUNDREDTH)) / _HUNDREDTH
    return Timers(
        interval_s=max(1, math.floor(interval_s)),
        retry_s=first_s,
        retries=_CHARON_TRIES,
        backoff=_CHARON_BASE,
    )


def _pluto_ikev1(profile: VendorProfile, interval_s: float, probing_s: float) -> Timers:
    del profile
    # Questions come at the delay: within the timeout there is room for three of them.
    total_s = interval_s + probing_s
    most_s = probing_s / 3 if probing_s >= interval_s else total_s / 4
    delay_s = max(1, math.floor(min(interval_s, most_s) + 1e-9))
    return Timers(interval_s=delay_s, timeout_s=max(delay_s, math.floor(total_s - delay_s + 1e-9)))


def _pluto_ikev2(profile: VendorProfile, interval_s: float, probing_s: float) -> Timers:
    default = profile.defaults
    timeout_s = 1
    while timeout_s * 2 <= probing_s + 1e-9:
        timeout_s *= 2
    delay_s = max(1, math.floor(interval_s - profile.slack_s))
    return Timers(interval_s=delay_s, retry_s=default.retry_s, timeout_s=timeout_s)


def _within(value: float, least: int, most: int) -> float:
    return float(min(max(value, least), most))


# --- lines ---


def _ios_lines(policy: DpdPolicy) -> tuple[str, ...]:
    return (f"crypto isakmp keepalive {_n(policy.interval_s)} {_n(policy.retry_s)} {policy.mode}",)


def _ios_ikev2_lines(policy: DpdPolicy) -> tuple[str, ...]:
    return (f"crypto ikev2 dpd {_n(policy.interval_s)} {_n(policy.retry_s)} {policy.mode}",)


def _asa_lines(policy: DpdPolicy) -> tuple[str, ...]:
    return (
        f"tunnel-group {NAME} ipsec-attributes",
        f" isakmp keepalive threshold {_n(policy.interval_s)} retry {_n(policy.retry_s)}",
    )


def _fortios_lines(policy: DpdPolicy) -> tuple[str, ...]:
    return _phase1(
        f"set dpd {policy.mode}",
        f"set dpd-retryinterval {_n(policy.interval_s)}",
        f"set dpd-retrycount {policy.retries}",
    )


def _fortios_ikev2_lines(policy: DpdPolicy) -> tuple[str, ...]:
    # The count changes nothing in IKEv2.
    return _phase1(f"set dpd {policy.mode}", f"set dpd-retryinterval {_n(policy.interval_s)}")


def _phase1(*settings: str) -> tuple[str, ...]:
    inside = (f"        {setting}" for setting in settings)
    return ("config vpn ipsec phase1-interface", f'    edit "{NAME}"', *inside, "    next", "end")


def _charon_ikev1_lines(policy: DpdPolicy) -> tuple[str, ...]:
    timeout_s = (policy.interval_s or 0.0) + sum(policy.waits_s)
    return _connection(f"dpd_delay = {_n(policy.interval_s)}s", f"dpd_timeout = {_n(timeout_s)}s")


def _charon_ikev2_lines(policy: DpdPolicy) -> tuple[str, ...]:
    lines = _connection(f"dpd_delay = {_n(policy.interval_s)}s")
    return (*lines, *_charon_retransmission(policy))


def lines_in_ipsec_conf(policy: DpdPolicy) -> tuple[str, ...]:
    """A policy of strongSwan in ipsec.conf, whose default `dpdaction=none` asks nothing."""
    asks = ("dpdaction=clear", f"dpddelay={_n(policy.interval_s)}s")
    if policy.profile == "strongswan-ikev1":
        timeout_s = (policy.interval_s or 0.0) + sum(policy.waits_s)
        return _conn(*asks, f"dpdtimeout={_n(timeout_s)}s")
    return (*_conn(*asks), *_charon_retransmission(policy))


def _pluto_ikev1_lines(policy: DpdPolicy) -> tuple[str, ...]:
    timeout_s = sum(policy.waits_s)
    return _conn(f"dpddelay={_n(policy.interval_s)}", f"dpdtimeout={_n(timeout_s)}")


def _pluto_ikev2_lines(policy: DpdPolicy) -> tuple[str, ...]:
    timeout_s = sum(policy.waits_s)
    return _conn(f"dpddelay={_n(policy.interval_s)}", f"retransmit-timeout={_n(timeout_s)}s")


def _conn(*settings: str) -> tuple[str, ...]:
    return (f"conn {NAME}", *(f"    {setting}" for setting in settings))


def _charon_retransmission(policy: DpdPolicy) -> tuple[str, ...]:
    default = PROFILES["strongswan-ikev2"].defaults
    if (policy.retry_s, policy.retries, policy.backoff) == (
        default.retry_s,
        default.retries,
        default.backoff,
    ):
        return ()
    return (
        "# strongswan.conf, for all its connections",
        "charon {",
        f"    retransmit_timeout = {_n(policy.retry_s)}",
        f"    retransmit_base = {_n(policy.backoff)}",
        f"    retransmit_tries = {policy.retries}",
        "}",
    )


def _connection(*settings: str) -> tuple[str, ...]:
    inside = (f"        {setting}" for setting in settings)
    return ("connections {", f"    {NAME} {{", *inside, "    }", "}")


def _n(value: float | None) -> str:
    """A number as configurations write it: no decimals that say nothing."""
    return f"{round(value or 0.0, 3):.10g}"


_FIT: Final[dict[str, Callable[[VendorProfile, float, float], Timers]]] = {
    "cisco-ios": _ios,
    "cisco-ios-ikev2": _ios,
    "cisco-asa": _asa,
    "fortios-ikev1": _fortios_ikev1,
    "fortios-ikev2": _fortios_ikev2,
    "strongswan-ikev1": _charon_ikev1,
    "strongswan-ikev2": _charon_ikev2,
    "libreswan-ikev1": _pluto_ikev1,
    "libreswan-ikev2": _pluto_ikev2,
}
_LINES: Final[dict[str, Callable[[DpdPolicy], tuple[str, ...]]]] = {
    "cisco-ios": _ios_lines,
    "cisco-ios-ikev2": _ios_ikev2_lines,
    "cisco-asa": _asa_lines,
    "fortios-ikev1": _fortios_lines,
    "fortios-ikev2": _fortios_ikev2_lines,
    "strongswan-ikev1": _charon_ikev1_lines,
    "strongswan-ikev2": _charon_ikev2_lines,
    "libreswan-ikev1": _pluto_ikev1_lines,
    "libreswan-ikev2": _pluto_ikev2_lines,
}
_OFF: Final[dict[str, tuple[str, ...]]] = {
    "cisco-ios": ("no crypto isakmp keepalive",),
    "cisco-ios-ikev2": ("no crypto ikev2 dpd",),
    "cisco-asa": (f"tunnel-group {NAME} ipsec-attributes", " isakmp keepalive threshold infinite"),
    "fortios-ikev1": _phase1("set dpd disable"),
    "fortios-ikev2": _phase1("set dpd disable"),
    "strongswan-ikev1": _connection("dpd_delay = 0s"),
    "strongswan-ikev2": _connection("dpd_delay = 0s"),
    "libreswan-ikev1": _conn("dpddelay=0"),
    "libreswan-ikev2": _conn("dpddelay=0"),
}
_CISCO: Final = frozenset({PolicyMode.PERIODIC, PolicyMode.ON_DEMAND})
_FORTIOS: Final = frozenset({PolicyMode.ON_DEMAND, PolicyMode.ON_IDLE})
_IDLE: Final = frozenset({PolicyMode.ON_IDLE})
_MODES: Final[dict[str, frozenset[PolicyMode]]] = {
    "cisco-ios": _CISCO,
    "cisco-ios-ikev2": _CISCO,
    "cisco-asa": _IDLE,
    "fortios-ikev1": _FORTIOS,
    "fortios-ikev2": _FORTIOS,
    "strongswan-ikev1": _IDLE,
    "strongswan-ikev2": _IDLE,
    "libreswan-ikev1": _IDLE,
    "libreswan-ikev2": _IDLE,
}
