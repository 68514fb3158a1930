"""Dialects of the user's own, in TOML, held against the same rules as the built-in ones.

    name = "acme-ike"
    title = "ACME gateway, ike.log"
    tag = 'acme-ike\\[\\d{1,6}\\]: '        # what begins every line, after stamp and host
    version = 1                           # IKE version of all its lines; may be left out

    [[pattern]]
    id = "probe-sent"
    regex = 'DPD probe to (?P<peer>[\\d.]{7,15}) seq (?P<seq>\\d{1,10})'
    samples = ["Nov 12 09:14:02 gw acme-ike[12]: DPD probe to 192.0.2.9 seq 17"]
    kind = "message"                      # see model.log_events.LogEventKind
    message = "r-u-there"                 # see model.observations.MessageKind
    sent = true

The named groups of a regex are the fields of `dialect.Pattern`; what a line says is told by kind,
message, sent, response, retransmission and version. A pattern without `kind` says
nothing, and keeps its lines from being counted as not understood. Every sample has to match its
pattern and no other of any dialect.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from typing import Any, Final

from analyzers.dialects.dialect import Dialect, Pattern, Says, check
from analyzers.dialects.effort import effort
from analyzers.errors import OptionError
from analyzers.model.log_events import LogEventKind
from analyzers.model.observations import MessageKind

_MAX_PATTERNS: Final = 200
_MAX_REGEX: Final = 2000
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_FILE_KEYS: Final = frozenset(
    {"name", "title", "tag", "version", "family", "lenient", "ignored", "pattern"}
)
_PATTERN_KEYS: Final = frozenset(
    {"id", "regex", "samples", "words", "kind", "message", "sent", "response", "retransmission",
     "version"}
)  # fmt: skip
_EXAMPLE: Final = "the format is that of sample_pcaps/dialects"
# Two repeats of anything in one regex; a third makes it minutes.
_MAX_EFFORT: Final = 6.7


def load_dialect(text: str, path: str, known: Sequence[Dialect]) -> Dialect:
    """The dialect in a TOML text; `known` are those it is used beside.

    Raises:
        OptionError: it cannot be used; the message names the file and the pattern.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise OptionError(f"{path}: no TOML: {error}", _EXAMPLE) from error
    _only(table, _FILE_KEYS, path)
    name = _text(table, "name", path)
    if _NAME.fullmatch(name) is None:
        raise OptionError(f"{path}: name {name!r} is not of small letters, digits and -")
    if any(dialect.name == name for dialect in known):
        raise OptionError(f"{path}: there is a dialect {name!r} already")
    patterns = table.get("pattern", [])
    if not isinstance(patterns, list) or not patterns:
        raise OptionError(f"{path}: no [[pattern]]", _EXAMPLE)
    if len(patterns) > _MAX_PATTERNS:
        raise OptionError(f"{path}: more than {_MAX_PATTERNS} patterns")
    dialect = Dialect(
        name=name,
        title=str(table.get("title", name))[:200],
        tag=_regex(_text(table, "tag", path), f"{path}: tag"),
        patterns=tuple(_pattern(entry, n, path) for n, entry in enumerate(patterns, 1)),
        family=str(table.get("family", name)),
        lenient=table.get("lenient") is True,
        ignored=tuple(_regex(r, f"{path}: ignored") for r in _texts(table, "ignored", path)),
        version=_version(table, path),
    )
    wrong = next((w for w in check((dialect, *known)) if w.startswith(f"{name}/")), None)
    if wrong is not None:
        raise OptionError(f"{path}: {wrong}", _EXAMPLE)
    return dialect


def _pattern(entry: object, number: int, path: str) -> Pattern:
    where = f"{path}: pattern {number}"
    if not isinstance(entry, dict):
        raise OptionError(f"{where} is no table", _EXAMPLE)
    _only(entry, _PATTERN_KEYS, where)
    identity = _text(entry, "id", where)
    where = f"{where} ({identity[:40]})"
    return Pattern(
        identity,
        _regex(_text(entry, "regex", where), where),
        _texts(entry, "samples", where),
        _says(entry, where),
        _texts(entry, "words", where),
    )


def _says(entry: dict[str, Any], where: str) -> Says | None:
    kind = entry.get("kind")
    if kind is None:
        return None
    try:
        event = LogEventKind(kind)
        message = None if entry.get("message") is None else MessageKind(entry["message"])
    except ValueError as error:
        kinds = ", ".join(LogEventKind)
        raise OptionError(f"{where}: {error}", f"kinds are {kinds}") from error
    if event is LogEventKind.MESSAGE and (
        message is None or not isinstance(entry.get("sent"), bool)
    ):
        raise OptionError(f"{where}: a message needs message = and sent = true or false")
    return Says(
        event,
        message=message,
        sent=entry.get("sent"),
        version=_version(entry, where),
        response=entry.get("response"),
        retransmission=entry.get("retransmission") is True,
    )


def _only(table: dict[str, Any], keys: frozenset[str], where: str) -> None:
    unknown = sorted(set(table) - keys)
    if unknown:
        raise OptionError(
            f"{where}: unknown key {unknown[0]!r}", f"keys are {', '.join(sorted(keys))}"
        )


def _text(table: dict[str, Any], key: str, where: str) -> str:
    value = table.get(key)
    if not isinstance(value, str) or not value:
        raise OptionError(f"{where}: {key} is missing, or no text", _EXAMPLE)
    return value


def _texts(table: dict[str, Any], key: str, where: str) -> tuple[str, ...]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise OptionError(f"{where}: {key} is no list of texts", _EXAMPLE)
    return tuple(value)


def _version(table: dict[str, Any], where: str) -> int | None:
    value = table.get("version")
    if value not in (None, 1, 2):
        raise OptionError(f"{where}: version is 1 or 2")
    return value


def _regex(regex: str, where: str) -> str:
    """The regex, if it compiles and cannot take long over a near miss."""
    if len(regex) > _MAX_REGEX:
        raise OptionError(f"{where}: the regex is longer than {_MAX_REGEX} characters")
    try:
        re.compile(regex)
        ways = effort(regex)
    except (re.error, RecursionError, OverflowError) as error:
        raise OptionError(f"{where}: no regular expression: {error}") from error
    if ways > _MAX_EFFORT:
        raise OptionError(
            f"{where}: the regex may take too long over a line that it nearly matches",
            "repeats multiply where they can stop anywhere: write [^,]{1,80} instead of .+",
        )
    return regex
