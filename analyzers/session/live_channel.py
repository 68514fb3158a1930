"""A source of a live session, with what decodes it and how it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct, field

from analyzers.decode.captures import CaptureBatch
from analyzers.decode.live_captures import LiveCapture
from analyzers.session.live_health import Rate, SourceHealth
from analyzers.sources.feed import LiveSource, Loss, Piece, Restart, SourceState, Status
from analyzers.wire.watched import LEAST_GAP_NS, Span

_BROKEN: Final = (SourceState.WAITING, SourceState.MISSING, SourceState.DOWN)
# The first packets of what was read at once tell when it began.
_FEW: Final = 64


class Channel(Struct):
    """One source, and how far it has been taken."""

    source: LiveSource
    number: int = -1
    capture: LiveCapture | None = None
    logs: dict[str, int] = field(default_factory=dict)
    """Number of the log of each sender; "" where there is but one."""
    rate: Rate = field(default_factory=Rate)
    seen_ns: int | None = None
    """Until when it watched for sure, in event time."""
    clock_ns: int | None = None
    """What time it was then; what a pipe holds back may be from before."""
    broken_ns: int | None = None
    """From when on it watches no more."""
    records: int = 0
    over: bool = False
    dropped: int = 0
    """What was noted of its drops."""
    lost: dict[tuple[str, str], int] = field(default_factory=dict)
    """What was noted of its losses: how many for each reason and sender."""

    @property
    def is_drained(self) -> bool:
        """Whether the source has ended and everything of it was taken."""
        ended = self.source.feed.status.state in (SourceState.ENDED, SourceState.FAILED)
        return ended and self.source.feed.empty

    @property
    def gone_ns(self) -> int | None:
        """Since when it shows nothing, in event time; None while it does, or before it did."""
        since_ns = self.seen_ns if self.over else self.broken_ns
        if since_ns is None or self.capture is None:
            return since_ns
        # Its last packets may be taken with its end.
        return max(since_ns, self.capture.info.last_ns or 0)

    def look(self, now_ns: int) -> None:
        """Whether a log can be read; what was written while it could not be comes later."""
        state = self.source.feed.status.state
        if state is SourceState.OPEN:
            self.seen_ns, self.broken_ns = now_ns, None
        elif state in _BROKEN:
            self.broken_ns = self.seen_ns

    def interruption(
        self,
        status: Status,
        pieces: Sequence[Piece],
        batches: Sequence[CaptureBatch],
        event_ns: int,
    ) -> Span | None:
        """From when to when a capture did not watch, once it does so again.

        What broke off and is there again by now shows itself by what is in its queue.
        """
        anew = any(isinstance(piece, Restart) for piece in pieces)
        broken = anew or status.state in _BROKEN
        if broken and self.broken_ns is None:
            self.broken_ns = self.seen_ns
        if self.broken_ns is None or status.state is not SourceState.OPEN:
            return None
        start_ns, self.broken_ns = self.broken_ns, None
        times = [key for batch in batches for key in batch.event_key]
        times += [int(at_ns) for batch in batches for at_ns in batch.esp.at_ns[:_FEW]]
        # What came before it broke off may only be taken now.
        again = (at_ns for at_ns in times if at_ns - start_ns >= LEAST_GAP_NS)
        return gap_between(start_ns, min([event_ns, *again]))

    def new_losses(self) -> list[Loss]:
        """What was lost since this was asked last; of a sender who is new, once it has a log."""
        found = []
        for loss in self.source.feed.status.losses:
            if loss.sender and loss.sender not in self.logs and not self.source.feed.empty:
                continue
            more = loss.times - self.lost.get((loss.why, loss.sender), 0)
            if more > 0:
                self.lost[loss.why, loss.sender] = loss.times
                found.append(Loss(loss.why, more, loss.sender))
        return found

    def health(self, now_ns: int) -> SourceHealth:
        """How the source is."""
        status, last_ns = self.source.feed.status, self.rate.last_ns
        return SourceHealth(
            name=self.source.name,
            kind=self.source.kind,
            state=status.state,
            detail=status.detail,
            records=self.records,
            per_second=self.rate.per_second(now_ns),
            dropped=status.dropped,
            losses=status.losses,
            restarts=status.restarts,
            silent_ns=None if last_ns is None else now_ns - last_ns,
        )


def gap_between(start_ns: int, end_ns: int) -> Span | None:
    """A time in which nobody watched, as captures tell it: in microseconds; None for a glimpse."""
    start_ns, end_ns = start_ns // 1000 * 1000, end_ns // 1000 * 1000
    return (start_ns, end_ns) if end_ns - start_ns >= LEAST_GAP_NS else None
