"""A live source that broke off is tried again: after how long, and when no more."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Final

from analyzers.errors import SourceError
from analyzers.sources.feed import CapturedOn, Feed, Restart, SourceState
from analyzers.sources.interfaces import addresses_on, exists, is_down

# Who lived so long is one that worked: the end is no failure to begin.
_WORKED_S: Final = 10.0
_FIRST_WAIT_S: Final = 0.5
_MOST_WAIT_S: Final = 30.0
_LOOK_S: Final = 0.25
LOOK_EVERY_S: Final = 0.5
"""Whether the interface is up, while it is captured on."""
DOWN: Final = "the interface is down"


class Attempts:
    """The tries of one source: twice as long a wait after each, up to half a minute."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._wait_s = _FIRST_WAIT_S
        self._began_s = monotonic()

    def begin(self) -> None:
        """One more begins now."""
        self._began_s = monotonic()

    def broke_off(self, why: str) -> float:
        """Tell why it ended; seconds to wait before the next."""
        if monotonic() - self._began_s >= _WORKED_S:
            self._wait_s = _FIRST_WAIT_S
        wait_s = self._wait_s
        self._wait_s = min(2 * wait_s, _MOST_WAIT_S)
        self._feed.tell(SourceState.WAITING, f"{why}; again in {wait_s:g} s")
        return wait_s


def capture_again(feed: Feed, interface: str, capture: Callable[[], str]) -> None:
    """Capture anew whenever it ended, until the source is stopped.

    `capture` runs to its end and tells why that came; it raises SourceError where trying again is
    of no use, as it is where the first try never came to be open. An `interface` that is gone
    or down is waited for.
    """
    attempts = Attempts(feed)
    worked = False
    while not feed.stopping.is_set():
        attempts.begin()
        if worked:
            feed.put(Restart())
        feed.put(CapturedOn(addresses_on(interface)))
        try:
            why = capture()
        except SourceError as error:
            feed.tell(SourceState.FAILED, error.message)
            return
        if feed.stopping.is_set():
            return
        if not worked and feed.status.state not in (SourceState.OPEN, SourceState.DOWN):
            feed.tell(SourceState.FAILED, why)
            return
        worked = True
        if exists(interface) and not is_down(interface):
            if not feed.rest(attempts.broke_off(why)):
                return
        else:
            if not _is_back(feed, interface):
                return
            attempts = Attempts(feed)
        feed.count(restarts=1)


def look(feed: Feed, interface: str) -> None:
    """Tell an interface that was taken down, or is up again: who captures reads on, and gets
    nothing."""
    down = is_down(interface)
    if down != (feed.status.state is SourceState.DOWN):
        feed.tell(*((SourceState.DOWN, DOWN) if down else (SourceState.OPEN, "")))


def _is_back(feed: Feed, interface: str) -> bool:
    """Wait until there is such an interface, and up; False if the source shall stop."""
    while True:
        if not exists(interface):
            feed.tell(SourceState.MISSING, "there is no such interface now")
        elif is_down(interface):
            feed.tell(SourceState.DOWN, DOWN)
        else:
            return True
        if not feed.rest(_LOOK_S):
            return False
