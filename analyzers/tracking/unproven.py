"""Times in which nothing shows that a peer lived, as what was negotiated after them tells.

Who negotiates anew has lost the SA before, or given it up: since its last proof nobody can tell.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Final

from analyzers.model.sa import EspFlow, SaEnd
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
        if not sa.from_start or sa.established_ns is None:
            continue
        before = [
            older
            for older in peer.sas[max(0, number - _RECENT) : number]
            if older.unit is not sa.unit and older.responder_spi != _UNANSWERED
        ]
        if not before or before[-1].ended_ns is not None:
            continue
        units = {older.unit.index for older in before}
        clocks = [tracker.any_clock.now(unit, role) for unit in units for role in (0, 1)]
        last_ns = max(max(clock.last_proof_ns, clock.last_out_ns) for clock in clocks)
        if last_ns != NEVER and sa.first_ns - last_ns >= _SILENT_NS:
            yield last_ns, sa.established_ns


def _in_vain(peer: PeerTrack, flows: Sequence[EspFlow]) -> Iterator[tuple[int, int | None]]:
    """From negotiations on that were repeated, and never answered."""
    heard: dict[int, list[int]] = {}
    later_ns: list[int] = []
    for sa in reversed(peer.sas):
        if _is_in_vain(sa):
            other = 1 - sa.initiator
            if other not in heard:
                heard[other] = _protected_ns(peer, other)
            end_ns = next((ns for ns in reversed(later_ns) if ns > sa.first_ns), None)
            if not _is_heard(peer, flows, other, heard[other], (sa.first_ns, end_ns)):
                yield sa.first_ns, end_ns
        if sa.established_ns is not None:
            later_ns.append(sa.established_ns)


def _is_in_vain(sa: SaTrack) -> bool:
    """Whether a negotiation was repeated, or given up by its log, which need not tell the SPIs."""
    silent = sa.responder_spi == _UNANSWERED and sa.messages >= _REPEATED
    return sa.from_start and (silent or sa.end is SaEnd.FAILED)


def _protected_ns(peer: PeerTrack, side: int) -> list[int]:
    """When protected IKE messages of a side came, in order."""
    return sorted(m.at_ns for m in peer.messages if m.encrypted and peer.side_of(m.src) == side)


def _is_heard(
    peer: PeerTrack,
    flows: Sequence[EspFlow],
    side: int,
    heard_ns: Sequence[int],
    span: tuple[int, int | None],
) -> bool:
    """Whether a side was heard on other SAs while a negotiation got no answer of it."""
    start_ns, end_ns = span
    if any(
        peer.side_of(flow.sender) == side and flow.first_ns < start_ns < flow.last_ns
        for flow in flows
    ):
        return True
    first = bisect_right(heard_ns, start_ns)
    return first < len(heard_ns) and (end_ns is None or heard_ns[first] < end_ns)
