"""The first picture of the console: what is read, before anything heavy is loaded.

It has the place and the words of the console's own first frame, which then paints over it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType, TracebackType
from typing import Final

from dpdlab.present.safe import safe

_ENTER: Final = "\x1b[?1049h\x1b[?25l\x1b[H\x1b[2J"
_LEAVE: Final = "\x1b[?25h\x1b[?1049l"
_NAME: Final = "\x1b[1;7m dpdlab \x1b[0m"
_NAME_CELLS: Final = 8
_NAMES_SHOWN: Final = 3
_BAR_CELLS: Final = 10
_ENDING: Final = (signal.SIGTERM, signal.SIGHUP)


class Opening:
    """The terminal between the command line and the console.

    Left by an exception or a signal it gives the terminal back as it was.
    """

    def __init__(self, inputs: Sequence[str], *, ascii_only: bool) -> None:
        self._inputs = inputs
        self._ascii_only = ascii_only
        self._shown = False
        self._handlers: list[tuple[signal.Signals, object]] = []

    def __enter__(self) -> Opening:
        with contextlib.suppress(ValueError):
            self._handlers = [(number, signal.signal(number, _end)) for number in _ENDING]
        with contextlib.suppress(OSError, ValueError):
            columns, rows = os.get_terminal_size(sys.stdout.fileno())
            self._write(_ENTER + picture(self._inputs, columns, rows, ascii_only=self._ascii_only))
            self._shown = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self._restore()
        if self._shown:
            self._write(_LEAVE)

    def hand_over(self) -> None:
        """The console has the terminal from here on, and gives it back."""
        self._shown = False
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._handlers:
            signal.signal(number, handler)  # type: ignore[arg-type]
        self._handlers = []

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            encoding = sys.stdout.encoding or "ascii"
            sys.stdout.flush()
            os.write(sys.stdout.fileno(), text.encode(encoding, "replace"))


def picture(inputs: Sequence[str], columns: int, rows: int, *, ascii_only: bool) -> str:
    """What is read in the first line, how far in the last one."""
    names = [safe(os.path.basename(name) or name) for name in inputs[:_NAMES_SHOWN]]  # noqa: PTH119 - pathlib costs as much as all the rest
    if len(inputs) > _NAMES_SHOWN:
        names.append(f"{len(inputs) - _NAMES_SHOWN} more")
    told, mark = " + ".join(names), "~" if ascii_only else "…"
    room = max(columns - _NAME_CELLS - len("reading") - 3, 0)
    if len(told) > room:
        told = told[: max(room - 1, 0)] + mark
    if ascii_only:
        told = told.encode("ascii", "replace").decode()
    bar = ("." if ascii_only else "░") * _BAR_CELLS
    foot = f"reading {bar} 0%"[: max(columns - 1, 0)]
    return (
        f"{_NAME} {told}\x1b[1;{max(columns - len('reading'), 1)}Hreading"
        f"\x1b[{rows};{max(columns - len(foot), 1)}H{foot}"
    )


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
