"""Every IKEv2 suite, with messages sealed by `cryptography` itself, and tshark where it can."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from msgspec.structs import replace

from analyzers.decode.ike import IkeDecoder
from analyzers.model.observations import IkeMessage, MessageKind
from analyzers.model.records import Basis, Confidence, Problem, ProblemKind
from analyzers.wire.algorithms import (
    ENCRYPTIONS,
    INTEGRITIES,
    NO_INTEGRITY,
    Encryption,
    Integrity,
    integrity_named,
)
from analyzers.wire.keys import Ikev2Keys, KeyRing, parse_keys
from tests.unit.analyzers.ike_messages import (
    SPI_I,
    SPI_R,
    A,
    B,
    chain,
    datagram,
    message,
    notify_v2,
    protected,
    tshark,
    tshark_fields,
    write_pcap,
)

CBC = ENCRYPTIONS["AES-CBC-256"]
SHA256 = INTEGRITIES["HMAC-SHA2-256-128"]
CHECKED = [i for i in INTEGRITIES.values() if i.mac not in ("none", "xcbc")]

SUITES = [
    *((e, NO_INTEGRITY) for e in ENCRYPTIONS.values() if e.icv_bytes),
    *((e, SHA256) for e in ENCRYPTIONS.values() if not e.icv_bytes),
    *((CBC, i) for i in CHECKED),
    (ENCRYPTIONS["3DES"], INTEGRITIES["HMAC-SHA1-96"]),
    (ENCRYPTIONS["AES-CTR-192"], INTEGRITIES["HMAC-SHA2-512-256"]),
]
IDS = [f"{e.name}+{i.name}" for e, i in SUITES]


def key_fields(suite: tuple[Encryption, Integrity]) -> tuple[bytes, bytes, bytes, bytes]:
    """SK_ei, SK_er, SK_ai, SK_ar."""
    encryption, integrity = suite
    size = 0 if encryption.icv_bytes else (integrity.key_bytes or 0)
    return (
        bytes(range(1, 1 + encryption.field_bytes)),
        bytes(range(101, 101 + encryption.field_bytes)),
        bytes(range(51, 51 + size)),
        bytes(range(151, 151 + size)),
    )


def ring(suite: tuple[Encryption, Integrity], *, named: bool = True, spis: bool = True) -> KeyRing:
    ei, er, ai, ar = key_fields(suite)
    encryption, integrity = suite if named else (None, None)
    spi_i, spi_r = (SPI_I.hex(), SPI_R.hex()) if spis else ("", "")
    return KeyRing(ikev2=[Ikev2Keys(spi_i, spi_r, ei, er, ai, ar, "t", 1, encryption, integrity)])


def conversation(suite: tuple[Encryption, Integrity]) -> list[tuple[str, bytes]]:
    """Liveness, a MOBIKE probe, an address update, a Delete; requests and answers."""
    ei, er, ai, ar = key_fields(suite)
    mobike = chain([(41, notify_v2(16388, bytes(20))), (41, notify_v2(16389, bytes(20)))])
    update = chain([(41, notify_v2(16400)), (41, notify_v2(16388, bytes(20)))])
    delete = chain([(42, struct.pack(">BBH", 3, 4, 1) + b"\xaa\xbb\xcc\xdd")])
    found = []
    for number, request in enumerate([(0, b""), mobike, update, delete], 2):
        found.append((A, protected(suite, (ei, ai), request, flags=0x08, message_id=number)))
        found.append((B, protected(suite, (er, ar), (0, b""), flags=0x20, message_id=number)))
    return found


KINDS = [
    MessageKind.LIVENESS,
    MessageKind.LIVENESS,
    MessageKind.LIVENESS_MOBIKE,
    MessageKind.LIVENESS,
    MessageKind.NOTIFY,
    MessageKind.LIVENESS,
    MessageKind.DELETE,
    MessageKind.LIVENESS,
]


def decode(
    keys: KeyRing | None, messages: list[tuple[str, bytes]]
) -> tuple[list[IkeMessage], list[Problem]]:
    decoder = IkeDecoder(keys)
    found, told = [], []
    for frame, (sender, data) in enumerate(messages, 1):
        one, problems = decoder.decode(datagram(data, frame, sender, B if sender == A else A))
        assert one is not None
        found.append(one)
        told += problems
    return found, told


@pytest.mark.parametrize("suite", SUITES, ids=IDS)
@pytest.mark.parametrize("spis", [True, False], ids=["spis", "no-spis"])
def test_suite(suite, spis):
    keys = ring(suite, spis=spis)
    found, problems = decode(keys, conversation(suite))
    assert problems == []
    assert [m.kind for m in found] == KINDS
    assert all(m.integrity_ok is True for m in found)
    assert all(m.confidence is Confidence.CERTAIN for m in found)
    assert all(m.basis is Basis.DECRYPTED for m in found)
    assert [n.type for n in found[2].notifies] == [16388, 16389]
    assert found[6].deletes[0].spis == ("aabbccdd",)
    assert keys.unused() == []


# NULL has no key whose length could tell it.
@pytest.mark.parametrize("suite", [s for s in SUITES if s[0].key_bytes])
def test_suite_that_the_keys_do_not_name_is_found_by_verification(suite):
    found, problems = decode(ring(suite, named=False, spis=False), conversation(suite))
    assert problems == []
    assert [m.kind for m in found] == KINDS
    assert all(m.integrity_ok is True for m in found)


def wireshark_row(suite: tuple[Encryption, Integrity]) -> str:
    encryption, integrity = suite
    ei, er, ai, ar = (k.hex() for k in key_fields(suite))
    words = encryption.name.split("-")
    if encryption.icv_bytes and words[0] == "AES":
        name = f"AES-{words[1]}-{words[3]} with {words[2]} octet ICV [RFC5282]"
    else:
        name = {"AES-CBC": " [RFC3602]", "AES-CTR": " [RFC5930]", "3DES": " [RFC2451]"}.get(
            "-".join(words[:2]), " [RFC2410]"
        )
        name = encryption.name + name
    rfc = {
        "NONE": "RFC4306",
        "HMAC-MD5-96": "RFC2403",
        "HMAC-SHA1-96": "RFC2404",
        "HMAC-MD5-128": "RFC4595",
        "HMAC-SHA1-160": "RFC4595",
        "HMAC-SHA2-256-96": "draft-ietf-ipsec-ciph-sha-256-00",
    }.get(integrity.name, "RFC4868")
    mac = f"{integrity.name.replace('-', '_')} [{rfc}]"
    return f'{SPI_I.hex()},{SPI_R.hex()},{ei},{er},"{name}",{ai},{ar},"{mac}"'


# tshark 4.0 has no ChaCha20-Poly1305 and no AES-based MACs in its table.
TSHARK_SUITES = [
    s for s in SUITES if s[0].name != "ChaCha20-Poly1305" and s[1].mac not in ("xcbc", "cmac")
]


@pytest.mark.tshark
@pytest.mark.skipif(tshark() is None, reason="tshark is not installed")
def test_tshark_reads_the_same_with_the_same_rows(tmp_path: Path):
    """One SA a suite, all in one capture and one table."""
    rows, messages, keys = [], [], KeyRing()
    for number, suite in enumerate(TSHARK_SUITES):
        spi_i = struct.pack(">Q", 0xA000 + number)
        row = wireshark_row(suite).replace(SPI_I.hex(), spi_i.hex(), 1)
        rows.append(row)
        parsed = parse_keys(row, "table")
        assert parsed.problems == []
        keys = keys.merged(parsed)
        messages += conversation_of(suite, spi_i)
    path = tmp_path / "suites.pcap"
    write_pcap(path, messages)
    fields = ["isakmp.ispi", "isakmp.messageid", "isakmp.typepayload", "isakmp.notify.msgtype"]
    told = tshark_fields(path, fields, [f"uat:ikev2_decryption_table:{row}" for row in rows])
    found, problems = decode(keys, messages)
    assert problems == []
    assert all(m.integrity_ok for m in found)
    ours = [
        [
            m.initiator_spi,
            f"0x{m.message_id:08x}",
            ",".join(map(str, m.payload_types)),
            ",".join(str(n.type) for n in m.notifies),
        ]
        for m in found
    ]
    assert ours == told


def conversation_of(suite: tuple[Encryption, Integrity], spi_i: bytes) -> list[tuple[str, bytes]]:
    ei, er, ai, ar = key_fields(suite)
    update = chain([(41, notify_v2(16400)), (41, notify_v2(16388, bytes(20)))])
    return [
        (A, protected(suite, (ei, ai), update, flags=0x08, message_id=2, spi_i=spi_i)),
        (B, protected(suite, (er, ar), (0, b""), flags=0x20, message_id=2, spi_i=spi_i)),
    ]


# What cannot be verified


@pytest.mark.parametrize("suite", SUITES, ids=IDS)
def test_a_wrong_checksum_is_decrypted_told_and_suspect(suite):
    (_, good), _, _, _, (_, data), *_ = conversation(suite)
    messages = [(A, good), (A, data[:-1] + bytes([data[-1] ^ 1]))]
    (_, found), problems = decode(ring(suite), messages)
    assert [n.type for n in found.notifies] == [16400, 16388]
    assert found.integrity_ok is False
    assert found.confidence is Confidence.SUSPECT
    assert [p.kind for p in problems] == [ProblemKind.INTEGRITY_FAILED]


@pytest.mark.parametrize("suite", SUITES, ids=IDS)
def test_keys_that_never_verify_leave_the_header_facts(suite):
    """Nothing tells whether the message is wrong or the key."""
    data = conversation(suite)[4][1]
    (found,), problems = decode(ring(suite), [(A, data[:-1] + bytes([data[-1] ^ 1]))])
    assert (found.notifies, found.problems) == ((), ())
    assert (found.kind, found.integrity_ok) == (MessageKind.NOTIFY, None)
    assert (found.basis, found.confidence) == (Basis.HEADER, Confidence.CERTAIN)
    assert [p.kind for p in problems] == [ProblemKind.DECRYPTION_FAILED]


@pytest.mark.parametrize("suite", SUITES, ids=IDS)
def test_without_spis_a_wrong_checksum_is_not_believed(suite):
    data = conversation(suite)[4][1]
    found, problems = decode(ring(suite, spis=False), [(A, data[:-1] + bytes([data[-1] ^ 1]))])
    assert found[0].notifies == ()
    assert found[0].basis is Basis.HEADER
    assert found[0].confidence is Confidence.CERTAIN
    assert problems == []


def test_no_checking_is_never_certain():
    unchecked = integrity_named("ANY 128-bits of Authentication [No Checking]")
    assert unchecked is not None
    keys = ring((CBC, SHA256))
    keys.ikev2[0] = replace(keys.ikev2[0], integrity=unchecked)
    found, problems = decode(keys, conversation((CBC, SHA256)))
    assert problems == []
    assert [m.kind for m in found] == KINDS
    assert all(m.integrity_ok is None for m in found)
    for each in found:
        if each.basis is Basis.DECRYPTED:
            assert each.confidence is Confidence.INFERRED
        else:
            # An empty SK payload: the header alone says so, and it is certain.
            assert each.sk_next_payload == 0


def test_the_wrong_direction_does_not_verify():
    ei, _, ai, _ = key_fields((CBC, SHA256))
    backwards = protected((CBC, SHA256), (ei, ai), (0, b""), flags=0x20)
    found, problems = decode(ring((CBC, SHA256)), [(B, backwards)])
    assert found[0].integrity_ok is None
    assert found[0].basis is Basis.HEADER
    assert [p.kind for p in problems] == [ProblemKind.DECRYPTION_FAILED]


def test_keys_of_several_sas_without_spis_find_their_own():
    suites = [(CBC, SHA256), (ENCRYPTIONS["AES-GCM-16-256"], NO_INTEGRITY)]
    keys = ring(suites[0], spis=False).merged(ring(suites[1], spis=False))
    first = conversation_of(suites[0], b"12345678")
    second = conversation_of(suites[1], b"87654321")
    found, problems = decode(keys, [first[0], second[0], first[1], second[1]])
    assert problems == []
    assert all(m.integrity_ok for m in found)


def test_padding_of_any_length_is_accepted():
    """RFC 7296 section 3.14: the sender chooses; Libreswan and others pad beyond the minimum."""
    suite = (ENCRYPTIONS["AES-GCM-16-256"], NO_INTEGRITY)
    ei, _, ai, _ = key_fields(suite)
    sealed = protected(suite, (ei, ai), (0, b""), padding=200)
    found, _ = decode(ring(suite), [(A, sealed)])
    assert found[0].integrity_ok
    assert found[0].kind is MessageKind.LIVENESS


# SKF


def pieces_of(suite: tuple[Encryption, Integrity], cuts: list[int]) -> list[bytes]:
    ei, _, ai, _ = key_fields(suite)
    first, plain = chain([(41, notify_v2(16384)), (41, notify_v2(16397, bytes(300)))])
    bounds = [0, *cuts, len(plain)]
    total = len(bounds) - 1
    return [
        protected(
            suite,
            (ei, ai),
            (first if n == 1 else 0, plain[bounds[n - 1] : bounds[n]]),
            exchange=35,
            message_id=1,
            fragment=(n, total),
        )
        for n in range(1, total + 1)
    ]


@pytest.mark.parametrize("suite", SUITES, ids=IDS)
def test_skf_decrypts_piece_by_piece_and_joins(suite):
    found, problems = decode(ring(suite), [(A, p) for p in pieces_of(suite, [100, 200])])
    assert problems == []
    assert [m.kind for m in found] == [MessageKind.FRAGMENT] * 2 + [MessageKind.AUTH]
    whole = found[2]
    assert [n.type for n in whole.notifies] == [16384, 16397]
    assert whole.payload_types == (53, 41, 41)
    assert whole.integrity_ok is True
    assert whole.ref == ("s1", 3)
    assert whole.refs == (("s1", 1), ("s1", 2), ("s1", 3))
    assert whole.sk_next_payload == 41


def test_skf_without_keys_counts_as_one_message():
    pieces = pieces_of((CBC, SHA256), [100, 200])
    order = [pieces[2], pieces[0], pieces[0], pieces[1]]
    found, problems = decode(None, [(A, p) for p in order])
    assert problems == []
    assert [m.kind for m in found] == [MessageKind.FRAGMENT] * 3 + [MessageKind.AUTH]
    assert found[0].sk_next_payload is None
    assert found[1].sk_next_payload == found[3].sk_next_payload == 41
    assert found[3].refs == (("s1", 1), ("s1", 3), ("s1", 4))
    again, _ = decode(None, [(A, p) for p in pieces])
    assert again[2].fingerprint == found[3].fingerprint


def test_second_fragment_of_an_informational_is_no_liveness():
    ei, _, ai, _ = key_fields((CBC, SHA256))
    piece = protected((CBC, SHA256), (ei, ai), (0, bytes(40)), fragment=(2, 2))
    found, _ = decode(None, [(A, piece)])
    assert found[0].kind is MessageKind.FRAGMENT
    assert found[0].sk_next_payload is None


@pytest.mark.parametrize("fragment", [(0, 2), (3, 2), (1, 0)])
def test_impossible_fragment_numbers(fragment):
    ei, _, ai, _ = key_fields((CBC, SHA256))
    piece = protected((CBC, SHA256), (ei, ai), (0, bytes(40)), fragment=fragment)
    found, problems = decode(None, [(A, piece)])
    assert found[0].kind is MessageKind.FRAGMENT
    assert [p.kind for p in problems] == [ProblemKind.MALFORMED_IKE]


def test_one_bad_fragment_spoils_the_integrity_of_the_whole():
    pieces = pieces_of((CBC, SHA256), [100])
    pieces[1] = pieces[1][:-1] + bytes([pieces[1][-1] ^ 1])
    good = conversation((CBC, SHA256))[0]
    found, problems = decode(ring((CBC, SHA256)), [good, *((A, p) for p in pieces)])
    assert found[2].integrity_ok is False
    assert found[2].confidence is Confidence.SUSPECT
    assert [p.kind for p in problems] == [ProblemKind.INTEGRITY_FAILED]


@pytest.mark.tshark
@pytest.mark.skipif(tshark() is None, reason="tshark is not installed")
def test_tshark_joins_the_same_fragments(tmp_path: Path):
    messages = [(A, p) for p in pieces_of((CBC, SHA256), [100, 200])]
    path = tmp_path / "skf.pcap"
    write_pcap(path, messages)
    told = tshark_fields(
        path,
        ["isakmp.typepayload", "isakmp.notify.msgtype"],
        [f"uat:ikev2_decryption_table:{wireshark_row((CBC, SHA256))}"],
    )
    found, _ = decode(ring((CBC, SHA256)), messages)
    assert [",".join(map(str, m.payload_types)) for m in found] == [t[0] for t in told]
    assert told[2][1] == ",".join(str(n.type) for n in found[2].notifies)


def test_the_sa_init_response_tells_the_suite_of_keys_without_names():
    transforms = [(1, 12, 256), (3, 12, None), (2, 5, None), (4, 14, None)]
    data = b""
    for at, (kind, ident, bits) in enumerate(transforms):
        extra = struct.pack(">HH", 0x800E, bits) if bits else b""
        more = 0 if at == len(transforms) - 1 else 3
        data += struct.pack(">BBHBBH", more, 0, 8 + len(extra), kind, 0, ident) + extra
    proposal = struct.pack(">BBHBBBB", 0, 0, 8 + len(data), 1, 1, 0, 4) + data
    first, body = chain([(33, proposal), (34, bytes(36)), (40, bytes(32))])
    answer = message(first, body, exchange=34, flags=0x20)
    found, problems = decode(
        ring((CBC, SHA256), named=False), [(B, answer), *conversation((CBC, SHA256))]
    )
    assert problems == []
    assert found[0].proposals[0].transforms[0].key_bits == 256
    assert found[0].payload_types == (33, 2, 3, 3, 3, 3, 34, 40)
    assert all(m.integrity_ok for m in found[1:])
