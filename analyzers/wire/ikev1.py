"""IKEv1 payload bodies and the names of their numbers (RFC 2407, 2408, 2409, 3706).

Reads Notification, Delete, Vendor ID, SA and KE out of a chain in clear or decrypted, and tells
what an SA payload means: the suite, its readable name, its lifetime.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

from analyzers.model.observations import DeletePayload, Notify, Proposal, Transform, VendorId
from analyzers.wire import ikev2
from analyzers.wire.ike import (
    GENERIC_BYTES,
    HEADER_BYTES,
    Contents,
    Payload,
    number,
    read_contents,
    read_proposals,
    read_spis,
    walk,
)
from analyzers.wire.vendor_ids import vendor_name

FLAG_ENCRYPTED: Final = 0x01

MAIN_MODE: Final = 2
AGGRESSIVE: Final = 4
INFORMATIONAL: Final = 5
TRANSACTION: Final = 6
QUICK_MODE: Final = 32
NEW_GROUP: Final = 33

PAYLOAD_SA: Final = 1
PAYLOAD_KE: Final = 4
PAYLOAD_ID: Final = 5
PAYLOAD_HASH: Final = 8
PAYLOAD_NONCE: Final = 10
PAYLOAD_NOTIFY: Final = 11
PAYLOAD_DELETE: Final = 12
PAYLOAD_VENDOR: Final = 13
PAYLOAD_ATTRIBUTES: Final = 14
PAYLOAD_CISCO_FRAGMENT: Final = 132

R_U_THERE: Final = 36136
R_U_THERE_ACK: Final = 36137

PROTOCOL_ISAKMP: Final = 1

HASH_SIZES: Final = (16, 20, 32, 48, 64)
"""Digest sizes of MD5, SHA1, SHA2-256, SHA2-384 and SHA2-512, bytes."""

# Payloads that a decrypted message can hold; anything else tells that the key does not fit.
KNOWN_PAYLOADS: Final = frozenset({1, *range(4, 22), 130, 131})

# Bodies of fixed or bounded size: shortest and longest payload with its generic header.
# ID: RFC 2407 4.6.2; Nonce: 8 to 256 bytes (RFC 2409 section 5).
_SIZES: Final = {PAYLOAD_ID: (8, 0xFFFF), PAYLOAD_NONCE: (12, 260), PAYLOAD_ATTRIBUTES: (8, 0xFFFF)}

_NOTIFY: Final = struct.Struct(">IBBH")
_SA_HEADER_BYTES: Final = 8
_FRAGMENT: Final = struct.Struct(">HBB")

_EXCHANGES: Final = {
    0: "none",
    1: "Base",
    2: "Main Mode",
    3: "Authentication Only",
    4: "Aggressive Mode",
    5: "Informational",
    6: "Transaction",
    32: "Quick Mode",
    33: "New Group Mode",
}

_PAYLOADS: Final = {
    0: "none",
    1: "SA",
    2: "Proposal",
    3: "Transform",
    4: "KE",
    5: "ID",
    6: "CERT",
    7: "CR",
    8: "HASH",
    9: "SIG",
    10: "Nonce",
    11: "Notification",
    12: "Delete",
    13: "Vendor ID",
    14: "Attributes",
    15: "SAK",
    16: "SAT",
    17: "KD",
    18: "SEQ",
    19: "POP",
    20: "NAT-D",
    21: "NAT-OA",
    130: "NAT-D (draft)",
    131: "NAT-OA (draft)",
    132: "Fragment",
}

_NOTIFIES: Final = {
    1: "INVALID-PAYLOAD-TYPE",
    2: "DOI-NOT-SUPPORTED",
    3: "SITUATION-NOT-SUPPORTED",
    4: "INVALID-COOKIE",
    5: "INVALID-MAJOR-VERSION",
    6: "INVALID-MINOR-VERSION",
    7: "INVALID-EXCHANGE-TYPE",
    8: "INVALID-FLAGS",
    9: "INVALID-MESSAGE-ID",
    10: "INVALID-PROTOCOL-ID",
    11: "INVALID-SPI",
    12: "INVALID-TRANSFORM-ID",
    13: "ATTRIBUTES-NOT-SUPPORTED",
    14: "NO-PROPOSAL-CHOSEN",
    15: "BAD-PROPOSAL-SYNTAX",
    16: "PAYLOAD-MALFORMED",
    17: "INVALID-KEY-INFORMATION",
    18: "INVALID-ID-INFORMATION",
    19: "INVALID-CERT-ENCODING",
    20: "INVALID-CERTIFICATE",
    21: "CERT-TYPE-UNSUPPORTED",
    22: "INVALID-CERT-AUTHORITY",
    23: "INVALID-HASH-INFORMATION",
    24: "AUTHENTICATION-FAILED",
    25: "INVALID-SIGNATURE",
    26: "ADDRESS-NOTIFICATION",
    27: "NOTIFY-SA-LIFETIME",
    28: "CERTIFICATE-UNAVAILABLE",
    29: "UNSUPPORTED-EXCHANGE-TYPE",
    30: "UNEQUAL-PAYLOAD-LENGTHS",
    16384: "CONNECTED",
    24576: "RESPONDER-LIFETIME",
    24577: "REPLAY-STATUS",
    24578: "INITIAL-CONTACT",
    36136: "R-U-THERE",
    36137: "R-U-THERE-ACK",
    40501: "UNITY-LOAD-BALANCE",
    40503: "UNITY-GROUP-HASH",
}

# Phase 1 attribute classes (RFC 2409 appendix A) and phase 2 ones (RFC 2407 section 4.5).
_ENCRYPTION: Final = 1
_HASH: Final = 2
_GROUP: Final = 4
_LIFE_TYPE: Final = 11
_LIFE_DURATION: Final = 12
_LIFE_TYPE_PHASE_2: Final = 1
_LIFE_DURATION_PHASE_2: Final = 2
_GROUP_PHASE_2: Final = 3
_AUTH_PHASE_2: Final = 5
_SECONDS: Final = 1

_CIPHERS: Final = {
    1: "DES",
    2: "IDEA",
    3: "Blowfish",
    4: "RC5",
    5: "3DES",
    6: "CAST",
    7: "AES-CBC",
    8: "Camellia-CBC",
}
_CIPHER_BLOCKS: Final = {1: 8, 2: 8, 3: 8, 4: 8, 5: 8, 6: 8, 7: 16, 8: 16}
_HASHES: Final = {1: "MD5", 2: "SHA1", 3: "Tiger", 4: "SHA2-256", 5: "SHA2-384", 6: "SHA2-512"}
_HASH_BYTES: Final = {1: 16, 2: 20, 3: 24, 4: 32, 5: 48, 6: 64}
_ESP_CIPHERS: Final = {
    1: "DES-IV64",
    2: "DES",
    3: "3DES",
    7: "Blowfish",
    11: "NULL",
    12: "AES-CBC",
    13: "AES-CTR",
    14: "AES-CCM-8",
    15: "AES-CCM-12",
    16: "AES-CCM-16",
    18: "AES-GCM-8",
    19: "AES-GCM-12",
    20: "AES-GCM-16",
}
_ESP_AUTH: Final = {1: "MD5", 2: "SHA1", 5: "SHA2-256", 6: "SHA2-384", 7: "SHA2-512", 9: "AES-XCBC"}


def exchange_name(value: int) -> str:
    """Name of an exchange type, the number itself where it is unknown."""
    return _EXCHANGES.get(value, str(value))


def payload_name(value: int) -> str:
    """Name of a payload type, the number itself where it is unknown."""
    return _PAYLOADS.get(value, str(value))


def notify_name(value: int) -> str:
    """Name of a Notify message type, the number itself where it is unknown."""
    return _NOTIFIES.get(value, str(value))


def read(data: bytes, first: int, start: int, end: int) -> Contents:
    """Everything that can be read of the chain that starts with type `first` at `start`."""
    return read_contents(data, walk(data, first, start, end), _read_payload)


def _read_payload(data: bytes, payload: Payload, into: Contents) -> None:
    kind, _, start, end = payload
    body = start + GENERIC_BYTES
    if kind == PAYLOAD_NOTIFY:
        _read_notify(data, body, end, into)
    elif kind == PAYLOAD_DELETE:
        _read_delete(data, body, end, into)
    elif kind == PAYLOAD_VENDOR:
        value = data[body:end]
        into.vendor_ids.append(VendorId(value.hex(), vendor_name(value)))
    elif kind == PAYLOAD_SA:
        if body + _SA_HEADER_BYTES > end:
            into.problems.append("SA payload is cut off")
        else:
            read_proposals(data, body + _SA_HEADER_BYTES, end, 1, into)
    elif kind == PAYLOAD_KE:
        into.key_exchange = data[body:end]


def _read_notify(data: bytes, at: int, end: int, into: Contents) -> None:
    if at + _NOTIFY.size > end:
        into.problems.append("Notification payload is cut off")
        return
    doi, protocol, size, kind = _NOTIFY.unpack_from(data, at)
    at += _NOTIFY.size
    if at + size > end:
        into.problems.append(
            f"Notification {kind} has an SPI of {size} bytes, {end - at} are there"
        )
        size = end - at
    spi = data[at : at + size].hex()
    into.notifies.append(Notify(kind, protocol, spi, data[at + size : end], doi))


def _read_delete(data: bytes, at: int, end: int, into: Contents) -> None:
    if at + _NOTIFY.size > end:
        into.problems.append("Delete payload is cut off")
        return
    _, protocol, size, count = _NOTIFY.unpack_from(data, at)
    spis, exact = read_spis(data, at + _NOTIFY.size, end, size, count)
    if not exact:
        into.problems.append(f"Delete of {count} SPIs of {size} bytes does not fit its length")
    into.deletes.append(DeletePayload(protocol, spis))


def cisco_fragment(data: bytes, payload: Payload) -> tuple[int, int, bool, bytes] | None:
    """Fragment id, number (from 1), whether it is the last one, and the piece of a payload 132."""
    at = payload.start + GENERIC_BYTES
    if at + _FRAGMENT.size > payload.end:
        return None
    ident, num, flags = _FRAGMENT.unpack_from(data, at)
    if num == 0:
        return None
    return ident, num, bool(flags & 1), data[at + _FRAGMENT.size : payload.end]


def padding_plausible(padding: bytes) -> bool:
    """Whether the bytes after the last payload are a padding that implementations make.

    Zeros (RFC 2409 appendix B), or any bytes whose last one is the length of the padding with or
    without itself.
    """
    if not any(padding):
        return True
    return padding[-1] in (len(padding), len(padding) - 1)


def well_formed(data: bytes, contents: Contents, hash_bytes: int | None) -> bool:
    """Whether an unverified plaintext has exactly the structure of a real message.

    `hash_bytes` is the negotiated digest size, None where it is unknown.
    """
    if contents.problems or contents.reserved or not contents.payloads:
        return False
    sizes = HASH_SIZES if hash_bytes is None else (hash_bytes,)
    for kind, _, start, end in contents.payloads:
        length = end - start
        if kind not in KNOWN_PAYLOADS:
            return False
        if kind == PAYLOAD_HASH and length - GENERIC_BYTES not in sizes:
            return False
        shortest, longest = _SIZES.get(kind, (GENERIC_BYTES + 1, 0xFFFF))
        if not shortest <= length <= longest:
            return False
    return padding_plausible(data[contents.end :])


def r_u_there_lengths(block_bytes: int, hash_bytes: int) -> frozenset[int]:
    """Header lengths an encrypted R-U-THERE (or its ACK) has with a 16-byte SPI, bytes.

    Two conventions of padding: the fewest bytes that fill the block, and always at least one.
    """
    body = GENERIC_BYTES + hash_bytes + 32
    fewest = -(-body // block_bytes) * block_bytes
    always = (body // block_bytes + 1) * block_bytes
    return frozenset({HEADER_BYTES + fewest, HEADER_BYTES + always})


def _attributes(transform: Transform) -> dict[int, int]:
    found: dict[int, int] = {}
    for kind, value in transform.attributes:
        found.setdefault(kind, number(value))
    return found


def chosen_transform(proposals: Sequence[Proposal]) -> Transform | None:
    """The phase 1 transform of an SA payload that offers exactly one, as an answer does."""
    if len(proposals) != 1 or proposals[0].protocol != PROTOCOL_ISAKMP:
        return None
    transforms = proposals[0].transforms
    return transforms[0] if len(transforms) == 1 else None


def chosen_algorithms(proposals: Sequence[Proposal]) -> tuple[int, int | None, int] | None:
    """Encryption, key bits and hash of a chosen phase 1 transform, as RFC 2409 numbers them."""
    transform = chosen_transform(proposals)
    if transform is None:
        return None
    values = _attributes(transform)
    if _ENCRYPTION not in values or _HASH not in values:
        return None
    return values[_ENCRYPTION], transform.key_bits, values[_HASH]


def chosen_suite(proposals: Sequence[Proposal]) -> tuple[int, int] | None:
    """Cipher block and hash size of a chosen phase 1 transform, bytes; None if unknown."""
    chosen = chosen_algorithms(proposals)
    if chosen is None:
        return None
    block = _CIPHER_BLOCKS.get(chosen[0])
    digest = _HASH_BYTES.get(chosen[2])
    return None if block is None or digest is None else (block, digest)


def hash_bytes(value: int) -> int | None:
    """Digest size of an IKEv1 hash algorithm number, bytes."""
    return _HASH_BYTES.get(value)


def lifetime_s(proposals: Sequence[Proposal]) -> int | None:
    """The life duration of the first transform that states one in seconds; None without one."""
    for proposal in proposals:
        phase_1 = proposal.protocol == PROTOCOL_ISAKMP
        type_class = _LIFE_TYPE if phase_1 else _LIFE_TYPE_PHASE_2
        duration_class = _LIFE_DURATION if phase_1 else _LIFE_DURATION_PHASE_2
        for transform in proposal.transforms:
            seconds = False
            for kind, value in transform.attributes:
                if kind == type_class:
                    seconds = number(value) == _SECONDS
                elif kind == duration_class and seconds:
                    return number(value)
    return None


def describe_proposal(version: int, proposals: Sequence[Proposal]) -> str:
    """The first transforms of the first proposal, readable: "AES-CBC-256 / SHA2-256 / MODP-2048".

    For IKEv2 the PRF stands where an AEAD cipher leaves no integrity transform. Unknown numbers
    print as numbers; an empty text means that there is no transform.
    """
    if not proposals or not proposals[0].transforms:
        return ""
    if version == 2:
        return _describe_v2(proposals[0])
    transform = proposals[0].transforms[0]
    values = _attributes(transform)
    if proposals[0].protocol == PROTOCOL_ISAKMP:
        names = [
            (_CIPHERS, values.get(_ENCRYPTION)),
            (_HASHES, values.get(_HASH)),
        ]
        group = values.get(_GROUP)
    else:
        names = [(_ESP_CIPHERS, transform.id), (_ESP_AUTH, values.get(_AUTH_PHASE_2))]
        group = values.get(_GROUP_PHASE_2)
    parts = [table.get(value, str(value)) for table, value in names if value is not None]
    if parts and transform.key_bits is not None:
        parts[0] += f"-{transform.key_bits}"
    if group is not None:
        parts.append(ikev2.group_name(group))
    return " / ".join(parts)


def _describe_v2(proposal: Proposal) -> str:
    first: dict[int, Transform] = {}
    for transform in proposal.transforms:
        first.setdefault(transform.kind, transform)
    integrity = first.get(ikev2.TRANSFORM_INTEG)
    if integrity is None or integrity.id == 0:
        integrity = first.get(ikev2.TRANSFORM_PRF)
    parts = []
    for chosen in (first.get(ikev2.TRANSFORM_ENCR), integrity, first.get(ikev2.TRANSFORM_DH)):
        if chosen is None:
            continue
        name = ikev2.transform_name(chosen.kind, chosen.id)
        parts.append(name if chosen.key_bits is None else f"{name}-{chosen.key_bits}")
    return " / ".join(parts)
