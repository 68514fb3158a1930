"""What a replay needs of the captures: which flows, from when to when; and what it gets."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct

from analyzers.whatif.replay import Int64Array

Flow = tuple[str, str, int]
"""Source, destination and SPI."""


class Window(Struct, frozen=True):
    """Packets of some flows within a time; ns since the epoch, both ends inclusive."""

    flows: frozenset[Flow]
    start_ns: int
    end_ns: int


class Packets(NamedTuple):
    """Some of the packets of a window, in the order of time, each once."""

    window: int
    """Its place among the windows that were asked for."""
    at_ns: Int64Array
    sizes: Int64Array
    """Bytes from the ESP header on."""
