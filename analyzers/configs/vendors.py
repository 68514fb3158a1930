"""Vendor profiles by name, and the policies that users write by hand."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Final

from msgspec.structs import replace

from analyzers.configs.durations import duration_s, spoken_s
from analyzers.configs.profile_table import rows
from analyzers.configs.profiles import Knob, Timers, VendorProfile, Verdict
from analyzers.configs.sections import is_address
from analyzers.errors import OptionError
from analyzers.model.addresses import address_key
from analyzers.model.policy import DpdPolicy, GivenPolicy, PolicyBasis, PolicyMode


class _Profiles(Mapping[str, VendorProfile]):
    """The table, read when it is first asked."""

    def __getitem__(self, name: str) -> VendorProfile:
        return rows()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(rows())

    def __len__(self) -> int:
        return len(rows())


PROFILES: Final[Mapping[str, VendorProfile]] = _Profiles()
"""All profiles by name."""

# A bare product stands for the version that it uses unless told otherwise.
_ALIASES: Final = {
    "cisco-ios-ikev1": "cisco-ios",
    "cisco-asa-ikev1": "cisco-asa",
    "ftd": "cisco-ftd",
    "strongswan": "strongswan-ikev2",
    "libreswan": "libreswan-ikev2",
    "fortios": "fortios-ikev1",
    "fortigate": "fortios-ikev1",
    "juniper": "juniper-srx",
    "paloalto": "paloalto-ikev2",
    "pfsense": "pfsense-ikev2",
    "vyos": "vyos-ikev2",
    "opnsense-ikev2": "opnsense",
    "google": "google-cloud",
    "oci": "oracle-oci",
}

_KEYS: Final = ("interval", "retry", "retries", "backoff", "timeout", "mode")
_MODES: Final = {str(m): m for m in PolicyMode if m is not PolicyMode.UNKNOWN}
# Profiles have names.
_LIKE_ADDRESS: Final = re.compile(r"[0-9.]+|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*|[0-9.]+/[0-9]+")
_MAX_TEXT: Final = 300
_MAX_S: Final = 100 * 86_400.0
_MAX_BACKOFF: Final = 10.0


def profile_named(name: str) -> VendorProfile:
    """A profile by name or short name. Raises `OptionError`, which lists the names."""
    wanted = name.strip().lower()
    found = PROFILES.get(_ALIASES.get(wanted, wanted))
    if found is None:
        raise OptionError(f"there is no profile {name[:40]!r}", "profiles: " + ", ".join(PROFILES))
    return found


def parse_policy(text: str) -> DpdPolicy:
    """The policy of `PROFILE [key=value …]`; what is left out comes from the profile.

    `retries` are transmissions after the first, whatever the product counts.

    Example: "cisco-ios interval=10 retry=2 mode=periodic". Durations may have a unit (ms, s, m,
    h, d). Raises `OptionError` with what would have been right.
    """
    words = text[:_MAX_TEXT].replace(",", " ").split()
    if not words or len(text) > _MAX_TEXT:
        raise OptionError("a policy is PROFILE [key=value …]", "keys: " + ", ".join(_KEYS))
    profile = profile_named(words[0])
    given: dict[str, str] = {}
    for word in words[1:]:
        key, equals, value = word.partition("=")
        key = key.lower()
        if not equals or key not in _KEYS:
            raise OptionError(f"{word[:40]!r} is no part of a policy", "keys: " + ", ".join(_KEYS))
        if key in given:
            raise OptionError(f"{key} is given twice")
        given[key] = value
    mode = _mode(given.pop("mode", None))
    timers = _with_given(profile, given)
    if not timers.interval_s and (given or mode not in (None, PolicyMode.DISABLED)):
        said = f"{profile.name} asks nothing until it has an interval"
        if profile.interval_unknown:
            said = f"no source tells how often {profile.name} asks"
        raise OptionError(said, "add interval=SECONDS")
    return profile.policy(
        timers,
        _evidence(text, profile, timers, given),
        basis=PolicyBasis.GIVEN,
        mode=mode,
    )


def parse_given(text: str) -> GivenPolicy:
    """The policy of `[ADDRESS] PROFILE [key=value …]`, which is in force at one end or at every.

    Raises `OptionError` with what would have been right.
    """
    first, _, rest = text.strip().partition(" ")
    holder = address_key(first) if is_address(first) else None
    if holder is None and rest and _LIKE_ADDRESS.fullmatch(first):
        raise OptionError(
            f"{first[:40]!r} is no address", "a policy is [ADDRESS] PROFILE [key=value …]"
        )
    policy = parse_policy(text if holder is None else rest)
    return GivenPolicy(policy, holder, PROFILES[policy.profile or ""].ike_version)


def _mode(value: str | None) -> PolicyMode | None:
    if value is None:
        return None
    found = _MODES.get(value.lower())
    if found is None:
        raise OptionError(f"there is no mode {value[:40]!r}", "modes: " + ", ".join(_MODES))
    return found


def _with_given(profile: VendorProfile, given: dict[str, str]) -> Timers:
    """The defaults of a profile under what is given."""
    useful = keys_of(profile)
    timers = profile.defaults
    for key, value in given.items():
        if key not in useful:
            raise OptionError(f"{profile.name} has no {key}", "its keys: " + ", ".join(useful))
        if key == "interval":
            timers = replace(timers, interval_s=_duration(key, value))
        elif key == "retry":
            timers = replace(timers, retry_s=_duration(key, value))
        elif key == "timeout":
            timers = replace(timers, timeout_s=_duration(key, value))
        elif key == "retries":
            timers = replace(timers, retries=profile.own_count(_count(value)))
        else:
            timers = replace(timers, backoff=_ratio(value))
    return timers


def keys_of(profile: VendorProfile) -> tuple[str, ...]:
    """The keys that mean something for a profile."""
    keys = ["interval", "mode"]
    if profile.schedule_fixed:
        return tuple(keys)
    if not profile.retry_is_interval:
        keys.append("retry")
    keys += ["retries", "backoff"] if profile.verdict is Verdict.RETRIES else ["timeout"]
    return tuple(keys)


def out_of_range(policy: DpdPolicy) -> tuple[str, ...]:
    """What its product does not take, a sentence each: "interval 5: …, 10 to 3600"."""
    profile = PROFILES.get(policy.profile or "")
    if profile is None:
        return ()
    values = {"interval": policy.interval_s, "retry": policy.retry_s}
    if profile.verdict is Verdict.RETRIES:
        values["retries"] = policy.repetitions
    said = []
    for key in keys_of(profile):
        value, knob = values.get(key), profile.knob(key)
        if not value or knob is None or knob.least is None or knob.most is None:
            continue
        least, most = bounds_of(profile, knob)
        if not least <= value <= most:
            said.append(
                f"{key} {value:g}: {profile.title} takes {least:g} to {most:g} ({knob.option}"
                f"{own_count_said(profile, knob, value)})"
            )
    return tuple(said)


def bounds_of(profile: VendorProfile, knob: Knob) -> tuple[float, float]:
    """The least and the most that a key of a policy takes; inf where its documents tell none."""
    least = 0.0 if knob.least is None else knob.least
    most = math.inf if knob.most is None else knob.most
    if knob.sets != "retries":
        return least, most
    return max(0.0, profile.repetitions(least)), max(0.0, profile.repetitions(most))


def own_count_said(profile: VendorProfile, knob: Knob, repetitions: float) -> str:
    """ " = 3": what the product's own option is set to, where it counts otherwise; else ""."""
    own = profile.own_count(int(repetitions))
    return "" if knob.sets != "retries" or own == repetitions else f" = {own}"


