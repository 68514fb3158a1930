"""Follows a log file by its name: what is appended, what comes after rotation, after truncation.

It begins at the end of the file, as `tail -F -n 0` does; a file that appears later is read from its
start. Lines that were rotated or copied away before they could be read are read where they are.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import BinaryIO, Final

from analyzers.sources.feed import Feed, Reading, SourceState
from analyzers.sources.rotated import Identity, Rotated

_PIECE_BYTES: Final = 1 << 16
_LOOK_S: Final = 0.05
_NO_FILE: Final = "there is no such file; waiting for it"
_EMPTIED: Final = "emptied in place: what was written just before may be missing"
_MARK_BYTES: Final = 256
_ATTEMPTS: Final = 10
"""Looks at the name without a file there before its absence is told: a rotation takes as long."""


class FollowedFile:
    """One log that grows."""

    kind = "log"
    remote = False

    def __init__(self, path: str, *, from_start: bool = False) -> None:
        """`from_start`: what is in the file already is read, too."""
        self.name = path
        self.feed = Feed()
        self._path = Path(path)
        self._from_start = from_start
        self._handle = -1
        self._identity: Identity | None = None
        self._position = 0
        self._head = self._tail = b""
        """How the file began, and how it ended where it was read to."""
        self._written_ns = 0
        """When the file was written last, as long as nothing of it was read."""
        self._rotated = Rotated(self._path)
        self._whole_line = True
        """The last byte that was read ended a line."""
        self._reading = Reading(self.feed, self._run, f"follow-{self._path.name}")

    def start(self) -> None:
        """Begin to follow; the file need not be there yet."""
        self._open(at_end=not self._from_start)
        self._reading.start()

    def stop(self) -> None:
        """Ask it to stop; returns at once."""
        self.feed.stopping.set()

    def close(self, timeout_s: float) -> None:
        """Wait until it has stopped."""
        self._reading.close(timeout_s)
        self._let_go()

    def _run(self) -> None:
        missing = 0
        while not self.feed.stopping.is_set():
            if self._handle >= 0 and self._read():
                continue
            there = self._look()
            missing = 0 if there else missing + 1
            if missing == _ATTEMPTS:
                self.feed.tell(SourceState.WAITING, _NO_FILE)
            if not self.feed.rest(_LOOK_S):
                break
        while self._handle >= 0 and self._read():
            pass

    def _look(self) -> bool:
        """Find what the name stands for now; whether there is anything."""
        try:
            status = self._path.stat()
        except (OSError, ValueError):
            return False
        if self._handle < 0:
            return self._open(at_end=False)
        if (status.st_dev, status.st_ino) != self._identity:
            while self._read():
                pass  # what was written before it was renamed
            self._let_go()
            self._end_line()
            self.feed.count(restarts=1)
            return self._open(at_end=False)
        return True

    def _open(self, *, at_end: bool) -> bool:
        try:
            self._handle = os.open(self._path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
            status = os.fstat(self._handle)
            old, self._identity = self._identity, Identity(status.st_dev, status.st_ino)
            self._read_rotated(old)
            self._written_ns = status.st_mtime_ns
            self._position = os.lseek(self._handle, 0, os.SEEK_END if at_end else os.SEEK_SET)
            size = min(self._position, _MARK_BYTES)
            self._head = os.pread(self._handle, size, 0)
            self._tail = os.pread(self._handle, size, self._position - size)
        except (OSError, ValueError) as error:
            self._let_go()
            missing = isinstance(error, FileNotFoundError)
            why = _NO_FILE if missing else getattr(error, "strerror", None) or str(error)
            self.feed.tell(SourceState.WAITING, why)
            return False
        self.feed.tell(SourceState.OPEN)
        return True

    def _read(self) -> bool:
        """Take the next piece; False where there is none."""
        try:
            if not self._is_as_read():
                self._begin_anew()
            elif not self._tail:
                self._read_rotated()
            data = os.read(self._handle, _PIECE_BYTES)
        except OSError as error:
            self._let_go()
            self.feed.tell(SourceState.WAITING, error.strerror or str(error))
            return False
        if not data:
            return False
        if len(self._head) == self._position:
            self._head = (self._head + data[:_MARK_BYTES])[:_MARK_BYTES]
        self._tail = (self._tail + data)[-_MARK_BYTES:]
        self._position += len(data)
        self._whole_line = data.endswith(b"\n")
        return self.feed.put(data)

    def _is_as_read(self) -> bool:
        """Whether what was read is still there: a file may be emptied and be as long again soon.

        Raises OSError.
        """
        if not self._tail:
            status = os.fstat(self._handle)
            return status.st_size > 0 or status.st_mtime_ns == self._written_ns
        head = os.pread(self._handle, len(self._head), 0)
        tail = os.pread(self._handle, len(self._tail), self._position - len(self._tail))
        return (head, tail) == (self._head, self._tail)

    def _begin_anew(self) -> None:
        """The file was emptied in place, as `copytruncate` does. Raises OSError."""
        self._read_rotated()
        self._written_ns = os.fstat(self._handle).st_mtime_ns
        self._position = 0
        self._head = self._tail = b""
        # Who wrote on where it was leaves a hole before it.
        with contextlib.suppress(OSError):
            self._position = os.lseek(self._handle, 0, os.SEEK_DATA)
        os.lseek(self._handle, self._position, os.SEEK_SET)
        self._end_line()
        self.feed.count(restarts=1)
        self.feed.lose(_EMPTIED)

    def _read_rotated(self, old: Identity | None = None) -> None:
        """What came and went away without being read, or was copied before. Raises OSError.

        `old`: the file that was read before this one.
        """
        now = os.pread(self._handle, _MARK_BYTES, 0)
        if not (now or self._tail):
            return
        for path in self._rotated.new({self._identity, old}):
            with contextlib.suppress(OSError), path.open("rb") as file:
                if now and file.read(len(now)) == now:
                    continue  # a copy of what is there
                file.seek(self._read_of(file))
                self._end_line()
                while (data := file.read(_PIECE_BYTES)) and self.feed.put(data):
                    self._whole_line = data.endswith(b"\n")
        self._end_line()

    def _read_of(self, file: BinaryIO) -> int:
        """How much of another file is what was read of this one. Raises OSError."""
        file.seek(0)
        # A copy of long ago is shorter.
        if not (self._head and self._head.startswith(file.read(len(self._head)))):
            return 0
        file.seek(self._position - len(self._tail))
        return self._position if self._tail.startswith(file.read(len(self._tail))) else 0

    def _end_line(self) -> None:
        """The other file begins with a line of its own."""
        if not self._whole_line:
            self._whole_line = True
            self.feed.put(b"\n")

    def _let_go(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
