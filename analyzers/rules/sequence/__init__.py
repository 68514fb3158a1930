"""Rules about sequence numbers, message IDs and cookies (dpd-semantics section 4.3)."""

from __future__ import annotations

from typing import Final

from analyzers.rules.peer_rule import PeerRule

RULES: Final[tuple[PeerRule, ...]] = ()
