"""Child SAs are told more than once, and in halves: which of it is news."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

_MAX_SPIS: Final = 4096


class ChildPairs:
    """The SPIs of Child SAs, each with that of the other direction as far as it is known."""

    def __init__(self) -> None:
        self._pairs: OrderedDict[str, tuple[str, ...]] = OrderedDict()
        """Empty for a Child SA that is gone, or not in use yet."""

    def up(self, spis: tuple[str, ...]) -> bool:
        """A Child SA came up; False if that has been told."""
        if spis and any(spi in self._pairs.get(spi, ()) for spi in spis):
            return False
        self._set(spis, spis)
        return True

    def reserve(self, spis: tuple[str, ...]) -> None:
        """SPIs that are taken, but not in use."""
        self._set(spis, ())

    def down(self, spis: tuple[str, ...]) -> tuple[str, ...] | None:
        """A Child SA went: all its SPIs, or None if that has been told."""
        gone = next((self._pairs[spi] for spi in spis if spi in self._pairs), spis)
        if spis and not gone:
            return None
        self._set(gone, ())
        self._set(spis, ())
        return gone

    def _set(self, spis: tuple[str, ...], pair: tuple[str, ...]) -> None:
        for spi in spis:
            self._pairs[spi] = pair
            self._pairs.move_to_end(spi)
        while len(self._pairs) > _MAX_SPIS:
            self._pairs.popitem(last=False)
