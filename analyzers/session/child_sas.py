"""Child SAs that two logs set up: their SPIs are random, and say how far the clocks are apart.

Message IDs and addresses come again with every IKE SA; the SPIs of a Child SA do not. They tell a
clock less exactly than messages do: both ends set it up, one of them a handshake later.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import median_low
from typing import Final

from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.time import NS_PER_SECOND

HANDSHAKE_NS: Final = 5 * NS_PER_SECOND
"""The ends set a Child SA up within this, also where a message of the handshake is repeated."""


def child_sas(events: Iterable[LogEvent]) -> dict[str, int]:
    """When a log says that a Child SA came up, by each of its SPIs; ns on the clock of the log."""
    found: dict[str, int] = {}
    for event in events:
        if event.kind is LogEventKind.CHILD_SA_UP and event.at_ns is not None:
            for spi in event.spis:
                found.setdefault(spi, event.at_ns)
    return found


def apart_ns(own: Mapping[str, int], other: Mapping[str, int]) -> int | None:
    """How far ahead the first clock is, by the Child SAs that both have; None without any."""
    differences = [at_ns - other[spi] for spi, at_ns in own.items() if spi in other]
    return median_low(differences) if differences else None
