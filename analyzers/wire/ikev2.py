"""IKEv2 payload bodies and the names of their numbers (RFC 7296, RFC 7383, IANA ikev2-parameters).

Reads Notify, Delete, Vendor ID, SA and KE out of a chain; SK and SKF are located, not opened.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from analyzers.model.observations import DeletePayload, Notify, VendorId
from analyzers.wire.ike import (
    GENERIC_BYTES,
    Contents,
    Payload,
    read_contents,
    read_proposals,
    read_spis,
    walk,
)
from analyzers.wire.vendor_ids import vendor_name

FLAG_INITIATOR: Final = 0x08
FLAG_RESPONSE: Final = 0x20

SA_INIT: Final = 34
AUTH: Final = 35
CREATE_CHILD: Final = 36
INFORMATIONAL: Final = 37

PAYLOAD_SA: Final = 33
PAYLOAD_KE: Final = 34
PAYLOAD_NOTIFY: Final = 41
PAYLOAD_DELETE: Final = 42
PAYLOAD_VENDOR: Final = 43
PAYLOAD_SK: Final = 46
PAYLOAD_CONFIG: Final = 47
PAYLOAD_SKF: Final = 53
ENCRYPTED_PAYLOADS: Final = frozenset({PAYLOAD_SK, PAYLOAD_SKF})

NAT_DETECTION: Final = frozenset({16388, 16389})

# The shortest protected body: 8 bytes of IV, the Pad Length octet, 8 bytes of tag (AES-GCM-8).
MIN_PROTECTED_BYTES: Final = 17
SKF_HEADER_BYTES: Final = 4

# Inner payloads of an unverified plaintext must be of a type that exists (33 to 54, without the
# two encrypted ones) for the plaintext to be believed.
KNOWN_PAYLOADS: Final = frozenset(range(33, 55)) - ENCRYPTED_PAYLOADS

TRANSFORM_ENCR: Final = 1
TRANSFORM_PRF: Final = 2
TRANSFORM_INTEG: Final = 3
TRANSFORM_DH: Final = 4

_NOTIFY: Final = struct.Struct(">BBH")
_FRAGMENT: Final = struct.Struct(">HH")

_EXCHANGES: Final = {
    34: "IKE_SA_INIT",
    35: "IKE_AUTH",
    36: "CREATE_CHILD_SA",
    37: "INFORMATIONAL",
    38: "IKE_SESSION_RESUME",
    39: "GSA_AUTH",
    40: "GSA_REGISTRATION",
    41: "GSA_REKEY",
    43: "IKE_INTERMEDIATE",
    44: "IKE_FOLLOWUP_KE",
}

_PAYLOADS: Final = {
    0: "none",
    # Inside an SA payload (RFC 7296, 3.3.1 and 3.3.2).
    2: "Proposal",
    3: "Transform",
    33: "SA",
    34: "KE",
    35: "IDi",
    36: "IDr",
    37: "CERT",
    38: "CERTREQ",
    39: "AUTH",
    40: "Nonce",
    41: "Notify",
    42: "Delete",
    43: "Vendor ID",
    44: "TSi",
    45: "TSr",
    46: "SK",
    47: "CP",
    48: "EAP",
    49: "GSPM",
    50: "IDg",
    51: "GSA",
    52: "KD",
    53: "SKF",
    54: "PS",
}

_NOTIFIES: Final = {
    1: "UNSUPPORTED_CRITICAL_PAYLOAD",
    4: "INVALID_IKE_SPI",
    5: "INVALID_MAJOR_VERSION",
    7: "INVALID_SYNTAX",
    9: "INVALID_MESSAGE_ID",
    11: "INVALID_SPI",
    14: "NO_PROPOSAL_CHOSEN",
    17: "INVALID_KE_PAYLOAD",
    24: "AUTHENTICATION_FAILED",
    34: "SINGLE_PAIR_REQUIRED",
    35: "NO_ADDITIONAL_SAS",
    36: "INTERNAL_ADDRESS_FAILURE",
    37: "FAILED_CP_REQUIRED",
    38: "TS_UNACCEPTABLE",
    39: "INVALID_SELECTORS",
    40: "UNACCEPTABLE_ADDRESSES",
    41: "UNEXPECTED_NAT_DETECTED",
    42: "USE_ASSIGNED_HoA",
    43: "TEMPORARY_FAILURE",
    44: "CHILD_SA_NOT_FOUND",
    16384: "INITIAL_CONTACT",
    16385: "SET_WINDOW_SIZE",
    16386: "ADDITIONAL_TS_POSSIBLE",
    16387: "IPCOMP_SUPPORTED",
    16388: "NAT_DETECTION_SOURCE_IP",
    16389: "NAT_DETECTION_DESTINATION_IP",
    16390: "COOKIE",
    16391: "USE_TRANSPORT_MODE",
    16392: "HTTP_CERT_LOOKUP_SUPPORTED",
    16393: "REKEY_SA",
    16394: "ESP_TFC_PADDING_NOT_SUPPORTED",
    16395: "NON_FIRST_FRAGMENTS_ALSO",
    16396: "MOBIKE_SUPPORTED",
    16397: "ADDITIONAL_IP4_ADDRESS",
    16398: "ADDITIONAL_IP6_ADDRESS",
    16399: "NO_ADDITIONAL_ADDRESSES",
    16400: "UPDATE_SA_ADDRESSES",
    16401: "COOKIE2",
    16402: "NO_NATS_ALLOWED",
    16403: "AUTH_LIFETIME",
    16404: "MULTIPLE_AUTH_SUPPORTED",
    16405: "ANOTHER_AUTH_FOLLOWS",
    16406: "REDIRECT_SUPPORTED",
    16407: "REDIRECT",
    16408: "REDIRECTED_FROM",
    16409: "TICKET_LT_OPAQUE",
    16410: "TICKET_REQUEST",
    16411: "TICKET_ACK",
    16412: "TICKET_NACK",
    16413: "TICKET_OPAQUE",
    16414: "LINK_ID",
    16415: "USE_WESP_MODE",
    16416: "ROHC_SUPPORTED",
    16417: "EAP_ONLY_AUTHENTICATION",
    16418: "CHILDLESS_IKEV2_SUPPORTED",
    16419: "QUICK_CRASH_DETECTION",
    16420: "IKEV2_MESSAGE_ID_SYNC_SUPPORTED",
    16421: "IPSEC_REPLAY_COUNTER_SYNC_SUPPORTED",
    16422: "IKEV2_MESSAGE_ID_SYNC",
    16423: "IPSEC_REPLAY_COUNTER_SYNC",
    16424: "SECURE_PASSWORD_METHODS",
    16425: "PSK_PERSIST",
    16426: "PSK_CONFIRM",
    16427: "ERX_SUPPORTED",
    16428: "IFOM_CAPABILITY",
    16429: "SENDER_REQUEST_ID",
    16430: "IKEV2_FRAGMENTATION_SUPPORTED",
    16431: "SIGNATURE_HASH_ALGORITHMS",
    16432: "CLONE_IKE_SA_SUPPORTED",
    16433: "CLONE_IKE_SA",
    16434: "PUZZLE",
    16435: "USE_PPK",
    16436: "PPK_IDENTITY",
    16437: "NO_PPK_AUTH",
    16438: "INTERMEDIATE_EXCHANGE_SUPPORTED",
    16439: "IP4_ALLOWED",
    16440: "IP6_ALLOWED",
    16441: "ADDITIONAL_KEY_EXCHANGE",
    16442: "USE_AGGFRAG",
}

_ENCR: Final = {
    1: "DES-IV64",
    2: "DES",
    3: "3DES",
    5: "IDEA",
    6: "CAST",
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
    21: "NULL-AES-GMAC",
    23: "Camellia-CBC",
    24: "Camellia-CTR",
    25: "Camellia-CCM-8",
    26: "Camellia-CCM-12",
    27: "Camellia-CCM-16",
    28: "ChaCha20-Poly1305",
}
_PRF: Final = {
    1: "MD5",
    2: "SHA1",
    4: "AES-XCBC",
    5: "SHA2-256",
    6: "SHA2-384",
    7: "SHA2-512",
    8: "AES-CMAC",
}
_INTEG: Final = {
    0: "none",
    1: "MD5",
    2: "SHA1",
    5: "AES-XCBC",
    6: "MD5-128",
    7: "SHA1-160",
    8: "AES-CMAC",
    12: "SHA2-256",
    13: "SHA2-384",
    14: "SHA2-512",
}
# D-H groups carry the same numbers in IKEv1 (IANA ipsec-registry, Group Description).
_GROUPS: Final = {
    1: "MODP-768",
    2: "MODP-1024",
    5: "MODP-1536",
    14: "MODP-2048",
    15: "MODP-3072",
    16: "MODP-4096",
    17: "MODP-6144",
    18: "MODP-8192",
    19: "ECP-256",
    20: "ECP-384",
    21: "ECP-521",
    22: "MODP-1024-160",
    23: "MODP-2048-224",
    24: "MODP-2048-256",
    25: "ECP-192",
    26: "ECP-224",
    27: "Brainpool-224",
    28: "Brainpool-256",
    29: "Brainpool-384",
    30: "Brainpool-512",
    31: "X25519",
    32: "X448",
}
_TRANSFORMS: Final = {1: _ENCR, 2: _PRF, 3: _INTEG, 4: _GROUPS}


def exchange_name(value: int) -> str:
    """Name of an exchange type, the number itself where it is unknown."""
    return _EXCHANGES.get(value, str(value))


def payload_name(value: int) -> str:
    """Name of a payload type, the number itself where it is unknown."""
    return _PAYLOADS.get(value, str(value))


def notify_name(value: int) -> str:
    """Name of a Notify message type, the number itself where it is unknown."""
    return _NOTIFIES.get(value, str(value))


def group_name(value: int) -> str:
    """Name of a Diffie-Hellman group, the number itself where it is unknown."""
    return _GROUPS.get(value, str(value))


def transform_name(kind: int, value: int) -> str:
    """Name of a transform of type `kind` (1 ENCR … 4 D-H), the number where it is unknown."""
    return _TRANSFORMS.get(kind, {}).get(value, str(value))


class FragmentHeader(NamedTuple):
    """The two numbers of an SKF payload (RFC 7383 section 2.5)."""

    number: int
    total: int


class Protected(NamedTuple):
    """One message with its SK or SKF payload; the bytes end where the header says."""

    message: bytes
    payload: Payload


def read(data: bytes, first: int, start: int, end: int) -> Contents:
    """Everything that can be read of the chain that starts with type `first` at `start`."""
    chain = walk(data, first, start, end, ENCRYPTED_PAYLOADS)
    return read_contents(data, chain, _read_payload)


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
        read_proposals(data, body, end, 2, into)
    elif kind == PAYLOAD_KE and end - body >= 4:
        into.key_exchange = data[body + 4 : end]


def _read_notify(data: bytes, at: int, end: int, into: Contents) -> None:
    if at + 4 > end:
        into.problems.append("Notify payload is cut off")
        return
    protocol, size, kind = _NOTIFY.unpack_from(data, at)
    at += 4
    if at + size > end:
        into.problems.append(f"Notify {kind} has an SPI of {size} bytes, {end - at} are there")
        size = end - at
    into.notifies.append(Notify(kind, protocol, data[at : at + size].hex(), data[at + size : end]))


def _read_delete(data: bytes, at: int, end: int, into: Contents) -> None:
    if at + 4 > end:
        into.problems.append("Delete payload is cut off")
        return
    protocol, size, count = _NOTIFY.unpack_from(data, at)
    spis, exact = read_spis(data, at + 4, end, size, count)
    if not exact:
        into.problems.append(f"Delete of {count} SPIs of {size} bytes does not fit its length")
    into.deletes.append(DeletePayload(protocol, spis))


def fragment_header(data: bytes, payload: Payload) -> FragmentHeader | None:
    """Fragment Number and Total Fragments of an SKF payload; None where they are impossible."""
    at = payload.start + GENERIC_BYTES
    if at + SKF_HEADER_BYTES > payload.end:
        return None
    num, total = _FRAGMENT.unpack_from(data, at)
    return FragmentHeader(num, total) if 1 <= num <= total else None


def well_formed(contents: Contents) -> bool:
    """Whether a plaintext that nothing has verified has the structure of real payloads."""
    return (
        not contents.problems
        and not contents.reserved & 0x7F
        and all(p.type in KNOWN_PAYLOADS for p in contents.payloads)
    )
