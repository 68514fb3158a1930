"""Files that appear whole or not at all, and never over what is being read."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

_KIND_PREFIX: Final = re.compile(r"[a-z][a-z0-9-]*:(?=.)")


def write_whole(path: Path, chunks: Iterable[bytes]) -> None:
    """Write a file: all of it takes its place at once. Raises OSError."""
    if path.exists() and not path.is_file():
        # A device or a pipe: there is nothing to replace.
        with path.open("wb") as stream:
            stream.writelines(chunks)
        return
    # Through a link, to what it names.
    with _replacement(path.resolve()) as stream:
        stream.writelines(chunks)


@contextlib.contextmanager
def _replacement(target: Path) -> Iterator[BinaryIO]:
    """A file that takes the place of `target` when everything is in it."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".dpdlab-", suffix=".part")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
        temporary.chmod(_mode_for(target))
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _mode_for(target: Path) -> int:
    """The permissions it has, or those that a new file gets."""
    with contextlib.suppress(FileNotFoundError):
        return target.stat().st_mode & 0o7777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def is_same_or_inside(path: Path, given: str) -> bool:
    """Whether a file is an input, `KIND:PATH` too, or lies in one that is a directory."""
    if not path.exists():
        return False
    for name in {given, _KIND_PREFIX.sub("", given, count=1)}:
        read = Path(name)
        with contextlib.suppress(OSError, ValueError):
            if read.is_dir():
                if path.resolve().is_relative_to(read.resolve()):
                    return True
            elif read.exists() and read.samefile(path):
                return True
    return False
