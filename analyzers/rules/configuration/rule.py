"""A rule over configurations, with texts in which it fires and texts in which it is silent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from analyzers.rules.configuration.estate import Estate
from analyzers.rules.rule import Found, Rule

Example: TypeAlias = tuple[str, ...]
"""The texts of configurations that are given together."""


class ConfigurationRule(Rule, frozen=True, kw_only=True):
    """A rule of this family."""

    check: Callable[[Estate], Iterator[Found]]
    fires: tuple[Example, ...]
    silent: tuple[Example, ...]
