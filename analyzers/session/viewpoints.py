"""Several captures of the same traffic: one tells it, the others are witnesses.

A capture shows what came by at its place. Two places together would show a peer alive of which one
of them has lost sight: what only the far one sees never arrived here. Where it is known which place
is nearer to whom, such packets are told as lost on their way (`analyzers.session.crossings`). Else,
wherever the first capture sees both directions between two ends, and some of the same messages,
the others are not asked. Parts of one capture, and taps of one direction each, have no message in
common: they are put together.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analyzers.decode.captures import CaptureBatch
from analyzers.decode.flows import EspRows
from analyzers.model.observations import Datagram
from analyzers.model.records import Problem, ProblemKind, Ref
from analyzers.model.time import NS_PER_MS
from analyzers.session.crossings import Crossings, edge_ns, is_deaf
from analyzers.session.joined import CaptureClock, Joined, Left
from analyzers.session.places import Between, Found, between, ranked
from analyzers.tracking.alignment import Fit
from analyzers.tracking.flows import DUPLICATE_NS
from analyzers.tracking.pairing import pairs
from analyzers.tracking.passed import FlowKey, Passed
from analyzers.tracking.sightings import KeyFamily, Sighting

WAY_NS: Final = 500 * NS_PER_MS
"""The longest way between two points of capture."""

_EVER: Final = 1 << 62


def leave_to_first(captures: Sequence[CaptureClock], joined: Joined) -> None:
    """Find what several captures show, and which of them tells it. All are on the common clock."""
    copies = {copy: original for c in captures for copy, original in _recorded_twice(c.sightings)}
    found = _in_common(captures, copies)
    order = ranked(captures, found)
    told: dict[Ref, Ref] = {}
    """The places of messages that another capture tells, and those where it does."""
    crossings = Crossings(joined, copies)
    for place, capture in enumerate(order):
        for first in order[:place]:
            both = found[capture.number, first.number]
            for one, two in both:
                if one.ref not in told:
                    told[one.ref] = two.ref
                    joined.witnesses.add(two.ref, one.ref)
            for way in between(both):
                if not crossings.take(capture, first, way, both):
                    joined.left.setdefault(capture.number, []).extend(_left(first, way))
        told |= {copy: told[ref] for copy, ref in copies.items() if ref in told}
        frames = frozenset(s.ref.record for s in capture.sightings if s.ref in told)
        if frames:
            joined.frames[capture.number] = frames
    crossings.tell(told)


def _recorded_twice(sightings: Sequence[Sighting]) -> Iterator[tuple[Ref, Ref]]:
    """What a capture has twice of a message, and the place of the first one."""
    last: dict[object, Sighting] = {}
    for s in sightings:
        known = last.get((s.keys[0], s.src, s.dst))
        if known is not None and abs(s.at_ns - known.at_ns) <= DUPLICATE_NS:
            yield s.ref, known.ref
        else:
            last[s.keys[0], s.src, s.dst] = s


def _in_common(
    captures: Sequence[CaptureClock], copies: Container[Ref]
) -> dict[tuple[int, int], Found]:
    """The messages that each two captures show, by the numbers of both, either way round."""
    known = {c.number: _by_bytes([s for s in c.sightings if s.ref not in copies]) for c in captures}
    same_clock = Fit(0, 0, 0, "", resolution_ns=WAY_NS // 2, strong=True)
    found: dict[tuple[int, int], Found] = {}
    for one, two in combinations(known, 2):
        both = pairs(known[two], known[one], same_clock)
        found[two, one] = both
        found[one, two] = [(b, a) for a, b in both]
    return found


def _by_bytes(sightings: Sequence[Sighting]) -> list[Sighting]:
    return [
        s._replace(keys=tuple(key for key in s.keys if key[0] is KeyFamily.BYTES))
        for s in sightings
    ]


def _left(first: CaptureClock, way: Between) -> list[Left]:
    """What of two ends is left to `first`, which shows some of the same messages."""
    mine, theirs = way.one, way.two
    if not {theirs, theirs[::-1]} <= first.ends:
        return []
    around_ns = 0 if way.one_place else edge_ns(way)
    start_ns = first.first_ns + first.shift_ns - around_ns
    end_ns = first.last_ns + first.shift_ns + around_ns
    if not way.one_place and (is_deaf(first, theirs) or is_deaf(first, theirs[::-1])):
        # Where one direction had fallen silent, what a far capture shows of it need not have come.
        end_ns = _EVER
    esp = [mine] * (theirs in first.esp_ends) + [mine[::-1]] * (theirs[::-1] in first.esp_ends)
    return [Left(start_ns, end_ns, frozenset((mine, mine[::-1])), frozenset(esp))]


def own_sightings(capture: CaptureClock, joined: Joined) -> list[Sighting]:
    """The messages that a capture tells itself."""
    frames = joined.frames.get(capture.number, frozenset())
    left = joined.left.get(capture.number, [])
    return [
        s
        for s in capture.sightings
        if s.ref.record not in frames
        and not any(_is_left(x, s.src or "", s.dst or "", s.at_ns) for x in left)
    ]


def _is_left(left: Left, src: str, dst: str, at_ns: int) -> bool:
    return (src, dst) in left.ike and left.first_ns <= at_ns <= left.last_ns


def leaver_of(number: int, joined: Joined) -> Leaver | None:
    """Who takes out of a capture what others tell; None where it tells all itself."""
    left, frames = joined.left.get(number, ()), joined.frames.get(number, frozenset())
    passed = joined.passed.get(number, {})
    return Leaver(left, frames, passed) if left or frames or passed else None


class Leaver:
    """Takes out of the batches of one capture what another one tells. Times are common ones."""

    def __init__(
        self,
        left: Sequence[Left],
        frames: frozenset[int],
        passed: Mapping[FlowKey, Sequence[Passed]],
    ) -> None:
        self._left = left
        self._frames = frames
        self._passed = passed
        self._flows: list[FlowKey] = []
        self.messages = 0
        """IKE messages that were taken out."""
        self.packets = 0
        """ESP packets that were taken out."""

    def problem(self) -> Problem:
        """What was taken out, for the report."""
        return Problem(
            ProblemKind.CAPTURE_DUPLICATE,
            "another capture shows them too: they are told once",
            None,
            self.messages + self.packets,
        )

    def rest(self, batch: CaptureBatch) -> CaptureBatch:
        """The batch without them."""
        self._flows += [flow[:3] for flow in batch.new_flows]
        batch = self._without_messages(batch)
        return self._without_esp(batch)

    def _without_messages(self, batch: CaptureBatch) -> CaptureBatch:
        keep = [not self._is_told(event) for event in batch.events]
        if all(keep):
            return batch
        self.messages += keep.count(False)
        batch.events = [e for e, kept in zip(batch.events, keep, strict=True) if kept]
        batch.event_key = [k for k, kept in zip(batch.event_key, keep, strict=True) if kept]
        return batch

    def _is_told(self, event: object) -> bool:
        if not isinstance(event, Datagram):
            return False
        return event.ref.record in self._frames or any(
            _is_left(left, event.src, event.dst, event.at_ns) for left in self._left
        )

    def _without_esp(self, batch: CaptureBatch) -> CaptureBatch:
        esp = batch.esp
        if not len(esp):
            return batch
        told = np.zeros(len(esp), np.bool_)
        for left in self._left:
            flows = np.array([flow[:2] in left.esp for flow in self._flows], np.bool_)
            if not flows.any():
                continue
            within = (esp.at_ns >= left.first_ns) & (esp.at_ns <= left.last_ns)
            told |= flows[esp.flow] & within
        if self._passed:
            told |= self._shown_elsewhere(esp)
        if not told.any():
            return batch
        self.packets += int(told.sum())
        rows = np.flatnonzero(~told)
        batch.esp = esp.take(rows)
        batch.esp_key = None if batch.esp_key is None else batch.esp_key[rows]
        return batch

    def _shown_elsewhere(self, esp: EspRows) -> NDArray[np.bool_]:
        """(n,) which packets another capture has."""
        found = np.zeros(len(esp), np.bool_)
        for flow in np.unique(esp.flow).tolist():
            for passed in self._passed.get(self._flows[flow], ()):
                rows = np.flatnonzero(esp.flow == flow)
                found[rows] |= passed.shows(esp.take(rows))
        return found
