"""What tshark finds in frames, and what the decoder finds, in the same words."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from analyzers.model.observations import Datagram, EspPacket, IcmpHint
from analyzers.wire.odd_frames import OddFrameDecoder
from tests.builders import pcap_bytes

PORTS = frozenset({500, 4500})

needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")

Row = tuple[object, ...]


def tshark_rows(capture: Path) -> list[Row]:
    """(frame, "ike", initiator SPI, responder SPI) or (frame, "esp", SPI, sequence), in order."""
    fields = ["frame.number", "isakmp.ispi", "isakmp.rspi", "esp.spi", "esp.sequence"]
    command = ["tshark", "-r", str(capture), "-Y", "isakmp || esp", "-T", "fields"]
    # The last occurrence: an ICMP error or a tunnel does not hide what is innermost.
    command += ["-E", "separator=|", "-E", "occurrence=l"]
    for field in fields:
        command += ["-e", field]
    output = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    rows: list[Row] = []
    for line in output.stdout.splitlines():
        frame, initiator, responder, spi, sequence = line.split("|")
        if initiator:
            rows.append((int(frame), "ike", initiator, responder))
        elif sequence:
            rows.append((int(frame), "esp", int(spi, 16), int(sequence)))
    return rows


def decoder_rows(found: Iterable[Datagram | EspPacket | IcmpHint]) -> list[Row]:
    """The same of observations; ICMP hints are left out."""
    rows: list[Row] = []
    for item in found:
        if isinstance(item, Datagram):
            spis = (item.payload[:8].hex(), item.payload[8:16].hex())
            rows.append((item.ref.record, "ike", *spis))
        elif isinstance(item, EspPacket):
            rows.append((item.record, "esp", item.spi, item.sequence))
    return rows


def decode_all(
    frames: Iterable[bytes], linktype: int = 1
) -> tuple[list[Datagram | EspPacket | IcmpHint], OddFrameDecoder]:
    """All observations of frames one millisecond apart, and the decoder afterwards."""
    decoder = OddFrameDecoder("s1", PORTS)
    found: list[Datagram | EspPacket | IcmpHint] = []
    for number, frame in enumerate(frames, 1):
        found += decoder.decode(frame, linktype, number * 1_000_000, number, len(frame))
    return found + decoder.finish(), decoder


def assert_tshark_agrees(frames: list[bytes], tmp_path: Path, linktype: int = 1) -> None:
    """tshark sees the same messages and packets in the same frames, and sees some at all."""
    capture = tmp_path / "frames.pcap"
    capture.write_bytes(pcap_bytes(frames, linktype))
    expected = tshark_rows(capture)
    assert expected
    assert decoder_rows(decode_all(frames, linktype)[0]) == expected
