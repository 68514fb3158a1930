"""How long a regex may take over a text that it does not match: an upper bound, from its form.

A repeat that can stop in one place only, because what follows cannot begin with a character of it,
costs no more than its length. Where it can stop anywhere, what follows is tried from everywhere.
"""

from __future__ import annotations

import math
from re import _parser  # type: ignore[attr-defined]
from typing import Any, Final

from analyzers.dialects.dialect import MAX_TEXT

# More than this is all alike: too many.
_MOST: Final = 10_000.0
# Characters as bits; all that are not ASCII are one.
_OTHER: Final = 1 << 128
_ALL: Final = _OTHER * 2 - 1


def effort(regex: str) -> float:
    """Decimal logarithm of the number of ways in which `regex` may try to match a text.

    The text has at most `MAX_TEXT` characters, and the regex is matched at its start.
    """
    return _ways(list(_parser.parse(regex)), 0)


def _ways(items: list[Any], follow: int) -> float:
    """Of a sequence before something that begins with the characters `follow`."""
    ways = 0.0
    for op, argument in reversed(items):
        ways += _ways_of(op, argument, follow)
        first, empty = _first_of(op, argument)
        follow = first | follow if empty else first
    return min(ways, _MOST)


def _ways_of(op: Any, argument: Any, follow: int) -> float:
    match str(op):
        case "SUBPATTERN":
            return _ways(list(argument[3]), follow)
        case "BRANCH":
            ways = [_ways(list(branch), follow) for branch in argument[1]]
            if _begin_apart(argument[1], follow):
                return max(ways)
            return math.log10(sum(10 ** min(way, 100) for way in ways))
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            least, most, inner = argument
            most = min(int(most), MAX_TEXT)
            first, _ = _first(list(inner))
            if str(op) == "POSSESSIVE_REPEAT":
                # Where it has stopped, it stops.
                return _ways(list(inner), first)
            within = _ways(list(inner), follow | first if most > 1 else follow)
            counts = math.log10(most - least + 1) if first & follow and most > least else 0.0
            return min(counts + most * within, _MOST)
        case "ATOMIC_GROUP":
            return _ways(list(argument), 0)
        case "ASSERT" | "ASSERT_NOT":
            return _ways(list(argument[1]), 0)
        case _:
            return 0.0


def _begin_apart(branches: list[Any], follow: int) -> bool:
    """Whether the next character tells which alternative it is."""
    seen = 0
    for branch in branches:
        first, empty = _first(list(branch))
        first |= follow if empty else 0
        if first & seen:
            return False
        seen |= first
    return True


def _first(items: list[Any]) -> tuple[int, bool]:
    """Characters that a sequence may begin with, and whether it may be empty."""
    found = 0
    for op, argument in items:
        first, empty = _first_of(op, argument)
        found |= first
        if not empty:
            return found, False
    return found, True


def _first_of(op: Any, argument: Any) -> tuple[int, bool]:
    match str(op):
        case "LITERAL":
            return _bits(argument), False
        case "NOT_LITERAL":
            return _ALL & ~_bits(argument) | _OTHER, False
        case "IN":
            return _set(argument), False
        case "ANY":
            return _ALL, False
        case "SUBPATTERN":
            return _first(list(argument[3]))
        case "ATOMIC_GROUP":
            return _first(list(argument))
        case "BRANCH":
            found = [_first(list(branch)) for branch in argument[1]]
            first = 0
            for bits, _ in found:
                first |= bits
            return first, any(empty for _, empty in found)
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            first, empty = _first(list(argument[2]))
            return first, empty or argument[0] == 0
        case "AT" | "ASSERT" | "ASSERT_NOT":
            return 0, True
        case _:
            return _ALL, True


def _bits(code: int) -> int:
    """A character, in both of its cases."""
    if code > 0x7F:
        return _OTHER
    char = chr(code)
    return 1 << ord(char.lower()) | 1 << ord(char.upper())


def _set(items: list[Any]) -> int:
    bits, negated = 0, False
    for op, argument in items:
        match str(op):
            case "NEGATE":
                negated = True
            case "LITERAL":
                bits |= _bits(argument)
            case "RANGE":
                low, high = argument
                for code in range(low, min(high, 0x7F) + 1):
                    bits |= _bits(code)
                bits |= _OTHER if high > 0x7F else 0
            case _:
                bits |= _CATEGORIES.get(str(argument), _ALL)
    return (_ALL & ~bits) | _OTHER if negated else bits


def _of(chars: str) -> int:
    bits = 0
    for char in chars:
        bits |= 1 << ord(char)
    return bits


_DIGITS: Final = _of("0123456789")
_SPACES: Final = _of(" \t\n\r\f\v\x1c\x1d\x1e\x1f")
_WORDS: Final = _DIGITS | _of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")
_CATEGORIES: Final = {
    "CATEGORY_DIGIT": _DIGITS | _OTHER,
    "CATEGORY_SPACE": _SPACES | _OTHER,
    "CATEGORY_WORD": _WORDS | _OTHER,
    "CATEGORY_NOT_DIGIT": _ALL & ~_DIGITS,
    "CATEGORY_NOT_SPACE": _ALL & ~_SPACES,
    "CATEGORY_NOT_WORD": _ALL & ~_WORDS,
}
