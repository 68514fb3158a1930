"""What the values of a key can be, and how they are compared with what an item has."""

from __future__ import annotations

import operator as operators
import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from difflib import get_close_matches
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Any, Final, Protocol

from msgspec import Struct

from analyzers.model.addresses import address_key
from dpdlab.present.filter.errors import ValueRefused
from dpdlab.present.filter.tree import ORDERINGS, Operator, Value

Test = Callable[[Any], bool]
"""Whether one fact of an item is as a value asks; for `!=`, whether it is what is excluded."""

_COMPARISONS: Final[dict[Operator, Callable[[Any, Any], bool]]] = {
    Operator.IS: operators.eq,
    Operator.NOT: operators.eq,
    Operator.OVER: operators.gt,
    Operator.AT_LEAST: operators.ge,
    Operator.UNDER: operators.lt,
    Operator.AT_MOST: operators.le,
}


class ValueType(Protocol):
    """The values that a key can have."""

    @property
    def described(self) -> str:
        """What to write, for the help."""

    def test(self, operator: Operator, value: Value) -> Test:
        """The test of one value.

        Raises:
            ValueRefused: the value or the operator does not fit.
        """


class Choice(Struct, frozen=True):
    """One of a closed vocabulary; `ordered` from the least to the most."""

    words: tuple[str, ...]
    ordered: bool = False

    @property
    def described(self) -> str:
        """The vocabulary."""
        return (" < " if self.ordered else " ").join(self.words)

    def test(self, operator: Operator, value: Value) -> Test:
        """By the word, or by all the words that a star fits."""
        if not self.ordered:
            _unordered(operator)
        wanted = value.text.lower()
        if operator in ORDERINGS:
            compare = _COMPARISONS[operator]
            limit = self._rank(wanted)
            return lambda fact: compare(self.words.index(fact), limit)
        fits = glob(value)
        chosen = frozenset(word for word in self.words if fits(word))
        if not chosen:
            self._rank(wanted)
        return chosen.__contains__

    def _rank(self, word: str) -> int:
        if word in self.words:
            return self.words.index(word)
        near = get_close_matches(word, self.words, n=1)
        meant = f"did you mean {near[0]}? " if near else ""
        raise ValueRefused(f"no value {word!r}", f"{meant}it is one of {', '.join(self.words)}")


_UNITS_NS: Final = {
    "ns": 1,
    "us": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
    "d": 86_400_000_000_000,
}
_DURATION: Final = re.compile(
    r"(?:\d{1,15}(?:\.\d{1,9})?(?:ns|us|ms|[smhd]))+|\d{1,15}(?:\.\d{1,9})?", re.ASCII
)
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ns|us|ms|[smhd])?", re.ASCII)


class Duration(Struct, frozen=True):
    """Time that passed; facts are integer nanoseconds. A bare number is seconds."""

    @property
    def described(self) -> str:
        """Units."""
        return "200ms 30 1m30s (ns us ms s m h d; seconds without one)"

    def test(self, operator: Operator, value: Value) -> Test:
        """By length."""
        if _DURATION.fullmatch(value.text) is None:
            raise ValueRefused(f"{value.text!r} is no duration", "write 200ms, 30s or 1m30s")
        limit = sum(
            int(Decimal(number) * _UNITS_NS[unit or "s"])
            for number, unit in _PART.findall(value.text)
        )
        return _compared(operator, limit)


_DECIMAL: Final = re.compile(r"\d{1,19}", re.ASCII)
_HEXADECIMAL: Final = re.compile(r"0x[0-9a-f]{1,16}", re.ASCII | re.IGNORECASE)


class Number(Struct, frozen=True):
    """A count or a number; facts are integers."""

    example: str = "7"

    @property
    def described(self) -> str:
        """Digits."""
        return self.example

    def test(self, operator: Operator, value: Value) -> Test:
        """By size."""
        return _compared(operator, _integer(value.text))


class MessageId(Struct, frozen=True):
    """An IKE message ID; facts are integers."""

    @property
    def described(self) -> str:
        """All its spellings."""
        return "0x57792ce3 57792ce3 5779* 12 (8 digits are hex, fewer are decimal)"

    def test(self, operator: Operator, value: Value) -> Test:
        """By number, or by its 8 hex digits with stars."""
        text = value.text.lower().removeprefix("0x")
        if "*" in text and not value.quoted:
            _unordered(operator, "a star has no order")
            fits = glob(Value(_hex(text)))
            return lambda fact: fits(f"{fact:08x}")
        if re.fullmatch(r"[0-9a-f]{8}", text):
            return _compared(operator, int(text, 16))
        return _compared(operator, _integer(value.text))


