"""Live capture through tshark's dissection, on a link of the test's own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from analyzers.model.peer import PeerState
from analyzers.session import Session, SessionOptions
from analyzers.session.live import LiveSession
from analyzers.session.live_store import CaptureStore
from analyzers.sources.capture_filter import capture_filter
from analyzers.sources.feed import SourceState
from analyzers.sources.ring_files import RingFiles
from analyzers.sources.tshark_live import TsharkSource
from tests.live_capture import (
    DPDLAB,
    Link,
    captures_on,
    children,
    children_of,
    eventually,
    frames,
    needs_capture,
    now_ns,
    open_descriptors,
    said,
    send,
    set_up,
)

pytestmark = [
    needs_capture,
    pytest.mark.tshark,
    pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed"),
]


def _open(source: TsharkSource) -> None:
    eventually(lambda: source.feed.status.state is SourceState.OPEN, source.feed.status)


def _came(session: LiveSession, packets: int) -> None:
    def came() -> bool:
        session.pump(now_ns())
        return session.sources[0].packets >= packets

    eventually(came, session.sources)


def test_the_frames_are_those_on_the_wire(wire: Link, tmp_path: Path) -> None:
    path = tmp_path / "saved.pcapng"
    source = TsharkSource(wire.receiver, capture_filter())
    options = SessionOptions(black_hole_min_s=0.2)
    session = LiveSession([source], options, store=CaptureStore(RingFiles(path), "test"))
    session.start()
    _open(source)
    packets = frames("ikev2-dead-peer")
    sender = threading.Thread(target=send, args=(wire.sender, packets, 20))
    sender.start()
    _came(session, len(packets))
    sender.join()
    session.end(now_ns())
    offline = Session(options)
    offline.run([str(path)])
    assert session.sources[0].packets == len(packets)
    assert len(session.peers()) == 1
    assert len(session.peers()[0].exchanges) == 1
    assert session.peers() == offline.peers()
    kept = path.read_bytes()
    assert all(data in kept for _, data in packets)


def test_a_frame_is_not_held_back_until_the_next(wire: Link) -> None:
    source = TsharkSource(wire.receiver, capture_filter())
    session = LiveSession([source])
    session.start()
    _open(source)
    send(wire.sender, frames("ikev2-dead-peer")[:1], 1)
    _came(session, 1)
    session.end(now_ns())


@pytest.mark.parametrize("which", [0, 1])
def test_a_killed_child_is_begun_again(wire: Link, which: int) -> None:
    source = TsharkSource(wire.receiver, capture_filter())
    session = LiveSession([source])
    session.start()
    _open(source)
    assert len(source.processes) == 2
    packets = frames("ikev2-dead-peer")
    send(wire.sender, packets[:4], 100)
    _came(session, 4)
    os.kill(sorted(source.processes)[which], signal.SIGKILL)
    eventually(lambda: source.feed.status.state is SourceState.WAITING, source.feed.status)
    _open(source)
    send(wire.sender, packets[4:8], 100)
    _came(session, 8)
    assert source.feed.status.restarts == 1
    session.end(now_ns())
    assert session.peers()[0].ike_messages >= 4


def test_an_interface_that_cannot_be_had_is_told(wire: Link) -> None:
    source = TsharkSource("nosuchinterface", capture_filter())
    source.start()
    eventually(lambda: source.feed.status.state is SourceState.FAILED, source.feed.status)
    assert "nosuchinterface" in source.feed.status.detail
    source.close(2)


def test_nothing_is_left_behind(wire: Link) -> None:
    for round_number in range(4):
        if round_number == 1:
            before = open_descriptors(), threading.active_count(), children()
        source = TsharkSource(wire.receiver, capture_filter())
        source.start()
        if round_number % 2:
            _open(source)
        else:
            time.sleep(0.3)
        began = time.monotonic()
        source.close(5)
        assert time.monotonic() - began < 1.5
    eventually(lambda: (open_descriptors(), threading.active_count(), children()) == before)


def test_as_a_user_runs_it(wire: Link, tmp_path: Path) -> None:
    words = ["live", "-i", wire.receiver, "--engine", "pyshark", "-w", str(tmp_path / "out.pcapng")]
    with subprocess.Popen(
        [*DPDLAB, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path
    ) as process:
        before = children_of(process.pid)
        eventually(lambda: len(children_of(process.pid)) >= 2, before)
        eventually(lambda: captures_on(wire.receiver) > 0, "the socket of the capture")
        time.sleep(3)
        send(wire.sender, frames("ikev2-dead-peer"), 20)
        told = said(process.stdout, b"liveness unanswered")
        # What came after the last question is still on its way through tshark.
        time.sleep(3)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    assert b"237 packets" in err, told + out


def test_an_interface_that_is_down_is_told(wire: Link) -> None:
    source = TsharkSource(wire.receiver, capture_filter())
    session = LiveSession([source])
    session.start()
    try:
        _open(source)
        set_up(wire.receiver, up=False)
        eventually(lambda: source.feed.status.state is SourceState.DOWN, source.feed.status)
        set_up(wire.receiver, up=True)
        _open(source)
        os.kill(source.processes[-1], signal.SIGKILL)
        eventually(lambda: source.feed.status.state is SourceState.WAITING, source.feed.status)
        assert "tshark ended" in source.feed.status.detail
    finally:
        session.end(now_ns())


def test_who_was_seen_on_it_is_unknown_to_the_end(wire: Link, tmp_path: Path) -> None:
    source = TsharkSource(wire.receiver, capture_filter())
    path = tmp_path / "saved.pcapng"
    session = LiveSession([source], store=CaptureStore(RingFiles(path), "test"))
    session.start()
    _open(source)
    send(wire.sender, frames("ikev2-dead-peer")[:40], 100)
    _came(session, 40)
    set_up(wire.receiver, up=False)
    eventually(lambda: source.feed.status.state is SourceState.DOWN, source.feed.status)
    until_s = time.monotonic() + 2
    while time.monotonic() < until_s:
        session.wait(0.1)
        session.pump(now_ns())
    assert session.peers_so_far(now_ns())[0].state is PeerState.UNKNOWN
    session.end(now_ns())
    assert source.feed.status.state is SourceState.DOWN
    assert len(session.sources[0].gaps) == 1
    assert session.peers()[0].state is PeerState.UNKNOWN
    offline = Session()
    offline.run([str(path)])
    assert offline.peers() == session.peers()
