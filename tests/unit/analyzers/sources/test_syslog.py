"""Syslog over UDP and TCP."""

import contextlib
import errno
import os
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from analyzers.errors import SourceError
from analyzers.sources.feed import Line
from analyzers.sources.syslog import (
    MOST_BYTES,
    MOST_CONNECTIONS,
    MOST_PER_SECOND,
    SyslogListener,
    _Connection,
    line_of,
)

PATIENCE_S = 10.0
LOOPBACK = "127.0.0.1"


@pytest.fixture
def listener() -> Iterator[SyslogListener]:
    source = SyslogListener(LOOPBACK, 0)
    source.start()
    yield source
    source.stop()
    source.close(5)


def _lines(source: SyslogListener, count: int) -> list[Line]:
    found: list[Line] = []
    end = time.monotonic() + PATIENCE_S
    while len(found) < count:
        found += [p for p in source.feed.take() if isinstance(p, Line)]
        assert time.monotonic() < end, found
        time.sleep(0.01)
    return found


def _udp(source: SyslogListener, *messages: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for message in messages:
            sender.sendto(message, (LOOPBACK, source.port))


def _tcp(source: SyslogListener, *pieces: bytes) -> None:
    with socket.create_connection((LOOPBACK, source.port)) as sender:
        for piece in pieces:
            sender.sendall(piece)
            time.sleep(0.02)


def test_udp_rfc_3164(listener: SyslogListener) -> None:
    message = b"<30>Nov 20 21:31:50 r1 charon: 05[IKE] sending DPD request\n"
    _udp(listener, message)
    assert _lines(listener, 1) == [Line(LOOPBACK, message.decode().rstrip())]


def test_tcp_lines_cut_anywhere(listener: SyslogListener) -> None:
    _tcp(listener, b"<30>Nov 20 21:31:50 r1 a: on", b"e\n<30>Nov 20 21:31:51 r1 a: two\n<30>rest")
    assert [line.text for line in _lines(listener, 3)] == [
        "<30>Nov 20 21:31:50 r1 a: one",
        "<30>Nov 20 21:31:51 r1 a: two",
        "<30>rest",
    ]


def test_tcp_octet_counting(listener: SyslogListener) -> None:
    one = b"<30>Nov 20 21:31:50 r1 a: one\nin two lines"
    two = b"<30>Nov 20 21:31:51 r1 a: two"
    data = b"%d %s%d %s" % (len(one), one, len(two), two)
    _tcp(listener, data[:10], data[10:50], data[50:])
    assert [line.text for line in _lines(listener, 2)] == [
        "<30>Nov 20 21:31:50 r1 a: one in two lines",
        two.decode(),
    ]


def test_a_line_too_long_over_tcp_is_one_message_however_it_comes() -> None:
    """Its rest is no message, though it may look like a count of octets."""
    connection = _Connection("192.0.2.1", 0.0)
    line = b"<30>x" + b"9 9 " * MOST_BYTES
    chunks = [line[at : at + 4096] for at in range(0, len(line), 4096)]
    found, cut = [], 0
    for chunk in [*chunks, b"\n<30>after\n"]:
        messages, lost = connection.take(chunk)
        found += messages
        cut += lost
    assert cut == 1
    assert [message[:5] for message in found] == [b"<30>x", b"<30>a"]


def test_too_long_over_tcp_is_cut_and_counted(listener: SyslogListener) -> None:
    size = 3 * MOST_BYTES
    _tcp(listener, b"%d " % size + b"x" * size + b"5 <30>y")
    lines = _lines(listener, 2)
    assert [len(line.text) for line in lines] == [MOST_BYTES, 5]
    assert listener.feed.status.dropped == 1


def test_a_flood_is_bounded_and_counted() -> None:
    # What arrives is not in our hands: the bucket is.
    from analyzers.sources.syslog import _Bucket

    bucket = _Bucket(0.0)
    passed = sum(bucket.may_pass(0.1) for _ in range(2 * MOST_PER_SECOND))
    assert passed == MOST_PER_SECOND
    passed = sum(bucket.may_pass(0.6) for _ in range(2 * MOST_PER_SECOND))
    assert passed == MOST_PER_SECOND // 2
    # A clock that is put back refills nothing, and goes on from there.
    assert not bucket.may_pass(0.2)
    assert bucket.may_pass(0.3)


def _connected(source: SyslogListener, sender: str) -> socket.socket:
    return socket.create_connection((LOOPBACK, source.port), PATIENCE_S, (sender, 0))


def test_one_sender_shuts_no_other_out(listener: SyslogListener) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(300):
            stack.enter_context(_connected(listener, "127.0.0.2"))
        other = stack.enter_context(_connected(listener, "127.0.0.3"))
        other.sendall(b"<30>heard\n")
        assert _lines(listener, 1) == [Line("127.0.0.3", "<30>heard")]
        assert listener.feed.status.dropped == 301 - MOST_CONNECTIONS


def test_a_sender_that_connects_anew_is_heard(listener: SyslogListener) -> None:
    with contextlib.ExitStack() as stack:
        for number in range(2 * MOST_CONNECTIONS):
            connection = stack.enter_context(_connected(listener, "127.0.0.2"))
            connection.sendall(b"<30>%d\n" % number)
            assert [line.text for line in _lines(listener, 1)] == [f"<30>{number}"]


def test_what_was_said_before_is_not_lost() -> None:
    source = SyslogListener(LOOPBACK, 0)
    source.start()
    with contextlib.ExitStack() as stack:
        for number in range(4 * MOST_CONNECTIONS):
            connection = stack.enter_context(_connected(source, "127.0.0.2"))
            connection.sendall(b"<30>%d\n" % number)
        texts = {line.text for line in _lines(source, 4 * MOST_CONNECTIONS)}
    source.close(5)
    assert texts == {f"<30>{number}" for number in range(4 * MOST_CONNECTIONS)}


def test_many_senders_shut_no_other_out(listener: SyslogListener) -> None:
    with contextlib.ExitStack() as stack:
        quiet = stack.enter_context(_connected(listener, "127.0.0.3"))
        for number in range(MOST_CONNECTIONS):
            stack.enter_context(_connected(listener, f"127.0.1.{1 + number // 8}"))
        quiet.sendall(b"<30>quiet\n")
        late = stack.enter_context(_connected(listener, "127.0.0.4"))
        late.sendall(b"<30>late\n")
        texts = {line.text for line in _lines(listener, 2)}
        assert texts == {"<30>quiet", "<30>late"}


def test_what_the_kernel_drops_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analyzers.sources.syslog._RECEIVE_BYTES", 4096)
    held = _held_up(monkeypatch)
    source = SyslogListener(LOOPBACK, 0)
    source.start()
    _udp(source, *(b"<30>Nov 20 21:31:50 r1 charon: %d" % n for n in range(1000)))
    held.set()
    end = time.monotonic() + PATIENCE_S
    read = 0
    while read + source.feed.status.dropped < 1000:
        read += len(source.feed.take())
        assert time.monotonic() < end, (read, source.feed.status)
        time.sleep(0.01)
    source.close(5)
    assert 0 < read < 1000
    assert read + source.feed.status.dropped == 1000


def _held_up(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Nothing is read before the event is set."""
    held, reads = threading.Event(), SyslogListener._datagrams

    def held_up(self: SyslogListener, udp: socket.socket) -> None:
        held.wait(PATIENCE_S)
        reads(self, udp)

    monkeypatch.setattr(SyslogListener, "_datagrams", held_up)
    return held


def test_what_comes_after_a_flood_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the flood is worked off later, and at once: what counts is when it came."""
    monkeypatch.setattr("analyzers.sources.syslog.MOST_PER_SECOND", 50)
    held = _held_up(monkeypatch)
    source = SyslogListener(LOOPBACK, 0)
    source.start()
    _udp(source, *(b"<30>noise %d" % n for n in range(200)))
    time.sleep(0.5)
    _udp(source, b"<30>the question")
    held.set()
    texts: list[str] = []
    end = time.monotonic() + PATIENCE_S
    while len(texts) + source.feed.status.dropped < 201:
        texts += [p.text for p in source.feed.take() if isinstance(p, Line)]
        assert time.monotonic() < end, (texts, source.feed.status)
        time.sleep(0.01)
    source.close(5)
    assert texts[-1] == "<30>the question"
    assert len(texts) < 100
    (loss,) = source.feed.status.losses
    assert loss.why == "dropped: more than 50 messages a second from one sender"
    assert loss.times == 201 - len(texts)
    assert loss.sender == LOOPBACK


def test_why_something_was_dropped_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analyzers.sources.syslog._RECEIVE_BYTES", 4096)
    monkeypatch.setattr("analyzers.sources.syslog.MOST_PER_SECOND", 2)
    held = _held_up(monkeypatch)
    source = SyslogListener(LOOPBACK, 0)
    source.start()
    _udp(source, *(b"<30>noise %d" % n for n in range(1000)))
    held.set()
    end = time.monotonic() + PATIENCE_S
    while len(source.feed.status.losses) < 2:
        assert time.monotonic() < end, source.feed.status
        time.sleep(0.01)
    source.close(5)
    whys = [loss.why for loss in source.feed.status.losses]
    assert any("one sender" in why for why in whys)
    assert any("kernel" in why for why in whys)
    assert sum(loss.times for loss in source.feed.status.losses) == source.feed.status.dropped


@pytest.mark.parametrize(
    ("message", "line"),
    [
        (
            b"<34>1 2024-11-20T21:31:50.003Z r1.example charon 712 - - 05[IKE] sending DPD",
            "2024-11-20T21:31:50.003Z r1.example charon[712]: 05[IKE] sending DPD",
        ),
        (
            b'<34>1 2024-11-20T21:31:50+02:00 r1 app - I [a@1 k="v ]\\" x"][b@2] \xef\xbb\xbftext',
            "2024-11-20T21:31:50+02:00 r1 app: text",
        ),
        (b"<34>1 - - - - - - only text", "only text"),
        (b"<34>1 2024-11-20T21:31:50Z r1 app - - [torn", "2024-11-20T21:31:50Z r1 app: [torn"),
        (b"no priority at all\0\n", "no priority at all"),
        (b"\xff\xfe<30>x", "\ufffd\ufffd<30>x"),
        (b"", ""),
    ],
)
def test_messages_as_lines(message: bytes, line: str) -> None:
    assert line_of(message) == line


def test_a_port_that_is_taken_is_said(listener: SyslogListener) -> None:
    with pytest.raises(SourceError, match="cannot listen"):
        SyslogListener(LOOPBACK, listener.port).start()


def test_any_port_is_one_that_is_free_for_both(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    bind = socket.socket.bind

    def bind_once_in_vain(self: socket.socket, address: tuple[str, int]) -> None:
        if self.type == socket.SOCK_STREAM and not taken:
            taken.append(address[1])
            raise OSError(errno.EADDRINUSE, "Address already in use")
        bind(self, address)

    monkeypatch.setattr(socket.socket, "bind", bind_once_in_vain, raising=False)
    source = SyslogListener(LOOPBACK, 0)
    source.start()
    assert source.port not in (0, *taken)
    source.stop()
    source.close(5)


def test_a_hundred_times_leaves_no_descriptor() -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - as the kernel counts them
    for _ in range(100):
        source = SyslogListener(LOOPBACK, 0)
        source.start()
        source.stop()
        source.close(5)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
