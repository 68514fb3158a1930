"""IKEv1 messages of timelines: clear ones, sealed ones, and opaque ones that nobody can open.

A sealed SA keeps its IVs as RFC 2409 appendix B has them, so a capture that begins late loses
what a reader would lose. What a sealed Informational carries stands in its options:

    says=ruthere seq=5      also `ack`, `no-proposal`, `initial-contact` …, and `ios-keepalive` and
                            `ios-ack`; `seq=5+` counts in streams
    says=esp-delete of=out  a Delete of the ESP flow with this name; `says=delete` the IKE SA's
    order=notify-first      the Notification before its HASH, as RFC 3706 draws it
    cookies=swapped         or `zero`, `other`, `none`: what stands in place of the cookies
    doi=0 protocol=3        of the Notification or Delete
    hash=bad                a HASH(1) that is wrong

`v1 clear says=ruthere seq=5` is the Notification alone, encrypted by nobody. `ag1` to `ag3` are the
messages of Aggressive Mode, the last one encrypted. DPD is offered in the first messages of both,
unless `no-dpd=1`; with `dpd=1` in `mm3` and `mm4`. `lifetime=S` is what they negotiate, else a day.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from collections.abc import Iterable, Mapping
from hashlib import shake_128
from itertools import pairwise
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tests.builders import ike_header

DPD_VENDOR_ID: Final = bytes.fromhex("afcad71368a1f1c96b8696fc77570100")
_ENCRYPTED, _COMMIT = 0x01, 0x02
_AGGRESSIVE, _INFORMATIONAL = 4, 5
_BLOCK: Final = 16
_HASH, _NONCE, _NOTIFY, _DELETE = 8, 10, 11, 12
_ISAKMP, _ESP = 1, 3
_NOTIFIES: Final = {
    "invalid-cookie": 4,
    "no-proposal": 14,
    "ruthere": 36136,
    "ack": 36137,
    "connected": 16384,
    "initial-contact": 24578,
    "ios-keepalive": 32768,
    "ios-ack": 32769,
}
_NUMBERED: Final = frozenset({"ruthere", "ack"})


def random_bytes(seed: str, size: int) -> bytes:
    """Bytes that look random and are always the same."""
    return shake_128(seed.encode()).digest(size)


def payload(following: int, body: bytes) -> bytes:
    """A payload with its generic header."""
    return struct.pack(">BBH", following, 0, len(body) + 4) + body


def ike_spi(name: str, role: str) -> bytes:
    """The SPI (cookie) of an IKE SA by its name; role is "i" or "r"."""
    return random_bytes(f"ike {name} {role}", 8)


def esp_spi(name: str) -> int:
    """The SPI of an ESP flow by its name."""
    # The reserved SPIs 0 to 255 (RFC 4303 section 2.1) are out of reach.
    return int.from_bytes(random_bytes(f"spi {name}", 4), "big") | 0x01000000


def is_sealed(words: tuple[str, ...], options: Mapping[str, str]) -> bool:
    """Whether a line is of an Informational that keys open: it says what is in it, not how long."""
    return words == ("v1", "info") and "says" in options


def ikev1_message(
    words: tuple[str, ...],
    options: Mapping[str, str],
    *,
    name: str,
    place: str,
    number: int,
    sealed: bool,
) -> bytes:
    """The message of a line; `place` tells its line and moment apart from all others.

    `number` counts the moments of a stream. Raises ValueError for lines nobody understands.
    """
    verb = words[1]
    spi_r = bytes(8) if verb in ("mm1", "ag1") else ike_spi(name, "r")
    exchange, message_id, flags = _AGGRESSIVE if verb.startswith("ag") else 2, 0, 0
    if verb in ("mm1", "mm2", "ag1", "ag2"):
        first = 1
        vendor = b"" if "no-dpd" in options else DPD_VENDOR_ID
        lifetime_s = int(options.get("lifetime", "86400"))
        body = payload(13, _phase1_sa(lifetime_s))
        body += payload(0, vendor or random_bytes("vendor", 16))
    elif verb in ("mm3", "mm4"):
        first = 4
        body = payload(_NONCE, _key_exchange(name, verb))
        nonce = random_bytes(f"{name} {verb} nonce", 32)
        if "dpd" in options:
            body += payload(13, nonce) + payload(0, DPD_VENDOR_ID)
        else:
            body += payload(0, nonce)
    elif verb == "clear":
        exchange, message_id = _INFORMATIONAL, _message_id(f"{name} clear {place}")
        first, body = _NOTIFY, payload(0, Sealed(name).notify(options, number))
    else:
        flags, first, length = _ENCRYPTED, _HASH, 76
        if verb in ("mm5", "mm6", "ag3"):
            first = 5
        elif verb.startswith("qm"):
            exchange, length = 32, 60 if verb == "qm3" else 316
            message_id = _message_id(f"{name} quick {place}")
            flags |= _COMMIT * ("commit" in options)
        elif verb == "info" and (is_sealed(words, options) or len(words) > 2):
            exchange = _INFORMATIONAL
            length = int(words[2]) if len(words) > 2 else 0
            message_id = _message_id(f"{name} info {place}")
        else:
            raise ValueError(f"no IKEv1 message is called {verb}")
        message_id = int(options.get("id", str(message_id)), 0)
        if sealed and len(words) == 2:
            first, body = Sealed(name).body(verb, options, message_id, number)
        else:
            body = random_bytes(f"{name} {verb} {message_id}", length - 28)
    return ike_header(
        body,
        version=1,
        exchange=exchange,
        flags=flags,
        message_id=message_id,
        next_payload=first,
        initiator_spi=ike_spi(name, "i"),
        responder_spi=spi_r,
    )


class Sealed:
    """An SA whose messages are encrypted: AES-CBC-128, SHA2-256."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.cookies = ike_spi(name, "i") + ike_spi(name, "r")
        self.key = random_bytes(f"{name} key", 16)
        self.skeyid_a = random_bytes(f"{name} skeyid_a", 32)

    def body(
        self, verb: str, options: Mapping[str, str], message_id: int, number: int
    ) -> tuple[int, bytes]:
        """First payload type and encrypted payloads of a message."""
        if verb == "info":
            first, plain = self._informational(options, message_id, number)
            return first, self._encrypt(self._start(message_id), plain)
        if verb.startswith("qm"):
            return _HASH, self._quick(message_id)[int(verb[2]) - 1]
        return 5, self._phase1()[int(verb[2]) - 5]

    def _encrypt(self, iv: bytes, plain: bytes) -> bytes:
        plain += bytes(-len(plain) % _BLOCK)
        return Cipher(algorithms.AES(self.key), modes.CBC(iv)).encryptor().update(plain)

    def _phase1(self) -> list[bytes]:
        """The bodies of the last two messages of Main Mode."""
        both = _key_exchange(self._name, "mm3") + _key_exchange(self._name, "mm4")
        found, iv = [], _digest(both)
        for verb in ("mm5", "mm6"):
            ident = struct.pack(">BBH4s", 1, 0, 0, random_bytes(f"{self._name} {verb} id", 4))
            digest = random_bytes(f"{self._name} {verb} hash", 32)
            found.append(self._encrypt(iv, payload(_HASH, ident) + payload(0, digest)))
            iv = found[-1][-_BLOCK:]
        return found

    def _start(self, message_id: int) -> bytes:
        """The IV of an exchange after phase 1."""
        return _digest(self._phase1()[-1][-_BLOCK:] + struct.pack(">I", message_id))

    def _quick(self, message_id: int) -> list[bytes]:
        """The bodies of a Quick Mode; nobody can check its hashes."""
        ident = struct.pack(">BBH4s", 1, 0, 0, bytes([10, 1, 0, 1]))
        found, iv = [], self._start(message_id)
        for verb in ("qm1", "qm2", "qm3"):
            parts = [(_HASH, random_bytes(f"{self._name} {message_id} {verb}", 32))]
            if verb != "qm3":
                nonce = random_bytes(f"{self._name} {message_id} {verb} nonce", 32)
                parts += [(1, _phase2_sa(nonce[:4])), (_NONCE, nonce), (5, ident), (5, ident)]
            found.append(self._encrypt(iv, _chain(parts)))
            iv = found[-1][-_BLOCK:]
        return found

    def _informational(
        self, options: Mapping[str, str], message_id: int, number: int
    ) -> tuple[int, bytes]:
        says = options["says"]
        kind = _DELETE if says.endswith("delete") else _NOTIFY
        told = self._delete(options) if kind == _DELETE else self.notify(options, number)
        notify_first = options.get("order") == "notify-first"
        covered = payload(_HASH if notify_first else 0, told)
        digest = hmac.digest(self.skeyid_a, struct.pack(">I", message_id) + covered, "sha256")
        if options.get("hash") == "bad":
            digest = bytes(b ^ 0x5A for b in digest)
        parts = [(_HASH, digest), (kind, told)]
        if notify_first:
            parts.reverse()
        return parts[0][0], _chain(parts)

    def notify(self, options: Mapping[str, str], number: int) -> bytes:
        """The body of a Notification."""
        says = options["says"]
        data = b""
        if says in _NUMBERED:
            sequence = options.get("seq", "1")
            value = int(sequence.rstrip("+"), 0) + number * sequence.endswith("+")
            data = struct.pack(">I", value & 0xFFFFFFFF)
        spi = self._spi(options.get("cookies", "own"))
        doi, protocol = int(options.get("doi", "1")), int(options.get("protocol", str(_ISAKMP)))
        return struct.pack(">IBBH", doi, protocol, len(spi), _NOTIFIES[says]) + spi + data

    def _delete(self, options: Mapping[str, str]) -> bytes:
        if options["says"] == "delete":
            protocol, spi = _ISAKMP, self._spi(options.get("cookies", "own"))
        else:
            protocol, spi = _ESP, struct.pack(">I", esp_spi(options.get("of", "out")))
        return struct.pack(">IBBH", int(options.get("doi", "1")), protocol, len(spi), 1) + spi

    def _spi(self, cookies: str) -> bytes:
        return {
            "own": self.cookies,
            "swapped": self.cookies[8:] + self.cookies[:8],
            "zero": bytes(16),
            "other": random_bytes(f"{self._name} other", 16),
            "none": b"",
        }[cookies]


