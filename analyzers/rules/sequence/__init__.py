"""Rules about sequence numbers, message IDs and cookies (dpd-semantics section 4.3)."""

from __future__ import annotations

from typing import Final

from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.sequence import (
    dpd_bad_doi_or_protocol,
    dpd_cookie_mismatch,
    dpd_first_seq_high_bit,
    dpd_first_seq_predictable,
    dpd_hash_invalid,
    dpd_replay,
    dpd_seq_not_plus_one,
    dpd_seq_reuse_after_ack,
    dpd_seq_reused_on_retry,
    ikev1_msgid_reuse,
)

RULES: Final[tuple[PeerRule, ...]] = (
    dpd_first_seq_high_bit.RULE,
    dpd_first_seq_predictable.RULE,
    dpd_seq_not_plus_one.RULE,
    dpd_seq_reuse_after_ack.RULE,
    dpd_seq_reused_on_retry.RULE,
    dpd_replay.RULE,
    dpd_cookie_mismatch.RULE,
    dpd_bad_doi_or_protocol.RULE,
    dpd_hash_invalid.RULE,
    ikev1_msgid_reuse.RULE,
)
