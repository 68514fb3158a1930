"""Unprotected notifies: what anybody on the way may have sent, and so prove nothing."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from analyzers.model.observations import IkeMessage
from analyzers.model.peer import Hint, HintKind
from analyzers.model.records import Ref
from analyzers.model.sa import IkeSa
from analyzers.model.time import NS_PER_SECOND, nanoseconds
from analyzers.rules.case import PHASE1_KINDS, Case

_NAMES: Final = {
    (2, 4): "INVALID_IKE_SPI",
    (2, 11): "INVALID_SPI",
    (1, 4): "INVALID-COOKIE",
    (1, 11): "INVALID-SPI",
}
_QCD_TOKEN: Final = 16419
_INFORMATIONAL: Final = frozenset({5, 37})
_ESP_SPI_BYTES: Final = 4
# What logs say of packets for SAs that their device does not have.
_LOGGED: Final = frozenset({HintKind.UNKNOWN_SPI, HintKind.UNKNOWN_IKE_SA})
# Anybody can send as many as he likes.
_MOST_HINTS: Final = 200


class Unprotected(Struct, frozen=True):
    """A hint that `sender` does not know an SA that `receiver` uses."""

    at_ns: int
    ref: Ref
    sender: str
    receiver: str
    name: str
    sa: IkeSa
    """The IKE SA it casts doubt on, alive at that time."""
    token: bool = False
    """It carries a QCD token: proof of its own (RFC 6290)."""


def unprotected(case: Case) -> list[Unprotected]:
    """Clear notifies about living IKE SAs, in the order of time."""
    found = []
    for message in case.peer.messages:
        if message.encrypted or message.exchange_type not in _INFORMATIONAL:
            continue
        for notify in message.notifies:
            name = _NAMES.get((message.version, notify.type))
            sa = None if name is None else _doubted(case, message)
            if name is None or sa is None or _is_of_another_flow(case, message):
                continue
            token = any(n.type == _QCD_TOKEN for n in message.notifies)
            found.append(
                Unprotected(message.at_ns, message.ref, message.src, message.dst, name, sa, token)
            )
            break
        if len(found) >= _MOST_HINTS:
            break
    return found


def logged(case: Case) -> list[Unprotected]:
    """Lines in which a device says that it got packets for an SA that it does not have."""
    found = []
    for hint in case.peer.hints:
        sa = living(case, hint.at_ns) if hint.kind in _LOGGED else None
        if sa is not None:
            other = case.other(hint.sender)
            found.append(Unprotected(hint.at_ns, hint.ref, hint.sender, other, hint.text, sa))
    return found


def starts(case: Case) -> list[Hint]:
    """When the devices at the ends started, as far as their logs say so."""
    return [hint for hint in case.peer.hints if hint.kind is HintKind.STARTED]


def icmp(case: Case) -> list[Unprotected]:
    """ICMP errors about packets of an end; reported on the way, they may be of either."""
    found = []
    for hint in case.peer.hints:
        sa = living(case, hint.at_ns) if hint.kind is HintKind.ICMP else None
        if sa is None:
            continue
        ends = case.ends if hint.sender not in case.ends else (case.other(hint.sender),)
        name = hint.text.removeprefix("ICMP: ")
        found += [
            Unprotected(hint.at_ns, hint.ref, hint.sender, end, f"ICMP {name}", sa) for end in ends
        ]
    return found


def living(case: Case, at_ns: int) -> IkeSa | None:
    """The newest IKE SA that had been used before and was not over at a time."""
    for sa in reversed(case.peer.ike_sas):
        used = any(m.encrypted and m.at_ns < at_ns for m in case.messages.get(sa.id, ()))
        if used and (sa.ended_ns is None or sa.ended_ns > at_ns):
            return sa
    return None


def negotiations(case: Case) -> list[IkeSa]:
    """IKE SAs whose first exchange was seen; a clear notify by itself makes none."""
    return [
        sa
        for sa in case.peer.ike_sas
        if any(
            m.kind in PHASE1_KINDS and m.at_ns == sa.first_ns for m in case.messages.get(sa.id, ())
        )
    ]


def in_flight_ns(case: Case, ike_sa: str) -> int:
    """How long packets may still be on their way after a Delete."""
    rtt_ns = case.rtt_ns(ike_sa) or 0
    return max(2 * rtt_ns, nanoseconds(case.thresholds.in_flight_s))


def follows_delete(case: Case, at_ns: int) -> bool:
    """Whether an SA was deleted just before: what is still on its way then meets no SA."""
    return any(
        0 <= at_ns - delete.at_ns <= in_flight_ns(case, delete.ike_sa)
        for delete in case.peer.deletes
    )


def _doubted(case: Case, message: IkeMessage) -> IkeSa | None:
    """The IKE SA with the SPIs of the notify, else the newest that is alive."""
    spis = message.initiator_spi, message.responder_spi
    for sa in case.peer.ike_sas:
        if spis == (sa.initiator_spi, sa.responder_spi) and any(
            m.encrypted and m.at_ns < message.at_ns for m in case.messages.get(sa.id, ())
        ):
            over = sa.ended_ns is not None and sa.ended_ns <= message.at_ns
            return None if over else sa
    return living(case, message.at_ns)


def _is_of_another_flow(case: Case, message: IkeMessage) -> bool:
    """Whether an INVALID_SPI names an SPI that its receiver does not send on."""
    sent = {f.spi for f in case.peer.esp_flows if f.sender == message.dst}
    named = {
        n.data.hex() for n in message.notifies if n.type == 11 and len(n.data) == _ESP_SPI_BYTES
    }
    return bool(sent and named) and not named & sent


AROUND_NS: Final = 300 * NS_PER_SECOND
"""What comes later than this after a hint has other reasons."""

__all__ = [
    "AROUND_NS",
    "Unprotected",
    "follows_delete",
    "icmp",
    "in_flight_ns",
    "living",
    "logged",
    "negotiations",
    "starts",
    "unprotected",
]
