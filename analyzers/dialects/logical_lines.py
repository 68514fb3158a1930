"""Logical lines: what a device wrote at once, put together from what was pasted.

Terminals wrap lines, web pages lose line ends, slow consoles mix in prompts and ping output. A
logical line begins with a stamp or with the tag of a dialect; what does not is the rest of the one
before it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from enum import Enum, auto
from typing import Final, NamedTuple

from analyzers.dialects.stamps import (
    MAX_TORN,
    STAMP_AT_START,
    STAMP_RELAYED,
    STAMP_TORN,
    STAMP_WITHIN,
    TIME_WITHIN,
    TORN_HINT,
    Stamp,
    is_relay,
    read_stamp,
)

# A logical line takes at most so many physical ones, and so much text of each.
MAX_LINES: Final = 16
MAX_LINE: Final = 4000
_BLANK: Final = re.compile(r"[ \t]*(?:[\w.\-/()@~:]{1,64}+[#>][ \t]*)?$")
_PROMPT: Final = re.compile(r"[ \t]*[\w.\-/()@~:]{1,64}+[#>][ \t]?")
_MARKUP: Final = re.compile(
    r"</?(?:pre|br|p|code|span|div|tt|b|i|li|td|tr)(?=[ \t/>])[^<>]{0,200}>", re.IGNORECASE
)
_MORE: Final = re.compile(r"[ \t]*<?-{2,} ?\(?more\)? ?-{2,}>?[\b \x1b\[\]0-9;mKD]*", re.IGNORECASE)
_ESCAPES: Final = re.compile(r"\x1b\[[0-9;?]{0,20}[A-Za-z]")
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
# The content begins with a letter or digit, which no masked address ("10.**.**.7") has there.
_BOLD: Final = re.compile(r"\*\*(\*?\w[^*]{0,200})\*\*")
_TYPESET: Final = str.maketrans(
    {
        **dict.fromkeys("\xa0\u2007\u202f", " "),
        **dict.fromkeys("\u201c\u201d\u201e\u201f", '"'),
        **dict.fromkeys("\u2018\u2019\u201a\u201b", "'"),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2212", "-"),
        "\u2014": "--",
        "\u2026": "...",
    }
)
"""What a word processor makes of quotes, dashes and blanks, and what it made them of."""
_LATEX: Final = re.compile(r"\{\\tt ([^{}]{0,4000})\}?")
# A line with any of these is cleaned before it is looked at.
_UNCLEAN: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f]|&[#A-Za-z]|</?[A-Za-z]{1,4}[ \t/>]|-- ?\(?[Mm][Oo][Rr][Ee]"
    r"|\\_|\{\\tt|\*\*"
)
# Nothing without one of these is unclean: looked for first, since it is cheap.
_UNCLEAN_HINT: Final = re.compile(r"[&<\\\x00-\x08\x0b-\x1f\x7f]|--|\*\*")

Match = re.Match[str]


class LineKind(Enum):
    """What a physical line is by itself."""

    STAMPED = auto()
    """It begins with a stamp, and has text behind it."""
    TAGGED = auto()
    """It begins with the tag of a dialect."""
    PLAIN = auto()
    """The rest of the line before it, or nothing of ours."""
    BLANK = auto()
    """Empty, or a prompt."""
    ODD = auto()
    """It needs repair, or is several lines, or waits for its text."""


class Look(NamedTuple):
    """What was found in a physical line; of its digits nothing matters but where they are."""

    kind: LineKind
    stamp: Match | None = None
    """A match of a stamp, which may still be an impossible time."""
    text_at: int = 0
    """Where the text behind the stamp begins."""
    host: tuple[int, int] | None = None
    """Where a relay's name for the device stands."""


class LogicalLine(NamedTuple):
    """One line of a log, whole."""

    record: int
    """Number of its first physical line."""
    stamp: Stamp | None
    host: str | None
    """A relay's name for the device, where the device's own stamp is behind it."""
    text: str
    """What follows the stamp; physical lines are joined by "\\n"."""


