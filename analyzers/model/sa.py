"""Security associations: IKE SAs, and Child SAs as the ESP flows that can be seen."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

from msgspec import Struct

from analyzers.model.records import Ref
from analyzers.model.time import nanoseconds

# Stacks renew an SA when the rest of its lifetime is less: strongSwan with a tenth for each of
# over_time and rand_time, Libreswan with a margin that may be doubled.
_LATE_SHARE: Final = 0.7


class SaEnd(StrEnum):
    """How an IKE SA ended."""

    DELETE = "delete"
    DEAD_PEER = "dead-peer"
    REKEYED = "rekeyed"
    REPLACED = "replaced"
    FAILED = "failed"
    """It was never one: phase 1 was begun, and did not get through."""
    LOST = "lost"
    """The device that tells of it started anew."""


class IkeSa(Struct, frozen=True):
    """One IKE SA (IKEv1: ISAKMP SA) of a peer."""

    id: str
    ike_version: int
    initiator: str
    responder: str
    initiator_spi: str
    responder_spi: str
    first_ns: int
    last_ns: int
    established_ns: int | None
    ended_ns: int | None
    end: SaEnd | None
    rekeyed_into: str | None
    dpd_vendor_id: tuple[bool | None, bool | None]
    """Whether initiator and responder sent the DPD Vendor ID; None: phase 1 was not seen (whole),
    or the SA is IKEv2, which has none."""
    vendor_ids: tuple[tuple[str, str], ...]
    """(sender, name or hex) in order of appearance."""
    proposal: str | None
    """The chosen transforms, readable: "AES-CBC-256 / SHA2-256 / MODP-2048"."""
    lifetime_s: int | None
    messages: int
    retransmissions: int
    refs: tuple[Ref, ...]
    """First message, and the message that ended it."""
    initiator_told: bool = True
    """False: a log shows the SA and not who began it; `initiator` and `responder` are its ends."""
    version_told: bool = True
    """False: no line says of which version it is; `ike_version` is a guess."""


def is_due(established_ns: int | None, lifetime_s: int | None, at_ns: int) -> bool:
    """Whether the lifetime of an IKE SA nears its end: it is renewed soon."""
    if established_ns is None or lifetime_s is None:
        return False
    return at_ns - established_ns >= _LATE_SHARE * nanoseconds(lifetime_s)


class UsedPorts(NamedTuple):
    """The UDP ports that ESP goes between from some time on."""

    since_ns: int
    sender: int
    receiver: int


class EspFlow(Struct, frozen=True):
    """One direction of one Child SA, as its SPI shows it."""

    spi: str
    sender: str
    receiver: str
    first_ns: int
    last_ns: int
    packets: int
    bytes: int
    missing_sequences: int
    encapsulated: bool
    """Carried in UDP (or TCP) rather than directly over IP."""
    ref: Ref | None = None
    """Its first packet."""
    repeats: int = 0
    """Packets that came again, more than a second after their sequence number had passed."""
    repeat_ns: int | None = None
    """The first of them."""
    repeat_ref: Ref | None = None
    lost: int | None = None
    """Packets that did not come by a second capture, near the receiver; None without one."""
    ports: tuple[UsedPorts, ...] = ()
    """In the order of time: more than one where a NAT forgot its mapping."""
