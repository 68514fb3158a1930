from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.model.observations import Datagram, EspPacket
from analyzers.wire.link import NOT_IP
from analyzers.wire.odd_frames import MAX_IP_LAYERS
from analyzers.wire.tunnels import PROTOCOLS, UDP_PORTS, inner_layer
from tests.builders import IPV6, esp, eth, gre, ike_header, ipv4, ipv6, mpls, udp, vlan
from tests.unit.analyzers.wire.tshark_oracle import (
    assert_tshark_agrees,
    decode_all,
    needs_tshark,
)

IKE4 = ipv4(udp(ike_header()))
IKE6 = ipv6(udp(ike_header()))
MIRRORED = eth(vlan(IKE4), 0x8100)
ERSPAN_2 = struct.pack(">HHI", 0x1007, 0x0001, 0)
ERSPAN_3 = struct.pack(">HHIHH", 0x2007, 0x0001, 0, 0, 0)
ERSPAN_3_O = ERSPAN_3[:-1] + b"\x01" + bytes(8)
PPTP = struct.pack(">HHHHII", 0x3081, 0x880B, len(IKE4) + 4, 7, 1, 1)
SOURCE_ROUTE = struct.pack(">HHHH", 0x4000, 0x0800, 0, 0) + b"\x08\0\0\x04abcd" + bytes(4)

VXLAN = struct.pack(">II", 0x08000000, 7 << 8)

TUNNELS: dict[str, tuple[int, bytes]] = {
    "ip in ip": (4, IKE4),
    "6in4": (41, IKE6),
    "gre": (47, gre(IKE4)),
    "gre ipv6": (47, gre(IKE6, IPV6)),
    "gre checksum": (47, gre(IKE4, checksum=True)),
    "gre key": (47, gre(IKE4, key=7)),
    "gre all": (47, gre(IKE4, checksum=True, key=7, sequence=8)),
    "gre source route": (47, SOURCE_ROUTE + IKE4),
    "gre ethernet": (47, gre(MIRRORED, 0x6558)),
    "gre mpls": (47, gre(mpls(IKE4, 16), 0x8847)),
    "gre ppp": (47, gre(b"\xff\x03\x00\x21" + IKE4, 0x880B)),
    "pptp": (47, PPTP + b"\xff\x03\x00\x21" + IKE4),
    "erspan 1": (47, gre(MIRRORED, 0x88BE)),
    "erspan 2": (47, gre(ERSPAN_2 + MIRRORED, 0x88BE, sequence=1)),
    "erspan 3": (47, gre(ERSPAN_3 + MIRRORED, 0x22EB, sequence=1)),
    "erspan 3 with subheader": (47, gre(ERSPAN_3_O + MIRRORED, 0x22EB, sequence=1)),
    "mpls in ip": (137, mpls(IKE4, 16)),
    "etherip": (97, b"\x30\x00" + MIRRORED),
    "vxlan": (17, udp(VXLAN + MIRRORED, 5555, 4789)),
    "geneve": (17, udp(struct.pack(">HHI", 0, 0x6558, 7 << 8) + MIRRORED, 5555, 6081)),
    "geneve ip": (17, udp(struct.pack(">HHI8x", 0x0200, 0x0800, 7 << 8) + IKE4, 5555, 6081)),
}


@pytest.mark.parametrize("name", TUNNELS)
def test_inner_ip_is_found(name: str) -> None:
    protocol, data = TUNNELS[name]
    offset, other, truncated = inner_layer(b"outer" + data, 5, protocol)
    assert other == ""
    assert (b"outer" + data)[offset:] in (IKE4, IKE6)
    assert not truncated


@pytest.mark.tshark
@needs_tshark
def test_tshark_sees_the_same(tmp_path: Path) -> None:
    outer4 = [eth(ipv4(data, protocol)) for protocol, data in TUNNELS.values()]
    outer6 = [eth(ipv6(data, protocol), IPV6) for protocol, data in TUNNELS.values()]
    mirrored_esp = gre(ERSPAN_2 + eth(ipv4(esp(), 50)), 0x88BE, sequence=1)
    in_tunnel = ipv4(gre(ipv4(mirrored_esp, 47)), 47)
    assert_tshark_agrees([*outer4, *outer6, eth(in_tunnel)], tmp_path)


def test_the_mirror_says_that_it_cut() -> None:
    header = struct.pack(">HHI", 0x1007, 0x0401, 0)
    cut = gre(header + MIRRORED[:60], 0x88BE, sequence=1)
    assert inner_layer(cut, 0, 47)[2]
    found, decoder = decode_all([eth(ipv4(cut, 47))])
    assert found == []
    assert [p.kind for p in decoder.take_problems()] == ["snaplen-short"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0\0\x08",
        struct.pack(">HH", 0x0002, 0x0800) + IKE4,  # version 2
        struct.pack(">HH", 0xF000, 0x0800) + bytes(3),
        struct.pack(">HHI", 0x4000, 0x0800, 0) + b"\0\0\0\xff" * 3,  # endless source route
        gre(IKE4, 0x883E),
        gre(b"\x10\0\0", 0x88BE, sequence=1),
    ],
)
def test_no_inner_ip(data: bytes) -> None:
    offset, name, _ = inner_layer(data, 0, 47)
    assert offset == NOT_IP
    assert name


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (udp(bytes(8) + MIRRORED, 5555, 4789), "vxlan"),
        (udp(b"\x40" + bytes(7) + MIRRORED, 5555, 6081), "geneve"),
        (udp(VXLAN[:7], 5555, 4789), "too short"),
    ],
)
def test_no_overlay(data: bytes, name: str) -> None:
    assert inner_layer(data, 0, 17)[:2] == (NOT_IP, name)
    assert decode_all([eth(ipv4(data))])[1].protocols == {name: 1}


def test_an_overlay_in_fragments() -> None:
    whole = udp(VXLAN + MIRRORED, 5555, 4789)
    first = ipv4(whole[:64], offset=0, more=True)
    last = ipv4(whole[64:], offset=64)
    found, _ = decode_all([eth(first), eth(last)])
    assert [type(f) for f in found] == [Datagram]


def test_a_nat_may_choose_the_port_of_an_overlay() -> None:
    found, _ = decode_all([eth(ipv4(udp(esp(), 4500, port))) for port in UDP_PORTS])
    assert [type(f) for f in found] == [EspPacket] * 2


def test_nesting_is_bounded() -> None:
    packet = IKE4
    for _ in range(MAX_IP_LAYERS - 1):
        packet = ipv4(packet, 4)
    assert [type(f) for f in decode_all([eth(packet)])[0]] == [Datagram]
    found, decoder = decode_all([eth(ipv4(packet, 4))])
    assert found == []
    assert decoder.protocols == {"nested too deep": 1}


def test_a_packet_of_nothing_but_tunnels_ends() -> None:
    packet = b""
    for _ in range(1500):
        packet = ipv4(packet, 4)
    found, decoder = decode_all([eth(packet)])
    assert found == []
    assert decoder.protocols.total() == 1


@given(st.sampled_from([*sorted(PROTOCOLS), 17]), st.binary(max_size=80), st.integers(0, 4))
def test_any_bytes(protocol: int, data: bytes, start: int) -> None:
    offset, name, _ = inner_layer(data, start, protocol)
    assert (offset == NOT_IP) == bool(name)
    assert offset < max(len(data), 1)
