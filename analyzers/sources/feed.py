"""What a live source has read and nobody has taken yet: a bounded queue between two threads.

One thread a source puts, whoever drives the session takes, without ever waiting. A full queue
makes the reading thread wait: what is lost then is lost where it is counted, in the kernel.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import StrEnum
from threading import Condition, Event, Thread
from typing import Final, Protocol

from msgspec import Struct
from msgspec.structs import replace

MOST_BYTES: Final = 32 << 20
"""Of one source that wait to be taken."""
_AT_ONCE_BYTES: Final = 1 << 20
LONGEST_WAIT_S: Final = 0.2
"""A reading thread looks this often whether it shall stop."""
_MOST_TOLD: Final = 300
_NO_ROOM: Final = "dropped: they came faster than they are worked off"


class SourceState(StrEnum):
    """How a live source is."""

    STARTING = "starting"
    OPEN = "open"
    WAITING = "waiting"
    """It broke off, and is tried again."""
    MISSING = "missing"
    """What it reads is gone, and is taken up again when it is back."""
    DOWN = "down"
    """What it reads is there, and gives nothing: an interface that is down."""
    ENDED = "ended"
    """It is over, and nothing went wrong: the end of a pipe."""
    FAILED = "failed"
    """It cannot be had, and is not tried again."""


class Loss(Struct, frozen=True):
    """Something that cannot be read any more."""

    why: str
    times: int
    sender: str = ""
    """Whose it was, of several senders; empty where there is but one, or nobody knows."""


class Status(Struct, frozen=True):
    """What a source says of itself."""

    state: SourceState = SourceState.STARTING
    detail: str = ""
    """Why, for people; from outside, and untrusted."""
    restarts: int = 0
    dropped: int = 0
    """Packets or lines that were lost before they could be read."""
    losses: tuple[Loss, ...] = ()
    """Why they were, and what else may be missing, the first one first."""


class Restart:
    """In a queue: what follows is a new stream, the one before broke off."""


class CapturedOn(Struct, frozen=True):
    """In a queue: what follows was captured on an interface of this machine."""

    addresses: tuple[str, ...]


class Line(Struct, frozen=True):
    """A message of one of several senders."""

    sender: str
    text: str


Piece = bytes | Restart | CapturedOn | Line


class Feed:
    """The queue of one source, with what the source says of itself."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._pieces: deque[Piece] = deque()
        self._bytes = 0
        self._room = Condition()
        self._status = Status()
        self.stopping = Event()
        self.arrived: Event | None = None
        """Set whenever there is something to take; of the session, shared by its sources."""

    @property
    def status(self) -> Status:
        """How the source is."""
        return self._status

    def tell(self, state: SourceState, detail: str = "") -> None:
        """Say how the source is."""
        told = detail.strip()[:_MOST_TOLD]
        self._status = replace(self._status, state=state, detail=told)
        self._wake()

    def count(self, *, restarts: int = 0, dropped: int = 0) -> None:
        """Add to what was counted."""
        old = self._status
        self._status = replace(old, restarts=old.restarts + restarts, dropped=old.dropped + dropped)

    def lose(self, why: str, *, dropped: int = 0, sender: str = "") -> None:
        """Say what is lost: so many packets or lines, or nobody knows how many."""
        times = {(loss.why, loss.sender): loss.times for loss in self._status.losses}
        times[why, sender] = times.get((why, sender), 0) + (dropped or 1)
        losses = tuple(Loss(why, many, whose) for (why, whose), many in times.items())
        self._status = replace(self._status, losses=losses)
        self.count(dropped=dropped)
        self._wake()

    def put(self, piece: Piece) -> bool:
        """Queue a piece; waits while the queue is full. False if the source shall stop."""
        size = _size(piece)
        with self._room:
            while self._bytes and self._bytes + size > self._most_bytes:
                if self.stopping.is_set():
                    return False
                self._room.wait(LONGEST_WAIT_S)
            self._pieces.append(piece)
            self._bytes += size
        self._wake()
        return True

    def offer(self, piece: Piece) -> bool:
        """Queue a piece if there is room; else it is counted as dropped."""
        size = _size(piece)
        with self._room:
            fits = not self._bytes or self._bytes + size <= self._most_bytes
            if fits:
                self._pieces.append(piece)
                self._bytes += size
        if fits:
            self._wake()
        else:
            whose = piece.sender if isinstance(piece, Line) else ""
            self.lose(_NO_ROOM, dropped=1, sender=whose)
        return fits

    def take(self) -> list[Piece]:
        """What is queued, but not more than can be worked off in a while."""
        pieces: list[Piece] = []
        size = 0
        with self._room:
            while self._pieces and size < _AT_ONCE_BYTES:
                piece = self._pieces.popleft()
                size += _size(piece)
                pieces.append(piece)
            self._bytes -= size
            more = bool(self._pieces)
            self._room.notify_all()
        if more:
            self._wake()
        return pieces

    @property
    def empty(self) -> bool:
        """Whether nothing is queued."""
        return not self._pieces

    def rest(self, seconds: float) -> bool:
        """Wait; False if the source shall stop."""
        return not self.stopping.wait(seconds)

    def _wake(self) -> None:
        if self.arrived is not None:
            self.arrived.set()


class LiveSource(Protocol):
    """Where something comes from while the session runs."""

    name: str
    """As the user knows it: an interface, a path, an address."""
    kind: str
    """ "capture", "log" or "syslog"."""
    feed: Feed
    remote: bool
    """What it gives has the clock of another machine."""

    def start(self) -> None:
        """Begin to read, in a thread of its own. Raises SourceError where that cannot be."""

    def stop(self) -> None:
        """Ask it to stop; returns at once."""

    def close(self, timeout_s: float) -> None:
        """Wait until it has stopped. Nothing is left behind, and what was read can be taken."""


class Reading:
    """A thread that runs one function until its source is stopped."""

    def __init__(self, feed: Feed, run: Callable[[], None], name: str) -> None:
        self._feed = feed
        self._run = run
        self._thread = Thread(target=self._guarded, name=f"dpdlab-{name}"[:40], daemon=True)
        self._started = False

    def start(self) -> None:
        """Begin."""
        self._started = True
        self._thread.start()

    def close(self, timeout_s: float) -> None:
        """Stop, and wait for the end."""
        self._feed.stopping.set()
        if self._started:
            self._thread.join(timeout_s)

    def _guarded(self) -> None:
        try:
            self._run()
        except Exception as error:  # noqa: BLE001 - one source fails, the others go on
            self._feed.tell(SourceState.FAILED, f"internal error: {error!r}")


def _size(piece: Piece) -> int:
    if isinstance(piece, bytes):
        return len(piece)
    return len(piece.text) + 64 if isinstance(piece, Line) else 64
