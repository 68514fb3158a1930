"""Times in which nothing shows that a peer lived, as what was negotiated after them tells.

Who negotiates anew has lost the SA before, or given it up: since its last proof nobody can tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from analyzers.model.sa import EspFlow
from analyzers.model.time import NS_PER_SECOND
from analyzers.tracking.engine import Tracker
from analyzers.tracking.silence import NEVER
from analyzers.tracking.tracks import PeerTrack, SaTrack

# Shorter than this nobody misses anything.
_SILENT_NS: Final = 5 * NS_PER_SECOND
_RECENT: Final = 16
# The responder's SPI of an initiator that has had no answer.
_UNANSWERED: Final = "0" * 16
_REPEATED: Final = 2


def unproven(
    tracker: Tracker, peer: PeerTrack, flows: Sequence[EspFlow]
) -> list[tuple[int, int | None]]:
    """From and to of each, ns, in their order; None is the end of the input."""
    if len(peer.sas) < 2 or not all(peer.heard):
        return []
    found: list[tuple[int, int | None]] = [*_silences(tracker, peer), *_in_vain(peer, flows)]
    return sorted(found, key=lambda span: span[0])


def _silences(tracker: Tracker, peer: PeerTrack) -> Iterator[tuple[int, int]]:
    """Before SAs that were set up in place of others, which nobody had deleted or given up."""
    for number, sa in enumerate(peer.sas):
        before = [
            older
            for older in peer.sas[max(0, number - _RECENT) : number]
            if older.unit is not sa.unit and older.responder_spi != _UNANSWERED
        ]
        if not sa.from_start or sa.established_ns is None or not before:
            continue
        if before[-1].ended_ns is not None:
            continue
        units = {older.unit.index for older in before}
        clocks = [tracker.any_clock.now(unit, role) for unit in units for role in (0, 1)]
        last_ns = max(max(clock.last_proof_ns, clock.last_out_ns) for clock in clocks)
        if last_ns != NEVER and sa.first_ns - last_ns >= _SILENT_NS:
            yield last_ns, sa.established_ns


def _in_vain(peer: PeerTrack, flows: Sequence[EspFlow]) -> Iterator[tuple[int, int | None]]:
    """From negotiations on that were repeated, and never answered."""
    for number, sa in enumerate(peer.sas):
        if not sa.from_start or sa.responder_spi != _UNANSWERED or sa.messages < _REPEATED:
            continue
        other = 1 - sa.initiator
        later = (o.established_ns for o in peer.sas[number + 1 :])
        end_ns = next((ns for ns in later if ns is not None and ns > sa.first_ns), None)
        if not _is_heard(peer, flows, other, sa, end_ns):
            yield sa.first_ns, end_ns


def _is_heard(
    peer: PeerTrack, flows: Sequence[EspFlow], side: int, sa: SaTrack, end_ns: int | None
) -> bool:
    """Whether a side was heard on other SAs while a negotiation got no answer of it."""
    if any(
        peer.side_of(flow.sender) == side and flow.first_ns < sa.first_ns < flow.last_ns
        for flow in flows
    ):
        return True
    return any(
        message.encrypted
        and peer.side_of(message.src) == side
        and sa.first_ns < message.at_ns < (message.at_ns + 1 if end_ns is None else end_ns)
        for message in reversed(peer.messages)
    )
