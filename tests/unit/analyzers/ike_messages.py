"""IKE messages made for tests: the sending side, written apart from the code under test."""

from __future__ import annotations

import hashlib
import hmac
import shutil
import struct
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import dpkt
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, aead, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

from analyzers.model.observations import Datagram, Encapsulation
from analyzers.model.records import Ref
from analyzers.wire.algorithms import CipherMode, Encryption, Integrity

A = "192.0.2.1"
B = "192.0.2.2"
SPI_I = bytes.fromhex("0102030405060708")
SPI_R = bytes.fromhex("1112131415161718")

SAMPLES = Path(__file__).parents[3] / "sample_pcaps"


def datagram(
    payload: bytes, frame: int = 1, src: str = A, dst: str = B, at_ns: int | None = None
) -> Datagram:
    return Datagram(
        at_ns=frame * 1_000_000 if at_ns is None else at_ns,
        ref=Ref("s1", frame),
        src=src,
        dst=dst,
        sport=500,
        dport=500,
        payload=payload,
        encapsulation=Encapsulation.UDP,
    )


def captured(path: Path) -> Iterator[Datagram]:
    """IKE messages of one of our Ethernet captures, by dpkt."""
    with path.open("rb") as stream:
        for frame, (time, data) in enumerate(dpkt.pcap.Reader(stream), 1):
            ip = dpkt.ethernet.Ethernet(data).data
            if not isinstance(ip, (dpkt.ip.IP, dpkt.ip6.IP6)) or not isinstance(
                ip.data, dpkt.udp.UDP
            ):
                continue
            udp, payload = ip.data, bytes(ip.data.data)
            encapsulation = Encapsulation.UDP
            if 4500 in (udp.sport, udp.dport):
                if payload[:4] != bytes(4):
                    continue
                payload = payload[4:]
                encapsulation = Encapsulation.NON_ESP_MARKER
            yield Datagram(
                round(time * 1e9),
                Ref("s1", frame),
                ip.src.hex(),
                ip.dst.hex(),
                udp.sport,
                udp.dport,
                payload,
                encapsulation,
            )


def payload(following: int, body: bytes) -> bytes:
    return struct.pack(">BBH", following, 0, 4 + len(body)) + body


def chain(parts: Iterable[tuple[int, bytes]]) -> tuple[int, bytes]:
    """First payload type and bytes of a chain of (type, body)."""
    listed = list(parts)
    if not listed:
        return 0, b""
    types = [kind for kind, _ in listed[1:]] + [0]
    data = b"".join(payload(t, body) for t, (_, body) in zip(types, listed, strict=True))
    return listed[0][0], data


def message(
    first: int,
    body: bytes,
    *,
    version: int = 2,
    exchange: int = 37,
    flags: int = 0,
    message_id: int = 0,
    spi_i: bytes = SPI_I,
    spi_r: bytes = SPI_R,
    length: int | None = None,
) -> bytes:
    size = 28 + len(body) if length is None else length
    head = spi_i + spi_r + bytes([first, version << 4, exchange, flags])
    return head + struct.pack(">II", message_id, size) + body


def notify_v2(kind: int, data: bytes = b"", protocol: int = 0, spi: bytes = b"") -> bytes:
    return struct.pack(">BBH", protocol, len(spi), kind) + spi + data


def notify_v1(kind: int, data: bytes = b"", spi: bytes = SPI_I + SPI_R, protocol: int = 1) -> bytes:
    return struct.pack(">IBBH", 1, protocol, len(spi), kind) + spi + data


def delete_v1(protocol: int, *spis: bytes) -> bytes:
    return struct.pack(">IBBH", 1, protocol, len(spis[0]), len(spis)) + b"".join(spis)


# IKEv2


def seal(algorithm: Encryption, key_field: bytes, iv: bytes, plain: bytes, aad: bytes) -> bytes:
    """Ciphertext, with the tag behind it for an AEAD."""
    key, salt = key_field[: algorithm.key_bytes], key_field[algorithm.key_bytes :]
    mode = algorithm.mode
    if mode is CipherMode.NULL:
        return plain
    if mode is CipherMode.AES_CBC:
        return Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor().update(plain)
    if mode is CipherMode.TRIPLE_DES_CBC:
        return Cipher(TripleDES(key), modes.CBC(iv)).encryptor().update(plain)
    if mode is CipherMode.AES_CTR:
        block = salt + iv + struct.pack(">I", 1)
        return Cipher(algorithms.AES(key), modes.CTR(block)).encryptor().update(plain)
    if mode is CipherMode.AES_GCM:
        return _trim(aead.AESGCM(key).encrypt(salt + iv, plain, aad), algorithm.icv_bytes)
    if mode is CipherMode.AES_CCM:
        sealer = aead.AESCCM(key, tag_length=algorithm.icv_bytes)
        return sealer.encrypt(salt + iv, plain, aad)
    return aead.ChaCha20Poly1305(key).encrypt(salt + iv, plain, aad)


