"""Rules about routing, hubs, NAT and several peers (dpd-semantics section 4.6)."""

from __future__ import annotations

from typing import Final

from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.run import RunRule
from analyzers.rules.topology import (
    asymmetric_routing,
    dpd_burst_synchronised,
    dpd_vs_routing_hold_mismatch,
    hub_dpd_load,
    nat_mapping_loss,
    peer_dead_switch_failed,
)

RULES: Final[tuple[PeerRule, ...]] = (
    nat_mapping_loss.RULE,
    dpd_vs_routing_hold_mismatch.RULE,
)

RUN_RULES: Final[tuple[RunRule, ...]] = (
    asymmetric_routing.RULE,
    peer_dead_switch_failed.RULE,
    hub_dpd_load.RULE,
    dpd_burst_synchronised.RULE,
)
