"""Encryption and integrity algorithms of IKEv2: sizes, many names, IANA numbers.

Sources: RFC 2451, 3602, 4868, 5282, 5930, 7634 for the ciphers and HMACs; RFC 3566 and 4494 for the
AES-based MACs; RFC 4595 for the untruncated ones.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from msgspec import Struct


class CipherMode(StrEnum):
    """How a cipher is used."""

    AES_CBC = "AES-CBC"
    AES_CTR = "AES-CTR"
    AES_GCM = "AES-GCM"
    AES_CCM = "AES-CCM"
    TRIPLE_DES_CBC = "3DES-CBC"
    CHACHA20_POLY1305 = "ChaCha20-Poly1305"
    NULL = "NULL"


class Encryption(Struct, frozen=True):
    """An encryption algorithm with everything that its SK payload looks like."""

    name: str
    mode: CipherMode
    key_bytes: int
    """Without the salt."""
    salt_bytes: int
    iv_bytes: int
    block_bytes: int
    """What the ciphertext is a multiple of."""
    icv_bytes: int
    """Of an AEAD; 0 for a cipher that needs an integrity algorithm beside it."""

    @property
    def field_bytes(self) -> int:
        """Length of SK_e*: the key, then the salt."""
        return self.key_bytes + self.salt_bytes


class Integrity(Struct, frozen=True):
    """An integrity algorithm; `mac` is a hashlib name, "xcbc", "cmac", "none" or "any"."""

    name: str
    mac: str
    key_bytes: int | None
    """None: any length will do."""
    icv_bytes: int


_ICVS: Final = (8, 12, 16)
_AES_KEYS: Final = (16, 24, 32)


def _encryptions() -> tuple[Encryption, ...]:
    found = [
        Encryption("3DES", CipherMode.TRIPLE_DES_CBC, 24, 0, 8, 8, 0),
        Encryption("ChaCha20-Poly1305", CipherMode.CHACHA20_POLY1305, 32, 4, 8, 1, 16),
        Encryption("NULL", CipherMode.NULL, 0, 0, 0, 1, 0),
    ]
    for size in _AES_KEYS:
        bits = size * 8
        found.append(Encryption(f"AES-CBC-{bits}", CipherMode.AES_CBC, size, 0, 16, 16, 0))
        found.append(Encryption(f"AES-CTR-{bits}", CipherMode.AES_CTR, size, 4, 8, 1, 0))
        for icv in _ICVS:
            name = f"AES-GCM-{icv}-{bits}"
            found.append(Encryption(name, CipherMode.AES_GCM, size, 4, 8, 1, icv))
            name = f"AES-CCM-{icv}-{bits}"
            found.append(Encryption(name, CipherMode.AES_CCM, size, 3, 8, 1, icv))
    return tuple(found)


ENCRYPTIONS: Final = {e.name: e for e in _encryptions()}

NO_INTEGRITY: Final = Integrity("NONE", "none", None, 0)

INTEGRITIES: Final = {
    i.name: i
    for i in (
        NO_INTEGRITY,
        Integrity("HMAC-MD5-96", "md5", 16, 12),
        Integrity("HMAC-MD5-128", "md5", 16, 16),
        Integrity("HMAC-SHA1-96", "sha1", 20, 12),
        Integrity("HMAC-SHA1-160", "sha1", 20, 20),
        Integrity("HMAC-SHA2-256-96", "sha256", 32, 12),
        Integrity("HMAC-SHA2-256-128", "sha256", 32, 16),
        Integrity("HMAC-SHA2-384-192", "sha384", 48, 24),
        Integrity("HMAC-SHA2-512-256", "sha512", 64, 32),
        Integrity("AES-XCBC-96", "xcbc", 16, 12),
        Integrity("AES-CMAC-96", "cmac", 16, 12),
    )
}

# Longest algorithm name that is looked at; the longest real one has 51 characters.
_MAX_NAME: Final = 80

_BRACKETS: Final = re.compile(r"[\[(][^\])]*[\])]")
_TRIPLE_DES: Final = re.compile(r"(ENCR )?(3DES|DES3|TRIPLE ?DES|DES EDE3?)( (EDE3? )?CBC)?")
_AES_PLAIN: Final = re.compile(r"(ENCR )?AES (CBC|CTR|COUNTER) ?(128|192|256)")
_AES_BARE: Final = re.compile(r"(ENCR )?AES ?(128|192|256)( CBC)?")
_AES_AEAD: Final = re.compile(r"(ENCR )?AES (GCM|CCM) ?(128|192|256) WITH AN? ?(8|12|16) OCTET ICV")
_AES_AEAD_WITH: Final = re.compile(r"(ENCR )?AES (GCM|CCM) ?(128|192|256) WITH (8|12|16) OCTET ICV")
_AES_AEAD_ICV_FIRST: Final = re.compile(r"(ENCR )?AES (GCM|CCM) ?(8|12|16) (128|192|256)")
_AES_AEAD_ICV_LAST: Final = re.compile(r"(ENCR )?AES (GCM|CCM) ?(128|192|256)( (8|12|16))?")
_HMAC: Final = re.compile(
    r"(AUTH )?(HMAC )?(MD5|SHA ?1|SHA2? ?(?:256|384|512))( ?(?:96|128|160|192|256))?"
)
_AES_MAC: Final = re.compile(r"(AUTH )?AES (128 )?(XCBC|CMAC)( MAC)?( 96)?")
_ANY: Final = re.compile(r"ANY (64|96|128|160|192|256) BITS? OF AUTHENTICATION")

_DEFAULT_TRUNCATION: Final = {
    "MD5": 96,
    "SHA1": 96,
    "SHA2-256": 128,
    "SHA2-384": 192,
    "SHA2-512": 256,
}


def _normal(name: str) -> str:
    words = _BRACKETS.sub(" ", name[:_MAX_NAME]).replace("-", " ").replace("_", " ")
    return " ".join(words.upper().split())


def encryption_named(name: str) -> Encryption | None:
    """The algorithm of Wireshark's name, of strongSwan's or of our own; None if unknown.

    Case, `-` or `_`, and the part in brackets do not matter. AES-GCM and AES-CCM without an ICV
    length mean 16 bytes.
    """
    text = _normal(name)
    if text in {"NULL", "ENCR NULL"}:
        return ENCRYPTIONS["NULL"]
    if _TRIPLE_DES.fullmatch(text):
        return ENCRYPTIONS["3DES"]
    if text.removeprefix("ENCR ") in {"CHACHA20 POLY1305", "CHACHA20POLY1305"}:
        return ENCRYPTIONS["ChaCha20-Poly1305"]
    if found := _AES_PLAIN.fullmatch(text):
        mode = "CTR" if found[2] == "COUNTER" else found[2]
        return ENCRYPTIONS[f"AES-{mode}-{found[3]}"]
    if found := _AES_BARE.fullmatch(text):
        return ENCRYPTIONS[f"AES-CBC-{found[2]}"]
    if found := _AES_AEAD_WITH.fullmatch(text) or _AES_AEAD.fullmatch(text):
        return ENCRYPTIONS[f"AES-{found[2]}-{found[4]}-{found[3]}"]
    if found := _AES_AEAD_ICV_FIRST.fullmatch(text):
        return ENCRYPTIONS[f"AES-{found[2]}-{found[3]}-{found[4]}"]
    if found := _AES_AEAD_ICV_LAST.fullmatch(text):
        return ENCRYPTIONS[f"AES-{found[2]}-{found[5] or 16}-{found[3]}"]
    return None


def integrity_named(name: str) -> Integrity | None:
    """The algorithm of Wireshark's name, of strongSwan's or of our own; None if unknown.

    Wireshark's "ANY n-bits of Authentication [No Checking]" gives an algorithm that leaves room
    for a checksum and verifies nothing.
    """
    text = _normal(name)
    if text in {"NONE", "AUTH NONE", ""}:
        return NO_INTEGRITY
    if found := _ANY.match(text):
        return Integrity(f"ANY-{found[1]}", "any", None, int(found[1]) // 8)
    if found := _AES_MAC.fullmatch(text):
        return INTEGRITIES[f"AES-{found[3]}-96"]
    if found := _HMAC.fullmatch(text):
        digest = found[3].replace(" ", "")
        if digest not in {"MD5", "SHA1"}:
            digest = f"SHA2-{digest[-3:]}"
        bits = (found[4] or "").strip() or str(_DEFAULT_TRUNCATION[digest])
        return INTEGRITIES.get(f"HMAC-{digest}-{bits}")
    return None


_ENCRYPTION_IDS: Final = {
    12: "AES-CBC",
    13: "AES-CTR",
    14: "AES-CCM-8",
    15: "AES-CCM-12",
    16: "AES-CCM-16",
    18: "AES-GCM-8",
    19: "AES-GCM-12",
    20: "AES-GCM-16",
}
_INTEGRITY_IDS: Final = {
    0: "NONE",
    1: "HMAC-MD5-96",
    2: "HMAC-SHA1-96",
    5: "AES-XCBC-96",
    6: "HMAC-MD5-128",
    7: "HMAC-SHA1-160",
    8: "AES-CMAC-96",
    12: "HMAC-SHA2-256-128",
    13: "HMAC-SHA2-384-192",
    14: "HMAC-SHA2-512-256",
}


def encryption_by_id(transform_id: int, key_bits: int | None) -> Encryption | None:
    """The algorithm of an IKEv2 ENCR transform."""
    if transform_id == 3:
        return ENCRYPTIONS["3DES"]
    if transform_id == 11:
        return ENCRYPTIONS["NULL"]
    if transform_id == 28:
        return ENCRYPTIONS["ChaCha20-Poly1305"]
    return ENCRYPTIONS.get(f"{_ENCRYPTION_IDS.get(transform_id)}-{key_bits}")


def integrity_by_id(transform_id: int) -> Integrity | None:
    """The algorithm of an IKEv2 INTEG transform."""
    return INTEGRITIES.get(_INTEGRITY_IDS.get(transform_id, ""))


def fitting_suites(
    encryption_bytes: int, integrity_bytes: int
) -> tuple[tuple[Encryption, Integrity], ...]:
    """All suites whose SK_e and SK_a have these lengths; 0 integrity bytes mean an AEAD."""
    ciphers = [e for e in ENCRYPTIONS.values() if e.field_bytes == encryption_bytes]
    if integrity_bytes == 0:
        return tuple((e, NO_INTEGRITY) for e in ciphers if e.icv_bytes)
    macs = [i for i in INTEGRITIES.values() if i.key_bytes == integrity_bytes]
    return tuple((e, i) for e in ciphers if not e.icv_bytes and e.key_bytes for i in macs)
