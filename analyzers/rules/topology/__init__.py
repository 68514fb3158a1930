"""Rules about routing, hubs, NAT and several peers (dpd-semantics section 4.6)."""

from __future__ import annotations

from typing import Final

from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.run import RunRule

RULES: Final[tuple[PeerRule, ...]] = ()

RUN_RULES: Final[tuple[RunRule, ...]] = ()
