from __future__ import annotations

import random
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.model.observations import Datagram, Encapsulation, EspPacket
from analyzers.model.records import ProblemKind, Ref
from analyzers.wire.odd_frames import OddFrameDecoder
from analyzers.wire.tcp_encap import (
    MAX_HELD_BYTES,
    MAX_JUMP_BYTES,
    MAX_SEARCH_BYTES,
    MAX_STREAMS,
    MAX_WAITING_NS,
    MAX_WAITING_SEGMENTS,
    TcpMessage,
    TcpSegment,
    TcpStreams,
)
from analyzers.wire.tcp_framing import STREAM_PREFIX
from tests.builders import (
    DST4,
    NON_ESP_MARKER,
    SRC4,
    TCP_ACK,
    TCP_SYN,
    esp,
    eth,
    ike_header,
    ike_of,
    ipv4,
    packed,
    pcap_bytes,
    tcp,
    tcp_message,
)
from tests.unit.analyzers.wire.tshark_oracle import PORTS, decode_all, needs_tshark

HERE, THERE = (packed(SRC4), packed(DST4), 40000, 4500), (packed(DST4), packed(SRC4), 4500, 40000)
RST = 0x04
FIRST = 0xFFFFFF00  # sequence numbers wrap soon
MESSAGES = [
    NON_ESP_MARKER + ike_of(300),
    esp(size=1200),
    NON_ESP_MARKER + ike_header(),
    esp(sequence=2, size=2000),
    b"\xff",
    esp(sequence=3, size=60),
]
STREAM = STREAM_PREFIX + b"".join(tcp_message(m) for m in MESSAGES)


class Wire:
    """Feeds one direction of one connection."""

    def __init__(self) -> None:
        self.streams = TcpStreams()
        self.record = 0
        self.found: list[TcpMessage] = []

    def send(
        self,
        offset: int,
        payload: bytes,
        *,
        flags: int = TCP_ACK,
        at_ns: int | None = None,
        length: int | None = None,
    ) -> list[bytes]:
        self.record += 1
        segment = TcpSegment(
            HERE,
            (FIRST + offset) & 0xFFFFFFFF,
            1,
            flags,
            payload,
            len(payload) if length is None else length,
            self.record * 1_000_000 if at_ns is None else at_ns,
            self.record,
        )
        found = self.streams.add(segment)
        self.found += found
        return [m.payload for m in found]

    def acknowledge(self, offset: int) -> list[bytes]:
        self.record += 1
        number = (FIRST + offset) & 0xFFFFFFFF
        segment = TcpSegment(THERE, 7, number, TCP_ACK, b"", 0, self.record, self.record)
        found = self.streams.add(segment)
        self.found += found
        return [m.payload for m in found]

    @property
    def payloads(self) -> list[bytes]:
        return [m.payload for m in self.found]


def started() -> Wire:
    wire = Wire()
    wire.send(-1, b"", flags=TCP_SYN)
    wire.send(0, STREAM_PREFIX)
    return wire


@pytest.mark.parametrize("size", [1, 2, 5, 6, 7, 100, 1400, 9000])
def test_any_segment_size(size: int) -> None:
    wire = Wire()
    wire.send(-1, b"", flags=TCP_SYN)
    for at in range(0, len(STREAM), size):
        wire.send(at, STREAM[at : at + size])
    assert wire.payloads == MESSAGES
    assert wire.streams.take_gaps() == []
    assert wire.streams.held_bytes == 0


def test_the_completing_segment_is_named() -> None:
    wire = started()
    message = tcp_message(esp(size=1000))
    assert wire.send(6, message[:400]) == []
    wire.send(406, message[400:])
    (found,) = wire.found
    assert (found.record, found.at_ns, found.length) == (4, 4_000_000, 1000)


def test_retransmissions_and_overlaps_are_dropped() -> None:
    wire = started()
    body = STREAM[6:]
    wire.send(6, body[:100])
    wire.send(6, body[:100])
    wire.send(26, body[20:200])
    wire.send(-1, b"", flags=TCP_SYN)
    wire.send(205, b"\0", length=1)  # a TCP keepalive
    wire.send(6, body)
    wire.send(0, STREAM)
    assert wire.payloads == MESSAGES
    assert wire.streams.take_gaps() == []


