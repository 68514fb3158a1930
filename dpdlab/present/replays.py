"""The black holes of a peer under policies, one policy at a time, at the pace of a key press.

The packets that were sent into them are read once more, and kept as times and sizes. Until they
are there, the seconds of most policies are known: they follow from the first packet alone.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Final, cast

import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace

from analyzers.errors import AnalyzerError
from analyzers.model.black_hole import BlackHole
from analyzers.model.peer import PeerView
from analyzers.whatif import candidates
from analyzers.whatif.replay import Int64Array
from analyzers.whatif.study import Candidate, Result, Simulation, Study, window_of
from analyzers.whatif.timing import Trigger
from analyzers.whatif.windows import Packets, Window

MOST_PACKETS: Final = 1_000_000
"""Packets of a peer that are kept; black holes beyond have their seconds alone."""
_STUDIES_KEPT: Final = 4096

Sent = tuple[Int64Array, Int64Array]
"""Times in ns since the epoch, and sizes in bytes, of the packets sent into a black hole."""


class Stopped(Exception):
    """Nobody waits for the packets any more."""


class SentPackets(Struct, frozen=True):
    """What was sent into the black holes of a peer."""

    by_hole: Mapping[str, Sent] = field(default_factory=dict)
    why_not: str = ""
    """Why those of some black holes are missing; empty if they are not, or still to come."""
    done: bool = False


def sent_packets(
    peer: PeerView,
    packets_within: Callable[[Sequence[Window], Callable[[object], None]], Iterator[Packets]],
    check: Callable[[], None],
) -> SentPackets:
    """The packets of all black holes of a peer. `check` raises Stopped to end the reading."""
    holes = [hole for hole in peer.black_holes if window_of(peer, hole) is not None]
    windows = [cast(Window, window_of(peer, hole)) for hole in holes]
    parts: list[list[Packets]] = [[] for _ in holes]
    kept, dropped = 0, set[int]()
    try:
        reading = cast("Generator[Packets]", packets_within(windows, lambda _: check()))
        with closing(reading) as found:
            for packets in found:
                place = packets.window
                if place in dropped:
                    continue
                if kept + len(packets.at_ns) > MOST_PACKETS:
                    kept -= sum(len(part.at_ns) for part in parts[place])
                    parts[place] = []
                    dropped.add(place)
                    continue
                kept += len(packets.at_ns)
                parts[place].append(packets)
    except AnalyzerError as error:
        return SentPackets({}, f"the packets cannot be read again: {error.message}", done=True)
    why_not = ""
    if dropped:
        why_not = f"more than {MOST_PACKETS:,} packets: dpdlab simulate counts them"
    return SentPackets(
        {
            hole.id: (
                np.concatenate([np.empty(0, np.int64), *(part.at_ns for part in parts[place])]),
                np.concatenate([np.empty(0, np.int64), *(part.sizes for part in parts[place])]),
            )
            for place, hole in enumerate(holes)
            if place not in dropped
        },
        why_not,
        done=True,
    )


class Replays:
    """Results of policies in the black holes of one peer, made when they are asked for."""

    def __init__(
        self,
        peer: PeerView,
        *,
        budget_s: float,
        product_at: Callable[[PeerView, str], str | None],
        sent: SentPackets | None = None,
    ) -> None:
        """`product_at`: the family of the product at an address of the peer."""
        self.peer = peer
        self.sent = sent or SentPackets()
        self._budget_s = budget_s
        self._product_at = product_at
        self._studies: OrderedDict[tuple[str, object], Study] = OrderedDict()
        self._tried: dict[tuple[str, object], tuple[Candidate, ...]] = {}

    def with_sent(self, sent: SentPackets) -> Replays:
        """The same, with packets."""
        return Replays(self.peer, budget_s=self._budget_s, product_at=self._product_at, sent=sent)

    def own(self, hole: BlackHole) -> Candidate:
        """What the sender of a black hole does itself."""
        return candidates.own(self.peer, hole)

    def usual(
        self, hole: BlackHole, target_s: float | None, hold_s: float | None
    ) -> tuple[Candidate, ...]:
        """Its own policy, those of common products, and the recommended one."""
        key = (hole.id, (target_s, hold_s))
        found = self._tried.get(key)
        if found is None:
            if len(self._tried) > _STUDIES_KEPT:
                self._tried.clear()
            own = self.own(hole)
            version = candidates.version_at(self.peer, hole.stop_ns)
            product = self._product_at(self.peer, hole.sender)
            profile = candidates.advised_profile(own, product, version)
            advised = candidates.recommended(
                hole,
                profile,
                version,
                target_s=target_s,
                budget_s=self._budget_s,
                hold_s=hold_s,
                in_force=own,
            )
            found = self._tried[key] = (own, *candidates.common(version), advised)
        return found

    def study(self, hole: BlackHole, candidate: Candidate, hold_s: float | None) -> Study:
        """One black hole under one policy; without its packets only `seconds_known` are right."""
        key = (hole.id, (candidate.policy, candidate.own, hold_s))
        found = self._studies.get(key)
        if found is None:
            simulation = Simulation([(self.peer, hole, [candidate])], hold_s)
            if simulation.windows:
                at_ns, sizes = self.sent.by_hole.get(hole.id) or _first_of(hole)
                simulation.feed(Packets(0, at_ns, sizes))
            found = self._studies[key] = simulation.studies()[0]
            if len(self._studies) > _STUDIES_KEPT:
                self._studies.popitem(last=False)
        # One policy can stand under several names.
        results = tuple(replace(result, candidate=candidate) for result in found.results)
        return replace(found, results=results)

    def result(self, hole: BlackHole, candidate: Candidate, hold_s: float | None) -> Result | None:
        """The result of a policy; None where no policy changes anything."""
        results = self.study(hole, candidate, hold_s).results
        return results[0] if results else None

    def packets_known(self, hole: BlackHole) -> bool:
        """Whether packets and bytes are those of the capture."""
        return hole.id in self.sent.by_hole or window_of(self.peer, hole) is None

    def seconds_known(self, hole: BlackHole, candidate: Candidate) -> bool:
        """Whether the seconds are right: what asks on demand depends on every packet."""
        timing = candidate.timing
        on_demand = timing is not None and timing.trigger is Trigger.ON_DEMAND
        return not on_demand or self.packets_known(hole)


def _first_of(hole: BlackHole) -> Sent:
    """The first packet of a black hole, which is known without reading again."""
    first_ns = hole.stop_ns if hole.first_exposed_ns is None else hole.first_exposed_ns
    return np.array([first_ns], np.int64), np.zeros(1, np.int64)
