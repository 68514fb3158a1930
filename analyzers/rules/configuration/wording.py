"""Phrases that several rules of this family need."""

from __future__ import annotations

from typing import Final

from analyzers.configs.durations import spoken_s
from analyzers.model.configuration import ConfigFormat
from analyzers.rules.configuration.estate import Usage

PEERS_NAMED: Final = 3
_COARSE_S: Final = 10.0

_SWITCH_ON: Final = {
    (ConfigFormat.CISCO_IOS, 1): "crypto isakmp keepalive 10 3 periodic",
    (ConfigFormat.CISCO_IOS, 2): "crypto ikev2 dpd 10 3 periodic",
    (ConfigFormat.CISCO_ASA, None): "isakmp keepalive threshold 10 retry 2, in the tunnel group",
    (ConfigFormat.SWANCTL, None): "dpd_delay = 10s, in the connection",
    (ConfigFormat.IPSEC_CONF, 1): "dpddelay=10 and dpdtimeout=30, in the conn",
    (ConfigFormat.IPSEC_CONF, None): "dpddelay=10, in the conn",
    (ConfigFormat.FORTIOS, None): "set dpd on-idle, in the phase 1",
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


def where(usage: Usage) -> str:
    """Device, connection and peer: "HUB, crypto map OUT 10 to 198.51.100.7"."""
    return f"{usage.device}, {usage.connection.name} to {peer(usage)}"


def switch_on(usage: Usage) -> str:
    """What to configure so that this end asks."""
    version = usage.connection.ike_version
    kind = usage.configuration.format
    command = _SWITCH_ON.get((kind, version)) or _SWITCH_ON.get((kind, None))
    if command is None:
        command = _SWITCH_ON.get((kind, 1), "DPD, as the product has it")
    after = f". {CLEAR}" if kind is ConfigFormat.CISCO_IOS else ""
    return f"Configure {command}{after}."


def bound(usage: Usage) -> str:
    """What ends a black hole that nobody notices."""
    lifetime = usage.ike_lifetime
    if lifetime is None:
        return "until a lifetime ends"
    default = "" if lifetime.explicit else ", the default"
    return f"until the IKE SA ends: up to {spoken(lifetime.seconds)}{default}"
