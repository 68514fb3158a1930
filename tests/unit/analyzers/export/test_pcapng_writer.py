from __future__ import annotations

import io

from msgspec.structs import replace

from analyzers.export.pcapng_writer import MOST_COMMENT_BYTES, MOST_COMMENTS, PcapngWriter
from analyzers.wire.raw_packets import RawInterface, RawPacket, option, raw_packets, split_options

WIRE = RawInterface(1, 96, option(2, b"eth0") + option(9, b"\x09"), 1_000_000_000)
PACKET = RawPacket(7, 1_700_000_000_123_456_789, 1_700_000_000_123_456_789, WIRE, b"abcde", 60, b"")


class _Bytes(io.BytesIO):
    def read_into(self, view: memoryview) -> int:
        return self.readinto(view)


def read(data: bytes, count: int) -> list[RawPacket]:
    return list(raw_packets(_Bytes(data), data[:512], range(1, count + 1)))


def written(*packets: tuple[RawPacket, list[str]], origin: str = "") -> bytes:
    writer = PcapngWriter()
    parts = [writer.section("dpdlab 0.1.0", "what it is")]
    parts += [writer.packet(packet, comments, origin) for packet, comments in packets]
    return b"".join(parts)


def comments(packet: RawPacket) -> list[str]:
    return [value.decode() for code, value in split_options(packet.options) if code == 1]


def test_a_packet_comes_back_as_it_was():
    (back,) = read(written((PACKET, ["R-U-THERE", "error x: y"])), 1)
    assert (back.at_ns, back.data, back.wire_bytes) == (PACKET.at_ns, PACKET.data, 60)
    assert comments(back) == ["R-U-THERE", "error x: y"]
    assert (back.interface.link_type, back.interface.snap_length) == (1, 96)
    assert back.interface.options == WIRE.options


def test_interfaces_are_described_once_each():
    other = replace(WIRE, link_type=101)
    second = PACKET._replace(interface=other)
    data = written((PACKET, []), (second, []), (PACKET, []), (second, []))
    assert [p.interface.link_type for p in read(data, 4)] == [1, 101, 1, 101]
    assert data.count(b"eth0") == 2


def test_options_of_the_input_stay_before_ours():
    (back,) = read(written((PACKET._replace(options=option(1, b"theirs")), ["ours"])), 1)
    assert comments(back) == ["theirs", "ours"]


def test_an_interface_without_a_name_is_described_by_its_origin():
    bare = PACKET._replace(interface=RawInterface(1, 96, b"", 1_000_000))
    (back,) = read(written((bare, []), origin="hub.pcap"), 1)
    assert dict(split_options(back.interface.options)) == {3: b"hub.pcap"}
    (named,) = read(written((PACKET, []), origin="hub.pcap"), 1)
    assert 3 not in dict(split_options(named.interface.options))


def test_comments_are_bounded_and_harmless():
    long = "ü" * 9_000
    (back,) = read(written((PACKET, [long, "a\x00\u202e\ud800b"])), 1)
    first, second = comments(back)
    assert len(first.encode()) <= MOST_COMMENT_BYTES
    assert first.endswith("ü…")
    assert second == "a\\x00\\u202e\\ud800b"
    (many,) = read(written((PACKET, [str(n) for n in range(500)])), 1)
    assert len(comments(many)) == MOST_COMMENTS
