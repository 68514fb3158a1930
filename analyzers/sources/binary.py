"""Tells text from what is none, by its first bytes.

A text may have gaps: a crash leaves blocks of NULs where lines were, a log that was cut while it
was written begins with as many NULs as it was long, terminals and serial lines leave single ones.
What is no text has NULs all over, or controls that no terminal knows.
"""

from __future__ import annotations

import re
from typing import Final

_JUDGED_BYTES: Final = 4096
"""So many bytes that are no NULs are looked at."""
# Of random bytes one in nine is such a control; a console transcript has hardly any.
_CONTROLS_PER_BYTE: Final = 1 / 25
# In UTF-16 and in tables of numbers gaps are a few bytes apart.
_BYTES_PER_GAP: Final = 40
_NULS: Final = re.compile(rb"\0+")
# Bell, backspace, tab, line ends, form feed, shifts, flow control and escape are a terminal's.
_CONTROLS: Final = bytes(
    code for code in (*range(1, 32), 127) if code not in b"\a\b\t\n\v\f\r\x0e\x0f\x11\x13\x1b\x7f"
)


def is_binary(first: bytes) -> bool:
    """Whether the first bytes of an input are no text in ASCII, UTF-8 or an 8-bit alphabet."""
    if not first:
        return False
    parts = [part for part in _NULS.split(first) if part]
    judged, gaps = b"", 0
    for part in parts:
        judged += part[: _JUDGED_BYTES - len(judged)]
        if len(judged) == _JUDGED_BYTES:
            break
        gaps += 1
    if not judged:
        return True
    controls = len(judged) - len(judged.translate(None, _CONTROLS))
    if controls > len(judged) * _CONTROLS_PER_BYTE:
        return True
    return (gaps - 1) * _BYTES_PER_GAP > len(judged)
