"""Times in which the capture has nothing of a side that answered all the same.

A mirror port loses a direction, or an answer takes another path. With a window of 1 a new request
proves the answer to the one before (RFC 7296 section 2.3), so a side can be known to answer of
which nothing is captured: then its silence says nothing (dpd-semantics 5.6).
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from analyzers.model.records import Ref
from analyzers.tracking.silence import NEVER
from analyzers.tracking.tracks import UnitTrack

# A frame that the capture dropped is no lost direction: from so many answers on it is one.
_SEVERAL: Final = 2
# Stretches of a unit and role that are kept: a capture that drops frames now and then has many.
_MOST_KEPT: Final = 16


class Stretch(Struct):
    """A time without anything from the side that `role` of the unit asks."""

    unit: UnitTrack
    role: int
    since_ns: int
    """Last heard; NEVER if it was not heard before."""
    proven_ns: int
    """Until here its answers are proven."""
    ref: Ref
    """The request that proves the first of them."""
    answers: int = 1
    until_ns: int | None = None
    """Heard again; None: not in this input."""
    hides: bool = False
    """Traffic went out meanwhile: its silence would look like a loss."""

    @property
    def matters(self) -> bool:
        """Whether it is more than a frame that the capture dropped."""
        return self.hides or self.answers >= _SEVERAL


class Deafness:
    """Finds the stretches; fed in the order of arrival."""

    def __init__(self) -> None:
        self._heard_ns: dict[tuple[int, int], int] = {}
        self._found: dict[tuple[int, int], list[Stretch]] = {}

    def heard(self, unit: int, role: int, at_ns: int) -> None:
        """A message or ESP packet of the other side was captured."""
        key = (unit, role)
        self._heard_ns[key] = at_ns
        found = self._found.get(key)
        if found and found[-1].until_ns is None:
            found[-1].until_ns = at_ns

    def implied(
        self, unit: UnitTrack, role: int, asked_ns: int, at_ns: int, ref: Ref, esp_ns: int
    ) -> Stretch | None:
        """A request at `at_ns` proves the answer to the one of `asked_ns`, which is not captured.

        `esp_ns` is the last ESP packet that came in. None if anything came in since it was asked.
        """
        self._note_esp(unit.index, role, esp_ns)
        heard_ns = self._heard_ns.get((unit.index, role), NEVER)
        if heard_ns >= asked_ns:
            return None
        found = self._found.setdefault((unit.index, role), [])
        if found and found[-1].until_ns is None:
            found[-1].proven_ns = at_ns
            found[-1].answers += 1
            return found[-1]
        if len(found) >= _MOST_KEPT:
            trifles = [n for n, stretch in enumerate(found) if not stretch.matters]
            del found[trifles[0] if trifles else 0]
        found.append(Stretch(unit, role, heard_ns, at_ns, ref))
        return found[-1]

    def is_deaf(self, unit: int, role: int, esp_ns: int) -> bool:
        """Whether nothing was heard since the capture is known to have lost the other side."""
        found = self._found.get((unit, role))
        if not found or found[-1].until_ns is not None:
            return False
        return esp_ns <= found[-1].proven_ns

    def explains(self, unit: int, role: int, start_ns: int, end_ns: int) -> bool:
        """Whether most of a silence falls into stretches in which the capture is deaf."""
        deaf_ns = sum(
            max(
                0,
                min(end_ns if s.until_ns is None else s.until_ns, end_ns)
                - max(s.since_ns, start_ns),
            )
            for s in self._found.get((unit, role), ())
        )
        return 2 * deaf_ns > end_ns - start_ns

    def of(self, units: list[UnitTrack]) -> list[Stretch]:
        """The stretches of some units that matter, in time order."""
        found = [
            stretch
            for unit in units
            for role in (0, 1)
            for stretch in self._found.get((unit.index, role), ())
            if stretch.matters
        ]
        return sorted(found, key=lambda stretch: stretch.since_ns)

    def _note_esp(self, unit: int, role: int, esp_ns: int) -> None:
        if esp_ns > self._heard_ns.get((unit, role), NEVER):
            self.heard(unit, role, esp_ns)