def _trim(sealed: bytes, icv_bytes: int) -> bytes:
    return sealed[: len(sealed) - 16 + icv_bytes]


def icv(algorithm: Integrity, key: bytes, data: bytes) -> bytes:
    if algorithm.mac in ("none", "any"):
        return bytes(algorithm.icv_bytes)
    if algorithm.mac == "cmac":
        mac = CMAC(algorithms.AES(key))
        mac.update(data)
        return mac.finalize()[: algorithm.icv_bytes]
    return hmac.new(key, data, algorithm.mac).digest()[: algorithm.icv_bytes]


def protected(
    suite: tuple[Encryption, Integrity],
    keys: tuple[bytes, bytes],
    inner: tuple[int, bytes],
    *,
    exchange: int = 37,
    flags: int = 0x08,
    message_id: int = 2,
    spi_i: bytes = SPI_I,
    fragment: tuple[int, int] | None = None,
    padding: int | None = None,
) -> bytes:
    """A message with an SK payload, or an SKF one where `fragment` is (number, total)."""
    encryption, integrity = suite
    first, plain = inner
    if padding is None:
        padding = -(len(plain) + 1) % encryption.block_bytes
    plain += bytes(range(1, padding + 1)) + bytes([padding])
    iv = hashlib.sha256(struct.pack(">IB", message_id, flags) + plain).digest()
    iv = iv[: encryption.iv_bytes]
    icv_bytes = encryption.icv_bytes or integrity.icv_bytes
    extra = struct.pack(">HH", *fragment) if fragment else b""
    size = 4 + len(extra) + len(iv) + len(plain) + icv_bytes
    head = message(
        53 if fragment else 46,
        struct.pack(">BBH", first, 0, size) + extra,
        exchange=exchange,
        flags=flags,
        message_id=message_id,
        spi_i=spi_i,
        length=28 + size,
    )
    sealed = head + iv + seal(encryption, keys[0], iv, plain, head)
    if not encryption.icv_bytes:
        sealed += icv(integrity, keys[1], sealed)
    return sealed


# IKEv1


