"""Files that are one input, and a file that is several: what a live session kept.

A pcapng file may have any number of sections, so that a ring of them makes one. The interfaces of
several sources are in one section: those of one source are told by their numbers.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence, Set
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


# Blocks that belong to an interface begin with its number: its packets, and its statistics.
_STATISTICS, _ENHANCED_PACKET = 5, 6
_HEAD: Final = struct.Struct("<III")
_LEAST_BLOCK: Final = 12
_PIECE_BYTES: Final = 1 << 20


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


class OneSource(io.RawIOBase):
    """A pcapng file of this machine's byte order, with the packets of some interfaces only."""

    def __init__(self, inner: io.RawIOBase, interfaces: Set[int]) -> None:
        """`interfaces` are numbers, the same in all sections; `inner` is closed with this."""
        self._inner = inner
        self._interfaces = interfaces
        self._ready = memoryview(b"")
        self._rest = b""
        self._ended = False

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fill `buffer` with what is ready; 0 at the end."""
        while not self._ready and not self._ended:
            data = self._inner.read(_PIECE_BYTES)
            self._ended = not data
            # A block that was cut at the end stays, for the reader to tell.
            self._ready = memoryview(self._chosen(self._rest + data) if data else self._rest)
        view = memoryview(buffer).cast("B")
        count = min(len(view), len(self._ready))
        view[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _chosen(self, data: bytes) -> bytes:
        kept = []
        start = position = 0
        while position + _LEAST_BLOCK <= len(data):
            kind, length, number = _HEAD.unpack_from(data, position)
            if length < _LEAST_BLOCK or position + length > len(data):
                break
            if kind in (_STATISTICS, _ENHANCED_PACKET) and number not in self._interfaces:
                kept.append(data[start:position])
                start = position + length
            position += length
        kept.append(data[start:position])
        self._rest = data[position:]
        return b"".join(kept)

    def close(self) -> None:
        """Release the file."""
        self._inner.close()
        super().close()
