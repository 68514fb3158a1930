"""A filter that cannot be understood: what is wrong with it, and where."""

from __future__ import annotations

import unicodedata
from typing import Final

from analyzers.export.untrusted import safe

_EXCERPT: Final = 72
"""Columns of the excerpt; a longer filter is shown around the place."""
_BEFORE: Final = 48
"""Characters of a long filter that are shown before the place."""


class FilterError(Exception):
    """A filter with a mistake in it; `start` and `end` are places inside `text`, from 0."""

    def __init__(self, message: str, text: str, start: int, end: int, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.text = text
        self.start = start
        self.end = max(end, start + 1)

    @property
    def column(self) -> int:
        """The place, counted from 1."""
        return self.start + 1

    def caret(self) -> tuple[str, str]:
        """Two lines, fit for a terminal: the filter, and carets under the mistake."""
        first = 0
        if len(self.text) > _EXCERPT and self.start > _BEFORE:
            first = self.start - _BEFORE
        shown = self.text[first : first + _EXCERPT]
        head = safe(shown[: self.start - first])
        marked = safe(shown[self.start - first : self.end - first])
        tail = safe(shown[self.end - first :])
        return f"{head}{marked}{tail}", " " * _width(head) + "^" * max(1, _width(marked))


class ValueRefused(Exception):
    """A value that its key cannot have; the parser knows the place."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class PatternRefused(Exception):
    """A regular expression that is wrong or not supported; `place` counts from 0 inside it."""

    def __init__(self, message: str, place: int) -> None:
        super().__init__(message)
        self.message = message
        self.place = place


def _width(text: str) -> int:
    """Columns of a text on a terminal."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )
