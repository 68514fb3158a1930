"""Rules about SAs, windows, Deletes and hints (dpd-semantics section 4.7)."""

from __future__ import annotations

from typing import Final

from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.run import RunRule
from analyzers.rules.state import (
    capture_insufficient,
    clock_anomaly,
    dead_peer_unnoticed_until_lifetime,
    delete_after_dead,
    delete_lost,
    duplicate_sa,
    half_open_sa,
    hint_obeyed,
    hint_without_liveness_check,
    ikev2_msgid_jump,
    ikev2_msgid_reset,
    ikev2_window_stall,
    negotiation_refused,
    negotiation_unanswered,
    peer_never_answered,
    peer_rebooted,
    rekey_collision,
    sa_flapping,
    sending_refused,
)

RULES: Final[tuple[PeerRule, ...]] = (
    ikev2_window_stall.RULE,
    ikev2_msgid_jump.RULE,
    ikev2_msgid_reset.RULE,
    peer_rebooted.RULE,
    peer_never_answered.RULE,
    negotiation_unanswered.RULE,
    negotiation_refused.RULE,
    sending_refused.RULE,
    hint_without_liveness_check.RULE,
    hint_obeyed.RULE,
    half_open_sa.RULE,
    delete_lost.RULE,
    delete_after_dead.RULE,
    rekey_collision.RULE,
    duplicate_sa.RULE,
    sa_flapping.RULE,
    dead_peer_unnoticed_until_lifetime.RULE,
)

RUN_RULES: Final[tuple[RunRule, ...]] = (clock_anomaly.RULE, capture_insufficient.RULE)
