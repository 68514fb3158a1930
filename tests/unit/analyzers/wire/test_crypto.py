from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.wire.algorithms import (
    ENCRYPTIONS,
    INTEGRITIES,
    CipherMode,
    encryption_by_id,
    encryption_named,
    fitting_suites,
    integrity_by_id,
    integrity_named,
)
from analyzers.wire.crypto import checksum, decrypt, verify_tag
from tests.unit.analyzers.ike_messages import seal


@pytest.mark.parametrize("algorithm", ENCRYPTIONS.values(), ids=list(ENCRYPTIONS))
def test_decrypts_what_the_cryptography_package_encrypts(algorithm):
    key = bytes(range(1, 1 + algorithm.field_bytes))
    iv = bytes(range(50, 50 + algorithm.iv_bytes))
    plain = bytes(range(100, 148))
    sealed = seal(algorithm, key, iv, plain, b"header")
    data, tag = sealed[: len(plain)], sealed[len(plain) :]
    assert decrypt(algorithm, key, iv, data) == plain
    if algorithm.icv_bytes:
        assert len(tag) == algorithm.icv_bytes
        assert verify_tag(algorithm, key, iv, (data, tag), b"header")
        assert not verify_tag(algorithm, key, iv, (data, tag), b"Header")
        assert not verify_tag(algorithm, key, iv, (data, tag[:-1] + b"\0"), b"header") or (
            tag[-1] == 0
        )
        assert not verify_tag(algorithm, key, iv, (data, tag[:-1]), b"header")


@pytest.mark.parametrize("algorithm", ENCRYPTIONS.values(), ids=list(ENCRYPTIONS))
def test_lengths_that_do_not_fit_give_nothing(algorithm):
    key, iv = bytes(algorithm.field_bytes), bytes(algorithm.iv_bytes)
    assert decrypt(algorithm, key + b"x", iv, bytes(48)) is None
    assert decrypt(algorithm, key, iv + b"x", bytes(48)) is None
    assert decrypt(algorithm, key, iv, b"") is None
    if algorithm.block_bytes > 1:
        assert decrypt(algorithm, key, iv, bytes(47)) is None


# RFC 3566 section 4.6 and RFC 4493 section 4, by message length.
XCBC_KEY = bytes(range(16))
XCBC = {
    0: "75f0251d528ac01c4573dfd584d79f29",
    3: "5b376580ae2f19afe7219ceef172756f",
    16: "d2a246fa349b68a79998a4394ff7a263",
    20: "47f51b4564966215b8985c63055ed308",
    32: "f54f0ec8d2b9f3d36807734bd5283fd4",
    34: "becbb3bccdb518a30677d5481fb6b4d8",
}
CMAC_KEY = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")


@pytest.mark.parametrize(("size", "value"), XCBC.items())
def test_aes_xcbc_vectors(size, value):
    found = checksum(INTEGRITIES["AES-XCBC-96"], XCBC_KEY, bytes(range(size)))
    assert found == bytes.fromhex(value)[:12]


def test_aes_cmac_vector():
    found = checksum(INTEGRITIES["AES-CMAC-96"], CMAC_KEY, b"")
    assert found == bytes.fromhex("bb1d6929e95937287fa37d129b756746")[:12]


def test_hmac_vector():
    # RFC 4231 section 4.2 has a 20-byte key; RFC 4868 section 2.7.2.1 the one IKE uses.
    found = checksum(INTEGRITIES["HMAC-SHA2-256-128"], b"\x0b" * 32, b"Hi There")
    assert found is not None
    assert found.hex() == "198a607eb44bfbc69903a0f1cf2bbdc5"


