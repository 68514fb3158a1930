"""The filter language: one way to say which peers, exchanges and findings are meant."""

from dpdlab.present.filter.errors import FilterError
from dpdlab.present.filter.facts import Item, Surroundings
from dpdlab.present.filter.narrow import narrowed
from dpdlab.present.filter.predicate import Filter

__all__ = ["Filter", "FilterError", "Item", "Surroundings", "narrowed"]
