"""gre-keepalive-leaves-sas: a GRE keepalive brings the interface down, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.model.configuration import RoutingProtocol
from analyzers.model.finding import Severity
from analyzers.rules.configuration.estate import Estate
from analyzers.rules.configuration.examples import site
from analyzers.rules.configuration.rule import ConfigurationRule
from analyzers.rules.configuration.wording import bound, spoken, switch_on, where
from analyzers.rules.rule import Found

_GRE = (
    "interface Tunnel1\n keepalive 10 3\n tunnel source 192.0.2.1\n tunnel destination 198.51.100.7"
)


def _check(estate: Estate) -> Iterator[Found]:
    for usage in estate.usages:
        keepalives = [t for t in usage.routing if t.protocol is RoutingProtocol.GRE_KEEPALIVE]
        if keepalives and not usage.asks:
            timer = keepalives[0]
            yield Found(
                f"{where(usage)}: the keepalive brings {timer.interface} down after"
                f" {spoken(timer.hold_s)}; the SAs stay, and nothing replaces them"
                f" {bound(estate, usage)}.",
                (timer.ref, usage.connection.ref),
                remedy=switch_on(usage, estate.budget_s),
            )


RULE = ConfigurationRule(
    id="gre-keepalive-leaves-sas",
    severity=Severity.WARNING,
    title="A GRE keepalive is the only detector, and leaves the SAs up",
    rationale=(
        "GRE keepalives bring down the tunnel interface only. After a restart the peer has no SAs"
        " for what still arrives, and this end has no reason to negotiate new ones."
    ),
    remedy="Configure DPD as well.",
    source="M. Conran, Dead Peer Detection; M. Conran, IPsec Fault Tolerance",
    check=_check,
    fires=((site("192.0.2.1", "198.51.100.7", after=_GRE),),),
    silent=(
        (site("192.0.2.1", "198.51.100.7", dpd="crypto isakmp keepalive 30 5", after=_GRE),),
        (site("192.0.2.1", "198.51.100.9", after=_GRE),),
    ),
)
