"""Live capture with real dumpcap and tcpdump, on a link of the test's own."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import threading
import time
from pathlib import Path

import pytest

from analyzers.session import Session, SessionOptions
from analyzers.session.live import LiveSession
from analyzers.session.live_store import CaptureStore
from analyzers.sources.capture_filter import capture_filter
from analyzers.sources.dumpcap import CaptureSource, has_vlans
from analyzers.sources.feed import SourceState
from analyzers.sources.ring_files import RingFiles
from tests.builders import eth, ipv4, udp, vlan
from tests.live_capture import (
    Link,
    children,
    eventually,
    frames,
    link,
    needs_capture,
    now_ns,
    open_descriptors,
    send,
    set_up,
)

pytestmark = needs_capture
TOOLS = [
    pytest.param(
        path := shutil.which(name),
        id=name,
        marks=pytest.mark.skipif(path is None, reason="this tool is not installed"),
    )
    for name in ("dumpcap", "tcpdump")
]


def _source(wire: Link, tool: str | None = None) -> CaptureSource:
    return CaptureSource(wire.receiver, capture_filter(), tool)


def _open(source: CaptureSource) -> None:
    eventually(lambda: source.feed.status.state is SourceState.OPEN, source.feed.status)


def _started(source: CaptureSource) -> LiveSession:
    """A session that captures already."""
    session = LiveSession([source])
    session.start()
    _open(source)
    return session


def _watch(session: LiveSession, packets: int, rest_s: float = 0.0) -> None:
    """Pump until so many packets came, and a while longer."""

    def came() -> bool:
        session.pump(now_ns())
        return session.sources[0].packets >= packets

    eventually(came, session.sources)
    end = time.monotonic() + rest_s
    while time.monotonic() < end:
        session.wait(0.05)
        session.pump(now_ns())


@pytest.mark.parametrize("tool", TOOLS)
def test_what_was_saved_tells_the_same(wire: Link, tmp_path: Path, tool: str | None) -> None:
    path = tmp_path / "saved.pcapng"
    source = _source(wire, tool)
    options = SessionOptions(black_hole_min_s=0.2)
    session = LiveSession([source], options, store=CaptureStore(RingFiles(path), "test"))
    session.start()
    _open(source)
    packets = frames("ikev2-dead-peer")
    sender = threading.Thread(target=send, args=(wire.sender, packets, 20))
    sender.start()
    _watch(session, len(packets), rest_s=1.0)
    sender.join()
    so_far = session.peers_so_far(now_ns())
    session.end(now_ns())
    assert [peer.state for peer in so_far] == [peer.state for peer in session.peers()]
    offline = Session(options)
    offline.run([str(path)])
    assert len(session.peers()) == 1
    assert len(session.peers()[0].exchanges) == 1
    assert session.peers() == offline.peers()
    assert session.judgement() == offline.judgement()
    assert session.sources[0].until_ns == offline.sources[0].until_ns
    assert session.sources[0].packets == offline.sources[0].packets == len(packets)


def test_the_filter_takes_ike_and_esp_also_under_tags(wire: Link) -> None:
    assert has_vlans(wire.receiver)
    ike = ipv4(udp(bytes(28), 500, 500))
    wanted = [
        eth(ike),
        eth(vlan(ike), 0x8100),
        eth(vlan(vlan(ike), 0x8100), 0x88A8),
        eth(ipv4(bytes(40), 50)),
        eth(ipv4(bytes(40), 51)),
        eth(ipv4(bytes(40), 17, offset=1480)),
        eth(ipv4(udp(bytes(20), 4501, 7777))),
    ]
    other = [eth(ipv4(udp(bytes(20), 53, 5353))), eth(ipv4(bytes(40), 6))]
    source = CaptureSource(wire.receiver, capture_filter([4501]))
    session = _started(source)
    send(wire.sender, [(0.0, data) for data in wanted + other], 1)
    _watch(session, len(wanted), rest_s=0.3)
    session.end(now_ns())
    assert session.sources[0].packets == len(wanted)


@pytest.mark.parametrize("tool", TOOLS)
def test_a_probe_is_seen_at_once(wire: Link, tool: str) -> None:
    source = _source(wire, tool)
    session = _started(source)
    # On port 500, or with the marker that tells IKE from ESP.
    packets = [
        d for _, d in frames("ikev2-dead-peer") if d[36:38] == b"\x01\xf4" or d[42:46] == bytes(4)
    ]
    packets = packets[:8]
    waits = []
    for number, data in enumerate(packets, 1):
        sent = time.monotonic()
        send(wire.sender, [(0.0, data)], 1)
        while sum(peer.ike_messages for peer in session.peers_so_far(now_ns())) < number:
            session.wait(0.02)
            session.pump(now_ns())
            assert time.monotonic() - sent < 5
        waits.append(time.monotonic() - sent)
        time.sleep(0.2)
    session.end(now_ns())
    most_s = 0.1 if source.tool == "tcpdump" else 0.3
    assert sorted(waits)[len(waits) // 2] < most_s, waits


@pytest.mark.parametrize("tool", TOOLS)
def test_a_killed_child_is_told_and_started_again(
    wire: Link, tmp_path: Path, tool: str | None
) -> None:
    path = tmp_path / "saved.pcapng"
    source = _source(wire, tool)
    session = LiveSession([source], store=CaptureStore(RingFiles(path), "test"))
    session.start()
    _open(source)
    packets = frames("ikev2-dead-peer")
    send(wire.sender, packets[:10], 1000)
    _watch(session, 10)
    process = source.process
    assert process is not None
    os.kill(process, signal.SIGKILL)
    eventually(lambda: source.feed.status.state is SourceState.WAITING, source.feed.status)
    assert "again in" in source.feed.status.detail
    _open(source)
    assert source.feed.status.restarts == 1
    time.sleep(0.3)
    send(wire.sender, packets[10:20], 1000)
    _watch(session, 20)
    session.end(now_ns())
    offline = Session()
    offline.run([str(path)])
    assert offline.sources[0].packets == 20
    assert session.peers() == offline.peers()


def test_an_interface_that_goes_away_is_told(tmp_path: Path) -> None:
    with link() as made:
        source = _source(made)
        session = _started(source)
    eventually(lambda: source.feed.status.state is SourceState.MISSING, source.feed.status)
    began = time.monotonic()
    session.end(now_ns())
    assert time.monotonic() - began < 1.0


@pytest.mark.parametrize("tool", TOOLS)
def test_an_interface_that_is_down_is_told(wire: Link, tool: str) -> None:
    source = _source(wire, tool)
    session = _started(source)
    set_up(wire.receiver, up=False)
    eventually(lambda: source.feed.status.state is SourceState.DOWN, source.feed.status)
    set_up(wire.receiver, up=True)
    _open(source)
    assert source.feed.status.detail == ""
    time.sleep(0.3)
    send(wire.sender, frames("ikev2-dead-peer")[:10], 1000)
    _watch(session, 10)
    session.end(now_ns())


def test_an_interface_is_up_again_with_its_first_packet(wire: Link) -> None:
    """Whenever it is looked at: nothing that was captured falls into the interruption."""
    session = _started(_source(wire, shutil.which("tcpdump")))
    packet, stop = frames("ikev2-healthy")[0][1], threading.Event()

    def talk() -> None:
        while not stop.wait(0.05):
            with contextlib.suppress(OSError):
                send(wire.sender, [(0.0, packet)], 1)

    talking = threading.Thread(target=talk)
    talking.start()
    try:
        ups = []
        for _ in range(3):
            _watch(session, session.sources[0].packets + 5)
            set_up(wire.receiver, up=False)
            _watch(session, 0, rest_s=1.2)
            ups.append(now_ns())
            set_up(wire.receiver, up=True)
            _watch(session, session.sources[0].packets + 5, rest_s=0.6)
    finally:
        stop.set()
        talking.join()
        session.end(now_ns())
    gaps = session.sources[0].gaps
    assert len(gaps) == len(ups)
    for up_ns, (start_ns, end_ns) in zip(ups, gaps, strict=True):
        assert start_ns < up_ns
        assert end_ns - up_ns < 200_000_000


def test_no_interface_is_a_failure_with_what_the_tool_said() -> None:
    source = CaptureSource("dpd-none", capture_filter())
    session = LiveSession([source])
    session.start()
    eventually(lambda: source.feed.status.state is SourceState.FAILED, source.feed.status)
    assert "dpd-none" in source.feed.status.detail
    session.pump(now_ns())
    assert session.over
    session.end(now_ns())


def test_a_hundred_sessions_leave_nothing_behind(wire: Link) -> None:
    session = LiveSession([_source(wire)])
    session.start()
    session.end(now_ns())
    before, threads = open_descriptors(), threading.active_count()
    for _ in range(100):
        session = LiveSession([_source(wire)])
        session.start()
        session.pump(now_ns())
        session.end(now_ns())
    assert open_descriptors() == before
    assert threading.active_count() == threads
    assert not children()
