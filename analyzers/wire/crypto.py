"""Decryption and verification of IKE messages with keys that the user has.

Decryption never depends on verification: `decrypt` gives what the bytes say, `verify_tag` and
`checksum` tell whether they can be believed. The `cryptography` package is imported when the first
key is used, because most runs have none.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Final

from analyzers.wire.algorithms import CipherMode, Encryption, Integrity

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.modes import CBC

# What stands behind salt and IV in the counter block that makes the first keystream block of the
# plaintext: RFC 5930 section 4 and CCM count from 1; GCM uses 1 for the tag (RFC 5282 section 3).
_FIRST: Final = bytes.fromhex("00000001")
_GCM_FIRST: Final = bytes.fromhex("00000002")
# The length field of CCM has 4 bytes beside an 11-byte nonce: flags L - 1 (RFC 5282 section 4).
_CCM_FLAGS: Final = b"\x03"
# The counter comes first and in little endian (RFC 8439 section 2.3); 0 makes the Poly1305 key.
_CHACHA_FIRST: Final = bytes.fromhex("01000000")


def cbc_decrypt(mode: CipherMode, key: bytes, iv: bytes, data: bytes) -> bytes:
    """CBC of AES or 3DES without any unpadding; `data` must be whole blocks."""
    return _cbc(mode, key, iv).decryptor().update(data)


def _cbc(mode: CipherMode, key: bytes, iv: bytes) -> Cipher[CBC]:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    if mode is CipherMode.AES_CBC:
        return Cipher(algorithms.AES(key), modes.CBC(iv))
    from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES

    return Cipher(TripleDES(key), modes.CBC(iv))


def _fits(algorithm: Encryption, key_field: bytes, iv: bytes) -> bool:
    return len(key_field) == algorithm.field_bytes and len(iv) == algorithm.iv_bytes


def decrypt(algorithm: Encryption, key_field: bytes, iv: bytes, data: bytes) -> bytes | None:
    """The plaintext of an SK payload with its padding, unverified; None if lengths do not fit.

    `key_field` is SK_ei or SK_er with its salt; `data` is the ciphertext without IV and ICV.
    """
    if not _fits(algorithm, key_field, iv) or not data or len(data) % algorithm.block_bytes:
        return None
    key, salt = key_field[: algorithm.key_bytes], key_field[algorithm.key_bytes :]
    mode = algorithm.mode
    if mode is CipherMode.NULL:
        return data
    if mode in (CipherMode.AES_CBC, CipherMode.TRIPLE_DES_CBC):
        return cbc_decrypt(mode, key, iv, data)
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    if mode is CipherMode.CHACHA20_POLY1305:
        stream = Cipher(algorithms.ChaCha20(key, _CHACHA_FIRST + salt + iv), mode=None)
        return stream.decryptor().update(data)
    block = salt + iv + (_GCM_FIRST if mode is CipherMode.AES_GCM else _FIRST)
    if mode is CipherMode.AES_CCM:
        block = _CCM_FLAGS + block
    return Cipher(algorithms.AES(key), modes.CTR(block)).decryptor().update(data)


def verify_tag(
    algorithm: Encryption, key_field: bytes, iv: bytes, sealed: tuple[bytes, bytes], aad: bytes
) -> bool:
    """Whether the tag of an AEAD is right; `sealed` is ciphertext and tag (RFC 5282 section 5)."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers import Cipher, aead, algorithms, modes

    data, tag = sealed
    if not _fits(algorithm, key_field, iv) or len(tag) != algorithm.icv_bytes:
        return False
    key = key_field[: algorithm.key_bytes]
    nonce = key_field[algorithm.key_bytes :] + iv
    try:
        if algorithm.mode is CipherMode.AES_CCM:
            aead.AESCCM(key, tag_length=algorithm.icv_bytes).decrypt(nonce, data + tag, aad)
        elif algorithm.mode is CipherMode.CHACHA20_POLY1305:
            aead.ChaCha20Poly1305(key).decrypt(nonce, data + tag, aad)
        else:
            gcm = modes.GCM(nonce, tag, min_tag_length=algorithm.icv_bytes)
            opened = Cipher(algorithms.AES(key), gcm).decryptor()
            opened.authenticate_additional_data(aad)
            opened.update(data)
            opened.finalize()
    except InvalidTag:
        return False
    return True


def checksum(algorithm: Integrity, key: bytes, data: bytes) -> bytes | None:
    """The truncated integrity checksum over `data`; None where it cannot be computed.

    "any" algorithms and keys of the wrong length have none.
    """
    if algorithm.mac in ("none", "any"):
        return None
    if algorithm.key_bytes is not None and len(key) != algorithm.key_bytes:
        return None
    if algorithm.mac == "xcbc":
        return _aes_xcbc(key, data)[: algorithm.icv_bytes]
    if algorithm.mac == "cmac":
        from cryptography.hazmat.primitives.ciphers.algorithms import AES
        from cryptography.hazmat.primitives.cmac import CMAC

        mac = CMAC(AES(key))
        mac.update(data)
        return mac.finalize()[: algorithm.icv_bytes]
    return hmac.digest(key, data, algorithm.mac)[: algorithm.icv_bytes]


_BLOCK: Final = 16


def _aes_xcbc(key: bytes, data: bytes) -> bytes:
    """AES-XCBC-MAC (RFC 3566 section 4): three derived keys, CBC over the whole message."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    derive = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    first, whole, padded = (derive.update(bytes([n]) * _BLOCK) for n in (1, 2, 3))
    cut = max(0, (len(data) - 1) // _BLOCK * _BLOCK)
    tail = data[cut:]
    last = whole
    if len(tail) < _BLOCK:
        tail = (tail + b"\x80").ljust(_BLOCK, b"\0")
        last = padded
    mixed = bytes(a ^ b for a, b in zip(tail, last, strict=True))
    chain = Cipher(algorithms.AES(first), modes.CBC(bytes(_BLOCK))).encryptor()
    return chain.update(data[:cut] + mixed)[-_BLOCK:]


def digest(name: str, data: bytes) -> bytes:
    """A plain hash, as IKEv1 derives its IVs with (RFC 2409 appendix B)."""
    return hashlib.new(name, data, usedforsecurity=False).digest()


def prf(name: str, key: bytes, data: bytes) -> bytes:
    """HMAC of an IKEv1 hash: the prf where none is negotiated (RFC 2409 section 4)."""
    return hmac.digest(key, data, name)
