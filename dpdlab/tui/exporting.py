"""What the console can write: the reports and drawings of the command line, and the packets."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Final

from msgspec import Struct

from analyzers.errors import AnalyzerError
from analyzers.export.content import Content
from analyzers.export.formatting import byte_count, counted
from analyzers.export.spans import Window
from analyzers.export.untrusted import safe
from analyzers.model.peer import PeerView
from analyzers.session import Session, SessionOptions
from analyzers.session.second_pass import CaptureAgain
from dpdlab.present.esp_again import PacketsWithin
from dpdlab.present.text import PLAIN_WIDTH
from dpdlab.present.whole_file import is_same_or_inside, write_whole


class Matter(Struct, frozen=True):
    """What a file is made of."""

    content: Content
    """What the filter leaves."""
    whole: Content
    inputs: Sequence[str]
    options: SessionOptions
    peer: str | None
    """The id of the peer in sight."""
    captures: Sequence[CaptureAgain] = ()
    packets_within: PacketsWithin | None = None
    """How ESP is read again; None while the inputs are being read."""


class Exporter(Struct, frozen=True):
    """One format."""

    name: str
    told: str
    suffix: str
    what: Callable[[Matter], str]
    """What will be in the file, in numbers."""
    chunks: Callable[[Matter], Iterable[bytes]]


def _encoded(texts: Iterable[str]) -> Iterator[bytes]:
    return (text.encode("utf-8", "backslashreplace") for text in texts)


def _text(matter: Matter) -> Iterator[bytes]:
    from rich.console import Console

    from dpdlab.present.text.report import render

    page = StringIO()
    console = Console(
        file=page, width=PLAIN_WIDTH, color_system=None, markup=False, emoji=False, highlight=False
    )
    render(matter.content, console=console, ascii_only=False, verbose=0)
    return _encoded([page.getvalue()])


def _html(matter: Matter) -> Iterator[bytes]:
    from analyzers.export.html.document import chunks
    from dpdlab.present.exact_drawings import on_page

    return _encoded(chunks(_finer(matter, on_page)))


def _json(matter: Matter) -> Iterator[bytes]:
    from analyzers.export.json_writer import chunks

    return _encoded(chunks(matter.content))


def _jsonl(matter: Matter) -> Iterator[bytes]:
    from analyzers.export.jsonl_writer import chunks

    return _encoded(chunks(matter.content))


def _csv(matter: Matter) -> Iterator[bytes]:
    from analyzers.export.csv_writer import chunks

    return _encoded(chunks(matter.content))


def _markdown(matter: Matter) -> Iterator[bytes]:
    from analyzers.export.markdown_writer import chunks

    return _encoded(chunks(matter.content))


def _drawing(name: str) -> Callable[[Matter], Iterator[bytes]]:
    def draw(matter: Matter) -> Iterator[bytes]:
        from analyzers.export.svg.document import Drawing, chunks
        from dpdlab.present.exact_drawings import in_drawing

        peers = [] if matter.peer is None else [matter.peer]
        drawing = Drawing(name)
        content = _finer(matter, in_drawing)
        return _encoded(chunks(content, ascii_only=False, drawing=drawing, peers=peers))

    return draw


def _finer(matter: Matter, drawn: Callable[[PeerView], Iterable[Window]]) -> Content:
    """The content with exact times of ESP where drawings are finer than what was counted."""
    from dpdlab.present.exact_drawings import with_exact_esp

    if matter.packets_within is None:
        return matter.content
    peers = matter.whole.peers
    return with_exact_esp(matter.content, peers, drawn, matter.captures, matter.packets_within)


def _packets(matter: Matter) -> Iterator[bytes]:
    from analyzers.session.packet_export import EspChoice, annotated_packets

    session = Session(matter.options)
    try:
        session.open(matter.inputs)
        captures = session.captures()
        if not captures:
            raise ValueError("there is no capture among the inputs, and so no packet to copy")
        yield from annotated_packets(
            captures,
            matter.content,
            matter.options,
            EspChoice("edges"),
            whole=matter.whole.peers,
        )
    finally:
        session.close()


# --- what will be written -------------------------------------------------------------------


def _report(matter: Matter) -> str:
    """What every report tells of."""
    content = matter.content
    holes = sum(len(peer.black_holes) for peer in content.peers)
    told = (
        counted(len(content.peers), "peer"),
        counted(holes, "black hole"),
        counted(len(content.findings), "finding"),
    )
    return ", ".join(told)


def _exchanges(matter: Matter) -> int:
    return sum(len(peer.exchanges) for peer in matter.content.peers)


def _everything(matter: Matter) -> str:
    return f"{_report(matter)}, {counted(_exchanges(matter), 'exchange')}"


def _rows(matter: Matter) -> str:
    return counted(_exchanges(matter), "row")


def _behind(matter: Matter) -> str:
    """Which packets; how many of ESP only the capture knows."""
    return f"the packets behind {_everything(matter)}; of ESP those beside the black holes"


def _peer(matter: Matter) -> str:
    peer = next((p for p in matter.content.peers if p.id == matter.peer), None)
    return "no peer" if peer is None else f"{safe(peer.local)} and {safe(peer.remote)}"


EXPORTERS: Final = (
    Exporter("HTML", "one page with timelines and ladders, for a browser", ".html", _report, _html),
    Exporter("Markdown", "for a ticket", ".md", _report, _markdown),
    Exporter("text", "the report as in a terminal, 80 columns", ".txt", _report, _text),
    Exporter("JSON", "everything, for scripts", ".json", _everything, _json),
    Exporter("JSON Lines", "one object a line, in time order", ".jsonl", _everything, _jsonl),
    Exporter("CSV", "one row an exchange", ".csv", _rows, _csv),
    Exporter(
        "pcapng", "the packets, with comments that Wireshark shows", ".pcapng", _behind, _packets
    ),
    Exporter("timeline", "the drawing of this peer as SVG", ".svg", _peer, _drawing("timeline")),
    Exporter("ladder", "the drawing of this peer as SVG", ".svg", _peer, _drawing("ladder")),
)


def default_path(exporter: Exporter, inputs: Sequence[str]) -> str:
    """A name for the file, beside where the user is."""
    stem = Path(inputs[0].rpartition(":")[2]).name.split(".")[0].strip("-") if inputs else ""
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
        if not target.exists() and not os.access(target.parent, os.W_OK):
            return f"nothing can be written into {target.parent}"
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


def into(path: str) -> str:
    """The directory of a file that is named, as there is no other."""
    return str((Path(path).expanduser().parent).resolve())


def write(exporter: Exporter, path: str, matter: Matter) -> str:
    """Write the file, in a thread; what came of it and where it is, in a sentence."""
    try:
        target = Path(path).expanduser().resolve()
        write_whole(target, exporter.chunks(matter))
    except OSError as error:
        return f"{path} is not written: {error.strerror or error}"
    except AnalyzerError as error:
        hint = f" ({error.hint})" if error.hint else ""
        return f"{path} is not written: {error.message}{hint}"
    except Exception as error:  # noqa: BLE001 - the console says it and goes on
        return f"{path} is not written: {error}"
    size = target.stat().st_size
    return f"{target.name} is written, {size:,} bytes, into {target.parent}"
