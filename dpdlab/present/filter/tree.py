"""What a filter says, as a tree, and the one way to write it.

A tree that a parser made is flat: an `And` holds no `And`, an `Or` no `Or`, and both hold two or
more. Writing it and parsing that gives the same tree.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Operator(StrEnum):
    """How a key is compared with its values."""

    IS = ":"
    NOT = "!="
    OVER = ">"
    AT_LEAST = ">="
    UNDER = "<"
    AT_MOST = "<="


ORDERINGS = frozenset({Operator.OVER, Operator.AT_LEAST, Operator.UNDER, Operator.AT_MOST})


class Value(Struct, frozen=True):
    """One value as it was written; in a quoted one a star is a star."""

    text: str
    quoted: bool = False


class Term(Struct, frozen=True):
    """A key compared with values; `:` and `!=` may have several."""

    key: str
    operator: Operator
    values: tuple[Value, ...]


class Words(Struct, frozen=True):
    """Text that occurs somewhere in what is said of an item; large and small letters are equal."""

    text: str


class Expression(Struct, frozen=True):
    """A regular expression that matches somewhere in what is said of an item."""

    source: str
    ignore_case: bool


class Everything(Struct, frozen=True):
    """The empty filter."""


class Not(Struct, frozen=True):
    """What does not match."""

    operand: Node


class And(Struct, frozen=True):
    """What matches all."""

    operands: tuple[Node, ...]


class Or(Struct, frozen=True):
    """What matches any."""

    operands: tuple[Node, ...]


Node = Term | Words | Expression | Everything | Not | And | Or


def conjunction(operands: list[Node]) -> Node:
    """All of them, flat."""
    flat = [o for operand in operands for o in _parts(operand, And)]
    return flat[0] if len(flat) == 1 else And(tuple(flat))


def disjunction(operands: list[Node]) -> Node:
    """Any of them, flat."""
    flat = [o for operand in operands for o in _parts(operand, Or)]
    return flat[0] if len(flat) == 1 else Or(tuple(flat))


def _parts(node: Node, kind: type[And] | type[Or]) -> tuple[Node, ...]:
    return node.operands if isinstance(node, And | Or) and isinstance(node, kind) else (node,)


def written(node: Node) -> str:
    """The filter in its plain form: blanks for `and`, `not` for `-`, parentheses where needed."""
    match node:
        case Everything():
            return ""
        case Words(text):
            return quoted(text)
        case Expression(source, ignore_case):
            return f"/{source}/{'i' if ignore_case else ''}"
        case Term(key, operator, values):
            return f"{key}{operator}{','.join(map(_value, values))}"
        case Not(operand):
            return f"not {_grouped(operand, (And, Or))}"
        case And(operands):
            return " ".join(_grouped(operand, (Or,)) for operand in operands)
        case Or(operands):
            return " or ".join(written(operand) for operand in operands)


def quoted(text: str) -> str:
    """A text in quotes, as the lexer reads it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _value(value: Value) -> str:
    return quoted(value.text) if value.quoted else value.text


def _grouped(node: Node, kinds: tuple[type, ...]) -> str:
    inner = written(node)
    return f"({inner})" if isinstance(node, kinds) else inner
