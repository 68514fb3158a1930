"""A pipe that tells how it gets on while its reader waits for more."""

from __future__ import annotations

import io
import os
import select
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

PAUSE_S: Final = 0.2
"""A pipe that gives nothing for so long pauses."""

Waited = Callable[[str, int], None]
"""Told the name of an input and the bytes that came of it, as often as it pauses that long."""


class WaitingPipe(io.RawIOBase):
    """The read end of a pipe; whoever waits for it hears of it."""

    def __init__(self, handle: int, name: str, waited: Waited) -> None:
        """Owns `handle`. What `waited` raises ends the reading."""
        super().__init__()
        self._handle = handle
        self._name = name
        self._waited = waited
        self._poll = select.poll()
        self._poll.register(handle, select.POLLIN)
        self._came_bytes = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def pauses(self) -> bool:
        """Whether nothing comes for a while; the end of the pipe is no pause."""
        return not self._poll.poll(PAUSE_S * 1000)

    def readinto(self, buffer: WriteableBuffer) -> int:
        """What is there, as soon as something is; 0 at the end."""
        while self.pauses():
            self._waited(self._name, self._came_bytes)
        count = os.readv(self._handle, [buffer])
        self._came_bytes += count
        return count

    def close(self) -> None:
        """Release the pipe."""
        if not self.closed:
            os.close(self._handle)
        super().close()
