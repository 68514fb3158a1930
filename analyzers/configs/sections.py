"""Cisco configurations as sections: a command, and what is configured under it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from ipaddress import ip_address, ip_network
from typing import Final

from msgspec import Struct, field

from analyzers.configs.lines import Line

_MAX_DIGITS: Final = 9
_COMMENT: Final = ("!", ":")


class Section(Struct):
    """A command at the left margin and the lines under it."""

    line: Line
    children: list[Line] = field(default_factory=list)

    @property
    def words(self) -> list[str]:
        """Those of the command."""
        return self.line.words


def sections(lines: Sequence[Line], belongs_below: dict[str, re.Pattern[str]]) -> list[Section]:
    """Commands with the lines under them.

    `belongs_below` maps the beginning of a command to what stands under it even where a paste
    lost the indentation.
    """
    found: list[Section] = []
    below: re.Pattern[str] | None = None
    # A paste may have moved everything to the right: its margin is that of its commands.
    margin = _margin(lines)
    for line in lines:
        text = line.text.strip()
        if text.startswith(_COMMENT):
            below = None  # where indentation is lost, the comment sign still ends a section
        elif text and found and (line.indent > margin or (below and below.match(text))):
            found[-1].children.append(Line(line.number, text))
        elif text:
            found.append(Section(Line(line.number, text)))
            below = next((p for start, p in belongs_below.items() if text.startswith(start)), None)
    return _latest(found)


def _latest(found: Sequence[Section]) -> list[Section]:
    """Each command once: where a log shows it again, what it shows last, unless that is cut off."""
    known: dict[str, Section] = {}
    for section in found:
        earlier = known.get(section.line.text)
        if earlier is None or section.children or not earlier.children:
            known[section.line.text] = section
    return list(known.values())


def _margin(lines: Sequence[Line]) -> int:
    commands = (line for line in lines if line.text and not line.text.lstrip().startswith("!"))
    return min((line.indent for line in commands), default=0)


def starting(all_sections: Sequence[Section], *words: str) -> Iterator[Section]:
    """The sections whose command begins with these words."""
    wanted = list(words)
    for section in all_sections:
        if section.words[: len(wanted)] == wanted:
            yield section


def number(word: str | None) -> int | None:
    """A word that is a decimal number of sane length."""
    if word is None or not word.isascii() or not word.isdigit() or len(word) > _MAX_DIGITS:
        return None
    return int(word)


def after(words: Sequence[str], *keys: str) -> str | None:
    """The word behind a run of words, wherever the run stands."""
    run = list(keys)
    for start in range(len(words) - len(run)):
        if list(words[start : start + len(run)]) == run:
            return words[start + len(run)]
    return None


def network(address: str, mask: str | None) -> str:
    """An address and its mask as one text: the address alone, or "198.51.100.0/24"."""
    if mask is None or mask == "255.255.255.255":
        return address
    try:
        return str(ip_network(f"{address}/{mask}", strict=False))
    except ValueError:
        return address


def is_address(word: str | None) -> bool:
    """Whether a word is an IPv4 or IPv6 address."""
    try:
        ip_address(word or "")
    except ValueError:
        return False
    return True