def key_table(names: Iterable[str]) -> str:
    """Rows of Wireshark's ikev1_decryption_table for sealed SAs; HASH(1) cannot be checked."""
    return "".join(f"{ike_spi(n, 'i').hex()},{Sealed(n).key.hex()}\n" for n in names)


def key_log(names: Iterable[str]) -> str:
    """What charon dumps of the keys of sealed SAs with `ike = 4`: HASH(1) can be checked."""
    lines = []
    for name in names:
        sa = Sealed(name)
        lines.append(f"05[IKE] SPIs {sa.cookies[:8].hex()}_i {sa.cookies[8:].hex()}_r")
        for what, value in (("SKEYID_a", sa.skeyid_a), ("encryption key Ka", sa.key)):
            rows = [(at, value[at : at + 16]) for at in range(0, len(value), 16)]
            lines.append(f"05[IKE] {what} => {len(value)} bytes @ 0x7f0000001000")
            lines += [f"05[IKE] {at:4}: {row.hex(' ').upper()}" for at, row in rows]
    return "\n".join(lines) + "\n"


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()[:_BLOCK]


def _chain(parts: list[tuple[int, bytes]]) -> bytes:
    whole = [*parts, (0, b"")]
    return b"".join(payload(after[0], part[1]) for part, after in pairwise(whole))


