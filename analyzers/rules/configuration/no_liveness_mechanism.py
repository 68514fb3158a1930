"""no-liveness-mechanism: nothing at either end would notice that the peer is gone."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.model.finding import Severity
from analyzers.rules.configuration.estate import Estate, Usage
from analyzers.rules.configuration.examples import hub, site, swanctl, tunnel
from analyzers.rules.configuration.rule import ConfigurationRule
from analyzers.rules.configuration.wording import bound, switch_on, where
from analyzers.rules.rule import Found


def _check(estate: Estate) -> Iterator[Found]:
    for usage in estate.usages:
        if len(usage.connection.remotes) == 1 and not _is_watched(estate, usage):
            yield Found(
                f"{where(usage)}: {_why(usage)}, and no routing protocol runs over it. Once the"
                f" peer is gone, traffic is lost {bound(estate, usage)}.",
                usage.refs,
                remedy=switch_on(usage, estate.budget_s),
            )


def _is_watched(estate: Estate, usage: Usage) -> bool:
    return usage.asks or bool(usage.routing) or estate.is_asked_from_elsewhere(usage)


def _why(usage: Usage) -> str:
    setting = usage.setting
    if setting is None:
        return "no DPD setting is known"
    if not setting.explicit:
        return "DPD is off by default"
    return "it is set to answer, and never to ask" if setting.answers else "DPD is switched off"


RULE = ConfigurationRule(
    id="no-liveness-mechanism",
    severity=Severity.WARNING,
    title="Nothing notices a dead peer",
    rationale=(
        "Answering is on by default, asking is not. Without questions, routing hellos or a monitor"
        " of its own a device keeps its SAs and sends into them until a lifetime ends: 86,400 s"
        " by default."
    ),
    remedy="Configure DPD at least at the end that has traffic to lose.",
    source="RFC 3706 section 3; RFC 7296 section 2.4; M. Conran, Dead Peer Detection",
    check=_check,
    fires=(
        (site("192.0.2.1", "198.51.100.7"),),
        (swanctl("192.0.2.1", "198.51.100.7", "rekey_time = 4h"),),
    ),
    silent=(
        (site("192.0.2.1", "198.51.100.7", dpd="crypto isakmp keepalive 10 3"),),
        (tunnel("192.0.2.1", "198.51.100.7", "ip ospf 1 area 0"),),
        (hub(),),
        (
            site("192.0.2.1", "198.51.100.7"),
            site("198.51.100.7", "192.0.2.1", dpd="crypto isakmp keepalive 10 3 periodic"),
        ),
    ),
)
