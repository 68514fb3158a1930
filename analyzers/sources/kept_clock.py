"""On which clock a live session took the lines of a log: beside what it kept of them.

A log without a year or a zone, or of a device whose clock is off, does not tell that itself.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

_SUFFIX: Final = ".clock"
_MOST_BYTES: Final = 1000
_MOST_NS: Final = 1 << 62


class KeptClock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the stamps of a log stand in time."""

    near_ns: int
    """When its last lines came."""
    shift_ns: int
    """What is added to its stamps, as they are."""


def beside(path: str | Path) -> Path:
    """Where the clock of a log is."""
    return Path(f"{path}{_SUFFIX}")


def is_clock(path: Path) -> bool:
    """Whether a file is the clock of a log beside it."""
    return path.suffix == _SUFFIX and path.with_suffix("").exists()


def write_clock(paths: Iterable[Path], clock: KeptClock) -> None:
    """Keep it for all files of a log, if that can be."""
    for path in paths:
        with contextlib.suppress(OSError):
            beside(path).write_bytes(msgspec.json.encode(clock) + b"\n")


def read_clock(path: str) -> KeptClock | None:
    """What a live session kept beside a log; None where there is nothing that tells."""
    try:
        with beside(path).open("rb") as file:
            clock = msgspec.json.decode(file.read(_MOST_BYTES), type=KeptClock)
    except (OSError, ValueError):
        return None
    return clock if 0 <= clock.near_ns < _MOST_NS and abs(clock.shift_ns) < _MOST_NS else None


def remove_lonely(folder: Path) -> None:
    """Remove the clocks of logs that are gone. Raises OSError."""
    for path in folder.glob(f"*{_SUFFIX}"):
        if not path.with_suffix("").exists():
            with contextlib.suppress(OSError):
                path.unlink()
