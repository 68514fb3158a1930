"""Phrases that several rules of this family need."""

from __future__ import annotations

from typing import Final

from analyzers.configs.config_lines import lines_in_ipsec_conf
from analyzers.configs.durations import spoken_s
from analyzers.configs.vendors import PROFILES
from analyzers.model.configuration import ConfigFormat, DpdSetting
from analyzers.model.policy import PolicyMode
from analyzers.rules.configuration.estate import Estate, Usage
from analyzers.rules.remedies import advice

PEERS_NAMED: Final = 3
_COARSE_S: Final = 10.0

_FAMILIES: Final = {
    ConfigFormat.CISCO_IOS: "cisco-ios",
    ConfigFormat.CISCO_ASA: "cisco-asa",
    ConfigFormat.SWANCTL: "strongswan",
    ConfigFormat.FORTIOS: "fortios",
}
CLEAR: Final = "SAs that are already up never get it: clear crypto session afterwards"


def spoken(seconds: float) -> str:
    """A duration in seconds, with no more digits than anybody configures."""
    return spoken_s(round(seconds, 1) if seconds >= _COARSE_S else seconds)


def peer(usage: Usage) -> str:
    """The peer of a connection, or its alternatives."""
    names = [remote.address for remote in usage.connection.remotes]
    if not names:
        return "any peer"
    more = len(names) - PEERS_NAMED
    shown = ", ".join(names[:PEERS_NAMED])
    return f"{shown} and {more} more" if more > 0 else shown


def source_of(setting: DpdSetting) -> str:
    """Where the timers of the product under a setting are documented; empty if nobody knows."""
    profile = PROFILES.get(setting.policy.profile or "")
    return "" if profile is None else profile.source


def where(usage: Usage) -> str:
    """Device, connection and peer: "HUB, crypto map OUT 10 to 198.51.100.7"."""
    return f"{usage.device}, {usage.connection.name} to {peer(usage)}"


def switch_on(usage: Usage, budget_s: float) -> str:
    """What to configure so that this end asks, and gives a dead peer up in time."""
    kind = usage.configuration.format
    profile = usage.setting.policy.profile if usage.setting is not None else None
    family = _FAMILIES.get(kind) or (profile or "").partition("-")[0]
    # A hub that asks each of its peers by the clock has a load of its own.
    mode = PolicyMode.ON_DEMAND if usage.is_for_anyone else None
    in_ipsec_conf = kind is ConfigFormat.IPSEC_CONF and family == "strongswan"
    advised = advice(
        family,
        usage.connection.ike_version,
        budget_s,
        hold_s=None if usage.outlasted is None else usage.outlasted.hold_s,
        mode=mode,
        lines_of=lines_in_ipsec_conf if in_ipsec_conf else None,
        either=usage.either,
    )
    return f"{advised} {CLEAR}." if kind is ConfigFormat.CISCO_IOS else advised


def bound(estate: Estate, usage: Usage) -> str:
    """What ends a black hole that nobody notices."""
    lifetime = estate.ike_lifetime(usage)
    if lifetime is None:
        return "until a lifetime ends"
    if lifetime is usage.ike_lifetime:
        whose = "" if lifetime.explicit else ", the default"
    else:
        whose = ", the shorter lifetime of both ends"
    return f"until the IKE SA ends: up to {spoken(lifetime.seconds)}{whose}"
