from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.wire.ip import (
    CUT,
    MALFORMED,
    MAX_EXTENSION_HEADERS,
    Fragment,
    IpPacket,
    address_text,
    ipv4_header_checksum_ok,
    ones_complement,
    parse_ip,
    udp_checksum_ok,
)
from tests.builders import (
    DST4,
    DST6,
    IPV6,
    SRC4,
    SRC6,
    ah,
    esp,
    eth,
    ike_header,
    ipv4,
    ipv6,
    ipv6_fragment,
    ipv6_options,
    ones_sum,
    packed,
    pcap_bytes,
    udp,
)
from tests.unit.analyzers.wire.tshark_oracle import assert_tshark_agrees, needs_tshark

UDP = udp(ike_header())
ROUTING = struct.pack(">BBBBI", 17, 2, 0, 0, 0) + bytes(16)


def read(data: bytes, wire_end: int | None = None) -> IpPacket:
    packet = parse_ip(data, 0, len(data) if wire_end is None else wire_end)
    assert isinstance(packet, IpPacket)
    return packet


def test_ipv4() -> None:
    packet = read(ipv4(UDP) + b"padding")
    assert (packet.src, packet.dst) == (packed(SRC4), packed(DST4))
    assert (packet.protocol, packet.start, packet.end) == (17, 20, 20 + len(UDP))
    assert packet.fragment is None
    assert not packet.is_ipv6


def test_ipv4_options() -> None:
    data = ipv4(UDP, options=b"\x94\x04\0\0" + b"\x01" * 36)
    packet = read(data)
    assert data[packet.start : packet.end] == UDP
    assert ipv4_header_checksum_ok(data, packet)


def test_ipv4_fragment() -> None:
    assert read(ipv4(UDP, ident=9, more=True)).fragment == Fragment(9, 0, more=True)
    assert read(ipv4(UDP, ident=9, offset=1480)).fragment == Fragment(9, 1480, more=False)


def test_length_zero_is_left_to_the_card() -> None:
    assert read(ipv4(UDP, total=0), 5000).end == 5000
    assert read(ipv6(UDP, length=0), 5000).end == 5000


@pytest.mark.parametrize(
    ("headers", "size"),
    [
        (UDP, 0),
        (ipv6_options(UDP), 8),
        (ipv6_options(ipv6_options(UDP), 60), 16),
        (ROUTING + UDP, 24),
        (ipv6_fragment(UDP), 8),  # RFC 6946: a datagram in one fragment
    ],
)
def test_ipv6_extension_headers(headers: bytes, size: int) -> None:
    first = {0: 17, 8: 60, 16: 0, 24: 43}[size]
    if headers == ipv6_fragment(UDP):
        first = 44
    packet = read(ipv6(headers, first))
    assert (packet.protocol, packet.start, packet.end) == (17, 40 + size, 40 + len(headers))
    assert packet.fragment is None


def test_ipv6_fragment() -> None:
    packet = read(ipv6(ipv6_options(ipv6_fragment(UDP, offset=16, more=True), 44), 0))
    assert packet.fragment == Fragment(0x77, 16, more=True)
    assert (packet.protocol, packet.start) == (17, 56)
    # What follows the header of a later fragment is no header, whatever its number says.
    later = read(ipv6(ipv6_fragment(bytes(16), 60, offset=8), 44))
    assert (later.protocol, later.start) == (60, 48)


def test_ah_and_esp_are_payload() -> None:
    assert read(ipv6(ah(), 51)).protocol == 51
    assert read(ipv6(ipv6_options(esp(), 50), 60)).protocol == 50


def test_multicast_listener_report() -> None:
    packet = read(ipv6(ipv6_options(b"\x8f" + bytes(19), 58), 0))
    assert (packet.protocol, packet.start) == (58, 48)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(40),
        ipv4(UDP)[:19],
        b"\x44" + ipv4(UDP)[1:],
        ipv4(UDP, total=19),
        ipv6(UDP)[:39],
        ipv6(ipv6_options(UDP), 60)[:44],
        ipv6(b"\x11\xff" + bytes(6), 60),
        ipv6(ipv6_options(UDP, 60) * (MAX_EXTENSION_HEADERS + 1), 60),
        ipv6(ipv6_fragment(ipv6_fragment(UDP), 44, more=True), 44, length=4),
    ],
)
def test_malformed(data: bytes) -> None:
    assert parse_ip(data, 0, len(data)) in (MALFORMED, CUT)


