"""A filter that items are asked: the tree of a filter, compiled once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from dpdlab.present.filter.facts import Item, Surroundings, facts_of
from dpdlab.present.filter.keys import KEYS
from dpdlab.present.filter.parser import parse
from dpdlab.present.filter.pattern import Pattern
from dpdlab.present.filter.sayings import texts_of
from dpdlab.present.filter.tree import (
    And,
    Everything,
    Expression,
    Node,
    Not,
    Or,
    Term,
    Words,
    written,
)
from dpdlab.present.filter.values import contains, joined

Predicate = Callable[[Surroundings, Item], bool]


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter as it was written, and what it asks.

    The same in every place that filters: an item matches or not by itself and by its peer.
    """

    text: str
    tree: Node
    _predicate: Predicate = field(repr=False, compare=False)

    @classmethod
    def of(cls, text: str) -> Filter:
        """The filter that a text is.

        Raises:
            FilterError: it cannot be understood; with the place.
        """
        tree = parse(text)
        return cls(text, tree, compiled(tree))

    @property
    def takes_all(self) -> bool:
        """Whether it is empty."""
        return isinstance(self.tree, Everything)

    @property
    def normal(self) -> str:
        """The same filter in its plain form."""
        return written(self.tree)

    def matches(self, around: Surroundings, item: Item) -> bool:
        """Whether an item of the peer of `around` matches."""
        return self._predicate(around, item)


def compiled(node: Node) -> Predicate:
    """What a tree asks."""
    match node:
        case Everything():
            return lambda around, item: True
        case Words(text):
            occurs = contains(text)
            return lambda around, item: any(occurs(said) for said in texts_of(item))
        case Expression(source, ignore_case):
            search = Pattern(source, ignore_case=ignore_case).search
            return lambda around, item: any(search(said) for said in texts_of(item))
        case Term():
            return _term(node)
        case Not(operand):
            inner = compiled(operand)
            return lambda around, item: not inner(around, item)
        case And(operands):
            all_of = tuple(compiled(operand) for operand in operands)
            return lambda around, item: all(one(around, item) for one in all_of)
        case Or(operands):
            any_of = tuple(compiled(operand) for operand in operands)
            return lambda around, item: any(one(around, item) for one in any_of)


def _term(term: Term) -> Predicate:
    value_type = KEYS[term.key].type
    test = joined(term.operator, [value_type.test(term.operator, v) for v in term.values])
    facts = facts_of(term.key)
    return lambda around, item: test(facts(around, item))
