"""How far a long run is, on stderr, when somebody is looking.

Short runs show nothing: the bar appears after half a second and vanishes when the run ends. It
is drawn from the callback, without a thread, at most ten times a second.
"""

from __future__ import annotations

import contextlib
import sys
import time
from pathlib import PurePath
from types import TracebackType
from typing import TYPE_CHECKING, Final

from dpdlab.cli import interrupts
from dpdlab.cli.terminals import is_terminal, wants_colour

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from analyzers.session import Progress

APPEARS_AFTER_S: Final = 0.5
REDRAWN_AFTER_S: Final = 0.1
# A long file name must not push the bar out of 80 columns.
_NAME_LENGTH: Final = 24


class ProgressBar:
    """A context manager and a callback: hand it to `Session.run`.

    It stays silent unless stderr is a terminal and `wanted`; `color` is `--color`.
    """

    def __init__(self, *, wanted: bool, color: str, ascii_only: bool) -> None:
        self._wanted = wanted and is_terminal(sys.stderr)
        self._color = wants_colour(color)
        self._ascii_only = ascii_only
        self._started_s = time.monotonic()
        self._drawn_s = 0.0
        self._bars: Bars | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> ProgressBar:
        self._started_s = time.monotonic()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bars is not None:
            with contextlib.suppress(OSError, ValueError):
                self._bars.stop()

    def __call__(self, progress: Progress) -> None:
        """Take note; draw if it is time. Raises a KeyboardInterrupt that came while importing."""
        interrupts.check()
        if not self._wanted:
            return
        now_s = time.monotonic()
        if now_s - self._started_s < APPEARS_AFTER_S or now_s - self._drawn_s < REDRAWN_AFTER_S:
            return
        self._drawn_s = now_s
        try:
            self._draw(progress)
        except (OSError, ValueError):
            # The terminal went away; the run did not.
            self._wanted = False

    def _draw(self, progress: Progress) -> None:
        first = self._bars is None or self._task is None
        if self._bars is None or self._task is None:
            self._bars = self._new_bars()
            self._task = self._bars.add_task("", total=None)
        self._bars.update(
            self._task,
            description=f"{_short_name(progress.path)}  {progress.packets:,} packets,"
            f" {progress.ike_messages:,} IKE",
            completed=progress.read_bytes,
            total=progress.total_bytes,
        )
        if first:
            # Only now: what starts is drawn at once.
            self._bars.start()
        else:
            self._bars.refresh()

    def _new_bars(self) -> Bars:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, ProgressColumn, TextColumn
        from rich.progress import Progress as Bars

        columns: list[ProgressColumn] = [TextColumn("{task.description}", markup=False)]
        if not self._ascii_only:
            columns.append(BarColumn(bar_width=20))
        columns.append(DownloadColumn())
        console = Console(stderr=True, no_color=not self._color, highlight=False)
        return Bars(*columns, console=console, transient=True, auto_refresh=False)


def _short_name(path: str) -> str:
    from dpdlab.present.safe import safe

    name = safe(PurePath(path).name or path)
    return name if len(name) <= _NAME_LENGTH else "..." + name[3 - _NAME_LENGTH :]
