"""Rules about intervals, retries and verdicts (dpd-semantics section 4.4)."""

from __future__ import annotations

from typing import Final

from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.timers import (
    declared_dead_but_alive,
    dpd_interval_jitter,
    dpd_interval_too_long,
    dpd_interval_too_short,
    dpd_retry_spacing_wrong,
    dpd_slower_than_budget,
    dpd_too_few_retries,
    dpd_too_many_retries,
    ikev2_new_id_instead_of_retransmit,
    ikev2_retransmit_not_exponential,
    ikev2_retransmit_not_identical,
    sa_deleted_prematurely,
    sa_not_deleted_after_dead,
)

RULES: Final[tuple[PeerRule, ...]] = (
    sa_not_deleted_after_dead.RULE,
    declared_dead_but_alive.RULE,
    dpd_slower_than_budget.RULE,
    sa_deleted_prematurely.RULE,
    dpd_too_few_retries.RULE,
    dpd_too_many_retries.RULE,
    dpd_interval_too_short.RULE,
    dpd_interval_too_long.RULE,
    dpd_interval_jitter.RULE,
    dpd_retry_spacing_wrong.RULE,
    ikev2_retransmit_not_identical.RULE,
    ikev2_new_id_instead_of_retransmit.RULE,
    ikev2_retransmit_not_exponential.RULE,
)
