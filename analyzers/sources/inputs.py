"""What the user named as input: files, directories and stdin, opened and told by content."""

from __future__ import annotations

import io
import os
import stat
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Final

from msgspec import Struct

from analyzers.errors import SourceError, UnopenedError
from analyzers.model.records import ClockAhead
from analyzers.sources.kept_clock import KeptClock, is_clock, read_clock
from analyzers.sources.names import SHOWN_STDIN, STDIN, kind_and_path, shown
from analyzers.sources.parts import OneSource, Parts
from analyzers.sources.streams import ByteStream, PlainStream, open_stream
from analyzers.sources.waiting import Waited, WaitingPipe

# Directories are read to this depth: a folder of captures, not a file system.
_MAX_DEPTH: Final = 8
_SPOOL_BYTES: Final = 1 << 20


class Input(Struct):
    """An opened input."""

    path: str
    """As shown to the user; "stdin" for a pipe."""
    stream: ByteStream
    head: bytes
    """The first bytes, decompressed."""
    size_bytes: int | None
    """Size of the file on disk; None for a pipe."""
    raw: io.RawIOBase
    modified_ns: int | None = None
    """When the file was last written."""
    clock: KeptClock | None = None
    """On which clock a live session took it, if one kept it."""
    spool: IO[bytes] | None = None
    """The temporary file behind it, which goes away with it."""

    def give_what_is_there(self) -> bool:
        """Let a pipe that pauses give what has come; False where all of it is waited for."""
        if not (isinstance(self.raw, WaitingPipe) and isinstance(self.stream, PlainStream)):
            return False
        self.stream.gives_what_is_there = True
        return True

    def close(self) -> None:
        """Release the file."""
        self.raw.close()
        if self.spool is not None:
            self.spool.close()


class InputSpec(Struct, frozen=True):
    """One file to open."""

    path: str
    required: bool
    """Named by the user, rather than found in a directory: then it must be readable."""
    forced: bool = False
    """The user said what it is."""
    name: str = ""
    """As the user named it."""
    kind: str = ""
    """What the user said it is."""
    parts: tuple[str, ...] = ()
    """Files that are one input when they are read one after the other; `path` is the first."""
    interfaces: frozenset[int] | None = None
    """Of a capture that a live session wrote: the interfaces that are this input; None: all."""
    one_clock: frozenset[int] | None = None
    """Of a capture whose interfaces have several clocks: those of one of them; None: all."""
    ahead: ClockAhead | None = None
    """Where the clock of a capture is known to have been set ahead."""
    refused: UnopenedError | None = None
    """Why it cannot be opened, where that is known already."""
    shown_as: str = ""
    """What it is called where it is shown; empty: as its path is."""


def expand(names: Sequence[str | InputSpec], *, missing_too: bool = False) -> list[InputSpec]:
    """The files behind the names; directories give their files in name order.

    Raises SourceError for a name that does not exist, unless those are wanted as well.
    """
    specs: list[InputSpec] = []
    for name in names:
        if isinstance(name, InputSpec):
            specs.append(name)
            continue
        kind, named = kind_and_path(name)
        if named == STDIN:
            specs.append(InputSpec(STDIN, True, bool(kind), name, kind))
            continue
        path = Path(named)
        try:
            is_directory = stat.S_ISDIR(path.stat().st_mode)
        except OSError as error:
            if not missing_too:
                raise _cannot_open(named, error) from error
            is_directory = False
        except ValueError as error:
            raise SourceError(f"{named!r} is no path: {error}") from error
        if is_directory:
            specs.extend(_files(path))
        else:
            specs.append(InputSpec(named, True, bool(kind), name, kind))
    return specs


