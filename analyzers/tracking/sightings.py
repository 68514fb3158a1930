"""Sightings: what an input knows of one message that another input may know too.

The keys of a sighting are facts that are identical wherever the message is seen, strongest first:
the random message ID of IKEv1, SPIs and message ID of IKEv2, the number of an R-U-THERE; without
SPIs the addresses, exchange and message ID, which only many messages together make unique.
"""

from __future__ import annotations

import struct
from enum import Enum, IntEnum, auto
from functools import lru_cache
from hashlib import blake2b
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Final, NamedTuple

from analyzers.model.addresses import address_key
from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.observations import Datagram, IkeMessage, MessageKind
from analyzers.model.records import Ref

_HEADER: Final = struct.Struct("!8s8sBBBBII")
_RESPONSE: Final = 0x20
_EXCHANGE: Final = {
    MessageKind.SA_INIT: 34,
    MessageKind.AUTH: 35,
    MessageKind.CREATE_CHILD: 36,
    MessageKind.LIVENESS: 37,
    MessageKind.LIVENESS_MOBIKE: 37,
    MessageKind.DELETE: 37,
    MessageKind.NOTIFY: 37,
    MessageKind.CONFIG: 37,
    MessageKind.INFORMATIONAL: 37,
}
_INFORMATIONAL: Final = (5, 37)
_INFORMATIONAL_V1: Final = frozenset(
    {
        MessageKind.R_U_THERE,
        MessageKind.R_U_THERE_ACK,
        MessageKind.DELETE,
        MessageKind.NOTIFY,
        MessageKind.INFORMATIONAL,
    }
)
# The messages of phase 1 have no message ID.
_PHASE1: Final = {MessageKind.MAIN_MODE: 2, MessageKind.AGGRESSIVE: 4}
# Every IKE SA begins with the same IDs in the same order: these tell nothing.
_HANDSHAKE: Final = (34, 35)
# What a NAT translates: RFC 1918, RFC 6598, RFC 4193.
_PRIVATE: Final = (
    IPv4Network("10.0.0.0/8"),
    IPv4Network("172.16.0.0/12"),
    IPv4Network("192.168.0.0/16"),
    IPv4Network("100.64.0.0/10"),
    IPv6Network("fc00::/7"),
)


class KeyFamily(IntEnum):
    """Kinds of identical facts, the strongest first."""

    BYTES = 0
    MESSAGE_ID = 1
    SPIS = 2
    SEQUENCE = 3
    ADDRESSES = 4
    COUNTER = 5
    KIND = 6
    """Nothing but what kind of message it is: it pairs by time alone, and tells no clock."""


EVIDENCE: Final = {
    KeyFamily.BYTES: "identical messages",
    KeyFamily.MESSAGE_ID: "IKEv1 message IDs",
    KeyFamily.SPIS: "SPIs and message IDs",
    KeyFamily.SEQUENCE: "DPD sequence numbers",
    KeyFamily.ADDRESSES: "addresses and message IDs",
    KeyFamily.COUNTER: "message IDs in their order",
}

STRONG: Final = frozenset({KeyFamily.BYTES, KeyFamily.MESSAGE_ID, KeyFamily.SPIS})
"""Facts that are as good as unique: one is enough."""

Key = tuple[object, ...]


class Relation(Enum):
    """Who wrote two inputs."""

    ENDS = auto()
    """Both ends of the messages, or one of them and a capture."""
    COPIES = auto()
    """One device wrote both logs: what is sent in one is sent in the other."""


class Sighting(NamedTuple):
    """One message as one input saw it, on that input's clock."""

    at_ns: int
    ref: Ref
    keys: tuple[tuple[KeyFamily, Key], ...]
    outward: int
    """1: the input's own device sent it, -1: received it, 0: a capture saw it pass."""
    src: str | None
    dst: str | None
    informational: bool
    """It may be a liveness question: an Informational, no answer."""
    version: int | None


def of_datagram(datagram: Datagram) -> Sighting | None:
    """The sighting of a packet; None for what is no IKE header."""
    payload = datagram.payload
    if len(payload) < _HEADER.size:
        return None
    initiator, _, _, version, exchange, flags, message_id, _ = _HEADER.unpack_from(payload)
    src, dst = datagram.src, datagram.dst
    digest = blake2b(payload, digest_size=16).digest()
    keys: list[tuple[KeyFamily, Key]] = [(KeyFamily.BYTES, (digest,))]
    major = version >> 4
    answer = False
    keys.append((KeyFamily.KIND, (major, exchange, bool(flags & _RESPONSE and major == 2))))
    if major == 1 and message_id:
        keys.append((KeyFamily.MESSAGE_ID, (message_id,)))
    elif major == 2:
        answer = bool(flags & _RESPONSE)
        keys += _ikev2_keys(initiator.hex(), src, dst, exchange, message_id, answer)
    informational = exchange in _INFORMATIONAL and not answer
    return Sighting(datagram.at_ns, datagram.ref, tuple(keys), 0, src, dst, informational, major)


