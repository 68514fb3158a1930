"""Whether somebody sits there."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Final

from dpdlab.cli.diagnostics import UsageError

_TERMINAL: Final = "/dev/tty"


def is_terminal(stream: object) -> bool:
    """Whether a stream is a terminal; closed and missing ones are none."""
    with contextlib.suppress(AttributeError, ValueError, OSError):
        return bool(stream.isatty())  # type: ignore[attr-defined]
    return False


def has_keys() -> bool:
    """Whether there is a terminal behind whatever standard input is."""
    with contextlib.suppress(OSError):
        os.close(os.open(_TERMINAL, os.O_RDWR))
        return True
    return False


def keys_from_terminal() -> None:
    """The pipe goes to a descriptor of its own, the terminal takes that of standard input.

    Textual reads its keys there, whatever `sys.stdin` is.
    """
    if is_terminal(sys.stdin):
        return
    pipe = os.dup(0)
    terminal = os.open(_TERMINAL, os.O_RDWR)
    os.dup2(terminal, 0)
    os.close(terminal)
    sys.stdin = os.fdopen(pipe, "r")


def refuse_typing(hint: str) -> None:
    """Standard input is to be read: raises UsageError, with what to do, where it is a terminal."""
    if is_terminal(sys.stdin):
        raise UsageError("standard input is a terminal", hint)


def has_unicode(encoding: str | None) -> bool:
    """Whether all signs can be written in an encoding; where none is known, they can."""
    return (encoding or "utf").lower().replace("-", "").replace("_", "").startswith("utf")


def wants_colour(option: str) -> bool:
    """Whether a terminal gets colours: `--color`, and NO_COLOR where that says auto."""
    return option == "always" or (option == "auto" and not os.environ.get("NO_COLOR"))
