"""A stream that someone else writes: stdin or a FIFO, with a capture or with log lines."""

from __future__ import annotations

import contextlib
import os
import select
import stat
import sys
from pathlib import Path
from typing import Final

from analyzers.errors import SourceError
from analyzers.sources.feed import Feed, Reading, Restart, SourceState
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


def is_named(path: str) -> bool:
    """Whether a pipe has a name by which somebody else may open it, too."""
    return path != STDIN and is_pipe(os.path.realpath(path))


_ENDED: Final = (SourceState.ENDED, "")
_EMPTY: Final = (SourceState.FAILED, "it is empty")
_NO_WRITER: Final = "whoever wrote into it has ended; the next one is waited for"
_NO_PIPE: Final = "there is no such pipe now"


class PipeSource:
    """Reads to the end of the stream; that of a FIFO may be followed by another one."""

    remote = True

    def __init__(self, path: str, kind: str, *, again: bool = False) -> None:
        """`kind`: "capture" or "log". `again`: the end of a writer is not that of the source."""
        self.kind = kind
        self.name = shown(path)
        self.feed = Feed()
        self._path = path
        self._again = again
        self._handle = -1
        self._streams = 0
        self._whole_line = True
        """The last byte that was read ended a line."""
        self._reading = Reading(self.feed, self._run, f"pipe-{self.name}")

    def start(self) -> None:
        """Begin to read. Raises SourceError where there is nothing to read from."""
        try:
            if self._path != STDIN:
                self._handle = _opened(self._path)
            elif sys.stdin is None or sys.stdin.closed:
                raise SourceError("there is nothing on stdin")
            else:
                self._handle = os.dup(sys.stdin.fileno())
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
        written = False
        try:
            while not self.feed.stopping.is_set():
                data = self._read()
                if data:
                    if not written:
                        self._begin()
                    written = True
                    self._whole_line = data.endswith(b"\n")
                    self.feed.put(data)
                elif data is None:
                    continue
                elif self._path == STDIN or (written and not self._again):
                    self.feed.tell(*(_ENDED if written else _EMPTY))
                    return
                else:
                    # A FIFO that nobody has open for writing, yet or any more.
                    if written:
                        self.feed.tell(SourceState.WAITING, _NO_WRITER)
                    written = False
                    self.feed.rest(_POLL_MS / 1000)
                    self._look()
        except OSError as error:
            self.feed.tell(SourceState.FAILED, error.strerror or str(error))
        finally:
            os.close(self._handle)

    def _read(self) -> bytes | None:
        """What has come; empty where nobody writes, None where nothing came. Raises OSError."""
        poll = select.poll()
        poll.register(self._handle, select.POLLIN)
        if not poll.poll(_POLL_MS):
            return None
        try:
            return os.read(self._handle, _PIECE_BYTES)
        except BlockingIOError:
            return None

    def _begin(self) -> None:
        """A stream begins."""
        self._streams += 1
        if self._streams > 1:
            self.feed.count(restarts=1)
            if self.kind == "capture":
                self.feed.put(Restart())
            elif not self._whole_line:
                self.feed.put(b"\n")
        self.feed.tell(SourceState.OPEN)

    def _look(self) -> None:
        """Open the FIFO that the name stands for by now, if that is another one."""
        handle = -1
        with contextlib.suppress(OSError):
            if is_pipe(self._path):
                handle = _opened(self._path)
        if handle < 0:
            self.feed.tell(SourceState.MISSING, _NO_PIPE)
        elif os.path.sameopenfile(handle, self._handle):
            os.close(handle)
        else:
            os.close(self._handle)
            self._handle = handle
            waits = SourceState.WAITING if self._streams else SourceState.STARTING
            self.feed.tell(waits, _NO_WRITER if self._streams else "")


def _opened(path: str) -> int:
    """Without waiting for who writes into the FIFO. Raises OSError."""
    return os.open(path, os.O_RDONLY | os.O_NONBLOCK | getattr(os, "O_CLOEXEC", 0))
