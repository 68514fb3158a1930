"""What the console can write: the reports and drawings of the command line, and the packets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Final

from msgspec import Struct

from analyzers.export.content import Content
from analyzers.export.formatting import byte_count
from analyzers.export.untrusted import safe
from analyzers.session import Session, SessionOptions
from dpdlab.present.text import PLAIN_WIDTH
from dpdlab.present.whole_file import is_same_or_inside, write_whole


class Exporter(Struct, frozen=True):
    """One format."""

    name: str
    told: str
    suffix: str
    chunks: Callable[[Content, Sequence[str], SessionOptions, str | None], Iterable[bytes]]
    """From the content, the inputs, the options and the id of the peer in sight."""


def _encoded(texts: Iterable[str]) -> Iterator[bytes]:
    return (text.encode("utf-8", "backslashreplace") for text in texts)


def _text(content: Content, *_: object) -> Iterator[bytes]:
    from rich.console import Console

    from dpdlab.present.text.report import render

    page = StringIO()
    console = Console(
        file=page, width=PLAIN_WIDTH, color_system=None, markup=False, emoji=False, highlight=False
    )
    render(content, console=console, ascii_only=False, verbose=0)
    return _encoded([page.getvalue()])


def _html(content: Content, *_: object) -> Iterator[bytes]:
    from analyzers.export.html.document import chunks

    return _encoded(chunks(content))


def _json(content: Content, *_: object) -> Iterator[bytes]:
    from analyzers.export.json_writer import chunks

    return _encoded(chunks(content))


def _jsonl(content: Content, *_: object) -> Iterator[bytes]:
    from analyzers.export.jsonl_writer import chunks

    return _encoded(chunks(content))


def _csv(content: Content, *_: object) -> Iterator[bytes]:
    from analyzers.export.csv_writer import chunks

    return _encoded(chunks(content))


def _markdown(content: Content, *_: object) -> Iterator[bytes]:
    from analyzers.export.markdown_writer import chunks

    return _encoded(chunks(content))


def _drawing(name: str) -> Callable[..., Iterator[bytes]]:
    def draw(
        content: Content, inputs: Sequence[str], options: SessionOptions, peer: str | None
    ) -> Iterator[bytes]:
        from analyzers.export.svg.document import Drawing, chunks

        peers = [] if peer is None else [peer]
        return _encoded(chunks(content, ascii_only=False, drawing=Drawing(name), peers=peers))

    return draw


def _packets(
    content: Content, inputs: Sequence[str], options: SessionOptions, peer: str | None
) -> Iterator[bytes]:
    from analyzers.session.packet_export import EspChoice, annotated_packets

    session = Session(options)
    try:
        session.open(inputs)
        captures = session.captures()
        if not captures:
            raise ValueError("there is no capture among the inputs, and so no packet to copy")
        yield from annotated_packets(captures, content, options, EspChoice("edges"))
    finally:
        session.close()


EXPORTERS: Final = (
    Exporter("HTML", "one page with timelines and ladders, for a browser", ".html", _html),
    Exporter("Markdown", "for a ticket", ".md", _markdown),
    Exporter("text", "the report as in a terminal, 80 columns", ".txt", _text),
    Exporter("JSON", "everything, for scripts", ".json", _json),
    Exporter("JSON Lines", "one object a line, in time order", ".jsonl", _jsonl),
    Exporter("CSV", "one row an exchange", ".csv", _csv),
    Exporter("pcapng", "the packets, with comments that Wireshark shows", ".pcapng", _packets),
    Exporter("timeline", "the drawing of this peer as SVG", ".svg", _drawing("timeline")),
    Exporter("ladder", "the drawing of this peer as SVG", ".svg", _drawing("ladder")),
)


def default_path(exporter: Exporter, inputs: Sequence[str]) -> str:
    """A name for the file, beside where the user is."""
    stem = Path(inputs[0].rpartition(":")[2]).name.split(".")[0] if inputs else ""
    return f"{stem or 'dpdlab'}-{exporter.name.lower().replace(' ', '-')}{exporter.suffix}"


def wrong_with(path: str, inputs: Sequence[str]) -> str:
    """Why a file cannot be written there; empty if it can."""
    if not path.strip():
        return "a file needs a name"
    try:
        target = Path(path).expanduser()
        if target.is_dir():
            return f"{path} is a directory"
        if not target.parent.is_dir():
            return f"there is no directory {target.parent}"
        for given in inputs:
            if is_same_or_inside(target, given):
                return f"{path} is an input"
    except (OSError, ValueError, RuntimeError) as error:
        return str(error)
    return ""


def replaces(path: str) -> str:
    """What is asked before a file is replaced: its name, size and time; empty if there is none."""
    try:
        target = Path(path).expanduser()
        known = target.stat()
    except (OSError, ValueError, RuntimeError):
        return ""
    written = datetime.fromtimestamp(known.st_mtime).astimezone()
    return (
        f"replace {safe(target.name)}? It exists: {byte_count(known.st_size)}, written"
        f" {written:%Y-%m-%d %H:%M}. Enter again replaces it, esc leaves it."
    )


def write(
    exporter: Exporter,
    path: str,
    content: Content,
    inputs: Sequence[str],
    options: SessionOptions,
    peer: str | None,
) -> str:
    """Write the file, in a thread; what came of it, in a sentence."""
    target = Path(path).expanduser()
    try:
        write_whole(target, exporter.chunks(content, inputs, options, peer))
    except Exception as error:  # noqa: BLE001 - the console says it and goes on
        return f"{path} is not written: {error}"
    return f"{path} is written ({target.stat().st_size:,} bytes)"
