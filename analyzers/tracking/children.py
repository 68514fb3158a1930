"""Child SAs: the two flows of a pair found by when they began, and pairs that fall silent alone.

A peer whose IKE and other Child SAs live may still lose everything on one Child SA. Which inbound
SPI belongs to which outbound one is encrypted, so pairs are inferred; a flow that could belong to
several stays alone, and nothing is said of it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from msgspec import Struct, field

from analyzers.model.time import NS_PER_SECOND
from analyzers.tracking.sending import sent_on
from analyzers.tracking.silence import MIN_PACKETS, NEVER, Silence, SilenceClock, summarise
from analyzers.tracking.silence_rows import SilenceRows
from analyzers.tracking.tracks import UnitTrack
from analyzers.wire.frames import Int64Array

# Both directions of a Child SA carry their first packet within this time of each other.
PAIR_NS: Final = 5 * NS_PER_SECOND
# A silent Child SA beside living ones is reported from this length on: no question can support it.
ALONE_NS: Final = 10 * NS_PER_SECOND
_WAITS_KNOWN: Final = 5
_TIMES_MEDIAN_WAIT: Final = 10
_TIMES_HIGH_WAIT: Final = 3
# Half pairs that may still find their other half.
_RECENT: Final = 16
_UNWATCHED: Final = (1 << 63) - 1


class ChildTrack(Struct, eq=False):
    """A Child SA: at most one flow a direction."""

    index: int
    unit: UnitTrack
    began_ns: int
    flows: list[int | None] = field(default_factory=lambda: [None, None])


class LoneSilence(Struct, frozen=True):
    """A Child SA that was silent in one role; `stop_ns` None while it goes on."""

    child: ChildTrack
    role: int
    silence: Silence
    stop_ns: int | None


class Children:
    """All Child SAs; a clock of their own for units that have several."""

    def __init__(self) -> None:
        self._children: list[ChildTrack] = []
        self._of_flow = np.empty(0, np.int64)
        self._watched_from = np.empty(0, np.int64)
        self._first: dict[int, ChildTrack] = {}
        self._several: set[int] = set()
        self._recent: dict[int, list[ChildTrack]] = {}
        self._clock = SilenceClock(ALONE_NS, count_esp_only=True)
        self.found: list[LoneSilence] = []

    def add(self, flow: int, unit: UnitTrack, side: int, at_ns: int, place: int) -> None:
        """A flow has begun."""
        recent = self._recent.setdefault(unit.index, [])
        recent[:] = [c for c in recent[-_RECENT:] if 0 <= at_ns - c.began_ns <= PAIR_NS]
        halves = [c for c in recent if c.flows[side] is None]
        if len(halves) == 1:
            child = halves[0]
        else:
            child = ChildTrack(len(self._children), unit, at_ns)
            self._children.append(child)
            recent.append(child)
            self._watch_siblings(child, place)
        child.flows[side] = flow
        if flow >= len(self._of_flow):
            room = len(self._of_flow)
            extra = max(256, room, flow + 1 - room)
            self._of_flow = np.concatenate([self._of_flow, np.full(extra, -1, np.int64)])
            self._watched_from = np.concatenate(
                [self._watched_from, np.full(extra, _UNWATCHED, np.int64)]
            )
        self._of_flow[flow] = child.index
        if unit.index in self._several:
            self._watched_from[flow] = place

    def _watch_siblings(self, child: ChildTrack, place: int) -> None:
        """From the second Child SA of a unit on, all of them are watched one by one."""
        unit = child.unit.index
        first = self._first.setdefault(unit, child)
        if first is child or unit in self._several:
            return
        self._several.add(unit)
        self._watched_from[[flow for flow in first.flows if flow is not None]] = place

    def run(self, rows: SilenceRows, flow: Int64Array) -> None:
        """Take a batch of ESP rows, in the order of arrival, with their flows."""
        chosen = np.flatnonzero(rows.place >= self._watched_from[flow])
        # In the batches that follow every row comes after the place the watch began at.
        self._watched_from[self._watched_from < _UNWATCHED] = 0
        if not len(chosen):
            return
        key = self._of_flow[flow[chosen]]
        order = np.argsort(key, kind="stable")
        picked = chosen[order]
        self._clock.grow(len(self._children))
        closings = self._clock.run(
            SilenceRows(
                key=key[order],
                place=rows.place[picked],
                at_ns=rows.at_ns[picked],
                bytes=rows.bytes[picked],
                esp=rows.esp[picked],
                direction=rows.direction[picked],
                proof=rows.proof[picked],
                ref=rows.ref[picked],
            )
        )
        self.found += [
            LoneSilence(self._children[c.key], c.role, c.silence, c.at_ns)
            for c in closings
            if _stands_out(c.silence, c.at_ns, c.waits)
        ]

    def silent_now(self) -> list[LoneSilence]:
        """Child SAs that are silent after all rows so far."""
        return [
            LoneSilence(self._children[key], role, silence, None)
            for key, role in self._clock.open(ALONE_NS)
            for silence in [self._clock.now(key, role)]
            if _stands_out(silence, silence.last_out_ns, self._clock.waits(key, role))
        ]


def _stands_out(silence: Silence, stop_ns: int, waits: Int64Array) -> bool:
    if silence.last_proof_ns == NEVER:
        return False
    silence, stop_ns = sent_on(silence, stop_ns)
    if silence.packets < MIN_PACKETS:
        return False
    count, median, high = summarise(waits)
    window_ns = stop_ns - silence.first_out_ns
    return count >= _WAITS_KNOWN and window_ns >= max(
        ALONE_NS, _TIMES_MEDIAN_WAIT * median, _TIMES_HIGH_WAIT * high
    )
