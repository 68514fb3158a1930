"""The decoder without keys, and against the captures with them."""

from __future__ import annotations

import csv
import struct
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzers.decode.ike import IkeDecoder
from analyzers.model.observations import IkeMessage, MessageKind
from analyzers.model.records import Basis, Confidence, ProblemKind
from analyzers.wire.keys import KeyRing, parse_keys
from tests.unit.analyzers.ike_messages import (
    SAMPLES,
    SPI_I,
    SPI_R,
    captured,
    chain,
    datagram,
    delete_v1,
    message,
    notify_v1,
    notify_v2,
)

FOLDERS = sorted(p.parent.name for p in SAMPLES.glob("*/tshark-ike.tsv"))


def keys_of(folder: str) -> KeyRing:
    ring = KeyRing()
    for table in sorted((SAMPLES / folder).glob("ikev?_decryption_table")):
        ring = ring.merged(parse_keys(table.read_text(), table.name))
    return ring


def decode_all(folder: str, keys: KeyRing | None) -> list[IkeMessage]:
    decoder = IkeDecoder(keys)
    messages = []
    for each in captured(SAMPLES / folder / "capture.pcap"):
        found, problems = decoder.decode(each)
        assert found is not None
        assert problems == []
        messages.append(found)
    return messages


def as_tshark(found: IkeMessage) -> dict[str, str]:
    request = found.kind is MessageKind.R_U_THERE
    answer = found.kind is MessageKind.R_U_THERE_ACK
    sequence = str(found.dpd_sequence)
    return {
        "frame.number": str(found.ref.record),
        "isakmp.version": f"0x{found.version << 4:02x}",
        "isakmp.ispi": found.initiator_spi,
        "isakmp.rspi": found.responder_spi,
        "isakmp.exchangetype": str(found.exchange_type),
        "isakmp.flags": f"0x{found.flags:02x}",
        "isakmp.messageid": f"0x{found.message_id:08x}",
        "isakmp.length": str(found.length),
        "isakmp.typepayload": ",".join(map(str, found.payload_types)),
        "isakmp.notify.msgtype": ",".join(str(n.type) for n in found.notifies),
        "isakmp.notify.data.dpd.are_you_there": sequence if request else "",
        "isakmp.notify.data.dpd.are_you_there_ack": sequence if answer else "",
        "isakmp.delete.protoid": ",".join(str(d.protocol) for d in found.deletes),
        "isakmp.delete.spi": ",".join(s for d in found.deletes for s in d.spis),
    }


def test_there_are_captures():
    assert len(FOLDERS) >= 8


@pytest.mark.parametrize("folder", FOLDERS)
def test_with_keys_every_field_is_what_tshark_says(folder):
    keys = keys_of(folder)
    messages = decode_all(folder, keys)
    with (SAMPLES / folder / "tshark-ike.tsv").open() as stream:
        expected = list(csv.DictReader(stream, delimiter="\t"))
    assert len(messages) == len(expected)
    for found, row in zip(messages, expected, strict=True):
        ours = as_tshark(found)
        assert ours == {name: row[name] or "" for name in ours}
    assert keys.unused() == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_with_keys_all_that_is_encrypted_is_decrypted_and_certain(folder):
    for found in decode_all(folder, keys_of(folder)):
        assert found.confidence is Confidence.CERTAIN
        assert found.basis is (Basis.DECRYPTED if found.encrypted else Basis.HEADER)
        assert found.integrity_ok is (True if found.encrypted and found.version == 2 else None)
        assert found.problems == ()


@pytest.mark.parametrize("folder", [f for f in FOLDERS if f.startswith("ikev2")])
def test_ikev2_kinds_are_the_same_without_keys(folder):
    for with_keys, without in zip(
        decode_all(folder, keys_of(folder)), decode_all(folder, None), strict=True
    ):
        assert with_keys.kind is without.kind
        assert with_keys.fingerprint == without.fingerprint
        assert without.confidence is Confidence.CERTAIN
        assert without.basis is Basis.HEADER


@pytest.mark.parametrize("folder", [f for f in FOLDERS if f.startswith("ikev1")])
def test_ikev1_without_keys_infers_nothing(folder):
    for found in decode_all(folder, None):
        if found.encrypted:
            assert found.payload_types == ()
            assert found.kind in {
                MessageKind.MAIN_MODE,
                MessageKind.QUICK_MODE,
                MessageKind.INFORMATIONAL,
            }


