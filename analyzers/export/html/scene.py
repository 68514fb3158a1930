"""What all parts of one page share."""

from __future__ import annotations

from collections.abc import Mapping

import htpy
from htpy import Node
from msgspec import Struct

from analyzers.export.content import Content
from analyzers.export.html.parts import folded
from analyzers.export.naming import Naming
from analyzers.export.selections import Selection, Selector


class Scene(Struct, frozen=True):
    """The content of a page, and how it names and selects things."""

    content: Content
    naming: Naming
    anchors: Mapping[str, str]
    """Of the sections of peers, by id of the peer."""
    selector: Selector


def filters(selection: Selection) -> Node:
    """What selects the packets of a statement elsewhere, folded."""
    named: list[tuple[str, str]] = []
    if selection.display_filter:
        named.append(("Wireshark", selection.display_filter))
    named += [(f"Wireshark, only {source}", by) for source, by in selection.frames.items()]
    if selection.bpf:
        named.append(("BPF", selection.bpf))
    if not named:
        return None
    pairs = [[htpy.dt[name], htpy.dd[htpy.code[text]]] for name, text in named]
    return folded("Filters for these packets", htpy.dl(".pairs")[pairs])
