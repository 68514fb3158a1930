"""How the user names an input: a path, `-` for standard input, or either with its kind before it.

Nothing is imported that takes time: the command line asks before it reads anything.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Final

STDIN: Final = "-"
SHOWN_STDIN: Final = "stdin"
"""What standard input is called wherever an input is shown."""
_KINDS: Final = (
    "pcap", "pcapng", "log", "ios", "asa", "strongswan", "libreswan", "fortigate", "racoon",
    "juniper", "routeros", "config",
)  # fmt: skip


def kind_and_path(name: str) -> tuple[str, str]:
    """What the user said an input is, "" where content is to decide, and its path.

    A file that is called like a kind and a path is that file.
    """
    kind, colon, rest = name.partition(":")
    if colon and kind in _KINDS and not os.path.lexists(name):
        return kind, rest
    return "", name


def shown(path: str) -> str:
    """A path as it is shown."""
    return SHOWN_STDIN if path == STDIN else path


def is_standard_input(name: str) -> bool:
    """Whether this input is standard input."""
    return kind_and_path(name)[1] == STDIN


def any_is_standard_input(names: Iterable[str]) -> bool:
    """Whether one of the inputs is standard input: it cannot be read again."""
    return any(map(is_standard_input, names))
