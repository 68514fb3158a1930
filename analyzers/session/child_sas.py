"""Child SAs that two logs set up: their SPIs are random, and say how far the clocks are apart.

Message IDs and addresses come again with every IKE SA; the SPIs of a Child SA do not. They tell a
clock less exactly than messages do: both ends set it up, one of them a handshake later.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
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


def set_up_both(own: Mapping[str, int], other: Mapping[str, int]) -> bool | None:
    """Whether two logs on one clock tell of the same Child SAs; None where nothing tells."""
    off_ns = apart_ns(own, other)
    if off_ns is not None:
        return abs(off_ns) <= HANDSHAKE_NS
    return False if _overlap(own, other) and _overlap(other, own) else None


def carry_esp(
    own: Mapping[str, int], esp: Mapping[str, tuple[int, int]], between: Collection[str]
) -> bool | None:
    """Whether the ESP of a capture is that of the Child SAs of a log; None where nothing tells.

    `esp`: the times of the first and the last packet by SPI, on the clock that the log is on;
    `between`: the SPIs of the flows between the ends of the log.
    """
    shared = [spi for spi in own if spi in esp]
    if shared:
        return all(own[spi] <= esp[spi][0] + HANDSHAKE_NS for spi in shared)
    begun_ns = min((first_ns for first_ns, _ in esp.values()), default=0) - HANDSHAKE_NS
    since_ns = min((at_ns for at_ns in own.values() if at_ns >= begun_ns), default=None)
    if since_ns is None:
        return None
    # What it set up carries the traffic from then on.
    return False if any(esp[spi][1] > since_ns + HANDSHAKE_NS for spi in between) else None


def _overlap(own: Mapping[str, int], other: Mapping[str, int]) -> bool:
    """Whether a log set a Child SA up between the first and the last that another one did."""
    if not other:
        return False
    first_ns, last_ns = min(other.values()) - HANDSHAKE_NS, max(other.values()) + HANDSHAKE_NS
    return any(first_ns <= at_ns <= last_ns for at_ns in own.values())