def test_no_checksum_without_an_algorithm_or_a_fitting_key():
    assert checksum(INTEGRITIES["NONE"], b"", b"x") is None
    assert checksum(INTEGRITIES["AES-XCBC-96"], bytes(15), b"x") is None
    unchecked = integrity_named("ANY 96-bits of Authentication [No Checking]")
    assert unchecked is not None
    assert unchecked.icv_bytes == 12
    assert checksum(unchecked, bytes(20), b"x") is None


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("3DES [RFC2451]", "3DES"),
        ("3des_cbc", "3DES"),
        ("NULL [RFC2410]", "NULL"),
        ("AES-CBC-128 [RFC3602]", "AES-CBC-128"),
        ("AES-CBC-192 [RFC3602]", "AES-CBC-192"),
        ("aes_cbc_256", "AES-CBC-256"),
        ("AES-256", "AES-CBC-256"),
        ("AES-CTR-192 [RFC5930]", "AES-CTR-192"),
        ("AES-GCM-256 with 16 octet ICV [RFC5282]", "AES-GCM-16-256"),
        ("AES-GCM-128 with 8 octet ICV [RFC5282]", "AES-GCM-8-128"),
        ("AES-CCM-128 with 12 octet ICV [RFC5282]", "AES-CCM-12-128"),
        ("AES_GCM_16_256", "AES-GCM-16-256"),
        ("AES_CCM_8_128", "AES-CCM-8-128"),
        ("AES-GCM-256", "AES-GCM-16-256"),
        ("CHACHA20_POLY1305", "ChaCha20-Poly1305"),
        ("ChaCha20-Poly1305 [RFC7634]", "ChaCha20-Poly1305"),
    ],
)
def test_encryption_names(name, ours):
    found = encryption_named(name)
    assert found is not None
    assert found.name == ours


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("NONE [RFC4306]", "NONE"),
        ("HMAC_MD5_96 [RFC2403]", "HMAC-MD5-96"),
        ("HMAC_MD5_128 [RFC4595]", "HMAC-MD5-128"),
        ("HMAC_SHA1_96 [RFC2404]", "HMAC-SHA1-96"),
        ("HMAC_SHA1_160 [RFC4595]", "HMAC-SHA1-160"),
        ("HMAC_SHA2_256_96 [draft-ietf-ipsec-ciph-sha-256-00]", "HMAC-SHA2-256-96"),
        ("HMAC_SHA2_256_128 [RFC4868]", "HMAC-SHA2-256-128"),
        ("hmac-sha2-384-192", "HMAC-SHA2-384-192"),
        ("HMAC_SHA2_512_256 [RFC4868]", "HMAC-SHA2-512-256"),
        ("HMAC-SHA-512-256 [RFC4868]", "HMAC-SHA2-512-256"),
        ("AES_XCBC_96", "AES-XCBC-96"),
        ("AES_CMAC_96", "AES-CMAC-96"),
    ],
)
def test_integrity_names(name, ours):
    found = integrity_named(name)
    assert found is not None
    assert found.name == ours


@given(st.text(max_size=100))
def test_any_name_is_known_or_not(name):
    encryption_named(name)
    integrity_named(name)


def test_every_own_name_names_itself():
    for name, algorithm in ENCRYPTIONS.items():
        assert encryption_named(name) is algorithm
    for name, integrity in INTEGRITIES.items():
        assert integrity_named(name) is integrity


def test_numbers():
    assert encryption_by_id(12, 256) is ENCRYPTIONS["AES-CBC-256"]
    assert encryption_by_id(20, 128) is ENCRYPTIONS["AES-GCM-16-128"]
    assert encryption_by_id(28, None) is ENCRYPTIONS["ChaCha20-Poly1305"]
    assert encryption_by_id(3, None) is ENCRYPTIONS["3DES"]
    assert encryption_by_id(12, None) is None
    assert encryption_by_id(999, 128) is None
    assert integrity_by_id(14) is INTEGRITIES["HMAC-SHA2-512-256"]
    assert integrity_by_id(999) is None


def test_suites_by_key_lengths():
    names = {(e.name, i.name) for e, i in fitting_suites(24, 20)}
    assert ("3DES", "HMAC-SHA1-96") in names
    assert ("AES-CBC-192", "HMAC-SHA1-160") in names
    assert all(e.mode is not CipherMode.AES_GCM for e, _ in fitting_suites(20, 32))
    assert fitting_suites(7, 3) == ()
