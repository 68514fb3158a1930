"""Small parts of the page that occur in many places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import htpy
from htpy import Element, Node

from analyzers.export import words
from analyzers.export.formatting import UNICODE, Severity, state_glyph, state_severity
from analyzers.model.finding import Severity as FindingSeverity
from analyzers.model.peer import PeerView

SHADE: Final = {
    Severity.MUTE: "mute",
    Severity.GOOD: "good",
    Severity.NOTE: "info",
    Severity.WARN: "warn",
    Severity.BAD: "bad",
}
FINDING_SHADE: Final = {
    FindingSeverity.ERROR: "bad",
    FindingSeverity.WARNING: "warn",
    FindingSeverity.INFO: "info",
}
FINDING_SIGN: Final = {
    FindingSeverity.ERROR: UNICODE.dead,
    FindingSeverity.WARNING: UNICODE.questionable,
    FindingSeverity.INFO: "i",
}


def badge(label: str, shade: str, sign: str = "") -> Element:
    """A word with a colour, and a sign so that the colour is not all it has."""
    mark = htpy.span(".sign", aria_hidden="true")[sign] if sign else None
    return htpy.span(class_=f"badge {shade}")[mark, label]


def state_badge(peer: PeerView, *, with_doubt: bool = True) -> Element:
    """The state of a peer."""
    phrase = words.peer_phrase(peer) if with_doubt else words.peer_word(peer)
    return badge(phrase, SHADE[state_severity(peer.state)], state_glyph(peer.state, UNICODE))


def dotted(parts: Sequence[Node]) -> Node:
    """Parts of a line, told apart by a dot."""
    nodes: list[Node] = []
    for index, part in enumerate(parts):
        if index:
            nodes.append(htpy.span(".dot", aria_hidden="true")[" · "])
        nodes.append(part)
    return nodes


def more(text: str) -> Element:
    """What is not shown here."""
    return htpy.p(".soft")[f"… {text}"]


def folded(summary: Node, content: Node, *, is_open: bool = False) -> Element:
    """Something to unfold."""
    return htpy.details(open=is_open)[htpy.summary[summary], content]


def data(text: str) -> Element:
    """An identifier: it may be broken anywhere."""
    return htpy.span(".data")[text]
