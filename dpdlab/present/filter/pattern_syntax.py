"""The syntax of regular expressions, and the program that a `Pattern` runs.

What Python's `re` has and needs no memory of the text: literals, `.`, classes, `\\d \\w \\s \\b`,
`^ $`, groups, `|`, `* + ?` and `{m,n}`. Anything else is refused with its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from typing import Final

from msgspec import Struct

from dpdlab.present.filter.errors import PatternRefused

MAX_PATTERN: Final = 200
"""Characters of an expression."""
MAX_STEPS: Final = 500
"""Steps of a program: what `{m,n}` may unfold into."""
MAX_DEPTH: Final = 20
"""Groups inside groups."""

Accepts = Callable[[str], bool]


class Look(StrEnum):
    """Conditions on a place between two characters."""

    START = "^"
    END = "$"
    BOUNDARY = "b"
    NO_BOUNDARY = "B"


class Consume(Struct, frozen=True):
    """Takes one character, and goes on with the next step."""

    accepts: Accepts


class Assertion(Struct, frozen=True):
    """Goes on with the next step where the condition holds."""

    look: Look


class Split(Struct, frozen=True):
    """Goes on with all of these."""

    targets: tuple[int, ...]


Step = Consume | Assertion | Split
Program = tuple[Step, ...]
MATCH: Final = -1
"""The step after the last."""


def compiled(source: str, *, ignore_case: bool) -> Program:
    """The program of an expression; its steps are numbered from 0, its end is MATCH.

    Raises:
        PatternRefused: it is wrong, too long, or uses what is not supported.
    """
    if len(source) > MAX_PATTERN:
        raise PatternRefused(f"longer than {MAX_PATTERN} characters", MAX_PATTERN)
    steps = _Reader(source, ignore_case=ignore_case).read()
    # Targets are relative while a program is put together.
    program: list[Step] = [
        Split(tuple(place + target for target in step.targets)) if isinstance(step, Split) else step
        for place, step in enumerate(steps)
    ]
    return (*program, Split((MATCH,)))


def is_word(character: str) -> bool:
    """Letters, digits and the underscore, as `\\w` has them."""
    return character.isalnum() or character == "_"


_REPEAT: Final = re.compile(r"\{(\d{0,4})(?:(,)(\d{0,4}))?\}")
_LOOKS: Final = {"b": Look.BOUNDARY, "B": Look.NO_BOUNDARY, "A": Look.START, "Z": Look.END}
_CONTROLS: Final = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "a": "\a"}
_CLASSES: Final[dict[str, Accepts]] = {
    "d": str.isdecimal,
    "w": is_word,
    "s": str.isspace,
    "D": lambda c: not c.isdecimal(),
    "W": lambda c: not is_word(c),
    "S": lambda c: not c.isspace(),
}


class _Reader:
    def __init__(self, source: str, *, ignore_case: bool) -> None:
        self._source = source
        self._ignore_case = ignore_case
        self._at = 0
        self._depth = 0

    def read(self) -> list[Step]:
        steps = self._alternatives()
        if self._at < len(self._source):
            raise PatternRefused("a ) without its (", self._at)
        return steps

    def _peek(self, width: int = 1) -> str:
        return self._source[self._at : self._at + width]

    def _alternatives(self) -> list[Step]:
        branches = [self._sequence()]
        while self._peek() == "|":
            self._at += 1
            branches.append(self._sequence())
        steps = branches.pop()
        while branches:
            first = branches.pop()
            # SPLIT first; first; SPLIT past the rest; the rest
            over = [*first, Split((len(steps) + 1,))]
            steps = [Split((1, len(over) + 1)), *over, *steps]
        return self._bounded(steps)

    def _sequence(self) -> list[Step]:
        steps: list[Step] = []
        while self._peek() not in ("", "|", ")"):
            steps += self._repeated()
            self._bounded(steps)
        return steps

    def _bounded(self, steps: list[Step]) -> list[Step]:
        if len(steps) > MAX_STEPS:
            raise PatternRefused(
                f"too large: it unfolds into more than {MAX_STEPS} steps",
                min(self._at, len(self._source)) - 1,
            )
        return steps

    def _repeated(self) -> list[Step]:
        steps = self._atom()
        bounds = self._quantifier()
        if bounds is None:
            return steps
        if self._peek() == "?":
            # Lazy: the same texts match.
            self._at += 1
        if self._peek() == "+":
            raise PatternRefused("possessive repeats are not supported", self._at)
        if self._quantifier() is not None:
            raise PatternRefused("a repeat of a repeat: put the inner one in ( )", self._at - 1)
        return self._unfolded(steps, *bounds)

    def _unfolded(self, steps: list[Step], least: int, most: int | None) -> list[Step]:
        copies = max(least, 1) if most is None else most
        if (len(steps) + 1) * copies > MAX_STEPS:
            raise PatternRefused(
                f"too large: it unfolds into more than {MAX_STEPS} steps", self._at - 1
            )
        size = len(steps)
        if most is not None:
            return steps * least + [Split((1, size + 1)), *steps] * (most - least)
        if least == 0:
            return [Split((1, size + 2)), *steps, Split((-size - 1,))]
        return [*steps * least, Split((1, -size))]

    def _quantifier(self) -> tuple[int, int | None] | None:
        simple = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(self._peek())
        if simple is not None:
            self._at += 1
            return simple
        found = _REPEAT.match(self._source, self._at)
        if found is None or not (found[1] or found[3]):
            return None
        least = int(found[1] or 0)
        most = least if found[2] is None else int(found[3]) if found[3] else None
        if most is not None and most < least:
            raise PatternRefused("the most is less than the least", self._at)
        self._at = found.end()
        return least, most

    def _atom(self) -> list[Step]:
        character = self._peek()
        match character:
            case "(":
                return self._group()
            case "[":
                return [Consume(self._class())]
            case "*" | "+" | "?":
                raise PatternRefused("nothing before it that could be repeated", self._at)
            case "\\":
                return [self._escape()]
        self._at += 1
        match character:
            case ".":
                return [Consume(lambda c: c != "\n")]
            case "^" | "$":
                return [Assertion(Look(character))]
        return [Consume(self._literal(character))]

    def _group(self) -> list[Step]:
        start = self._at
        if self._peek(3) == "(?:":
            self._at += 3
        elif self._peek(2) == "(?":
            raise PatternRefused("lookaround, names and flags are not supported", start)
        else:
            self._at += 1
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise PatternRefused(f"more than {MAX_DEPTH} groups inside each other", start)
        steps = self._alternatives()
        self._depth -= 1
        if self._peek() != ")":
            raise PatternRefused("a ( without its )", start)
        self._at += 1
        return steps

    def _escape(self) -> Step:
        letter = self._source[self._at + 1 : self._at + 2]
        if letter in _LOOKS:
            self._at += 2
            return Assertion(_LOOKS[letter])
        if letter in _CLASSES:
            self._at += 2
            return Consume(_CLASSES[letter])
        return Consume(self._literal(self._escaped()))

    def _escaped(self) -> str:
        """The character that an escape stands for."""
        start = self._at
        letter = self._source[start + 1 : start + 2]
        if not letter:
            raise PatternRefused("a \\ with nothing after it", start)
        if letter.isdigit():
            raise PatternRefused("back references are not supported", start)
        self._at += 2
        if letter in _CONTROLS:
            return _CONTROLS[letter]
        if letter.isascii() and letter.isalpha():
            raise PatternRefused(f"\\{letter} is not supported", start)
        return letter

    def _literal(self, character: str) -> Accepts:
        if not self._ignore_case:
            return character.__eq__
        folded = character.casefold()
        return lambda c: c.casefold() == folded

    def _class(self) -> Accepts:
        start = self._at
        self._at += 1
        negated = self._peek() == "^"
        self._at += negated
        parts: list[Accepts] = []
        singles: set[str] = set()
        first = True
        while first or self._peek() != "]":
            first = False
            if not self._peek():
                raise PatternRefused("a [ without its ]", start)
            self._member(parts, singles)
        self._at += 1
        chosen = tuple(parts)
        spellings = _spellings if self._ignore_case else _one_spelling

        def accepts(character: str) -> bool:
            found = any(
                spelling in singles or any(part(spelling) for part in chosen)
                for spelling in spellings(character)
            )
            return found is not negated

        return accepts

    def _member(self, parts: list[Accepts], singles: set[str]) -> None:
        start = self._at
        letter = self._source[start + 1 : start + 2]
        if self._peek() == "\\" and letter in _CLASSES:
            self._at += 2
            parts.append(_CLASSES[letter])
            return
        low = self._single()
        if self._peek() != "-" or self._peek(2) in ("-]", "-"):
            singles.add(low)
            return
        self._at += 1
        if self._peek() == "\\" and self._source[self._at + 1 : self._at + 2] in _CLASSES:
            raise PatternRefused("a range needs a character at both ends", start)
        high = self._single()
        if high < low:
            raise PatternRefused("a range that runs backwards", start)
        parts.append(lambda c: low <= c <= high)

    def _single(self) -> str:
        if self._peek() == "\\":
            return self._escaped()
        character = self._peek()
        if not character:
            raise PatternRefused("a [ without its ]", len(self._source) - 1)
        self._at += 1
        return character


def _one_spelling(character: str) -> tuple[str, ...]:
    return (character,)


def _spellings(character: str) -> tuple[str, ...]:
    return (character, character.lower(), character.upper())
