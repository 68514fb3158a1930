"""The only writer to stdout, and to the file that `-o` puts in its place.

A reader that goes away (`| head`) ends the writing quietly and changes no exit code: it has what
it wanted. A file appears whole or not at all.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, Literal

from dpdlab.cli.diagnostics import UsageError
from dpdlab.cli.terminals import has_unicode, is_terminal, wants_colour
from dpdlab.present.text import PLAIN_WIDTH
from dpdlab.present.whole_file import is_same_or_inside, write_whole

if TYPE_CHECKING:
    from rich.console import Console

STANDARD_OUTPUT: Final = "-"


class Output:
    """Where the data of one run goes.

    `color` is `auto`, `always` or `never`; with `auto` a terminal gets colour unless NO_COLOR
    is set. Raises UsageError when something cannot be written.
    """

    def __init__(
        self, path: str | None = None, *, color: str = "auto", ascii_only: bool = False
    ) -> None:
        self._path = None if path in (None, STANDARD_OUTPUT) else Path(path or "")
        self._color = color
        self._ascii_only = ascii_only

    @property
    def to_terminal(self) -> bool:
        """Whether a person sees it at once."""
        return self._path is None and is_terminal(sys.stdout)

    @property
    def ascii_only(self) -> bool:
        """Asked for, or all that the terminal's encoding has."""
        return self._ascii_only or not has_unicode(self.encoding)

    @property
    def ascii_requested(self) -> bool:
        """Asked for: data formats are UTF-8 whatever the terminal is."""
        return self._ascii_only

    def check(self, inputs: Iterable[str]) -> None:
        """Refuse, before any work, a file that cannot be written or that is read by this run."""
        path = self._path
        if path is None:
            return
        try:
            self._refuse(path, inputs)
        except (OSError, ValueError) as error:
            # Too long for a file name, or with a NUL in it.
            raise UsageError(f"cannot write {path}: {_reason(error)}") from error

    @staticmethod
    def _refuse(path: Path, inputs: Iterable[str]) -> None:
        if path.is_dir():
            raise UsageError(f"{path} is a directory", "name a file in it")
        if not path.parent.is_dir():
            raise UsageError(f"cannot write {path}: there is no directory {path.parent}")
        for given in inputs:
            if is_same_or_inside(path, given):
                raise UsageError(f"{path} would overwrite the input {given}")

    def write(self, chunks: Iterable[str]) -> None:
        """Data as UTF-8, with the line ends it has."""
        self.write_bytes(chunk.encode("utf-8", "backslashreplace") for chunk in chunks)

    def write_text(self, text: str) -> None:
        """Text for a person, in the encoding of the terminal."""
        self.write_bytes([text.encode(self.encoding, "backslashreplace")])

    def write_page(self, draw: Callable[[Console], None]) -> None:
        """What `draw` prints to a console of the right width and colours."""
        self.write_text(self.page(draw))

    def page(self, draw: Callable[[Console], None]) -> str:
        """The same, not written."""
        from io import StringIO

        from rich.console import Console

        page = StringIO()
        colored = self.colored
        console = Console(
            file=page,
            width=shutil.get_terminal_size().columns if self.to_terminal else PLAIN_WIDTH,
            force_terminal=colored,
            color_system=self._color_system() if colored else None,
            no_color=not colored,
            legacy_windows=False,
            markup=False,
            emoji=False,
            highlight=False,
        )
        draw(console)
        return page.getvalue()

    def _color_system(self) -> Literal["auto", "standard"]:
        """What the terminal can do; 16 colours where they are forced on something that is none."""
        dumb = os.environ.get("TERM", "").lower() in ("", "dumb", "unknown")
        return "standard" if self._color == "always" and dumb else "auto"

    @property
    def colored(self) -> bool:
        """Whether text gets colours."""
        return wants_colour(self._color) and (self.to_terminal or self._color == "always")

    @property
    def encoding(self) -> str:
        """Of text for a person."""
        if self._path is not None:
            return "utf-8"
        return getattr(sys.stdout, "encoding", None) or "utf-8"

    def write_bytes(self, chunks: Iterable[bytes]) -> None:
        """Data as it is."""
        if self._path is None:
            _write_standard_output(chunks)
        else:
            _write_file(self._path, chunks)


def _write_standard_output(chunks: Iterable[bytes]) -> None:
    stream: BinaryIO | None = getattr(sys.stdout, "buffer", None)
    if stream is None:
        raise UsageError("standard output is closed", "-o FILE writes to a file")
    # What makes the chunks may fail in ways of its own: only writing is judged here.
    for chunk in chunks:
        if not _written(stream, chunk):
            return
    _written(stream, None)


def _written(stream: BinaryIO, chunk: bytes | None) -> bool:
    """Write a chunk, or flush for None; False when the reader is gone."""
    try:
        if chunk is None:
            stream.flush()
        else:
            stream.write(chunk)
    except BrokenPipeError:
        _discard_standard_output()
        return False
    except (OSError, ValueError) as error:
        _discard_standard_output()
        raise UsageError(f"cannot write to standard output: {_reason(error)}") from error
    return True


def _discard_standard_output() -> None:
    """Nothing more can be written: what is buffered must not fail again when Python ends."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _write_file(path: Path, chunks: Iterable[bytes]) -> None:
    try:
        write_whole(path, chunks)
    except BrokenPipeError:
        return
    except OSError as error:
        raise UsageError(f"cannot write {path}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
