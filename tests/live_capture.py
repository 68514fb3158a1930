"""What tests of live capture need: the right to capture, and a link of their own."""

from __future__ import annotations

import os
import select
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import IO

import dpkt
import pytest
from msgspec import Struct

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "sample_pcaps"
DPDLAB = (str(ROOT / ".venv" / "bin" / "python"), "-m", "dpdlab")
PATIENCE_S = 15.0


def _why_not() -> str:
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "only root may make interfaces here"
    if shutil.which("ip") is None or shutil.which("dumpcap") is None:
        return "ip and dumpcap are needed"
    # Several processes of a test run probe at the same time.
    name = f"dpdp{os.getpid() % 1_000_000}"
    probe = subprocess.run(
        ["ip", "link", "add", name, "type", "veth", "peer", "name", f"{name}b"],
        capture_output=True,
        check=False,
    )
    if probe.returncode:
        return "no interface can be made here"
    subprocess.run(["ip", "link", "del", name], check=False)
    return ""


_REASON = _why_not()
_numbers = count()
needs_capture = pytest.mark.skipif(bool(_REASON), reason=_REASON or "never")


class Link(Struct, frozen=True, dict=True):
    """A pair of interfaces: what is sent on one comes in on the other."""

    sender: str
    receiver: str


@contextmanager
def link(again: Link | None = None) -> Iterator[Link]:
    """Two ends of a wire, without any traffic of the system's own; `again` has their names."""
    name = f"dpd{os.getpid() % 100_000}n{next(_numbers)}"
    made = again or Link(f"{name}a", f"{name}b")
    sender, receiver = made.sender, made.receiver
    _run("ip", "link", "add", sender, "type", "veth", "peer", "name", receiver)
    try:
        for end in (sender, receiver):
            _run("ip", "link", "set", end, "addrgenmode", "none")
            set_up(end, up=True)
        yield made
    finally:
        _run("ip", "link", "del", sender)


def set_up(interface: str, *, up: bool) -> None:
    """Take an interface up, or down."""
    _run("ip", "link", "set", interface, "up" if up else "down")


def captures_on(interface: str) -> int:
    """How many sockets capture there, as the kernel shows them."""
    number = str(socket.if_nametoindex(interface))
    rows = Path("/proc/net/packet").read_text().splitlines()[1:]
    return sum(row.split()[4] == number for row in rows)


def frames(sample: str) -> list[tuple[float, bytes]]:
    """Times from the first one on, in seconds, and bytes of a sample's packets."""
    with (SAMPLES / sample / "capture.pcap").open("rb") as file:
        packets = list(dpkt.pcap.Reader(file))
    return [(at - packets[0][0], data) for at, data in packets]


def send(interface: str, packets: list[tuple[float, bytes]], speed: float) -> None:
    """Put packets on the wire, so many times as fast as they were."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
        raw.bind((interface, 0))
        began = time.monotonic()
        for at, data in packets:
            wait_s = began + at / speed - time.monotonic()
            if wait_s > 0:
                time.sleep(wait_s)
            raw.send(data)


def now_ns() -> int:
    """The time of the packets that are captured."""
    return time.time_ns()  # noqa: TID251 - live time


def eventually(check: Callable[[], bool], what: object = "") -> None:
    """Wait until it is so."""
    end = time.monotonic() + PATIENCE_S
    while not check():
        assert time.monotonic() < end, f"never came: {what}"
        time.sleep(0.02)


def said(stream: IO[bytes] | None, wanted: bytes) -> bytes:
    """What a stream says until `wanted` is in it."""
    assert stream is not None
    got, end = b"", time.monotonic() + PATIENCE_S
    while wanted not in got:
        ready, _, _ = select.select([stream], [], [], 0.2)
        if ready:
            data = os.read(stream.fileno(), 65536)
            assert data, got
            got += data
        assert time.monotonic() < end, got
    return got


def open_descriptors() -> int:
    """As the kernel counts them."""
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


def children() -> set[int]:
    """Processes of ours."""
    return children_of(os.getpid())


def children_of(process: int) -> set[int]:
    """Processes that one has started."""
    path = Path(f"/proc/{process}/task")
    return {int(pid) for task in path.iterdir() for pid in (task / "children").read_text().split()}


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
