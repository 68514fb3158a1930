"""A source of a live session that a test feeds by hand."""

from __future__ import annotations

from analyzers.sources.feed import Feed, SourceState


class GivenSource:
    """Open from its start on; what comes is put into `feed`."""

    def __init__(self, kind: str = "capture", name: str = "eth0", *, remote: bool = False) -> None:
        self.kind = kind
        self.name = name
        self.remote = remote
        self.feed = Feed()

    def start(self) -> None:
        """It is open at once."""
        self.feed.tell(SourceState.OPEN)

    def stop(self) -> None:
        """Nothing comes any more."""
        self.feed.stopping.set()

    def close(self, timeout_s: float) -> None:
        """There is nothing to wait for."""
