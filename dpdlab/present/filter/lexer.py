"""From the text of a filter to its tokens, each with its place."""

from __future__ import annotations

import re
from enum import StrEnum
from ipaddress import IPv6Address
from typing import Final

from msgspec import Struct, field

from dpdlab.present.filter.errors import FilterError
from dpdlab.present.filter.tree import Operator, Value

MAX_LENGTH: Final = 2_000
"""Characters of a filter."""


class TokenKind(StrEnum):
    """What a token is."""

    OPEN = "("
    CLOSE = ")"
    AND = "and"
    OR = "or"
    NOT = "not"
    TERM = "term"
    WORDS = "words"
    EXPRESSION = "expression"


class Place(Struct, frozen=True):
    """Part of the text, as Python slices it."""

    start: int
    end: int


class Token(Struct, frozen=True):
    """One token. Of a term: key, operator and values; of words and expressions: `text`."""

    kind: TokenKind
    place: Place
    text: str = ""
    """Words, the source of an expression, or the key."""
    ignore_case: bool = False
    operator: Operator = Operator.IS
    values: tuple[tuple[Value, Place], ...] = field(default=())


_BLANK: Final = re.compile(r"\s+")
_KEY: Final = re.compile(r"([A-Za-z][A-Za-z_-]*)(?:(:)|\s*(==|!=|>=|<=|[=<>]))")
_BARE: Final = re.compile(r'[^\s()"]+')
_BARE_VALUE: Final = re.compile(r'[^\s(),"]+')
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPED: Final = re.compile(r'\\(["\\])')
_EXPRESSION: Final = re.compile(r"/((?:[^/\\]|\\.)+)/(\w*)", re.DOTALL)
_OPERATORS: Final = {"=": Operator.IS, "==": Operator.IS}
_KEYWORDS: Final = {"and": TokenKind.AND, "or": TokenKind.OR, "not": TokenKind.NOT}
_FOREIGN: Final = {"&&": "and", "&": "and", "||": "or", "|": "or", "!": "not"}


def tokens(text: str) -> list[Token]:
    """The tokens of a filter.

    Raises:
        FilterError: something in it is no token, or the text is too long.
    """
    if len(text) > MAX_LENGTH:
        raise FilterError(
            f"a filter has no more than {MAX_LENGTH:,} characters", text, MAX_LENGTH, MAX_LENGTH + 1
        )
    found: list[Token] = []
    at = 0
    while (at := _past_blanks(text, at)) < len(text):
        token = _token(text, at)
        found.append(token)
        at = token.place.end
    return found


def _past_blanks(text: str, at: int) -> int:
    blank = _BLANK.match(text, at)
    return at if blank is None else blank.end()


def _token(text: str, at: int) -> Token:
    match text[at]:
        case "(":
            return Token(TokenKind.OPEN, Place(at, at + 1))
        case ")":
            return Token(TokenKind.CLOSE, Place(at, at + 1))
        case '"':
            words, end = _quoted(text, at)
            return Token(TokenKind.WORDS, Place(at, end), words)
        case "/":
            return _expression(text, at)
        case "-":
            return _minus(text, at)
        case ":" | "=" | "<" | ">":
            raise FilterError(
                f"{text[at]} has no key before it", text, at, at + 1, "write it as in rtt>200ms"
            )
    word = _word(text, at)
    key = _KEY.match(text, at)
    if key is not None and not _is_address(word):
        return _term(text, key)
    return _bare(text, at, word)


def _word(text: str, at: int) -> str:
    found = _BARE.match(text, at)
    return text[at] if found is None else found[0]


def _bare(text: str, at: int, word: str) -> Token:
    place = Place(at, at + len(word))
    keyword = _KEYWORDS.get(word.lower())
    if keyword is not None:
        return Token(keyword, place)
    for sign, meant in _FOREIGN.items():
        if word.startswith(sign):
            raise FilterError(
                f"{sign} is no sign of a filter", text, at, at + len(sign), f"write {meant}"
            )
    return Token(TokenKind.WORDS, place, word)


def _is_address(word: str) -> bool:
    """`fe80::1` is no key of a value."""
    try:
        IPv6Address(word)
    except ValueError:
        return False
    return True


def _minus(text: str, at: int) -> Token:
    follower = text[at + 1 : at + 2]
    if not follower or follower.isspace() or follower == ")":
        raise FilterError("- has nothing after it", text, at, at + 1, "it means not")
    return Token(TokenKind.NOT, Place(at, at + 1))


def _quoted(text: str, at: int) -> tuple[str, int]:
    found = _QUOTED.match(text, at)
    if found is None:
        raise FilterError("a quote that does not end", text, at, at + 1)
    return _ESCAPED.sub(r"\1", found[1]), found.end()


def _expression(text: str, at: int) -> Token:
    found = _EXPRESSION.match(text, at)
    if found is None:
        raise FilterError(
            "a regular expression that does not end",
            text,
            at,
            at + 1,
            "write /expression/ or /expression/i; a path goes in quotes",
        )
    if found[2] not in ("", "i"):
        raise FilterError(
            f"a regular expression has no flag {found[2]}",
            text,
            found.start(2),
            found.end(2),
            "i: large and small letters are equal; a path goes in quotes",
        )
    return Token(
        TokenKind.EXPRESSION, Place(at, found.end()), found[1], ignore_case=found[2] == "i"
    )


def _term(text: str, key: re.Match[str]) -> Token:
    written = key[2] or key[3]
    at = key.end()
    if key[3]:
        at = _past_blanks(text, at)
    values: list[tuple[Value, Place]] = []
    whole = Place(key.start(), key.end())
    while True:
        value, place = _value(text, at, whole, written)
        values.append((value, place))
        at = place.end
        if text[at : at + 1] != ",":
            break
        whole = Place(at, at + 1)
        at += 1
    return Token(
        TokenKind.TERM,
        Place(key.start(), at),
        key[1],
        operator=_OPERATORS.get(written) or Operator(written),
        values=tuple(values),
    )


def _value(text: str, at: int, before: Place, operator: str) -> tuple[Value, Place]:
    if text[at : at + 1] == '"':
        words, end = _quoted(text, at)
        return Value(words, quoted=True), Place(at, end)
    found = _BARE_VALUE.match(text, at)
    if found is None:
        what = "the comma" if text[before.start] == "," else operator
        raise FilterError(f"{what} has no value after it", text, before.start, before.end)
    return Value(found[0]), Place(at, found.end())
