"""dpd-toward-virtual-address: the address that is asked survives the device that is meant."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.model.addresses import same_address
from analyzers.model.configuration import Configuration, Redundancy, Standby
from analyzers.model.finding import Severity
from analyzers.model.records import Ref
from analyzers.rules.configuration.estate import Estate, device_name
from analyzers.rules.configuration.examples import site
from analyzers.rules.configuration.rule import ConfigurationRule
from analyzers.rules.rule import Found


def _check(estate: Estate) -> Iterator[Found]:
    for configuration in estate.configurations:
        for group in configuration.standby:
            tied = _tied(configuration, group)
            named = tuple(_named_by_peers(estate, configuration, group))
            if group.virtual is not None and (tied is not None or named):
                refs = (group.ref, *((tied.ref,) if tied else ()), *named)
                yield Found(_detail(configuration, group, tied), refs)


def _tied(configuration: Configuration, group: Standby) -> Redundancy | None:
    return next((r for r in configuration.redundancy if r.group == group.name), None)


def _named_by_peers(estate: Estate, owner: Configuration, group: Standby) -> Iterator[Ref]:
    for usage in estate.usages:
        if usage.configuration is not owner and usage.asks and group.virtual is not None:
            for remote in usage.connection.remotes:
                if same_address(remote.address, group.virtual):
                    yield remote.ref


def _detail(configuration: Configuration, group: Standby, tied: Redundancy | None) -> str:
    text = (
        f"{device_name(configuration)}: peers ask {group.virtual}, which HSRP group {group.group}"
        " on " + group.interface + " keeps alive whichever device holds it."
    )
    if tied is not None and tied.stateful:
        return text + " With stateful failover the SAs move too: DPD has nothing to notice."
    return (
        text + " The standby device has none of the SAs: peers learn that from unanswered"
        " questions only, not from the address."
    )


_PAIR = (
    "hostname R1\ncrypto map M 10 ipsec-isakmp\n set peer 198.51.100.7\n"
    "interface GigabitEthernet0/0\n ip address 192.0.2.2 255.255.255.0\n"
    " standby 1 ip 192.0.2.1\n standby 1 name HA\n crypto map M redundancy HA\n"
)

RULE = ConfigurationRule(
    id="dpd-toward-virtual-address",
    severity=Severity.INFO,
    title="Peers ask a virtual address that survives the device",
    rationale=(
        "DPD tells whether an address answers for the IKE SA. A virtual address goes on existing"
        " when its device dies; how fast traffic moves is then decided by HSRP, and by the new"
        " active device having no SAs."
    ),
    remedy=(
        "Judge failover by the hold time of HSRP; keep DPD on the peers so that they notice the"
        " lost SAs, and use stateful failover where those must not be lost."
    ),
    source="M. Conran, IPsec Fault Tolerance",
    check=_check,
    fires=(
        (_PAIR,),
        (
            _PAIR.replace(" redundancy HA", ""),
            site("198.51.100.7", "192.0.2.1", dpd="crypto isakmp keepalive 10"),
        ),
    ),
    silent=(
        (_PAIR.replace(" redundancy HA", ""),),
        (
            _PAIR.replace(" redundancy HA", ""),
            site("198.51.100.7", "192.0.2.2", dpd="crypto isakmp keepalive 10"),
        ),
    ),
)
