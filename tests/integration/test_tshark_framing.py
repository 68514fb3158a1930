"""Frame numbers, times and lengths of every capture format are those of tshark."""

from __future__ import annotations

import gzip
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from analyzers.decode.captures import CaptureReader
from analyzers.model.records import ProblemKind, SourceInfo
from analyzers.sources.inputs import InputSpec, open_input
from analyzers.wire.frames import FrameBlock
from tests.builders import ARP, DST4, SRC4, esp, eth, ike_header, ipv4, udp, vlan
from tests.capture_files import (
    block,
    enhanced,
    interface,
    old_packet,
    option,
    pcap,
    section,
    simple,
)

pytestmark = [
    pytest.mark.tshark,
    pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed"),
]

T = 1_700_000_000_123_456_789
IKE = eth(ipv4(udp(ike_header(), 500, 500, between=(SRC4, DST4))))
ESP = eth(vlan(ipv4(udp(esp(), 4500, 4500)), 0x0800), 0x8100)
FRAMES = [
    (T, IKE),
    (T + 1_000_000, ESP),
    (T + 2_500_000_000, eth(bytes(28), ARP)),
    (T + 3 * 10**9, IKE),
]
TICKS = T // 1000

CAPTURES = {
    "pcap": pcap(FRAMES),
    "pcap-ns": pcap(FRAMES, nanoseconds=True),
    "pcap-big": pcap(FRAMES, order=">"),
    "pcap-ns-big": pcap(FRAMES, order=">", nanoseconds=True),
    "pcap-modified": pcap(FRAMES, modified=True),
    "pcap-snap": pcap(FRAMES, snap=60),
    "pcapng": section() + interface() + b"".join(enhanced(t // 1000, f) for t, f in FRAMES),
    "pcapng-big": section(">")
    + interface(order=">")
    + b"".join(enhanced(t // 1000, f, order=">") for t, f in FRAMES),
    "pcapng-comments": section()
    + interface()
    + enhanced(TICKS, IKE, comment=b"look here")
    + enhanced(TICKS + 5, ESP),
    "pcapng-resolutions": section()
    + interface(resolution=9)
    + interface(resolution=3)
    + interface(resolution=0x80 | 10)
    + interface(resolution=6, offset_s=-3600)
    + enhanced(T, IKE)
    + enhanced(T // 1_000_000, ESP, number=1)
    + enhanced((T // 10**9) * 1024 + 512, IKE, number=2)
    + enhanced(TICKS, ESP, number=3),
    "pcapng-link-types": section()
    + interface(1)
    + interface(101)
    + enhanced(TICKS, IKE)
    + enhanced(TICKS + 1, IKE[14:], number=1),
    "pcapng-sections": section()
    + interface()
    + enhanced(TICKS, IKE)
    + section(">")
    + interface(order=">", resolution=9)
    + enhanced(T + 10**9, ESP, order=">")
    + section()
    + interface()
    + enhanced(TICKS + 2_000_000, IKE),
    "pcapng-other-blocks": section()
    + block(0x0000000A, struct.pack("<II", 0x544C534B, 4) + b"keys")
    + interface()
    + block(4, bytes(4))
    + enhanced(TICKS, IKE)
    + block(0x80001234, bytes(8))
    + old_packet(TICKS + 1, ESP)
    + block(5, bytes(12) + option(0, b""))
    + enhanced(TICKS + 2, IKE),
}


# What is in the files on purpose: a short snap length, and the coarse clock of one interface.
EXPECTED = {ProblemKind.SNAPLEN_SHORT, ProblemKind.TIME_BACKWARDS}


def ours(path: Path, chunk_bytes: int = 1 << 22) -> list[tuple[int, int, int, int]]:
    """(number, time ns, captured, wire) of every frame."""
    source = open_input(InputSpec(str(path), required=True))
    info = SourceInfo("s1", str(path), "", "")
    reader = CaptureReader(source.stream, source.head, info, chunk_bytes=chunk_bytes)
    rows: list[tuple[int, int, int, int]] = []
    observe = reader._observe

    def collect(frames: FrameBlock):
        columns = (frames.at_ns, frames.captured, frames.wire)
        for index, row in enumerate(zip(*(c.tolist() for c in columns), strict=True)):
            rows.append((frames.first_record + index, *row))
        return observe(frames)

    reader._observe = collect  # type: ignore[method-assign]
    while reader.read() is not None:
        pass
    source.close()
    assert {p.kind for p in info.problems} <= EXPECTED
    return rows


def tshark(path: Path) -> list[tuple[int, int, int, int]]:
    fields = ("frame.number", "frame.time_epoch", "frame.cap_len", "frame.len")
    command = ["tshark", "-n", "-r", str(path), "-T", "fields"]
    for field in fields:
        command += ["-e", field]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    rows = []
    for line in done.stdout.splitlines():
        number, at, captured, wire = line.split("\t")
        whole, _, part = at.partition(".")
        rows.append(
            (int(number), int(whole) * 10**9 + int(part.ljust(9, "0")), int(captured), int(wire))
        )
    return rows


@pytest.mark.parametrize("chunk_bytes", [64, 1 << 22])
@pytest.mark.parametrize("name", CAPTURES)
def test_frames_are_those_of_tshark(tmp_path: Path, name: str, chunk_bytes: int) -> None:
    path = tmp_path / f"{name}.cap"
    path.write_bytes(CAPTURES[name])
    expected = tshark(path)
    assert expected
    assert ours(path, chunk_bytes) == expected


def test_compressed_is_the_same(tmp_path: Path) -> None:
    plain, packed = tmp_path / "a.pcap", tmp_path / "b"
    plain.write_bytes(CAPTURES["pcap"])
    half = len(CAPTURES["pcap"]) // 2
    packed.write_bytes(
        gzip.compress(CAPTURES["pcap"][:half]) + gzip.compress(CAPTURES["pcap"][half:])
    )
    assert ours(packed) == ours(plain)


def test_a_simple_packet_has_the_time_of_the_frame_before(tmp_path: Path) -> None:
    path = tmp_path / "simple.pcapng"
    path.write_bytes(section() + interface() + enhanced(TICKS, ESP) + simple(IKE))
    first, second = ours(path)
    assert (second[0], second[1]) == (2, first[1])
