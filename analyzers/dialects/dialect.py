"""A dialect as a table: its tag, its patterns, and the lines that prove each pattern.

A pattern carries verbatim sample lines that must match it, and no other pattern of any dialect;
`check` holds every table against that, the built-in ones in the tests and a user's own at load.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final, NamedTuple

from msgspec import Struct, field

from analyzers.dialects.stamps import STAMP_AT_START
from analyzers.model.log_events import LogEventKind
from analyzers.model.observations import MessageKind

# No pattern looks further into a logical line than this, however long the line is.
MAX_TEXT: Final = 2000
_FIRST_WORD: Final = re.compile(r"[^A-Za-z]{0,8}([A-Za-z]+)")
_LITERAL_WORDS: Final = re.compile(r"[A-Za-z]+(?:_[A-Za-z]+)*(?![A-Za-z?*{|])")
# A syslog relay puts the name of the host, and a colon or not, before what the device wrote.
HOST: Final = r"(?>(?P<host>[\w.:\-]{1,64}?):?[ \t]+(?:\d{1,10}:[ \t]+)?)??"


class Says(Struct, frozen=True):
    """What a line says, where one line says all of it."""

    kind: LogEventKind
    message: MessageKind | None = None
    sent: bool | None = None
    version: int | None = None
    response: bool | None = None
    retransmission: bool = False


class Pattern(Struct, frozen=True):
    """One form of line of a dialect.

    `regex` is matched at the start of the text after the tag. Its named groups are the fields:
    peer, local, peer_port, local_port, conn (the device's name of the IKE SA), mid (message ID,
    decimal, signed or not), mid_hex, seq, seq_hex, ispi, rspi, spi and spi2 (Child SAs, hex),
    reason, interval (seconds), length (octets), and whatever its assembly needs beside.
    """

    id: str
    regex: str
    samples: tuple[str, ...]
    says: Says | None = None
    """None: what it means depends on its neighbours, and an assembly knows."""
    words: tuple[str, ...] = ()
    """First words of the text, where the regex does not begin with a literal one."""


class Dialect(Struct, frozen=True):
    """The log language of one program."""

    name: str
    title: str
    tag: str
    """Regex of what begins every line of it, after stamp and host; may have fields."""
    patterns: tuple[Pattern, ...]
    family: str = ""
    """What `KIND:PATH` calls it: "ios", "asa", "strongswan" …"""
    lenient: bool = False
    """Pasted from terminals: any blank may be a line end, an underscore may be lost or a blank."""
    ignored: tuple[str, ...] = ()
    """Regexes of known lines that say nothing about liveness: they do not count as unparsed."""
    version: int | None = None
    """IKE version of all its lines, where they do not say it."""


class Reading(NamedTuple):
    """A logical line as its dialect understands it."""

    dialect: Dialect
    pattern: Pattern | None
    """None: the tag is the dialect's, but nothing is known of the text."""
    fields: dict[str, str]
    ignored: bool = False


class Outline(NamedTuple):
    """What a dialect understands of a logical line, and where its fields stand."""

    dialect: Dialect
    pattern: Pattern | None
    ignored: bool
    spans: tuple[tuple[str, int, int], ...]
    """Name, start and end of each field."""
    end: int = 0
    """Where what is understood ends."""

    def reading(self, text: str) -> Reading:
        """The reading of `text`, of which this is the outline."""
        fields = {name: text[start:end] for name, start, end in self.spans}
        return Reading(self.dialect, self.pattern, fields, self.ignored)


class _Compiled(Struct):
    dialect: Dialect
    by_word: dict[str, list[tuple[re.Pattern[str], Pattern]]]
    any_word: list[tuple[re.Pattern[str], Pattern]]
    ignored: re.Pattern[str] | None
    tag_fields: dict[str, str] = field(default_factory=dict)


