"""Logical lines: what a device wrote at once, put together from what was pasted.

Terminals wrap lines, web pages lose line ends, slow consoles mix in prompts and ping output. A
logical line begins with a stamp or with the tag of a dialect, wherever that stands; what does not
is the rest of the one before it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from analyzers.dialects.stamps import (
    STAMP_AT_START,
    STAMP_TORN,
    STAMP_WITHIN,
    Stamp,
    read_stamp,
)

# A logical line takes at most so many physical ones, and so much text of each.
_MAX_LINES: Final = 16
_MAX_LINE: Final = 4000
_PROMPT: Final = re.compile(r"[ \t]*[\w.\-/()@~:]{1,64}[#>][ \t]*$")
_MARKUP: Final = re.compile(r"</?(?:pre|br|p|code|span|div|tt|b|i|li|td|tr)\b[^<>]{0,200}>", re.I)
_MORE: Final = re.compile(r"[ \t]*<?-+ ?\(?more\)? ?-+>?[\b \x1b\[\]0-9;mKD]*", re.IGNORECASE)
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LATEX: Final = re.compile(r"\{\\tt |\\(?=_)|(?<=\w)\}$")
_MONTHS: Final = re.compile(r"Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec")


class LogicalLine(NamedTuple):
    """One line of a log, whole."""

    record: int
    """Number of its first physical line."""
    stamp: Stamp | None
    text: str
    """What follows the stamp; physical lines are joined by "\\n"."""
    tag: re.Match[str] | None
    """The tag of a dialect at the start of `text`."""


class LineJoiner:
    """Takes physical lines in order; gives logical ones."""

    def __init__(self, tag: re.Pattern[str]) -> None:
        """`tag` matches what begins a line of any known dialect."""
        self._match_tag: Callable[[str], re.Match[str] | None] = tag.match
        self._record = 0
        self._stamp: Stamp | None = None
        self._parts: list[str] = []
        self._torn = ""
        self._torn_record = 0
        self._open = False
        self.long_lines = 0
        """Physical lines of which the end was not looked at."""

    def feed(self, record: int, line: str) -> Iterator[LogicalLine]:
        """Take a physical line without its line end."""
        if len(line) > _MAX_LINE:
            self.long_lines += 1
            line = line[:_MAX_LINE]
        if not line.isascii() or "<" in line or "&" in line or "\\" in line or "\x1b" in line:
            line = _cleaned(line)
        if self._torn:
            line, self._torn = f"{self._torn} {line.lstrip()}", ""
            record = self._torn_record
        stamp_match = STAMP_AT_START.match(line)
        stamp = None if stamp_match is None else read_stamp(stamp_match)
        if stamp is not None and stamp_match is not None:
            if self._open:
                yield self._take()
            self._begin(record, stamp, line[stamp_match.end() :])
            yield from self._split(record)
            return
        if not line or line.isspace() or _PROMPT.match(line):
            return
        if _MORE.match(line):
            line = _MORE.sub("", line, count=1)
        tagged = self._match_tag(line)
        if tagged is not None and not self._awaits_text():
            if self._open:
                yield self._take()
            self._begin(record, None, line)
        elif self._open and len(self._parts) < _MAX_LINES:
            self._parts.append(line)
        elif not self._open:
            self._begin(record, None, line)
        yield from self._split(record)

    def finish(self) -> Iterator[LogicalLine]:
        """The input is over."""
        if self._torn and self._open:
            self._parts.append(self._torn)
        self._torn = ""
        if self._open:
            yield self._take()

    def _begin(self, record: int, stamp: Stamp | None, text: str) -> None:
        self._record, self._stamp, self._parts, self._open = record, stamp, [text], True

    def _awaits_text(self) -> bool:
        """Whether the line so far is a stamp and nothing else."""
        return self._open and self._stamp is not None and not any(p.strip() for p in self._parts)

    def _take(self) -> LogicalLine:
        parts = self._parts
        text = parts[0] if len(parts) == 1 else "\n".join(p for p in parts if p.strip())
        self._open = False
        return LogicalLine(self._record, self._stamp, text, self._match_tag(text))

    def _split(self, record: int) -> Iterator[LogicalLine]:
        """Cut the newest part at stamps in the middle of it."""
        text = self._parts[-1]
        while _MONTHS.search(text):
            inner = STAMP_WITHIN.search(text)
            stamp = None if inner is None else read_stamp(inner)
            if inner is None or stamp is None:
                torn = STAMP_TORN.search(text)
                if torn is not None and (torn.start() == 0 or text[torn.start() - 1].isspace()):
                    self._torn, self._torn_record = torn.group().rstrip(), record
                    self._parts[-1] = text[: torn.start()]
                return
            self._parts[-1] = text[: inner.start()]
            if any(p.strip() for p in self._parts):
                yield self._take()
            text = text[inner.end() :]
            self._begin(record, stamp, text)


def _cleaned(line: str) -> str:
    line = line.removeprefix("\ufeff").replace("\xa0", " ")
    if "&" in line:
        line = html.unescape(line)
    line = _MARKUP.sub("", line)
    line = _LATEX.sub("", line)
    return _CONTROLS.sub("", line)
