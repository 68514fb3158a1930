"""Rules about what phase 1 agreed (dpd-semantics section 4.1)."""

from __future__ import annotations

from typing import Final

from analyzers.rules.negotiation import (
    dpd_before_vid,
    dpd_configured_not_in_force,
    dpd_keepalive_fallback,
    dpd_not_negotiated,
    dpd_one_sided_initiator,
    dpd_one_sided_vid,
    dpd_payload_order_mismatch,
    dpd_unencrypted,
)
from analyzers.rules.peer_rule import PeerRule

RULES: Final[tuple[PeerRule, ...]] = (
    dpd_unencrypted.RULE,
    dpd_before_vid.RULE,
    dpd_not_negotiated.RULE,
    dpd_one_sided_vid.RULE,
    dpd_configured_not_in_force.RULE,
    dpd_payload_order_mismatch.RULE,
    dpd_one_sided_initiator.RULE,
    dpd_keepalive_fallback.RULE,
)
