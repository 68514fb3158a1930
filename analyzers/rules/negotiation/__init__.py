"""Rules about what phase 1 agreed (dpd-semantics section 4.1)."""

from __future__ import annotations

from typing import Final

from analyzers.rules.negotiation import dpd_configured_not_in_force
from analyzers.rules.peer_rule import PeerRule

RULES: Final[tuple[PeerRule, ...]] = (dpd_configured_not_in_force.RULE,)