def test_cut_headers_are_told_from_malformed_ones() -> None:
    assert parse_ip(ipv4(UDP)[:19], 0, 60) == CUT
    assert parse_ip(ipv6(UDP)[:39], 0, 90) == CUT
    assert parse_ip(ipv6(ipv6_options(UDP), 60)[:44], 0, 90) == CUT
    assert parse_ip(ipv4(UDP)[:19], 0, 19) == MALFORMED


@given(st.binary(max_size=300))
def test_ones_complement(data: bytes) -> None:
    assert ones_complement(data) == ones_sum(data) % 0xFFFF


@given(st.binary(max_size=64))
def test_udp_checksum(payload: bytes) -> None:
    for src, dst in ((SRC4, DST4), (SRC6, DST6)):
        ends = (packed(src), packed(dst))
        good = udp(payload, between=(src, dst))
        assert udp_checksum_ok(*ends, good)
        assert udp_checksum_ok(*ends, good[:6] + b"\0\0" + good[8:])
        flipped = good[:6] + struct.pack(">H", (good[6] << 8 | good[7]) ^ 0x0100) + good[8:]
        if any(flipped[6:8]):
            pseudo = ones_sum(b"".join(ends) + struct.pack(">II", len(good), 17))
            partial = flipped[6] << 8 | flipped[7] == pseudo
            assert udp_checksum_ok(*ends, flipped) == partial


def test_checksum_left_to_the_card() -> None:
    pseudo = packed(SRC4) + packed(DST4) + struct.pack(">II", 8 + 28, 17)
    offloaded = udp(ike_header(), checksum=ones_sum(pseudo))
    assert udp_checksum_ok(packed(SRC4), packed(DST4), offloaded)
    assert not udp_checksum_ok(packed(SRC4), packed(DST4), udp(ike_header(), checksum=0x0BAD))


def test_header_checksum() -> None:
    for checksum, good in ((None, True), (0, True), (0x0BAD, False)):
        data = ipv4(UDP, checksum=checksum)
        assert ipv4_header_checksum_ok(data, read(data)) is good


@pytest.mark.tshark
@needs_tshark
def test_tshark_judges_checksums_alike(tmp_path: Path) -> None:
    datagrams = [
        udp(ike_header(b"odd"), between=(SRC4, DST4)),
        udp(ike_header(), between=(SRC4, DST4)),
        udp(ike_header(), checksum=0x0BAD),
    ]
    capture = tmp_path / "checksums.pcap"
    capture.write_bytes(pcap_bytes([eth(ipv4(d)) for d in datagrams]))
    command = ["tshark", "-r", str(capture), "-o", "udp.check_checksum:TRUE", "-T", "fields"]
    output = subprocess.run(
        [*command, "-e", "udp.checksum.status"], capture_output=True, text=True, check=True
    )
    ends = (packed(SRC4), packed(DST4))
    ours = ["1" if udp_checksum_ok(*ends, d) else "0" for d in datagrams]
    assert output.stdout.split() == ours == ["1", "1", "0"]


@pytest.mark.tshark
@needs_tshark
def test_tshark_sees_the_same(tmp_path: Path) -> None:
    frames = [
        eth(ipv4(UDP, options=b"\x94\x04\0\0")),
        eth(ipv4(esp(), 50, options=b"\x01" * 40)),
        eth(ipv4(UDP, total=0)),
        eth(ipv6(ipv6_options(UDP), 0), IPV6),
        eth(ipv6(ipv6_options(ipv6_options(UDP), 60), 0), IPV6),
        eth(ipv6(ROUTING + UDP, 43), IPV6),
        eth(ipv6(ipv6_fragment(UDP), 44), IPV6),
        eth(ipv6(ipv6_options(esp(), 50), 60), IPV6),
    ]
    assert_tshark_agrees(frames, tmp_path)


def test_address_text() -> None:
    assert address_text(packed(SRC4)) == SRC4
    assert address_text(packed(SRC6)) == SRC6


@given(st.sampled_from([0x45, 0x4F, 0x60]), st.binary(max_size=200), st.integers(0, 400))
def test_any_bytes(first: int, rest: bytes, wire_end: int) -> None:
    data = bytes((first,)) + rest
    packet = parse_ip(data, 0, max(wire_end, len(data)))
    if isinstance(packet, IpPacket):
        assert 20 <= packet.start <= packet.end


@given(st.sampled_from([0, 43, 44, 60]), st.binary(max_size=120))
def test_any_extension_headers(first: int, headers: bytes) -> None:
    packet = parse_ip(ipv6(headers, first), 0, 40 + len(headers))
    assert isinstance(packet, IpPacket) or packet in (MALFORMED, CUT)
