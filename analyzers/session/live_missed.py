"""What a capture missed: noted of its source, and in the file that is kept of it."""

from __future__ import annotations

from analyzers.model.records import Problem, ProblemKind
from analyzers.session.live_channel import Channel, gap_between
from analyzers.session.live_store import CaptureStore
from analyzers.wire.pcapng import DROPPED
from analyzers.wire.watched import Span


def note_gap(channel: Channel, store: CaptureStore | None, gap: Span) -> None:
    """Nobody watched for a time; before its first packet a capture shows nothing anyway."""
    if channel.capture is None or not channel.records:
        return
    channel.capture.info.note_gap(*gap)
    if store is not None:
        store.note_gap(channel.number, *gap)


def note_gone(channel: Channel, store: CaptureStore | None, now_ns: int) -> None:
    """Nobody watched from the end of a capture on until that of the session."""
    if channel.capture is None or channel.gone_ns is None:
        return
    gap = gap_between(channel.gone_ns, channel.capture.event_ns(now_ns))
    if gap is not None:
        note_gap(channel, store, gap)
        channel.capture.info.until_ns = gap[1]


def note_drops(channel: Channel, store: CaptureStore | None, dropped: int) -> None:
    """So many packets were lost so far."""
    if channel.capture is None or dropped <= channel.dropped:
        return
    more, channel.dropped = dropped - channel.dropped, dropped
    channel.capture.info.note(Problem(ProblemKind.PACKETS_DROPPED, DROPPED, None, more))
    if store is not None:
        store.count_drops(channel.number, dropped)
