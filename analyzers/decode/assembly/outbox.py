"""Events in the order of the log, of which some wait for what the next lines say of them."""

from __future__ import annotations

from collections import deque
from typing import Final

from analyzers.decode.assembly.lines import LogLine
from analyzers.model.log_events import LogEvent
from analyzers.model.time import NS_PER_SECOND

# Nothing more is said of a message after this.
_PATIENCE_NS: Final = 2 * NS_PER_SECOND
_PATIENCE_LINES: Final = 64
# Where lines of several connections are woven, stamps go back by some milliseconds.
_WOVEN_NS: Final = NS_PER_SECOND // 10


class Outbox:
    """Takes events; gives them on once the ones before them are complete."""

    def __init__(self) -> None:
        self.events: deque[LogEvent] = deque()
        """Those that were not taken yet; nothing else is to change them."""
        self.waiting: dict[str, tuple[LogEvent, int]] = {}
        """Those of them that wait, by name, with when they began to; the same holds for them."""
        self._lines = 0

    def at(self, line: LogLine) -> None:
        """The log has come to this line: who waited too long waits no longer.

        Where nobody waits, this needs not be said.
        """
        self._lines += 1
        if not self.waiting:
            return
        now_ns = line.at_ns
        for name, (made, since) in [*self.waiting.items()]:
            wait_ns = 0 if now_ns is None or made.at_ns is None else now_ns - made.at_ns
            in_time = -_WOVEN_NS <= wait_ns <= _PATIENCE_NS
            if self._lines - since > _PATIENCE_LINES or not in_time:
                del self.waiting[name]

    def put(self, made: LogEvent) -> None:
        """Add an event."""
        self.events.append(made)

    def hold(self, name: str, made: LogEvent) -> None:
        """Let an event wait under a name, until `release`; it takes the place of another there."""
        self.waiting[name] = (made, self._lines)

    def held(self, name: str) -> LogEvent | None:
        """The event that waits under a name."""
        held = self.waiting.get(name)
        return None if held is None else held[0]

    def release(self, name: str) -> None:
        """Nothing more will be said of the event that waits under a name."""
        self.waiting.pop(name, None)

    def take(self) -> list[LogEvent]:
        """The events that are complete, with all before them."""
        events = self.events
        ready: list[LogEvent] = []
        while events:
            for held, _ in self.waiting.values():
                if held is events[0]:
                    return ready
            ready.append(events.popleft())
        return ready

    def finish(self) -> list[LogEvent]:
        """All events: the log is over."""
        self.waiting.clear()
        return self.take()
