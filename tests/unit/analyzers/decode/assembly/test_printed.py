from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from analyzers.decode.assembly.printed import MAX_BYTES, from_hex, read, read_payloads
from analyzers.model.exchange import DeleteProtocol
from analyzers.model.observations import MessageKind
from tests.unit.analyzers.ike_messages import (
    SPI_I,
    SPI_R,
    chain,
    delete_v1,
    message,
    notify_v1,
    notify_v2,
)

HASH, NOTIFY, DELETE = 8, 11, 12
R_U_THERE = notify_v1(36136, struct.pack(">I", 0x2227AA60))


def informational_v1(*parts: tuple[int, bytes], padding: bytes = bytes(8)) -> bytes:
    """An IKEv1 Informational in clear, the header as it was on the wire: encrypted."""
    first, body = chain([(HASH, bytes(range(20))), *parts])
    return message(first, body + padding, version=1, exchange=5, flags=1, message_id=0x9C6A1E02)


def informational_v2(inner: int, content: bytes = b"", clear: bool = True, flags: int = 8) -> bytes:
    """An IKEv2 INFORMATIONAL: SK of its own header and the payloads behind it, or sealed."""
    sk = struct.pack(">BBH", inner, 0, 4 if clear else 4 + len(content)) + content
    return message(46, sk, exchange=37, flags=flags, message_id=2, length=80 if clear else None)


def test_a_decrypted_r_u_there():
    told = read(informational_v1((NOTIFY, R_U_THERE)))
    assert told is not None
    assert (told.version, told.kind, told.sequence) == (1, MessageKind.R_U_THERE, 0x2227AA60)
    assert (told.message_id, told.response) == (0x9C6A1E02, None)
    assert (told.initiator_spi, told.responder_spi) == (SPI_I.hex(), SPI_R.hex())


def test_decrypted_deletes_and_other_notifies_of_ikev1():
    ike = read(informational_v1((DELETE, delete_v1(1, SPI_I + SPI_R))))
    esp = read(informational_v1((DELETE, delete_v1(3, bytes.fromhex("0a0b0c11")))))
    other = read(informational_v1((NOTIFY, notify_v1(24578))))
    assert ike is not None
    assert esp is not None
    assert other is not None
    assert (ike.kind, ike.protocol, ike.spis) == (MessageKind.DELETE, DeleteProtocol.IKE, ())
    assert (esp.protocol, esp.spis) == (DeleteProtocol.ESP, ("0a0b0c11",))
    assert other.kind is MessageKind.NOTIFY


def test_a_cipher_text_of_ikev1_is_an_informational():
    cipher = bytes((i * 73 + 11) % 256 for i in range(64))
    told = read(message(HASH, cipher, version=1, exchange=5, flags=1, message_id=7))
    assert told is not None
    assert (told.kind, told.message_id, told.length) == (MessageKind.INFORMATIONAL, 7, 92)
    assert told.sequence is None


def test_the_envelope_of_ikev2_tells_liveness_and_deletes():
    for inner, kind in ((0, MessageKind.LIVENESS), (42, MessageKind.DELETE)):
        told = read(informational_v2(inner, bytes(52), clear=False, flags=0x28))
        assert told is not None
        assert (told.version, told.kind, told.response) == (2, kind, True)


def test_decrypted_messages_of_ikev2():
    empty = read(informational_v2(0, bytes(range(16))))
    first, nat = chain([(41, notify_v2(16388, bytes(20))), (41, notify_v2(16389, bytes(20)))])
    mobike = read(informational_v2(first, nat))
    child = read(
        informational_v2(*chain([(42, struct.pack(">BBH", 3, 4, 1) + b"\x0a\x0b\x0c\x11")]))
    )
    assert empty is not None
    assert mobike is not None
    assert child is not None
    assert (empty.kind, empty.response, empty.message_id) == (MessageKind.LIVENESS, False, 2)
    assert mobike.kind is MessageKind.LIVENESS_MOBIKE
    assert (child.kind, child.protocol, child.spis) == (
        *(MessageKind.DELETE, DeleteProtocol.ESP, ("0a0b0c11",)),
    )


def test_other_exchanges_and_no_messages_at_all():
    init = read(message(33, bytes(40), exchange=34, spi_r=bytes(8)))
    assert init is not None
    assert (init.kind, init.responder_spi) == (MessageKind.SA_INIT, None)
    assert read(b"") is None
    assert read(bytes(100)) is None
    assert read(message(0, b"", version=3)) is None
    assert read(message(46, b"", exchange=99)) is None
    assert read(message(46, b"", length=1 << 30)) is None


def test_payloads_without_a_header():
    _, notify = chain([(NOTIFY, R_U_THERE)])
    bare = read_payloads(notify)
    hashed = read_payloads(bytes.fromhex("9c6a1e02") + notify)
    whole = read_payloads(chain([(HASH, bytes(20)), (NOTIFY, R_U_THERE)])[1] + bytes(4))
    for told in (bare, hashed, whole):
        assert told is not None
        assert (told.kind, told.sequence) == (MessageKind.R_U_THERE, 0x2227AA60)
    assert bare is not None
    assert hashed is not None
    assert (bare.message_id, hashed.message_id) == (None, 0x9C6A1E02)


def test_payloads_that_are_cut_off_or_could_be_anything():
    _, notify = chain([(NOTIFY, R_U_THERE)])
    assert read_payloads(notify[:-1]) is None
    assert read_payloads(chain([(NOTIFY, notify_v1(24578))])[1]) is None
    assert read_payloads(bytes(40)) is None
    assert read_payloads(b"") is None


def test_hex_is_read_up_to_the_first_other_character():
    assert from_hex("0A1b 2c\n3D zz44") == bytes.fromhex("0a1b2c3d")
    assert from_hex("abc") == b"\xab"
    assert len(from_hex("00" * 100_000)) <= 2 * MAX_BYTES


@given(st.binary(max_size=200))
def test_no_bytes_are_refused_with_an_error(data):
    read(data)
    read_payloads(data)
    head = message(8, data, version=1, exchange=5, flags=1)
    told = read(head)
    assert told is None or told.message_id == 0
