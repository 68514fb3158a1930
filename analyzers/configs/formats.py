"""What a module must offer that reads one format of configuration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from analyzers.configs.lines import Line
from analyzers.model.configuration import ConfigFormat, Configuration


class Reader(NamedTuple):
    """One format: how to tell it, and how to read it. Each module has one as `READER`."""

    format: ConfigFormat
    likeness: Callable[[Sequence[Line]], float]
    """Share (0.0 to 1.0) of the lines with text that can be lines of this format; 0.0 unless one
    of them can be no other format's and no log's. Called with the first few hundred lines."""
    read: Callable[[Sequence[Line], str], Configuration]
    """Lines and the id of their source to values. Line numbers may have gaps, where lines of a
    log stood between. Never raises for any text."""
