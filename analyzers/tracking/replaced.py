"""Data planes that were dead while IKE answered, until another SA took over.

No ESP ends such a silence on its own SA: what it was against the pace of the flow is known in the
end only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from msgspec.structs import replace

from analyzers.model.black_hole import BlackHoleClass
from analyzers.tracking.holes import HoleTrack
from analyzers.tracking.judgement import Window, stands_out
from analyzers.tracking.silence import SilenceClock
from analyzers.tracking.tracks import PeerTrack

_RECENT: Final = 16


def told_once(holes: Iterable[HoleTrack]) -> list[HoleTrack]:
    """A dead data plane that ended with its SA is open no more, though IKE goes on there.

    Where ESP went on as well, it did not end.
    """
    found: dict[tuple[int, int, int], HoleTrack] = {}
    others = []
    for hole in holes:
        if hole.hole_class is not BlackHoleClass.DATA_PLANE or hole.flows:
            others.append(hole)
            continue
        known = found.setdefault((hole.unit.index, hole.role, hole.silence.first_out_ns), hole)
        if hole.silence.packets > known.silence.packets:
            found[hole.unit.index, hole.role, hole.silence.first_out_ns] = hole
    return [*others, *found.values()]


class ReplacedPlanes:
    """Keeps their black holes."""

    def __init__(self, esp_clock: SilenceClock) -> None:
        self._esp = esp_clock
        self._held: list[tuple[HoleTrack, Window]] = []

    def add(self, hole: HoleTrack, window: Window) -> None:
        """What looks like one when its SA is replaced."""
        self._held.append((hole, window))

    def came(self, peer: PeerTrack, role: int, at_ns: int) -> None:
        """A flow came in: what this role sends on the new SA arrives, as far as that tells."""
        for hole, _ in self._held[-_RECENT:]:
            if hole.unit.peer is peer and hole.role == role and hole.recovered_ns is None:
                hole.recovered_ns = at_ns

    def holes(self, is_usual: Callable[[HoleTrack], bool]) -> Iterator[HoleTrack]:
        """Those that stand out of the pace of their flows."""
        for hole, window in self._held:
            waits = self._esp.waits(hole.unit.index, hole.role)
            if stands_out(replace(window, waits=waits)) and not is_usual(hole):
                yield hole
