"""dpd-count-ambiguous-config: the documents of the vendor read the line in several ways."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.model.configuration import ConfigFormat
from analyzers.model.finding import Severity
from analyzers.model.records import Confidence
from analyzers.rules.configuration.estate import Estate, device_name
from analyzers.rules.configuration.examples import site, swanctl
from analyzers.rules.configuration.rule import ConfigurationRule
from analyzers.rules.configuration.wording import source_of, spoken
from analyzers.rules.rule import Found


def _check(estate: Estate) -> Iterator[Found]:
    for configuration in estate.configurations:
        ios = configuration.format is ConfigFormat.CISCO_IOS
        for setting in configuration.dpd:
            others = [other for other in setting.alternatives if other.worst_case_s is not None]
            used_s = setting.policy.worst_case_s
            if not others or used_s is None or not setting.explicit:
                continue
            if configuration.connections and not estate.under(configuration, setting):
                continue
            every_s = [used_s, *(other.worst_case_s or 0.0 for other in others)]
            readings = " or ".join(
                f"{spoken(other.worst_case_s or 0.0)} ({_reading(other.evidence)})"
                for other in others
            )
            yield Found(
                f"{device_name(configuration)}, {setting.scope}: the verdict comes after"
                f" {spoken(min(every_s))} to {spoken(max(every_s))} at worst. Used here:"
                f" {spoken(used_s)} ({_reading(setting.policy.evidence)}). Also documented:"
                f" {readings}.",
                (setting.ref,),
                source="" if ios else source_of(setting),
                confidence=Confidence.INFERRED,
            )


def _reading(evidence: str) -> str:
    """How a line was counted, without the line itself and its mode."""
    return (evidence.partition("': ")[2] or evidence).partition("; no mode")[0]


RULE = ConfigurationRule(
    id="dpd-count-ambiguous-config",
    severity=Severity.INFO,
    title="How often this device asks before the verdict is documented in several ways",
    rationale=(
        "Cisco's guide counts five messages in one place and five retries after the first in"
        " another, and calls the second argument seconds or a number of retries. ASA is described"
        " with three retransmissions, without saying how long the last one is waited for."
    ),
    remedy="Plan with the longest; a debug or a capture of a dead peer shows which one is right.",
    source="Cisco, IPsec Dead Peer Detection Periodic Message Option, IOS and IOS XE editions",
    check=_check,
    fires=((site("192.0.2.1", "198.51.100.7", dpd="crypto isakmp keepalive 10 3 periodic"),),),
    silent=(
        (swanctl("192.0.2.1", "198.51.100.7", "dpd_delay = 10s"),),
        (site("192.0.2.1", "198.51.100.7"),),
        # No connection is one of IKEv1.
        (
            "crypto isakmp keepalive 10 3 periodic\n"
            "crypto ikev2 profile V2\n match identity remote any\n"
            "crypto ipsec profile P\n set ikev2-profile V2\n"
            "interface Tunnel1\n ip address 10.9.0.1 255.255.255.252\n"
            " tunnel source 192.0.2.1\n tunnel mode ipsec ipv4\n"
            " tunnel destination 198.51.100.7\n tunnel protection ipsec profile P\n",
        ),
    ),
)
