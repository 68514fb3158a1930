"""The report as one JSON document, written peer by peer.

One peer is held as models at a time: what a run needs in memory are the engine's values, which
are a tenth of the size.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from msgspec.json import encode
from msgspec.json import format as format_json

from analyzers.export.content import Content
from analyzers.export.contract import Model
from analyzers.export.report import (
    build_alignment,
    build_finding,
    build_header,
    build_peer,
    build_suppressed,
)
from analyzers.export.selections import Selector
from analyzers.export.untrusted import UNPRINTABLE

_INDENT: Final = 2
_PIECE_BYTES: Final = 1 << 16
# What stands around the element of a list in a list.
_OPENED: Final = b"[\n  [\n    "
_CLOSED: Final = b"\n  ]\n]"
# A line break outside a string is layout; inside one it is always escaped already.
_DISTURBING: Final = re.compile(rf"{UNPRINTABLE.pattern}(?<!\n)")
_PLAIN: Final = bytes(code for code in range(0x80) if code != 0x7F)


def chunks(content: Content, *, ascii_only: bool = False) -> Iterator[str]:
    """The document in pieces; joined, it is the JSON of `build_report` with a line break after.

    Characters that could disturb a terminal are written as JSON escapes, as are all characters
    beyond ASCII with `ascii_only`; a JSON reader sees the same strings either way.
    """
    escape = ascii_escapes if ascii_only else terminal_escapes
    header = document(
        build_header(content.sources, version=content.version, narrowed_by=content.filter)
    )
    yield escape(header.removesuffix("\n}"))
    yield from map(escape, _list("peers", map(build_peer, content.peers)))
    asked = {ref for finding in content.findings for ref in finding.refs}
    selector = Selector(content.sources, content.peers, asked)
    findings = (build_finding(f, selector.of_finding(f)) for f in content.findings)
    yield from map(escape, _list("findings", findings))
    yield from map(escape, _list("suppressed", map(build_suppressed, content.suppressed)))
    yield from map(escape, _list("alignment", build_alignment(content.alignments)))
    yield "\n}\n"


def _list(name: str, models: Iterable[Model]) -> Iterator[str]:
    """One more member of the document, element by element."""
    yield f',\n  "{name}": ['
    separator, end = "\n    ", "]"
    for model in models:
        yield separator
        yield from _pieces(_indented_in_list(model))
        separator, end = ",\n    ", "\n  ]"
    yield end


def _pieces(data: bytes) -> Iterator[str]:
    """A document in pieces of whole lines: only those with characters beyond ASCII are wide."""
    start = 0
    while start < len(data):
        end = data.find(b"\n", start + _PIECE_BYTES) + 1 or len(data)
        yield data[start:end].decode()
        start = end


def line(model: Model) -> str:
    """A model as JSON in one line, without a line break at its end."""
    return encode(model).decode()


def document(model: Model) -> str:
    """A model as indented JSON, without a line break at its end."""
    return _indented(model).decode()


def _indented(model: Model) -> bytes:
    return format_json(encode(model), indent=_INDENT)


def _indented_in_list(model: Model) -> bytes:
    """The same as an element of a member of the document, without the spaces before it."""
    within = format_json(b"[[%b]]" % encode(model), indent=_INDENT)
    return within[len(_OPENED) : -len(_CLOSED)]


def terminal_escapes(document: str) -> str:
    """JSON text with controls, bidi and invisible characters of its strings as `\\u` escapes."""
    if document.isascii() and "\x7f" not in document:
        return document
    # What is not plain ASCII is little, and deleting the rest takes a tenth of a search in it.
    rest = document.encode("utf-8", "surrogatepass").translate(None, _PLAIN)
    if _DISTURBING.search(rest.decode("utf-8", "surrogatepass")) is None:
        return document
    return _DISTURBING.sub(lambda found: _json_escape(found[0]), document)


def ascii_escapes(document: str) -> str:
    """JSON text in ASCII."""
    return "".join(c if c == "\n" or " " <= c <= "~" else _json_escape(c) for c in document)


def _json_escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
