"""Encrypted messages that may be questions in vain, told as soon as an answer is missing."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final

from analyzers.model.observations import IkeMessage
from analyzers.model.peer import PeerView
from analyzers.model.records import Ref
from analyzers.model.time import NS_PER_SECOND
from analyzers.tracking.unread import unread_asks

# An answer is missing after so long (dpd-semantics 5.2, t_q), and then told within this.
_MISSING_NS: Final = NS_PER_SECOND
_NEW_NS: Final = 5 * NS_PER_SECOND
_MOST_TOLD: Final = 1000
_RECENT_MESSAGES: Final = 64


class UnreadNews:
    """Gives each of them once."""

    def __init__(self) -> None:
        self._told: deque[Ref] = deque(maxlen=_MOST_TOLD)

    def take(self, peers: Sequence[PeerView], now_ns: int) -> Iterator[IkeMessage]:
        """Those that are new, and after which nothing came from who might have answered."""
        for peer in peers:
            if not peer.messages or peer.messages[-1].at_ns < now_ns - _NEW_NS:
                continue
            for asked in unread_asks(peer.messages, peer.exchanges, peer.deletes, now_ns - _NEW_NS):
                missing = now_ns - asked.at_ns >= _MISSING_NS
                if missing and asked.ref not in self._told and not _heard_since(peer, asked):
                    self._told.append(asked.ref)
                    yield asked


def _heard_since(peer: PeerView, asked: IkeMessage) -> bool:
    """Whether anything came from the other side after it."""
    if any(flow.sender == asked.dst and flow.last_ns > asked.at_ns for flow in peer.esp_flows):
        return True
    return any(
        m.src == asked.dst and m.at_ns > asked.at_ns for m in peer.messages[-_RECENT_MESSAGES:]
    )
