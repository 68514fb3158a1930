"""dpd-interval-unconfigured-default: on-demand because nothing else was written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzers.model.configuration import ConfigFormat, DpdSetting
from analyzers.model.finding import Severity
from analyzers.model.policy import PolicyMode
from analyzers.rules.configuration.estate import Estate, Usage
from analyzers.rules.configuration.examples import hub, site
from analyzers.rules.configuration.rule import ConfigurationRule
from analyzers.rules.configuration.wording import source_of, where
from analyzers.rules.rule import Found


def _check(estate: Estate) -> Iterator[Found]:
    told: set[int] = set()
    for usage in sorted(estate.usages, key=lambda usage: -len(usage.connection.remotes)):
        setting = usage.setting
        if setting is None or id(setting) in told or not _by_default(setting):
            continue
        if usage.is_for_anyone:
            continue  # many peers: on-demand is what a hub should do
        told.add(id(setting))
        fortios = usage.configuration.format is ConfigFormat.FORTIOS
        yield Found(
            _detail(usage),
            usage.refs,
            remedy=f"Where idle death or failover matters, {_IDLE if fortios else _PERIODIC}.",
            source=source_of(setting) if fortios else "",
            severity=_severity(usage),
        )


_PERIODIC: Final = "write periodic"
_IDLE: Final = "write set dpd on-idle"


def _by_default(setting: DpdSetting) -> bool:
    is_default = not (setting.mode_explicit and setting.explicit)
    return is_default and setting.policy.mode is PolicyMode.ON_DEMAND


def _has_backups(usage: Usage) -> bool:
    return len(usage.connection.remotes) > 1


def _severity(usage: Usage) -> Severity:
    return Severity.WARNING if _has_backups(usage) else Severity.INFO


def _detail(usage: Usage) -> str:
    text = (
        f"{where(usage)}: no mode is written, so it asks only when it has traffic to send and"
        " has heard nothing."
    )
    if _has_backups(usage):
        text += " A dead peer is kept until somebody's packets are lost; only then comes the next."
    return text


RULE = ConfigurationRule(
    id="dpd-interval-unconfigured-default",
    severity=Severity.WARNING,
    title="DPD is on-demand by default: a peer that dies in silence is not noticed",
    rationale=(
        "On-demand asks when there is outbound traffic and nothing came back. It is the default,"
        " and the configuration does not show it. Without traffic a dead peer is discovered at"
        " the next rekey."
    ),
    remedy="Where idle death or failover matters, write periodic (Cisco) or on-idle (FortiOS).",
    source="Cisco, IPsec Dead Peer Detection Periodic Message Option",
    check=_check,
    fires=(
        (site("192.0.2.1", "198.51.100.7", dpd="crypto isakmp keepalive 10 3"),),
        (site("192.0.2.1", "198.51.100.7", "198.51.100.8", dpd="crypto isakmp keepalive 10"),),
    ),
    silent=(
        (site("192.0.2.1", "198.51.100.7", dpd="crypto isakmp keepalive 10 3 periodic"),),
        (site("192.0.2.1", "198.51.100.7"),),
        (hub("crypto isakmp keepalive 10 3"),),
    ),
)