class LineJoiner:
    """Takes physical lines in order; gives logical ones."""

    def __init__(self, tag: re.Pattern[str]) -> None:
        """`tag` matches what begins a line of any known dialect."""
        self._match_tag: Callable[[str], Match | None] = tag.match
        self._record = 0
        self._stamp: Stamp | None = None
        self._host: str | None = None
        self._parts: list[str] = []
        self._torn = ""
        self._noise = ""
        self._torn_record = 0
        self.open = False
        """Whether the last line may go on."""
        self.long_lines = 0
        """Physical lines of which the end was not looked at."""

    def look(self, line: str) -> Look:
        """What a physical line is by itself."""
        if len(line) > MAX_LINE or _is_unclean(line):
            return Look(LineKind.ODD)
        stamp, text_at, host = stamp_at_start(line)
        if _torn(line) is not None or _has_stamp(line, text_at):
            return Look(LineKind.ODD)
        if stamp is not None:
            # What is between the last blank of a stamp and the end of the line is its text.
            kind = LineKind.STAMPED if text_at < len(line) else LineKind.ODD
            return Look(kind, stamp, text_at, host)
        if _BLANK.match(line):
            return Look(LineKind.BLANK)
        if self._match_tag(line):
            return Look(LineKind.TAGGED)
        prompt = _PROMPT.match(line)
        if prompt is not None and self._match_tag(line[prompt.end() :]):
            return Look(LineKind.ODD)
        return Look(LineKind.PLAIN)

    @property
    def awaits_text(self) -> bool:
        """Whether the line so far is a stamp and nothing else."""
        return self.open and self._stamp is not None and not any(p.strip() for p in self._parts)

    @property
    def full(self) -> bool:
        """Whether the line so far takes no more."""
        return len(self._parts) >= MAX_LINES

    def begin(self, record: int, stamp: Stamp | None, host: str | None, text: str) -> None:
        """Start a line; the one before it has been taken."""
        self._record, self._stamp, self._host, self._parts = record, stamp, host, [text]
        self.open = True

    def feed(self, record: int, line: str) -> Iterator[LogicalLine]:
        """Take a physical line without its line end."""
        line = self._whole(line)
        if self._torn:
            # Only white space and prompts may come between the halves of a stamp.
            if _BLANK.match(line):
                return
            joined = self._mended(line)
            if joined is None:
                yield from self._restore()
            else:
                record, line = self._torn_record, joined
                self._torn = ""
                if self.open:
                    yield self._take()
        stamp, text_at, host = stamp_at_start(line)
        if stamp is not None:
            if self.open:
                yield self._take()
            name = None if host is None else line[host[0] : host[1]]
            self.begin(record, read_stamp(stamp), name, line[text_at:])
        elif _BLANK.match(line):
            return
        else:
            prompt = _PROMPT.match(line)
            if prompt is not None and self._match_tag(line[prompt.end() :]):
                line = line[prompt.end() :]
            tagged = self._match_tag(line)
            if tagged is not None and not self.awaits_text:
                if self.open:
                    yield self._take()
                self.begin(record, None, None, line)
            elif not self.open:
                self.begin(record, None, None, line)
            elif prompt is not None and self.awaits_text:
                return  # a command that was typed behind the stamp
            elif len(self._parts) < MAX_LINES:
                self._parts.append(line)
            else:
                return
        yield from self._split(record)

    def finish(self) -> Iterator[LogicalLine]:
        """The next line begins anew, or the input is over."""
        if self._torn:
            yield from self._restore()
            self._torn = ""
        if self.open:
            yield self._take()

    @property
    def torn(self) -> bool:
        """Whether the beginning of a stamp waits for the rest of it."""
        return bool(self._torn)

    def _whole(self, line: str) -> str:
        """The line without what does not belong to it, of bounded length."""
        if len(line) > MAX_LINE:
            self.long_lines += 1
            line = line[:MAX_LINE]
        if _is_unclean(line):
            line = _cleaned(line)
        return line

    def _take(self) -> LogicalLine:
        parts = self._parts
        text = parts[0] if len(parts) == 1 else "\n".join(p for p in parts if p.strip())
        self.open = False
        return LogicalLine(self._record, self._stamp, self._host, text)

    def _mended(self, line: str) -> str | None:
        """The line with the beginning of its stamp that the line before ended with."""
        own = STAMP_AT_START.match(line)
        if own is not None and own["T"] is None:
            return None
        prompt = _PROMPT.match(line)
        rests = [line] if prompt is None else [line, line[prompt.end() :]]
        for rest in rests:
            for joined in (self._torn + rest, f"{self._torn} {rest.lstrip()}"):
                whole = STAMP_AT_START.match(joined)
                if whole is None or whole["C"] is None or whole.end() <= len(self._torn):
                    continue
                if self._begins(whole, joined[whole.end() :]):
                    return joined
        return None

    def _restore(self) -> Iterator[LogicalLine]:
        """What looked like half a stamp is text, or a whole stamp that waits for its text."""
        text, self._torn = self._torn + self._noise, ""
        if self.open:
            self._parts[-1] += text
            yield from self._split(self._torn_record, keep=True)
            return
        stamp = STAMP_AT_START.match(text)
        if stamp is None:
            self.begin(self._torn_record, None, None, text)
        else:
            self.begin(self._torn_record, read_stamp(stamp), None, text[stamp.end() :])

    def _split(self, record: int, *, keep: bool = False) -> Iterator[LogicalLine]:
        """Cut the newest part at stamps in the middle of it; `keep` a torn one in its place."""
        text = self._parts[-1]
        if not keep:
            torn = _torn(text)
            if torn is not None:
                self._torn, self._noise = torn["torn"], torn["noise"]
                self._torn_record = record
                text = self._parts[-1] = text[: torn.start()]
        if not TIME_WITHIN.search(text):
            if not text and self._torn and len(self._parts) == 1 and self._stamp is None:
                self.open = False
            return
        start = 0
        while (inner := STAMP_WITHIN.search(text, start)) is not None:
            stamp, rest = read_stamp(inner), text[inner.end() :]
            if stamp is None or not self._begins(inner, rest):
                start = inner.end()
                continue
            self._parts[-1] = text[: inner.start()]
            if any(p.strip() for p in self._parts):
                yield self._take()
            text, start = rest, 0
            self.begin(record, stamp, None, text)

    def _begins(self, stamp: Match, rest: str) -> bool:
        """Whether a stamp in mid-line begins a line, rather than being what a line tells."""
        if stamp["mark"] or stamp["colon"] or not rest.strip():
            return True
        return self._match_tag(rest) is not None


