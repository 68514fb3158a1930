"""The generated captures are what they claim to be; nothing here measures time."""

from __future__ import annotations

import io
import json
import shutil
import struct
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

from tests.benchmarks.frames import Format
from tests.benchmarks.generate import Plan, generate, make_file

PACKETS = 6_000

needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is missing")


def generated(plan: Plan) -> tuple[bytes, dict[str, object]]:
    out = io.BytesIO()
    facts = generate(plan, out)
    return out.getvalue(), facts


def pcap_records(data: bytes) -> list[tuple[int, bytes]]:
    """(microseconds, frame) of each record; the records fill the file exactly."""
    assert struct.unpack_from("<IHH", data) == (0xA1B2C3D4, 2, 4)
    records, offset = [], 24
    while offset < len(data):
        seconds, micros, captured, original = struct.unpack_from("<IIII", data, offset)
        assert captured == original
        offset += 16 + captured
        records.append((seconds * 1_000_000 + micros, data[offset - captured : offset]))
    assert offset == len(data)
    return records


def tshark(path: Path, display_filter: str, *fields: str) -> list[list[str]]:
    command = ["tshark", "-r", str(path), "-Y", display_filter, "-T", "fields"]
    command += ["-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"]
    for name in fields:
        command += ["-e", name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return [line.split("\t") for line in done.stdout.splitlines()]


def test_the_same_plan_gives_the_same_bytes() -> None:
    first, facts = generated(Plan(packets=PACKETS, seed=7))
    again, _ = generated(Plan(packets=PACKETS, seed=7))
    other, _ = generated(Plan(packets=PACKETS, seed=8))
    assert first == again
    assert first != other
    assert facts["bytes"] == len(first)


@pytest.mark.parametrize("peers", [1, 50, 10_000])
def test_shares_and_order(peers: int) -> None:
    data, facts = generated(Plan(packets=PACKETS, peers=peers))
    records = pcap_records(data)
    assert len(records) == facts["packets"] == PACKETS
    times = [at for at, _ in records]
    assert times == sorted(times)
    esp, ike, size = facts["esp"], facts["ike"], facts["bytes"]
    assert isinstance(esp, int)
    assert isinstance(ike, int)
    assert isinstance(size, int)
    # One peer may well be silent for a good part of a short capture.
    assert 0.69 < esp / PACKETS < 0.71 or peers == 1
    assert ike > 0
    assert 530 < size / PACKETS < 630


def test_pcapng_holds_the_same_frames() -> None:
    plain, _ = generated(Plan(packets=PACKETS))
    data, _ = generated(Plan(packets=PACKETS, capture_format="pcapng"))
    frames, offset = [], 0
    while offset < len(data):
        kind, length = struct.unpack_from("<II", data, offset)
        assert struct.unpack_from("<I", data, offset + length - 4) == (length,)
        if kind == 6:
            _, high, low, captured, _ = struct.unpack_from("<IIIII", data, offset + 8)
            frames.append(((high << 32) + low, data[offset + 28 : offset + 28 + captured]))
        offset += length
    assert [at for at, _ in frames] == [at for at, _ in pcap_records(plain)]
    assert [len(frame) for _, frame in frames] == [len(frame) for _, frame in pcap_records(plain)]


def test_a_file_is_made_once(tmp_path: Path) -> None:
    plan = Plan(packets=1_000)
    path = tmp_path / "sub" / plan.name
    facts = make_file(plan, path)
    made_ns = path.stat().st_mtime_ns
    assert make_file(plan, path) == facts
    assert path.stat().st_mtime_ns == made_ns
    assert json.loads(path.with_name(path.name + ".json").read_text()) == facts
    assert sorted(entry.name for entry in path.parent.iterdir()) == [path.name, path.name + ".json"]


@needs_tshark
@pytest.mark.tshark
@pytest.mark.parametrize("capture_format", ["pcap", "pcapng"])
def test_tshark_sees_what_was_meant(tmp_path: Path, capture_format: Format) -> None:
    """Counts, whole messages, correct checksums, and ESP sequence numbers that only grow."""
    plan = Plan(packets=20_000, peers=40, capture_format=capture_format)
    path = tmp_path / plan.name
    facts = make_file(plan, path)
    ike = tshark(path, "isakmp", "isakmp.length", "udp.length", "isakmp.exchangetype")
    assert len(ike) == facts["ike"]
    for length, udp_length, _ in ike:
        assert int(udp_length) - 8 - int(length) in (0, 4)
    assert {"2", "5", "32", "34", "35", "37"} == {exchange for *_, exchange in ike}
    esp = tshark(path, "esp", "esp.spi", "esp.sequence")
    assert len(esp) == facts["esp"]
    sequences: dict[str, list[int]] = defaultdict(list)
    for spi, sequence in esp:
        sequences[spi].append(int(sequence))
    for numbers in sequences.values():
        assert numbers == sorted(set(numbers))
    bad = (
        "(isakmp || esp) && (_ws.malformed || ip.checksum.status == 0 || udp.checksum.status == 0)"
    )
    assert tshark(path, bad, "frame.number") == []
