"""The syntax of FortiOS: tables, their entries, and what is set in them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from msgspec import Struct, field

from analyzers.configs.lines import Line

_MAX_DEPTH: Final = 20
MAX_ENTRIES: Final = 20_000
"""Entries that are kept."""
_MAX_VALUE: Final = 500
# A quoted text over more lines than this was damaged; a chain of certificates has some hundred.
_MAX_STRING_LINES: Final = 500

# "FGT-1 (to-hub) # set dpd on-idle", as a terminal log has it.
_PROMPT: Final = re.compile(r"[\w.-]{1,60}(?: \([\w.@/ -]{1,60}\))? [#$] ?")
_WORD: Final = re.compile(r"\"((?:[^\"\\]|\\.)*)\"|(\S+)")
_ESCAPE: Final = re.compile(r"\\(.)")


class Value(NamedTuple):
    """What is set: key, the words of the value with one blank between, line."""

    key: str
    text: str
    line: int

    def __str__(self) -> str:
        """As evidence cites it."""
        return f"{self.key} {self.text}"


class Entry(Struct):
    """One entry of a table, or a table without entries ("system global")."""

    table: str
    name: str
    line: int
    values: dict[str, Value] = field(default_factory=dict)

    def text(self, key: str) -> str | None:
        """The value of a key."""
        found = self.values.get(key)
        return None if found is None else found.text


def entries(lines: Sequence[Line], wanted: Mapping[str, frozenset[str]]) -> list[Entry]:
    """The entries of the tables that are keys of `wanted`, with the values that it names.

    Entries of one name are one; what is set later replaces what was set before. A paste that
    begins or ends inside a table gives what it has.
    """
    found: dict[tuple[str, str, str], Entry] = {}
    tables: list[tuple[str, str]] = []
    """Open tables, and the entry that is open in each; "" is none."""
    for line, words in _statements(lines):
        command, rest = words[0], words[1:]
        if command == "config" and rest and len(tables) < _MAX_DEPTH:
            tables.append((" ".join(rest), ""))
        elif command == "end" and tables:
            tables.pop()
        elif command == "edit" and rest and tables:
            tables[-1] = tables[-1][0], rest[0]
        elif command == "next" and tables:
            tables[-1] = tables[-1][0], ""
        if not tables or tables[-1][0] not in wanted:
            continue
        table, name = tables[-1]
        # A device of several virtual ones has the same names in each.
        domain = "/".join(entry for _, entry in tables[:-1])
        key = (domain, table, name)
        if command in ("edit", "set") and key not in found and len(found) < MAX_ENTRIES:
            found[key] = Entry(table, name, line.number)
        entry = found.get(key)
        if entry is None or len(rest) < 1 or rest[0] not in wanted[table]:
            continue
        if command == "set" and len(rest) > 1:
            text = " ".join(rest[1:])[:_MAX_VALUE]
            entry.values[rest[0]] = Value(rest[0], text, line.number)
        elif command == "unset":
            entry.values.pop(rest[0], None)
    return list(found.values())


def statement(text: str) -> str:
    """A line without the prompt before it."""
    stripped = text.strip()
    prompt = _PROMPT.match(stripped)
    return stripped[prompt.end() :].strip() if prompt else stripped


def _statements(lines: Sequence[Line]) -> Iterator[tuple[Line, list[str]]]:
    """Lines with their words, without comments and without texts that go on over lines."""
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        text = statement(line.text)
        if not text or text.startswith("#"):
            continue
        if _is_open(text):
            at = _after_string(lines, at)
        yield line, [_word(found) for found in _WORD.finditer(text)]


def _after_string(lines: Sequence[Line], start: int) -> int:
    """Where a quoted text ends that began before `start`; `start` itself if it never does."""
    for at in range(start, min(start + _MAX_STRING_LINES, len(lines))):
        if _is_open(lines[at].text):
            return at + 1
    return start


def _is_open(text: str) -> bool:
    """Whether an odd number of quotes stands in a line."""
    return text.replace("\\\\", "").replace('\\"', "").count('"') % 2 == 1


def _word(found: re.Match[str]) -> str:
    quoted, plain = found.groups()
    return plain if quoted is None else _ESCAPE.sub(r"\1", quoted)
