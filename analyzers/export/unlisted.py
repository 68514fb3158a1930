"""What a list of a peer lacks although it may be there: a filter hides it, or nobody can know."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from analyzers.export.formatting import counted
from analyzers.model.peer import PeerState, PeerView
from analyzers.model.records import Basis
from analyzers.model.sa import SaEnd
from analyzers.model.time import ORDER_LIMIT_NS

NOT_SHOWN: Final = "not shown"
"""Instead of "none" where a filter hides what there is."""
HOLES_NOT_KNOWN: Final = "black holes not known"
"""Where nobody can tell of any."""


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
    """Whether a black hole could be told: without times, or where silence says nothing, none can.

    The latter is so at the end of the input where ESP goes to a peer of unknown state. Nor can one
    where a log says that the peer was given up, and not since when it was silent.
    """
    sends = any(flow.sender == peer.local for flow in peer.whole.esp_flows)
    unheard = sends and peer.state is PeerState.UNKNOWN and not peer.whole.black_holes
    return _has_times(peer) and not unheard and not is_silence_untold(peer)


def is_silence_untold(peer: PeerView) -> bool:
    """Whether a log alone says that a peer was given up, and of no question before that."""
    whole = peer.whole
    asked = {x.ike_sa for x in whole.exchanges if x.verdict_ns is not None}
    given_up = any(sa.end is SaEnd.DEAD_PEER and sa.id not in asked for sa in whole.ike_sas)
    if not given_up or whole.black_holes or whole.esp_flows:
        return False
    return all(message.basis is Basis.LOG for message in whole.messages)


def why_unknown(peers: Iterable[PeerView]) -> str:
    """Why no black hole of peers can be told."""
    peers = [*peers]
    if any(_has_times(peer) and is_silence_untold(peer) for peer in peers):
        return "no black hole can be told: since when the peer was gone is not in the log"
    if any(map(_has_times, peers)):
        return "no black hole can be told: silence says nothing"
    return "without times no black hole can be told"


def why_no_hole(peer: PeerView | None) -> str:
    """Why no black hole of a peer is listed."""
    hidden = not_shown(hidden_holes(peer), "black hole") if peer is not None else ""
    if hidden or peer is None or are_holes_known(peer):
        return hidden or "this peer has no black hole"
    return f"of this peer {why_unknown([peer])}"


def _has_times(peer: PeerView) -> bool:
    return peer.first_ns >= ORDER_LIMIT_NS