def _duration(key: str, value: str) -> float:
    seconds = duration_s(value)
    if not seconds or seconds > _MAX_S:
        raise OptionError(f"{key}={value[:40]} is no duration", f"{key}=10, {key}=10s or {key}=2m")
    return seconds


def _count(value: str) -> int:
    if not value.isascii() or not value.isdigit() or len(value) > 4:
        raise OptionError(f"retries={value[:40]} is no number", "retries=5")
    return int(value)


def _ratio(value: str) -> float:
    try:
        ratio = float(value[:20])
    except ValueError:
        ratio = 0.0
    if not 1.0 <= ratio <= _MAX_BACKOFF:
        raise OptionError(
            f"backoff={value[:40]} is no ratio of successive gaps",
            f"1 (constant) to {_MAX_BACKOFF:g}",
        )
    return ratio


def _evidence(text: str, profile: VendorProfile, timers: Timers, given: dict[str, str]) -> str:
    said = " ".join(text.split())
    if not timers.interval_s:
        if profile.interval_unknown:
            return f"{said}; no source tells how often {profile.title} asks"
        return f"{said}; {profile.title} asks nothing until it has an interval"
    known = {
        "interval": timers.interval_s,
        "retry": timers.retry_s,
        "retries": None if timers.retries is None else profile.repetitions(timers.retries),
        "timeout": timers.timeout_s,
    }
    rest = [
        f"{key} {value:g}" if key == "retries" else f"{key} {spoken_s(value)}"
        for key, value in known.items()
        if key in keys_of(profile) and key not in given and value is not None
    ]
    return f"{said}; by default {', '.join(rest)}" if rest else said
