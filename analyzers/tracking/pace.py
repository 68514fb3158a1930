"""The pace of a flow: which silences are its own, and not losses.

Waits for an answer are counted by the clocks of silence. Black holes are taken out of the counts,
for they say nothing of the pace; but what looks like one again and again is how the flow goes.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from msgspec import Struct, field

from analyzers.tracking.holes import HoleTrack
from analyzers.tracking.silence import NEVER, NO_WAITS, Closing, SilenceClock
from analyzers.wire.frames import Int64Array

# This many silences in a row with hardly an answer between them are the pace of a slow flow.
_SLOW_FLOW_SILENCES: Final = 3
_SLOW_FLOW_ANSWERS: Final = 3
# So many silences of about a length are the pauses of a flow that comes in bursts (speech, a file
# now and then), if liveness is answered all the while; else it takes more to tell.
_PAUSES: Final = 3
_PAUSES_UNPROVEN: Final = 5
_ALIKE: Final = 3
_MOST_KEPT: Final = 32


class _Habit(Struct):
    """Silences of one unit and role that no lost question supports."""

    slow: list[HoleTrack] = field(default_factory=list)
    """In close succession: perhaps the flow is just slow."""
    slow_waits: int = 0
    pauses_ns: list[int] = field(default_factory=list)
    """Their lengths."""
    held: list[HoleTrack] = field(default_factory=list)
    """Those that count as black holes so far."""


class Pace:
    """What is normal for every unit and role."""

    def __init__(self, esp_clock: SilenceClock) -> None:
        self._esp = esp_clock
        self._habits: dict[tuple[int, int], _Habit] = {}
        self._forgot_at = (NEVER, NEVER, NEVER)
        self._forgotten: dict[tuple[int, int], Int64Array] = {}

    def begin_batch(self) -> None:
        """The clocks have counted the waits of a new batch."""
        self._forgotten.clear()
        self._forgot_at = (NEVER, NEVER, NEVER)

    def waits(self, closing: Closing) -> Int64Array:
        """Earlier waits, without those that this batch showed to be black holes."""
        forgotten = self._forgotten.get((closing.key, closing.role))
        return closing.waits if forgotten is None else np.maximum(closing.waits - forgotten, 0)

    def forget(self, closing: Closing) -> None:
        """Take the wait of a black hole out of the flow's pace, once."""
        if self._forgot_at == (closing.key, closing.role, closing.place):
            return
        self._forgot_at = (closing.key, closing.role, closing.place)
        wait_ns = closing.at_ns - closing.silence.first_out_ns
        bucket = self._esp.forget_wait(closing.key, closing.role, wait_ns)
        forgotten = self._forgotten.setdefault((closing.key, closing.role), NO_WAITS.copy())
        forgotten[bucket] += 1

    def is_usual(self, unit: int, role: int, lasted_ns: int, *, proven: bool) -> bool:
        """Whether the flow has paused for about so long before, often enough."""
        habit = self._habits.get((unit, role))
        if habit is None:
            return False
        alike = sum(_ALIKE * pause >= lasted_ns for pause in habit.pauses_ns)
        return alike >= (_PAUSES if proven else _PAUSES_UNPROVEN) - 1

    def learn(
        self, hole: HoleTrack, closing: Closing, waits: Int64Array, *, proven: bool
    ) -> list[HoleTrack]:
        """A silence ended that looks like a black hole. Returns those that are the flow's pace.

        `proven`: liveness was answered, so that the peer is known to live.
        """
        habit = self._habits.setdefault((closing.key, closing.role), _Habit())
        if hole.run is not None:
            habit.slow.clear()
            return []
        answers = int(waits.sum())
        if answers - habit.slow_waits >= _SLOW_FLOW_ANSWERS:
            habit.slow.clear()
        habit.slow.append(hole)
        habit.slow_waits = answers
        lasted_ns = _lasted_ns(hole)
        paused = self.is_usual(closing.key, closing.role, lasted_ns, proven=proven)
        habit.pauses_ns = [*habit.pauses_ns, lasted_ns][-_MOST_KEPT:]
        habit.held = [*habit.held, hole][-_MOST_KEPT:]
        usual: list[HoleTrack] = []
        if paused:
            usual = [h for h in habit.held if _lasted_ns(h) <= _ALIKE * lasted_ns]
        elif len(habit.slow) >= _SLOW_FLOW_SILENCES:
            usual = list(habit.slow)
        if not usual:
            return []
        habit.slow.clear()
        habit.held = [h for h in habit.held if not any(h is u for u in usual)]
        forgotten = self._forgotten.setdefault((closing.key, closing.role), NO_WAITS.copy())
        for each in usual:
            bucket = self._esp.remember_wait(closing.key, closing.role, _lasted_ns(each))
            forgotten[bucket] -= 1
        return usual


def _lasted_ns(hole: HoleTrack) -> int:
    return hole.stop_ns - hole.silence.first_out_ns
