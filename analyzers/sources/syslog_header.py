"""The header of RFC 5424, which relays and journals also write to files, as the one of RFC 3164."""

from __future__ import annotations

import re
from typing import Final

_RFC5424: Final = re.compile(
    r"<\d{1,3}>\d{1,2} (?P<stamp>\S{1,64}) (?P<host>\S{1,255}) (?P<app>\S{1,64})"
    r" (?P<process>\S{1,128}) \S{1,64} "
)


def plain_line(text: str) -> str:
    """A line as daemons and relays write it to a file: time, host, program, and what it says."""
    header = _RFC5424.match(text)
    if header is None:
        return text
    stamp, host, app, process = header.group("stamp", "host", "app", "process")
    rest = _without_structure(text[header.end() :]).removeprefix("\ufeff")
    tag = app if process == "-" else f"{app}[{process}]"
    parts = [part for part in (stamp, host) if part != "-"]
    parts += [] if app == "-" else [f"{tag}:"]
    return " ".join([*parts, rest])


def _without_structure(text: str) -> str:
    """What follows the structured data of RFC 5424 section 6.3."""
    if text.startswith("-"):
        return text[2:]
    place, quoted = 0, False
    while text.startswith("[", place):
        end = place
        for end in range(place, len(text)):
            letter = text[end]
            if letter == '"' and text[end - 1] != "\\":
                quoted = not quoted
            elif letter == "]" and not quoted and text[end - 1] != "\\":
                break
        else:
            return text
        place = end + 1
    return text[place:].removeprefix(" ")
