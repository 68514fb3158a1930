"""hub-dpd-load: a node exchanges more DPD messages than is sensible, as seen in traffic."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzers.model.finding import Severity
from analyzers.model.time import NS_PER_SECOND, seconds
from analyzers.rules.rule import Found, Needs
from analyzers.rules.run import Run, RunRule
from analyzers.rules.topology.nodes import Node, nodes
from analyzers.rules.wording import few, weakest

# What a shorter input shows may be the burst after a restart.
_SHORTEST_NS: Final = 30 * NS_PER_SECOND
_FEWEST_PEERS: Final = 2

_REMEDIES: Final = {
    "cisco-ios": (
        "On the hub leave `periodic` out of crypto isakmp keepalive and crypto ikev2 dpd"
        " (on-demand), or leave DPD to the spokes."
    ),
    "fortios": "On the dial-up phase 1: set dpd on-demand.",
}


def _check(run: Run) -> Iterator[Found]:
    for node in nodes(run, _FEWEST_PEERS):
        found = _judge(node, run.thresholds.hub_messages_per_s)
        if found is not None:
            yield found


def _judge(node: Node, budget_per_s: float) -> Found | None:
    asked = node.exchanges
    if not asked or asked[-1].at_ns - asked[0].at_ns < _SHORTEST_NS:
        return None
    # Retries come with an outage and go with it: they are no load that anybody configured.
    messages = sum(1 + (x.exchange.answer is not None) for x in asked)
    rate = messages / seconds(asked[-1].at_ns - asked[0].at_ns)
    if rate <= budget_per_s:
        return None
    peers = {x.peer for x in asked}
    own = sum(x.exchange.prober == node.address for x in asked)
    return Found(
        f"{node.address} exchanged {rate:,.1f} DPD messages a second with {len(peers):,} peers"
        f" (more than {budget_per_s:,g} is a load of its own), {own / len(asked):.0%} of the"
        " questions being its own.",
        few(x.exchange.transmissions[0].ref for x in asked),
        remedy=_REMEDIES.get(node.cases[0].vendor(node.address) or "", ""),
        confidence=weakest(x.exchange.confidence for x in asked),
        at_ns=asked[0].at_ns,
    )


RULE = RunRule(
    id="hub-dpd-load",
    severity=Severity.WARNING,
    title="A hub spends itself on DPD",
    rationale=(
        "Each peer costs two messages an interval, whether or not anything is wrong. RFC 3706"
        " reckons 5,000 questions a second for 50,000 peers asked every 10 s. A hub that cannot"
        " keep up answers late, and its peers give it up."
    ),
    remedy=(
        "Let the hub ask on demand only, or not at all where its spokes ask it; lengthen the"
        " interval of what remains."
    ),
    source="RFC 3706 section 4.2; Cisco, IPsec Dead Peer Detection Periodic Message Option",
    needs=(Needs.CAPTURE, Needs.LOG, Needs.CONFIGURATION),
    traps=(
        "retries during an outage are no steady load",
        "an input of less than half a minute may show a burst only",
    ),
    check=_check,
)