def open_input(spec: InputSpec, waited: Waited | None = None) -> Input:
    """Open one input; raises SourceError where that is not possible.

    `waited` hears how a pipe gets on while it pauses.
    """
    if spec.refused is not None:
        raise spec.refused
    raw: io.RawIOBase
    modified_ns: int | None = None
    if spec.path == STDIN:
        if sys.stdin is None or sys.stdin.closed:
            raise SourceError("there is nothing on stdin")
        handle = os.dup(sys.stdin.fileno())
        raw = (
            io.FileIO(handle, "rb") if waited is None else WaitingPipe(handle, SHOWN_STDIN, waited)
        )
        size = None
    else:
        try:
            if spec.parts:
                raw = parts = Parts(spec.parts)
                size, modified_ns = parts.size_bytes, parts.modified_ns
                if spec.interfaces is not None:
                    raw = OneSource(parts, spec.interfaces)
            else:
                raw = io.FileIO(spec.path, "rb")
                status = os.fstat(raw.fileno())
                size = status.st_size if stat.S_ISREG(status.st_mode) else None
                if waited is not None and stat.S_ISFIFO(status.st_mode):
                    piped = os.dup(raw.fileno())
                    raw.close()
                    raw = WaitingPipe(piped, spec.shown_as or shown(spec.path), waited)
                modified_ns = status.st_mtime_ns
        except OSError as error:
            raise _cannot_open(spec.path, error) from error
    name = spec.shown_as or shown(spec.path)
    try:
        stream, head = open_stream(raw)
    except SourceError as error:
        raw.close()
        raise SourceError(f"{name}: {error.message}", reason=error.message) from error
    clock = None if spec.path == STDIN else read_clock(spec.parts[-1] if spec.parts else spec.path)
    return Input(name, stream, head, size, raw, modified_ns, clock)


def spooled(item: Input, name: str, begun: Callable[[InputSpec], None]) -> tuple[InputSpec, Input]:
    """A pipe as a temporary file, which can be read again. Raises SourceError.

    `name` is what the user calls it; `begun` is told of the file, which grows from then on.
    """
    file = tempfile.NamedTemporaryFile(prefix="dpdlab-")  # noqa: SIM115 - closed by Input.close
    spec = InputSpec(file.name, True, name=name, shown_as=item.path)
    item.give_what_is_there()
    begun(spec)
    try:
        view = memoryview(bytearray(_SPOOL_BYTES))
        while count := item.stream.read_into(view):
            file.write(view[:count])
            file.flush()
    except OSError as error:
        file.close()
        raise SourceError(f"cannot keep {item.path}: {error.strerror or error}") from error
    finally:
        item.close()
    again = open_input(spec)
    again.size_bytes, again.modified_ns = None, None
    again.spool = file
    return spec, again


def read_text(path: str, limit_bytes: int) -> str:
    """The text of a small file; raises SourceError. Bytes that are no UTF-8 are replaced."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(limit_bytes + 1)
    except OSError as error:
        raise _cannot_open(path, error) from error
    if len(data) > limit_bytes:
        raise SourceError(f"{path} is larger than {limit_bytes >> 20} MiB")
    return data.decode("utf-8", errors="replace")


def _files(directory: Path) -> list[InputSpec]:
    """What is in a directory, folders that cannot be opened among it, in the order of names."""
    found: list[Path] = []
    refused: dict[Path, UnopenedError] = {}
    pending = [(directory, 0)]
    while pending:
        folder, depth = pending.pop()
        try:
            entries = sorted(folder.iterdir())
        except OSError as error:
            if not depth:
                raise _cannot_open(str(folder), error) from error
            refused[folder] = _cannot_open(str(folder), error)
            continue
        for entry in entries:
            try:
                is_folder, is_file = entry.is_dir(), entry.is_file()
            except OSError as error:
                # The folder tells names, but lets nobody in.
                refused[entry] = _cannot_open(str(entry), error)
                continue
            if is_folder and entry.is_symlink():
                continue  # a link upwards would never end
            if is_folder and depth < _MAX_DEPTH:
                pending.append((entry, depth + 1))
            elif is_file and not is_clock(entry):
                found.append(entry)
    return [
        InputSpec(str(path), False, name=str(path), refused=refused.get(path))
        for path in sorted((*found, *refused))
    ]


def _cannot_open(path: str, error: OSError) -> UnopenedError:
    reason = error.strerror or str(error)
    hint = ""
    if isinstance(error, PermissionError):
        hint = "captures made as root often belong to root: chmod or chown the file"
    return UnopenedError(f"cannot open {path}: {reason}", hint, f"it cannot be opened: {reason}")
