"""Whether somebody sits there."""

from __future__ import annotations

import contextlib


def is_terminal(stream: object) -> bool:
    """Whether a stream is a terminal; closed and missing ones are none."""
    with contextlib.suppress(AttributeError, ValueError, OSError):
        return bool(stream.isatty())  # type: ignore[attr-defined]
    return False
