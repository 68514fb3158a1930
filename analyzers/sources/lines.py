"""Physical lines of a text by number: where each begins is kept, what it says is read on demand.

Eight bytes a line are held, and nothing of the text. Compressed, piped and UTF-16 texts are kept
as plain UTF-8 in a temporary file of bounded size.
"""

from __future__ import annotations

import codecs
import io
import os
import tempfile
from collections.abc import Callable
from itertools import pairwise
from typing import IO, Final, cast

import numpy as np
import numpy.typing as npt

from analyzers.errors import SourceError
from analyzers.sources.inputs import InputSpec, open_input
from analyzers.sources.streams import GZIP_MAGIC, ZSTD_MAGIC, ByteStream, PlainStream

BLOCK_LINES: Final = 64
"""Lines that are read at once."""
MAX_SHOWN: Final = 4000
"""Characters of a line; `LineFile.whole` reads more."""
MAX_WHOLE: Final = 1 << 16
HEAD_BYTES: Final = 256
"""Of a line; its stamp is within them."""
KEPT_BYTES: Final = 512 << 20
"""Of a text that has to be kept on disk so much is."""
_PIECE_BYTES: Final = 1 << 20
_UTF8_BYTES: Final = 4
_LF: Final = 10
_CR: Final = 13
_BOM: Final = "\ufeff"

GoOn = Callable[[], bool]


class Kept:
    """A stream that keeps what is read from it in a file, up to a limit."""

    def __init__(self, stream: ByteStream, limit_bytes: int = KEPT_BYTES) -> None:
        """Raises SourceError where no temporary file can be made."""
        self._stream = stream
        self._room = limit_bytes
        self.file = _temporary()

    @property
    def position(self) -> int:
        """As of the stream."""
        return self._stream.position

    @property
    def damage(self) -> str | None:
        """As of the stream."""
        return self._stream.damage

    def read_into(self, view: memoryview) -> int:
        """Fill `view` as far as possible; 0 at the end."""
        count = self._stream.read_into(view)
        if self._room > 0 and count:
            try:
                self.file.write(view[: min(count, self._room)])
                self._room -= count
            except OSError:
                # The disk is full: what was kept stays, reading goes on.
                self._room = 0
        return count

    def stop(self) -> None:
        """Nothing is to be kept after all."""
        self._room = 0
        self.file.close()


class LineFile:
    """The lines of one text, from 0. Safe to be read while another thread reads it too."""

    def __init__(self, file: IO[bytes], *, cr_ends: bool, limit_lines: int) -> None:
        """`file` is UTF-8; `cr_ends`: CR alone ends a line, too."""
        self._file = file
        self._handle = file.fileno()
        self._cr_ends = cr_ends
        self._limit = limit_lines
        self._starts: npt.NDArray[np.int64] = np.zeros(0, np.int64)
        self._size = 0

    def __len__(self) -> int:
        return len(self._starts)

    def index(self, go_on: GoOn) -> bool:
        """Find all lines; False if `go_on` said no before the end. Raises OSError."""
        found = [np.zeros(1, np.int64)]
        size = lines = 0
        closed = True
        while lines < self._limit:
            if not go_on():
                return False
            data = os.pread(self._handle, _PIECE_BYTES, size)
            if not data:
                break
            codes = np.frombuffer(data, np.uint8)
            ends = codes == _LF
            if self._cr_ends:
                ends |= codes == _CR
            places = np.flatnonzero(ends) + (size + 1)
            found.append(places)
            lines += len(places)
            closed = bool(ends[-1])
            if b"\0" in data:
                _past_gaps(found, codes, size)
            size += len(data)
        starts = np.concatenate(found)
        if len(starts) > self._limit:
            size = int(starts[self._limit])
            starts = starts[: self._limit]
        elif closed:
            starts = starts[:-1]
        self._starts, self._size = starts, size
        return True

    def block(self, number: int) -> list[str]:
        """The lines of a block, without their ends, each cut to MAX_SHOWN characters.

        Of a file that is closed, or can be read no more, there are none.
        """
        try:
            return [] if self._file.closed else self._lines(number)
        except OSError:
            return []

    def _lines(self, number: int) -> list[str]:
        first = number * BLOCK_LINES
        last = min(first + BLOCK_LINES, len(self._starts))
        if first >= last:
            return []
        bounds = [*self._starts[first:last].tolist(), self._end(last - 1)]
        most = MAX_SHOWN * _UTF8_BYTES
        if bounds[-1] - bounds[0] > BLOCK_LINES * most:
            return [self._read(n, most)[:MAX_SHOWN] for n in range(first, last)]
        data = os.pread(self._handle, bounds[-1] - bounds[0], bounds[0])
        zero = bounds[0]
        return [
            _text(data[start - zero : min(end - zero, start - zero + most)], first + n)[:MAX_SHOWN]
            for n, (start, end) in enumerate(pairwise(bounds))
        ]

    def head(self, number: int) -> str:
        """The first HEAD_BYTES of a line; empty where it can be read no more."""
        try:
            return "" if self._file.closed else self._read(number, HEAD_BYTES)
        except OSError:
            return ""

    def whole(self, number: int) -> str:
        """A line, up to MAX_WHOLE characters; empty where it can be read no more."""
        try:
            if self._file.closed:
                return ""
            return self._read(number, MAX_WHOLE * _UTF8_BYTES)[:MAX_WHOLE]
        except OSError:
            return ""

    def _end(self, number: int) -> int:
        after = number + 1
        return int(self._starts[after]) if after < len(self._starts) else self._size

    def _read(self, number: int, most: int) -> str:
        start = int(self._starts[number])
        size = min(self._end(number) - start, most)
        return _text(os.pread(self._handle, size, start), number)

    def close(self) -> None:
        """Release the file."""
        self._file.close()


