"""A source of a live session, with what decodes it and how it is."""

from __future__ import annotations

from msgspec import Struct, field

from analyzers.decode.live_captures import LiveCapture
from analyzers.session.live_health import Rate, SourceHealth
from analyzers.sources.feed import LiveSource, SourceState


class Channel(Struct):
    """One source, and how far it has been taken."""

    source: LiveSource
    number: int = -1
    capture: LiveCapture | None = None
    logs: dict[str, int] = field(default_factory=dict)
    """Number of the log of each sender; "" where there is but one."""
    rate: Rate = field(default_factory=Rate)
    seen_ns: int | None = None
    """Until when a capture watched, in event time."""
    records: int = 0
    over: bool = False
    dropped: int = 0
    """What was noted of its drops."""

    @property
    def is_drained(self) -> bool:
        """Whether the source has ended and everything of it was taken."""
        ended = self.source.feed.status.state in (SourceState.ENDED, SourceState.FAILED)
        return ended and self.source.feed.empty

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
            restarts=status.restarts,
            silent_ns=None if last_ns is None else now_ns - last_ns,
        )
