"""Traffic of many peers as it happens: put on a wire, or piped as a capture.

    python -m tests.benchmarks.live_traffic wire IFACE --pps 20000 --seconds 60
    python -m tests.benchmarks.live_traffic day --peers 1000 --interval 10 --hours 24 > FIFO

The wire carries ESP both ways of 50 peers, and one packet in 500 is of IKE: liveness questions and
their answers, as in the capture of the other benchmarks. A day is the questions and answers of many
peers, in event time, as fast as they are read; `stdout` is a pcap.
"""

from __future__ import annotations

import argparse
import os
import socket
import struct
import sys
import time
from typing import Final

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]

PEERS: Final = 50
IKE_SHARE: Final = 500
"""One packet in so many is of IKE."""
_ESP_BYTES: Final = 150
_IKE_BYTES: Final = 80
_HUB: Final = (10, 0, 0, 1)
_START_S: Final = 1_800_000_000
_MAC: Final = bytes(6) + b"\x02" + bytes(5) + b"\x08\x00"
_SEQUENCE: Final = 38
_RECORD: Final = 16
# Offsets within a frame of IKE: Ethernet 14, IP 20, UDP 8.
_MESSAGE: Final = 42
_ID: Final = _MESSAGE + 20


def _ip(number: int, *, outbound: bool, protocol: int, payload: bytes) -> bytes:
    remote = bytes((10, 1, number // 250, number % 250 + 1))
    ends = (bytes(_HUB), remote) if outbound else (remote, bytes(_HUB))
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0, 64, protocol, 0)
    return _MAC + head + ends[0] + ends[1] + payload


def liveness(number: int, *, answer: bool) -> bytes:
    """An empty INFORMATIONAL of a peer's IKE SA, message ID 0."""
    spis = struct.pack(">QQ", 0xA000_0000_0000_0000 + number, 0xB000_0000_0000_0000 + number)
    flags = 0x20 if answer else 0x08
    body = bytes(_IKE_BYTES - 32)
    message = spis + struct.pack(">BBBBII", 46, 0x20, 37, flags, 0, _IKE_BYTES)
    message += struct.pack(">BBH", 0, 0, _IKE_BYTES - 28) + body
    datagram = struct.pack(">HHHH", 500, 500, 8 + len(message), 0) + message
    return _ip(number, outbound=not answer, protocol=17, payload=datagram)


def numbered(frame: bytes, message_id: int) -> bytes:
    """A frame of `liveness` with another message ID."""
    return frame[:_ID] + struct.pack(">I", message_id) + frame[_ID + 4 :]


def esp(number: int, *, outbound: bool) -> bytes:
    """An ESP packet of a peer, sequence number 0."""
    spi = 0xC000_0000 + 2 * number + outbound
    payload = struct.pack(">II", spi, 0) + bytes(_ESP_BYTES - 42)
    return _ip(number, outbound=outbound, protocol=50, payload=payload)


def _columns(frames: list[bytes]) -> Bytes:
    return np.frombuffer(b"".join(frames), np.uint8).reshape(len(frames), -1)


def _put(rows: Bytes, at: int, values: npt.NDArray[np.generic], kind: str) -> None:
    """Write a number into each row."""
    numbers = values.astype(kind)
    size = numbers.dtype.itemsize
    rows[:, at : at + size] = numbers.view(np.uint8).reshape(len(rows), size)


class Mix:
    """A second of ESP and IKE after the other."""

    def __init__(self, pps: int, ike_share: int = IKE_SHARE, second: int = 0) -> None:
        """`second`: of one long recording, in which this one is the first to be given."""
        self._pps = pps
        self._share = ike_share
        self._second = second
        flows = [esp(n, outbound=way) for n in range(PEERS) for way in (True, False)]
        questions = [liveness(n, answer=way) for n in range(PEERS) for way in (False, True)]
        self._flows, self._questions = _columns(flows), _columns(questions)
        self._esp_count = pps - pps // ike_share

    def second(self) -> list[bytes]:
        """The frames of the next second."""
        esp_rows = np.resize(self._flows, (self._esp_count, self._flows.shape[1]))
        turn = np.arange(self._esp_count) // len(self._flows)
        _put(esp_rows, _SEQUENCE, turn + 1 + self._second * (turn[-1] + 1), ">u4")
        ike = self._pps - self._esp_count
        ike_rows = np.resize(self._questions, (ike, self._questions.shape[1]))
        turn = np.arange(ike) // len(self._questions)
        _put(ike_rows, _ID, turn + self._second * (turn[-1] + 1), ">u4")
        self._second += 1
        frames = [row.tobytes() for row in esp_rows]
        for number, row in enumerate(ike_rows):
            frames.insert(number * self._share, row.tobytes())
        return frames


def wire(interface: str, mix: Mix, pps: int, seconds: int) -> None:
    """Send so many packets a second, a millisecond's worth at a time; tell how many there were."""
    sent, batch = 0, max(1, pps // 1000)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
        raw.bind((interface, 0))
        frames = mix.second()
        begin_s = time.monotonic()
        for second in range(seconds):
            for start in range(0, pps, batch):
                wait_s = begin_s + second + start / pps - time.monotonic()
                if wait_s > 0:
                    time.sleep(wait_s)
                for frame in frames[start : start + batch]:
                    raw.send(frame)
                    sent += 1
            frames = mix.second()
        took_s = time.monotonic() - begin_s
    print(f"{sent} {took_s:.3f}", flush=True)


def day(peers: int, interval_s: int, hours: float) -> None:
    """Every peer is asked once an interval, and answers after 20 ms."""
    out = sys.stdout.buffer.fileno()
    _write(out, struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
    frames = [liveness(n, answer=way) for n in range(peers) for way in (False, True)]
    head = struct.pack("<IIII", 0, 0, len(frames[0]), len(frames[0]))
    rows = _columns([head + frame for frame in frames]).copy()
    spread_us = np.repeat(np.arange(peers) * interval_s * 1_000_000 // peers, 2)
    spread_us[1::2] += 20_000
    order = np.argsort(spread_us, kind="stable")
    rows, spread_us = rows[order], spread_us[order]
    for turn in range(round(hours * 3600 / interval_s)):
        at_us = spread_us + turn * interval_s * 1_000_000
        _put(rows, 0, _START_S + at_us // 1_000_000, "<u4")
        _put(rows, 4, at_us % 1_000_000, "<u4")
        _put(rows, _RECORD + _ID, np.full(len(rows), turn), ">u4")
        _write(out, rows.tobytes())


def _write(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    what = parser.add_subparsers(dest="what", required=True)
    on_wire = what.add_parser("wire")
    on_wire.add_argument("interface")
    on_wire.add_argument("--pps", type=int, default=20_000)
    on_wire.add_argument("--seconds", type=int, default=60)
    on_wire.add_argument("--ike-share", type=int, default=IKE_SHARE)
    on_wire.add_argument("--from-second", type=int, default=0)
    a_day = what.add_parser("day")
    a_day.add_argument("--peers", type=int, default=1000)
    a_day.add_argument("--interval", type=int, default=10)
    a_day.add_argument("--hours", type=float, default=24.0)
    options = parser.parse_args()
    if options.what == "wire":
        mix = Mix(options.pps, options.ike_share, options.from_second)
        wire(options.interface, mix, options.pps, options.seconds)
    else:
        day(options.peers, options.interval, options.hours)
    return 0


if __name__ == "__main__":
    sys.exit(main())
