"""Whether somebody sits there."""

from __future__ import annotations

import contextlib
import os


def is_terminal(stream: object) -> bool:
    """Whether a stream is a terminal; closed and missing ones are none."""
    with contextlib.suppress(AttributeError, ValueError, OSError):
        return bool(stream.isatty())  # type: ignore[attr-defined]
    return False


def wants_colour(option: str) -> bool:
    """Whether a terminal gets colours: `--color`, and NO_COLOR where that says auto."""
    return option == "always" or (option == "auto" and not os.environ.get("NO_COLOR"))
