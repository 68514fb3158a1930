from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.model.observations import IcmpHint
from analyzers.model.records import Ref
from analyzers.wire.icmp import read_error
from tests.builders import (
    IPV6,
    ah,
    esp,
    eth,
    ike_header,
    ipv4,
    ipv6,
    ipv6_fragment,
    pcap_bytes,
    tcp,
    udp,
)
from tests.unit.analyzers.wire.tshark_oracle import decode_all, needs_tshark

ROUTER, ROUTER6 = "203.0.113.1", "2001:db8:5::1"


def error(about: bytes, kind: int, code: int, rest: int = 0) -> bytes:
    message = struct.pack(">BBHI", kind, code, 0, rest) + about
    v6 = about[0] >> 4 == 6
    if v6:
        return eth(ipv6(message, 58, src=ROUTER6), IPV6)
    return eth(ipv4(message, 1, src=ROUTER))


IKE = ipv4(udp(ike_header()))
ESP = ipv4(esp(0xC0FFEE01), 50)
IKE6, ESP6 = ipv6(udp(ike_header(), 4500, 4500)), ipv6(esp(0xC0FFEE01), 50)


@pytest.mark.parametrize(
    ("frame", "detail"),
    [
        (error(IKE, 3, 3), "port unreachable, about UDP 500 to 500"),
        (error(IKE[:28], 3, 1), "host unreachable, about UDP 500 to 500"),
        (error(ESP[:28], 3, 2), "protocol unreachable, about ESP SPI 0xc0ffee01"),
        (error(ESP, 3, 4, 1400), "fragmentation needed (MTU 1400), about ESP SPI 0xc0ffee01"),
        (error(ESP, 3, 4), "fragmentation needed, about ESP SPI 0xc0ffee01"),
        (error(IKE, 3, 77), "unreachable (code 77), about UDP 500 to 500"),
        (error(IKE, 11, 0), "time to live exceeded, about UDP 500 to 500"),
        (error(IKE, 12, 0), "parameter problem, about UDP 500 to 500"),
        (error(ipv4(ah(0xA0), 51), 3, 13), "administratively prohibited, about AH SPI 0x000000a0"),
        (
            error(ipv4(esp(), 50, offset=1480), 11, 0),
            "time to live exceeded, about a fragment of ESP",
        ),
        (error(ipv4(tcp(b"", 1), 6), 3, 0), "network unreachable, about TCP 4500 to 4500"),
        (error(IKE6, 1, 4), "port unreachable, about UDP 4500 to 4500"),
        (error(ESP6, 1, 0), "no route to destination, about ESP SPI 0xc0ffee01"),
        (error(ESP6, 2, 0, 1280), "packet too big (MTU 1280), about ESP SPI 0xc0ffee01"),
        (error(ESP6, 3, 0), "time to live exceeded, about ESP SPI 0xc0ffee01"),
        (
            error(ipv6(ipv6_fragment(udp(ike_header()), more=True), 44), 3, 1),
            "fragment reassembly time exceeded, about UDP 500 to 500",
        ),
    ],
)
def test_errors_about_ours(frame: bytes, detail: str) -> None:
    found, _ = decode_all([frame])
    v6 = ROUTER6 in str(found)
    src, dst = ("2001:db8::1", "2001:db8:ffff::2") if v6 else ("192.0.2.1", "198.51.100.2")
    reporter = ROUTER6 if v6 else ROUTER
    assert found == [IcmpHint(1_000_000, Ref("s1", 1), reporter, src, dst, detail)]


@pytest.mark.parametrize(
    "frame",
    [
        error(IKE, 8, 0),  # echo
        error(IKE, 5, 1),  # redirect: no error
        error(ipv4(udp(b"", 53, 3333)), 3, 3),
        error(ipv4(udp(ike_header()), offset=64), 3, 1),
        error(ipv4(tcp(b"", 1, sport=80), 6, offset=8), 3, 1),
        error(ipv6(esp(), 50), 128, 0),
        error(IKE[:19], 3, 3),
        error(IKE[:22], 3, 3),
        eth(ipv4(b"\x03\x03", 1)),
        eth(ipv6(b"\x01", 58), IPV6),
    ],
)
def test_other_icmp(frame: bytes) -> None:
    found, decoder = decode_all([frame])
    assert found == []
    assert set(decoder.protocols) <= {"icmp", "icmpv6"}


@pytest.mark.tshark
@needs_tshark
def test_tshark_sees_what_the_errors_are_about(tmp_path: Path) -> None:
    import subprocess

    frames = [error(ESP[:28], 3, 1), error(ESP, 3, 4, 1400), error(ESP6, 2, 0, 1280)]
    capture = tmp_path / "errors.pcap"
    capture.write_bytes(pcap_bytes(frames))
    command = ["tshark", "-r", str(capture), "-T", "fields", "-e", "esp.spi", "-e", "icmp.mtu"]
    output = subprocess.run(
        [*command, "-e", "icmpv6.mtu"], capture_output=True, text=True, check=True
    )
    rows = [line.split("\t") for line in output.stdout.splitlines()]
    assert [row[0] for row in rows] == ["0xc0ffee01"] * 3
    details = [hint.detail for hint in decode_all(frames)[0] if isinstance(hint, IcmpHint)]
    assert f"MTU {rows[1][1]}" in details[1]
    assert f"MTU {rows[2][2]}" in details[2]


@given(st.binary(max_size=80), st.sampled_from([1, 58]))
def test_any_bytes(data: bytes, protocol: int) -> None:
    found = read_error(data, 0, len(data), protocol, frozenset({500}))
    assert found is None or found.detail


@given(st.sampled_from([3, 11, 12, 4, 1, 2]), st.integers(0, 255), st.binary(max_size=50))
def test_any_bytes_inside(kind: int, code: int, inner: bytes) -> None:
    data = bytes((kind, code)) + bytes(6) + inner
    for protocol in (1, 58):
        found = read_error(data, 0, len(data), protocol, frozenset({500}))
        assert found is None or found.detail