def test_what_the_captures_are_made_of():
    kinds = Counter(m.kind for m in decode_all("ikev1-healthy", keys_of("ikev1-healthy")))
    assert kinds[MessageKind.R_U_THERE] == kinds[MessageKind.R_U_THERE_ACK] == 6
    kinds = Counter(m.kind for m in decode_all("ikev1-clean-delete", keys_of("ikev1-clean-delete")))
    assert kinds[MessageKind.DELETE] == 2
    kinds = Counter(m.kind for m in decode_all("ikev2-clean-delete", None))
    assert kinds[MessageKind.DELETE] == 1
    first = decode_all("ikev1-healthy", None)[0]
    assert "DPD 1.0" in [v.name for v in first.vendor_ids]
    assert first.proposals[0].transforms[0].key_bits is not None


@pytest.mark.parametrize("folder", [f for f in FOLDERS if f.startswith("ikev1")])
def test_ikev1_from_the_middle_reads_the_same_notifies_and_deletes(folder):
    """Phase 1 is left out: only the first cipher block of each message is lost."""
    whole = decode_all(folder, keys_of(folder))
    keys = keys_of(folder)
    decoder = IkeDecoder(keys)
    compared = 0
    for each, reference in zip(captured(SAMPLES / folder / "capture.pcap"), whole, strict=True):
        if reference.exchange_type != 5:
            continue
        found, problems = decoder.decode(each)
        assert found is not None
        assert problems == []
        assert found.kind is reference.kind
        assert found.notifies == reference.notifies
        assert found.deletes == reference.deletes
        assert found.dpd_sequence == reference.dpd_sequence
        assert found.payload_types == reference.payload_types
        assert found.basis is Basis.DECRYPTED
        own_cookies = all(len(s) == 32 for d in found.deletes for s in d.spis)
        if own_cookies:
            assert found.confidence is Confidence.CERTAIN
        else:
            # Nothing in the Delete of an ESP SA vouches for it but its structure.
            assert found.confidence is not Confidence.CERTAIN
        compared += 1
    assert compared
    assert keys.unused() == []


def test_keys_of_another_sa_are_told_to_be_unused():
    ring = keys_of("ikev2-dead-peer").merged(keys_of("ikev1-dead-peer"))
    decode_all("ikev2-healthy", ring)
    assert len(ring.unused()) == 2
    assert all("fits no IKE SA" in line for line in ring.unused())


# Columns of a row of Wireshark's table: SK_ei, SK_er, SK_ai, SK_ar.
EI, ER, AI, AR = 2, 3, 5, 6


@pytest.mark.parametrize(
    ("swapped", "lost", "of_responder"),
    [
        ((), (EI, ER, AI, AR), True),
        ((EI, ER), (), True),
        ((AI, AR), (), True),
        ((), (EI,), False),
        ((), (AI,), False),
    ],
)
def test_a_wrong_key_for_the_right_sa_leaves_the_header_facts(
    swapped: tuple[int, ...], lost: tuple[int, ...], of_responder: bool
):
    text = (SAMPLES / "ikev2-healthy" / "ikev2_decryption_table").read_text()
    right = text.split(",")
    columns = list(right)
    for here, there in zip(swapped, reversed(swapped), strict=True):
        columns[here] = right[there]
    for column in lost:
        columns[column] = "ab" * 32
    ring = parse_keys(",".join(columns), "t")
    decoder, keyless = IkeDecoder(ring), IkeDecoder(None)
    liveness = 0
    for each in captured(SAMPLES / "ikev2-healthy" / "capture.pcap"):
        found, problems = decoder.decode(each)
        assert found is not None
        if found.encrypted and (found.from_initiator or of_responder):
            assert [p.kind for p in problems] == [ProblemKind.DECRYPTION_FAILED]
            assert found == keyless.decode(each)[0]
            liveness += found.kind is MessageKind.LIVENESS
        elif found.encrypted:
            assert found.integrity_ok
    assert liveness
    assert [line.endswith("decrypted nothing") for line in ring.unused()] == [True] * of_responder


def test_a_changed_byte_fails_the_integrity_check():
    ring = keys_of("ikev2-healthy")
    decoder = IkeDecoder(ring)
    all_of_it = list(captured(SAMPLES / "ikev2-healthy" / "capture.pcap"))
    for each in all_of_it[:5]:
        decoder.decode(each)
    damaged = all_of_it[6]
    damaged.payload = damaged.payload[:-1] + bytes([damaged.payload[-1] ^ 1])
    found, problems = decoder.decode(damaged)
    assert found is not None
    assert found.kind is MessageKind.LIVENESS
    assert found.integrity_ok is False
    assert found.confidence is Confidence.SUSPECT
    assert [p.kind for p in problems] == [ProblemKind.INTEGRITY_FAILED]


# Headers and kinds without keys


