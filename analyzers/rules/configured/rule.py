"""A rule over the configurations of a run and one peer of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from analyzers.model.configuration import Configuration
from analyzers.model.peer import PeerView
from analyzers.rules.rule import Found, Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfiguredRule(Rule):
    """A rule of this family; its scenarios are in the tests."""

    check: Callable[[Sequence[Configuration], PeerView], Iterator[Found]]
