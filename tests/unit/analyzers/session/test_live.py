"""Sessions that go on: the same as with files, whatever comes when."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from analyzers.model.exchange import Outcome
from analyzers.model.peer import PeerView
from analyzers.model.records import Basis
from analyzers.session import ClockOptions, Session, SessionOptions
from analyzers.session.expectations import expectations
from analyzers.session.live import LiveSession
from analyzers.session.live_facts import Fact, FactLog
from analyzers.session.live_store import CaptureStore
from analyzers.sources.feed import Line, SourceState
from analyzers.sources.follow import FollowedFile
from analyzers.sources.pipe import PipeSource
from analyzers.sources.ring_files import RingFiles
from analyzers.sources.syslog import SyslogListener
from tests.given_source import GivenSource
from tests.live_capture import SAMPLES

CAPTURES = sorted(path.parent.name for path in SAMPLES.glob("*/capture.pcap"))
PATIENCE_S = 20.0
SECOND = 1_000_000_000
START_NS = 1_800_000_000 * SECOND


class Fifo:
    """A pipe that a test writes into, as much as is read of it."""

    def __init__(self, path: Path, kind: str = "capture") -> None:
        os.mkfifo(path)
        self.source = PipeSource(str(path), kind)
        self._path = path
        self._handle = -1

    def write(self, data: bytes) -> None:
        if self._handle < 0:
            self._handle = os.open(self._path, os.O_WRONLY)
        os.write(self._handle, data)

    def close(self) -> None:
        os.close(self._handle)


def until(check: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not check():
        assert time.monotonic() < end
        time.sleep(0.005)


def _without_ids(peer: PeerView) -> tuple[object, ...]:
    """A view, whatever its events are numbered by, and whenever it was made."""
    exchanges = [replace(x, id="") for x in peer.exchanges]
    holes = [replace(hole, id="") for hole in peer.black_holes]
    return (
        exchanges,
        holes,
        replace(peer, exchanges=(), black_holes=(), until_ns=0, activity=None),
        peer.activity,
    )


@pytest.mark.parametrize("sample", CAPTURES)
def test_what_was_saved_tells_the_same(sample: str, tmp_path: Path) -> None:
    """Pieces cut anywhere, looked at in between, one file after the other."""
    cut = random.Random(sample)
    data = (SAMPLES / sample / "capture.pcap").read_bytes()
    fifo = Fifo(tmp_path / "pipe")
    path = tmp_path / "saved.pcapng"
    session = LiveSession([fifo.source], store=CaptureStore(RingFiles(path), "test"))
    session.start()
    now_ns, at = START_NS, 0
    while at < len(data):
        size = cut.choice((1, 100, 3000, 60_000))
        fifo.write(data[at : at + size])
        at += size
        session.wait(0.05)
        now_ns += cut.choice((0, 1_000_000, SECOND // 20))
        session.pump(now_ns)
        session.judgement(session.peers_so_far(now_ns))
    fifo.close()
    until(lambda: fifo.source.feed.status.state is SourceState.ENDED)
    session.pump(now_ns)
    assert session.over
    so_far = session.peers_so_far(now_ns)
    session.end(now_ns)
    offline = Session()
    offline.run([str(path)])
    assert session.peers() == offline.peers()
    assert session.judgement() == offline.judgement()
    # What was kept of earlier looks is as good as new.
    assert [_without_ids(peer) for peer in so_far] == [_without_ids(p) for p in session.peers()]
    assert session.sources[0].problems == offline.sources[0].problems


def test_silence_at_the_end_is_part_of_the_report(tmp_path: Path) -> None:
    """The last packet is no end: nothing came for a minute after it, and the file says so.

    What the pipe may have held back at the end is not part of that.
    """
    data = (SAMPLES / "ikev2-dead-peer" / "capture.pcap").read_bytes()
    fifo = Fifo(tmp_path / "pipe")
    path = tmp_path / "saved.pcapng"
    session = LiveSession([fifo.source], store=CaptureStore(RingFiles(path), "test"))
    session.start()
    fifo.write(data[:15_000])
    until(lambda: session.pump(START_NS))
    last_ns = session.sources[0].last_ns
    session.pump(START_NS + 60 * SECOND)
    session.end(START_NS + 60 * SECOND)
    fifo.close()
    assert last_ns is not None
    assert session.sources[0].until_ns == (last_ns + 59 * SECOND) // 1000 * 1000
    offline = Session()
    offline.run([str(path)])
    assert offline.peers()[0].until_ns == session.sources[0].until_ns
    assert session.peers() == offline.peers()


def test_a_ring_of_files_is_each_whole(tmp_path: Path) -> None:
    fifo = Fifo(tmp_path / "pipe")
    files = RingFiles(tmp_path / "ring.pcapng", most_bytes=10_000, most_files=3)
    session = LiveSession([fifo.source], store=CaptureStore(files, "test"))
    session.start()
    data = (SAMPLES / "ikev2-dead-peer" / "capture.pcap").read_bytes()
    for at in range(0, len(data), 4000):
        fifo.write(data[at : at + 4000])
        session.wait(0.2)
        session.pump(START_NS)
    fifo.close()
    until(lambda: fifo.source.feed.status.state is SourceState.ENDED)
    session.end(START_NS)
    assert len(files.files) == 3
    assert files.removed
    for path in files.files:
        assert path.stat().st_size <= 11_000
        offline = Session()
        offline.run([str(path)])
        assert offline.sources[0].packets > 10
        assert not [p for p in offline.sources[0].problems if "truncated" in p.kind]


def _expected(tmp_path: Path, policy: str) -> dict[int, tuple[int | None, int | None]]:
    """Of each question of a capture: after how many, and after which time, the verdict is due."""
    from analyzers.configs.vendors import parse_given

    fifo = Fifo(tmp_path / "pipe")
    session = LiveSession([fifo.source], SessionOptions(policies=(parse_given(policy),)))
    session.start()
    data = (SAMPLES / "ikev2-dead-peer" / "capture.pcap").read_bytes()
    seen: dict[int, tuple[int | None, int | None]] = {}
    now_ns = START_NS
    for at in range(0, len(data), 200):
        fifo.write(data[at : at + 200])
        session.wait(0.1)
        # All that was read is known, and next to no time has passed since.
        session.pump(now_ns)
        for peer in session.peers_so_far(now_ns):
            for each in expectations(peer):
                seen[each.sent] = (each.of, each.verdict_ns and each.verdict_ns - each.first_ns)
    fifo.close()
    session.end(now_ns)
    assert list(seen) == sorted(seen)
    assert max(seen) == 6
    return seen


def test_a_verdict_is_expected_by_the_policy_in_force(tmp_path: Path) -> None:
    seen = _expected(tmp_path, "strongswan interval=2 retry=2 retries=5 backoff=1")
    assert {of for of, _ in seen.values()} == {6}
    for _, after_ns in seen.values():
        assert after_ns == pytest.approx(12 * SECOND, abs=SECOND // 2)


def test_of_a_policy_whose_waits_are_others_the_number_of_tries_stands(tmp_path: Path) -> None:
    """Its waits are 4, 7.2, 13 s; the questions come every 2 s."""
    seen = _expected(tmp_path, "strongswan interval=2")
    assert {of for of, _ in seen.values()} == {6}
    for sent in (3, 4, 5, 6):
        # Two of them show no growth, and none.
        assert seen[sent][1] == pytest.approx(12 * SECOND, abs=SECOND // 2)


def test_facts_come_once_and_when_they_are_final(tmp_path: Path) -> None:
    fifo = Fifo(tmp_path / "pipe")
    session = LiveSession([fifo.source])
    session.start()
    data = (SAMPLES / "ikev2-healthy" / "capture.pcap").read_bytes()
    log, facts, now_ns = FactLog(), list[Fact](), START_NS
    for at in range(0, len(data), 3000):
        fifo.write(data[at : at + 3000])
        session.wait(0.1)
        session.pump(now_ns)
        facts += log.take(session.peers_so_far(now_ns), now_ns)
        assert session.sources[0].ike_messages == sum(
            p.ike_messages for p in session.peers_so_far(now_ns)
        )
    fifo.close()
    before_end = len(facts)
    session.end(now_ns)
    facts += log.take(session.peers(), now_ns, last=True)
    peers = session.peers()
    answered = sum(x.outcome is Outcome.ANSWERED for p in peers for x in p.exchanges)
    told = [f for f in facts if type(f.item).__name__ == "Exchange" and not f.revision]
    assert len(told) == sum(len(p.exchanges) for p in peers)
    assert answered > 3
    assert before_end > answered
    messages = [f for f in facts if type(f.item).__name__ == "IkeMessage"]
    assert len(messages) == sum(len(p.messages) for p in peers)


def _charon(second: int, text: str) -> str:
    return f"Nov 21 10:00:{second:02} gw charon: {text}\n"


DIALOGUE = (
    "05[IKE] <gw|1> sending DPD request",
    "05[ENC] <gw|1> generating INFORMATIONAL request 7 [ ]",
    "05[NET] <gw|1> sending packet: from 192.0.2.1[4500] to 192.0.2.2[4500] (76 bytes)",
    "06[NET] <gw|1> received packet: from 192.0.2.2[4500] to 192.0.2.1[4500] (76 bytes)",
    "06[ENC] <gw|1> parsed INFORMATIONAL response 7 [ ]",
)


def _pumped(session: LiveSession, now_ns: int, wanted: Callable[[PeerView], bool]) -> int:
    """Pump until a peer is as wanted; when that was, on the session's clock."""
    end = time.monotonic() + PATIENCE_S
    while not any(map(wanted, session.peers_so_far(now_ns))):
        session.wait(0.05)
        session.pump(now_ns)
        now_ns += SECOND // 20
        assert time.monotonic() < end, session.sources
    return now_ns


