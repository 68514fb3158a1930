"""The syntax of ipsec.conf, shared by strongSwan, Libreswan and Openswan (ipsec.conf(5)).

config setup              sections begin at the margin, their options are indented
    key=value             blanks around the sign, quotes and comments are allowed
conn %default             goes for every connection
conn NAME
    also=OTHER            takes what OTHER has and NAME has not
include FILE              told, not followed
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice
from typing import Final, NamedTuple

from msgspec import Struct, field

from analyzers.configs.lines import Line, unusable
from analyzers.model.records import Problem

_MAX_CONNECTIONS: Final = 5_000
_MAX_INHERITED: Final = 20
_MAX_PROBLEMS: Final = 50
_MAX_VALUE: Final = 2_000

_DEFAULT: Final = "%default"
_HEAD: Final = re.compile(r"(conn|config|ca)\s+(\S+)\s*(?:#.*)?$")
_OPTION: Final = re.compile(r"([A-Za-z][\w.-]{0,60})\s{0,20}=\s*(.*)$", re.ASCII)
_QUOTED: Final = re.compile(r"\"([^\"]*)\"|'([^']*)'|\{([^}]*)\}")
_COMMENT: Final = re.compile(r"(?:^|\s)#.*$")
# Passwords; nothing of these is read.
_SECRET: Final = re.compile(r"password|secret|xauthpass|pass$|pin$")


class Option(NamedTuple):
    """A key in lower case with "-" for "_", its value, and its line."""

    key: str
    value: str
    line: int

    def __str__(self) -> str:
        """As evidence cites it."""
        return f"{self.key}={self.value}"


class Conn(Struct):
    """One `conn` section."""

    name: str
    line: int
    options: dict[str, Option] = field(default_factory=dict)
    also: list[str] = field(default_factory=list)

    def text(self, key: str) -> str | None:
        """The value of a key."""
        found = self.options.get(key)
        return None if found is None else found.value


class IpsecConf(Struct, frozen=True):
    """What an ipsec.conf says."""

    setup: dict[str, Option]
    """Options of `config setup`."""
    connections: tuple[Conn, ...]
    """Each with what it takes from others and from `%default`, which is not among them."""
    has_authorities: bool
    """There is a `ca` section, which only strongSwan knows."""
    problems: tuple[Problem, ...]


def parse(lines: Sequence[Line], source: str) -> IpsecConf:
    """Sections and options of a text; damage is told with its line."""
    reader = _Reader(source)
    for line in lines:
        reader.line(line)
    return IpsecConf(
        setup=reader.setup,
        connections=tuple(reader.resolved()),
        has_authorities=reader.has_authorities,
        problems=tuple(reader.problems),
    )


class _Reader:
    def __init__(self, source: str) -> None:
        self._source = source
        self._conns: dict[str, Conn] = {}
        self._current: dict[str, Option] | None = None
        self._conn: Conn | None = None
        self._skipping = False
        self.setup: dict[str, Option] = {}
        self.has_authorities = False
        self.problems: list[Problem] = []

    def line(self, line: Line) -> None:
        """Take one line."""
        text = line.text.strip()
        if not text or text.startswith("#"):
            return
        option = _OPTION.match(text)
        if option is not None:
            self._option(line, option[1].lower().replace("_", "-"), option[2])
            return
        head = _HEAD.match(text)
        if head is not None:
            self._head(line, head[1], head[2])
        elif text.startswith("include"):
            self._problem(line, f"the included {text[7:].strip()[:60]!r} is not read")
        elif not text.startswith("version"):
            self._problem(line, "neither a section nor an option")

    def _head(self, line: Line, kind: str, name: str) -> None:
        self._conn, self._current, self._skipping = None, None, True
        if kind == "ca":
            self.has_authorities = True
        elif kind == "config":
            self._current = self.setup
        elif len(self._conns) >= _MAX_CONNECTIONS and name not in self._conns:
            self._problem(line, f"more than {_MAX_CONNECTIONS:,} connections")
        else:
            # A section that is opened again is extended.
            self._conn = self._conns.setdefault(name, Conn(name, line.number))
            self._current = self._conn.options

    def _option(self, line: Line, key: str, rest: str) -> None:
        if self._current is None:
            if not self._skipping:
                self._problem(line, f"{key} stands in no section")
            return
        value = _value(rest)
        if key == "also" and self._conn is not None:
            self._conn.also += [name for name in re.split(r"[\s,]+", value) if name]
        elif not _SECRET.search(key):
            self._current[key] = Option(key, value, line.number)

    def _problem(self, line: Line, detail: str) -> None:
        if len(self.problems) < _MAX_PROBLEMS:
            self.problems.append(unusable(line, self._source, detail))

    def resolved(self) -> list[Conn]:
        """The connections with all that they take from others; their own options come first."""
        default = self._conns.get(_DEFAULT)
        found: list[Conn] = []
        for conn in self._conns.values():
            if conn is default:
                continue
            parts = [*self._with_also(conn), *([] if default is None else self._with_also(default))]
            options: dict[str, Option] = {}
            for part in parts:
                for key, option in part.options.items():
                    options.setdefault(key, option)
            found.append(Conn(conn.name, conn.line, options))
        return found

    def _with_also(self, conn: Conn) -> list[Conn]:
        """A connection and those it names, nearest first, each once."""
        found: dict[str, Conn] = {}
        waiting = [conn]
        while waiting and len(found) < _MAX_INHERITED:
            one = waiting.pop()
            if one.name not in found:
                found[one.name] = one
                named = (self._conns.get(name) for name in islice(one.also, _MAX_INHERITED))
                waiting += [other for other in named if other is not None][::-1]
        return list(found.values())


def _value(rest: str) -> str:
    """A value without quotes and without the comment behind it."""
    quoted = _QUOTED.match(rest)
    if quoted is not None:
        return next((part for part in quoted.groups() if part is not None), "")[:_MAX_VALUE]
    return _COMMENT.sub("", rest).strip()[:_MAX_VALUE]
