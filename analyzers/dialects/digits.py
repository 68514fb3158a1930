"""What regexes can tell apart in digits.

Lines of a log repeat but for their numbers. To a regex that treats all digits alike, a line and its
copy with zeros for digits are the same: what it found in one, it finds at the same places in the
other. Where a regex does know a digit ("IKE_P1_COMPLETE", "%ASA-7-713123", "0x"), that is nearly
always a digit of a name: `named_digits` finds those in a line, and lines that agree in them are the
same to such a regex too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from re import _compiler, _parser  # type: ignore[attr-defined]
from typing import Any, Final, NamedTuple

_ZEROS: Final = bytes(0x30 if 0x30 <= code <= 0x39 else code for code in range(256))
_DIGITS: Final = frozenset(b"0123456789")
_WORD: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789")
# A letter that no hexadecimal number has makes a name of what it stands in.
_NAMING: Final = _WORD - frozenset(b"0123456789abcdefABCDEFxX")
_NAMED: Final = re.compile(
    r"[g-wyzG-WYZ_](?:(?P<word>[A-Za-z_]*+[0-9][A-Za-z0-9_]*+)|[A-Za-z_]*+)"
    r"|(?<=[A-Za-z0-9]-)(?P<part>[0-9]+)|(?P<hex>[0-9])(?=[xX])"
)
_DIGIT: Final = re.compile(r"[0-9]")
_ALL: Final = (_parser.RANGE, (0x30, 0x39))
_ANYTHING: Final = re.compile("")


def zeroed(text: str) -> bytes:
    """The text in UTF-8 with "0" for every ASCII digit, of the same length if it is ASCII."""
    return text.encode("utf-8", "surrogatepass").translate(_ZEROS)


def named_digits(text: str, start: int = 0) -> tuple[int, ...]:
    """Where the digits of names stand, from `start` on.

    They follow a letter that no hexadecimal number has, in the same word, or the dash of a name
    ("ASA-7-713123"); and what stands before an x, as in "0x", is one. In texts that differ in
    digits only they stand at the same places.
    """
    places: list[int] = []
    for name in _NAMED.finditer(text, start):
        if name.lastgroup is None:
            continue  # a word without digits
        first, end = name.span(name.lastgroup)
        places += [digit.start() for digit in _DIGIT.finditer(text, first, end)]
    return tuple(places)


class Sight(NamedTuple):
    """Which texts some regexes may see otherwise if digits of them change."""

    any_digit: re.Pattern[str] | None
    """Matches all texts (at the start) that may be seen otherwise if any of their digits changes;
    None: there are none."""
    unnamed_digit: re.Pattern[str] | None
    """The same for digits that are not those of `named_digits`."""


def sight(regexes: Iterable[str], flags: int = 0) -> Sight:
    """How several regexes, each of which is matched at the same place, see digits."""
    trees = [_parser.parse(source, flags) for source in regexes]
    return Sight(_wider(trees, flags, named=False), _wider(trees, flags, named=True))


def _wider(trees: list[Any], flags: int, *, named: bool) -> re.Pattern[str] | None:
    """A regex that matches, whatever the digits, what any of those does with the help of one."""
    seeing = []
    for tree in trees:
        try:
            only = _widen(tree, named, _Chain()).only
        except _Unclear:
            return _ANYTHING
        if only is not None:
            seeing.append(only)
    if not seeing:
        return None
    state = _parser.State()
    state.flags = trees[0].state.flags
    whole = _parser.SubPattern(state, [(_parser.BRANCH, (None, seeing))])
    pattern: re.Pattern[str] = _compiler.compile(whole, flags)
    return pattern


class _Unclear(Exception):
    """The regex cannot be widened with certainty."""


class _Chain:
    """What certainly stands right before a place in a regex."""

    def __init__(self, word: bool = False, name: bool = False, dash: bool = False) -> None:
        self.word = word
        """A character of a word."""
        self.name = name
        """A word with a naming letter in it."""
        self.dash = dash
        """A dash that follows a word, and digits at most."""

    def copy(self) -> _Chain:
        return _Chain(self.word, self.name, self.dash)

    def then(self, codes: frozenset[int] | None, *, naming: bool = False) -> None:
        """Go on by a character, one of `codes`; None: of whatever kind."""
        only_digits = codes is not None and codes <= _DIGITS
        in_word = codes is not None and codes <= _WORD
        self.dash = (self.dash and only_digits) or (self.word and codes == frozenset(b"-"))
        self.name = in_word and (self.name or naming)
        self.word = in_word and codes is not None and 0x5F not in codes

    def meet(self, others: list[_Chain]) -> None:
        """Be what all of the others are."""
        self.word = all(other.word for other in others)
        self.name = all(other.name for other in others)
        self.dash = all(other.dash for other in others)


class _Wide(NamedTuple):
    """A part of a regex, made blind."""

    all: Any
    """With every digit where there are some."""
    only: Any
    """The same without the ways through it that see no digit; None if all do not."""


def _widen(tree: Any, named: bool, chain: _Chain) -> _Wide:
    """A sequence of items; `chain` goes on to its end."""
    items = list(tree)
    found = [
        _widen_item(op, argument, named, chain, items[place : place + 2][1:])
        for place, (op, argument) in enumerate(items)
    ]
    seeing = [place for place, item in enumerate(found) if item.only is not None]
    wide = _parser.SubPattern(tree.state, [item.all for item in found])
    if len(seeing) != 1:
        return _Wide(wide, wide if seeing else None)
    # Only by that item can a digit be seen.
    alone = [item.only if place in seeing else item.all for place, item in enumerate(found)]
    return _Wide(wide, _parser.SubPattern(tree.state, alone))


def _widen_item(op: Any, argument: Any, named: bool, chain: _Chain, following: Any) -> _Wide:
    match str(op):
        case "LITERAL":
            known = named and (chain.name or chain.dash or _is_hex(argument, following))
            chain.then(frozenset({argument}), naming=argument in _NAMING)
            if argument in _DIGITS and not known:
                return _Wide((_parser.IN, [_ALL]), (_parser.IN, [_ALL]))
            return _Wide((op, argument), None)
        case "NOT_LITERAL":
            chain.then(None)
            anything = (_parser.IN, [(_parser.RANGE, (0, 0x10FFFF))])
            return _Wide(anything, anything) if argument in _DIGITS else _Wide((op, argument), None)
        case "IN":
            return _widen_set(argument, named, chain)
        case "BRANCH":
            chains = [chain.copy() for _ in argument[1]]
            pairs = zip(argument[1], chains, strict=True)
            found = [_widen(branch, named, each) for branch, each in pairs]
            chain.meet(chains)
            seeing = [branch.only for branch in found if branch.only is not None]
            wide = (op, (argument[0], [branch.all for branch in found]))
            return _Wide(wide, (op, (argument[0], seeing)) if seeing else None)
        case "SUBPATTERN":
            inner = _widen(argument[3], named, chain)
            flags = argument[1:3]
            wide = (op, (None, *flags, inner.all))
            return _Wide(wide, None if inner.only is None else (op, (None, *flags, inner.only)))
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            return _widen_repeat(op, argument, named, chain)
        case "ASSERT":
            inner = _widen(argument[1], named, _inside(argument[0], chain))
            wide = (op, (argument[0], inner.all))
            return _Wide(wide, None if inner.only is None else wide)
        case "ASSERT_NOT":
            inner = _widen(argument[1], named, _inside(argument[0], chain))
            return _same((op, (argument[0], inner.all)), inner)
        case "ATOMIC_GROUP":
            inner = _widen(argument, named, chain)
            return _same((op, inner.all), inner)
        case "ANY":
            chain.then(None)
            return _Wide((op, argument), None)
        case "AT" | "FAILURE":
            return _Wide((op, argument), None)
        case _:
            # A group that is referred to: equal digits are told from unequal ones.
            raise _Unclear


def _inside(direction: int, chain: _Chain) -> _Chain:
    """What stands before the inside of a look ahead; of a look behind nothing is known."""
    return chain.copy() if direction > 0 else _Chain()


def _same(item: Any, inner: _Wide) -> _Wide:
    """Where a wider inside could make the whole narrower, there must be nothing to widen."""
    if inner.only is not None:
        raise _Unclear
    return _Wide(item, None)


def _widen_repeat(op: Any, argument: Any, named: bool, chain: _Chain) -> _Wide:
    least, most, tree = argument
    once = chain.copy()
    inner = _widen(tree, named, once)
    if most != 1:
        # From the second time on it stands behind itself.
        again = chain.copy()
        again.meet([chain, once])
        inner = _widen(tree, named, again)
        once.meet([once, again])
    if least == 0:
        once.meet([once, chain])
    chain.meet([once])
    wide = (op, (least, most, inner.all))
    if inner.only is None:
        return _Wide(wide, None)
    if str(op) == "POSSESSIVE_REPEAT":
        raise _Unclear
    once_only = (op, (1, 1, inner.only)) if most == 1 else (op, (max(least, 1), most, inner.all))
    return _Wide(wide, once_only)


def _is_hex(code: int, following: Any) -> bool:
    """Whether a literal is the 0 of "0x"."""
    if code != 0x30 or not following:
        return False
    return str(following[0][0]) == "LITERAL" and following[0][1] in b"xX"


def _widen_set(items: list[Any], named: bool, chain: _Chain) -> _Wide:
    known_digit = named and (chain.name or chain.dash)
    codes: set[int] | None = set()
    digits: set[int] = set()
    negated = False
    for op, argument in items:
        match str(op):
            case "NEGATE":
                negated = True
            case "LITERAL":
                digits |= _DIGITS & {argument}
                codes = codes if codes is None else codes | {argument}
            case "RANGE":
                low, high = argument
                digits |= {code for code in _DIGITS if low <= code <= high}
                wide = codes is None or high > 0x7F
                codes = None if wide or codes is None else codes | set(range(low, high + 1))
            case "CATEGORY":
                # Of every category all digits are members, or none is.
                name = str(argument)
                digits |= _DIGITS if name in _WITH_DIGITS else frozenset()
                # It has letters and digits of other scripts too: a line with those is not ASCII.
                known = {"CATEGORY_DIGIT": _DIGITS, "CATEGORY_WORD": _WORD}.get(name)
                codes = None if codes is None or known is None else codes | known
            case _:
                raise _Unclear
    chain.then(None if negated or codes is None else frozenset(codes))
    if known_digit or len(digits) in (0, len(_DIGITS)):
        return _Wide((_parser.IN, items), None)
    if negated:
        raise _Unclear
    return _Wide((_parser.IN, [*items, _ALL]), (_parser.IN, [*items, _ALL]))


_WITH_DIGITS: Final = ("CATEGORY_DIGIT", "CATEGORY_WORD", "CATEGORY_NOT_SPACE")
