"""What a list of a peer lacks although it may be there: a filter hides it, or nobody can know."""

from __future__ import annotations

from typing import Final

from analyzers.export.formatting import counted
from analyzers.model.peer import PeerView
from analyzers.model.time import ORDER_LIMIT_NS

NOT_SHOWN: Final = "not shown"
"""Instead of "none" where a filter hides what there is."""
HOLES_NOT_KNOWN: Final = "black holes not known"
"""Where nothing has a time."""


def hidden_holes(peer: PeerView) -> int:
    """How many black holes of a peer a filter hides."""
    return len(peer.whole.black_holes) - len(peer.black_holes)


def hidden_questions(peer: PeerView) -> int:
    """How many liveness exchanges of a peer a filter hides."""
    return len(peer.whole.exchanges) - len(peer.exchanges)


def hidden_deletes(peer: PeerView) -> int:
    """How many Deletes of a peer a filter hides."""
    return len(peer.whole.deletes) - len(peer.deletes)


def not_shown(number: int, noun: str) -> str:
    """That a filter hides something: "3 black holes not shown by the filter"; empty for nothing."""
    return f"{counted(number, noun)} {NOT_SHOWN} by the filter" if number else ""


def are_holes_known(peer: PeerView) -> bool:
    """Whether a black hole could be told: without times none can."""
    return peer.first_ns >= ORDER_LIMIT_NS


def why_no_hole(peer: PeerView | None) -> str:
    """Why no black hole of a peer is listed."""
    hidden = not_shown(hidden_holes(peer), "black hole") if peer is not None else ""
    if hidden or peer is None or are_holes_known(peer):
        return hidden or "this peer has no black hole"
    return "this peer has no times: no black hole can be told"
