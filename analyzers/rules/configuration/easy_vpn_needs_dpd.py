"""easy-vpn-needs-dpd: an Easy VPN remote has DPD or nothing."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.model.configuration import EasyVpnRole
from analyzers.model.finding import Severity
from analyzers.rules.configuration.estate import Estate, device_name
from analyzers.rules.configuration.examples import site
from analyzers.rules.configuration.rule import ConfigurationRule
from analyzers.rules.rule import Found

_REMOTE = (
    "crypto ipsec client ezvpn BRANCH\n connect auto\n peer 192.0.2.1\n"
    "interface FastEthernet0\n ip address 198.51.100.7 255.255.255.0\n"
    " crypto ipsec client ezvpn BRANCH\n"
)


def _check(estate: Estate) -> Iterator[Found]:
    for configuration in estate.configurations:
        for client in configuration.easy_vpn:
            if client.role is EasyVpnRole.REMOTE:
                yield Found(
                    f"{device_name(configuration)}, Easy VPN remote {client.name}: IOS keepalives"
                    " are not available to it. If the server does not offer DPD, nothing is asked"
                    " in either direction.",
                    (client.ref,),
                )


RULE = ConfigurationRule(
    id="easy-vpn-needs-dpd",
    severity=Severity.INFO,
    title="An Easy VPN remote can only be watched by DPD",
    rationale=(
        "Where a peer does not offer DPD, IOS falls back to its own keepalives, which Easy VPN"
        " remote does not have."
    ),
    remedy=(
        "Configure crypto isakmp keepalive on both ends, and see in debug crypto isakmp that the"
        " vendor ID of the server is DPD."
    ),
    source="Cisco, IPsec Dead Peer Detection Periodic Message Option",
    check=_check,
    fires=((_REMOTE,),),
    silent=((site("192.0.2.1", "198.51.100.7"),),),
)
