"""What of a log is under other names: rotated away, or copied before it was emptied."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final, NamedTuple

# x.log.1, x.log-20261123, and with the ending kept: x-20261123.log. What is packed is no text.
_NUMBER: Final = r"[._-]\d[\d._-]*"


class Identity(NamedTuple):
    """What a file is, whatever it is called."""

    device: int
    inode: int


class Rotated:
    """The files beside a log into which it may have gone, as they come into being."""

    def __init__(self, path: Path) -> None:
        """Those that are there already are old."""
        name, stem, ending = (re.escape(part) for part in (path.name, path.stem, path.suffix))
        self._folder = path.parent
        self._name = re.compile(f"{name}{_NUMBER}|{stem}{_NUMBER}{ending}")
        self._known = frozenset(self._there())

    def new(self, read: Collection[Identity | None]) -> list[Path]:
        """Those that came since the last time, the oldest first; `read` are none of them."""
        there = self._there()
        found = [at for key, at in there.items() if key not in self._known and key not in read]
        self._known = frozenset(there)
        return [path for _, path in sorted(found)]

    def _there(self) -> dict[Identity, tuple[int, Path]]:
        return {key: (when, path) for key, when, path in self._files()}

    def _files(self) -> Iterator[tuple[Identity, int, Path]]:
        try:
            with os.scandir(self._folder) as entries:
                names = [entry.name for entry in entries if self._name.fullmatch(entry.name)]
        except OSError:
            return
        for name in names:
            path = self._folder / name
            try:
                status = path.lstat()
            except OSError:
                continue
            if stat.S_ISREG(status.st_mode):
                yield Identity(status.st_dev, status.st_ino), status.st_mtime_ns, path
