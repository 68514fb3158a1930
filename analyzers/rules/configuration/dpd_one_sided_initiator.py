"""dpd-one-sided-initiator: one end asks, the other waits to be asked and notices nothing."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.model.finding import Severity
from analyzers.rules.configuration.estate import Estate
from analyzers.rules.configuration.examples import site, tunnel
from analyzers.rules.configuration.rule import ConfigurationRule
from analyzers.rules.configuration.wording import bound, switch_on, where
from analyzers.rules.rule import Found


def _check(estate: Estate) -> Iterator[Found]:
    for link in estate.links:
        if link.left.asks is link.right.asks:
            continue
        asking, silent = sorted((link.left, link.right), key=lambda end: not end.asks)
        if silent.is_for_anyone:
            continue  # on a hub DPD belongs on the spokes
        if silent.protocols:
            continue  # routing moves its traffic: what stays is told as `sa-outlives-routing`
        yield Found(
            f"{where(asking)}, asks; {where(silent)}, does not. When {asking.device} dies,"
            f" {silent.device} goes on sending {bound(estate, silent)}.",
            (*asking.refs, *silent.refs),
            remedy=switch_on(silent, estate.budget_s),
        )


RULE = ConfigurationRule(
    id="dpd-one-sided-initiator",
    severity=Severity.INFO,
    title="Only one end of the tunnel asks",
    rationale=(
        "Answering R-U-THERE is on by default, asking is not. The end that never asks learns of a"
        " dead peer only when a lifetime ends."
    ),
    remedy="Let both ends ask, with timers of their own.",
    source="RFC 3706 section 5; M. Conran, Dead Peer Detection",
    check=_check,
    fires=(
        (
            site("192.0.2.1", "198.51.100.7", dpd="crypto isakmp keepalive 10 3 periodic"),
            site("198.51.100.7", "192.0.2.1"),
        ),
    ),
    silent=(
        (
            site("192.0.2.1", "198.51.100.7", dpd="crypto isakmp keepalive 10 3 periodic"),
            site("198.51.100.7", "192.0.2.1", dpd="crypto isakmp keepalive 30 5"),
        ),
        (site("192.0.2.1", "198.51.100.7", dpd="crypto isakmp keepalive 10 3 periodic"),),
        (
            tunnel("192.0.2.1", "198.51.100.7", "ip ospf 1 area 0"),
            tunnel("198.51.100.7", "192.0.2.1", dpd="crypto isakmp keepalive 10 3 periodic"),
        ),
    ),
)
