"""Lines on their way to somebody who may not read them: a bounded queue with a thread of its own.

Where whoever reads keeps up, a line is out before `put` returns, as if there were no queue. Who
does not read is not waited for: lines that find no room are counted, and once there is room again
one line stands in their place.
"""

from __future__ import annotations

import fcntl
import os
import select
import stat
import sys
import termios
import time
from collections import deque
from collections.abc import Callable, Iterable
from threading import Condition, Thread
from typing import Final

_MOST_BYTES: Final = 16 << 20
# Who begins to read again is told how much is missing once, and not every few lines.
_ROOMY_BYTES: Final = _MOST_BYTES // 2
# So much a pipe with any room takes whole.
_PIECE_BYTES: Final = select.PIPE_BUF
_FILE_BYTES: Final = 1 << 20
_PATIENCE_S: Final = 0.02
_LAST_PATIENCE_S: Final = 0.3
"""Who takes nothing for so long when everything ends does not read."""
_MOST_WAIT_S: Final = 0.5
"""For room, where who reads takes what there is, but not as fast as it comes."""
_LOOK_S: Final = 0.05


class LineQueue:
    """The queue of one stream, filled by one thread.

    The stream is written by its number: what the interpreter would keep back for it, and would have
    to write when it ends, is nothing.
    """

    def __init__(self, handle: int, missing: Callable[[int], str]) -> None:
        """`missing`: the line that stands for so many that had no room."""
        self._handle = handle
        self._missing = missing
        self._lines: deque[bytes] = deque()
        self._bytes = 0
        self._changed = Condition()
        self._taken = 0
        """How often the reader took something."""
        self._until_s = 0.0
        """Who puts waits no longer than this, by a monotonic clock."""
        self._stalled = self._last = self._closing = False
        self.is_cut = False
        """Whether the line that was written last has no end yet."""
        self._gap = 0
        """Lines without room since the last one that had some."""
        self.dropped = 0
        """All lines that had no room."""
        self.failure: OSError | None = None
        """Why nothing more can be written: BrokenPipeError where the reader is gone."""
        self._thread = Thread(target=self._run, name="dpdlab-lines", daemon=True)

    def put(self, lines: Iterable[str] = ()) -> bool:
        """Lines with their ends; False when nothing more can be written."""
        with self._changed:
            keeps_up = not self._lines
            self._until_s = float("inf") if self._last else time.monotonic() + _MOST_WAIT_S
            if self._gap and self._has_room(0):
                self._close_gap()
        for text in lines:
            for line in text.encode("utf-8", "backslashreplace").splitlines(keepends=True):
                self._add(line)
        with self._changed:
            if self._last:
                self._wait(self._is_empty)
            elif keeps_up:
                self._changed.wait_for(self._is_empty, _PATIENCE_S)
        return self.failure is None

    @property
    def is_full(self) -> bool:
        """Whether lines find no room now."""
        return bool(self._gap)

    @property
    def has_reader(self) -> bool:
        """Whether anybody may still read, as far as the system tells."""
        poll = select.poll()
        poll.register(self._handle, 0)
        return not any(event & select.POLLERR for _, event in poll.poll(0))

    def finish(self) -> None:
        """What is put from now on is the last: who reads, however slowly, shall have it all."""
        with self._changed:
            self._stalled = self._stalled and self._last
            self._last = True

    def close(self) -> int:
        """End the thread; how many lines nobody has taken, those without room among them."""
        self.finish()
        self.put()
        with self._changed:
            self._closing = True
            self._changed.notify_all()
            left = 0 if self.failure else self.dropped + len(self._lines)
        if self._thread.is_alive():
            # One that is stuck in a write ends with the process.
            self._thread.join(2 * _LOOK_S)
        return left

    # --- of who puts -------------------------------------------------------------------------

    def _add(self, line: bytes) -> None:
        with self._changed:
            if self._has_room(len(line)):
                if self._gap:
                    self._close_gap()
                self._append(line)
            elif self.failure is None:
                self._gap += 1
                self.dropped += 1

    def _close_gap(self) -> None:
        gap, self._gap = self._gap, 0
        self._append(self._missing(gap).encode())

    def _append(self, line: bytes) -> None:
        self._lines.append(line)
        self._bytes += len(line)
        self._changed.notify_all()
        if self._thread.ident is None:
            self._thread.start()

    def _has_room(self, size: int) -> bool:
        """Wait until there is room, if the reader takes what there is; whether there is."""
        most = _ROOMY_BYTES if self._gap else _MOST_BYTES

        def fits() -> bool:
            return not self._bytes or self._bytes + size <= most

        return self._wait(fits) if self._last or not self._gap else fits()

    def _is_empty(self) -> bool:
        return not self._lines

    def _wait(self, is_so: Callable[[], bool]) -> bool:
        """Wait as long as the reader goes on taking something; whether it is so then."""
        while not (is_so() or self._stalled or self.failure) and time.monotonic() < self._until_s:
            before = self._taken
            self._changed.wait(_LAST_PATIENCE_S if self._last else _PATIENCE_S)
            self._stalled = self._taken == before
        return self.failure is None and is_so()

    # --- the thread --------------------------------------------------------------------------

    def _run(self) -> None:
        poll = select.poll()
        poll.register(self._handle, select.POLLOUT)
        while piece := self._next():
            if not poll.poll(_LOOK_S * 1000):
                continue
            try:
                size = os.write(self._handle, piece)
            except BlockingIOError:
                # Somebody else made it so, and less than the piece fits.
                time.sleep(_PATIENCE_S)
                continue
            except OSError as error:
                with self._changed:
                    self.failure = error
                    self._changed.notify_all()
                return
            self._take(size)

    def _next(self) -> bytes:
        """Whole lines that a pipe takes at once, or a part of a longer one; empty at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._lines or self._closing)
            if self._closing:
                return b""
            most, size = self._most_at_once(), 0
            pieces: list[bytes] = []
            for line in self._lines:
                if pieces and size + len(line) > most:
                    break
                pieces.append(line)
                size += len(line)
            return b"".join(pieces)[:most]

    def _most_at_once(self) -> int:
        """How much the stream takes without waiting, if it takes anything.

        Each write waits for the thread that makes the lines to pause.
        """
        try:
            mode = os.fstat(self._handle).st_mode
            if stat.S_ISREG(mode):
                return _FILE_BYTES
            waiting = bytearray(4)
            if stat.S_ISFIFO(mode) and not fcntl.ioctl(self._handle, termios.FIONREAD, waiting):
                empty = not int.from_bytes(waiting, sys.byteorder)
                return fcntl.fcntl(self._handle, fcntl.F_GETPIPE_SZ) if empty else _PIECE_BYTES
        except OSError:
            pass
        return _PIECE_BYTES

    def _take(self, size: int) -> None:
        """So many bytes are written."""
        with self._changed:
            self._bytes -= size
            self._taken += 1
            self._stalled = self._stalled and self._last
            self.is_cut = False
            while size:
                line = self._lines.popleft()
                if size < len(line):
                    self._lines.appendleft(line[size:])
                    self.is_cut = True
                size = max(size - len(line), 0)
            self._changed.notify_all()
