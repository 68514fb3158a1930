"""sa-outlives-routing: routing notices the dead path, but nothing removes the SAs."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.model.finding import Severity
from analyzers.rules.configuration.estate import Estate
from analyzers.rules.configuration.examples import hub, tunnel
from analyzers.rules.configuration.rule import ConfigurationRule
from analyzers.rules.configuration.wording import bound, spoken, switch_on, where
from analyzers.rules.rule import Found


def _check(estate: Estate) -> Iterator[Found]:
    for usage in estate.usages:
        # A peer that asks by itself does not when it has started anew and lost the SAs.
        if not usage.protocols or usage.asks or len(usage.connection.remotes) != 1:
            continue
        timer = usage.protocols[0]
        yield Found(
            f"{where(usage)}: {timer.protocol} gives the path up after {spoken(timer.hold_s)},"
            f" but this end never asks whether the peer still has the SAs. If it restarts, the"
            f" tunnel stays dead {bound(estate, usage)}.",
            (*usage.refs, timer.ref),
            remedy=switch_on(usage, estate.budget_s),
        )


_ASKS = "crypto isakmp keepalive 40 5"

RULE = ConfigurationRule(
    id="sa-outlives-routing",
    severity=Severity.WARNING,
    title="Routing notices a dead peer, but its SAs stay",
    rationale=(
        "A hold time moves traffic to another path; it deletes no SA. DPD is the backstop that"
        " clears SAs which the peer no longer has, so that the tunnel can come back."
    ),
    remedy="Configure DPD that takes longer than the hold time.",
    source="M. Conran, Dead Peer Detection; RFC 3706 section 3",
    check=_check,
    fires=(
        (tunnel("192.0.2.1", "198.51.100.7", "ip ospf 1 area 0"),),
        (
            tunnel("192.0.2.1", "198.51.100.7", "ip ospf 1 area 0"),
            tunnel("198.51.100.7", "192.0.2.1", "ip ospf 1 area 0", dpd=_ASKS),
        ),
    ),
    silent=(
        (tunnel("192.0.2.1", "198.51.100.7", "ip ospf 1 area 0", dpd=_ASKS),),
        (hub("", "ip ospf 1 area 0"),),
    ),
)
