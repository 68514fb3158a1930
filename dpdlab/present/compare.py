"""Two events field by field: what is the same, and what is not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from dpdlab.present.detail import Detail


class Compared(NamedTuple):
    """One field of both; None where one of them has none."""

    label: str
    first: str | None
    second: str | None

    @property
    def same(self) -> bool:
        """Whether both say the same."""
        return self.first == self.second


def compared(first: Sequence[Detail], second: Sequence[Detail]) -> list[Compared]:
    """The fields of both in the order of the first; repeated ones are paired in their order."""
    rest = list(second)
    found: list[Compared] = []
    for detail in first:
        place = next((n for n, other in enumerate(rest) if other.label == detail.label), None)
        other = None if place is None else rest.pop(place).text
        found.append(Compared(detail.label, detail.text, other))
    found += [Compared(detail.label, None, detail.text) for detail in rest]
    return found
