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
    r"[g-wyzG-WYZ_](?P<word>[A-Za-z0-9_]+)|(?<=[A-Za-z0-9]-)(?P<part>[0-9]+)|(?P<hex>0)(?=[xX])"
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
    ("ASA-7-713123"); and the 0 of "0x" is one. In texts that differ in digits only they stand at
    the same places.
    """
    places: list[int] = []
    for name in _NAMED.finditer(text, start):
        first, end = name.span(name.lastgroup or 0)
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
    trees = [(source, _parser.parse(source, flags)) for source in regexes]
    return Sight(_wider(trees, flags, named=False), _wider(trees, flags, named=True))


def _wider(trees: list[tuple[str, Any]], flags: int, *, named: bool) -> re.Pattern[str] | None:
    """A regex that sees all digits alike, and matches what any of those matches that do not."""
    seeing = []
    for source, tree in trees:
        try:
            if _widen(tree, named, _Chain())[1]:
                seeing.append(re.sub(r"\(\?P<\w+>", "(?:", source))
        except _Unclear:
            return _ANYTHING
    if not seeing:
        return None
    whole = _parser.parse("|".join(f"(?:{source})" for source in seeing), flags)
    widened, _ = _widen(whole, named, _Chain())
    pattern: re.Pattern[str] = _compiler.compile(widened, flags)
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


def _widen(tree: Any, named: bool, chain: _Chain) -> tuple[Any, bool]:
    """A tree with every digit where there are some; whether it differs. `chain` goes on."""
    items: list[Any] = []
    changed = False
    entries = list(tree)
    for place, (op, argument) in enumerate(entries):
        following = entries[place + 1] if place + 1 < len(entries) else None
        item, different = _widen_item(op, argument, named, chain, following)
        items.append(item)
        changed = changed or different
    return _parser.SubPattern(tree.state, items), changed


def _widen_item(op: Any, argument: Any, named: bool, chain: _Chain, following: Any) -> Any:
    match str(op):
        case "LITERAL":
            known = named and (chain.name or chain.dash or _is_hex(argument, following))
            chain.then(frozenset({argument}), naming=argument in _NAMING)
            if argument in _DIGITS and not known:
                return (_parser.IN, [_ALL]), True
            return (op, argument), False
        case "NOT_LITERAL":
            chain.then(None)
            if argument in _DIGITS:
                return (_parser.IN, [(_parser.RANGE, (0, 0x10FFFF))]), True
            return (op, argument), False
        case "IN":
            return _widen_set(argument, chain)
        case "BRANCH":
            chains = [chain.copy() for _ in argument[1]]
            pairs = zip(argument[1], chains, strict=True)
            branches = [_widen(branch, named, each) for branch, each in pairs]
            chain.meet(chains)
            trees = [branch for branch, _ in branches]
            return (op, (argument[0], trees)), any(different for _, different in branches)
        case "SUBPATTERN":
            inner, different = _widen(argument[3], named, chain)
            return (op, (*argument[:3], inner)), different
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            return _widen_repeat(op, argument, named, chain)
        case "ASSERT":
            inner, different = _widen(argument[1], named, _inside(argument[0], chain))
            return (op, (argument[0], inner)), different
        case "ASSERT_NOT":
            _same(argument[1], named, _inside(argument[0], chain))
            return (op, argument), False
        case "ATOMIC_GROUP":
            _same(argument, named, chain)
            return (op, argument), False
        case "ANY":
            chain.then(None)
            return (op, argument), False
        case "AT" | "FAILURE":
            return (op, argument), False
        case _:
            # A group that is referred to: equal digits are told from unequal ones.
            raise _Unclear


def _inside(direction: int, chain: _Chain) -> _Chain:
    """What stands before the inside of a look ahead; of a look behind nothing is known."""
    return chain.copy() if direction > 0 else _Chain()


def _same(tree: Any, named: bool, chain: _Chain) -> None:
    """Where a wider inside could make the whole narrower, there must be nothing to widen."""
    if _widen(tree, named, chain)[1]:
        raise _Unclear


def _widen_repeat(op: Any, argument: Any, named: bool, chain: _Chain) -> Any:
    least, most, inner = argument
    once = chain.copy()
    widened, different = _widen(inner, named, once)
    if most != 1:
        # From the second time on it stands behind itself.
        again = chain.copy()
        again.meet([chain, once])
        widened, different = _widen(inner, named, again)
        once.meet([once, again])
    if least == 0:
        once.meet([once, chain])
    chain.word, chain.name, chain.dash = once.word, once.name, once.dash
    if different and str(op) == "POSSESSIVE_REPEAT":
        raise _Unclear
    return (op, (least, most, widened)), different


def _is_hex(code: int, following: Any) -> bool:
    """Whether a literal is the 0 of "0x"."""
    if code != 0x30 or following is None:
        return False
    return str(following[0]) == "LITERAL" and following[1] in b"xX"


def _widen_set(items: list[Any], chain: _Chain) -> tuple[Any, bool]:
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
    if len(digits) in (0, len(_DIGITS)):
        return (_parser.IN, items), False
    if negated:
        raise _Unclear
    return (_parser.IN, [*items, _ALL]), True


_WITH_DIGITS: Final = ("CATEGORY_DIGIT", "CATEGORY_WORD", "CATEGORY_NOT_SPACE")
