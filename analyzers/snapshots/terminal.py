"""Lines of a terminal log without what the terminal added: colours, pagers, stamps, overwriting."""

from __future__ import annotations

import re
from typing import Final

# No line of an output that is read here is longer; what follows is not looked at.
MAX_LINE: Final = 512

_ANSI: Final = re.compile(r"\x1b\[[0-9;?]{0,16}[A-Za-z]")
_PAGER: Final = re.compile(r"[ \x08]{0,200}<?-{1,3} ?More ?-{1,3}>?[ \x08\r]{0,400}")
_STAMP: Final = re.compile(
    r"\[?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)\]?:? "
)
# Beginnings of log lines: what a debug prints between the lines of an output.
_LOG: Final = re.compile(
    r"\s{0,8}(?:<\d{1,3}>)?(?:\d{1,9}: )?(?:"
    r"[*.]?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) {1,2}\d{1,2} "
    r"|%[A-Z]|ISAKMP|IKEv2(?:-|:)|IPSEC\(|\d{1,4}\[[A-Z]{3}\]|ike \d)"
)
# Terminals wrap at 80 columns; some drop the blank in the last one.
_WRAP_FROM: Final = 79
# Words and whole times of the day are left: cut ones match no pattern.
_CUT: Final = re.compile(r"(?<![^\s,;])(?!\d{1,5}:\d\d:\d\d$)[^\s,;]{0,512}\d$")


def plain(text: str) -> str:
    """The text of a line as a reader saw it, cut to MAX_LINE characters, its right end bare."""
    text = text[:MAX_LINE].rstrip("\r\n")
    if "More" in text:
        # The pager is wiped with blanks, so the indentation of what follows is not known.
        text = _PAGER.sub(" ", text, count=1)
    if "\x1b" in text:
        text = _ANSI.sub("", text)
    if "\r" in text:
        pieces = [piece for piece in text.split("\r") if piece.strip()]
        text = pieces[-1] if pieces else ""
    if "\x08" in text:
        text = text.replace("\x08", "")
    if "\t" in text:
        text = text.expandtabs(8)
    return text.rstrip()


def without_stamp(text: str) -> tuple[str, str]:
    """The date and time that a terminal program put before a line (or ""), and the rest."""
    found = _STAMP.match(text) if text[:1] == "[" or text[:2] == "20" else None
    return (found[1], text[found.end() :]) if found else ("", text)


def is_log_line(text: str) -> bool:
    """Whether a line is the beginning of a log message rather than of an output."""
    return _LOG.match(text) is not None


def may_be_wrapped(text: str) -> bool:
    """Whether a line is as wide as a terminal, so that its rest may stand in the next one."""
    return _WRAP_FROM <= len(text) <= _WRAP_FROM + 1


def may_lack_blank(text: str) -> bool:
    """Whether the last column of a wrapped line held a blank."""
    return len(text) == _WRAP_FROM


def without_last_token(text: str) -> str:
    """A line whose rest is lost: a number at its end may be cut (`1391` of `13915315`)."""
    return _CUT.sub("", text)
