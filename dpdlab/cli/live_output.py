"""The lines of a live session: neither stdout nor stderr is waited for where nobody reads it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TextIO

from analyzers.export.jsonl_writer import unwritten_line
from dpdlab.cli.diagnostics import PROGRAM, Diagnostics, UsageError
from dpdlab.cli.line_queue import LineQueue
from dpdlab.cli.output import Output
from dpdlab.present.formatting import counted

if TYPE_CHECKING:
    from rich.console import Console

_UNREAD: Final = "nobody reads standard output: further lines are counted, and not written"


class LiveOutput:
    """Standard output, with what is said of it on stderr."""

    def __init__(self, output: Output, handle: int, form: str, diagnostics: Diagnostics) -> None:
        self._output = output
        self._diagnostics = diagnostics
        self._lines = LineQueue(handle, unwritten_line if form == "jsonl" else _unwritten_text)
        self._told_full = False
        self._told = 0
        """Lines that were told to be missing."""

    @property
    def ascii_only(self) -> bool:
        """Asked for, or all that the terminal's encoding has."""
        return self._output.ascii_only

    @property
    def ascii_requested(self) -> bool:
        """Asked for: data formats are UTF-8 whatever the terminal is."""
        return self._output.ascii_requested

    def write(self, lines: Iterable[str] = ()) -> bool:
        """Lines as they come into being; False when whoever reads them is gone.

        Raises UsageError where they cannot be written.
        """
        going = self._lines.put(lines)
        if not going and not isinstance(self._lines.failure, BrokenPipeError):
            why = getattr(self._lines.failure, "strerror", None) or self._lines.failure
            raise UsageError(f"cannot write to standard output: {why}")
        if self._lines.is_full and not self._told_full:
            self._diagnostics.warning(_UNREAD)
        elif self._told_full and not self._lines.is_full:
            self._tell_missing(self._lines.dropped)
        self._told_full = self._lines.is_full
        return going

    def write_page(self, draw: Callable[[Console], None]) -> None:
        """What `draw` prints to a console of the right width and colours."""
        self.write([self._output.page(draw)])

    @property
    def has_reader(self) -> bool:
        """Whether anybody may still read, as far as the system tells."""
        return self.write() and self._lines.has_reader

    def finish(self) -> None:
        """What is written from now on is the last: who reads, however slowly, shall have it all."""
        self._lines.finish()

    def close(self) -> None:
        """Nothing more is written, and what nobody read is told."""
        missing = self._lines.close()
        self._tell_missing(missing, "; the last one ends amid" if self._lines.is_cut else "")

    def _tell_missing(self, missing: int, more: str = "") -> None:
        if missing > self._told:
            self._diagnostics.warning(_missing_words(missing - self._told) + more)
            self._told = missing


@contextmanager
def opened(output: Output, form: str, diagnostics: Diagnostics) -> Iterator[LiveOutput]:
    """Standard output for lines of a format, and stderr in the same way.

    Raises UsageError where there is none.
    """
    handle, beside = _handle_of(sys.stdout), _handle_of(sys.stderr)
    if handle is None:
        raise UsageError("standard output is closed")
    if beside is None:
        yield LiveOutput(output, handle, form, diagnostics)
        return
    said = LineQueue(beside, lambda missing: f"{PROGRAM}: {_missing_words(missing)}\n")
    with diagnostics.through(lambda text: said.put([text])):
        try:
            yield LiveOutput(output, handle, form, diagnostics)
        finally:
            said.close()


def _handle_of(stream: TextIO | None) -> int | None:
    try:
        return None if stream is None else stream.fileno()
    except (OSError, ValueError):
        return None


def _missing_words(missing: int) -> str:
    return f"{counted(missing, 'line')} not written: nobody read them"


def _unwritten_text(missing: int) -> str:
    return f"({_missing_words(missing)})\n"
