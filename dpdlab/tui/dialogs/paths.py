"""Paths that are typed, as far as the files that are there tell how they go on."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_MOST_LOOKED_AT: Final = 10_000


def completed(text: str) -> tuple[str, Sequence[str]]:
    """The text with what all names that begin so have in common, and these names.

    A folder ends with a slash; hidden files need their dot. What cannot be read has no names.
    """
    before, slash, begun = text.rpartition("/")
    try:
        folder = Path(f"{before}{slash}" or ".").expanduser()
        with os.scandir(folder) as entries:
            found = sorted(
                f"{entry.name}/" if entry.is_dir() else entry.name
                for entry, _ in zip(entries, range(_MOST_LOOKED_AT), strict=False)
                if entry.name.startswith(begun)
                and (begun or not entry.name.startswith("."))
                # Others cannot be typed, and may be no names for a terminal.
                and entry.name.isprintable()
            )
    except (OSError, ValueError, RuntimeError):
        return text, ()
    common = os.path.commonprefix(found)  # noqa: RUF071 - names go on letter by letter
    return (f"{before}{slash}{common}" if common else text), found
