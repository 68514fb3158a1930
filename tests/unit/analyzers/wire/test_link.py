from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.wire.link import (
    MAX_LABELS,
    MAX_LAYERS,
    NOT_IP,
    TOO_DEEP,
    TRUNCATED,
    is_supported,
    network_layer,
)
from tests.builders import (
    ARP,
    IPV6,
    eth,
    ike_header,
    ipv4,
    ipv6,
    mpls,
    pppoe,
    sll,
    sll2,
    udp,
    vlan,
)
from tests.unit.analyzers.wire.tshark_oracle import assert_tshark_agrees, needs_tshark

IKE4 = ipv4(udp(ike_header()))
IKE6 = ipv6(udp(ike_header()))
LINKTYPES = (0, 1, 9, 12, 14, 50, 51, 101, 104, 108, 113, 228, 229, 276)
# A pseudowire is only believed by tshark with a manufacturer's addresses.
CISCO = bytes.fromhex("00000c112233") + bytes.fromhex("00000c445566")

FRAMES: dict[str, tuple[int, bytes]] = {
    "ethernet": (1, eth(IKE4)),
    "ethernet ipv6": (1, eth(IKE6, IPV6)),
    "802.1Q": (1, eth(vlan(IKE4), 0x8100)),
    "802.1ad": (1, eth(vlan(vlan(IKE6, IPV6), 0x8100), 0x88A8)),
    "three tags": (1, eth(vlan(vlan(vlan(IKE4), 0x8100), 0x8100), 0x9100)),
    "snap": (1, eth(b"\xaa\xaa\x03\0\0\0\x08\0" + IKE4, len(IKE4) + 8)),
    "bridged": (1, eth(eth(IKE4), 0x6558)),
    "mpls": (1, eth(mpls(IKE4, 16, 17, 18), 0x8847)),
    "mpls multicast ipv6": (1, eth(mpls(IKE6, 16), 0x8848)),
    "mpls explicit null": (1, eth(vlan(mpls(IKE4, 0), 0x8847), 0x8100)),
    "pseudowire, control word": (
        1,
        eth(mpls(bytes(4) + CISCO + b"\x08\0" + IKE4, 16), 0x8847),
    ),
    "pseudowire": (1, eth(mpls(CISCO + b"\x08\0" + IKE4, 16), 0x8847)),
    "pppoe": (1, eth(pppoe(IKE4), 0x8864)),
    "pppoe ipv6 in vlan": (1, eth(vlan(pppoe(IKE6, 0x57), 0x8864), 0x8100)),
    "ppp": (9, b"\xff\x03\x00\x21" + IKE4),
    "ppp without address": (9, b"\x00\x57" + IKE6),
    "ppp compressed": (9, b"\x21" + IKE4),
    "ppp mpls": (9, b"\xff\x03\x02\x81" + mpls(IKE4, 16)),
    "ppp hdlc": (50, b"\xff\x03\x21" + IKE4),
    "cisco hdlc as ppp hdlc": (50, b"\x0f\x00\x08\x00" + IKE4),
    "pppoe link type": (51, pppoe(IKE4)),
    "cisco hdlc": (104, b"\x8f\x00\x86\xdd" + IKE6),
    "cisco hdlc mpls": (104, b"\x0f\x00\x88\x47" + mpls(IKE4, 16)),
    "raw 12": (12, IKE4),
    "raw 14": (14, IKE6),
    "raw 101": (101, IKE4),
    "raw ppp": (101, b"\xff\x03\x00\x21" + IKE4),
    "ipv4": (228, IKE4),
    "ipv6": (229, IKE6),
    "null little-endian": (0, struct.pack("<I", 2) + IKE4),
    "null big-endian": (0, struct.pack(">I", 2) + IKE4),
    "null freebsd ipv6": (0, struct.pack("<I", 28) + IKE6),
    "null ethertype": (0, struct.pack(">I", 0x800) + IKE4),
    "loop": (108, struct.pack(">I", 2) + IKE4),
    "loop ipv6": (108, struct.pack(">I", 24) + IKE6),
    "cooked": (113, sll(IKE4)),
    "cooked QinQ": (113, sll(vlan(vlan(IKE4), 0x8100), 0x88A8)),
    "cooked pppoe": (113, sll(pppoe(IKE4), 0x8864)),
    "cooked llc": (113, sll(b"\xaa\xaa\x03\0\0\0\x08\0" + IKE4, 4)),
    "cooked v2": (276, sll2(IKE6, IPV6)),
    "cooked v2 vlan": (276, sll2(vlan(IKE4), 0x8100)),
    "cooked v2 mpls": (276, sll2(mpls(IKE4, 16), 0x8847)),
}


