"""The columns and the slow path are two ways to one answer: every frame, both agree."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzers.model.observations import Datagram, EspPacket
from analyzers.wire.columns import ColumnClassifier
from analyzers.wire.frames import BUFFER_SLACK_BYTES, FrameBlock
from analyzers.wire.odd_frames import OddFrameDecoder
from tests.builders import (
    ARP,
    IPV6,
    esp,
    eth,
    ike_header,
    ipv4,
    ipv6,
    ipv6_options,
    sll,
    sll2,
    tcp,
    udp,
    vlan,
)

PORTS = frozenset({500, 4500, 4510})
ETHERNET, RAW, SLL, SLL2, NULL = 1, 101, 113, 276, 0

Row = tuple[object, ...]

payloads = st.one_of(
    st.builds(
        lambda s, q, n: (50, esp(s, q, n)),
        st.integers(1, 2**32 - 1),
        st.integers(0, 9),
        st.integers(8, 99),
    ),
    st.builds(
        lambda s, q, n, p: (17, udp(esp(s, q, n), p, 4500)),
        st.integers(1, 2**32 - 1),
        st.integers(0, 2**32 - 1),
        st.integers(8, 99),
        st.sampled_from([4500, 1024, 500, 4510]),
    ),
    st.just((17, udp(b"\xff", 4500, 4500))),
    st.just((17, udp(ike_header(), 500, 500))),
    st.just((17, udp(bytes(4) + ike_header(), 4500, 4500))),
    st.just((17, udp(bytes(4) + ike_header(), 4510, 4510))),
    st.just((17, udp(b"\x08" + bytes(7) + eth(ipv4(udp(ike_header()))), 33000, 4789))),
    st.just((17, udp(b"question", 33000, 53))),
    st.just((6, tcp(b"GET /", 1, sport=33000, dport=80))),
    st.just((1, bytes(16))),
)


def _ip(parts: tuple[int, bytes], v6: bool, option: bool) -> bytes:
    protocol, data = parts
    if v6:
        return ipv6(ipv6_options(data, protocol), 60) if option else ipv6(data, protocol)
    return ipv4(data, protocol, options=bytes(4) if option else b"")


@st.composite
def frames(draw: st.DrawFn) -> tuple[int, bytes, int]:
    """(link type, captured bytes, wire length)."""
    v6 = draw(st.booleans())
    packet = _ip(draw(payloads), v6, draw(st.integers(0, 5)) == 0)
    kind = IPV6 if v6 else 0x0800
    link = draw(st.sampled_from([ETHERNET, ETHERNET, RAW, SLL, SLL2, NULL]))
    if link == ETHERNET:
        tags = draw(st.integers(0, 3))
        for tag in range(tags):
            packet = vlan(packet, kind if tag == 0 else 0x8100)
        frame = eth(packet, draw(st.sampled_from([0x8100, 0x88A8])) if tags else kind)
        if draw(st.integers(0, 12)) == 0:
            frame = eth(bytes(28), ARP)
    elif link == SLL:
        frame = sll(packet, kind)
    elif link == SLL2:
        frame = sll2(packet, kind)
    elif link == NULL:
        frame = (30 if v6 else 2).to_bytes(4, "little") + packet
    else:
        frame = packet
    wire = len(frame)
    if draw(st.integers(0, 6)) == 0:
        frame = frame[: draw(st.integers(0, wire))]
    return link, frame, wire


def block(link: int, content: list[tuple[bytes, int]]) -> FrameBlock:
    data = b"".join(frame for frame, _ in content)
    offsets = np.cumsum([0, *(len(frame) for frame, _ in content)])[:-1].astype(np.int64)
    return FrameBlock(
        bytearray(data + bytes(BUFFER_SLACK_BYTES)),
        1,
        offsets,
        np.array([len(frame) for frame, _ in content], np.int64),
        np.array([wire for _, wire in content], np.int64),
        np.arange(len(content), dtype=np.int64) * 10**9,
        link,
    )


def by_both(link: int, content: list[tuple[bytes, int]]) -> tuple[list[Row], int]:
    """What the columns find, with the slow path for what they hand over, as a reader does."""
    found = block(link, content)
    classified = ColumnClassifier(PORTS).classify(found)
    slow = OddFrameDecoder("s1", PORTS)
    rows: list[Row] = []
    for index in classified.closer_look.tolist():
        rows += _rows(
            slow.decode(found.frame(index), link, index * 10**9, index + 1, int(found.wire[index]))
        )
    esp_rows = classified.esp
    for i in range(len(esp_rows)):
        raw = esp_rows.address[i].tobytes()
        size = 16 if esp_rows.ipv6[i] else 4
        ends = (ipaddress.ip_address(raw[:size]), ipaddress.ip_address(raw[16 : 16 + size]))
        rows.append(
            (
                "esp",
                int(esp_rows.record[i]),
                *(str(end) for end in ends),
                int(esp_rows.source_port[i]),
                int(esp_rows.destination_port[i]),
                int(esp_rows.spi[i]),
                int(esp_rows.sequence[i]),
                int(esp_rows.length[i]),
            )
        )
    return sorted(rows, key=str), classified.nat_keepalives + slow.nat_keepalives


def by_the_slow_path(link: int, content: list[tuple[bytes, int]]) -> tuple[list[Row], int]:
    slow = OddFrameDecoder("s1", PORTS)
    rows: list[Row] = []
    for index, (frame, wire) in enumerate(content):
        rows += _rows(slow.decode(frame, link, index * 10**9, index + 1, wire))
    return sorted(rows, key=str), slow.nat_keepalives


def _rows(found: Sequence[object]) -> list[Row]:
    rows: list[Row] = []
    for item in found:
        if isinstance(item, EspPacket):
            ends = (item.src, item.dst, item.sport, item.dport)
            rows.append(("esp", item.record, *ends, item.spi, item.sequence, item.length))
        elif isinstance(item, Datagram):
            rows.append(("ike", item.ref.record, item.src, item.dst, item.payload))
        else:
            rows.append(("hint", repr(item)))
    return rows


@settings(max_examples=300)
@given(st.lists(frames(), min_size=1, max_size=12))
def test_columns_and_slow_path_agree(drawn: list[tuple[int, bytes, int]]) -> None:
    for link in {link for link, _, _ in drawn}:
        content = [(frame, wire) for kind, frame, wire in drawn if kind == link]
        assert by_both(link, content) == by_the_slow_path(link, content)


@given(st.integers(1, 400))
def test_ports_are_named_the_first_ones_only_however_the_frames_are_cut(cut: int) -> None:
    segments = [tcp(b"x", 1, sport=40000, dport=1000 + n // 2) for n in range(200, 0, -1)]
    datagrams = [udp(b"question", 33000, 53)] * 20_100
    frames = [eth(ipv4(segment, 6)) for segment in segments]
    frames += [eth(ipv4(datagram)) for datagram in datagrams[: 20_100 if cut > 390 else 20]]
    content = [(frame, len(frame)) for frame in frames]
    classifier = ColumnClassifier(PORTS)
    for start in range(0, len(content), cut):
        classifier.classify(block(ETHERNET, content[start : start + cut]))
    seen = classifier.protocols
    named = [name for name in seen if name.startswith("tcp:")]
    assert (len(named), named[0]) == (48, "tcp:1100")
    assert seen["tcp"] == 200 - sum(seen[name] for name in named)
    assert (seen["udp:53"], seen["udp"]) in {(20_000, 100), (20, 0)}
