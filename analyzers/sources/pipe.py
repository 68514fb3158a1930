"""A stream that someone else writes: stdin or a FIFO, with a capture or with log lines."""

from __future__ import annotations

import os
import select
import stat
import sys
from pathlib import Path
from typing import Final

from analyzers.errors import SourceError
from analyzers.sources.feed import Feed, Reading, SourceState
from analyzers.sources.names import STDIN, shown

_PIECE_BYTES: Final = 1 << 18
_POLL_MS: Final = 200


def is_pipe(path: str) -> bool:
    """Whether a name is that of stdin or of a FIFO."""
    if path == STDIN:
        return True
    try:
        return stat.S_ISFIFO(Path(path).stat().st_mode)
    except (OSError, ValueError):
        return False


_ENDED: Final = (SourceState.ENDED, "")
_EMPTY: Final = (SourceState.FAILED, "it is empty")


class PipeSource:
    """Reads to the end of the stream, which is the end of the source."""

    remote = True

    def __init__(self, path: str, kind: str) -> None:
        """`kind`: "capture" or "log"."""
        self.kind = kind
        self.name = shown(path)
        self.feed = Feed()
        self._path = path
        self._handle = -1
        self._reading = Reading(self.feed, self._run, f"pipe-{self.name}")

    def start(self) -> None:
        """Begin to read. Raises SourceError where there is nothing to read from."""
        if self._path == STDIN:
            if sys.stdin is None or sys.stdin.closed:
                raise SourceError("there is nothing on stdin")
            self._handle = os.dup(sys.stdin.fileno())
        else:
            try:
                # Without waiting for who writes into the FIFO.
                self._handle = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK)
            except OSError as error:
                raise SourceError(f"cannot open {self._path}: {error.strerror or error}") from error
        self._reading.start()

    def stop(self) -> None:
        """Ask it to stop; returns at once."""
        self.feed.stopping.set()

    def close(self, timeout_s: float) -> None:
        """Wait until it has stopped."""
        self._reading.close(timeout_s)

    def _run(self) -> None:
        poll = select.poll()
        poll.register(self._handle, select.POLLIN)
        written = False
        try:
            while not self.feed.stopping.is_set():
                events = poll.poll(_POLL_MS)
                if not events:
                    continue
                if not written and not events[0][1] & select.POLLIN and self._path != STDIN:
                    # A FIFO that nobody has opened for writing yet.
                    self.feed.rest(_POLL_MS / 1000)
                    continue
                try:
                    data = os.read(self._handle, _PIECE_BYTES)
                except BlockingIOError:
                    continue
                except OSError as error:
                    self.feed.tell(SourceState.FAILED, error.strerror or str(error))
                    return
                if not data:
                    if not written and self._path != STDIN:
                        self.feed.rest(_POLL_MS / 1000)
                        continue
                    self.feed.tell(*(_ENDED if written else _EMPTY))
                    return
                if not written:
                    written = True
                    self.feed.tell(SourceState.OPEN)
                self.feed.put(data)
        finally:
            os.close(self._handle)
