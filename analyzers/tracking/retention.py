"""How much of the past a session that goes on keeps: the last events of every peer.

What was counted stays counted, and black holes stay; of exchanges, messages and Deletes the oldest
go. Peers share a budget, so memory is bounded by it and by the number of peers.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, TypeVar

from analyzers.tracking.engine import Tracker
from analyzers.tracking.tracks import PeerTrack, SaTrack

MOST_EVENTS: Final = 50_000
"""Of each kind, of all peers together."""
_LEAST: Final = 50
# A question and its answer are two messages.
_LEAST_MESSAGES: Final = 2 * _LEAST
# What looking at a peer again costs grows with what is kept of it: of twenty that are asked all
# the time, this is a tenth of a second.
_MOST_OF_ONE: Final = 200
# Trimmed once it is so much over: moving a list for every event would cost more.
_SLACK: Final = 1.1
_MOST_SEEN_IDS: Final = 128
# A sender has as many requests under way as its window has room for, mostly one.
_MOST_REQUESTS: Final = 16


_T = TypeVar("_T")


class Retention:
    """Trims a tracker; to be asked now and then."""

    def __init__(self, tracker: Tracker, most_events: int = MOST_EVENTS) -> None:
        self._tracker = tracker
        self._most = most_events
        self.forgotten = 0
        """Events that are kept no more, of all peers."""

    def trim(self, pinned: Collection[int] = ()) -> None:
        """Let go of what is too old; `pinned` are indices of peers that keep everything."""
        peers = self._tracker.table.peers
        share = min(_MOST_OF_ONE, self._most // max(1, len(peers)))
        for peer in peers:
            if peer.index not in pinned:
                count = _trimmed(peer, share)
                peer.forgotten += count
                self.forgotten += count


def _trimmed(peer: PeerTrack, share: int) -> int:
    most = max(_LEAST, share)
    count = _shortened(peer.messages, max(_LEAST_MESSAGES, share))
    count += _shortened(peer.exchanges, most)
    count += _shortened(peer.deletes, most) + _shortened(peer.lost_deletes, most)
    _shortened(peer.sent_again, most)
    if peer.sas:
        _forget_ids(peer.sas[-1])
        _forget_requests(peer.sas[-1])
    return count


def _shortened(events: list[_T], most: int) -> int:
    """Let go of the oldest once there are a good deal too many; how many went."""
    count = len(events) - most
    if len(events) <= _SLACK * most:
        return 0
    del events[:count]
    return count


def _forget_requests(sa: SaTrack) -> None:
    """Requests that were answered long ago: nobody repeats those either."""
    requests = sa.requests
    if len(requests) > _SLACK * _MOST_REQUESTS:
        for key in list(requests)[: len(requests) - _MOST_REQUESTS]:
            if requests[key].answered:
                del requests[key]


def _forget_ids(sa: SaTrack) -> None:
    """Message IDs of long ago: nobody repeats those."""
    seen = sa.seen_ids
    if len(seen) > _SLACK * _MOST_SEEN_IDS:
        for key in list(seen)[: len(seen) - _MOST_SEEN_IDS]:
            del seen[key]
