"""What rules over a whole run see: all peers, inputs, configurations and thresholds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

from msgspec import Struct, field

from analyzers.model.configuration import Configuration
from analyzers.model.peer import PeerView
from analyzers.model.records import SourceInfo
from analyzers.rules.case import Case
from analyzers.rules.options import Thresholds
from analyzers.rules.rule import Found, Rule


class Run(Struct, frozen=True, dict=True):
    """One run; what is derived is worked out when a rule first asks for it."""

    peers: tuple[PeerView, ...]
    sources: tuple[SourceInfo, ...] = ()
    configurations: tuple[Configuration, ...] = ()
    thresholds: Thresholds = field(default_factory=Thresholds)

    @cached_property
    def cases(self) -> tuple[Case, ...]:
        """Every peer as its rules see it."""
        return tuple(
            Case(peer, self.sources, self.configurations, self.thresholds) for peer in self.peers
        )

    @cached_property
    def derived(self) -> dict[object, Any]:
        """What functions with `once` have worked out."""
        return {}


class RunRule(Rule, frozen=True, kw_only=True):
    """A rule about several peers, or about the inputs."""

    check: Callable[[Run], Iterator[Found]]
