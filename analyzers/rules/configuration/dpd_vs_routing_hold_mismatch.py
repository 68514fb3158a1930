"""dpd-vs-routing-hold-mismatch: IKE gives up while routing would still have waited."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.model.configuration import RoutingTimer
from analyzers.model.finding import Severity
from analyzers.rules.configuration.estate import Estate
from analyzers.rules.configuration.examples import tunnel
from analyzers.rules.configuration.rule import ConfigurationRule
from analyzers.rules.configuration.wording import spoken, switch_on, where
from analyzers.rules.rule import Found


def _check(estate: Estate) -> Iterator[Found]:
    for usage in estate.usages:
        worst_s = usage.worst_case_s
        slowest = usage.outlasted
        if worst_s is None or slowest is None or worst_s > slowest.hold_s:
            continue
        held = [t for t in usage.protocols if worst_s <= t.hold_s]
        yield Found(
            f"{where(usage)}: DPD gives up {spoken(worst_s)} after the last proof of life at the"
            f" latest, {' and '.join(_holds(timer) for timer in held)}.",
            (*usage.refs, *(timer.ref for timer in held)),
            remedy=f"{switch_on(usage, estate.budget_s)} Or set a hold time below what DPD takes.",
        )


def _holds(timer: RoutingTimer) -> str:
    default = "" if timer.explicit else " by default"
    return (
        f"{timer.protocol} on {timer.interface} holds its neighbour for"
        f" {spoken(timer.hold_s)}{default}"
    )


RULE = ConfigurationRule(
    id="dpd-vs-routing-hold-mismatch",
    severity=Severity.WARNING,
    title="DPD gives up before routing over the tunnel does",
    rationale=(
        "DPD is the backstop of routing: the protocol should have moved the traffic before IKE"
        " tears its SAs down (interval twice the hello time, retry 5), and routing should converge"
        " no later than IKE detects the death. Both published rules ask for a detection time above"
        " the hold time. Hellos are inbound traffic too: while they arrive, on-demand never asks."
    ),
    remedy="Let DPD take longer than the hold time of the routing protocol.",
    source="M. Conran, Dead Peer Detection; M. Conran, IPsec Fault Tolerance",
    check=_check,
    fires=(
        (
            tunnel(
                "192.0.2.1",
                "198.51.100.7",
                "ip ospf 1 area 0",
                dpd="crypto isakmp keepalive 40 5",
                after="router bgp 65000\n neighbor 10.9.0.2 remote-as 65001",
            ),
        ),
        (
            tunnel(
                "192.0.2.1",
                "198.51.100.7",
                "ip hello-interval eigrp 1 20",
                "ip hold-time eigrp 1 60",
                dpd="crypto isakmp keepalive 10 2 periodic",
            ),
        ),
        (
            tunnel(
                "192.0.2.1",
                "198.51.100.7",
                "ip ospf 1 area 0",
                dpd="crypto isakmp keepalive 20 4",
            ),
        ),
    ),
    silent=(
        (
            tunnel(
                "192.0.2.1",
                "198.51.100.7",
                "ip hello-interval eigrp 1 20",
                "ip hold-time eigrp 1 60",
                dpd="crypto isakmp keepalive 40 5",
            ),
        ),
        (tunnel("192.0.2.1", "198.51.100.7", dpd="crypto isakmp keepalive 10 2 periodic"),),
    ),
)
