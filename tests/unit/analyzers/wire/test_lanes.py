"""Walking in many places at once finds what walking one by one finds, whatever the bytes are."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.wire import lanes, pcap, pcapng
from analyzers.wire.frames import BUFFER_SLACK_BYTES
from analyzers.wire.framing import Framing
from analyzers.wire.lanes import BlockGuess, Lanes, PcapGuess
from analyzers.wire.pcap import PcapFraming
from analyzers.wire.pcapng import PcapngFraming

SECONDS = 1_700_000_000
LANE_BYTES = 128


@pytest.fixture(autouse=True, scope="module")
def _short_lanes() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lanes, "_LANE_BYTES", LANE_BYTES)
        patch.setattr(lanes, "_LEAST_LANES", 1)
        yield


def record(order: str, payload: bytes, at_s: int = SECONDS, wire: int | None = None) -> bytes:
    length = len(payload)
    return struct.pack(order + "IIII", at_s, 0, length, wire or length) + payload


def block(order: str, kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    length = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + length + body + length


def packet(order: str, payload: bytes) -> bytes:
    fields = struct.pack(order + "IIIII", 0, 0, 1, len(payload), len(payload))
    return block(order, pcapng.ENHANCED_PACKET, fields + payload)


orders = st.sampled_from("<>")
# Payloads that look like what they stand in make the guesses go wrong.
payloads = st.lists(
    st.binary(max_size=80)
    | st.builds(record, orders, st.binary(max_size=40))
    | st.builds(packet, orders, st.binary(max_size=40)),
    min_size=1,
    max_size=80,
)
tails = st.binary(max_size=60) | st.just(struct.pack("<IIII", SECONDS, 0, 1 << 30, 1 << 30))


def parsed(framing: Framing, data: bytes) -> tuple[list[int], list[int], int, bool, list[str]]:
    """Offsets, lengths, what was consumed, whether it stopped, and the problems."""
    buffer = bytearray(data + bytes(BUFFER_SLACK_BYTES))
    found = framing.parse(buffer, 0, len(data))
    problems = [p.detail for p in framing.take_problems()]
    if found.frames is None:
        return [], [], found.consumed, found.stopped, problems
    frames = found.frames
    return (
        frames.offset.tolist(),
        frames.captured.tolist(),
        found.consumed,
        found.stopped,
        problems,
    )


@given(order=orders, content=payloads, tail=tails)
def test_pcap(order: str, content: list[bytes], tail: bytes) -> None:
    data = struct.pack(order + "IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    data += b"".join(record(order, payload) for payload in content) + tail
    with pytest.MonkeyPatch.context() as patch:
        one_by_one = parsed(PcapFraming("s1"), data)
        patch.setattr(pcap, "WORTHWHILE_BYTES", 0)
        assert parsed(PcapFraming("s1"), data) == one_by_one


@given(order=orders, content=payloads, tail=tails, other=st.integers(0, 80))
def test_pcapng(order: str, content: list[bytes], tail: bytes, other: int) -> None:
    data = block(order, pcapng.SECTION_HEADER, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))
    data += block(order, pcapng.INTERFACE, struct.pack(order + "HHI", 1, 0, 0))
    blocks = [packet(order, payload) for payload in content]
    blocks.insert(other, block(order, 4, b"names"))
    data += b"".join(blocks) + tail
    with pytest.MonkeyPatch.context() as patch:
        one_by_one = parsed(PcapngFraming("s1"), data)
        patch.setattr(pcapng, "WORTHWHILE_BYTES", 0)
        assert parsed(PcapngFraming("s1"), data) == one_by_one


@pytest.mark.parametrize("order", ["<", ">"])
def test_pcap_records_are_found_in_the_middle(order: str) -> None:
    data = b"".join(record(order, bytes([7]) * 50) for _ in range(40))
    buffer = bytearray(data + bytes(BUFFER_SLACK_BYTES))
    guess = PcapGuess(buffer, 0, order, 16)
    found, stop = Lanes(order, 8, 16).walk(buffer, 0, len(data), guess)
    assert found.tolist() == list(range(0, stop, 66))
    assert stop > len(data) - 3 * LANE_BYTES


def test_a_decoy_ends_the_walk_before_it_and_nothing_is_wrong() -> None:
    honest = [record("<", bytes(50))] * 20
    # A payload with a whole chain of records in it, which no record outside ever meets.
    decoy = record("<", b"x" * 5 + b"".join([record("<", bytes(20))] * 30))
    data = b"".join([*honest, decoy, *honest])
    buffer = bytearray(data + bytes(BUFFER_SLACK_BYTES))
    found, stop = Lanes("<", 8, 16).walk(buffer, 0, len(data), PcapGuess(buffer, 0, "<", 16))
    assert found.tolist() == list(range(0, stop, 66))
    assert 0 < stop <= 20 * 66


def test_a_block_is_likely_by_its_length_at_either_end() -> None:
    good = packet("<", b"p" * 40)
    lame = good[:-4] + b"\0\0\0\0"
    buffer = bytearray(lame + good + bytes(BUFFER_SLACK_BYTES))
    assert BlockGuess(0, "<", pcapng.ENHANCED_PACKET)(buffer, 0, 200) == len(lame)
    assert BlockGuess(1, "<", pcapng.ENHANCED_PACKET)(buffer, 0, 200) == -1


def test_a_block_without_length_does_not_hold_a_lane() -> None:
    data = packet("<", b"p" * 40) * 20 + bytes(400) + packet("<", b"p" * 40) * 20
    buffer = bytearray(data + bytes(BUFFER_SLACK_BYTES))
    guess = BlockGuess(0, "<", pcapng.ENHANCED_PACKET)
    found, stop = Lanes("<", 4, 0, least=12).walk(buffer, 0, len(data), guess)
    assert np.all(np.diff(found) > 0)
    assert stop <= len(data)
