"""What the logs of the ends give as the cause of silence: refusals to send, and logs that end.

Pure reading of a view: rules and reports say it alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from analyzers.model.exchange import Exchange, Lost, Transmission
from analyzers.model.peer import Hint, HintKind, LoggedEnd, PeerView
from analyzers.model.records import Basis
from analyzers.model.time import NS_PER_SECOND, ORDER_LIMIT_NS

# An answer is refused right after its question; a device that sends into silence is refused again.
_SOON_NS: Final = 2 * NS_PER_SECOND


def refusals(peer: PeerView) -> list[Hint]:
    """Spells in which the system of an end refused to send, as its log says."""
    return [hint for hint in peer.hints if hint.kind is HintKind.NOT_SENT]


def refused_within(hint: Hint, first_ns: int, last_ns: int) -> bool:
    """Whether a spell of refusals falls into a stretch of time, or begins with its end."""
    return hint.at_ns <= last_ns + _SOON_NS and hint.last_ns >= first_ns


def refusal_of(spells: Sequence[Hint], exchange: Exchange, end: str) -> Hint | None:
    """The spell of those given in which an end could not send what belongs to an exchange."""
    return next(
        (
            hint
            for hint in spells
            if hint.sender == end and refused_within(hint, exchange.first_ns, exchange.last_ns)
        ),
        None,
    )


def refusal_behind(spells: Sequence[Hint], exchange: Exchange) -> Hint | None:
    """The spell of those given that is the cause of a missing answer; None where none can be.

    What a capture or the log of the other end has did leave; what did not arrive needed no answer.
    """
    left = exchange.basis is not Basis.LOG or any(sent.arrived for sent in exchange.transmissions)
    own = None if left else refusal_of(spells, exchange, exchange.prober)
    if own is not None or exchange.lost in (Lost.REQUEST, Lost.UNREAD):
        return own
    return refusal_of(spells, exchange, exchange.responder)


def refusal_before(spells: Sequence[Hint], exchange: Exchange) -> Hint | None:
    """The spell in which its own system refused all that a prober sent before it was answered."""
    if exchange.answer is None:
        return None
    answer_ns = exchange.answer.at_ns
    earlier = [sent for sent in exchange.transmissions if sent.at_ns <= answer_ns][:-1]
    hint = refusal_of(spells, exchange, exchange.prober) if earlier else None
    return hint if hint is not None and _covers(hint, earlier) else None


def covers_all(hint: Hint, exchange: Exchange) -> bool:
    """Whether a spell of refusals lasted for all transmissions of a question."""
    return _covers(hint, exchange.transmissions)


def _covers(hint: Hint, sent: Sequence[Transmission]) -> bool:
    lasted = hint.at_ns <= sent[0].at_ns + _SOON_NS and hint.last_ns >= sent[-1].at_ns
    return lasted and hint.times >= len(sent)


def ended_log(peer: PeerView, address: str, at_ns: int) -> LoggedEnd | None:
    """The log of an end that says nothing from before a time on; None if one goes on, or none is.

    It may have been cut there, its device may have been down, or nothing came that it tells of.
    """
    logs = [log for log in peer.logged if log.address == address]
    if not logs or at_ns < ORDER_LIMIT_NS:
        return None
    latest = max(logs, key=lambda log: log.end_ns)
    return latest if latest.end_ns < at_ns else None


def refusal_remedy(hint: Hint) -> str:
    """Where to look for what refused to send, by what the system called it; empty if unknown."""
    reason = hint.reason.casefold()
    where = next((where for words, where in _WHERE.items() if words in reason), "")
    return where and f"Look at {hint.sender} itself at that time: {where}."


_WHERE: Final = {
    "not permitted": (
        "a filter of its own drops what it sends (nft list ruleset, iptables -S OUTPUT), or its"
        " policy does"
    ),
    "unreachable": "it has no route to the peer (ip route get)",
    "no route": "it has no route to the peer, or no neighbour answers (ip route get, ip neigh)",
    "is down": "its interface is down (ip link)",
    "no such device": "its interface is gone (ip link)",
    "assign requested address": "its local address is gone (ip addr)",
    "invalid argument": "its local address or interface is gone (ip addr, ip link)",
    "buffer space": "its send queue is full",
    "message too long": "the packet is larger than the MTU, and may not be cut",
}