def test_out_of_order() -> None:
    wire = started()
    cuts = list(range(6, len(STREAM), 500))
    for at in [cuts[0], *reversed(cuts[1:])]:
        wire.send(at, STREAM[at : at + 500])
    assert wire.payloads == MESSAGES
    assert wire.streams.take_gaps() == []
    assert wire.streams.held_bytes == 0


def test_the_responder_sends_no_prefix() -> None:
    wire = Wire()
    wire.send(-1, b"", flags=TCP_SYN | TCP_ACK)
    assert wire.send(0, tcp_message(MESSAGES[0])) == [MESSAGES[0]]


@pytest.mark.parametrize("message", MESSAGES[:4])
def test_capture_starts_between_messages(message: bytes) -> None:
    wire = Wire()
    assert wire.send(5000, tcp_message(message)) == [message]
    assert wire.send(5002 + len(message), tcp_message(esp())) == [esp()]
    assert wire.streams.take_gaps() == []


def test_capture_starts_inside_a_message() -> None:
    wire = Wire()
    rest = tcp_message(esp(size=1000))[300:]
    assert wire.send(0, rest + tcp_message(MESSAGES[0])) == [MESSAGES[0]]
    wire = Wire()
    assert wire.send(0, rest) == []
    at = len(rest)
    for sequence in (5, 6):
        packet = esp(sequence=sequence, size=1390)
        assert wire.send(at, tcp_message(packet)) == [packet]
        at += 1392
    assert wire.streams.take_gaps() == []


def test_a_hole_is_given_up_by_time() -> None:
    wire = started()
    wire.send(6, tcp_message(esp()))
    at = 72 + 1400
    assert wire.send(at, tcp_message(esp(sequence=3)), at_ns=0) == []
    packets = [esp(sequence=3), esp(sequence=4)]
    assert wire.send(at + 66, tcp_message(packets[1]), at_ns=MAX_WAITING_NS + 1) == packets
    assert wire.found[-1].record == wire.found[-2].record == wire.record
    assert wire.streams.take_gaps() == ["a part of a TCP stream was not captured"]
    assert wire.send(at + 132, tcp_message(esp(sequence=5))) == [esp(sequence=5)]


def test_a_hole_is_given_up_by_count() -> None:
    wire = started()
    for number in range(MAX_WAITING_SEGMENTS + 1):
        wire.send(500 + 66 * number, tcp_message(esp(sequence=number)))
    assert len(wire.found) == MAX_WAITING_SEGMENTS + 1
    assert len(wire.streams.take_gaps()) == 1


def test_the_receiver_proves_that_the_capture_missed_a_part() -> None:
    wire = started()
    wire.send(500, tcp_message(esp(sequence=2)))
    assert wire.acknowledge(6) == []
    assert wire.acknowledge(566) == [esp(sequence=2)]
    assert len(wire.streams.take_gaps()) == 1


def test_what_waits_at_the_end_is_read() -> None:
    wire = started()
    wire.send(500, tcp_message(esp(sequence=2)))
    assert [m.payload for m in wire.streams.finish()] == [esp(sequence=2)]
    assert wire.streams.held_bytes == 0


def test_a_new_connection_on_the_same_ports() -> None:
    wire = started()
    wire.send(6, tcp_message(esp(size=900))[:500])
    wire.send(5_000_000, b"", flags=TCP_SYN)
    assert wire.send(5_000_001, STREAM_PREFIX + tcp_message(esp(sequence=9))) == [esp(sequence=9)]
    wire.send(0, b"", flags=RST)
    assert wire.streams.held_bytes == 0
    far = MAX_JUMP_BYTES * 4
    assert wire.send(far, tcp_message(esp(sequence=1))) == [esp(sequence=1)]
    assert wire.send(far * 2, tcp_message(esp(sequence=2))) == [esp(sequence=2)]
    assert len(wire.streams.take_gaps()) == 1


