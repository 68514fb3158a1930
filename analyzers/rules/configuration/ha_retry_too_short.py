"""ha-retry-too-short: the verdict comes while the standby device is still taking over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzers.model.configuration import DpdSetting
from analyzers.model.finding import Severity
from analyzers.model.policy import PolicyMode
from analyzers.rules.configuration.estate import Estate, device_name
from analyzers.rules.configuration.examples import site
from analyzers.rules.configuration.rule import ConfigurationRule
from analyzers.rules.configuration.wording import spoken
from analyzers.rules.rule import Found

TOO_SHORT_S: Final = 5.0
GOOD_S: Final = 10.0


def _check(estate: Estate) -> Iterator[Found]:
    for configuration in estate.configurations:
        stateful = [r for r in configuration.redundancy if r.stateful]
        for setting in configuration.dpd if stateful else ():
            retry_s = setting.policy.retry_s
            if retry_s is not None and retry_s < TOO_SHORT_S:
                yield Found(
                    f"{device_name(configuration)}, {stateful[0].scope} is stateful, and DPD"
                    f" ({setting.scope}) retries every {spoken(retry_s)}.",
                    (setting.ref, stateful[0].ref),
                    remedy=_remedy(setting),
                )


def _remedy(setting: DpdSetting) -> str:
    """The line that is there, with another retry."""
    policy = setting.policy
    mode = " periodic" if policy.mode is PolicyMode.PERIODIC else ""
    interval_s = policy.interval_s or GOOD_S
    return f"crypto isakmp keepalive {interval_s:g} {GOOD_S:g}{mode}, at the peers too."


def _pair(dpd: str, keyword: str) -> str:
    return (
        f"hostname R1\n{dpd}\ncrypto map M 10 ipsec-isakmp\n set peer 198.51.100.7\n"
        "interface GigabitEthernet0/0\n ip address 192.0.2.2 255.255.255.0\n"
        f" standby 1 ip 192.0.2.1\n standby 1 name HA\n crypto map M redundancy HA {keyword}\n"
    )


RULE = ConfigurationRule(
    id="ha-retry-too-short",
    severity=Severity.WARNING,
    title="With stateful failover the retry of DPD is too short",
    rationale=(
        "While the standby device takes the SAs over, nobody answers and nobody hears. With the"
        " default retry of 2 s DPD gives peers up that are alive; 10 s with 5 retries works well."
    ),
    remedy=f"crypto isakmp keepalive 10 {GOOD_S:.0f}, at the peers too.",
    source="Cisco, IPsec Dead Peer Detection Periodic Message Option",
    check=_check,
    fires=(
        (_pair("crypto isakmp keepalive 10", "stateful"),),
        (_pair("crypto isakmp keepalive 10 2 periodic", "stateful"),),
    ),
    silent=(
        (_pair("crypto isakmp keepalive 10 10", "stateful"),),
        (_pair("crypto isakmp keepalive 10", ""),),
        (site("192.0.2.1", "198.51.100.7", dpd="crypto isakmp keepalive 10"),),
    ),
)
