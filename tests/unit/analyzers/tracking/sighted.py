"""Sightings for tests: what a capture and the logs of both ends make of the same messages."""

from __future__ import annotations

from analyzers.model.records import Ref
from analyzers.tracking.sightings import Key, KeyFamily, Sighting

NS = 1_000_000_000
A, B, C = "192.0.2.1", "192.0.2.2", "192.0.2.3"


def seen(
    at_s: float,
    *keys: tuple[KeyFamily, Key],
    record: int = 1,
    outward: int = 0,
    ends: tuple[str | None, str | None] = (A, B),
    informational: bool = False,
    version: int | None = 1,
) -> Sighting:
    """A message with some facts, at a time in seconds."""
    return Sighting(
        round(at_s * NS),
        Ref("s1", record),
        keys,
        outward,
        ends[0],
        ends[1],
        informational,
        version,
    )


def by_id(number: int) -> tuple[KeyFamily, Key]:
    """The message ID of an IKEv1 message."""
    return KeyFamily.MESSAGE_ID, (number,)


def by_spi(number: int, spi: str = "11" * 8) -> tuple[KeyFamily, Key]:
    """SPI and message ID of an IKEv2 request."""
    return KeyFamily.SPIS, (spi, 37, number, False)


def by_ends(number: int, src: str = A, dst: str = B) -> tuple[KeyFamily, Key]:
    """Addresses and message ID of an IKEv2 request."""
    return KeyFamily.ADDRESSES, (src, dst, 37, number, False)


def by_count(number: int) -> tuple[KeyFamily, Key]:
    """The message ID of an IKEv2 request."""
    return KeyFamily.COUNTER, (37, number, False)
