"""From the tokens of a filter to its tree.

filter = either
either = both { "or" both }
both   = single { [ "and" ] single }
single = ( "not" | "-" ) single | "(" either ")" | term | "text" | word | /expression/
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Final

from dpdlab.present.filter.errors import FilterError, PatternRefused, ValueRefused
from dpdlab.present.filter.keys import KEYS, NAMES
from dpdlab.present.filter.lexer import Token, TokenKind, tokens
from dpdlab.present.filter.pattern import Pattern
from dpdlab.present.filter.tree import (
    ORDERINGS,
    Everything,
    Expression,
    Node,
    Not,
    Term,
    Words,
    conjunction,
    disjunction,
)

MAX_DEPTH: Final = 50
"""Parentheses and negations inside each other."""


def parse(text: str) -> Node:
    """The tree of a filter; of blanks only, Everything.

    Raises:
        FilterError: it cannot be understood; with the place.
    """
    found = tokens(text)
    if not found:
        return Everything()
    return _Parser(text, found).whole()


class _Parser:
    def __init__(self, text: str, found: list[Token]) -> None:
        self._text = text
        self._tokens = found
        self._next = 0
        self._depth = 0

    def whole(self) -> Node:
        node = self._either()
        rest = self._peek()
        if rest is not None:
            raise self._error("a ) without its (", rest)
        return node

    def _peek(self) -> Token | None:
        return self._tokens[self._next] if self._next < len(self._tokens) else None

    def _take(self, kind: TokenKind) -> Token | None:
        token = self._peek()
        if token is None or token.kind is not kind:
            return None
        self._next += 1
        return token

    def _error(self, message: str, token: Token, hint: str = "") -> FilterError:
        return FilterError(message, self._text, token.place.start, token.place.end, hint)

    def _either(self) -> Node:
        operands = [self._both()]
        while (word := self._take(TokenKind.OR)) is not None:
            operands.append(self._both(after=word))
        return disjunction(operands)

    def _both(self, after: Token | None = None) -> Node:
        operands = [self._single(after)]
        while True:
            word = self._take(TokenKind.AND)
            following = self._peek()
            if word is None and (
                following is None or following.kind in (TokenKind.OR, TokenKind.CLOSE)
            ):
                return conjunction(operands)
            operands.append(self._single(word))

    def _single(self, after: Token | None) -> Node:
        """One operand; `after` is the word or sign that needs it."""
        token = self._peek()
        if token is None or token.kind in (TokenKind.CLOSE, TokenKind.OR, TokenKind.AND):
            raise self._missing(token, after)
        self._next += 1
        match token.kind:
            case TokenKind.NOT:
                self._deeper(token)
                node: Node = Not(self._single(token))
                self._depth -= 1
                return node
            case TokenKind.OPEN:
                return self._group(token)
            case TokenKind.WORDS:
                return self._words(token)
            case TokenKind.EXPRESSION:
                return self._expression(token)
        return self._term(token)

    def _missing(self, token: Token | None, after: Token | None) -> FilterError:
        """Nothing stands where an operand has to."""
        if after is not None:
            sign = self._text[after.place.start : after.place.end]
            return self._error(f"{sign} has nothing after it", after)
        if token is None:
            return self._error("nothing", self._tokens[-1])
        if token.kind is TokenKind.CLOSE:
            return self._error("nothing before this )", token)
        sign = self._text[token.place.start : token.place.end]
        hint = f'the word itself is "{sign}" in quotes'
        return self._error(f"{sign} has nothing before it", token, hint)

    def _deeper(self, token: Token) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._error(f"more than {MAX_DEPTH} levels inside each other", token)

    def _group(self, opening: Token) -> Node:
        self._deeper(opening)
        node = self._either_after(opening)
        self._depth -= 1
        if self._take(TokenKind.CLOSE) is None:
            raise self._error("a ( without its )", opening)
        return node

    def _either_after(self, opening: Token) -> Node:
        following = self._peek()
        if following is None:
            raise self._error("a ( without its )", opening)
        return self._either()

    def _words(self, token: Token) -> Node:
        if not token.text:
            raise self._error("an empty text", token)
        return Words(token.text)

    def _expression(self, token: Token) -> Node:
        try:
            Pattern(token.text, ignore_case=token.ignore_case)
        except PatternRefused as refused:
            # One past the opening slash.
            start = min(token.place.start + 1 + refused.place, token.place.end - 1)
            raise FilterError(
                f"in the regular expression: {refused.message}", self._text, start, start + 1
            ) from None
        return Expression(token.text, token.ignore_case)

    def _term(self, token: Token) -> Node:
        name = NAMES.get(token.text.lower())
        if name is None:
            raise self._unknown_key(token)
        key = KEYS[name]
        if token.operator in ORDERINGS and len(token.values) > 1:
            raise self._error(f"{token.operator} takes one value", token)
        for value, place in token.values:
            try:
                key.type.test(token.operator, value)
            except ValueRefused as refused:
                raise FilterError(
                    f"{name}: {refused.message}", self._text, place.start, place.end, refused.hint
                ) from None
        return Term(name, token.operator, tuple(value for value, _ in token.values))

    def _unknown_key(self, token: Token) -> FilterError:
        start = token.place.start
        near = get_close_matches(token.text.lower(), NAMES, n=1)
        meant = f"did you mean {near[0]}? " if near else ""
        return FilterError(
            f"no key {token.text!r}",
            self._text,
            start,
            start + len(token.text),
            f"{meant}the keys are {', '.join(KEYS)}; text with a colon goes in quotes",
        )