class Reader:
    """Reads logical lines in several dialects at once."""

    def __init__(self, dialects: Sequence[Dialect]) -> None:
        """Raises re.error for a tag that is no regex; the rest is compiled when it is needed."""
        self.dialects = tuple(dialects)
        self._compiled: dict[str, _Compiled] = {}
        self._tag_fields: dict[str, dict[str, str]] = {}
        tags = []
        for number, dialect in enumerate(dialects):
            group, tag = f"d{number}", dialect.tag
            fields = self._tag_fields[group] = {}
            for name in re.findall(r"\(\?P<(\w+)>", tag):
                fields[f"{group}_{name}"] = name
                tag = tag.replace(f"(?P<{name}>", f"(?P<{group}_{name}>")
            tags.append(f"(?P<{group}>{tag})")
        self.tag = re.compile(rf"[ \t]*{HOST}(?:{'|'.join(tags)})")
        """Matches what begins a line of any of the dialects."""

    def read(self, text: str) -> Reading | None:
        """The reading of a logical line without its stamp; None if no dialect knows its tag."""
        match = self.tag.match(text)
        return None if match is None else self.read_tagged(text, match)

    def read_tagged(self, text: str, match: re.Match[str]) -> Reading:
        """The same with the tag matched already."""
        return self.outline(text, match).reading(text)

    def outline(self, text: str, match: re.Match[str]) -> Outline:
        """What is understood of a text of which the tag has been matched."""
        compiled = self._table(match.lastgroup or "")
        start = match.end()
        end = start + MAX_TEXT
        word = _FIRST_WORD.match(text, start, end)
        known = compiled.by_word.get(word.group(1).lower(), ()) if word is not None else ()
        for regex, pattern in (*known, *compiled.any_word):
            found = regex.match(text, start, end)
            if found is not None:
                spans = _spans(compiled, match, found)
                return Outline(compiled.dialect, pattern, False, spans, found.end())
        ignored = compiled.ignored is not None and compiled.ignored.match(text, start, end)
        return Outline(compiled.dialect, None, bool(ignored), (), start)

    def _table(self, group: str) -> _Compiled:
        """The patterns of a dialect, ready to be matched; most logs need those of one or two."""
        if group not in self._compiled:
            dialect = self.dialects[int(group[1:])]
            self._compiled[group] = _compile(dialect, self._tag_fields[group])
        return self._compiled[group]

    def matching(self, text: str, match: re.Match[str]) -> list[Pattern]:
        """All patterns that match a text of which the tag has been matched, each of them once."""
        compiled = self._table(match.lastgroup or "")
        start, found = match.end(), []
        for entries in (*compiled.by_word.values(), compiled.any_word):
            for regex, pattern in entries:
                if pattern not in found and regex.match(text, start, start + MAX_TEXT):
                    found.append(pattern)
        return found


def _spans(
    compiled: _Compiled, tag: re.Match[str], found: re.Match[str]
) -> tuple[tuple[str, int, int], ...]:
    spans = {name: found.span(name) for name in found.re.groupindex}
    for group, name in compiled.tag_fields.items():
        if spans.get(name, (-1, -1))[0] < 0:
            spans[name] = tag.span(group)
    spans["host"] = tag.span("host")
    return tuple((name, start, end) for name, (start, end) in spans.items() if start >= 0)


def _compile(dialect: Dialect, tag_fields: dict[str, str]) -> _Compiled:
    compiled = _Compiled(dialect, {}, [], None, tag_fields)
    for pattern in dialect.patterns:
        regex = re.compile(r"[ \t]*+" + source(dialect, pattern.regex))
        words = pattern.words or _first_words(dialect, pattern.regex)
        for word in words:
            compiled.by_word.setdefault(word.lower(), []).append((regex, pattern))
        if not words:
            compiled.any_word.append((regex, pattern))
    if dialect.ignored:
        joined = "|".join(source(dialect, regex) for regex in dialect.ignored)
        compiled.ignored = re.compile(rf"[ \t]*+(?:{joined})")
    return compiled


def _first_words(dialect: Dialect, regex: str) -> Sequence[str]:
    """What the texts of a regex may begin with; none if it does not begin with a literal word."""
    literal = _LITERAL_WORDS.match(regex)
    if literal is None:
        return ()
    first, *more = literal[0].split("_")
    # Where underscores are lost, words grow together.
    return tuple(accumulate((first, *more))) if dialect.lenient else (first,)


# What may be replaced in a regex, and what may not: names of groups, escapes, character classes.
_PARTS: Final = re.compile(r"\(\?P[<=]\w+[>)]|\\.|\[(?:\\.|[^\]\\])*\]|_| ", re.DOTALL)


def source(dialect: Dialect, regex: str) -> str:
    """The regex as it is compiled: a pasted line has its blanks and underscores damaged."""
    if not dialect.lenient:
        return regex

    def damaged(part: re.Match[str]) -> str:
        text = part.group()
        if text == "_":
            return r"(?:(?:\\?_|\s){0,2})"
        return r"\s+" if text == " " else text

    return _PARTS.sub(damaged, regex)


def check(dialects: Sequence[Dialect]) -> Iterator[str]:
    """What is wrong with the tables, a sentence each: every sample matches its pattern alone.

    Raises re.error for a table whose regexes cannot be compiled.
    """
    reader = Reader(dialects)
    for dialect in dialects:
        seen: set[str] = set()
        for pattern in dialect.patterns:
            where = f"{dialect.name}/{pattern.id}"
            if pattern.id in seen:
                yield f"{where}: the id is used twice"
            seen.add(pattern.id)
            if not pattern.samples:
                yield f"{where}: no sample line"
            for sample in pattern.samples:
                yield from (f"{where}: {text}" for text in _check(reader, pattern, dialect, sample))


def _check(reader: Reader, pattern: Pattern, dialect: Dialect, sample: str) -> Iterator[str]:
    stamp = STAMP_AT_START.match(sample)
    text = sample if stamp is None else sample[stamp.end() :]
    match = reader.tag.match(text)
    if match is None:
        yield f"the sample has no tag of any dialect: {sample!r}"
        return
    reading = reader.read_tagged(text, match)
    if reading.dialect is not dialect:
        yield f"the sample is taken for {reading.dialect.name}: {sample!r}"
        return
    matching = [p.id for p in reader.matching(text, match)]
    if matching != [pattern.id]:
        yield f"the sample matches {matching or 'nothing'}: {sample!r}"
    elif reading.pattern is not pattern:
        yield f"the sample begins with none of the words {pattern.words}: {sample!r}"
