"""Files that are one input: a ring of captures, each whole by itself, read one after the other.

A pcapng file may have any number of sections, so that several of them make one.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class Parts(io.RawIOBase):
    """The bytes of several files."""

    def __init__(self, paths: Sequence[str]) -> None:
        """Raises OSError where one cannot be opened; one is open at a time."""
        self._paths = list(paths)
        status = [Path(path).stat() for path in paths]
        self.size_bytes = sum(each.st_size for each in status)
        self.modified_ns = max(each.st_mtime_ns for each in status)
        self._open = io.FileIO(self._paths.pop(0), "rb")

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fill `buffer` as far as the file at hand goes; 0 at the end of the last one."""
        while True:
            count = self._open.readinto(buffer)
            if count or not self._paths:
                return count or 0
            self._open.close()
            self._open = io.FileIO(self._paths.pop(0), "rb")

    def close(self) -> None:
        """Release the file."""
        self._open.close()
        super().close()
