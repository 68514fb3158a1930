"""Which scenario shows that a rule fires, and which that one of its traps keeps it silent.

    @fires("dpd-no-ack")
    def test_…

    @silent("dpd-no-ack", "the input ends before the retry horizon: the question is open")
    def test_…

`test_coverage.py` holds that every rule fires somewhere and every trap of it is silent somewhere.
The text of a trap is that of the rule, so that a change of one is a change of both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any, TypeVar

_Test = TypeVar("_Test", bound=Callable[..., Any])

FIRES: dict[str, list[str]] = defaultdict(list)
"""Names of tests by rule."""
SILENT: dict[tuple[str, str], list[str]] = defaultdict(list)
"""Names of tests by rule and trap."""


def fires(*rules: str) -> Callable[[_Test], _Test]:
    """The test asserts that these rules fire."""

    def marked(test: _Test) -> _Test:
        for rule in rules:
            FIRES[rule].append(test.__qualname__)
        return test

    return marked


def silent(rule: str, *traps: str) -> Callable[[_Test], _Test]:
    """The test asserts that these traps of a rule keep it silent, or make it say less."""

    def marked(test: _Test) -> _Test:
        for trap in traps:
            SILENT[rule, trap].append(test.__qualname__)
        return test

    return marked
