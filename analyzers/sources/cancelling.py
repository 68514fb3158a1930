"""Ends a task in another thread's event loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable


class Cancelling:
    """What one task is ended by, from any thread."""

    def __init__(self) -> None:
        self._cancel: Callable[[], object] | None = None

    def arm(self) -> None:
        """The task that runs now is the one that is meant."""
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None
        self._cancel = lambda: loop.call_soon_threadsafe(task.cancel)

    def disarm(self) -> None:
        """The task is over."""
        self._cancel = None

    def cancel(self) -> None:
        """End it, and once only: a second time would cut off its tidying up."""
        cancel, self._cancel = self._cancel, None
        if cancel is not None:
            # The loop may be closed by now.
            with contextlib.suppress(RuntimeError):
                cancel()
