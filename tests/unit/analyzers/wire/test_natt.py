from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.wire.natt import Carried, classify, is_plausible_ike
from tests.builders import NON_ESP_MARKER, esp, eth, ike_header, ipv4, udp
from tests.unit.analyzers.wire.tshark_oracle import assert_tshark_agrees, needs_tshark

IKE = ike_header(b"payload!")
MARKED = NON_ESP_MARKER + IKE

CASES = [
    (IKE, 500, 500, Carried.IKE),
    (IKE, 33333, 500, Carried.IKE),
    (IKE, 500, 33333, Carried.IKE),
    (MARKED, 500, 500, Carried.NOTHING),
    (b"\xff", 500, 500, Carried.NOTHING),
    (b"", 500, 500, Carried.NOTHING),
    (IKE[:27], 500, 500, Carried.NOTHING),
    (bytes(28), 500, 500, Carried.NOTHING),
    (ike_header(length=27), 500, 500, Carried.NOTHING),
    (ike_header(length=0xFFFFFFFF), 500, 500, Carried.IKE),
    (ike_header(version=5), 500, 500, Carried.IKE),
    (ike_header(initiator_spi=bytes(8)), 500, 500, Carried.IKE),
    (MARKED, 4500, 4500, Carried.MARKED_IKE),
    (MARKED, 1024, 4500, Carried.MARKED_IKE),
    (IKE, 4500, 4500, Carried.ESP),
    (MARKED[:31], 4500, 4500, Carried.NOTHING),
    (NON_ESP_MARKER, 4500, 4500, Carried.NOTHING),
    (NON_ESP_MARKER + ike_header(length=3), 4500, 4500, Carried.NOTHING),
    (b"\xff", 4500, 4500, Carried.KEEPALIVE),
    (b"\x00", 4500, 4500, Carried.NOTHING),
    (b"\xff\xff", 4500, 4500, Carried.NOTHING),
    (b"", 4500, 4500, Carried.NOTHING),
    (esp(), 4500, 4500, Carried.ESP),
    (esp(size=8), 4500, 1701, Carried.ESP),
    (esp(size=8)[:7], 4500, 4500, Carried.NOTHING),
    (IKE, 500, 4500, Carried.IKE),
    (IKE, 4500, 500, Carried.IKE),
    (MARKED, 500, 4500, Carried.MARKED_IKE),
    (b"\xff", 500, 4500, Carried.KEEPALIVE),
]


@pytest.mark.parametrize(("payload", "sport", "dport", "carried"), CASES)
def test_well_known_ports(payload: bytes, sport: int, dport: int, carried: Carried) -> None:
    assert classify(payload, len(payload), sport, dport) is carried


@pytest.mark.tshark
@needs_tshark
def test_tshark_sees_the_same(tmp_path: Path) -> None:
    frames = [eth(ipv4(udp(payload, sport, dport))) for payload, sport, dport, _ in CASES]
    assert_tshark_agrees(frames, tmp_path)


@pytest.mark.parametrize(
    ("payload", "carried"),
    [
        (IKE, Carried.IKE),
        (MARKED, Carried.MARKED_IKE),
        (IKE + b"trailer", Carried.IKE),
        (esp(), Carried.ESP),
        (esp(spi=255), Carried.NOTHING),
        (bytes(40), Carried.NOTHING),
        (b"\xff", Carried.KEEPALIVE),
        (b"hello", Carried.NOTHING),
    ],
)
def test_other_ports_by_plausibility(payload: bytes, carried: Carried) -> None:
    assert classify(payload, len(payload), 4501, 4501) is carried


@pytest.mark.parametrize("size", [0, 3, 12, 27])
def test_cut_by_the_snap_length(size: int) -> None:
    assert classify(IKE[:size], len(IKE), 500, 500) is Carried.CUT
    assert classify(MARKED[: size + 4], len(MARKED), 4500, 4500) is Carried.CUT
    assert classify(esp()[:7], 64, 4500, 4500) is Carried.CUT
    assert classify(b"", 1, 4500, 4500) is Carried.CUT


def test_enough_of_a_cut_message() -> None:
    assert classify(IKE[:28], len(IKE), 500, 500) is Carried.IKE
    assert classify(esp()[:8], 1400, 4500, 4500) is Carried.ESP


@pytest.mark.parametrize(
    "header",
    [
        ike_header(version=0),
        ike_header(version=3),
        ike_header(length=27),
        ike_header(length=29),
        ike_header(initiator_spi=bytes(8)),
        ike_header()[:27],
    ],
)
def test_implausible(header: bytes) -> None:
    assert not is_plausible_ike(header, 28)


@given(
    st.binary(max_size=60),
    st.integers(0, 100),
    st.sampled_from([500, 4500, 4501]),
    st.sampled_from([500, 4500, 1024]),
)
def test_any_bytes(payload: bytes, more: int, sport: int, dport: int) -> None:
    carried = classify(payload, len(payload) + more, sport, dport)
    if carried in (Carried.IKE, Carried.MARKED_IKE):
        assert len(payload) >= 28
    if carried is Carried.ESP:
        assert len(payload) >= 8
