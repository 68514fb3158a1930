"""strongSwan's settings syntax, shared by swanctl.conf and strongswan.conf (strongswan.conf(5)).

    section { key = value            nested, several on a line, "quoted values", # comments
        child : parent, other.one {  inherits settings and sections by absolute name
        }
        key =                        clears what would be inherited
    }
    include path/*.conf              told, not followed

Secrets are read over and kept nowhere.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, islice
from typing import Final, NamedTuple

from msgspec import Struct, field

from analyzers.configs.lines import Line
from analyzers.model.records import Problem, ProblemKind, Ref

_MAX_DEPTH: Final = 32
_MAX_NODES: Final = 200_000
_MAX_PROBLEMS: Final = 50
_MAX_VALUE: Final = 2_000
# Of a section: direct parents, all that it inherits from, and children that are looked at.
_MAX_PARENTS: Final = 10
_MAX_INHERITED: Final = 20
_MAX_CHILDREN: Final = 10_000
_MAX_DOTS: Final = 20

_SECRETS: Final = "secrets"


class Setting(Struct, frozen=True):
    """A key with its value; "" is an empty assignment."""

    key: str
    value: str
    line: int

    def __str__(self) -> str:
        """As evidence cites it."""
        return f"{self.key} = {self.value}"


class Section(Struct):
    """One section as written; what it inherits is seen through a `View`."""

    name: str
    line: int
    settings: dict[str, Setting] = field(default_factory=dict)
    sections: dict[str, Section] = field(default_factory=dict)
    parents: list[str] = field(default_factory=list)
    """Absolute names of the sections that it inherits from."""


class Tree(Struct, frozen=True):
    """What a text says, its includes, and what is wrong in it."""

    root: Section
    includes: tuple[tuple[int, str], ...] = ()
    """Line and pattern of each file that would be read too."""
    problems: tuple[Problem, ...] = ()

    def view(self, *path: str) -> View | None:
        """The section at a path, with what it inherits; None if there is none."""
        return View((self.root,), _Inheritance(self.root)).at(path)


class _Inheritance:
    """Finds what sections inherit from, each once."""

    def __init__(self, root: Section) -> None:
        self._root = root
        self._known: dict[int, list[Section]] = {}

    def parents(self, section: Section) -> list[Section]:
        """The sections that are named behind the colon, as far as there are such."""
        known = self._known.get(id(section))
        if known is None:
            found = (self._written(name) for name in section.parents[:_MAX_PARENTS])
            known = self._known[id(section)] = [s for s in found if s is not None]
        return known

    def _written(self, name: str) -> Section | None:
        """The section of an absolute name; the name of one may have dots itself."""
        path = name.split(".", _MAX_DOTS)
        section, start = self._root, 0
        while start < len(path):
            for end in range(len(path), start, -1):
                child = section.sections.get(".".join(path[start:end]))
                if child is not None:
                    section, start = child, end
                    break
            else:
                return None
        return section


class View:
    """A section together with what it inherits; its own settings come first."""

    def __init__(self, own: Sequence[Section], inheritance: _Inheritance) -> None:
        self._inheritance = inheritance
        found: dict[int, Section] = {}
        waiting = list(reversed(own))
        while waiting and len(found) < _MAX_INHERITED:
            section = waiting.pop()
            if id(section) not in found:
                found[id(section)] = section
                waiting += reversed(inheritance.parents(section))
        self._parts = tuple(found.values())

    @property
    def line(self) -> int:
        """The line that opens the section."""
        return self._parts[0].line

    def get(self, key: str) -> Setting | None:
        """The nearest setting of a key; None if there is none or it was cleared."""
        for part in self._parts:
            found = part.settings.get(key)
            if found is not None:
                return found if found.value else None
        return None

    def sections(self) -> Iterator[tuple[str, View]]:
        """Name and view of each child, inherited ones after its own."""
        names = dict.fromkeys(name for part in self._parts for name in part.sections)
        for name in islice(names, _MAX_CHILDREN):
            child = self.at((name,))
            if child is not None:
                yield name, child

    def at(self, path: Sequence[str]) -> View | None:
        """The section below this one at a path."""
        view: View = self
        for name in path:
            own = [p.sections[name] for p in view._parts if name in p.sections]
            if not own:
                return None
            view = View(own, self._inheritance)
        return view


def parse(lines: Sequence[Line], source: str) -> Tree:
    """The tree of a text; damage is told with its line and costs as little as possible."""
    return _Parser(source).read(lines)


class _Token(NamedTuple):
    kind: str
    """"name", "value", "include", or one of the signs "{", "}", ":" and ","."""
    text: str
    line: int


# A name ends at white space and at the signs; "::" is a colon within it.
_NAME: Final = re.compile(r"(?:[^#{}:,=\"\s]|::)+")
_INCLUDE: Final = re.compile(r"[ \t]+(?![ \t=])(\"?)([^#}\"\n]*)\"?")
_BLANK: Final = re.compile(r"\s+")
_REST_OF_LINE: Final = re.compile(r"[^\n]*")
_PLAIN: Final = re.compile(r"[^#}\"\s]+")
_SPACES: Final = re.compile(r"[^\S\n]+")
_STRING: Final = re.compile(r"((?:[^\"\\]|\\.)*+)\"", re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED: Final = {"n": "\n", "r": "\r", "t": "\t", "\n": ""}


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), text)


class _Scanner:
    """Cuts a text into tokens; what it cannot read it tells with its line."""

    def __init__(self, lines: Sequence[Line], tell: Callable[[int, str], None]) -> None:
        self._numbers = [line.number for line in lines]
        self._text = "\n".join(line.text for line in lines)
        self._starts = [0, *accumulate(len(line.text) + 1 for line in lines)]
        self._tell = tell
        self._at = 0
        self._unclosed = False
        """A string never ended; from there on a string ends with its line."""

    def tokens(self) -> Iterator[_Token]:
        """All tokens; a value is one, with its parts put together."""
        text = self._text
        while True:
            self._skip(_BLANK)
            if self._at >= len(text):
                return
            line, sign = self._line(), text[self._at]
            if sign == "#":
                self._skip(_REST_OF_LINE)
            elif sign == "=":
                self._at += 1
                yield _Token("value", self._value(), line)
            elif sign == '"':
                self._tell(line, "a string where a name should be")
                self._string()
            elif name := _NAME.match(text, self._at):
                self._at = name.end()
                yield self._name(name.group(), line)
            else:
                self._at += 1
                yield _Token(sign, sign, line)

    def _name(self, word: str, line: int) -> _Token:
        if word == "include" and (pattern := _INCLUDE.match(self._text, self._at)):
            self._at = pattern.end()
            return _Token("include", pattern[2].strip(), line)
        return _Token("name", word.replace("::", ":"), line)

    def _value(self) -> str:
        """Parts up to the end of the line, a comment or a closing brace, one blank between."""
        parts: list[str] = []
        while True:
            self._skip(_SPACES)
            if self._text.startswith('"', self._at):
                parts.append(self._string())
            elif plain := _PLAIN.match(self._text, self._at):
                self._at = plain.end()
                parts.append(plain.group())
            else:
                return " ".join(parts)

    def _string(self) -> str:
        line = self._line()
        self._at += 1
        found = None if self._unclosed else _STRING.match(self._text, self._at)
        if found:
            self._at = found.end()
            return _unescaped(found[1])
        self._tell(line, "a string that is not closed")
        self._unclosed = True
        rest = _REST_OF_LINE.match(self._text, self._at)
        self._at = rest.end() if rest else len(self._text)
        return rest.group() if rest else ""

    def _skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self._text, self._at)
        if found:
            self._at = found.end()

    def _line(self) -> int:
        return self._numbers[bisect_right(self._starts, self._at) - 1]


class _Parser:
    """Reads tokens into sections, recovering at the next sign that makes sense."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._root = Section("", 0)
        self._stack = [self._root]
        self._includes: list[tuple[int, str]] = []
        self._problems: list[Problem] = []
        self._nodes = 0
        self._too_deep = 0

    def read(self, lines: Sequence[Line]) -> Tree:
        names: list[_Token] = []
        """The name that waits for "{" or "=", and those it inherits from."""
        for token in _Scanner(lines, self._problem).tokens():
            if token.kind == "name":
                if names and names[-1].kind not in (":", ","):
                    self._problem(names[0].line, f"{_short(names[0].text)} has no value")
                    names = []
                names.append(token)
            elif token.kind in (":", ",") and names:
                names.append(token)
            elif token.kind == "{":
                self._open(names, token)
                names = []
            elif token.kind == "value":
                self._set(names, token)
                names = []
            else:
                if names:
                    self._problem(names[0].line, f"{_short(names[0].text)} has no value")
                    names = []
                self._close_or_include(token)
            if self._nodes >= _MAX_NODES:
                self._problem(token.line, f"more than {_MAX_NODES:,} settings; no more are read")
                break
        else:
            self._end(names)
        return Tree(self._root, tuple(self._includes), tuple(self._problems))

    def _end(self, names: list[_Token]) -> None:
        if names:
            self._problem(names[0].line, f"{_short(names[0].text)} has no value")
        for section in self._stack[1:]:
            self._problem(section.line, f"section {_short(section.name)} is not closed")

    def _close_or_include(self, token: _Token) -> None:
        if token.kind == "include":
            self._includes.append((token.line, token.text))
            self._problem(token.line, f"the included {_short(token.text)} is not read")
        elif token.kind != "}":
            self._problem(token.line, f"a {token.kind!r} without a name before it")
        elif self._too_deep:
            self._too_deep -= 1
        elif len(self._stack) > 1:
            self._stack.pop()
        else:
            self._problem(token.line, "a '}' that closes nothing")

    def _open(self, names: list[_Token], token: _Token) -> None:
        if self._too_deep or len(self._stack) > _MAX_DEPTH:
            if not self._too_deep:
                self._problem(token.line, f"sections nested deeper than {_MAX_DEPTH}")
            self._too_deep += 1
            return
        if not names:
            self._problem(token.line, "a section without a name")
        name = names[0].text if names else ""
        line = names[0].line if names else token.line
        # A section that is opened again is extended.
        section = self._stack[-1].sections.setdefault(name, Section(name, line))
        section.parents += [n.text for n in names[1:] if n.kind == "name"]
        self._stack.append(section)
        self._nodes += 1

    def _set(self, names: list[_Token], token: _Token) -> None:
        if len(names) != 1:
            self._problem(token.line, "a value without a key")
        elif not self._too_deep and not self._secret:
            key = names[0].text
            self._stack[-1].settings[key] = Setting(key, token.text[:_MAX_VALUE], names[0].line)
            self._nodes += 1

    @property
    def _secret(self) -> bool:
        return any(section.name == _SECRETS for section in self._stack[1:])

    def _problem(self, line: int, detail: str) -> None:
        if len(self._problems) < _MAX_PROBLEMS:
            ref = Ref(self._source, line)
            self._problems.append(Problem(ProblemKind.CONFIG_LINE, detail, ref))


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "...")


_LIKE: Final = re.compile(
    r"\}|[^\s#{}=\"]{1,80}\s{0,9}(?:=|:\s|\{)|include\s|[\w-]{1,80}$", re.ASCII
)


def share(lines: Sequence[Line]) -> float:
    """Share (0.0 to 1.0) of the lines with text that can be of this syntax."""
    texts = [text for line in lines if (text := line.text.strip()) and text[0] != "#"]
    return sum(bool(_LIKE.match(text)) for text in texts) / len(texts) if texts else 0.0
