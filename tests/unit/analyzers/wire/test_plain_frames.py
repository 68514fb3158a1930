"""A plain frame tells what the closer look tells of it, and nothing where that one might differ."""

from __future__ import annotations

from pathlib import Path

import dpkt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.model.observations import Datagram
from analyzers.wire.odd_frames import OddFrameDecoder
from analyzers.wire.plain_frames import ETHERNET, PlainFrames
from tests.builders import eth, ipv4, udp, vlan

SAMPLES = Path(__file__).parents[4] / "sample_pcaps"
PORTS = frozenset({500, 4500})
IKE = bytes(range(1, 17)) + bytes((46, 0x20, 37, 8, 0, 0, 0, 1, 0, 0, 0, 80)) + b"x" * 52


def plain(frame: bytes) -> Datagram | None:
    return PlainFrames("s1").ike(frame, 7, 3)


def closer(frame: bytes) -> list[object]:
    decoder = OddFrameDecoder("s1", PORTS)
    found: list[object] = list(decoder.decode(frame, ETHERNET, 7, 3, len(frame)))
    return [*found, *decoder.take_problems()]


def message(sport: int = 500, dport: int = 500, payload: bytes = IKE) -> bytes:
    return eth(ipv4(udp(payload, sport, dport)))


FRAMES = {
    "on port 500": message(),
    "behind the marker": message(4500, 4500, bytes(4) + IKE),
    "behind a NAT": message(31_244, 4500, bytes(4) + IKE),
    "of odd length": message(payload=IKE + b"x"),
    "under a VLAN tag": eth(vlan(ipv4(udp(IKE, 500, 500))), 0x8100),
    "with padding behind it": message() + bytes(6),
}


@pytest.mark.parametrize("name", FRAMES)
def test_a_plain_frame_is_told_at_once(name: str) -> None:
    found = plain(FRAMES[name])
    assert found is not None
    assert closer(FRAMES[name]) == [found]


@pytest.mark.parametrize("size", range(24, 28))
def test_less_than_a_header_is_no_message(size: int) -> None:
    """The end of a length that is cut off would read as a length."""
    frame = message(payload=IKE[:24] + b"\xff" * (size - 24))
    assert plain(frame) is None
    assert not any(isinstance(each, Datagram) for each in closer(frame))


def test_nearly_all_messages_of_real_captures_are_plain() -> None:
    told = all_of_them = 0
    for path in sorted(SAMPLES.glob("*/capture.pcap")):
        with path.open("rb") as file:
            reader = dpkt.pcap.Reader(file)
            frames = [data for _, data in reader] if reader.datalink() == ETHERNET else []
        for frame in frames:
            found = plain(frame)
            looked_at = closer(frame)
            told += found is not None
            all_of_them += any(isinstance(each, Datagram) for each in looked_at)
            assert found is None or looked_at == [found]
    assert told >= 0.9 * all_of_them > 100


@given(
    name=st.sampled_from(sorted(FRAMES)),
    at=st.integers(0, 90),
    value=st.integers(0, 255),
    cut=st.integers(0, 140),
)
def test_damage_is_left_to_the_closer_look(name: str, at: int, value: int, cut: int) -> None:
    frame = bytearray(FRAMES[name])
    frame[at % len(frame)] = value
    frame = frame[: max(cut, 1)]
    found = plain(bytes(frame))
    assert found is None or closer(bytes(frame)) == [found]
