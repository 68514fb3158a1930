"""Rules about liveness beside traffic (dpd-semantics section 4.5)."""

from __future__ import annotations

from typing import Final

from analyzers.rules.peer_rule import PeerRule

RULES: Final[tuple[PeerRule, ...]] = ()
