"""Which stretch of a peer's time a drawing covers, and what stands where in it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from analyzers.model.black_hole import BlackHole, BlackHoleClass, StopBasis
from analyzers.model.exchange import Exchange, Outcome
from analyzers.model.peer import PeerState, PeerView, StateSpan
from analyzers.model.records import Confidence
from analyzers.model.time import NS_PER_SECOND, nanoseconds


class Window(NamedTuple):
    """A stretch of time to draw."""

    start_ns: int
    end_ns: int


ZOOM_BELOW: Final = 10
"""Cells of the whole span under which a black hole is drawn again on a scale of its own."""
ZOOM_SHARE: Final = 0.6
"""Share of the zoomed width that the black hole takes: what led to it must be seen too."""
SHORTEST_WINDOW_NS: Final = NS_PER_SECOND
"""A lane over less than this says nothing; it also keeps the division away from zero."""

ONE_PACKET: Final = 1.05
"""Packets by which neighbouring cells differ without meaning anything."""
_MOST_PACE: Final = 3
"""Cells from one packet to the next, beyond which each of them stands alone."""

# States that last until something comes: a silence at the end of the input is part of the story.
_WAITING: Final = frozenset({PeerState.PROBING, PeerState.QUESTIONABLE, PeerState.UNKNOWN})


def whole(peer: PeerView) -> Window:
    """The span of everything known of a peer."""
    return Window(peer.first_ns, max(last_known_ns(peer), peer.first_ns + SHORTEST_WINDOW_NS))


def last_known_ns(peer: PeerView) -> int:
    """The end of everything known of a peer, what was concluded included."""
    end = max(peer.last_ns, peer.first_ns)
    if peer.states:
        # An inferred verdict can lie after the last packet.
        end = max(end, peer.states[-1].start_ns)
        if peer.states[-1].state in _WAITING and peer.until_ns is not None:
            end = max(end, peer.until_ns)
    for hole in peer.black_holes:
        end = max(end, hole.stop_ns, hole.dead_ns or 0)
    for delete in peer.deletes:
        end = max(end, delete.at_ns)
    return end


def zooms(peer: PeerView, width: int, at_most: int) -> tuple[Window, ...]:
    """Windows around black holes too short to be read on the whole span, the longest first."""
    span = whole(peer)
    cell_ns = (span.end_ns - span.start_ns) / width
    found: list[Window] = []
    for hole in sorted(peer.black_holes, key=lambda h: -h.max_seconds):
        if len(found) >= at_most:
            break
        length = nanoseconds(hole.max_seconds)
        if length <= 0 or length >= ZOOM_BELOW * cell_ns:
            continue
        start = hole.stop_ns - length
        if any(w.start_ns <= start and hole.stop_ns <= w.end_ns for w in found):
            continue
        size = max(round(length / ZOOM_SHARE), SHORTEST_WINDOW_NS)
        left = max(start - (size - length) * 2 // 3, span.start_ns)
        found.append(Window(left, min(left + size, span.end_ns)))
    return tuple(found)


class ToldState(NamedTuple):
    """A stretch in which a peer was in one state; without an end it lasts.

    A peer that is not gone is in its last state to the end of the input, where that is known.
    """

    state: PeerState
    start_ns: int
    end_ns: int | None
    ike_only: bool = False
    """IKE answers, and no ESP comes back."""


def told_states(peer: PeerView, within: Window | None = None) -> list[ToldState]:
    """The states of a peer; what of a life is that of IKE alone stands apart.

    `within`: only those of a stretch of time, with those that it begins and ends in.
    """
    halves = sorted(_ike_only(peer))
    states = peer.states
    first, last = 0, len(states)
    if within is not None:
        first = max(bisect_right(states, within.start_ns, key=_start_of) - 1, 0)
        last = bisect_right(states, within.end_ns, key=_start_of)
    found: list[ToldState] = []
    for index in range(first, last):
        span = states[index]
        last_one = index + 1 == len(states)
        end_ns = _known_until_ns(peer) if last_one else states[index + 1].start_ns
        whole_span = ToldState(span.state, span.start_ns, end_ns)
        split = span.state is PeerState.ALIVE and bool(halves)
        found += _split(whole_span, halves) if split else [whole_span]
    if within is None:
        return found
    return [t for t in found if t.start_ns <= within.end_ns and _reaches(t, within.start_ns)]


def _known_until_ns(peer: PeerView) -> int | None:
    """Until when the last state of a peer is known to last; None: nothing ends it."""
    if peer.until_ns is None or peer.states[-1].state in (PeerState.DEAD, PeerState.DELETED):
        return None
    # The instant of the end belongs to it.
    return max(peer.until_ns, last_known_ns(peer)) + 1


def _split(span: ToldState, halves: Sequence[tuple[int, int | None]]) -> Iterator[ToldState]:
    at_ns = span.start_ns
    for start_ns, stop_ns in halves:
        begin_ns = max(start_ns, at_ns)
        ends = [end for end in (stop_ns, span.end_ns) if end is not None]
        until_ns = min(ends, default=None)
        if until_ns is not None and until_ns <= begin_ns:
            continue
        if begin_ns > at_ns:
            yield span._replace(start_ns=at_ns, end_ns=begin_ns)
        yield ToldState(span.state, begin_ns, until_ns, ike_only=True)
        if until_ns is None:
            return
        at_ns = until_ns
    if _reaches(span, at_ns):
        yield span._replace(start_ns=at_ns)


def _reaches(span: ToldState, at_ns: int) -> bool:
    return span.end_ns is None or span.end_ns > at_ns


def _start_of(span: StateSpan) -> int:
    return span.start_ns


def is_ike_only(peer: PeerView) -> bool:
    """Whether of a peer that is alive only IKE is, up to the end of the input."""
    return peer.state is PeerState.ALIVE and any(end is None for _, end in _ike_only(peer))


def last_esp_back_ns(peer: PeerView) -> int | None:
    """When ESP of the remote side came last; None where none was seen."""
    back = (f.last_ns for f in peer.whole.esp_flows if not is_side(f.sender, peer.local, peer))
    return max(back, default=None)


def _ike_only(peer: PeerView) -> Iterator[tuple[int, int | None]]:
    """From when to when nothing but IKE came from the remote side."""
    for hole in peer.whole.black_holes:
        whole_tunnel = hole.black_hole_class is BlackHoleClass.DATA_PLANE and not hole.spis
        if whole_tunnel and is_side(hole.sender, peer.local, peer):
            ended = hole.stop_basis is not StopBasis.CAPTURE_END or hole.recovered_ns is not None
            yield hole.questionable_ns or hole.begin_ns, hole.stop_ns if ended else None


def death_confidence(peer: PeerView) -> Confidence:
    """How certain the deaths in a lane are: the peer may be alive again, and certainly so."""
    logged = any(hole.dead_basis == "log" for hole in peer.whole.black_holes)
    now = peer.state is PeerState.DEAD and peer.confidence is Confidence.CERTAIN
    return Confidence.CERTAIN if logged or now else Confidence.INFERRED


def is_side(address: str, side: str, peer: PeerView) -> bool:
    """Whether an address speaks for a side; the remote one may have several."""
    return address == peer.local if side == peer.local else address != peer.local


def answered_transmission(exchange: Exchange) -> int | None:
    """Index of the transmission that met the answer."""
    if exchange.outcome is not Outcome.ANSWERED:
        return None
    if exchange.answer is None:
        return len(exchange.transmissions) - 1
    before = [
        index
        for index, sent in enumerate(exchange.transmissions)
        if sent.at_ns <= exchange.answer.at_ns
    ]
    return before[-1] if before else 0


def exposed_ns(hole: BlackHole) -> int:
    """From when on a black hole may have taken what was sent."""
    return hole.stop_ns - nanoseconds(hole.max_seconds)


def steadied(rates: Sequence[float]) -> Sequence[float]:
    """Rates without the one packet that falls into this cell or the next by chance."""
    return _evened(_filled(rates))


def _evened(rates: Sequence[float]) -> list[float]:
    """Rates of which neighbours that differ by one packet get their mean; none stays none."""
    even: list[float] = []
    total, run = 0.0, 0
    for rate in (*rates, 0.0):
        mean = total / run if run else 0.0
        if run and (rate <= 0 or abs(rate - mean) > ONE_PACKET):
            even += [mean] * run
            total, run = 0.0, 0
        if rate > 0:
            total, run = total + rate, run + 1
        else:
            even.append(0.0)
    return even[:-1]


def _filled(rates: Sequence[float]) -> list[float]:
    """A packet in every second or third cell: the empty ones between are its pace, no silence."""
    filled = list(rates)
    busy = [index for index, rate in enumerate(rates) if rate > 0]
    if len(busy) < 2:
        return filled
    pace = sorted(later - sooner for sooner, later in pairwise(busy))[len(busy) // 2 - 1]
    if pace > _MOST_PACE:
        return filled
    for sooner, later in pairwise(busy):
        single = rates[sooner] <= ONE_PACKET and rates[later] <= ONE_PACKET
        if single and 1 < later - sooner <= pace + 1:
            filled[sooner + 1 : later] = [rates[sooner]] * (later - sooner - 1)
    return filled
