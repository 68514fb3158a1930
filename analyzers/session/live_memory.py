"""When a session that goes on lets go of what is old: once somebody has looked at it."""

from __future__ import annotations

from typing import Final

from analyzers.model.time import NS_PER_SECOND
from analyzers.tracking.engine import Tracker
from analyzers.tracking.retention import Retention

_TRIM_EVERY_NS: Final = NS_PER_SECOND
# A backlog that is worked off knows no time, and nobody may look at all.
_CROWDED: Final = 10_000
_MOST_UNSEEN: Final = 50_000


class Memory:
    """What is kept of the peers of a tracker."""

    def __init__(self, tracker: Tracker, most_events: int) -> None:
        """`most_events` of each kind stay."""
        self._retention = Retention(tracker, most_events)
        self._pinned: frozenset[int] = frozenset()
        self._due_ns = 0
        self._new = 0
        """Events since the last time."""
        self._seen = False
        """Nothing came since somebody looked."""

    @property
    def forgotten(self) -> int:
        """Events that are kept no more: the oldest of peers that have many."""
        return self._retention.forgotten

    @property
    def is_crowded(self) -> bool:
        """Whether so much came that it is time to look."""
        return self._new >= _CROWDED

    def pin(self, peer: int, *, wanted: bool) -> None:
        """Keep everything of a peer, by its index, while somebody looks at it."""
        self._pinned = self._pinned | {peer} if wanted else self._pinned - {peer}

    def came(self, events: int) -> None:
        """So many events are new."""
        self._new += events
        self._seen = False

    def looked(self) -> None:
        """Somebody has seen everything."""
        self._seen = True

    def trim(self, now_ns: int) -> None:
        """Let go of what is old, if it is time."""
        due = self._seen and (now_ns >= self._due_ns or self.is_crowded)
        if due or self._new >= _MOST_UNSEEN:
            self._due_ns, self._new = now_ns + _TRIM_EVERY_NS, 0
            self._retention.trim(self._pinned)
