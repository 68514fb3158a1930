"""Ctrl-C that Python would lose.

An interrupt that arrives while a finaliser or a weakref callback runs (there is one per import)
is printed as "Exception ignored" and forgotten. Here it is kept until somebody asks.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


class _Lost:
    interrupt = False


@contextmanager
def kept() -> Iterator[None]:
    """While this holds, a lost interrupt is remembered instead of printed; raised at the end."""
    _Lost.interrupt = False
    usual = sys.unraisablehook

    def keep(unraisable: sys.UnraisableHookArgs) -> None:
        if issubclass(unraisable.exc_type, KeyboardInterrupt):
            _Lost.interrupt = True
        else:
            usual(unraisable)

    sys.unraisablehook = keep
    try:
        yield
        check()
    finally:
        sys.unraisablehook = usual


def check() -> None:
    """Raise the interrupt that was lost, if one was. Cheap: for loops that take long."""
    if _Lost.interrupt:
        _Lost.interrupt = False
        raise KeyboardInterrupt
