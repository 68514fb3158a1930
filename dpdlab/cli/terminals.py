"""Whether somebody sits there."""

from __future__ import annotations

import contextlib
import os
import sys

from dpdlab.cli.diagnostics import UsageError


def is_terminal(stream: object) -> bool:
    """Whether a stream is a terminal; closed and missing ones are none."""
    with contextlib.suppress(AttributeError, ValueError, OSError):
        return bool(stream.isatty())  # type: ignore[attr-defined]
    return False


def refuse_typing(hint: str) -> None:
    """Standard input is to be read: raises UsageError, with what to do, where it is a terminal."""
    if is_terminal(sys.stdin):
        raise UsageError("standard input is a terminal", hint)


def wants_colour(option: str) -> bool:
    """Whether a terminal gets colours: `--color`, and NO_COLOR where that says auto."""
    return option == "always" or (option == "auto" and not os.environ.get("NO_COLOR"))
