"""gre-keepalive-ineffective: a GRE keepalive where it cannot work."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.model.configuration import Configuration, RoutingTimer
from analyzers.model.finding import Severity
from analyzers.rules.configuration.estate import Estate, device_name, is_idle_keepalive
from analyzers.rules.configuration.examples import hub, site, tunnel
from analyzers.rules.configuration.rule import ConfigurationRule
from analyzers.rules.rule import Found


def _check(estate: Estate) -> Iterator[Found]:
    for configuration in estate.configurations:
        for timer in configuration.routing:
            if is_idle_keepalive(configuration, timer):
                yield Found(
                    f"{device_name(configuration)}, {timer.interface}: a GRE keepalive"
                    f" {_why(configuration, timer)}.",
                    (timer.ref,),
                )


def _why(configuration: Configuration, timer: RoutingTimer) -> str:
    multipoint = any(
        tunnel.multipoint for tunnel in configuration.tunnels if tunnel.interface == timer.interface
    )
    if multipoint:
        return "does nothing on a multipoint tunnel, which has no one peer to ask"
    return "does nothing on a tunnel with tunnel protection"


RULE = ConfigurationRule(
    id="gre-keepalive-ineffective",
    severity=Severity.WARNING,
    title="A GRE keepalive watches nothing here",
    rationale=(
        "The keepalive of a GRE tunnel is a packet that the other end sends back. That works with"
        " one peer, and not under tunnel protection; on a DMVPN tunnel it has no effect."
    ),
    remedy="Remove it, and configure DPD; over DMVPN on the spokes.",
    source="M. Conran, Dead Peer Detection; M. Conran, IPsec Fault Tolerance",
    check=_check,
    fires=(
        (hub("", "keepalive 10 3"),),
        (tunnel("192.0.2.1", "198.51.100.7", "keepalive 10 3"),),
    ),
    silent=(
        (hub(),),
        (
            site(
                "192.0.2.1",
                "198.51.100.7",
                after="interface Tunnel1\n keepalive 10 3\n tunnel source 192.0.2.1\n"
                " tunnel destination 198.51.100.7",
            ),
        ),
    ),
)
