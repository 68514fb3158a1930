"""Commands that somebody typed while a device wrote a line: the rest of it stands behind them."""

from __future__ import annotations

import re
from typing import Final

from analyzers.dialects.dialect import Reader

# Behind the prompt at once: what stands further off is the device's, whose dumps are indented.
_COMMAND: Final = re.compile(
    r"\n[ \t]*[A-Za-z][\w.\-/@~:]{0,63}+(?:\([\w.-]{1,40}\))?[#>] ?\w[^\n]*", re.ASCII
)


def without_commands(text: str, reader: Reader) -> str:
    """A logical line without what was typed amid it.

    One line behind a command may be the rest, cut anywhere, and is taken for it if it completes
    what the line says to its end; else it is what the command printed, as several lines are.
    """
    if "#" not in text and ">" not in text:
        return text
    found, *parts = _COMMAND.split(text)
    for part in parts:
        rest = part[1:]
        if rest and "\n" not in rest and _says_all(found + rest, reader):
            found += rest
    return found


def _says_all(text: str, reader: Reader) -> bool:
    tag = reader.tag.match(text)
    if tag is None:
        return False
    outline = reader.outline(text, tag)
    if outline.pattern is None:
        return outline.ignored
    return not text[outline.end :].strip()
