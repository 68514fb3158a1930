"""Rules about SAs, windows, Deletes and hints (dpd-semantics section 4.7)."""

from __future__ import annotations

from typing import Final

from analyzers.rules.peer_rule import PeerRule
from analyzers.rules.run import RunRule

RULES: Final[tuple[PeerRule, ...]] = ()

RUN_RULES: Final[tuple[RunRule, ...]] = ()
