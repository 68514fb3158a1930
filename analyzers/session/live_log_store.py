"""Keeps the text of logs that grow, as it came: whole lines only, a file for each source.

What an offline analysis reads is what the session has seen. A source may have several files, of
which the oldest go.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from analyzers.errors import SourceError
from analyzers.sources.feed import Line, Piece
from analyzers.sources.kept_clock import KeptClock, write_clock
from analyzers.sources.ring_files import RingFiles

MOST_LOGS: Final = 16
"""Sources whose text is kept; anybody may send syslog messages."""
_FILE_BYTES: Final = 8_000_000
_FILES: Final = 2
# What has no end for so long is no line: it is kept in pieces.
_MOST_LINE: Final = 1 << 16
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9.-]+")
_MOST_NAME: Final = 60


class KeptLog(Struct):
    """The text of one source."""

    number: int
    """Of the source in its session."""
    name: str
    """As the session calls it; from outside, and untrusted."""
    files: RingFiles
    clock: KeptClock | None = None
    """On which the session takes it, where its text does not tell."""
    _rest: bytes = b""
    """The beginning of a line whose end has not come."""

    @property
    def paths(self) -> tuple[Path, ...]:
        """Where it is, the oldest first."""
        return self.files.files

    @property
    def whole(self) -> bool:
        """Whether its files have all of it."""
        return bool(self.paths) and not self.files.removed and not self.files.stopped

    @property
    def is_empty(self) -> bool:
        """Whether no line was written."""
        return not self.files.size and len(self.paths) == 1

    def write(self, data: bytes) -> None:
        """Text as it came."""
        data = self._rest + data
        end = data.rfind(b"\n") + 1
        if len(data) - end > _MOST_LINE:
            data, end = data + b"\n", len(data) + 1
        self._rest = data[end:]
        if not end:
            return
        if self.files.is_full(end):
            self.files.turn()
        self.files.write(data[:end])

    def close(self) -> None:
        """The last line has ended, too."""
        if self._rest:
            self.write(b"\n")
        self.files.close()
        if self.clock is not None:
            write_clock(self.paths, self.clock)


class LogStore:
    """The text of all logs of a session."""

    def __init__(self, folder: Path, stem: str) -> None:
        """Files are in `folder`, and their names begin with `stem`."""
        self._folder = folder
        self._stem = stem
        self._logs: dict[int, KeptLog | None] = {}
        self.unkept: dict[str, str] = {}
        """Why there is no file of a source, by what the session calls it."""

    @property
    def logs(self) -> tuple[KeptLog, ...]:
        """What was kept, in the order of the sources."""
        found = [log for log in self._logs.values() if log is not None]
        return tuple(sorted(found, key=lambda log: log.number))

    @property
    def stopped(self) -> str:
        """Why one is written no more; empty while all are."""
        return next((log.files.stopped for log in self.logs if log.files.stopped), "")

    @property
    def whole(self) -> bool:
        """Whether everything that came was kept."""
        return all(log is not None and log.whole for log in self._logs.values())

    def write(self, number: int, name: str, pieces: Sequence[Piece]) -> None:
        """What a source of the session has read."""
        data = b"".join(map(_bytes_of, pieces))
        if not data:
            return
        if number not in self._logs:
            self._logs[number] = self._open(number, name)
        log = self._logs[number]
        if log is not None:
            log.write(data)

    def keep_clock(self, number: int, clock: KeptClock | None) -> None:
        """The clock on which the session takes a log, where its text does not tell."""
        log = self._logs.get(number)
        if log is None or clock is None:
            return
        known, log.clock = log.clock, clock
        if known is None or known.shift_ns != clock.shift_ns:
            write_clock(log.paths, clock)

    def close(self) -> None:
        """Let go of the files."""
        for log in self.logs:
            log.close()

    def _open(self, number: int, name: str) -> KeptLog | None:
        if len(self.logs) >= MOST_LOGS:
            if len(self.unkept) < MOST_LOGS:
                self.unkept[name] = f"{MOST_LOGS} other sources are"
            return None
        shown = _UNSAFE.sub("-", name.rpartition("/")[2]).strip("-.")[:_MOST_NAME]
        path = self._folder / f"{self._stem}-s{number + 1}-{shown or 'log'}"
        path = path.with_name(f"{path.name.removesuffix('.log')}.log")
        try:
            files = RingFiles(path, most_bytes=_FILE_BYTES, most_files=_FILES)
        except SourceError as error:
            self.unkept[name] = error.message
            return None
        return KeptLog(number, name, files)


def _bytes_of(piece: Piece) -> bytes:
    if isinstance(piece, bytes):
        return piece
    return f"{piece.text}\n".encode() if isinstance(piece, Line) else b""
