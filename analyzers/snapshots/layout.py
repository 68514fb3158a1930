"""What a reader of one output offers: how the output begins, which lines are its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from msgspec import Struct

from analyzers.model.snapshot import SaSnapshot, SnapshotFormat

# Names, identities and algorithms are kept up to this many characters.
MAX_NAME = 120


class Line(NamedTuple):
    """One line of an output, as a terminal showed it."""

    number: int
    text: str


class Layout(Struct, frozen=True):
    """One format. All patterns are matched at the start of a line, and none of them searches."""

    format: SnapshotFormat
    header: re.Pattern[str]
    """A line by which the output is recognised where no command was echoed."""
    heads: tuple[str, ...]
    """The first three characters of header lines without indentation."""
    entity: re.Pattern[str]
    """Lines that an output has once for each `key` group: once more is another output."""
    knows: re.Pattern[str]
    """Every line that the reader has a use for."""
    read: Callable[[Sequence[Line], str], tuple[SaSnapshot, ...]]
    """Lines that `knows` took, and the peer that the command named, to entries."""