def test_a_followed_log_tells_at_once(tmp_path: Path) -> None:
    path = tmp_path / "charon.log"
    path.write_text("")
    session = LiveSession([FollowedFile(str(path))])
    session.start()
    now_ns = 1_795_255_205 * SECOND  # 2026-11-21 10:00:05
    with path.open("a") as file:
        for text in DIALOGUE:
            file.write(_charon(4, text))
    now_ns = _pumped(session, now_ns, lambda peer: bool(peer.exchanges))
    session.end(now_ns)
    (peer,) = session.peers()
    assert (peer.local, peer.remote) == ("192.0.2.1", "192.0.2.2")
    (exchange,) = peer.exchanges
    assert exchange.outcome is Outcome.ANSWERED
    assert exchange.basis is Basis.LOG
    assert exchange.first_ns == 1_795_255_204 * SECOND
    assert session.sources[0].log_lines == len(DIALOGUE)


def test_what_was_asked_for_before_the_end_is_not_told_after_it(tmp_path: Path) -> None:
    path = tmp_path / "charon.log"
    path.write_text("")
    session = LiveSession([FollowedFile(str(path))])
    session.start()
    assert session.peers() == ()
    path.write_text("".join(_charon(4, text) for text in DIALOGUE))
    until(lambda: session.wait(0.05))
    session.end(1_795_255_205 * SECOND)
    assert len(session.peers()) == 1


