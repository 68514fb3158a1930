"""One silence under one policy: what would have been sent into it (dpd-semantics 5.5).

The outbound packets of the silence come in batches, in order of time, and are folded: nothing of
them is kept, so a silence of any length is counted exactly. Any cutting gives the same result.

The observed times are what counts: that other traffic would have been sent if the peer had been
given up sooner or later (transport retransmissions, failover) is not in the result.
"""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from analyzers.model.time import NS_PER_SECOND, nanoseconds, seconds
from analyzers.whatif.timing import Span, Timing

Int64Array = NDArray[np.int64]


class Silence(Struct, frozen=True):
    """A silent period, as far as a policy meets it. Times in ns since the epoch."""

    failed_ns: int
    """When the peer went: the last proof of life is the worst case."""
    stop_ns: int
    """The end of what was observed."""
    ended_by_itself: bool = False
    """It would have ended then under any policy: proof came back, or the peer set up a new SA."""
    answered: bool = False
    """Questions are answered in it (a dead data plane): no policy ever gives the peer up."""
    teardown_ns: int = 0
    """From the verdict until the device stops sending."""
    limit_ns: int | None = None
    """The latest end by something else: lifetime, rekey, the hold time of routing."""


class Loss(Struct, frozen=True):
    """What is lost in a silence. None: it has no end, or nobody knows."""

    seconds: float | None
    packets: int | None
    bytes: int | None


class Left(Struct, frozen=True):
    """What a policy leaves of a silence."""

    worst: Loss
    soonest_seconds: float | None
    """Where the device's own clock asks at the best moment; the worst where it has none."""
    mean_seconds: float | None
    """Over the places that the device's own clock can have; the worst where it has none."""
    mean_packets: float | None
    verdict: Span | None
    """Seconds after the peer had gone; None: it is never given up."""
    at_least: bool
    """The window ends after what was observed: packets and bytes are those seen until then."""


class Replay:
    """Folds the packets of one silence under one policy."""

    def __init__(self, silence: Silence, timing: Timing) -> None:
        self._silence = silence
        self._timing = timing
        self._first_out_ns: int | None = None
        self._due_out_ns: int | None = None
        self._packets = 0
        self._bytes = 0
        self._mean_packets = 0.0

    def feed(self, at_ns: Int64Array, sizes: Int64Array) -> None:
        """Packets sent into the silence, in the order of time; sizes in bytes."""
        start = int(np.searchsorted(at_ns, self._silence.failed_ns, side="right"))
        at_ns, sizes = at_ns[start:], sizes[start:]
        if not len(at_ns):
            return
        if self._first_out_ns is None:
            self._first_out_ns = int(at_ns[0])
        if self._due_out_ns is None:
            due_ns = self._silence.failed_ns + nanoseconds(self._timing.interval_s)
            due = int(np.searchsorted(at_ns, due_ns, side="left"))
            if due < len(at_ns):
                self._due_out_ns = int(at_ns[due])
        last_ns = self._latest_ns()
        lost = len(at_ns)
        if last_ns is not None:
            lost = int(np.searchsorted(at_ns, last_ns, side="right"))
        self._packets += lost
        self._bytes += int(sizes[:lost].sum())
        self._mean_packets += _expected(at_ns[:lost], self._verdict_ns())

    def left(self) -> Left:
        """What is left, once everything was fed."""
        verdict = self._verdict()
        if self._first_out_ns is None:
            return Left(Loss(0.0, 0, 0), 0.0, 0.0, 0.0, verdict, at_least=False)
        out_ns, last_ns = self._first_out_ns, self._latest_ns()
        if last_ns is None:
            unending = Loss(None, self._packets, self._bytes)
            return Left(unending, None, None, None, verdict, at_least=True)
        ended = self._verdict_ns()
        soonest_ns = last_ns if ended is None else min(ended[0], last_ns)
        worst_s = seconds(max(0, last_ns - out_ns))
        return Left(
            worst=Loss(worst_s, self._packets, self._bytes),
            soonest_seconds=seconds(max(0, soonest_ns - out_ns)),
            mean_seconds=_mean_s(out_ns, ended, self._cap_ns()),
            mean_packets=self._mean_packets,
            verdict=verdict,
            at_least=last_ns > self._silence.stop_ns,
        )

    def _verdict(self) -> Span | None:
        """When the peer is given up, seconds after it had gone."""
        silence, timing = self._silence, self._timing
        if silence.answered:
            return None
        first_s, due_s = (
            None if at_ns is None else seconds(at_ns - silence.failed_ns)
            for at_ns in (self._first_out_ns, self._due_out_ns)
        )
        question = timing.first_question(first_s, due_s)
        return None if question is None else question.later(timing.probing_s)

    def _verdict_ns(self) -> tuple[int, int] | None:
        """When the device stops sending because of its verdict: the earliest and the latest."""
        verdict = self._verdict()
        if verdict is None:
            return None
        offset_ns = self._silence.failed_ns + self._silence.teardown_ns
        return offset_ns + nanoseconds(verdict.first_s), offset_ns + nanoseconds(verdict.last_s)

    def _cap_ns(self) -> int | None:
        """The end that comes whatever the policy is."""
        silence = self._silence
        ends = [silence.limit_ns, silence.stop_ns if silence.ended_by_itself else None]
        return min((end_ns for end_ns in ends if end_ns is not None), default=None)

    def _latest_ns(self) -> int | None:
        """The latest end of the loss; None: as far as is known it has none."""
        verdict = self._verdict_ns()
        ends = [self._cap_ns(), None if verdict is None else verdict[1]]
        return min((end_ns for end_ns in ends if end_ns is not None), default=None)


def replayed(silence: Silence, timing: Timing, at_ns: Int64Array, sizes: Int64Array) -> Left:
    """What a policy leaves of a silence whose packets are all at hand."""
    replay = Replay(silence, timing)
    replay.feed(at_ns, sizes)
    return replay.left()


def _expected(at_ns: Int64Array, verdict_ns: tuple[int, int] | None) -> float:
    """How many packets are sent before a verdict that comes anywhere in a span."""
    if verdict_ns is None or verdict_ns[0] == verdict_ns[1]:
        return float(len(at_ns))
    first_ns, last_ns = verdict_ns
    return float(np.clip((last_ns - at_ns) / (last_ns - first_ns), 0.0, 1.0).sum())


def _mean_s(out_ns: int, verdict_ns: tuple[int, int] | None, cap_ns: int | None) -> float:
    """The mean window, s: from the first packet to the verdict or the cap, whichever is first."""
    if verdict_ns is None:
        return 0.0 if cap_ns is None else seconds(max(0, cap_ns - out_ns))
    # Relative to the first packet, where floats are exact enough.
    first, last = (float(at_ns - out_ns) for at_ns in verdict_ns)
    cap = float("inf") if cap_ns is None else float(cap_ns - out_ns)
    if first == last:
        return max(0.0, min(last, cap)) / NS_PER_SECOND
    low, high = max(first, 0.0), min(last, cap)
    if high <= low:
        return max(0.0, min(first, cap) if cap <= first else 0.0) / NS_PER_SECOND
    within = (high + low) / 2 * (high - low)
    at_cap = cap * (last - high) if cap < last else 0.0
    return (within + at_cap) / (last - first) / NS_PER_SECOND
