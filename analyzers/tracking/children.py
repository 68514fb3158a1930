"""Child SAs: the two flows of a pair found by when they began, and pairs that fall silent alone.

A peer whose IKE and other Child SAs live may still lose everything on one Child SA. Which inbound
SPI belongs to which outbound one is encrypted, so pairs are inferred. A flow that could belong to
several is watched beside each of them: where it falls silent while all of them go on, its own does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
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
# A flow that may belong to more than this belongs to none.
_MOST_RIVALS: Final = 4
_UNWATCHED: Final = (1 << 63) - 1


class ChildTrack(Struct, eq=False):
    """A Child SA: at most one flow a direction."""

    index: int
    unit: UnitTrack
    began_ns: int
    flows: list[int | None] = field(default_factory=lambda: [None, None])
    contested: bool = False
    """One of its flows may belong to another one: a half, or a pair as it may be."""

    @property
    def is_alone(self) -> bool:
        """Whether one flow is all there is, and it belongs to none that was seen."""
        return None in self.flows and not self.contested


class LoneSilence(Struct, frozen=True):
    """A Child SA that was silent in one role; `stop_ns` None while it goes on."""

    child: ChildTrack
    role: int
    silence: Silence
    stop_ns: int | None


class Rivals:
    """Flows that may belong to several others, and each pair that they may make."""

    def __init__(self) -> None:
        self._pairs: dict[int, list[ChildTrack]] = defaultdict(list)
        """By flow."""
        self._many = np.zeros(0, np.int64)
        """By flow: how many."""
        self._keys: dict[int, Int64Array] = {}
        self._begun: dict[UnitTrack, list[ChildTrack]] = defaultdict(list)

    def __bool__(self) -> bool:
        return bool(self._pairs)

    def begin(self, half: ChildTrack) -> None:
        """A flow has begun that belongs to none so far."""
        self._begun[half.unit].append(half)

    def add(self, pair: ChildTrack) -> None:
        """Two flows may belong together."""
        for flow in pair.flows:
            if flow is None:
                continue
            self._pairs[flow].append(pair)
            if flow >= len(self._many):
                more = np.zeros(max(256, flow + 1), np.int64)
                self._many = np.concatenate([self._many, more])
            self._many[flow] += 1
            self._keys.pop(flow, None)

    def rows(self, flow: Int64Array, chosen: Int64Array) -> tuple[Int64Array, Int64Array]:
        """Those of the chosen rows that such flows have, once for each pair, and its key."""
        many = self._many[np.minimum(flow[chosen], len(self._many) - 1)]
        many[flow[chosen] >= len(self._many)] = 0
        rows, counts = chosen[many > 0], many[many > 0]
        if not len(rows):
            return rows, rows
        flows, place = np.unique(flow[rows], return_inverse=True)
        keys = [self._keys_of(each) for each in flows.tolist()]
        begins = np.cumsum([0, *(len(each) for each in keys[:-1])])
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        return np.repeat(rows, counts), np.concatenate(keys)[
            np.repeat(begins[place], counts) + within
        ]

    def _keys_of(self, flow: int) -> Int64Array:
        keys = self._keys.get(flow)
        if keys is None:
            keys = np.array([pair.index for pair in self._pairs[flow]], np.int64)
            self._keys[flow] = keys
        return keys

    def agreed(self, silences: Iterable[LoneSilence]) -> Iterator[LoneSilence]:
        """The silences of pairs that are sure, and those that all pairs of a flow agree on."""
        found: dict[tuple[int, int | None], list[LoneSilence]] = defaultdict(list)
        for lone in silences:
            silent = lone.child.flows[1 - lone.role]
            if not lone.child.contested:
                yield lone
            elif silent is not None:
                found[silent, lone.stop_ns].append(lone)
        for (silent, _), told in found.items():
            if len(told) == len(self._pairs[silent]) and self._is_one_of_them(silent, told[0]):
                # What was sent into it is at most what the busiest of them sent.
                most = max(told, key=lambda lone: lone.silence.packets)
                child = ChildTrack(most.child.index, most.child.unit, most.child.began_ns)
                child.flows[1 - most.role] = silent
                yield LoneSilence(child, most.role, most.silence, most.stop_ns)

    def _is_one_of_them(self, silent: int, lone: LoneSilence) -> bool:
        """Whether the flow that belongs to a silent one is among those that may.

        Where more come in than go out, or another one goes out alone, it may have begun at another
        time.
        """
        role, begun = lone.role, self._begun[lone.child.unit]
        if lone.stop_ns is not None:
            # What begins later was not lost, and may still find its other half.
            begun = [c for c in begun if c.began_ns < lone.stop_ns - PAIR_NS]
        if any(c.flows[role] is not None and c.is_alone for c in begun):
            return False
        there = {pair.flows[role] for pair in self._pairs[silent]}
        back = {pair.flows[1 - role] for f in there if f is not None for pair in self._pairs[f]}
        return len(back) <= len(there)


class Children:
    """All Child SAs; a clock of their own for units that have several."""

    def __init__(self) -> None:
        self._children: list[ChildTrack] = []
        self._of_flow = np.empty(0, np.int64)
        self._watched_from = np.empty(0, np.int64)
        self._first: dict[int, ChildTrack] = {}
        self._several: set[int] = set()
        self._recent: dict[int, list[ChildTrack]] = {}
        self._rivals = Rivals()
        self._clock = SilenceClock(ALONE_NS, count_esp_only=True)
        self.found: list[LoneSilence] = []

    def add(self, flow: int, unit: UnitTrack, side: int, at_ns: int, place: int) -> None:
        """A flow has begun."""
        recent = self._recent.setdefault(unit.index, [])
        recent[:] = [c for c in recent[-_RECENT:] if 0 <= at_ns - c.began_ns <= PAIR_NS]
        halves = [c for c in recent if c.flows[side] is None]
        if len(halves) == 1 and not halves[0].contested:
            child = halves[0]
        else:
            child = self._new(unit, at_ns)
            recent.append(child)
            self._rivals.begin(child)
            self._watch_siblings(child, place)
        child.flows[side] = flow
        if child not in halves:
            self._contest(child, halves)
        self._number(flow, child)
        if unit.index in self._several:
            self._watched_from[flow] = place

    def move(self, flow: int, before: int) -> None:
        """A flow has begun with which another one goes on at another address."""
        self._number(flow, self._children[self._of_flow[before]])
        self._watched_from[flow] = self._watched_from[before]

    def _number(self, flow: int, child: ChildTrack) -> None:
        if flow >= len(self._of_flow):
            room = len(self._of_flow)
            extra = max(256, room, flow + 1 - room)
            self._of_flow = np.concatenate([self._of_flow, np.full(extra, -1, np.int64)])
            self._watched_from = np.concatenate(
                [self._watched_from, np.full(extra, _UNWATCHED, np.int64)]
            )
        self._of_flow[flow] = child.index

    def _new(self, unit: UnitTrack, at_ns: int) -> ChildTrack:
        self._children.append(ChildTrack(len(self._children), unit, at_ns))
        return self._children[-1]

    def _contest(self, child: ChildTrack, halves: list[ChildTrack]) -> None:
        """Watch a half beside each one that it may belong to."""
        for half in halves:
            child.contested = half.contested = True
            if len(halves) <= _MOST_RIVALS:
                pair = self._new(child.unit, child.began_ns)
                pair.contested = True
                pair.flows = [
                    one if other is None else other
                    for one, other in zip(child.flows, half.flows, strict=True)
                ]
                self._rivals.add(pair)

    def _watch_siblings(self, child: ChildTrack, place: int) -> None:
        """From the second Child SA of a unit on, all of them are watched one by one."""
        unit = child.unit.index
        first = self._first.setdefault(unit, child)
        if first is child or unit in self._several:
            return
        self._several.add(unit)
        self._watched_from[self._of_flow == first.index] = place

    def run(self, rows: SilenceRows, flow: Int64Array) -> None:
        """Take a batch of ESP rows, in the order of arrival, with their flows."""
        chosen = np.flatnonzero(rows.place >= self._watched_from[flow])
        # In the batches that follow every row comes after the place the watch began at.
        self._watched_from[self._watched_from < _UNWATCHED] = 0
        if not len(chosen):
            return
        key = self._of_flow[flow[chosen]]
        if self._rivals:
            again, rival = self._rivals.rows(flow, chosen)
            chosen, key = np.concatenate([chosen, again]), np.concatenate([key, rival])
        order = np.lexsort((chosen, key))
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
        self.found += self._rivals.agreed(
            LoneSilence(self._children[c.key], c.role, c.silence, c.at_ns)
            for c in closings
            if _stands_out(c.silence, c.at_ns, c.waits)
        )

    def silent_now(self) -> list[LoneSilence]:
        """Child SAs that are silent after all rows so far."""
        return [
            *self._rivals.agreed(
                LoneSilence(self._children[key], role, silence, None)
                for key, role in self._clock.open(ALONE_NS)
                for silence in [self._clock.now(key, role)]
                if _stands_out(silence, silence.last_out_ns, self._clock.waits(key, role))
            )
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
