"""Byte streams: plain, gzip and zstd, from a file or a pipe, told apart by content."""

from __future__ import annotations

import io
import zlib
from typing import BinaryIO, Final, Protocol, cast

from analyzers.errors import SourceError
from analyzers.sources.waiting import WaitingPipe

GZIP_MAGIC: Final = b"\x1f\x8b"
ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
# Compressed input is read in pieces of this size; larger ones gain nothing.
_PIECE_BYTES: Final = 1 << 18
HEAD_BYTES: Final = 512
# A capture of which only the header has come shows what it is.
_LEAST_HEAD_BYTES: Final = 24


class ByteStream(Protocol):
    """Something bytes can be read from, into a buffer of the caller."""

    @property
    def position(self) -> int:
        """Bytes taken from the underlying file, compressed or not: for progress."""

    @property
    def damage(self) -> str | None:
        """What was wrong with the compression, once it was met."""

    def read_into(self, view: memoryview) -> int:
        """Fill `view` as far as possible; 0 at the end."""


class PlainStream:
    """Bytes as they are."""

    damage = None

    def __init__(self, raw: io.RawIOBase, head: bytes = b"") -> None:
        self._raw = raw
        self._head = head
        self.position = 0
        self.gives_what_is_there = False
        """A pipe that pauses gives what has come; else it fills what it is given."""

    def read_into(self, view: memoryview) -> int:
        """Fill `view` as far as possible; 0 at the end."""
        filled = min(len(self._head), len(view))
        view[:filled] = self._head[:filled]
        self._head = self._head[filled:]
        while filled < len(view):
            if self.gives_what_is_there and filled and self._pauses():
                break
            try:
                count = self._raw.readinto(view[filled:])
            except OSError as error:
                raise SourceError(f"reading stopped: {error.strerror or error}") from error
            if not count:
                break
            filled += count
        self.position += filled
        return filled

    def read_some(self, limit: int, least: int) -> bytes:
        """What has come when the pipe pauses, `least` bytes at least; fewer at the end."""
        self.gives_what_is_there = True
        found = b""
        while len(found) < least and (more := self.read(limit - len(found))):
            found += more
        return found

    def _pauses(self) -> bool:
        return isinstance(self._raw, WaitingPipe) and self._raw.pauses()

    def read(self, limit: int) -> bytes:
        """Up to `limit` bytes; empty at the end."""
        view = memoryview(bytearray(limit))
        return bytes(view[: self.read_into(view)])


class GzipStream:
    """Decompresses gzip, several members too (RFC 1952)."""

    def __init__(self, source: PlainStream) -> None:
        self._source = source
        self._member: zlib._Decompress | None = None
        self._pending = b""
        self._members = 0
        self.damage: str | None = None

    @property
    def position(self) -> int:
        """Compressed bytes taken."""
        return self._source.position

    def read_into(self, view: memoryview) -> int:
        """Fill `view` as far as possible; 0 at the end."""
        filled = 0
        while filled < len(view) and self.damage is None:
            if not self._pending:
                self._pending = self._source.read(_PIECE_BYTES)
                if not self._pending:
                    if self._member is not None:
                        self.damage = "the gzip data ends before its end mark"
                    break
            if self._member is None:
                if self._members and not self._pending.startswith(b"\x1f"):
                    if self._pending.strip(b"\0"):
                        self.damage = "there is something else behind the gzip data"
                    self._pending = b""
                    continue
                self._member = zlib.decompressobj(wbits=31)
                self._members += 1
            try:
                piece = self._member.decompress(self._pending, len(view) - filled)
            except zlib.error as error:
                self.damage = f"the gzip data is damaged ({error})"
                break
            view[filled : filled + len(piece)] = piece
            filled += len(piece)
            if self._member.eof:
                self._pending = self._member.unused_data
                self._member = None
            else:
                self._pending = self._member.unconsumed_tail
        return filled


class ZstdStream:
    """Decompresses zstd, several frames too (RFC 8878)."""

    def __init__(self, source: PlainStream) -> None:
        # Imported here: only .zst inputs need it.
        import zstandard

        self._source = source
        self._error = zstandard.ZstdError
        self._reader = zstandard.ZstdDecompressor().stream_reader(
            cast(BinaryIO, _Readable(source)), read_across_frames=True
        )
        self.damage: str | None = None

    @property
    def position(self) -> int:
        """Compressed bytes taken."""
        return self._source.position

    def read_into(self, view: memoryview) -> int:
        """Fill `view` as far as possible; 0 at the end."""
        filled = 0
        while filled < len(view) and self.damage is None:
            try:
                count = self._reader.readinto(view[filled:])
            except self._error as error:
                self.damage = f"the zstd data is damaged ({error})"
                break
            if not count:
                break
            filled += count
        return filled


class _Readable:
    """The `read` that the zstd reader wants."""

    def __init__(self, source: PlainStream) -> None:
        self._source = source

    def read(self, size: int = -1) -> bytes:
        return self._source.read(size if size > 0 else _PIECE_BYTES)


def open_stream(raw: io.RawIOBase) -> tuple[ByteStream, bytes]:
    """A stream over `raw`, decompressed if need be, and its first bytes (`HEAD_BYTES` at most)."""
    probe = PlainStream(raw)
    head = probe.read_some(HEAD_BYTES, _LEAST_HEAD_BYTES)
    source = PlainStream(raw, head)
    if head.startswith(GZIP_MAGIC):
        return _with_head(GzipStream(source))
    if head.startswith(ZSTD_MAGIC):
        return _with_head(ZstdStream(source))
    return source, head


class _Prefixed:
    """A stream whose first bytes were read already."""

    def __init__(self, stream: ByteStream, head: bytes) -> None:
        self._stream = stream
        self._head = head

    @property
    def position(self) -> int:
        return self._stream.position

    @property
    def damage(self) -> str | None:
        return self._stream.damage

    def read_into(self, view: memoryview) -> int:
        filled = min(len(self._head), len(view))
        view[:filled] = self._head[:filled]
        self._head = self._head[filled:]
        if filled < len(view):
            filled += self._stream.read_into(view[filled:])
        return filled


def _with_head(stream: ByteStream) -> tuple[ByteStream, bytes]:
    view = memoryview(bytearray(HEAD_BYTES))
    head = bytes(view[: stream.read_into(view)])
    return _Prefixed(stream, head), head