def _past_gaps(found: list[npt.NDArray[np.int64]], codes: npt.NDArray[np.uint8], at: int) -> None:
    """Lines of a piece of text at `at` that begin with NULs begin behind them.

    Else nothing would be seen of a line behind a long gap, and not even its stamp.
    """
    text = np.append(np.flatnonzero(codes), len(codes)) + at
    before = next(places for places in reversed(found[:-1]) if len(places))
    if before[-1] == at:
        before[-1] = text[0]
    here = found[-1]
    inner = here < at + len(codes)
    here[inner] = text[np.searchsorted(text, here[inner])]


def _text(data: bytes, number: int) -> str:
    # What is behind the end is the gap at the beginning of the next line.
    text = data.rstrip(b"\0").decode("utf-8", "replace")
    if text.endswith("\n"):
        text = text[:-1]
    text = text.removesuffix("\r")
    return text.removeprefix(_BOM) if number == 0 else text


def plain_text(path: str, go_on: GoOn) -> IO[bytes] | None:
    """A file as one of plain UTF-8: itself, or a copy. None if `go_on` said no.

    Raises:
        SourceError: it cannot be opened, or not be kept.
    """
    try:
        file = io.FileIO(path, "rb")
    except OSError as error:
        raise SourceError(f"cannot open {path}: {error.strerror or error}") from error
    head = os.pread(file.fileno(), 4, 0)
    encoding = "utf-16" if is_utf16(head) else ""
    if not (encoding or head.startswith((GZIP_MAGIC, ZSTD_MAGIC))):
        return cast(IO[bytes], file)
    file.close()
    item = open_input(InputSpec(path, True))
    try:
        return _copied(item.stream, go_on)
    finally:
        item.close()


def is_utf16(head: bytes) -> bool:
    """Whether a text begins with the mark of UTF-16."""
    return head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))


def as_utf8(file: IO[bytes], go_on: GoOn) -> IO[bytes] | None:
    """The same for what was kept of a pipe: itself, or a copy where it is UTF-16."""
    if not is_utf16(os.pread(file.fileno(), 4, 0)):
        return file
    with io.FileIO(file.name, "rb") as raw:
        return _copied(PlainStream(raw), go_on)


def _copied(stream: ByteStream, go_on: GoOn) -> IO[bytes] | None:
    """A text as UTF-8 in a temporary file; beyond KEPT_BYTES it is cut."""
    copy = _temporary()
    view = memoryview(bytearray(_PIECE_BYTES))
    decoder: codecs.IncrementalDecoder | None = None
    first, size = True, 0
    try:
        while size < KEPT_BYTES and (count := stream.read_into(view)):
            if not go_on():
                copy.close()
                return None
            data = bytes(view[:count])
            if first and is_utf16(data):
                decoder = codecs.getincrementaldecoder("utf-16")(errors="replace")
            first = False
            if decoder is not None:
                data = decoder.decode(data).encode("utf-8", "replace")
            copy.write(data[: KEPT_BYTES - size])
            size += len(data)
    except OSError as error:
        copy.close()
        raise SourceError(f"cannot keep a text: {error.strerror or error}") from error
    return copy


def _temporary() -> IO[bytes]:
    try:
        # Goes away with the last reference to it.
        return tempfile.NamedTemporaryFile(prefix="dpdlab-", buffering=0)
    except OSError as error:
        raise SourceError(f"cannot make a temporary file: {error.strerror or error}") from error
