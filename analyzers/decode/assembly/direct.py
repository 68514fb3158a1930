"""The assembly of dialects whose lines say everything by themselves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from analyzers.decode.assembly.lines import LogLine, event
from analyzers.model.log_events import LogEvent

# Names of IKE SAs that are remembered with their addresses.
_MAX_HANDLES: Final = 4096


class DirectAssembly:
    """One event a line, as its pattern says; peers are remembered by the SA's name."""

    def __init__(self) -> None:
        self._ends: dict[str, tuple[str | None, str | None]] = {}

    def take(self, line: LogLine) -> Iterable[LogEvent]:
        """One line."""
        pattern = line.form.pattern
        if pattern is None or pattern.says is None:
            return ()
        says = pattern.says
        made = event(line, says.kind)
        made.message, made.sent = says.message, says.sent
        made.response, made.retransmission = says.response, says.retransmission
        if says.version is not None:
            made.version = says.version
        self._complete(made)
        return (made,)

    def finish(self) -> Iterable[LogEvent]:
        """Nothing waits."""
        return ()

    def _complete(self, made: LogEvent) -> None:
        handle = made.handle
        if handle is None:
            return
        local, remote = self._ends.get(handle, (None, None))
        made.local = made.local or local
        made.remote = made.remote or remote
        if len(self._ends) >= _MAX_HANDLES and handle not in self._ends:
            del self._ends[next(iter(self._ends))]
        self._ends[handle] = (made.local, made.remote)
