"""Questions that a filter leaves because something else rests on them."""

from __future__ import annotations

from msgspec.structs import replace

from analyzers.export.content import Content
from analyzers.export.exchanges import half_hidden
from analyzers.model.peer import PeerView


def with_questions(content: Content) -> Content:
    """What a filter left, with every question of which it left all messages that asked it.

    A black hole that matches keeps the messages it rests on: a list has them, with what they are.
    Counts and drawings beside the list then are of the same questions.
    """
    peers = tuple(map(_with_questions, content.peers))
    return replace(content, peers=peers)


def _with_questions(peer: PeerView) -> PeerView:
    hidden = half_hidden(peer)
    if not hidden:
        return peer
    left = {message.ref for message in peer.messages}
    asked = [x for x in hidden if all(sent.ref in left for sent in x.transmissions)]
    together = sorted((*peer.exchanges, *asked), key=lambda x: x.first_ns)
    return replace(peer, exchanges=tuple(together)) if asked else peer
