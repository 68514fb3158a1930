"""A list of options that goes by letters as well as by arrows, as the views do."""

from __future__ import annotations

from typing import ClassVar

from textual.widgets import OptionList


class Options(OptionList):
    """Down with `j`, up with `k`."""

    BINDINGS: ClassVar = [
        ("j", "cursor_down", "down"),
        ("k", "cursor_up", "up"),
    ]
