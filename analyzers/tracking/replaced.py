"""Data planes that were dead while IKE answered, until another SA took over.

No ESP ends such a silence on its own SA: what it was against the pace of the flow is known in the
end only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from msgspec.structs import replace

from analyzers.tracking.holes import HoleTrack
from analyzers.tracking.judgement import Window, stands_out
from analyzers.tracking.silence import SilenceClock
from analyzers.tracking.tracks import PeerTrack

_RECENT: Final = 16


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