def test_damage_inside_a_stream() -> None:
    wire = started()
    bad = tcp_message(esp()) + b"\x00\x01\x02"
    assert wire.send(6, bad) == [esp()]
    assert wire.streams.take_gaps() == ["the framing of a TCP stream is lost"]
    assert wire.send(6 + len(bad), tcp_message(esp(sequence=2))) == [esp(sequence=2)]


def test_other_protocols_on_the_port() -> None:
    wire = Wire()
    wire.send(-1, b"", flags=TCP_SYN)
    text = b"GET / HTTP/1.1\r\nHost: vpn.example\r\n\r\n" * 30
    for number in range(2 * MAX_SEARCH_BYTES // len(text)):
        wire.send(number * len(text), text)
    assert wire.found == []
    assert wire.streams.is_foreign(HERE)
    assert wire.streams.held_bytes == 0
    assert wire.streams.take_gaps() == []
    # Another connection is another chance.
    wire.send(MAX_JUMP_BYTES, b"", flags=TCP_SYN)
    assert wire.send(MAX_JUMP_BYTES + 1, STREAM_PREFIX + tcp_message(esp())) == [esp()]


def test_segments_cut_by_the_snap_length() -> None:
    wire = started()
    offset = 6
    for sequence in range(1, 4):
        message = tcp_message(esp(sequence=sequence, size=1300))
        wire.send(offset, message[:42], length=len(message))
        offset += len(message)
    message = tcp_message(NON_ESP_MARKER + ike_of(600))
    wire.send(offset, message[:42], length=len(message))
    assert [(m.length, len(m.payload)) for m in wire.found] == [(1300, 40)] * 3 + [(604, 40)]
    assert wire.streams.take_gaps() == []


def test_streams_and_bytes_are_bounded() -> None:
    streams = TcpStreams()
    half = tcp_message(esp(size=60000))[:50000]
    for number in range(300):
        direction = (HERE[0], HERE[1], 1000 + number, 4500)
        streams.add(TcpSegment(direction, 1, 1, TCP_ACK, half, len(half), 0, 1))
        assert streams.held_bytes <= MAX_HELD_BYTES
    assert len(streams.take_gaps()) > 100
    for number in range(MAX_STREAMS + 10):
        direction = (number.to_bytes(4, "big"), HERE[1], 1, 4500)
        streams.add(TcpSegment(direction, 1, 1, TCP_ACK, b"\0", 1, 0, 1))
    assert streams.held_bytes <= MAX_STREAMS


def frames_of(stream: bytes, size: int) -> list[bytes]:
    parts = [(0, b"", TCP_SYN)]
    parts += [(at + 1, stream[at : at + size], TCP_ACK) for at in range(0, len(stream), size)]
    return [eth(ipv4(tcp(data, 1000 + at, flags, 40000), 6)) for at, data, flags in parts]


def test_from_frames_to_observations() -> None:
    found, decoder = decode_all(frames_of(STREAM, 1400))
    ike = [f for f in found if isinstance(f, Datagram)]
    packets = [f for f in found if isinstance(f, EspPacket)]
    assert ike[0] == Datagram(
        2_000_000, Ref("s1", 2), SRC4, DST4, 40000, 4500, ike_of(300), Encapsulation.TCP
    )
    assert [p.sequence for p in packets] == [1, 2, 3]
    assert [p.length for p in packets] == [1200, 2000, 60]
    assert (packets[1].record, packets[1].sport, packets[1].dport) == (4, 40000, 4500)
    assert decoder.nat_keepalives == 1
    assert decoder.take_problems() == []


def test_gaps_are_problems_with_their_frame() -> None:
    stream = STREAM_PREFIX + b"".join(tcp_message(esp(sequence=n)) for n in range(1, 101))
    # Segments that no message starts with: the framing is found by the SPI that repeats.
    frames = frames_of(stream, 66)
    del frames[5]
    found, decoder = decode_all(frames)
    assert [f.sequence for f in found if isinstance(f, EspPacket)][:4] == [1, 2, 3, 6]
    assert len(found) == 98
    (problem,) = decoder.take_problems()
    assert problem.kind is ProblemKind.STREAM_GAP
    assert problem.ref is not None


def test_port_500_is_not_used_in_tcp() -> None:
    frame = eth(ipv4(tcp(STREAM, 1, TCP_ACK, 500, 500), 6))
    found, decoder = decode_all([frame])
    assert found == []
    assert decoder.protocols == {"tcp:500": 1}


@pytest.mark.tshark
@needs_tshark
def test_tshark_reassembles_the_same_stream(tmp_path: Path) -> None:
    """tshark 4.0 knows no RFC 8229; its view of the bytes, framed by hand, is the oracle."""
    frames = frames_of(STREAM, 700)
    shuffled = [frames[0], frames[1], frames[3], frames[2], frames[2], *frames[4:]]
    capture = tmp_path / "stream.pcap"
    capture.write_bytes(pcap_bytes(shuffled))
    command = ["tshark", "-r", str(capture), "-q", "-z", "follow,tcp,raw,0"]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    lines = output.split("Node 1:")[1].splitlines()[1:]
    stream = bytes.fromhex("".join(line.strip() for line in lines if "=" not in line))
    assert stream == STREAM
    expected, at = [], len(STREAM_PREFIX)
    while at < len(stream):
        (size,) = struct.unpack_from(">H", stream, at)
        expected.append(stream[at + 2 : at + size])
        at += size
    ours = []
    for found in decode_all(shuffled)[0]:
        if isinstance(found, Datagram):
            ours.append(NON_ESP_MARKER + found.payload)
        elif isinstance(found, EspPacket):
            ours.append(found.spi.to_bytes(4, "big") + found.sequence.to_bytes(4, "big"))
    assert ours == [m if m.startswith(NON_ESP_MARKER) else m[:8] for m in expected if m != b"\xff"]


@given(st.randoms(use_true_random=False), st.integers(1, 900), st.integers(0, 20))
def test_any_order_within_the_window(chance: random.Random, size: int, reach: int) -> None:
    wire = Wire()
    wire.send(-1, b"", flags=TCP_SYN)
    parts = [(at, STREAM[at : at + size]) for at in range(0, len(STREAM), max(size, 60))]
    if size < 60:
        parts = [(at, STREAM[at : at + 60]) for at in range(0, len(STREAM), 60)]
    for place in range(len(parts)):
        other = min(place + chance.randrange(reach + 1), len(parts) - 1)
        parts[place], parts[other] = parts[other], parts[place]
    for at, data in parts:
        wire.send(at, data)
        if chance.random() < 0.2:
            wire.send(at, data)
    assert wire.payloads == MESSAGES
    assert wire.streams.take_gaps() == []


@given(
    st.lists(
        st.tuples(
            st.integers(-300, 3000),
            st.one_of(st.binary(max_size=60), st.just(STREAM), st.just(STREAM[1:900])),
            st.sampled_from([TCP_ACK] * 6 + [TCP_SYN, RST]),
            st.integers(0, 40),
        ),
        max_size=30,
    )
)
def test_any_segments(parts: list[tuple[int, bytes, int, int]]) -> None:
    wire = Wire()
    for offset, payload, flags, cut in parts:
        wire.send(offset, payload, flags=flags, length=len(payload) + cut)
        wire.acknowledge(offset)
        assert 0 <= wire.streams.held_bytes <= MAX_HELD_BYTES
    for message in [*wire.found, *wire.streams.finish()]:
        assert len(message.payload) <= message.length


@given(st.integers(0, 2**32))
def test_damaged_streams(seed: int) -> None:
    chance = random.Random(seed)
    decoder = OddFrameDecoder("s1", PORTS)
    stream = bytearray(STREAM * 3)
    for _ in range(chance.randrange(6)):
        stream[chance.randrange(len(stream))] = chance.randrange(256)
    for number, frame in enumerate(frames_of(bytes(stream), 300), 1):
        if chance.random() < 0.9:
            size = len(frame) if chance.random() < 0.8 else chance.randrange(54, len(frame) + 1)
            decoder.decode(frame[:size], 1, number, number, len(frame))
    decoder.finish()
