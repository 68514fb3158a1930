"""The only writer to stderr, and the exit codes.

Everything here is narration for a person: one line a message, safe for a terminal, never a
traceback unless it was asked for. A stderr that is closed or full changes nothing.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from enum import IntEnum
from typing import Final

PROGRAM: Final = "dpdlab"


class ExitCode(IntEnum):
    """What scripts may rely on."""

    OK = 0
    FINDINGS = 1
    """Findings at or above `--fail-on`; without it: what `live --until` waits for did not come."""
    USAGE = 2
    """A wrong option, or an output that cannot be written."""
    INPUT = 3
    """An input or a key file cannot be read, or nothing in it is recognised."""
    DAMAGE = 4
    """Damage in the input under `--strict`."""
    MISSING = 5
    """A tool, a library or a privilege is missing."""
    INTERNAL = 70
    INTERRUPTED = 130


class CommandError(Exception):
    """A command cannot go on: one line for the user, a hint, and the exit code.

    `excerpt` is what the message is about, line by line, with the place marked.
    """

    def __init__(
        self, code: ExitCode, message: str, hint: str = "", excerpt: Sequence[str] = ()
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.excerpt = tuple(excerpt)


class UsageError(CommandError):
    """The command line, or something it names for output, cannot be used."""

    def __init__(self, message: str, hint: str = "", excerpt: Sequence[str] = ()) -> None:
        super().__init__(ExitCode.USAGE, message, hint, excerpt)


class Diagnostics:
    """Messages of one run; `quiet` silences all but errors."""

    def __init__(self, *, quiet: bool = False, debug: bool = False) -> None:
        self.quiet = quiet
        self.debug = debug
        self._write: Callable[[str], object] = _write

    @contextlib.contextmanager
    def through(self, write: Callable[[str], object]) -> Iterator[None]:
        """As long as this holds, `write` takes the lines, each with its end."""
        self._write = write
        try:
            yield
        finally:
            self._write = _write

    def error(self, message: str, hint: str = "", excerpt: Sequence[str] = ()) -> None:
        """One line, with what to do about it in parentheses, and what it is about below."""
        hint = f" ({hint})" if hint else ""
        self._line(f"{PROGRAM}: error: {message}{hint}")
        for line in excerpt:
            self._line(f"  {line}")

    def warning(self, message: str) -> None:
        """One line that a script may ignore and a person should not."""
        if not self.quiet:
            self._line(f"{PROGRAM}: warning: {message}")

    def note(self, message: str) -> None:
        """One line of information."""
        if not self.quiet:
            self._line(f"{PROGRAM}: {message}")

    def internal_error(self, failure: BaseException) -> None:
        """One line that asks for a report; the traceback only with `--debug`."""
        if self.debug:
            import traceback

            _write("".join(traceback.format_exception(failure)))
            hint = "please report this with the traceback above"
        else:
            hint = "please report this with what the same command prints under --debug"
        reason = str(failure).partition("\n")[0]
        self.error(f"internal error: {type(failure).__name__}: {reason}", hint)

    def traceback_of(self, failure: BaseException) -> None:
        """With `--debug`, where an expected error came from."""
        if self.debug:
            import traceback

            _write("".join(traceback.format_exception(failure)))

    def _line(self, text: str) -> None:
        self._write(_neutralised(text) + "\n")


def _neutralised(text: str) -> str:
    try:
        from dpdlab.present.safe import safe
    except ImportError:
        # Another `analyzers` is in the way, which is what the message is about.
        return ascii(text)[1:-1]
    return safe(text)


def _write(text: str) -> None:
    # Whoever reads both streams in one place sees them in order.
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stdout.flush()
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(text)
        sys.stderr.flush()