@pytest.mark.parametrize("name", FRAMES)
def test_ip_is_found(name: str) -> None:
    linktype, frame = FRAMES[name]
    offset, other = network_layer(frame, linktype)
    assert other == ""
    assert frame[offset:] in (IKE4, IKE6)


@pytest.mark.tshark
@needs_tshark
@pytest.mark.parametrize("linktype", sorted({linktype for linktype, _ in FRAMES.values()}))
def test_tshark_sees_the_same(linktype: int, tmp_path: Path) -> None:
    frames = [frame for link, frame in FRAMES.values() if link == linktype]
    assert_tshark_agrees(frames, tmp_path, linktype)


@pytest.mark.parametrize(
    ("frame", "name"),
    [
        (eth(bytes(28), ARP), "arp"),
        (eth(vlan(bytes(28), ARP), 0x8100), "arp"),
        (eth(b"\x42\x42\x03" + bytes(35), 38), "stp"),
        (eth(b"\xaa\xaa\x03\x00\x00\x0c\x20\x00" + bytes(30), 38), "cdp"),
        (eth(bytes(40), 0x88CC), "lldp"),
        (eth(bytes(40), 0x1234 + 0x1000), "ethertype 0x2234"),
        (eth(struct.pack(">BBHHH", 0x11, 9, 0, 4, 0x0101), 0x8863), "pppoe discovery"),
        (eth(pppoe(bytes(8), 0xC021), 0x8864), "ppp"),
        (eth(mpls(b"\x10" + bytes(30), 13), 0x8847), "mpls"),
        (b"", TRUNCATED),
        (eth(b"")[:13], TRUNCATED),
        (eth(b"\0\0\x08", 0x8100), TRUNCATED),
    ],
)
def test_what_is_not_ip_has_a_name(frame: bytes, name: str) -> None:
    assert network_layer(frame, 1) == (NOT_IP, name)


def test_stacks_end() -> None:
    tags = vlan(b"", 0x8100) * (MAX_LAYERS + 5)
    assert network_layer(eth(tags, 0x8100), 1) == (NOT_IP, TOO_DEEP)
    labels = mpls(IKE4, *range(16, 18 + MAX_LABELS))
    assert network_layer(eth(labels, 0x8847), 1) == (NOT_IP, TOO_DEEP)


def test_unknown_link_type() -> None:
    assert not is_supported(147)
    assert network_layer(IKE4, 147) == (NOT_IP, "link type 147")
    assert all(is_supported(linktype) for linktype in LINKTYPES)


@given(st.sampled_from(LINKTYPES), st.binary(max_size=120))
def test_any_bytes(linktype: int, frame: bytes) -> None:
    offset, name = network_layer(frame, linktype)
    assert (offset == NOT_IP) == bool(name)
    assert offset < max(len(frame), 1)


@given(st.sampled_from(sorted(FRAMES)), st.data())
def test_cut_frames(name: str, data: st.DataObject) -> None:
    linktype, frame = FRAMES[name]
    whole, _ = network_layer(frame, linktype)
    cut = frame[: data.draw(st.integers(0, len(frame)))]
    offset, _ = network_layer(cut, linktype)
    assert offset in (whole, NOT_IP)
