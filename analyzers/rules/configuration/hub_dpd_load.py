"""hub-dpd-load: a node asks so many peers so often that the asking is work of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzers.model.configuration import ConfigFormat, Configuration
from analyzers.model.finding import Severity
from analyzers.model.policy import PolicyMode
from analyzers.rules.configuration.estate import Estate, Usage, device_name
from analyzers.rules.configuration.examples import hub, site
from analyzers.rules.configuration.rule import ConfigurationRule
from analyzers.rules.configuration.wording import spoken, where
from analyzers.rules.rule import Found

BUDGET_PER_S: Final = 10.0
"""Messages a second, questions and answers, that a configuration may cause without remark."""
_EXAMPLE_PEERS: Final = 1000


def _check(estate: Estate) -> Iterator[Found]:
    for usage in estate.usages:
        if usage.is_for_anyone and _asks_everyone(usage):
            yield _unknown_peers(usage)
    for configuration in estate.configurations:
        yield from _known_peers(
            configuration, [u for u in estate.usages if u.configuration is configuration]
        )


def _asks_everyone(usage: Usage) -> bool:
    """Periodic; FortiOS on idle too, whose guide says on-demand for dial-up servers."""
    if usage.setting is None:
        return False
    mode = usage.setting.policy.mode
    fortios = usage.configuration.format is ConfigFormat.FORTIOS
    return mode is PolicyMode.PERIODIC or (fortios and mode is PolicyMode.ON_IDLE)


def _unknown_peers(usage: Usage) -> Found:
    interval_s = (usage.setting and usage.setting.policy.interval_s) or 1.0
    rate = 2 * _EXAMPLE_PEERS / interval_s
    return Found(
        f"{where(usage)}: asks each of its peers every {spoken(interval_s)};"
        f" {_EXAMPLE_PEERS:,} of them make {rate:,.0f} messages a second, twice that where they"
        " ask too.",
        usage.refs,
        remedy=_remedy(usage.configuration),
        source=_source(usage.configuration),
    )


def _known_peers(configuration: Configuration, usages: list[Usage]) -> Iterator[Found]:
    asking = [
        usage
        for usage in usages
        if usage.connection.remotes
        and usage.setting is not None
        and usage.setting.policy.mode is PolicyMode.PERIODIC
        and usage.setting.policy.interval_s
    ]
    rate = sum(2 / (u.setting.policy.interval_s or 1.0) for u in asking if u.setting is not None)
    if rate > BUDGET_PER_S:
        settings = dict.fromkeys(u.setting.ref for u in asking if u.setting is not None)
        yield Found(
            f"{device_name(configuration)}: {len(asking):,} peers are asked periodically, which is"
            f" {rate:,.0f} messages a second, twice that where they ask too.",
            tuple(settings)[:3],
            remedy=_remedy(configuration),
            source=_source(configuration),
        )


def _remedy(configuration: Configuration) -> str:
    match configuration.format:
        case ConfigFormat.FORTIOS:
            rare = "On the hub set dpd on-demand"
        case ConfigFormat.CISCO_IOS:
            rare = "On the hub leave periodic out (on-demand)"
        case _:
            rare = "On the hub ask less often"
    return f"{rare}, or leave DPD to the spokes."


def _source(configuration: Configuration) -> str:
    if configuration.format is ConfigFormat.FORTIOS:
        return "RFC 3706 section 4.2; Fortinet community 192616"
    return ""


RULE = ConfigurationRule(
    id="hub-dpd-load",
    severity=Severity.WARNING,
    title="A hub asks its peers periodically",
    rationale=(
        "Each peer costs two messages an interval, whether or not anything is wrong. With many"
        " peers DPD belongs on the spokes, each of which asks one hub, or is on-demand on the hub."
    ),
    remedy="On the hub leave periodic out (on-demand), or leave DPD to the spokes.",
    source="RFC 3706 section 4.2; Cisco, IPsec Dead Peer Detection Periodic Message Option",
    check=_check,
    fires=((hub("crypto isakmp keepalive 10 3 periodic"),),),
    silent=(
        (hub("crypto isakmp keepalive 10 3"),),
        (hub(),),
        (site("192.0.2.1", "198.51.100.7", dpd="crypto isakmp keepalive 10 3 periodic"),),
    ),
)
