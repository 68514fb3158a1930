"""Whether the other end of a peer ever showed itself."""

from __future__ import annotations

from analyzers.model.peer import PeerState, PeerView
from analyzers.model.sa import SaEnd


def never_answered(peer: PeerView) -> bool:
    """Whether the local end began to negotiate, sent its message again, and nothing came back.

    Where nothing comes back nobody can tell whether the other end was reached; and where nothing
    of it was captured, not even that.
    """
    peer = peer.whole
    if peer.state is not PeerState.UNKNOWN or not peer.ike_sas or peer.forgotten:
        return False
    if peer.esp_flows or peer.exchanges or peer.shown or peer.remote in peer.unheard:
        return False
    if any(sa.responder_spi.strip("0") for sa in peer.ike_sas):
        return False
    if any(sa.established_ns is not None or sa.initiator != peer.local for sa in peer.ike_sas):
        return False
    again = any(sa.retransmissions or sa.end is SaEnd.FAILED for sa in peer.ike_sas)
    remote = {peer.remote, *peer.addresses}
    return again and not any(message.src in remote for message in peer.messages)