def test_a_followed_log_tells_of_a_start(tmp_path: Path) -> None:
    path = tmp_path / "charon.log"
    path.write_text("")
    session = LiveSession([FollowedFile(str(path))])
    session.start()
    now_ns = 1_795_255_211 * SECOND
    with path.open("a") as file:
        file.writelines(_charon(4, text) for text in DIALOGUE)
        file.write(_charon(9, "00[DMN] Starting IKE charon daemon (strongSwan 5.9.8, Linux)"))
        file.write(_charon(10, "00[DMN] loaded plugins: charon"))
    now_ns = _pumped(session, now_ns, lambda peer: bool(peer.hints))
    session.end(now_ns)
    (peer,) = session.peers()
    assert [(h.sender, h.at_ns) for h in peer.hints] == [("192.0.2.1", 1_795_255_209 * SECOND)]
    (finding,) = [f for f in session.judgement().findings if f.rule == "peer-rebooted"]
    assert finding.detail.startswith("192.0.2.1 started anew (Starting IKE charon daemon)")


@pytest.mark.parametrize(("hours", "clock"), [(2, "zone"), (0, "right")])
def test_stamps_of_another_zone_are_put_to_when_they_arrive(
    tmp_path: Path, hours: int, clock: str
) -> None:
    path = tmp_path / "charon.log"
    path.write_text("")
    session = LiveSession([FollowedFile(str(path))])
    session.start()
    now_ns = (1_795_255_205 - hours * 3600) * SECOND
    path.write_text("".join(_charon(4, text) for text in DIALOGUE))
    end = time.monotonic() + PATIENCE_S
    while session.sources[0].lines < len(DIALOGUE):
        session.pump(now_ns)
        assert time.monotonic() < end
    session.end(now_ns)
    assert session.peers()[0].exchanges[0].first_ns == now_ns - SECOND
    noted = [p for p in session.sources[0].problems if p.kind == "clock-guessed"]
    assert bool(noted) is (clock == "zone")


