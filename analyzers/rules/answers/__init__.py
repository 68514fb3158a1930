"""Rules about questions and what answered them (dpd-semantics section 4.2)."""

from __future__ import annotations

from typing import Final

from analyzers.rules.answers import dpd_no_ack
from analyzers.rules.peer_rule import PeerRule

RULES: Final[tuple[PeerRule, ...]] = (dpd_no_ack.RULE,)
