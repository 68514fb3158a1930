"""SVG files: the timeline or the ladder of each chosen peer, one above the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from importlib.resources import files
from typing import Final

import htpy
import markupsafe
from htpy import Element

from analyzers.export.content import Content
from analyzers.export.formatting import worst_first
from analyzers.export.naming import Naming, address, day
from analyzers.export.svg import ladder as ladders
from analyzers.export.svg import sheet
from analyzers.export.svg import timeline as timelines
from analyzers.export.svg.canvas import Drawn, group, number, rect, text
from analyzers.export.untrusted import printable
from analyzers.model.peer import PeerView

MARGIN: Final = 20
HEADING: Final = 34


class Drawing(StrEnum):
    """What is drawn of each peer."""

    TIMELINE = "timeline"
    LADDER = "ladder"


def chunks(
    content: Content,
    *,
    ascii_only: bool = False,
    drawing: Drawing = Drawing.TIMELINE,
    peers: Sequence[str] = (),
) -> Iterator[str]:
    """One SVG document; `peers` are ids, none is all of them, the worst first."""
    chosen = [p for p in sorted(content.peers, key=worst_first) if not peers or p.id in peers]
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    for piece in _document(content, chosen, drawing).iter_chunks():
        clean = printable(piece)
        yield clean.encode("ascii", "xmlcharrefreplace").decode() if ascii_only else clean
    yield "\n"


def style() -> markupsafe.Markup:
    """The style sheet of drawings that stand alone."""
    return stylesheet("svg", "colors.css") + stylesheet("svg", "drawing.css")


def stylesheet(package: str, name: str) -> markupsafe.Markup:
    """One of our own style sheets."""
    return markupsafe.Markup(files(f"analyzers.export.{package}").joinpath(name).read_text("utf-8"))


def _document(content: Content, peers: Sequence[PeerView], drawing: Drawing) -> Element:
    naming = Naming.of(content)
    width = sheet.WIDTH if drawing is Drawing.TIMELINE else ladders.WIDTH
    nodes: list[Element] = []
    y = float(MARGIN)
    for index, peer in enumerate(peers):
        heading = f"{peer.id}: {address(peer.local)} → {address(peer.remote)}"
        nodes.append(text(MARGIN, y + 14, f"{heading}, {day([peer])}".rstrip(", "), "heavy"))
        y += HEADING
        drawn = _drawn(content, peer, naming, drawing, f"peer-{index + 1}")
        if drawn is None:
            nodes.append(text(MARGIN, y, "no IKE message of this peer is known", "soft"))
            y += HEADING
            continue
        nodes.append(group(move=(MARGIN, y))[drawn.element])
        y += drawn.height + MARGIN
    if not peers:
        nodes.append(text(MARGIN, y + 14, "No peer was found.", ""))
        y += HEADING
    whole_width, whole_height = width + 2 * MARGIN, y + MARGIN
    what = f"{drawing.capitalize()} of {len(peers)} IPsec peers by dpdlab {content.version}"
    return htpy.svg(
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {number(whole_width)} {number(whole_height)}",
            "width": number(whole_width),
            "height": number(whole_height),
            "class": "drawing",
            "role": "img",
            "aria-labelledby": "document-title document-description",
        }
    )[
        htpy.title(id="document-title")[f"IPsec liveness: {drawing.value}"],
        htpy.desc(id="document-description")[what],
        htpy.style[style()],
        rect(0, 0, whole_width, whole_height, "paper"),
        nodes,
    ]


def _drawn(
    content: Content, peer: PeerView, naming: Naming, drawing: Drawing, name: str
) -> Drawn | None:
    if drawing is Drawing.TIMELINE:
        return timelines.timeline(peer, naming, name=name, exact=content.esp.get(peer.id, ()))
    return ladders.ladder(peer, naming, name=name)