def one(payload: bytes, **changes: object) -> IkeMessage:
    each = datagram(payload)
    for name, value in changes.items():
        setattr(each, name, value)
    found, _ = IkeDecoder().decode(each)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("inner", "kind"),
    [
        (0, MessageKind.LIVENESS),
        (41, MessageKind.NOTIFY),
        (42, MessageKind.DELETE),
        (47, MessageKind.CONFIG),
        (43, MessageKind.INFORMATIONAL),
    ],
)
@pytest.mark.parametrize("flags", [0x00, 0x08, 0x20, 0x28])
def test_ikev2_informational_by_the_clear_byte_in_its_sk_payload(inner, kind, flags):
    found = one(message(46, struct.pack(">BBH", inner, 0, 52) + bytes(48), flags=flags))
    assert found.kind is kind
    assert found.sk_next_payload == inner
    assert found.payload_types == (46,)
    assert found.encrypted
    assert found.confidence is Confidence.CERTAIN
    assert found.is_response is bool(flags & 0x20)


@pytest.mark.parametrize(
    ("version", "exchange", "kind"),
    [
        (2, 34, MessageKind.SA_INIT),
        (2, 35, MessageKind.AUTH),
        (2, 36, MessageKind.CREATE_CHILD),
        (2, 43, MessageKind.OTHER),
        (2, 240, MessageKind.OTHER),
        (1, 2, MessageKind.MAIN_MODE),
        (1, 4, MessageKind.AGGRESSIVE),
        (1, 5, MessageKind.INFORMATIONAL),
        (1, 6, MessageKind.TRANSACTION),
        (1, 32, MessageKind.QUICK_MODE),
        (1, 33, MessageKind.NEW_GROUP),
        (1, 99, MessageKind.OTHER),
    ],
)
def test_kind_by_exchange_type(version, exchange, kind):
    if version == 2:
        data = message(46, struct.pack(">BBH", 35, 0, 52) + bytes(48), exchange=exchange)
    else:
        data = message(8, bytes(64), version=1, exchange=exchange, flags=1)
    found = one(data)
    assert found.kind is kind
    assert found.exchange_type == exchange
    assert found.encrypted


def test_an_unprotected_empty_informational_is_no_liveness():
    found = one(message(0, b"", flags=0x20))
    assert found.kind is MessageKind.INFORMATIONAL
    assert not found.encrypted
    assert found.sk_next_payload is None


def test_an_unprotected_invalid_spi_is_a_notify():
    first, body = chain([(41, notify_v2(11, b"\1\2\3\4"))])
    found = one(message(first, body, flags=0x28))
    assert found.kind is MessageKind.NOTIFY
    assert not found.encrypted
    assert found.notifies[0].type == 11


def test_an_sk_payload_too_short_for_any_suite_is_suspect():
    each = datagram(message(46, struct.pack(">BBH", 0, 0, 4)))
    found, problems = IkeDecoder().decode(each)
    assert found is not None
    assert found.confidence is Confidence.SUSPECT
    assert [p.kind for p in problems] == [ProblemKind.MALFORMED_IKE]


def test_bytes_behind_the_sk_payload_are_told():
    data = message(46, struct.pack(">BBH", 0, 0, 52) + bytes(48) + b"tail")
    found, problems = IkeDecoder().decode(datagram(data))
    assert found is not None
    assert found.confidence is Confidence.SUSPECT
    assert "4 bytes follow the SK payload" in problems[0].detail


@pytest.mark.parametrize("captured", [29, 31, 40])
def test_a_frame_cut_off_by_the_snap_length_keeps_its_header_facts(captured: int):
    """96 bytes of a frame of IPv6 end two bytes behind the first one of the SK payload."""
    data = message(46, struct.pack(">BBH", 0, 0, 52) + bytes(48))
    each = datagram(data[:captured])
    each.missing_bytes = 80 - captured
    found, problems = IkeDecoder().decode(each)
    assert found is not None
    assert problems == []
    assert found.kind is MessageKind.LIVENESS
    assert found.confidence is Confidence.CERTAIN
    assert "snap length" in found.problems[0]


def test_a_message_that_lacks_bytes_is_suspect():
    data = message(46, struct.pack(">BBH", 0, 0, 52) + bytes(48))
    found, problems = IkeDecoder().decode(datagram(data[:40]))
    assert found is not None
    assert found.kind is MessageKind.LIVENESS
    assert found.confidence is Confidence.SUSPECT
    assert [p.kind for p in problems] == [ProblemKind.MALFORMED_IKE]
    assert "40 of 80 bytes are missing" in problems[0].detail


