"""The page: everything in one file, nothing fetched, nothing executed.

Every text goes through htpy, which escapes it, and the finished document through `printable`:
control, bidi and invisible characters of the inputs become visible escapes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import htpy
from htpy import Element

from analyzers.export.content import Content
from analyzers.export.formatting import Severity, counted, peer_severity, worst_first
from analyzers.export.html import overview
from analyzers.export.html.parts import more
from analyzers.export.html.peer import section
from analyzers.export.html.scene import Scene
from analyzers.export.naming import Naming
from analyzers.export.selections import Selector
from analyzers.export.svg.document import style, stylesheet
from analyzers.export.untrusted import printable
from analyzers.model.peer import PeerView

SECTIONS: Final = 40
"""Peers told in full, the worst ones."""
HEALTHY_SECTIONS: Final = 3
"""Healthy peers told in full: enough to see what healthy looks like here."""

# Whatever a browser might be talked into: nothing is loaded, run or sent.
POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def chunks(content: Content, *, ascii_only: bool = False) -> Iterator[str]:
    """The document; with `ascii_only` all else is written as character references."""
    for piece in _document(content).iter_chunks():
        clean = printable(piece)
        yield clean.encode("ascii", "xmlcharrefreplace").decode() if ascii_only else clean
    yield "\n"


def _document(content: Content) -> Element:
    peers = sorted(content.peers, key=worst_first)
    told = _told(peers)
    anchors = {peer.id: f"peer-{index + 1}" for index, peer in enumerate(told)}
    selector = Selector(content.sources, content.peers)
    scene = Scene(content, Naming.of(content), anchors, selector)
    hidden = len(peers) - len(told)
    return htpy.html(lang="en")[
        htpy.head[
            htpy.meta(charset="utf-8"),
            htpy.meta(http_equiv="Content-Security-Policy", content=POLICY),
            htpy.meta(name="viewport", content="width=device-width, initial-scale=1"),
            htpy.meta(name="color-scheme", content="light dark"),
            htpy.meta(name="referrer", content="no-referrer"),
            htpy.meta(name="generator", content=f"dpdlab {content.version}"),
            htpy.title["IPsec liveness report"],
            htpy.style[style() + stylesheet("html", "page.css")],
        ],
        htpy.body[
            overview.verdict(content, peers),
            htpy.main[
                overview.peer_table(peers, scene),
                overview.findings(scene),
                (section(peer, scene) for peer in told),
                more(f"{counted(hidden, 'peer')} only in the table above") if hidden else None,
                overview.inputs(content, scene.naming),
            ],
            htpy.footer[f"Written by dpdlab {content.version}. Times are UTC."],
        ],
    ]


def _told(peers: Sequence[PeerView]) -> list[PeerView]:
    sick = [peer for peer in peers if peer_severity(peer) > Severity.NOTE]
    healthy = [peer for peer in peers if peer_severity(peer) <= Severity.NOTE]
    return sick[:SECTIONS] + healthy[:HEALTHY_SECTIONS]
