"""Which lines are read alike: those that differ in digits only, save digits that regexes know."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum
from typing import Final

from analyzers.dialects.dialect import HOST, MAX_TEXT, Dialect, Outline, source
from analyzers.dialects.digits import Sight, sight

_NAMES: Final = re.compile(r"\(\?P<\w+>")


class Alike(IntEnum):
    """What a text must share with another one so that both are read alike."""

    ZEROED = 0
    """Everything but its digits."""
    NAMED = 1
    """That, and the digits of names."""
    NOT = 2
    """Nothing less than all of it."""


class Likeness:
    """Knows which digits matter to the dialects."""

    def __init__(self, dialects: Sequence[Dialect]) -> None:
        self._dialects = tuple(dialects)
        # Short logs need none of them, and most of the others one.
        self._tags: Sight | None = None
        self._patterns: dict[str, tuple[Sight, Sight]] = {}

    def of_tag(self, text: str) -> Alike:
        """Which texts have their tag, or none, at the same places."""
        if self._tags is None:
            host = _NAMES.sub("(?:", HOST)
            self._tags = sight(f"[ \\t]*{host}(?:{d.tag})" for d in self._dialects)
        return _alike(self._tags, text, 0, len(text))

    def of_text(self, text: str, start: int, outline: Outline) -> Alike:
        """Which texts with the same tag up to `start` have the outline."""
        dialect, end = outline.dialect, start + MAX_TEXT
        if dialect.name not in self._patterns:
            patterns = sight(_sources(dialect, (p.regex for p in dialect.patterns)))
            self._patterns[dialect.name] = patterns, sight(_sources(dialect, dialect.ignored))
        patterns, ignored = self._patterns[dialect.name]
        found = _alike(patterns, text, start, end)
        if outline.pattern is None:
            found = max(found, _alike(ignored, text, start, end))
        return found


def _sources(dialect: Dialect, regexes: Iterable[str]) -> Iterator[str]:
    return (f"[ \\t]*(?:{source(dialect, regex)})" for regex in regexes)


def _alike(seen: Sight, text: str, start: int, end: int) -> Alike:
    if seen.any_digit is None or seen.any_digit.match(text, start, end) is None:
        return Alike.ZEROED
    if seen.unnamed_digit is None or seen.unnamed_digit.match(text, start, end) is None:
        return Alike.NAMED
    return Alike.NOT
