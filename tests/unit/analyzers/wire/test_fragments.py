from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.model.observations import Datagram, EspPacket
from analyzers.model.records import ProblemKind, Ref
from analyzers.model.time import NS_PER_SECOND
from analyzers.wire.fragments import (
    MAX_AGE_NS,
    MAX_BYTES,
    MAX_DATAGRAMS,
    MAX_PIECES,
    LossCause,
    Reassembler,
    Whole,
)
from analyzers.wire.ip import Fragment, IpPacket
from tests.builders import (
    IPV6,
    NON_ESP_MARKER,
    SRC4,
    esp,
    eth,
    gre,
    ike_of,
    ipv4,
    ipv6,
    ipv6_fragment,
    ipv6_options,
    udp,
)
from tests.unit.analyzers.wire.tshark_oracle import (
    PORTS,
    assert_tshark_agrees,
    decode_all,
    decoder_rows,
    needs_tshark,
    tshark_rows,
)

IKE = ike_of(3000)
SRC, DST = b"\x01\0\0\1", b"\x01\0\0\2"


def pieces4(datagram: bytes, size: int = 1400, ident: int = 1, proto: int = 17) -> list[bytes]:
    """Ethernet frames with the IPv4 fragments of a datagram."""
    return [
        eth(
            ipv4(
                datagram[at : at + size],
                proto,
                ident=ident,
                offset=at,
                more=at + size < len(datagram),
            )
        )
        for at in range(0, len(datagram), size)
    ]


def pieces6(datagram: bytes, size: int = 1232, ident: int = 1, proto: int = 17) -> list[bytes]:
    """Ethernet frames with the IPv6 fragments of a datagram."""
    parts = [
        ipv6_fragment(
            datagram[at : at + size], proto, offset=at, more=at + size < len(datagram), ident=ident
        )
        for at in range(0, len(datagram), size)
    ]
    return [eth(ipv6(part, 44), IPV6) for part in parts]


def only_datagram(frames: list[bytes]) -> Datagram:
    (found,) = decode_all(frames)[0]
    assert isinstance(found, Datagram)
    return found


@pytest.mark.parametrize("pieces", [pieces4, pieces6])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (2, 0, 1), (0, 0, 1, 1, 2)])
def test_any_order(pieces: object, order: tuple[int, ...]) -> None:
    assert callable(pieces)
    frames = pieces(udp(IKE))
    found = only_datagram([frames[i] for i in order])
    assert found.payload == IKE
    # As tshark counts: the frame and the time of the fragment that completed it.
    assert found.ref == Ref("s1", len(order))
    assert found.at_ns == len(order) * 1_000_000
    assert not found.checksum_bad


def test_esp_length_counts_the_whole_datagram() -> None:
    over_ip = pieces4(esp(size=4000), proto=50)
    in_udp = pieces6(udp(esp(size=4000), 4500, 4500))
    found = decode_all([*over_ip, *in_udp])[0]
    assert found[0] == EspPacket(3_000_000, 3, SRC4, "198.51.100.2", 0, 0, 0xC0FFEE01, 1, 4000)
    assert isinstance(found[1], EspPacket)
    assert (found[1].length, found[1].sport) == (4000, 4500)


def test_interleaved_and_nested() -> None:
    first, second = pieces4(udp(ike_of(3000, 1)), ident=1), pieces4(udp(ike_of(3000, 2)), ident=2)
    mixed = [frame for pair in zip(first, second, strict=True) for frame in pair]
    assert decoder_rows(decode_all(mixed)[0])[0][0] == 5
    inner = ipv4(udp(ike_of(2000)))
    assert only_datagram(pieces4(gre(inner), proto=47)).payload == ike_of(2000)


def test_extension_headers_inside_the_fragments() -> None:
    assert only_datagram(pieces6(ipv6_options(udp(IKE)), proto=60)).payload == IKE


def test_first_of_overlapping_fragments_wins() -> None:
    datagram = udp(NON_ESP_MARKER + ike_of(400), 4500, 4500)
    forged = bytes(len(datagram))
    frames = [
        eth(ipv4(datagram[:200], more=True)),
        eth(ipv4(forged[104:304], offset=104, more=True)),  # overlaps 96 bytes of the first
        eth(ipv4(datagram[304:], offset=304)),
    ]
    found, decoder = decode_all(frames)
    assert isinstance(found[0], Datagram)
    assert found[0].payload == datagram[12:200] + forged[200:304] + datagram[304:]
    (problem,) = decoder.take_problems()
    assert problem.kind is ProblemKind.BAD_LENGTH


