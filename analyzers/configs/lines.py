"""Lines of a configuration with their numbers, as readers get them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from analyzers.model.records import Problem, ProblemKind, Ref

MAX_LINES: Final = 200_000
"""Of one configuration: a large firewall has tens of thousands."""
MAX_LINE: Final = 2_000
"""Characters of a line that are read; what DPD needs is far shorter."""

_QUOTED: Final = 100

# What a pager leaves behind: its prompt, and the backspaces that wiped it.
_PAGER: Final = re.compile(r"^\s*(?:<-{2,3} ?More ?-{2,3}>|-{2,3} ?More ?-{2,3})[ \x08\r]*")
_ERASED: Final = re.compile(r"^[ \x08]*\x08")
_UNSEEN: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class Line(NamedTuple):
    """One line of the input: its number, counted from 1, and its text with its indentation."""

    number: int
    text: str

    @property
    def words(self) -> list[str]:
        """The blank-separated words."""
        return self.text.split()

    @property
    def indent(self) -> int:
        """Blanks before the first word."""
        return len(self.text) - len(self.text.lstrip())


def split_lines(text: str) -> list[str]:
    """Lines as editors count them: ended by LF or CR LF; by CR only where there is no LF."""
    lines = text.split("\n" if "\n" in text else "\r")
    return lines[:-1] if lines and not lines[-1] else lines


def numbered(texts: Iterable[str], first: int = 1) -> list[Line]:
    """Cleaned lines: without line ends, pager prompts and control characters."""
    return [Line(number, clean(text)) for number, text in enumerate(texts, start=first)]


def clean(text: str) -> str:
    """A line without what terminals, pagers and editors leave in it, cut at `MAX_LINE`."""
    if len(text) > MAX_LINE:
        text = text[:MAX_LINE]
    text = text.lstrip("\ufeff").rstrip()
    if "\r" in text:
        # A terminal went back to the beginning of the line, and over what stood there.
        text = text.rpartition("\r")[2]
    if "More" in text:
        text = _PAGER.sub("", text)
    if "\x08" in text:
        text = _ERASED.sub("", text)
    return _UNSEEN.sub("", text).replace("\xa0", " ").expandtabs(8).rstrip()


def quoted(line: Line) -> str:
    """A line as evidence cites it, cut where nobody reads on."""
    text = line.text.strip()
    return f"'{text}'" if len(text) <= _QUOTED else f"'{text[:_QUOTED]}...'"


def unusable(line: Line, source: str, detail: str) -> Problem:
    """A line whose values cannot be what its command needs."""
    return Problem(ProblemKind.CONFIG_LINE, detail, Ref(source, line.number))


def within_limit(lines: Sequence[Line], source: str) -> tuple[Sequence[Line], tuple[Problem, ...]]:
    """At most `MAX_LINES` lines, and a problem where there are more."""
    if len(lines) <= MAX_LINES:
        return lines, ()
    first_left = lines[MAX_LINES]
    detail = f"a configuration of more than {MAX_LINES:,} lines; the rest is not read"
    return lines[:MAX_LINES], (unusable(first_left, source, detail),)
