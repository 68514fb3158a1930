"""Peers whose sources are gone: nothing that was known of them goes on by itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Final, NamedTuple

from msgspec.structs import replace

from analyzers.model.peer import PeerState, PeerView, StateSpan
from analyzers.model.records import Confidence, source_id
from analyzers.session.live_channel import Channel

# Sources of a peer show in the latest of what it is known by.
_RECENT: Final = 16


class Gone(NamedTuple):
    """A source that shows nothing now."""

    since_ns: int
    """In event time."""
    is_capture: bool
    why: str
    """For people; from outside, and untrusted."""


def gone_sources(channels: Iterable[Channel]) -> dict[str, Gone]:
    """The sources that showed something, and do so no more, by id."""
    found: dict[str, Gone] = {}
    for channel in channels:
        since_ns = channel.gone_ns
        if since_ns is None:
            continue
        source, is_capture = channel.source, channel.capture is not None
        detail = source.feed.status.detail or "it has ended"
        gone = Gone(since_ns, is_capture, f"{source.name}: {detail}")
        numbers = [channel.number] if is_capture else channel.logs.values()
        found |= {source_id(number): gone for number in numbers}
    return found


def as_known(
    peer: PeerView, captures: frozenset[str], gone: Mapping[str, Gone], now_ns: int
) -> PeerView:
    """A peer that nobody has watched since its sources are gone; else as it is.

    A capture shows its life; where there is none, logs do. `captures`: the ids of all.
    """
    sources = _sources(peer)
    shown = sources & captures or sources
    if not shown or not shown <= gone.keys():
        return peer
    last = max((gone[source] for source in shown), key=lambda each: each.since_ns)
    heard_ns = peer.last_proof_ns or 0 if last.is_capture else peer.last_ns
    if heard_ns > last.since_ns or _is_told_since(peer, last.since_ns, gone):
        return peer  # a log has heard of it later, be it one whose file has no name any more
    before = tuple(span for span in peer.states if span.start_ns < last.since_ns)
    if not before or before[-1].state is not PeerState.UNKNOWN:
        before = (*before, StateSpan(PeerState.UNKNOWN, last.since_ns))
    return replace(
        peer,
        state=PeerState.UNKNOWN,
        confidence=Confidence.SUSPECT,
        states=before,
        until_ns=max(now_ns, peer.until_ns or 0),
        unwatched=last.why,
    )


def _is_told_since(peer: PeerView, since_ns: int, gone: Mapping[str, Gone]) -> bool:
    """Whether a source that goes on has told of it since: of questions, or of a verdict."""
    refs = [message.ref for message in peer.messages[-_RECENT:] if message.at_ns > since_ns]
    refs += [
        exchange.verdict_ref
        for exchange in peer.exchanges[-_RECENT:]
        if exchange.verdict_ref is not None and (exchange.verdict_ns or 0) > since_ns
    ]
    return any(ref.source not in gone for ref in refs)


def _sources(peer: PeerView) -> frozenset[str]:
    refs = chain(
        (message.ref for message in peer.messages[-_RECENT:]),
        (flow.ref for flow in peer.esp_flows[-_RECENT:]),
        (hint.ref for hint in peer.hints[-_RECENT:]),
    )
    return frozenset(ref.source for ref in refs if ref is not None)
