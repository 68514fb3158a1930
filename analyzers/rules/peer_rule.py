"""A rule about one peer; its scenarios are in the tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from analyzers.rules.case import Case
from analyzers.rules.rule import Found, Rule


class PeerRule(Rule, frozen=True, kw_only=True):
    """A pure function of one peer, its policies and the thresholds."""

    check: Callable[[Case], Iterator[Found]]