def test_copies_made_by_the_capture_are_no_loss() -> None:
    frames = [frame for frame in pieces4(udp(IKE)) for _ in range(2)]
    found, decoder = decode_all(frames)
    assert len(found) == 1
    assert decoder.take_problems() == []


def test_same_identification_again() -> None:
    found = decode_all(pieces4(udp(IKE)) * 3)[0]
    assert [row[0] for row in decoder_rows(found)] == [3, 6, 9]


def test_a_lost_fragment_is_a_problem() -> None:
    found, decoder = decode_all(pieces4(udp(NON_ESP_MARKER + IKE, 4500, 4500))[:2])
    assert found == []
    (problem,) = decoder.take_problems()
    assert problem.kind is ProblemKind.FRAGMENT_LOST
    assert problem.ref == Ref("s1", 1)
    assert "an IKE message from 192.0.2.1 to 198.51.100.2" in problem.detail


def test_the_first_fragment_of_esp_is_a_packet() -> None:
    over_ip = pieces4(esp(size=4000), proto=50)
    found, decoder = decode_all([over_ip[0], over_ip[2]])
    assert [(f.record, f.length) for f in found if isinstance(f, EspPacket)] == [(1, 4000)]
    assert [p.kind for p in decoder.take_problems()] == [ProblemKind.FRAGMENT_LOST]
    in_udp = pieces4(udp(esp(size=4000), 4500, 4500))
    (packet,) = decode_all(in_udp[:1])[0]
    assert isinstance(packet, EspPacket)
    assert (packet.length, packet.spi, packet.dport) == (4000, 0xC0FFEE01, 4500)
    assert decode_all(over_ip[1:])[0] == []


def test_age_in_event_time() -> None:
    reassembler = Reassembler(lambda _protocol, _head: True)
    first = IpPacket(0, SRC, DST, 50, 20, 36, Fragment(1, 0, more=True))
    last = IpPacket(0, SRC, DST, 50, 20, 36, Fragment(1, 16, more=False))
    reassembler.add(first, bytes(range(16)), 0, 1)
    assert reassembler.add(last, bytes(16), MAX_AGE_NS, 2) == Whole(bytes(range(16)), 32, 50)
    later = MAX_AGE_NS + 2 * NS_PER_SECOND
    reassembler.add(first, bytes(range(16)), later, 3)
    assert reassembler.add(last, bytes(16), later + MAX_AGE_NS + 1, 4) is None
    (lost,) = reassembler.take_lost()
    assert (lost.cause, lost.first_record) == (LossCause.AGE, 3)


def test_uninteresting_datagrams_cost_nothing() -> None:
    frames = [f for i in range(600) for f in pieces4(udp(bytes(3000), 53, 3333), ident=i)[:2]]
    found, decoder = decode_all([*frames, *pieces4(udp(IKE), ident=7000)])
    assert len(found) == 1
    assert decoder.take_problems() == []


def test_too_many_datagrams() -> None:
    frames = [pieces4(udp(IKE), ident=i)[0] for i in range(MAX_DATAGRAMS + 5)]
    _, decoder = decode_all(frames)
    problems = decoder.take_problems()
    assert sum(p.count for p in problems if p.kind is ProblemKind.FRAGMENT_LIMIT) == 5
    assert sum(p.count for p in problems) == MAX_DATAGRAMS + 5


def test_bytes_and_pieces_are_bounded() -> None:
    reassembler = Reassembler(lambda _protocol, _head: True)
    for ident in range(200):
        for offset in range(0, 48000, 24000):
            packet = IpPacket(0, SRC, DST, 17, 0, 24000, Fragment(ident, offset, more=True))
            reassembler.add(packet, bytes(24000), 0, 1)
            assert reassembler.held_bytes <= MAX_BYTES
    reassembler.finish()
    assert reassembler.held_bytes == 0
    reassembler.take_lost()
    for offset in range(0, 16 * (MAX_PIECES + 1), 16):
        packet = IpPacket(0, SRC, DST, 17, 0, 8, Fragment(1, offset, more=True))
        reassembler.add(packet, bytes(8), 0, 1)
    assert [lost.cause for lost in reassembler.take_lost()] == [LossCause.LIMIT]