def test_syslog_has_a_source_for_each_sender() -> None:
    import socket

    threads = threading.active_count()
    listener = SyslogListener("127.0.0.1", 0)
    session = LiveSession([listener], SessionOptions(clocks=ClockOptions()))
    session.start()
    for own in ("127.0.0.1", "127.0.0.2"):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.bind((own, 0))
            for text in DIALOGUE:
                message = b"<30>" + _charon(4, text).encode()
                sender.sendto(message, ("127.0.0.1", listener.port))
    now_ns = 1_795_255_205 * SECOND

    def came() -> bool:
        session.pump(now_ns)
        return sum(info.lines for info in session.sources) == 2 * len(DIALOGUE)

    until(came)
    session.end(now_ns)
    assert [info.path for info in session.sources] == ["syslog 127.0.0.1", "syslog 127.0.0.2"]
    assert threading.active_count() == threads


def test_what_is_lost_of_a_sender_is_lost_of_no_other() -> None:
    listener = GivenSource("syslog", "127.0.0.1:5514", remote=True)
    session = LiveSession([listener])
    session.start()
    listener.feed.put(Line("192.0.2.1", "one"))
    session.pump(SECOND)
    listener.feed.lose("cut", dropped=3, sender="192.0.2.1")
    listener.feed.lose("dropped", dropped=5, sender="192.0.2.2")
    listener.feed.lose("dropped by the kernel", dropped=7)
    listener.feed.put(Line("192.0.2.1", "more than is taken at once" * 50_000))
    listener.feed.put(Line("192.0.2.2", "two"))
    session.pump(2 * SECOND)
    listener.feed.lose("dropped", dropped=4, sender="192.0.2.1")
    session.end(3 * SECOND)
    assert [
        (info.path, [(p.detail, p.count) for p in info.problems if p.kind == "lines-lost"])
        for info in session.sources
    ] == [
        ("syslog 192.0.2.1", [("cut", 3), ("dropped by the kernel", 7), ("dropped", 4)]),
        ("syslog 192.0.2.2", [("dropped", 5)]),
    ]


def test_a_log_beside_a_capture_tells_nothing_twice(tmp_path: Path) -> None:
    """Both show the same questions; the log of the gateway is of its own capture's time."""
    folder = SAMPLES / "ikev2-dead-peer"
    fifo = Fifo(tmp_path / "pipe")
    path = tmp_path / "charon.log"
    path.write_text("")
    session = LiveSession([fifo.source, FollowedFile(str(path))])
    session.start()
    alone = Session()
    alone.run([str(folder / "capture.pcap")])
    (before,) = alone.peers()
    now_ns = (alone.sources[0].last_ns or 0) + SECOND
    fifo.write((folder / "capture.pcap").read_bytes())

    def captured() -> bool:
        session.pump(now_ns)
        return session.sources[0].packets == alone.sources[0].packets

    until(captured)
    path.write_bytes((folder / "charon-a.log").read_bytes())

    def logged() -> bool:
        session.pump(now_ns)
        return session.sources[1].lines > 50

    until(logged)
    fifo.close()
    session.end(now_ns)
    (peer,) = session.peers()
    sent = [len(x.transmissions) for x in before.exchanges]
    assert [len(x.transmissions) for x in peer.exchanges] == sent
