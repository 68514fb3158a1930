"""Files that are written while a session runs: one, or the last few of many.

What is given is written with one call, so that a killed process leaves whole records. Where the
disk is full, writing stops and what was begun is taken back; the session goes on.
"""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

from analyzers.errors import SourceError

_MODE: Final = 0o600


class RingFiles:
    """One growing file, or a ring of them."""

    def __init__(
        self, path: str | Path, *, most_bytes: int | None = None, most_files: int | None = None
    ) -> None:
        """`most_bytes` of one file begins another one; beyond `most_files` the oldest goes.

        Raises SourceError where the first one cannot be made.
        """
        self.path = Path(path)
        self.stopped = ""
        """Why nothing is written any more; empty while it is."""
        self.removed = 0
        """Files that had to go."""
        self._most_bytes = most_bytes
        self._most_files = most_files
        self._written: deque[Path] = deque()
        self._number = 0 if most_bytes is None else self._highest()
        self._size = 0
        self._handle = -1
        try:
            self._open()
        except OSError as error:
            raise SourceError(f"cannot write {self.path}: {error.strerror or error}") from error

    @property
    def files(self) -> tuple[Path, ...]:
        """What there is, the oldest first."""
        return tuple(self._written)

    @property
    def size(self) -> int:
        """Bytes of the file that is written now."""
        return self._size

    def is_full(self, more_bytes: int) -> bool:
        """Whether so many bytes belong into the next file."""
        return self._most_bytes is not None and self._size + more_bytes > self._most_bytes

    def turn(self) -> None:
        """Go on in the next file."""
        if self.stopped:
            return
        self._close()
        try:
            self._open()
        except OSError as error:
            self.stopped = f"cannot write {self.path}: {error.strerror or error}"

    def write(self, data: bytes, whole: Callable[[int], int] = lambda written: 0) -> bool:
        """Append all of it; False where nothing can be written any more.

        Of data that has no room stays what `whole` says of the bytes that had some.
        """
        if self.stopped or not data:
            return not self.stopped
        why = "the disk is full"
        try:
            written = os.write(self._handle, data)
        except OSError as error:
            written, why = 0, error.strerror or str(error)
        if written == len(data):
            self._size += written
            return True
        self._size += whole(written)
        with contextlib.suppress(OSError):
            os.ftruncate(self._handle, self._size)
        self._close()
        self.stopped = f"{self._written[-1]}: {why}; nothing more is written"
        return False

    def discard(self) -> None:
        """Remove all files."""
        self._close()
        while self._written:
            with contextlib.suppress(OSError):
                self._written.popleft().unlink()

    def close(self) -> None:
        """Let go of the file."""
        self._close()

    def _highest(self) -> int:
        """The number of the last file of an earlier ring of this name; 0 where there was none."""
        beginning, end = f"{self.path.stem}_", self.path.suffix
        with contextlib.suppress(OSError):
            names = [path.name for path in self.path.parent.iterdir()]
            numbers = [name.removeprefix(beginning).removesuffix(end) for name in names
                       if name.startswith(beginning) and name.endswith(end)]  # fmt: skip
            return max((int(n) for n in numbers if n.isascii() and n.isdigit()), default=0)
        return 0

    def _open(self) -> None:
        ring = self._most_bytes is not None
        # What another session keeps under the name of a ring stays.
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | (os.O_EXCL if ring else os.O_TRUNC)
        while True:
            self._number += 1
            name = f"{self.path.stem}_{self._number:05}{self.path.suffix}"
            path = self.path.with_name(name) if ring else self.path
            with contextlib.suppress(FileExistsError):
                self._handle = os.open(path, flags | getattr(os, "O_CLOEXEC", 0), _MODE)
                break
        self._size = 0
        self._written.append(path)
        while self._most_files is not None and len(self._written) > self._most_files:
            with contextlib.suppress(OSError):
                self._written.popleft().unlink()
            self.removed += 1

    def _close(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
