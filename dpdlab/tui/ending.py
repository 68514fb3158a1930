"""Signals that end the console: the terminal is given back first, then the process ends by them."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from typing import Final

_ENDING: Final = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)
)
_FIRST_CODE: Final = 128
"""A shell gives a process that a signal ended this code and the number of the signal."""


def listen(leave: Callable[[int], object]) -> None:
    """From now on a signal that ends the process calls `leave` with its exit code.

    A second one ends the process at once: it may be that nothing is listened to any more. Where
    signals do not come (another thread, another system), nothing changes.
    """
    loop = asyncio.get_running_loop()

    def end(number: int) -> None:
        loop.remove_signal_handler(number)
        leave(_FIRST_CODE + number)

    for number in _ENDING:
        if signal.getsignal(number) is not signal.SIG_DFL:
            continue
        try:
            loop.add_signal_handler(number, end, number)
        except (ValueError, RuntimeError, NotImplementedError):
            return


def follow(code: int | None) -> None:
    """End by the signal that this exit code stands for, if it stands for one."""
    if code is not None and code - _FIRST_CODE in _ENDING:
        signal.signal(code - _FIRST_CODE, signal.SIG_DFL)
        os.kill(os.getpid(), code - _FIRST_CODE)
