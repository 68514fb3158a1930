"""Gaps of NULs in a log: what a crash or a cut connection leaves where text was.

NULs are nothing, but where the text behind them begins with a stamp: then the line before was
never written to its end.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from analyzers.decode.log_wrap import begins_with_stamp
from analyzers.model.records import Problem, ProblemKind, Ref

NUL: Final = "\0"
_NULS: Final = re.compile("\0+")
_TEXT: Final = "bytes are missing in such a line, and NULs stand in their place"


def narrowed(text: str) -> str:
    """A text in which each gap is a single NUL: a long one would count as a long line."""
    return _NULS.sub(NUL, text) if NUL in text else text


def without(text: str) -> str:
    """The text without its NULs."""
    return text.replace(NUL, "") if NUL in text else text


def problem(source: str, record: int) -> Problem:
    """What is said of a line with a gap."""
    return Problem(ProblemKind.NUL_BYTES, _TEXT, Ref(source, record))


def cut(records: Sequence[int], lines: Sequence[str]) -> tuple[list[int], list[str]]:
    """The lines cut where one begins behind a gap, with the number each of them has in its file."""
    numbers: list[int] = []
    parts: list[str] = []
    for record, line in zip(records, lines, strict=True):
        for number, part in enumerate(line.split(NUL)):
            if number and not (begins_with_stamp(part) and parts[-1]):
                parts[-1] += part
            else:
                numbers.append(record)
                parts.append(part)
    return numbers, parts