@pytest.mark.parametrize(
    "frame",
    [
        eth(ipv4(bytes(9), more=True)),  # no multiple of 8
        eth(ipv4(bytes(1400), 50, offset=65528)),  # beyond the longest datagram
        eth(ipv4(b"", 50, offset=8)),
    ],
)
def test_impossible_lengths(frame: bytes) -> None:
    found, decoder = decode_all([frame])
    assert found == []
    assert [p.kind for p in decoder.take_problems()] == [ProblemKind.BAD_LENGTH]


def test_fragments_cut_by_the_snap_length() -> None:
    from analyzers.wire.odd_frames import OddFrameDecoder

    decoder = OddFrameDecoder("s1", PORTS)
    found = []
    for number, frame in enumerate(pieces4(udp(IKE)), 1):
        found += decoder.decode(frame[:128], 1, number, number, len(frame))
    (datagram,) = found
    assert isinstance(datagram, Datagram)
    assert datagram.payload == IKE[: 128 - 42]
    assert datagram.missing_bytes == len(IKE) - (128 - 42)
    assert [p.kind for p in decoder.take_problems()] == [ProblemKind.SNAPLEN_SHORT]


@pytest.mark.tshark
@needs_tshark
def test_tshark_sees_the_same(tmp_path: Path) -> None:
    shuffled = random.Random(7)
    frames: list[bytes] = []
    for ident, datagram in enumerate(
        (udp(IKE), udp(NON_ESP_MARKER + IKE, 4500, 4500), udp(esp(size=2500), 4500, 4500))
    ):
        for parts in (pieces4(datagram, ident=ident), pieces6(datagram, ident=ident)):
            shuffled.shuffle(parts)
            frames += parts
    frames += pieces4(esp(size=5000), ident=90, proto=50)
    frames += pieces6(esp(size=5000), ident=90, proto=50)
    frames += pieces6(ipv6_options(udp(IKE)), ident=91, proto=60)
    frames += pieces4(udp(IKE), ident=92)[:2]  # the last one is lost
    frames += pieces4(gre(ipv4(udp(IKE))), ident=93, proto=47)
    assert_tshark_agrees(frames, tmp_path)


@pytest.mark.tshark
@needs_tshark
def test_public_capture_with_fragmented_retries() -> None:
    from tests.unit.analyzers.wire.test_odd_frames import decode_file, public_captures

    path = public_captures() / "corelight-ipsec_client-ipfrag-retries.pcap"
    found, _ = decode_file(path)
    assert decoder_rows(found) == tshark_rows(path)
    retries = [f for f in found if isinstance(f, Datagram) and f.payload[18] == 35]
    assert [f.ref.record for f in retries] == [5, 8, 11]
    assert {f.payload[20:24] for f in retries} == {b"\0\0\0\x01"}
    assert {len(f.payload) for f in retries} == {int.from_bytes(retries[0].payload[24:28], "big")}


@given(
    st.lists(
        st.tuples(
            st.integers(0, 3),
            st.integers(0, 12),
            st.integers(0, 6),
            st.booleans(),
            st.integers(0, 40),
            st.sampled_from([0, 1, MAX_AGE_NS]),
        ),
        max_size=40,
    )
)
def test_any_fragments(parts: list[tuple[int, int, int, bool, int, int]]) -> None:
    reassembler = Reassembler(lambda _protocol, head: len(head) != 5)
    at_ns = 0
    for number, (ident, offset, eighths, more, captured, later) in enumerate(parts):
        at_ns += later
        packet = IpPacket(0, SRC, DST, 17, 0, eighths * 8, Fragment(ident, offset * 8, more))
        whole = reassembler.add(packet, bytes(captured), at_ns, number)
        if whole is not None:
            assert len(whole.payload) <= whole.length
    reassembler.finish()
    assert reassembler.held_bytes == 0


@given(st.integers(1, 500), st.integers(1, 40), st.randoms(use_true_random=False))
def test_cut_shuffle_and_join(size: int, eighths: int, shuffled: random.Random) -> None:
    content = random.Random(size).randbytes(size)
    step = eighths * 8
    parts = list(range(0, size, step))
    shuffled.shuffle(parts)
    reassembler = Reassembler(lambda _protocol, _head: True)
    results = []
    for at in parts:
        part = content[at : at + step]
        packet = IpPacket(0, SRC, DST, 17, 0, len(part), Fragment(1, at, at + step < size))
        results.append(reassembler.add(packet, part, 0, 1))
    assert results[-1] == Whole(content, size, 17)
    assert not any(results[:-1])