def decrypted(sighting: Sighting, message: IkeMessage | None) -> Sighting:
    """The sighting of a packet, with what its message says where the keys open it."""
    if message is None or message.dpd_sequence is None:
        return sighting
    number = (KeyFamily.SEQUENCE, (message.dpd_sequence, message.kind))
    return sighting._replace(keys=(*sighting.keys, number))


def of_event(event: LogEvent) -> Sighting | None:
    """The sighting of a message in a log; None for other events, and without a time."""
    if event.kind is not LogEventKind.MESSAGE or event.at_ns is None or event.sent is None:
        return None
    local, remote = (None if a is None else address_key(a) for a in (event.local, event.remote))
    src, dst = (local, remote) if event.sent else (remote, local)
    keys: list[tuple[KeyFamily, Key]] = []
    if event.version == 1 and event.message_id:
        keys.append((KeyFamily.MESSAGE_ID, (event.message_id,)))
    if event.sequence is not None:
        keys.append((KeyFamily.SEQUENCE, (event.sequence, event.message)))
    exchange = _EXCHANGE.get(event.message) if event.message is not None else None
    if event.version == 2 and event.message_id is not None and exchange is not None:
        spi = event.initiator_spi
        keys += _ikev2_keys(spi, src, dst, exchange, event.message_id, bool(event.response))
    if not any(kind is not KeyFamily.SEQUENCE for kind, _ in keys):
        keys += _kind_key(event)
    asks = event.message in (MessageKind.R_U_THERE, MessageKind.LIVENESS) and not event.response
    outward = 1 if event.sent else -1
    return Sighting(event.at_ns, event.ref, tuple(keys), outward, src, dst, asks, event.version)


def _kind_key(event: LogEvent) -> list[tuple[KeyFamily, Key]]:
    """For a message of which the log names nothing: what it can be on the wire."""
    if event.message in _INFORMATIONAL_V1 and event.version == 1:
        return [(KeyFamily.KIND, (1, 5, False))]
    if event.message in _PHASE1 and event.version == 1:
        return [(KeyFamily.KIND, (1, _PHASE1[event.message], False))]
    exchange = _EXCHANGE.get(event.message) if event.message is not None else None
    if event.version == 2 and exchange is not None and event.response is not None:
        return [(KeyFamily.KIND, (2, exchange, event.response))]
    return []


def _ikev2_keys(
    spi: str | None, src: str | None, dst: str | None, exchange: int, message_id: int, answer: bool
) -> list[tuple[KeyFamily, Key]]:
    keys: list[tuple[KeyFamily, Key]] = []
    if spi is not None:
        keys.append((KeyFamily.SPIS, (spi, exchange, message_id, answer)))
    if src is not None and dst is not None:
        keys.append((KeyFamily.ADDRESSES, (src, dst, exchange, message_id, answer)))
    if exchange not in _HANDSHAKE:
        keys.append((KeyFamily.COUNTER, (exchange, message_id, answer)))
    return keys


def may_be_one(one: Sighting, two: Sighting, relation: Relation, family: KeyFamily | None) -> bool:
    """Whether two sightings that share a fact of `family` can be of one message.

    They cannot where the directions, or other facts that both of them know, say otherwise.
    """
    if one.outward and two.outward and (one.outward == two.outward) is (relation is Relation.ENDS):
        return False
    if _goes_back(one.src, two.dst, two.src) or _goes_back(one.dst, two.src, two.dst):
        return False
    if family in STRONG:
        return True
    if None not in (one.version, two.version) and one.version != two.version:
        return False
    return _ends_agree(one.src, two.src, one.dst, two.dst) and not _unique_differ(one, two)


def way_of(one: Sighting, two: Sighting) -> int:
    """1 and -1: the device of a log sent a message, or received it; of two captures the ways."""
    return one.outward or -two.outward or (1 if (one.src or "") < (one.dst or "") else -1)


def _goes_back(end: str | None, opposite: str | None, same: str | None) -> bool:
    """Whether an end of one message is the opposite end of another, whatever NAT hides the rest.

    The same mask may hide both ends.
    """
    return end is not None and end == opposite != same and is_private(end) is not None


def _unique_differ(one: Sighting, two: Sighting) -> bool:
    """Whether both know what names a message, of one kind, and not the same."""
    for family in (KeyFamily.MESSAGE_ID, KeyFamily.SPIS, KeyFamily.SEQUENCE):
        mine = [key for kind, key in one.keys if kind is family]
        theirs = [key for kind, key in two.keys if kind is family]
        if mine and theirs and mine[0] not in theirs:
            return True
    return False


@lru_cache(maxsize=8192)
def _ends_agree(src: str | None, src2: str | None, dst: str | None, dst2: str | None) -> bool:
    """Whether the ends are the same as far as they are known, but for one behind a NAT."""
    translated = 0
    for one, two in ((src, src2), (dst, dst2)):
        if one is None or two is None or one == two:
            continue
        private = is_private(one), is_private(two)
        if None in private:
            continue  # masked
        if private[0] == private[1]:
            return False
        translated += 1
    return translated < 2


@lru_cache(maxsize=8192)
def is_private(address: str) -> bool | None:
    """Whether a NAT hides an address; None if it is masked, or a name."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    return any(parsed.version == net.version and parsed in net for net in _PRIVATE)
