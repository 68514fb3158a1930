"""IKEv1 with the encryption key: IV chains, retransmissions, and captures that start late."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from analyzers.decode.ike import IkeDecoder
from analyzers.decode.ikev1_decryption import MAX_TRIALS, Ikev1Decryption
from analyzers.decode.ikev1_state import MAX_CHAINS, MAX_SEEN, Ikev1Sa
from analyzers.model.observations import IkeMessage, MessageKind
from analyzers.model.records import Basis, Confidence, Problem, ProblemKind
from analyzers.wire.ike import parse_header
from analyzers.wire.ikev1 import R_U_THERE, R_U_THERE_ACK
from analyzers.wire.keys import Ikev1Key, KeyRing
from tests.unit.analyzers.ike_messages import (
    SPI_I,
    SPI_R,
    A,
    B,
    Phase1,
    chain,
    datagram,
    delete_v1,
    message,
    notify_v1,
    tshark,
    tshark_fields,
    write_pcap,
)

SUITES = [
    (cipher, size, hash_name)
    for cipher, size in [("3des", 24), ("aes", 16), ("aes", 24), ("aes", 32)]
    for hash_name in ("md5", "sha1", "sha256", "sha384", "sha512")
]
IDS = [f"{cipher}-{size * 8}-{name}" for cipher, size, name in SUITES]

Sent = list[tuple[str, bytes]]


def an_sa(cipher: str = "aes", size: int = 32, hash_name: str = "sha1", **more: bool) -> Phase1:
    return Phase1(cipher, bytes(range(7, 7 + size)), hash_name, **more)


def ring(sa: Phase1, cookie: str | None = None, skeyid_a: bool = False) -> KeyRing:
    spi = SPI_I.hex() if cookie is None else cookie
    return KeyRing(ikev1=[Ikev1Key(spi, sa.key, "t", 1, sa.skeyid_a if skeyid_a else None)])


def decode(keys: KeyRing | None, messages: Sent) -> tuple[list[IkeMessage], list[Problem]]:
    decoder = IkeDecoder(keys)
    found, told = [], []
    for frame, (sender, data) in enumerate(messages, 1):
        one, problems = decoder.decode(datagram(data, frame, sender, B if sender == A else A))
        assert one is not None
        found.append(one)
        told += problems
    return found, told


def quick_mode(sa: Phase1, message_id: int = 0xAA01) -> Sent:
    body = [(1, esp_sa()), (10, bytes(range(16))), (5, bytes(8)), (5, bytes(8))]
    return [
        (A, sa.later(body, 32, message_id)),
        (B, sa.later(body, 32, message_id)),
        (A, sa.later([], 32, message_id)),
    ]


def esp_sa() -> bytes:
    attributes = struct.pack(">HHHH", 0x8001, 1, 0x8002, 3600)
    transform = struct.pack(">BBHBBH", 0, 0, 8 + len(attributes), 1, 12, 0) + attributes
    spi = b"\xca\xfe\xba\xbe"
    proposal = struct.pack(">BBHBBBB", 0, 0, 12 + len(transform), 1, 3, 4, 1) + spi + transform
    return struct.pack(">II", 1, 1) + proposal


def informationals(sa: Phase1) -> Sent:
    """A DPD exchange, one with the payloads in the order RFC 3706 draws, and two Deletes."""
    return [
        (A, sa.dpd(R_U_THERE, 41, 0xB001)),
        (B, sa.dpd(R_U_THERE_ACK, 41, 0xB002)),
        (A, sa.dpd(R_U_THERE, 42, 0xB003, reverse=True)),
        (B, sa.dpd(R_U_THERE_ACK, 42, 0xB004, reverse=True)),
        (A, sa.later([(12, delete_v1(3, b"\xaa\xbb\xcc\xdd"))], 5, 0xB005)),
        (A, sa.later([(12, delete_v1(1, SPI_I + SPI_R))], 5, 0xB006)),
    ]


def life(sa: Phase1) -> Sent:
    return [*sa.main_mode(), *quick_mode(sa), *informationals(sa)]


KINDS = [
    *[MessageKind.MAIN_MODE] * 6,
    *[MessageKind.QUICK_MODE] * 3,
    *[MessageKind.R_U_THERE, MessageKind.R_U_THERE_ACK] * 2,
    *[MessageKind.DELETE] * 2,
]


@pytest.mark.parametrize(("cipher", "size", "hash_name"), SUITES, ids=IDS)
@pytest.mark.parametrize("always_pad", [False, True], ids=["fewest", "always"])
def test_a_whole_sa(cipher, size, hash_name, always_pad):
    sa = an_sa(cipher, size, hash_name, always_pad=always_pad)
    keys = ring(sa)
    found, problems = decode(keys, life(sa))
    assert problems == []
    assert [m.kind for m in found] == KINDS
    assert [m.dpd_sequence for m in found[9:13]] == [41, 41, 42, 42]
    assert found[6].payload_types == (8, 1, 2, 3, 10, 5, 5)
    assert found[6].proposals[0].spi == "cafebabe"
    assert found[8].payload_types == (8,)
    assert found[11].payload_types == (11, 8)
    assert found[13].deletes[0].spis == ("aabbccdd",)
    for each in found[4:]:
        assert each.basis is Basis.DECRYPTED
        assert each.confidence is Confidence.CERTAIN
        assert each.integrity_ok is None
        assert each.problems == ()
    assert keys.unused() == []


@pytest.mark.parametrize(("cipher", "size", "hash_name"), SUITES, ids=IDS)
def test_without_a_cookie_the_key_is_tried_and_kept(cipher, size, hash_name):
    sa = an_sa(cipher, size, hash_name)
    foreign = Ikev1Key("", bytes(range(90, 90 + size)), "t", 2)
    keys = KeyRing(ikev1=[foreign, *ring(sa, cookie="").ikev1])
    found, problems = decode(keys, life(sa))
    assert problems == []
    assert all(m.basis is Basis.DECRYPTED for m in found[4:])
    (unused,) = keys.unused()
    assert unused.startswith("t line 2")


def test_skeyid_a_verifies_hash_1():
    sa = an_sa()
    found, problems = decode(ring(sa, skeyid_a=True), life(sa))
    assert problems == []
    assert [m.integrity_ok for m in found[9:]] == [True] * 6


def test_a_wrong_hash_1_is_told():
    sa = an_sa()
    keys = KeyRing(ikev1=[Ikev1Key(SPI_I.hex(), sa.key, "t", 1, bytes(20))])
    found, problems = decode(keys, life(sa))
    assert [m.integrity_ok for m in found[9:]] == [False] * 6
    assert all(m.confidence is Confidence.SUSPECT for m in found[9:])
    assert {p.kind for p in problems} == {ProblemKind.INTEGRITY_FAILED}


def test_retransmissions_do_not_move_the_chain():
    sa = an_sa()
    main, quick, info = sa.main_mode(), quick_mode(sa), informationals(sa)
    sent = [
        *(main[0], main[0], main[1], main[2], main[2], main[3], main[3]),
        *(main[4], main[4], main[5], main[4], main[5]),
        *(quick[0], quick[0], quick[1], quick[0], quick[1], quick[2], quick[2], quick[1]),
        *(info[0], info[0], info[1], info[0]),
    ]
    found, problems = decode(ring(sa), sent)
    assert problems == []
    for each in found:
        if each.encrypted:
            assert each.basis is Basis.DECRYPTED
            assert each.confidence is Confidence.CERTAIN


@pytest.mark.parametrize("third_in_clear", [True, False])
@pytest.mark.parametrize(("cipher", "size", "hash_name"), SUITES[::3], ids=IDS[::3])
def test_aggressive_mode(cipher, size, hash_name, third_in_clear):
    sa = an_sa(cipher, size, hash_name)
    sent = [*sa.aggressive_mode(third_in_clear), *quick_mode(sa), *informationals(sa)]
    found, problems = decode(ring(sa), sent)
    assert problems == []
    assert [m.kind for m in found[:3]] == [MessageKind.AGGRESSIVE] * 3
    assert all(m.basis is Basis.DECRYPTED for m in found if m.encrypted)
    assert [m.dpd_sequence for m in found[6:10]] == [41, 41, 42, 42]


def test_an_exchange_between_phase_1_and_quick_mode_has_its_own_chain():
    """XAUTH and mode configuration: Quick Mode still starts from the end of phase 1."""
    sa = an_sa()
    attributes = [(14, struct.pack(">BBH", 1, 0, 7) + struct.pack(">HH", 0xC088, 0))]
    sent = [
        *sa.main_mode(),
        (B, sa.later(attributes, 6, 0xCC01)),
        (A, sa.later(attributes, 6, 0xCC01)),
        *quick_mode(sa),
    ]
    found, problems = decode(ring(sa), sent)
    assert problems == []
    assert [m.kind for m in found[6:8]] == [MessageKind.TRANSACTION] * 2
    assert all(m.basis is Basis.DECRYPTED for m in found if m.encrypted)


@pytest.mark.parametrize("start", range(1, 6))
@pytest.mark.parametrize(("cipher", "size", "hash_name"), SUITES[::2], ids=IDS[::2])
def test_a_capture_that_starts_within_phase_1(start, cipher, size, hash_name):
    sa = an_sa(cipher, size, hash_name)
    sent = life(sa)[start:]
    found, _ = decode(ring(sa), sent)
    for each in found:
        # From the end of phase 1 on, all can be read: message 6 gives the IV of the rest.
        if each.encrypted and each.exchange_type != 2:
            assert each.basis is Basis.DECRYPTED
            assert each.confidence is Confidence.CERTAIN
    assert [m.dpd_sequence for m in found[-6:-2]] == [41, 41, 42, 42]


def test_a_lost_last_message_of_phase_1_is_no_wrong_iv():
    sa = an_sa()
    sent = life(sa)
    del sent[5]
    found, _ = decode(ring(sa), sent)
    dpd = [m for m in found if m.kind in (MessageKind.R_U_THERE, MessageKind.R_U_THERE_ACK)]
    assert [m.dpd_sequence for m in dpd] == [41, 41]
    assert all(m.confidence is Confidence.CERTAIN for m in dpd)
    assert all("first cipher block" in m.problems[0] for m in dpd)


@pytest.mark.parametrize(("cipher", "size", "hash_name"), SUITES, ids=IDS)
@pytest.mark.parametrize("always_pad", [False, True], ids=["fewest", "always"])
def test_a_capture_that_starts_after_phase_1(cipher, size, hash_name, always_pad):
    sa = an_sa(cipher, size, hash_name, always_pad=always_pad)
    sa.main_mode()
    quick_mode(sa)
    found, _ = decode(ring(sa), informationals(sa))
    assert [m.kind for m in found[:2]] == [MessageKind.R_U_THERE, MessageKind.R_U_THERE_ACK]
    assert [m.dpd_sequence for m in found[:2]] == [41, 41]
    assert found[0].notifies[0].spi == (SPI_I + SPI_R).hex()
    assert found[0].payload_types == (8, 11)
    assert found[0].confidence is found[1].confidence is Confidence.CERTAIN
    # With the Notification first, its type is lost with the block: nothing is claimed.
    assert found[2].kind is MessageKind.INFORMATIONAL
    assert found[2].basis is Basis.HEADER
    # An ESP Delete names nothing that could vouch for it, but the key has proven right.
    assert found[4].kind is MessageKind.DELETE
    assert found[4].deletes[0].spis == ("aabbccdd",)
    assert found[4].confidence is Confidence.INFERRED
    assert found[5].deletes[0].spis == ((SPI_I + SPI_R).hex(),)
    assert found[5].confidence is Confidence.CERTAIN


def test_an_esp_delete_from_the_middle_alone_is_suspect():
    sa = an_sa()
    sa.main_mode()
    found, _ = decode(ring(sa), informationals(sa)[4:5])
    assert found[0].deletes[0].spis == ("aabbccdd",)
    assert found[0].confidence is Confidence.SUSPECT
    without_cookie, _ = decode(ring(sa, cookie=""), informationals(an_sa())[4:5])
    assert without_cookie[0].basis is Basis.HEADER


def test_a_quick_mode_from_the_middle_is_read_from_its_second_message_on():
    sa = an_sa()
    sa.main_mode()
    found, problems = decode(ring(sa), quick_mode(sa))
    assert found[0].proposals[0].spi == "cafebabe"
    assert found[0].confidence is Confidence.SUSPECT
    # The last block of the first message is the IV of the second.
    assert found[1].confidence is found[2].confidence is Confidence.CERTAIN
    assert problems == []


@pytest.mark.parametrize("skip_phase_1", [True, False])
def test_a_wrong_key_decrypts_nothing(skip_phase_1):
    sa = an_sa()
    sent = life(sa)[6 if skip_phase_1 else 0 :]
    keys = KeyRing(ikev1=[Ikev1Key(SPI_I.hex(), bytes(32), "t", 1)])
    found, problems = decode(keys, sent)
    assert all(m.basis is Basis.HEADER for m in found)
    assert {p.kind for p in problems} == {ProblemKind.DECRYPTION_FAILED}
    assert "decrypted nothing" in keys.unused()[0]


def test_random_bytes_are_not_taken_for_a_message():
    """Structure is all that vouches for an IKEv1 plaintext; noise must not have it."""
    sa = an_sa()
    decoder = IkeDecoder(ring(sa))
    for sender, data in sa.main_mode():
        decoder.decode(datagram(data, 1, sender))
    for number in range(3000):
        noise = sa.digest(struct.pack(">I", number)) + sa.digest(struct.pack(">Q", number)) * 3
        data = message(8, noise, version=1, exchange=5, flags=1, message_id=number + 1)
        found, _ = decoder.decode(datagram(data, number + 10))
        assert found is not None
        assert found.kind is MessageKind.INFORMATIONAL
        assert found.basis is Basis.HEADER


def test_skeyid_e_in_place_of_the_key():
    """RFC 2409 appendix B: where SKEYID_e is long enough, its leading bytes are the key."""
    sa = an_sa("aes", 16, "sha512")
    keys = KeyRing(ikev1=[Ikev1Key(SPI_I.hex(), sa.key + bytes(48), "t", 1)])
    found, problems = decode(keys, life(sa))
    assert problems == []
    assert [m.kind for m in found] == KINDS


def test_another_responder_cookie_is_another_sa():
    """A responder that restarted answers the same first message with a new cookie."""
    sa = an_sa()
    first = life(sa)
    other = Phase1("aes", sa.key, "sha1")
    other.ke_r = bytes(reversed(range(128)))
    other.last = other.digest(other.ke_i + other.ke_r)
    again = [
        (who, data[:8] + (b"otherspi" if any(data[8:16]) else bytes(8)) + data[16:])
        for who, data in other.main_mode()
    ]
    found, problems = decode(ring(sa), [*first[:5], *again, *first[5:]])
    assert problems == []
    assert all(m.basis is Basis.DECRYPTED for m in found if m.encrypted)


# Cisco's fragments


def cisco_pieces(data: bytes, size: int, ident: int = 1) -> list[bytes]:
    cuts = [data[at : at + size] for at in range(0, len(data), size)]
    found = []
    for number, cut in enumerate(cuts, 1):
        last = number == len(cuts)
        body = struct.pack(">BBHHBB", 0, 0, 8 + len(cut), ident, number, last) + cut
        spi_r = data[8:16]
        found.append(message(132, body, version=1, exchange=data[18], spi_r=spi_r))
    return found


def test_cisco_fragments_are_joined_and_decrypted():
    sa = an_sa()
    main = sa.main_mode()
    sent = [*main[:4], *((A, p) for p in cisco_pieces(main[4][1], 40)), *main[5:]]
    found, problems = decode(ring(sa), [*sent, *informationals(sa)])
    assert problems == []
    pieces = len(cisco_pieces(main[4][1], 40))
    assert [m.kind for m in found[4 : 4 + pieces - 1]] == [MessageKind.FRAGMENT] * (pieces - 1)
    whole = found[4 + pieces - 1]
    assert whole.kind is MessageKind.MAIN_MODE
    assert whole.basis is Basis.DECRYPTED
    assert whole.length == len(main[4][1])
    assert len(whole.refs) == pieces
    assert whole.ref == whole.refs[-1]
    assert found[4 + pieces].basis is Basis.DECRYPTED
    alone, _ = decode(None, [main[4]])
    assert whole.fingerprint == alone[0].fingerprint


def test_cisco_fragments_out_of_order_and_twice():
    _, data = chain([(1, an_sa().sa()), (13, bytes(400))])
    whole = message(1, data, version=1, exchange=2, spi_r=bytes(8))
    pieces = cisco_pieces(whole, 100)
    order = [pieces[-1], pieces[0], pieces[0], *pieces[1:-1]]
    found, problems = decode(None, [(A, p) for p in order])
    assert problems == []
    assert [m.kind for m in found[:-1]] == [MessageKind.FRAGMENT] * (len(order) - 1)
    assert found[-1].kind is MessageKind.MAIN_MODE
    assert found[-1].payload_types == (132, 1, 2, 3, 13)


def test_fragments_within_fragments_end():
    inner = cisco_pieces(message(8, bytes(64), version=1, exchange=5, flags=1), 40)[0]
    found, problems = decode(None, [(A, p) for p in cisco_pieces(inner, 30)])
    assert found[-1].kind is MessageKind.FRAGMENT
    assert [p.kind for p in problems] == [ProblemKind.MALFORMED_IKE]


# tshark


@pytest.mark.tshark
@pytest.mark.skipif(tshark() is None, reason="tshark is not installed")
@pytest.mark.parametrize("aggressive", [False, True], ids=["main", "aggressive"])
def test_tshark_reads_the_same(tmp_path: Path, aggressive):
    """One SA a suite, all in one capture and one table."""
    messages: Sent = []
    rows = []
    keys = KeyRing()
    for number, (cipher, size, hash_name) in enumerate(SUITES):
        sa = an_sa(cipher, size, hash_name)
        cookie = struct.pack(">Q", 0xB000 + number)
        sent = (
            [*sa.aggressive_mode(third_in_clear=False), *quick_mode(sa), *informationals(sa)]
            if aggressive
            else life(sa)
        )
        messages += [(who, cookie + data[8:]) for who, data in sent]
        rows.append(f"{cookie.hex()},{sa.key.hex()}")
        keys.ikev1.append(Ikev1Key(cookie.hex(), sa.key, "t", number))
    path = tmp_path / "suites.pcap"
    write_pcap(path, messages)
    fields = [
        "isakmp.ispi",
        "isakmp.typepayload",
        "isakmp.notify.msgtype",
        "isakmp.notify.data.dpd.are_you_there",
    ]
    told = tshark_fields(path, fields, [f"uat:ikev1_decryption_table:{row}" for row in rows])
    found, problems = decode(keys, messages)
    assert problems == []
    ours = [
        [
            m.initiator_spi,
            ",".join(map(str, m.payload_types)),
            ",".join(str(n.type) for n in m.notifies),
            str(m.dpd_sequence) if m.kind is MessageKind.R_U_THERE else "",
        ]
        for m in found
    ]
    assert ours == told


@pytest.mark.tshark
@pytest.mark.skipif(tshark() is None, reason="tshark is not installed")
def test_tshark_joins_the_same_cisco_fragments(tmp_path: Path):
    first, data = chain([(1, an_sa().sa()), (13, bytes(400)), (11, notify_v1(24578))])
    whole = message(first, data, version=1, exchange=2, spi_r=bytes(8))
    messages = [(A, p) for p in cisco_pieces(whole, 200)]
    path = tmp_path / "pieces.pcap"
    write_pcap(path, messages)
    told = tshark_fields(path, ["isakmp.typepayload"])
    found, _ = decode(None, messages)
    assert [",".join(map(str, m.payload_types)) for m in found] == [t[0] for t in told]


# Bounds


def test_state_is_bounded_in_sas_and_exchanges(monkeypatch):
    monkeypatch.setattr("analyzers.decode.ikev1_decryption.MAX_SAS", 8)
    sa = an_sa()
    decoder = Ikev1Decryption(ring(sa, cookie=""))
    for number in range(50):
        cookie = struct.pack(">Q", number // 2 + 1)
        data = message(8, bytes(64), version=1, exchange=5, flags=1, spi_i=cookie)
        header = parse_header(data)
        assert header is not None
        decoder.open(header, data, struct.pack(">I", number))
    assert len(decoder._sas) == 8
    state = Ikev1Sa(())
    header = parse_header(message(8, b"", version=1, exchange=5, flags=1))
    assert header is not None
    for number in range(10 * MAX_SEEN):
        state.advance(header._replace(message_id=number), bytes(16))
        state.remember(struct.pack(">I", number), None)
    assert len(state.chains) == MAX_CHAINS
    assert len(state.seen) == MAX_SEEN


def test_keys_without_a_cookie_are_given_up_on_a_foreign_sa():
    keys = KeyRing(ikev1=[Ikev1Key("", struct.pack(">QQ", 1, n), "t", n) for n in range(500)])
    decoder = Ikev1Decryption(keys)
    for number in range(40):
        data = message(8, bytes(64), version=1, exchange=5, flags=1, message_id=number)
        header = parse_header(data)
        assert header is not None
        assert decoder.open(header, data, struct.pack(">I", number)) is None
    (state,) = decoder._sas.values()
    assert state.trials == MAX_TRIALS
