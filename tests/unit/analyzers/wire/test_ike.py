from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from analyzers.wire import ikev1, ikev2
from analyzers.wire.ike import (
    MAX_PAYLOADS,
    MAX_SPIS,
    Contents,
    parse_header,
    read_attributes,
    read_proposals,
    walk,
)
from tests.unit.analyzers.ike_messages import chain, delete_v1, message, notify_v1, notify_v2


def test_header_fields_are_read_in_wire_order():
    data = message(46, b"", exchange=37, flags=0x28, message_id=0xDEADBEEF, length=1234)
    header = parse_header(data)
    assert header is not None
    assert header.initiator_spi.hex() == "0102030405060708"
    assert header.responder_spi.hex() == "1112131415161718"
    assert (header.next_payload, header.major, header.exchange_type) == (46, 2, 37)
    assert (header.flags, header.message_id, header.length) == (0x28, 0xDEADBEEF, 1234)


def test_header_needs_28_bytes():
    assert parse_header(message(0, b"")[:27]) is None


def test_walk_lists_payloads_with_their_places():
    first, data = chain([(1, b"abcd"), (4, b""), (13, b"xyz")])
    walked = walk(b"??" + data, first, 2, 2 + len(data))
    assert [(p.type, p.start, p.end) for p in walked.payloads] == [
        (1, 2, 10),
        (4, 10, 14),
        (13, 14, 21),
    ]
    assert walked.end == 21
    assert not walked.problem


def test_walk_stops_at_a_length_below_the_generic_header():
    walked = walk(b"\x0b\0\0\x03" + bytes(40), 1, 0, 44)
    assert [p.type for p in walked.payloads] == [1]
    assert "length 3" in walked.problem


def test_walk_cuts_a_payload_that_runs_over_the_end():
    walked = walk(struct.pack(">BBH", 0, 0, 100) + bytes(10), 1, 0, 14)
    assert walked.payloads[0].end == 14
    assert "length 100, 14 are there" in walked.problem


def test_walk_is_bounded_in_payloads():
    data = b"\x0d\0\0\x04" * (MAX_PAYLOADS + 10)
    walked = walk(data, 13, 0, len(data))
    assert len(walked.payloads) == MAX_PAYLOADS
    assert walked.problem


def test_sk_ends_the_chain_whatever_its_next_payload_says():
    data = struct.pack(">BBH", 42, 0, 40) + bytes(36)
    contents = ikev2.read(data, 46, 0, 40)
    assert contents.types == [46]
    assert contents.payloads[0].next == 42
    assert not contents.problems


def test_attributes_short_and_long():
    data = struct.pack(">HHHHI", 0x800B, 1, 12, 4, 86400)
    assert read_attributes(data, 0, len(data)) == ((11, 1), (12, struct.pack(">I", 86400)))
    assert read_attributes(data, 0, len(data) - 1) is None


def test_ikev2_proposal_with_key_length():
    transform = struct.pack(">BBHBBHHH", 0, 0, 12, 1, 0, 20, 0x800E, 256)
    data = (
        struct.pack(">BBHBBBB", 0, 0, 8 + 4 + len(transform), 1, 3, 4, 1) + b"\1\2\3\4" + transform
    )
    contents = Contents()
    read_proposals(data, 0, len(data), 2, contents)
    (proposal,) = contents.proposals
    assert (proposal.number, proposal.protocol, proposal.spi) == (1, 3, "01020304")
    assert (proposal.transforms[0].kind, proposal.transforms[0].id) == (1, 20)
    assert proposal.transforms[0].key_bits == 256
    assert contents.types == [2, 3]
    assert not contents.problems


def test_notify_of_both_versions():
    (two,) = ikev2.read(*_single(41, notify_v2(16393, b"data", 3, b"\xaa\xbb\xcc\xdd"))).notifies
    assert (two.type, two.protocol, two.spi, two.data, two.doi) == (
        16393,
        3,
        "aabbccdd",
        b"data",
        None,
    )
    (one,) = ikev1.read(*_single(11, notify_v1(36136, b"\0\0\0\x09", b""))).notifies
    assert (one.type, one.protocol, one.spi, one.data, one.doi) == (36136, 1, "", b"\0\0\0\x09", 1)


def test_delete_that_promises_more_spis_than_there_are():
    body = struct.pack(">IBBH", 1, 3, 4, 0xFFFF) + b"\1\2\3\4\5\6"
    contents = ikev1.read(*_single(12, body))
    assert contents.deletes[0].spis == ("01020304",)
    assert "65535 SPIs" in contents.problems[0]


def test_delete_with_many_spis_is_bounded():
    body = struct.pack(">IBBH", 1, 3, 1, 60000) + bytes(60000)
    contents = ikev1.read(*_single(12, body))
    assert len(contents.deletes[0].spis) == MAX_SPIS


def test_ikev2_delete_of_the_ike_sa_names_no_spi():
    contents = ikev2.read(*_single(42, struct.pack(">BBH", 1, 0, 0)))
    assert contents.deletes[0].protocol == 1
    assert contents.deletes[0].spis == ()
    assert not contents.problems


def test_delete_of_ipsec_spis():
    contents = ikev1.read(*_single(12, delete_v1(3, b"\xaa\xbb\xcc\xdd", b"\1\2\3\4")))
    assert contents.deletes[0].spis == ("aabbccdd", "01020304")
    assert not contents.problems


def test_unknown_numbers_print_as_numbers():
    assert ikev1.exchange_name(2) == "Main Mode"
    assert ikev1.exchange_name(250) == "250"
    assert ikev1.notify_name(36137) == "R-U-THERE-ACK"
    assert ikev1.notify_name(5555) == "5555"
    assert ikev1.payload_name(99) == "99"
    assert ikev2.exchange_name(37) == "INFORMATIONAL"
    assert ikev2.notify_name(16388) == "NAT_DETECTION_SOURCE_IP"
    assert ikev2.notify_name(9999) == "9999"
    assert ikev2.payload_name(46) == "SK"
    assert ikev2.transform_name(1, 20) == "AES-GCM-16"
    assert ikev2.transform_name(4, 999) == "999"
    assert ikev2.transform_name(77, 1) == "1"


def _single(kind: int, body: bytes) -> tuple[bytes, int, int, int]:
    first, data = chain([(kind, body)])
    return data, first, 0, len(data)


@given(st.binary(max_size=300), st.integers(0, 255), st.integers(0, 40))
def test_any_bytes_give_contents(data, first, start):
    end = len(data)
    if start > end:
        return
    for version in (ikev1, ikev2):
        contents = version.read(data, first, start, end)
        assert start <= contents.end
        assert all(start <= p.start < p.end <= end for p in contents.payloads)
