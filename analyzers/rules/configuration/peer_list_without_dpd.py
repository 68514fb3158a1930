"""peer-list-without-dpd: backup peers that are never used: the first never counts as dead."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.model.finding import Severity
from analyzers.rules.configuration.estate import Estate
from analyzers.rules.configuration.examples import site
from analyzers.rules.configuration.rule import ConfigurationRule
from analyzers.rules.configuration.wording import bound, switch_on, where
from analyzers.rules.rule import Found


def _check(estate: Estate) -> Iterator[Found]:
    for usage in estate.usages:
        remotes = usage.connection.remotes
        if len(remotes) > 1 and not usage.asks:
            yield Found(
                f"{where(usage)}: {len(remotes)} peers, and this end never asks. When the first"
                f" dies with the tunnel up, the next one is not tried {bound(estate, usage)}.",
                tuple(dict.fromkeys([*usage.refs, *(peer.ref for peer in remotes)])),
                remedy=switch_on(usage, estate.budget_s),
            )


RULE = ConfigurationRule(
    id="peer-list-without-dpd",
    severity=Severity.ERROR,
    title="Backup peers are configured, but the tunnel never fails over",
    rationale=(
        "A device moves on to the next peer of its list when the current one is declared dead."
        " Without DPD a peer that dies under a tunnel that is up is never declared dead."
    ),
    remedy="Configure DPD beside the list of peers, periodic where failover may not wait.",
    source="Cisco, IPsec Dead Peer Detection Periodic Message Option",
    check=_check,
    fires=((site("192.0.2.1", "198.51.100.7", "198.51.100.8"),),),
    silent=(
        (
            site(
                "192.0.2.1",
                "198.51.100.7",
                "198.51.100.8",
                dpd="crypto isakmp keepalive 10 periodic",
            ),
        ),
        (site("192.0.2.1", "198.51.100.7"),),
    ),
)