class Phase1:
    """One ISAKMP SA as its two ends would send it: every encrypted message moves the IV on."""

    def __init__(self, cipher: str, key: bytes, hash_name: str, always_pad: bool = False) -> None:
        self.cipher, self.key, self.hash_name = cipher, key, hash_name
        self.block = 8 if cipher == "3des" else 16
        self.hash_bytes = hashlib.new(hash_name).digest_size
        self.always_pad = always_pad
        self.ke_i, self.ke_r = bytes(range(128)), bytes(range(100, 228))
        self.last = self.digest(self.ke_i + self.ke_r)
        self.chains: dict[int, bytes] = {}
        self.skeyid_a = bytes(range(self.hash_bytes))

    def digest(self, data: bytes) -> bytes:
        return hashlib.new(self.hash_name, data).digest()[: self.block]

    def encrypt(self, iv: bytes, plain: bytes) -> bytes:
        padding = -len(plain) % self.block
        if self.always_pad and not padding:
            padding = self.block
        plain += bytes(padding - 1) + bytes([padding]) if self.always_pad else bytes(padding)
        algorithm = TripleDES(self.key) if self.cipher == "3des" else algorithms.AES(self.key)
        return Cipher(algorithm, modes.CBC(iv)).encryptor().update(plain)

    def transform(self) -> bytes:
        number = {"md5": 1, "sha1": 2, "sha256": 4, "sha384": 5, "sha512": 6}[self.hash_name]
        values = [(1, 5 if self.cipher == "3des" else 7), (2, number), (3, 1), (4, 14)]
        if self.cipher != "3des":
            values.append((14, len(self.key) * 8))
        attributes = b"".join(struct.pack(">HH", 0x8000 | k, v) for k, v in values)
        attributes += struct.pack(">HHHHI", 0x800B, 1, 0x000C, 4, 86400)
        return struct.pack(">BBHBBH", 0, 0, 8 + len(attributes), 1, 1, 0) + attributes

    def sa(self) -> bytes:
        transform = self.transform()
        proposal = struct.pack(">BBHBBBB", 0, 0, 8 + len(transform), 1, 1, 0, 1) + transform
        return struct.pack(">II", 1, 1) + proposal

    def clear(self, parts: list[tuple[int, bytes]], exchange: int, spi_r: bytes = SPI_R) -> bytes:
        first, body = chain(parts)
        return message(first, body, version=1, exchange=exchange, spi_r=spi_r)

    def phase_1(self, parts: list[tuple[int, bytes]], exchange: int) -> bytes:
        first, body = chain(parts)
        sealed = self.encrypt(self.last, body)
        self.last = sealed[-self.block :]
        return message(first, sealed, version=1, exchange=exchange, flags=1)

    def later(
        self, parts: list[tuple[int, bytes]], exchange: int, message_id: int, reverse: bool = False
    ) -> bytes:
        """A message after phase 1; HASH(1) is put before the parts (behind with `reverse`)."""
        # HASH(1) covers the payloads as they are on the wire, Next Payload included.
        covered = chain([*parts, (8, b"")])[1][:-4] if reverse else chain(parts)[1]
        value = hmac.new(
            self.skeyid_a, struct.pack(">I", message_id) + covered, self.hash_name
        ).digest()
        whole = [*parts, (8, value)] if reverse else [(8, value), *parts]
        first, body = chain(whole)
        start = self.chains.get(message_id)
        if start is None:
            start = self.digest(self.last + struct.pack(">I", message_id))
        sealed = self.encrypt(start, body)
        self.chains[message_id] = sealed[-self.block :]
        return message(first, sealed, version=1, exchange=exchange, flags=1, message_id=message_id)

    def main_mode(self) -> list[tuple[str, bytes]]:
        """(sender, message) of a whole Main Mode."""
        ident = (5, struct.pack(">BBH", 1, 0, 0) + bytes([192, 0, 2, 1]))
        digest = (8, bytes(range(self.hash_bytes)))
        nonce = (10, bytes(range(20)))
        return [
            (A, self.clear([(1, self.sa())], 2, bytes(8))),
            (B, self.clear([(1, self.sa())], 2)),
            (A, self.clear([(4, self.ke_i), nonce], 2)),
            (B, self.clear([(4, self.ke_r), nonce], 2)),
            (A, self.phase_1([ident, digest], 2)),
            (B, self.phase_1([ident, digest], 2)),
        ]

    def aggressive_mode(self, third_in_clear: bool) -> list[tuple[str, bytes]]:
        """(sender, message) of a whole Aggressive Mode."""
        ident = (5, struct.pack(">BBH", 1, 0, 0) + bytes([192, 0, 2, 1]))
        digest = (8, bytes(range(self.hash_bytes)))
        nonce = (10, bytes(range(20)))
        third = self.clear([digest], 4) if third_in_clear else self.phase_1([digest], 4)
        return [
            (A, self.clear([(1, self.sa()), (4, self.ke_i), nonce, ident], 4, bytes(8))),
            (B, self.clear([(1, self.sa()), (4, self.ke_r), nonce, ident, digest], 4)),
            (A, third),
        ]

    def dpd(self, kind: int, sequence: int, message_id: int, reverse: bool = False) -> bytes:
        body = notify_v1(kind, struct.pack(">I", sequence))
        return self.later([(11, body)], 5, message_id, reverse)


# tshark as the second opinion


def tshark() -> str | None:
    return shutil.which("tshark")


def write_pcap(path: Path, messages: Iterable[tuple[str, bytes]]) -> None:
    """Each message as UDP 500 over IPv4 and Ethernet, from its sender (A or B) to the other."""
    with path.open("wb") as stream:
        writer = dpkt.pcap.Writer(stream)
        for number, (sender, data) in enumerate(messages):
            other = B if sender == A else A
            source, target = (bytes(int(x) for x in a.split(".")) for a in (sender, other))
            udp = dpkt.udp.UDP(sport=500, dport=500, data=data)
            udp.ulen = len(udp)
            ip = dpkt.ip.IP(src=source, dst=target, p=17, data=udp)
            ip.len = len(ip)
            frame = dpkt.ethernet.Ethernet(src=bytes(6), dst=bytes(6), type=0x0800, data=ip)
            writer.writepkt(bytes(frame), ts=1000 + number)


def tshark_fields(path: Path, fields: list[str], options: Iterable[str] = ()) -> list[list[str]]:
    """One row a frame, one column a field."""
    command = [tshark() or "tshark", "-r", str(path), "-T", "fields"]
    for name in fields:
        command += ["-e", name]
    for option in options:
        command += ["-o", option]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return [line.split("\t") for line in done.stdout.splitlines()]
