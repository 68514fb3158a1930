from __future__ import annotations

import struct

import pytest

from analyzers.model.observations import Proposal, Transform
from analyzers.wire import ikev1
from tests.unit.analyzers.ike_messages import Phase1


def proposals_of(phase_1: Phase1) -> list[Proposal]:
    data = struct.pack(">BBH", 0, 0, 4 + len(phase_1.sa())) + phase_1.sa()
    contents = ikev1.read(data, 1, 0, len(data))
    assert contents.types == [1, 2, 3]
    assert not contents.problems
    return contents.proposals


@pytest.mark.parametrize(
    ("cipher", "key_bytes", "hash_name", "suite", "text"),
    [
        ("3des", 24, "md5", (8, 16), "3DES / MD5 / MODP-2048"),
        ("aes", 16, "sha1", (16, 20), "AES-CBC-128 / SHA1 / MODP-2048"),
        ("aes", 32, "sha256", (16, 32), "AES-CBC-256 / SHA2-256 / MODP-2048"),
        ("aes", 24, "sha512", (16, 64), "AES-CBC-192 / SHA2-512 / MODP-2048"),
    ],
)
def test_chosen_suite_and_its_name(cipher, key_bytes, hash_name, suite, text):
    proposals = proposals_of(Phase1(cipher, bytes(key_bytes), hash_name))
    assert ikev1.chosen_suite(proposals) == suite
    assert ikev1.describe_proposal(1, proposals) == text
    assert ikev1.lifetime_s(proposals) == 86400


def test_an_offer_of_several_transforms_is_no_choice():
    one = Transform(1, 0, 1, 256, ((1, 7), (2, 2), (14, 256)))
    assert ikev1.chosen_suite([Proposal(1, 1, "", (one, one))]) is None
    assert ikev1.chosen_suite([]) is None
    assert ikev1.chosen_suite([Proposal(1, 3, "", (one,))]) is None


def test_unknown_algorithms_have_no_suite_but_print():
    odd = Transform(1, 0, 1, None, ((1, 65001), (2, 2), (4, 900)))
    assert ikev1.chosen_suite([Proposal(1, 1, "", (odd,))]) is None
    assert ikev1.describe_proposal(1, [Proposal(1, 1, "", (odd,))]) == "65001 / SHA1 / 900"


def test_lifetime_in_kilobytes_is_no_lifetime():
    kilobytes = Transform(1, 0, 1, None, ((11, 2), (12, 1000)))
    assert ikev1.lifetime_s([Proposal(1, 1, "", (kilobytes,))]) is None


def test_lifetime_of_phase_2():
    esp = Transform(3, 0, 12, 256, ((1, 2), (2, 4608000), (1, 1), (2, 3600), (4, 1), (5, 2)))
    proposals = [Proposal(1, 3, "01020304", (esp,))]
    assert ikev1.lifetime_s(proposals) == 3600
    assert ikev1.describe_proposal(1, proposals) == "AES-CBC-256 / SHA1"


def test_describe_ikev2():
    transforms = (
        Transform(1, 1, 12, 256),
        Transform(1, 2, 5),
        Transform(1, 3, 12),
        Transform(1, 4, 14),
    )
    assert (
        ikev1.describe_proposal(2, [Proposal(1, 1, "", transforms)])
        == "AES-CBC-256 / SHA2-256 / MODP-2048"
    )
    aead = (Transform(1, 1, 20, 128), Transform(1, 2, 6), Transform(1, 4, 31))
    assert (
        ikev1.describe_proposal(2, [Proposal(1, 1, "", aead)])
        == "AES-GCM-16-128 / SHA2-384 / X25519"
    )
    assert ikev1.describe_proposal(2, []) == ""
    assert ikev1.describe_proposal(2, [Proposal(1, 1, "", ())]) == ""


# The column "R-U-THERE & ACK" of the table of lengths: block, digest, lengths.
LENGTHS = [
    (8, 16, {84}),
    (8, 20, {84, 92}),
    (8, 32, {100}),
    (8, 48, {116}),
    (8, 64, {132}),
    (16, 16, {92}),
    (16, 20, {92}),
    (16, 32, {108}),
    (16, 48, {124}),
    (16, 64, {140}),
]


@pytest.mark.parametrize(("block", "digest", "lengths"), LENGTHS)
def test_r_u_there_lengths(block, digest, lengths):
    assert ikev1.r_u_there_lengths(block, digest) == lengths


@pytest.mark.parametrize(("block", "digest", "lengths"), LENGTHS)
@pytest.mark.parametrize("always_pad", [False, True])
def test_r_u_there_lengths_are_those_of_real_messages(block, digest, lengths, always_pad):
    name = {16: "md5", 20: "sha1", 32: "sha256", 48: "sha384", 64: "sha512"}[digest]
    cipher, key = ("3des", bytes(range(24))) if block == 8 else ("aes", bytes(16))
    sa = Phase1(cipher, key, name, always_pad)
    assert len(sa.dpd(ikev1.R_U_THERE, 1, 7)) in lengths


@pytest.mark.parametrize(
    ("padding", "plausible"),
    [
        (b"", True),
        (bytes(7), True),
        (bytes(11) + b"\x0c", True),
        (bytes(11) + b"\x0b", True),
        (b"\xa3\x11\x9c\x04", True),
        (b"\xa3\x11\x9c\x05", False),
        (b"\x01" + bytes(3), False),
    ],
)
def test_padding(padding, plausible):
    assert ikev1.padding_plausible(padding) is plausible