def stamp_at_start(line: str) -> tuple[Match | None, int, tuple[int, int] | None]:
    """The stamp of a line that counts, where the text behind it begins, and where the host is."""
    stamp = STAMP_AT_START.match(line)
    if stamp is None:
        return None, 0, None
    if is_relay(stamp):
        own = STAMP_RELAYED.match(line, stamp.end())
        if own is not None:
            return own, own.end(), own.span("host") if own["host"] is not None else None
    return stamp, stamp.end(), None


def _has_stamp(line: str, start: int) -> bool:
    if TIME_WITHIN.search(line, start) is None:
        return False
    return STAMP_WITHIN.search(line, start) is not None


def _torn(line: str) -> Match | None:
    """The beginning of a stamp at the end of a line."""
    start = max(0, len(line) - MAX_TORN)
    if TORN_HINT.search(line, start) is None:
        return None
    return STAMP_TORN.search(line, start)


def _is_unclean(line: str) -> bool:
    if not line.isascii():
        return True
    return _UNCLEAN_HINT.search(line) is not None and _UNCLEAN.search(line) is not None


def _cleaned(line: str) -> str:
    line = line.removeprefix("\ufeff")
    if "&" in line:
        line = html.unescape(line)
    if not line.isascii():
        line = line.translate(_TYPESET)
    line = _MORE.sub("", line, count=1)
    line = _MARKUP.sub("", line)
    line = _BOLD.sub(r"\1", line)
    line = _LATEX.sub(r"\1", line).replace("\\_", "_")
    line = _ESCAPES.sub("", line)
    return _CONTROLS.sub("", line)
