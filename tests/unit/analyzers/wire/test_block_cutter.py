"""Whole blocks of a stream that is cut anywhere."""

import struct
from pathlib import Path

import pytest

from analyzers.session import Session
from analyzers.wire.block_cutter import BlockCutter, block, section
from analyzers.wire.pcapng import INTERFACE, STATISTICS, PcapngFraming
from analyzers.wire.raw_packets import option, raw_packets

SAMPLES = sorted((Path(__file__).parents[4] / "sample_pcaps").glob("*/capture.pcap"))


class _Bytes:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def read_into(self, view: memoryview) -> int:
        count = min(len(view), len(self._data))
        view[:count] = self._data[:count]
        self._data = self._data[count:]
        return count


def _packets(data: bytes) -> list[tuple[int, bytes, int]]:
    found = raw_packets(_Bytes(data), data[:512], range(1, 10_000))
    return [(p.at_ns, p.data, p.wire_bytes) for p in found]


def _cut(data: bytes, size: int) -> bytes:
    cutter = BlockCutter()
    made = b"".join(cutter.feed(data[at : at + size]) for at in range(0, len(data), size))
    assert not cutter.damage
    assert cutter.restart() == 0
    return made


def test_pcap_becomes_pcapng_with_the_same_packets_and_times() -> None:
    data = SAMPLES[0].read_bytes()
    made = _cut(data, 1000)
    assert made[:4] == b"\x0a\x0d\x0d\x0a"
    assert _packets(made) == _packets(data)


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_cuts_change_nothing(size: int) -> None:
    data = SAMPLES[0].read_bytes()[:20_000]
    whole = BlockCutter().feed(data)
    cutter = BlockCutter()
    pieces = [cutter.feed(data[at : at + size]) for at in range(0, len(data), size)]
    assert b"".join(pieces) == whole
    again = BlockCutter()
    assert again.feed(whole) == whole


def test_every_piece_is_whole_blocks() -> None:
    whole = _cut(SAMPLES[0].read_bytes(), 100_000)
    cutter = BlockCutter()
    for at in range(0, len(whole), 777):
        piece = cutter.feed(whole[at : at + 777])
        position = 0
        while position < len(piece):
            (length,) = struct.unpack_from("<I", piece, position + 4)
            assert piece[position + length - 4 : position + length] == struct.pack("<I", length)
            position += length
        assert position == len(piece)


def test_nanosecond_pcap_keeps_them() -> None:
    header = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1)
    record = struct.pack("<IIII", 1_700_000_000, 123_456_789, 4, 60) + b"abcd"
    assert _packets(BlockCutter().feed(header + record)) == [
        (1_700_000_000_123_456_789, b"abcd", 60)
    ]


def test_statistics_of_the_child_are_left_out() -> None:
    data = section() + block(STATISTICS, bytes(12)) + block(0xBAD, b"kept")
    assert BlockCutter().feed(data) == section() + block(0xBAD, b"kept")


def test_restart_forgets_the_half_block_and_takes_another_format() -> None:
    cutter = BlockCutter()
    cutter.feed(SAMPLES[0].read_bytes()[:1003])
    assert cutter.restart() > 0
    assert cutter.feed(section()) == section()


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        section() + struct.pack("<II", 6, 13) + bytes(20),
        section() + struct.pack("<II", 6, 0x7FFFFFF0) + bytes(20),
        b"\x0a\x0d\x0d\x0a" + struct.pack(">II", 28, 0x1A2B3C4D) + bytes(16),
        struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
        + struct.pack("<IIII", 1, 1, 1 << 30, 1 << 30),
    ],
)
def test_what_is_no_capture_is_said_and_read_no_further(data: bytes) -> None:
    cutter = BlockCutter()
    cutter.feed(data)
    assert cutter.damage
    assert cutter.feed(section()) == b""


def test_the_end_that_statistics_tell_is_the_end_of_the_report(tmp_path: Path) -> None:
    data = _cut(SAMPLES[0].read_bytes(), 100_000)
    last_ns = _packets(data)[-1][0]
    ticks = last_ns // 1000 + 60_000_000
    split = struct.pack("<II", ticks >> 32, ticks & 0xFFFFFFFF)
    told = struct.pack("<HH", 3, 8) + split + struct.pack("<HHQ", 5, 8, 17) + bytes(4)
    path = tmp_path / "told.pcapng"
    path.write_bytes(data + block(STATISTICS, struct.pack("<I", 0) + split + told))
    session = Session()
    session.run([str(path)])
    assert session.sources[0].until_ns == ticks * 1000
    assert {peer.until_ns for peer in session.peers()} == {ticks * 1000}
    dropped = [p for p in session.sources[0].problems if p.kind == "packets-dropped"]
    assert [p.count for p in dropped] == [17]


@pytest.mark.parametrize("options", [b"", option(2, b"eth0") + option(0, b"")])
def test_an_interface_says_its_addresses(options: bytes) -> None:
    fields = struct.pack("<HHI", 1, 0, 65535)
    cutter = BlockCutter()
    cutter.addresses = ("192.0.2.1", "2001:db8::1")
    made = cutter.feed(section() + block(INTERFACE, fields + options))
    framing = PcapngFraming("s1")
    assert framing.parse(bytearray(made), 0, len(made)).consumed == len(made)
    assert framing.addresses == {"192.0.2.1", "2001:db8::1"}
    assert (b"eth0" in made) == bool(options)


def test_an_address_of_another_length_is_none() -> None:
    framing = PcapngFraming("s1")
    odd = option(4, bytes(4)) + option(5, bytes(16)) + option(4, b"")
    made = section() + block(INTERFACE, struct.pack("<HHI", 1, 0, 0) + odd)
    framing.parse(bytearray(made), 0, len(made))
    assert not framing.addresses