@pytest.mark.parametrize(
    "payload", [b"", bytes(27), message(0, b"", version=0), message(0, b"", version=3)]
)
def test_what_is_no_ike(payload):
    found, problems = IkeDecoder().decode(datagram(payload))
    assert found is None
    assert [p.kind for p in problems] == [ProblemKind.MALFORMED_IKE]
    assert problems[0].ref == ("s1", 1)


def test_a_length_of_zero_gives_the_header():
    found, problems = IkeDecoder().decode(datagram(message(1, bytes(40), version=1, length=0)))
    assert found is not None
    assert found.length == 0
    assert problems[0].kind is ProblemKind.MALFORMED_IKE


def test_clear_r_u_there_is_read_and_not_encrypted():
    first, body = chain([(11, notify_v1(36136, struct.pack(">I", 77)))])
    found = one(message(first, body, version=1, exchange=5))
    assert found.kind is MessageKind.R_U_THERE
    assert found.dpd_sequence == 77
    assert not found.encrypted
    assert found.problems == ()


@pytest.mark.parametrize(
    ("spi", "told"),
    [
        (b"", "without an SPI"),
        (SPI_R + SPI_I, "swapped"),
        (bytes(16), "not the cookies"),
    ],
)
def test_the_spi_of_an_r_u_there_is_compared_and_not_rejected(spi, told):
    first, body = chain([(11, notify_v1(36137, struct.pack(">I", 78), spi))])
    found, problems = IkeDecoder().decode(datagram(message(first, body, version=1, exchange=5)))
    assert found is not None
    assert found.kind is MessageKind.R_U_THERE_ACK
    assert found.dpd_sequence == 78
    assert told in found.problems[0]
    assert problems == []


def test_clear_informational_kinds():
    first, body = chain([(8, bytes(20)), (12, delete_v1(3, b"\1\2\3\4"))])
    assert one(message(first, body, version=1, exchange=5)).kind is MessageKind.DELETE
    first, body = chain([(11, notify_v1(14)), (8, bytes(20))])
    assert one(message(first, body, version=1, exchange=5)).kind is MessageKind.NOTIFY


def test_fingerprint_is_of_the_message_only():
    data = message(46, struct.pack(">BBH", 0, 0, 52) + bytes(48))
    assert one(data).fingerprint == one(data + b"ethernet padding").fingerprint
    assert len(one(data).fingerprint) == 16
    assert one(data).fingerprint != one(data[:-1] + b"\1").fingerprint


# Hostile input


def _real_messages() -> list[bytes]:
    found = []
    for folder in ("ikev1-clean-delete", "ikev2-peer-restart", "ikev1-healthy"):
        found += [d.payload for d in captured(SAMPLES / folder / "capture.pcap")]
    return found


REAL = _real_messages()


def all_keys() -> KeyRing:
    ring = KeyRing()
    for folder in ("ikev1-clean-delete", "ikev2-peer-restart", "ikev1-healthy"):
        ring = ring.merged(keys_of(folder))
    return ring


@settings(max_examples=200)
@given(st.lists(st.binary(max_size=200), max_size=5), st.booleans())
def test_any_bytes_give_a_message_or_a_problem(payloads, with_keys):
    decoder = IkeDecoder(all_keys() if with_keys else None)
    for payload in payloads:
        found, problems = decoder.decode(datagram(payload))
        assert found is not None or problems


@settings(max_examples=300)
@given(st.data())
def test_mutations_of_real_messages_give_a_message_or_a_problem(data):
    decoder = IkeDecoder(all_keys() if data.draw(st.booleans()) else None)
    for _ in range(4):
        payload = bytearray(data.draw(st.sampled_from(REAL)))
        for _ in range(data.draw(st.integers(0, 6))):
            payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
        cut = data.draw(st.integers(0, len(payload)))
        whole = data.draw(st.booleans())
        found, problems = decoder.decode(datagram(bytes(payload if whole else payload[:cut])))
        assert found is not None or problems
        if found is not None and found.version == 2 and found.basis is Basis.DECRYPTED:
            assert found.confidence is not Confidence.CERTAIN or found.integrity_ok


def test_truncation_at_every_byte():
    for payload in (REAL[0], REAL[4], REAL[-1]):
        for size in range(len(payload)):
            found, problems = IkeDecoder().decode(datagram(payload[:size]))
            assert (found is None) is (size < 28)
            assert problems


def test_the_same_datagrams_give_the_same_messages():
    first = [repr(m) for m in decode_all("ikev1-healthy", keys_of("ikev1-healthy"))]
    again = [repr(m) for m in decode_all("ikev1-healthy", keys_of("ikev1-healthy"))]
    assert first == again