def _key_exchange(name: str, verb: str) -> bytes:
    return random_bytes(f"{name} {verb} ke", 256)


def _message_id(seed: str) -> int:
    return int.from_bytes(random_bytes(seed, 4), "big") | 1


def _phase1_sa(lifetime_s: int) -> bytes:
    """AES-CBC-128, SHA2-256, pre-shared key, group 14 (RFC 2409 appendix A)."""
    attributes = b"".join(
        struct.pack(">HH", 0x8000 | kind, value)
        for kind, value in ((1, 7), (14, 128), (2, 4), (3, 1), (4, 14), (11, 1))
    ) + struct.pack(">HHI", 12, 4, lifetime_s)
    transform = struct.pack(">BBHBBH", 0, 0, 8 + len(attributes), 1, 1, 0) + attributes
    proposal = struct.pack(">BBHBBBB", 0, 0, 8 + len(transform), 1, 1, 0, 1) + transform
    return struct.pack(">II", 1, 1) + proposal


def _phase2_sa(spi: bytes) -> bytes:
    """ESP with AES-CBC, 3600 s (RFC 2407 section 4.5)."""
    attributes = struct.pack(">HHHH", 0x8001, 1, 0x8002, 3600)
    transform = struct.pack(">BBHBBH", 0, 0, 8 + len(attributes), 1, 12, 0) + attributes
    proposal = struct.pack(">BBHBBBB", 0, 0, 12 + len(transform), 1, 3, 4, 1) + spi + transform
    return struct.pack(">II", 1, 1) + proposal
