"""Several captures of the same traffic: the first tells it, the others are witnesses.

A capture shows what came by at its place. Two places together would show a peer alive of which one
of them has lost sight: what only the far one sees never arrived here. So wherever an earlier
capture sees both directions between two ends, and some of the same messages, a later one is not
asked. Parts of one capture, and taps of one direction each, have no message in common: they are
put together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from analyzers.decode.captures import CaptureBatch
from analyzers.model.observations import Datagram
from analyzers.model.records import Problem, ProblemKind
from analyzers.model.time import NS_PER_MS, NS_PER_SECOND
from analyzers.session.joined import CaptureClock, Ends, Joined, Left
from analyzers.tracking.alignment import Fit
from analyzers.tracking.pairing import pairs
from analyzers.tracking.sightings import KeyFamily, Sighting

WAY_NS: Final = 500 * NS_PER_MS
"""The longest way between two points of capture."""

# Packets at the edge of the first capture reach the second one this much after their way.
_EDGE_NS: Final = 50 * NS_PER_MS
_LONGEST_EDGE_NS: Final = NS_PER_SECOND
_TOGETHER_NS: Final = 2 * NS_PER_SECOND
# Captures of one place differ by what their formats round away.
_ROUNDING_NS: Final = 2_000
_EVER: Final = 1 << 62


def leave_to_first(captures: Sequence[CaptureClock], joined: Joined) -> None:
    """Find what later captures show that earlier ones show too. All are on the common clock."""
    known = [_by_bytes(capture.sightings) for capture in captures]
    same_clock = Fit(0, 0, 0, "", resolution_ns=WAY_NS // 2, strong=True)
    for place, capture in enumerate(captures):
        frames: set[int] = set()
        for earlier in range(place):
            mine = [s for s in known[place] if s.ref.record not in frames]
            found = pairs(mine, known[earlier], same_clock)
            if not found:
                continue
            frames.update(one.ref.record for one, _ in found)
            for one, two in found:
                joined.witnesses.add(two.ref, one.ref)
            joined.left.setdefault(capture.number, []).extend(_left(captures[earlier], found))
        if frames:
            joined.frames[capture.number] = frozenset(frames)


def _by_bytes(sightings: Sequence[Sighting]) -> list[Sighting]:
    return [
        s._replace(keys=tuple(key for key in s.keys if key[0] is KeyFamily.BYTES))
        for s in sightings
    ]


def _left(first: CaptureClock, found: Sequence[tuple[Sighting, Sighting]]) -> Iterator[Left]:
    """What is left to `first`, which shows some of the same messages: of each two ends."""
    ways: dict[tuple[Ends, Ends], int] = {}
    for one, two in found:
        mine, theirs = (one.src or "", one.dst or ""), (two.src or "", two.dst or "")
        both = min((mine, theirs), (mine[::-1], theirs[::-1]))
        ways[both] = max(ways.get(both, 0), abs(one.at_ns - two.at_ns))
    for (mine, theirs), way_ns in ways.items():
        if not {theirs, theirs[::-1]} <= first.ends:
            continue
        one_place = way_ns <= _ROUNDING_NS
        edge_ns = 0 if one_place else min(_LONGEST_EDGE_NS, way_ns + _EDGE_NS)
        start_ns = first.first_ns + first.shift_ns - edge_ns
        end_ns = first.last_ns + first.shift_ns + edge_ns
        if not one_place and not _both_alive(first, theirs):
            end_ns = _EVER
        esp = [mine] * (theirs in first.esp_ends) + [mine[::-1]] * (theirs[::-1] in first.esp_ends)
        yield Left(start_ns, end_ns, frozenset((mine, mine[::-1])), frozenset(esp))


def _both_alive(capture: CaptureClock, ends: Ends) -> bool:
    """Whether both directions were seen until the same time.

    Where one had fallen silent, what a far capture shows of it afterwards need not have come here.
    """
    last = [capture.heard.get(way, 0) for way in (ends, ends[::-1])]
    return abs(last[0] - last[1]) <= _TOGETHER_NS


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


class Leaver:
    """Takes out of the batches of one capture what an earlier one tells. Times are common ones."""

    def __init__(self, left: Sequence[Left], frames: frozenset[int]) -> None:
        self._left = left
        self._frames = frames
        self._flows: list[Ends] = []
        self.messages = 0
        """IKE messages that were taken out."""
        self.packets = 0
        """ESP packets that were taken out."""

    def problem(self) -> Problem:
        """What was taken out, for the report."""
        return Problem(
            ProblemKind.CAPTURE_DUPLICATE,
            "an earlier capture shows the same ends at the same time: it tells of them",
            None,
            self.messages + self.packets,
        )

    def rest(self, batch: CaptureBatch) -> CaptureBatch:
        """The batch without them."""
        self._flows += [(flow.src, flow.dst) for flow in batch.new_flows]
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
            flows = np.array([ends in left.esp for ends in self._flows], np.bool_)
            if not flows.any():
                continue
            within = (esp.at_ns >= left.first_ns) & (esp.at_ns <= left.last_ns)
            told |= flows[esp.flow] & within
        if not told.any():
            return batch
        self.packets += int(told.sum())
        rows = np.flatnonzero(~told)
        batch.esp = esp.take(rows)
        batch.esp_key = None if batch.esp_key is None else batch.esp_key[rows]
        return batch