class Hex(Struct, frozen=True):
    """An SPI or a cookie; facts are lower-case hex."""

    @property
    def described(self) -> str:
        """Digits and stars."""
        return "990b2fae ab12*"

    def test(self, operator: Operator, value: Value) -> Test:
        """By digits."""
        _unordered(operator)
        return glob(Value(_hex(value.text.lower().removeprefix("0x")), value.quoted))


class Address(Struct, frozen=True):
    """An address as written, or its network; facts are strings."""

    further: str = ""
    """What else facts may be."""

    @property
    def described(self) -> str:
        """Addresses, networks, stars."""
        return f"198.51.100.7 198.51.100.0/24 2001:db8::* {self.further}".rstrip()

    def test(self, operator: Operator, value: Value) -> Test:
        """In any spelling of the address, by network, or by the text with stars."""
        _unordered(operator)
        if "/" in value.text:
            return _remembered(_in_network(value.text))
        if "*" in value.text and not value.quoted:
            return _remembered(glob(value))
        wanted = address_key(value.text)
        return lambda fact: address_key(fact) == wanted


class Name(Struct, frozen=True):
    """A name; facts are strings, large and small letters are equal."""

    example: str

    @property
    def described(self) -> str:
        """An example."""
        return self.example

    def test(self, operator: Operator, value: Value) -> Test:
        """By the whole name, with stars."""
        _unordered(operator)
        return _remembered(glob(value))


class Phrase(Struct, frozen=True):
    """Text somewhere in what is said; facts are strings."""

    @property
    def described(self) -> str:
        """An example."""
        return '"no answer"'

    def test(self, operator: Operator, value: Value) -> Test:
        """By occurrence."""
        _unordered(operator)
        if not value.text:
            raise ValueRefused("an empty text")
        if value.quoted or "*" not in value.text:
            return contains(value.text)
        return glob(Value(f"*{value.text}*"))


def contains(text: str) -> Test:
    """Whether a fact has this text in it; large and small letters are equal."""
    folded = text.casefold()
    return lambda fact: folded in fact.casefold()


def glob(value: Value) -> Callable[[str], bool]:
    """Whether a fact is this, with `*` for anything; time is linear in the fact.

    The parts between stars are looked for from left to right, each as early as it occurs: that
    finds a fit where there is one.
    """
    folded = value.text.casefold()
    if value.quoted or "*" not in folded:
        return lambda fact: fact.casefold() == folded
    head, *middle, tail = folded.split("*")

    def fits(fact: str) -> bool:
        text = fact.casefold()
        end = len(text) - len(tail)
        if len(head) > end or not text.startswith(head) or not text.endswith(tail):
            return False
        at = len(head)
        for part in middle:
            found = text.find(part, at, end)
            if found < 0:
                return False
            at = found + len(part)
        return True

    return fits


def joined(operator: Operator, tests: Iterable[Test]) -> Callable[[Iterable[Any]], bool]:
    """The test of all facts of an item: any fact fits any value; for `!=`, there are facts and
    none is among the values."""
    chosen = tuple(tests)

    def fits(facts: Iterable[Any]) -> bool:
        # Called for every item: a generator would cost more than the tests.
        for fact in facts:
            for test in chosen:
                if test(fact):
                    return True
        return False

    def excluded(facts: Iterable[Any]) -> bool:
        known = tuple(facts)
        return bool(known) and not fits(known)

    return excluded if operator is Operator.NOT else fits


def _remembered(test: Test) -> Test:
    """A test of facts that come again and again."""
    return lru_cache(maxsize=4096)(test)


def _compared(operator: Operator, limit: int) -> Test:
    compare = _COMPARISONS[operator]
    return lambda fact: compare(fact, limit)


def _unordered(operator: Operator, why: str = "there is no order") -> None:
    if operator in ORDERINGS:
        raise ValueRefused(f"{operator} means nothing, as {why}", "write : or !=")


def _integer(text: str) -> int:
    if _DECIMAL.fullmatch(text):
        return int(text)
    if _HEXADECIMAL.fullmatch(text):
        return int(text, 16)
    raise ValueRefused(f"{text!r} is no number")


def _hex(text: str) -> str:
    if re.fullmatch(r"[0-9a-f*]{1,64}", text) is None:
        raise ValueRefused(f"{text!r} is not hexadecimal", "write ab12* or all digits")
    return text


def _in_network(text: str) -> Test:
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise ValueRefused(f"{text!r} is no network", "write 198.51.100.0/24") from None

    def within(fact: str) -> bool:
        try:
            return ip_address(fact) in network
        except ValueError:
            return False

    return within
