"""Lines that a terminal cut at its last column, and lines that lost their ends, put right again.

A hard wrap cuts anywhere, in the middle of a number too, so that the pieces belong together
without a blank. It shows in the first lines of a log: several are as long as the longest, and are
followed by a line that begins with nothing.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final

from analyzers.dialects.logical_lines import MAX_LINE, stamp_at_start
from analyzers.dialects.stamps import STAMP_WITHIN

SAMPLE: Final = 200
"""Lines by which a wrap is told."""
_WIDTHS: Final = range(40, 251)
_LEAST: Final = 3
_MOSTLY: Final = 0.6
# What a terminal cut in pieces was not longer than this.
_MAX_PIECES: Final = 8

# Where the lines of a web page end, whatever its text does.
_PAGE_LINE: Final = re.compile(
    r"\n|</?(?:p|br|div|li|tr|pre)(?=[ \t/>])[^<>]{0,200}>", re.IGNORECASE
)

Begins = Callable[[str], bool]


def wrap_width(lines: Sequence[str], begins: Begins) -> int:
    """The width at which a terminal cut these lines; 0 if none did.

    `begins` tells whether a line begins with a stamp or the tag of a dialect.
    """
    lengths = Counter(len(line) for line in lines)
    width = max(lengths, default=0)
    if width not in _WIDTHS or lengths[width] < _LEAST:
        return 0
    followed = [
        bool(after) and not begins(after) for line, after in pairwise(lines) if len(line) == width
    ]
    return width if sum(followed) >= _MOSTLY * max(len(followed), _LEAST) else 0


def begins_with_stamp(line: str) -> bool:
    """Whether a line begins with a stamp."""
    return stamp_at_start(line)[0] is not None


class Unwrapper:
    """Joins what was cut at a width; pieces of a line may come in different calls."""

    def __init__(self, width: int, begins: Begins) -> None:
        """`width` 0: nothing was cut."""
        self._width = width
        self._begins = begins
        self._record = 0
        self._pieces: list[str] = []

    def take(self, records: Sequence[int], lines: Sequence[str]) -> tuple[list[int], list[str]]:
        """Whole lines, each with the number of its first piece."""
        numbers: list[int] = []
        whole: list[str] = []
        for record, line in zip(records, lines, strict=True):
            if self._pieces and (not line or self._begins(line)):
                self._flush(numbers, whole)
            if not self._pieces:
                self._record = record
            self._pieces.append(line)
            if len(line) != self._width or len(self._pieces) >= _MAX_PIECES:
                self._flush(numbers, whole)
        return numbers, whole

    def finish(self) -> tuple[list[int], list[str]]:
        """What waited for its rest."""
        numbers: list[int] = []
        whole: list[str] = []
        if self._pieces:
            self._flush(numbers, whole)
        return numbers, whole

    def _flush(self, numbers: list[int], whole: list[str]) -> None:
        numbers.append(self._record)
        whole.append("".join(self._pieces))
        self._pieces = []


def _plain(line: str) -> str:
    """A line without the entities that hide its blanks."""
    return html.unescape(line).replace("\xa0", " ") if "&" in line else line


def split_long(records: Sequence[int], lines: Sequence[str]) -> tuple[list[int], list[str]]:
    """Lines too long to be read whole, cut where a web page ends lines, and before each stamp."""
    numbers: list[int] = []
    parts: list[str] = []
    for record, line in zip(records, lines, strict=True):
        for part in [line] if len(line) <= MAX_LINE else _PAGE_LINE.split(_plain(line)):
            cuts = [0]
            if len(line) > MAX_LINE:
                cuts += [m.start() for m in STAMP_WITHIN.finditer(part) if m.start()]
            for start, end in zip(cuts, [*cuts[1:], len(part)], strict=True):
                numbers.append(record)
                parts.append(part[start:end])
    return numbers, parts
