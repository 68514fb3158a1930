"""The lines of several devices in one log, as a syslog server writes them."""

from __future__ import annotations

from collections.abc import Iterable

from analyzers.decode.assembly.lines import Assembly, LogLine, Pausing
from analyzers.model.log_events import LogEvent


class OfDevice:
    """What puts the lines of a device together that is not the first one of its log."""

    def __init__(self, assembly: Assembly, host: str) -> None:
        self._assembly = assembly
        self._host = host

    def take(self, line: LogLine) -> list[LogEvent]:
        """One line of the device."""
        return self._named(self._assembly.take(line))

    def pause(self) -> list[LogEvent]:
        """Nothing has come for a while."""
        if not isinstance(self._assembly, Pausing):
            return []
        return self._named(self._assembly.pause())

    def finish(self) -> list[LogEvent]:
        """The log is over."""
        return self._named(self._assembly.finish())

    def _named(self, events: Iterable[LogEvent]) -> list[LogEvent]:
        made = list(events)
        for event in made:
            event.host = self._host
        return made
