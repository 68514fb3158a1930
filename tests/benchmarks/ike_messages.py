"""IKE messages for generated captures: plausible headers, payload chains and lengths.

Whatever is encrypted in real life is random here: nothing that works without keys can tell.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence

MAIN_MODE, INFORMATIONAL_V1, QUICK_MODE = 2, 5, 32
SA_INIT, AUTH, INFORMATIONAL_V2 = 34, 35, 37
RESPONSE, INITIATOR, ENCRYPTED_V1 = 0x20, 0x08, 0x01

# Vendor ID of RFC 3706 section 5.1, version 1.0.
DPD_VENDOR_ID = bytes.fromhex("afcad71368a1f1c96b8696fc77570100")

# An empty AES-CBC-256 / SHA2-256-128 message: header, SK header, IV, one block, ICV.
LIVENESS_BYTES = 28 + 4 + 16 + 16 + 16
# R-U-THERE of AES with SHA-1: header, HASH (24) and Notify (32), padded to the block.
DPD_BYTES = 28 + 64


def _header(
    spis: tuple[bytes, bytes],
    first: int,
    version: int,
    exchange: int,
    flags: int,
    message_id: int,
    body: bytes,
) -> bytes:
    """RFC 7296 section 3.1 and RFC 2408 section 3.1: the same 28 bytes."""
    head = struct.pack("!BBBBII", first, version, exchange, flags, message_id, 28 + len(body))
    return spis[0] + spis[1] + head + body


def _chain(payloads: Sequence[tuple[int, bytes]]) -> tuple[int, bytes]:
    """First payload type and the payloads with their generic headers."""
    following = [kind for kind, _ in payloads[1:]] + [0]
    body = b"".join(
        struct.pack("!BBH", after, 0, 4 + len(content)) + content
        for (_, content), after in zip(payloads, following, strict=True)
    )
    return payloads[0][0], body


def _sa_v2() -> bytes:
    """One IKE proposal: AES-CBC-256, SHA2-256-128, PRF SHA2-256, MODP-2048."""
    key_length = struct.pack("!HH", 0x800E, 256)
    transforms = [(1, 12, key_length), (3, 12, b""), (2, 5, b""), (4, 14, b"")]
    packed = b"".join(
        struct.pack("!BBHBBH", 0 if last else 3, 0, 8 + len(extra), kind, 0, number) + extra
        for last, (kind, number, extra) in (
            (index == len(transforms) - 1, t) for index, t in enumerate(transforms)
        )
    )
    return struct.pack("!BBHBBBB", 0, 0, 8 + len(packed), 1, 1, 0, len(transforms)) + packed


def _sa_v1() -> bytes:
    """One ISAKMP proposal: AES-CBC-128, SHA-1, PSK, MODP-1024, 86,400 s."""
    pairs = [(1, 7), (14, 128), (2, 2), (3, 1), (4, 2), (11, 1)]
    attributes = b"".join(struct.pack("!HH", 0x8000 | kind, value) for kind, value in pairs)
    attributes += struct.pack("!HHI", 12, 4, 86_400)
    transform = struct.pack("!BBHBBH", 0, 0, 8 + len(attributes), 1, 1, 0) + attributes
    proposal = struct.pack("!BBHBBBB", 0, 0, 8 + len(transform), 1, 1, 0, 1) + transform
    return struct.pack("!II", 1, 1) + proposal


def _notify(kind: int, data: bytes) -> bytes:
    return struct.pack("!BBH", 0, 0, kind) + data


def _encrypted_v2(rng: random.Random, inner: int, length: int) -> bytes:
    """An SK payload whose clear Next Payload is `inner`, `length` bytes without IKE header."""
    return struct.pack("!BBH", inner, 0, length) + rng.randbytes(length - 4)


class IkeSaV2:
    """The messages of one IKEv2 SA; `hub_initiates` says whose the I flag is."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._spis = (rng.randbytes(8), rng.randbytes(8))
        self.next_request = {True: 2, False: 0}
        """Next message ID of the initiator's (True) and the responder's requests."""

    def sa_init(self, *, response: bool) -> bytes:
        """IKE_SA_INIT with NAT detection, RFC 7296 section 1.2."""
        rng = self._rng
        first, body = _chain(
            [
                (33, _sa_v2()),
                (34, struct.pack("!HH", 14, 0) + rng.randbytes(256)),
                (40, rng.randbytes(32)),
                (41, _notify(16388, rng.randbytes(20))),
                (41, _notify(16389, rng.randbytes(20))),
            ]
        )
        spis = self._spis if response else (self._spis[0], bytes(8))
        flags = RESPONSE if response else INITIATOR
        return _header(spis, first, 0x20, SA_INIT, flags, 0, body)

    def auth(self, *, response: bool) -> bytes:
        """IKE_AUTH: one SK payload that starts with the identity."""
        inner, length = (36, 212) if response else (35, 260)
        body = _encrypted_v2(self._rng, inner, length)
        flags = RESPONSE if response else INITIATOR
        return _header(self._spis, 46, 0x20, AUTH, flags, 1, body)

    def liveness(self, message_id: int, *, by_initiator: bool, response: bool) -> bytes:
        """An empty INFORMATIONAL, RFC 7296 section 1.4; `by_initiator`: who asks."""
        body = _encrypted_v2(self._rng, 0, LIVENESS_BYTES - 28)
        flags = RESPONSE if response else 0
        if by_initiator != response:
            flags |= INITIATOR
        return _header(self._spis, 46, 0x20, INFORMATIONAL_V2, flags, message_id, body)


class IkeSaV1:
    """The messages of one IKEv1 SA."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._cookies = (rng.randbytes(8), rng.randbytes(8))
        self._quick_id = rng.randrange(1, 2**32)

    def main_mode(self) -> list[bytes]:
        """The six messages, initiator first; the last two are encrypted."""
        rng = self._rng
        offer = _chain([(1, _sa_v1()), (13, DPD_VENDOR_ID), (13, rng.randbytes(16))])
        keys = [_chain([(4, rng.randbytes(128)), (10, rng.randbytes(20))]) for _ in range(2)]
        first = (self._cookies[0], bytes(8))
        clear = [(first, offer), (self._cookies, offer), *((self._cookies, key) for key in keys)]
        messages = [
            _header(cookies, kind, 0x10, MAIN_MODE, 0, 0, body) for cookies, (kind, body) in clear
        ]
        return messages + [self._encrypted(5, MAIN_MODE, 0, size) for size in (80, 64)]

    def quick_mode(self) -> list[bytes]:
        """The three messages, initiator first."""
        return [self._encrypted(8, QUICK_MODE, self._quick_id, size) for size in (160, 160, 48)]

    def dpd(self) -> bytes:
        """A R-U-THERE or its ACK: each has a message ID of its own (RFC 2409 section 5.7)."""
        message_id = self._rng.randrange(1, 2**32)
        return self._encrypted(8, INFORMATIONAL_V1, message_id, DPD_BYTES - 28)

    def _encrypted(self, first: int, exchange: int, message_id: int, size: int) -> bytes:
        body = self._rng.randbytes(size)
        return _header(self._cookies, first, 0x10, exchange, ENCRYPTED_V1, message_id, body)
