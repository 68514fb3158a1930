"""Rules about intervals, retries and verdicts (dpd-semantics section 4.4)."""

from __future__ import annotations

from typing import Final

from analyzers.rules.peer_rule import PeerRule

RULES: Final[tuple[PeerRule, ...]] = ()
