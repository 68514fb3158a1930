"""Rules about questions and what answered them (dpd-semantics section 4.2)."""

from __future__ import annotations

from typing import Final

from analyzers.rules.answers import (
    dpd_ack_from_other_address,
    dpd_answer_unheard,
    dpd_duplicate_ack,
    dpd_late_ack,
    dpd_no_ack,
    dpd_unsolicited_ack,
    dpd_wrong_ack,
    ikev2_unanswered_request_other,
    liveness_response_not_empty,
)
from analyzers.rules.peer_rule import PeerRule

RULES: Final[tuple[PeerRule, ...]] = (
    dpd_no_ack.RULE,
    ikev2_unanswered_request_other.RULE,
    dpd_late_ack.RULE,
    dpd_answer_unheard.RULE,
    dpd_wrong_ack.RULE,
    dpd_unsolicited_ack.RULE,
    dpd_ack_from_other_address.RULE,
    dpd_duplicate_ack.RULE,
    liveness_response_not_empty.RULE,
)
