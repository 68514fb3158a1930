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


class Outbox:
    """Takes events; gives them on once the ones before them are complete."""

    def __init__(self) -> None:
        self._events: deque[LogEvent] = deque()
        self._held: dict[str, tuple[LogEvent, int]] = {}
        self._lines = 0

    def at(self, line: LogLine) -> None:
        """The log has come to this line: who waited too long waits no longer."""
        self._lines += 1
        if not self._held:
            return
        late = [key for key, held in self._held.items() if self._is_late(*held, line)]
        for key in late:
            del self._held[key]

    def _is_late(self, made: LogEvent, since: int, line: LogLine) -> bool:
        if self._lines - since > _PATIENCE_LINES:
            return True
        if made.at_ns is None or line.at_ns is None:
            return False
        return not 0 <= line.at_ns - made.at_ns <= _PATIENCE_NS

    def put(self, made: LogEvent) -> None:
        """Add an event."""
        self._events.append(made)

    def hold(self, name: str, made: LogEvent) -> None:
        """Let an event wait under a name, until `release`; it takes the place of another there."""
        self._held[name] = (made, self._lines)

    def held(self, name: str) -> LogEvent | None:
        """The event that waits under a name."""
        held = self._held.get(name)
        return None if held is None else held[0]

    def release(self, name: str) -> None:
        """Nothing more will be said of the event that waits under a name."""
        self._held.pop(name, None)

    def take(self) -> list[LogEvent]:
        """The events that are complete, with all before them."""
        if not self._events:
            return []
        if not self._held:
            ready = list(self._events)
            self._events.clear()
            return ready
        waiting = {id(made) for made, _ in self._held.values()}
        ready = []
        while self._events and id(self._events[0]) not in waiting:
            ready.append(self._events.popleft())
        return ready

    def finish(self) -> list[LogEvent]:
        """All events: the log is over."""
        self._held.clear()
        return self.take()
