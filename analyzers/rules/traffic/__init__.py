"""Rules about liveness beside traffic (dpd-semantics section 4.5)."""

from __future__ import annotations

from typing import Final

from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.run import RunRule
from analyzers.rules.traffic import (
    counters_one_way,
    dpd_alive_dataplane_dead,
    dpd_while_traffic_flows,
    keepalive_misread,
    liveness_inbound_only,
    liveness_not_probed_one_way_out,
    nat_keepalive_too_slow,
    no_liveness_mechanism,
)

RULES: Final[tuple[PeerRule, ...]] = (
    liveness_not_probed_one_way_out.RULE,
    dpd_alive_dataplane_dead.RULE,
    counters_one_way.RULE,
    no_liveness_mechanism.RULE,
    nat_keepalive_too_slow.RULE,
    dpd_while_traffic_flows.RULE,
    liveness_inbound_only.RULE,
)

RUN_RULES: Final[tuple[RunRule, ...]] = (keepalive_misread.RULE,)
