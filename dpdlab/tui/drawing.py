"""Where the console is drawn: on standard output, as everything else that was asked for."""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

from textual.driver import Driver


@cache
def on_stdout(driver: type[Driver]) -> type[Driver]:
    """A driver for terminals that leaves standard error to what is said there.

    Textual draws on standard error, which `2>FILE` would fill with pictures; a driver without a
    file to draw on stays as it is.
    """

    class OnStdout(driver):  # type: ignore[misc, valid-type]
        def __init__(self, *words: Any, **named: Any) -> None:
            super().__init__(*words, **named)
            if getattr(self, "_file", None) is sys.__stderr__:
                self._file = sys.__stdout__

    return OnStdout
