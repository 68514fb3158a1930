from __future__ import annotations

import io
import struct

import pytest

from analyzers.wire.framing import Framing
from analyzers.wire.pcap import PcapFraming
from analyzers.wire.pcapng import PcapngFraming
from analyzers.wire.raw_packets import RawPacket, option, raw_packets, split_options
from tests import capture_files as files

NS = 1_000_000_000
T = 1_700_000_000 * NS
ORDERS = ("<", ">")


class _Bytes(io.BytesIO):
    """Bytes as a stream that gives a few at a time."""

    def read_into(self, view: memoryview) -> int:
        return self.readinto(view[:4096])


def chosen(data: bytes, *wanted: int) -> list[RawPacket]:
    return list(raw_packets(_Bytes(data), data[:512], frozenset(wanted)))


def framed(data: bytes) -> dict[int, tuple[int, bytes]]:
    """Time and bytes by frame number, as the reader of captures sees them."""
    buffer = bytearray(data) + bytearray(512)
    framing: Framing = PcapngFraming("s1") if data[:1] == b"\x0a" else PcapFraming("s1")
    found: dict[int, tuple[int, bytes]] = {}
    position = 0
    while True:
        parsed = framing.parse(buffer, position, len(data))
        position += parsed.consumed
        if parsed.frames is not None:
            frames = parsed.frames
            for index in range(len(frames)):
                record = frames.first_record + index
                found[record] = int(frames.at_ns[index]), frames.frame(index)
        if not parsed.consumed or parsed.stopped:
            return found


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("nanoseconds", [False, True])
@pytest.mark.parametrize("modified", [False, True])
def test_pcap(order, nanoseconds, modified):
    if nanoseconds and modified:
        pytest.skip("there is no such format")
    frames = [(T + n * 1_001_000, bytes([n]) * (n + 1)) for n in range(5)]
    data = files.pcap(frames, order=order, nanoseconds=nanoseconds, modified=modified)
    found = chosen(data, 2, 4)
    assert [(p.record, p.at_ns, p.data) for p in found] == [
        (n, *frames[n - 1]) for n in (2, 4)
    ]  # fmt: skip
    assert found[0].interface is found[1].interface
    assert found[0].interface.ticks_per_second == (NS if nanoseconds else 1_000_000)
    assert dict(split_options(found[0].interface.options)) == ({9: b"\x09"} if nanoseconds else {})


def test_cut_frames_keep_their_length_on_the_wire():
    (packet,) = chosen(files.pcap([(T, b"abcdefgh")], snap=3), 1)
    assert (packet.data, packet.wire_bytes, packet.interface.snap_length) == (b"abc", 8, 3)


def test_the_frame_check_sequence_is_said():
    data = bytearray(files.pcap([(T, b"abcd")]))
    data[20:24] = struct.pack("<I", 1 | 0x04000000 | 2 << 28)
    (packet,) = chosen(bytes(data), 1)
    assert packet.interface.link_type == 1
    assert dict(split_options(packet.interface.options)) == {13: b"\x20"}


def pcapng(order: str) -> bytes:
    """Two sections, three interfaces, every packet block, comments, a long unknown block."""
    return b"".join(
        (
            files.section(order),
            files.interface(1, order=order, resolution=9, snap=96),
            files.enhanced(T, b"one", order=order, comment=b"kept"),
            files.interface(101, order=order, resolution=3, offset_s=100),
            files.enhanced(T // 1_000_000, b"two", number=1, order=order),
            files.simple(b"three", order),
            files.block(0x0BAD, bytes(3 << 20), order),
            files.old_packet(T + 3, b"four", order=order),
            files.block(9, b"journal", order),
            files.section("<" if order == ">" else ">"),
            files.interface(228, order="<" if order == ">" else ">"),
            files.enhanced(T // 1000 + 6, b"six", order="<" if order == ">" else ">"),
        )
    )


@pytest.mark.parametrize("order", ORDERS)
def test_pcapng_is_numbered_and_timed_as_the_reader_does(order):
    data = pcapng(order)
    expected = framed(data)
    assert len(expected) == 6
    found = chosen(data, *range(1, 20))
    # A journal record is no packet.
    assert [p.record for p in found] == [1, 2, 3, 4, 6]
    assert {p.record: (p.at_ns, p.data) for p in found} == {
        record: value for record, value in expected.items() if record != 5
    }
    assert [p.interface.link_type for p in found] == [1, 101, 1, 1, 228]


@pytest.mark.parametrize("order", ORDERS)
def test_options_are_little_endian_afterwards(order):
    first, second, *_ = chosen(pcapng(order), 1, 2)
    assert dict(split_options(first.options)) == {1: b"kept"}
    assert dict(split_options(first.interface.options)) == {9: b"\x09"}
    assert dict(split_options(second.interface.options)) == {
        9: b"\x03",
        14: struct.pack("<q", 100),
    }


def test_numbers_and_private_options_of_big_endian_packets():
    head = struct.pack(">IIIII", 0, 0, 0, 1, 1)
    options = files.option(2, struct.pack(">I", 5), ">")
    options += files.option(2988, struct.pack(">I", 12) + b"xy", ">")
    body = head + b"a\0\0\0" + options + files.option(0, b"", ">")
    data = files.section(">") + files.interface(order=">") + files.block(6, body, ">")
    (packet,) = chosen(data, 1)
    assert dict(split_options(packet.options)) == {
        2: struct.pack("<I", 5),
        2988: struct.pack("<I", 12) + b"xy",
    }


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", ["pcap", "pcapng"])
def test_damage_ends_it_quietly(order, kind):
    data = pcapng(order) if kind == "pcapng" else files.pcap([(T, b"abc")] * 9, order=order)
    for end in [*range(0, 400, 7), len(data) - 1]:
        for packet in chosen(data[:end], *range(1, 20)):
            assert packet.data
    for place in range(8, min(240, len(data)), 3):
        broken = bytearray(data)
        broken[place] ^= 0xFF
        chosen(bytes(broken), *range(1, 20))


def test_nothing_wanted_reads_nothing():
    assert chosen(b"") == []


def test_option_padding():
    assert option(1, b"abcde") == b"\x01\x00\x05\x00abcde\0\0\0"
