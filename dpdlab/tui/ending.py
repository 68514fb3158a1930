"""What ends the console from outside: signals, and a terminal that is gone.

The terminal is given back first, then the process ends by the signal.
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
import sys
from collections.abc import Callable
from typing import Final

_ENDING: Final = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGINT") if hasattr(signal, name)
)
_HANG_UP: Final = int(getattr(signal, "SIGHUP", 0))
_FIRST_CODE: Final = 128
"""A shell gives a process that a signal ended this code and the number of the signal."""


_LOOK_S: Final = 1.0
"""Between two looks whether the terminal is still there."""


def is_gone(descriptor: int) -> bool:
    """Whether a terminal has been closed: not everyone who has one is sent a signal then."""
    if not hasattr(select, "poll"):
        return False
    look = select.poll()
    look.register(descriptor, 0)
    return any(found & (select.POLLHUP | select.POLLERR) for _, found in look.poll(0))


def listen(leave: Callable[[int], object]) -> None:
    """From now on a signal that ends the process calls `leave` with its exit code.

    A second one ends the process at once: it may be that nothing is listened to any more. Where
    signals do not come (another thread, another system), nothing changes.
    """
    loop = asyncio.get_running_loop()

    def end(number: int) -> None:
        loop.remove_signal_handler(number)
        leave(_FIRST_CODE + number)

    def look() -> None:
        # Keys may come from somewhere else.
        stream = sys.__stdout__
        if stream is not None and is_gone(stream.fileno()):
            leave(_FIRST_CODE + _HANG_UP)
        else:
            loop.call_later(_LOOK_S, look)

    if _HANG_UP:
        loop.call_later(_LOOK_S, look)
    for number in _ENDING:
        handler = signal.getsignal(number)
        # To an interrupt Python and asyncio have handlers of their own: this one goes before.
        is_free = handler is signal.SIG_DFL or number == signal.SIGINT
        if not is_free or handler is signal.SIG_IGN:
            continue
        try:
            loop.add_signal_handler(number, end, number)
        except (ValueError, RuntimeError, NotImplementedError):
            return


def is_hang_up(code: int | None) -> bool:
    """Whether an exit code says that the terminal is gone: nobody reads there any more."""
    return bool(_HANG_UP) and code == _FIRST_CODE + _HANG_UP


def follow(code: int | None) -> None:
    """End by the signal that this exit code stands for, if it stands for one."""
    if code is not None and code - _FIRST_CODE in _ENDING:
        signal.signal(code - _FIRST_CODE, signal.SIG_DFL)
        os.kill(os.getpid(), code - _FIRST_CODE)
