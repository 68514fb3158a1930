"""The clock of a recorder that was set back: its times are told as if it had run on."""

from __future__ import annotations

from typing import Final

import numpy as np

from analyzers.model.records import ClockAhead, Leap, ProblemKind
from analyzers.model.time import NS_PER_SECOND, seconds
from analyzers.wire.frames import FrameBlock, Int64Array
from analyzers.wire.framing import ProblemFold

# Frames of several queues and interfaces change places by less.
_LEAST_STEP_NS: Final = 2 * NS_PER_SECOND
# Stamps that go ahead by as much as they went back, and by no more than this part of it beyond, are
# those of the clock from before.
_RETURN_SHARE: Final = 8
# A clock that is set more often is none that can be put right.
_MOST_STEPS: Final = 16


class SetClock:
    """Tells the times of one capture: after a step back they go on from the latest before it.

    What passed between the two frames nobody knows: it is told as what passes between others on
    average. Several interfaces may have several clocks, and stamps that go back and forth come from
    several, or one of them is damaged: from there on they are told as they are.
    """

    def __init__(self, problems: ProblemFold, ahead: ClockAhead | None = None) -> None:
        """`ahead`: where it is known to have been set ahead."""
        self._problems = problems
        self._ahead = ahead
        self._stamp_ns: int | None = None
        """Of the frame before."""
        self._latest_ns: int | None = None
        """The latest time that was told."""
        self._first_ns = 0
        self._frames = 0
        self._leap = Leap(0, 0, 0)
        """The stamps before and after the largest leap ahead."""
        self._interface: int | None = None
        """Of the first frame."""
        self._steps = 0
        self._steady = False
        """No further step is told otherwise than the stamps have it."""
        self.ahead_ns = 0
        """How far the stamps are known to be ahead by now."""
        self.offset_ns = 0
        """How far the times that are told are ahead of the stamps by now."""

    @property
    def leap(self) -> Leap | None:
        """The largest leap ahead; None where stamps also went back, or come from several clocks."""
        return None if self._steady or self._steps else self._leap

    def put_right(self, frames: FrameBlock) -> None:
        """Replace the stamps of the next frames, at least one, by the times to tell."""
        if self._ahead is not None:
            self._take_back(frames, self._ahead)
        stamps = frames.at_ns
        end = 0 if self._steady else self._of_one_interface(frames)
        place = done = 0
        told = stamps + self.offset_ns if self.offset_ns else stamps
        while not self._steady and done < end:
            place = self._next_turn(stamps[done:end], told[done:end])
            first = frames.first_record + done
            self._pass(stamps[done : done + place], told[done : done + place], first)
            done += place
            if done == end:
                break
            first = frames.first_record + done
            self._turn(int(stamps[done]), first)
            told = np.concatenate((told[:done], stamps[done:] + self.offset_ns))
            self._pass(stamps[done : done + 1], told[done : done + 1], first)
            done += 1
        if end < len(stamps):
            self._steady = True
        frames.at_ns = told

    def _take_back(self, frames: FrameBlock, ahead: ClockAhead) -> None:
        """Tell the frames after the step ahead by the clock from before."""
        place = max(0, ahead.record - frames.first_record)
        if place >= len(frames):
            return
        if not self.ahead_ns:
            self.ahead_ns = ahead.by_ns
            self._problems.add(
                ProblemKind.CLOCK_SET,
                f"the clock of the capture was set ahead by about {seconds(ahead.by_ns):,.1f} s:"
                " ESP goes on without a missing number, and questions as regular as before; from"
                " here on times are told as if it had not been",
                ahead.record,
            )
        later = np.arange(len(frames)) >= place
        frames.at_ns = frames.at_ns - later * np.int64(ahead.by_ns)

    def _of_one_interface(self, frames: FrameBlock) -> int:
        """How many frames come before the first of another interface."""
        numbers = frames.interfaces
        if self._interface is None:
            self._interface = 0 if numbers is None else int(numbers[0])
        if numbers is None:
            return len(frames) if self._interface == 0 else 0
        others = numbers != self._interface
        return int(np.argmax(others)) if others.any() else len(frames)

    def _next_turn(self, stamps: Int64Array, told: Int64Array) -> int:
        """The place of the first frame before which the clock was set; the length if there is none.

        Setting it ahead shows only as the return from an earlier step.
        """
        latest = np.maximum.accumulate(told)
        if self._latest_ns is not None:
            np.maximum(latest, self._latest_ns, out=latest)
        turns = told < latest - _LEAST_STEP_NS
        if self.offset_ns:
            before = stamps[0] if self._stamp_ns is None else self._stamp_ns
            ahead = np.diff(stamps, prepend=before) - self.offset_ns
            turns |= (ahead >= 0) & (ahead <= self.offset_ns // _RETURN_SHARE)
        return int(np.argmax(turns)) if turns.any() else len(stamps)

    def _pass(self, stamps: Int64Array, told: Int64Array, first_record: int) -> None:
        """These frames come from a clock that runs on."""
        if not len(stamps):
            return
        if not self._frames:
            self._first_ns = int(told[0])
        self._frames += len(stamps)
        before = int(stamps[0]) if self._stamp_ns is None else self._stamp_ns
        leap, reached = self._leap, int(stamps.max())
        if reached - min(before, int(stamps.min())) > leap.end_ns - leap.start_ns:
            leaps = np.diff(stamps, prepend=before)
            place = int(np.argmax(leaps))
            if int(leaps[place]) > leap.end_ns - leap.start_ns:
                after = int(stamps[place])
                self._leap = Leap(first_record + place, after - int(leaps[place]), after)
        self._stamp_ns = int(stamps[-1])
        latest = int(told.max())
        self._latest_ns = latest if self._latest_ns is None else max(self._latest_ns, latest)

    def _turn(self, stamp_ns: int, record: int) -> None:
        """The clock was set before this frame."""
        latest_ns = self._latest_ns or 0
        usual_ns = (latest_ns - self._first_ns) // max(1, self._frames - 1)
        back_ns = latest_ns + usual_ns - stamp_ns - self.offset_ns
        if latest_ns - stamp_ns - self.offset_ns <= _LEAST_STEP_NS:
            self._problems.add(
                ProblemKind.CLOCK_SET,
                "the stamps are those of the clock from before again, and told as they are",
                record,
            )
            self.offset_ns = 0
            self._steady = True
            return
        if self._leap.start_ns <= stamp_ns < self._leap.end_ns or self._steps == _MOST_STEPS:
            self._steady = True
            return
        self._steps += 1
        self.offset_ns += back_ns
        self._problems.add(
            ProblemKind.TIME_BACKWARDS,
            f"the clock of the capture was set back by about {seconds(back_ns):,.1f} s; from here"
            " on times are told as if it had not been",
            record,
        )
