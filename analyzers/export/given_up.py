"""Whose verdict a death is: of this end, of the other one, or of both."""

from __future__ import annotations

from analyzers.model.exchange import Exchange
from analyzers.model.peer import PeerState, PeerView
from analyzers.model.records import Confidence


def gave_us_up(peer: PeerView, since_ns: int | None = None) -> bool:
    """Whether the last verdict of a peer was the remote side's, on the local one.

    Where both gave up, what a log says of one goes before what was inferred of the other.
    `since_ns`: that verdict instead with which the peer was dead from then on.
    """
    peer = peer.whole
    verdicts = [
        (x.verdict_ns, x.verdict_ref is not None, x.prober)
        for x in peer.exchanges
        if x.verdict_ns is not None
    ]
    verdicts += [
        (h.dead_ns, h.dead_basis == "log", h.sender)
        for h in peer.black_holes
        if h.dead_ns is not None
    ]
    if not verdicts:
        return False
    dead_ns = peer.states[-1].start_ns if peer.states else 0
    remote = {peer.remote, *peer.addresses}
    if since_ns is not None:
        nearest = min(verdicts, key=lambda each: (abs((each[0] or 0) - since_ns), not each[1]))
        return nearest[2] in remote
    last = max((told and ns >= dead_ns, ns, who not in remote) for ns, told, who in verdicts)
    return not last[2]


def both_gave_up(peer: PeerView) -> tuple[Exchange, ...]:
    """The questions whose verdicts left a peer dead at both ends, in the order of the verdicts.

    Empty where one end gave up, and where a log says that of one end only: what is inferred of the
    other is less sure than the state of the peer.
    """
    peer = peer.whole
    if peer.state is not PeerState.DEAD or not peer.states:
        return ()
    logged = peer.confidence is Confidence.CERTAIN
    verdicts = [
        (x.verdict_ns, number, x)
        for number, x in enumerate(peer.exchanges)
        if x.verdict_ns is not None and (x.verdict_ref is not None) is logged
    ]
    if not verdicts or max(verdicts)[0] < peer.states[-1].start_ns:
        return ()
    dead = max(verdicts)[2].ike_sa
    by_end = {x.prober == peer.local: x for *_, x in sorted(verdicts) if x.ike_sa == dead}
    both = sorted(by_end.values(), key=lambda x: x.verdict_ns or 0)
    return tuple(both) if len(both) > 1 else ()
