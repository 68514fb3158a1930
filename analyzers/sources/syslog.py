"""Syslog listeners: what devices send, over UDP and TCP, one source a sender.

RFC 3164 as it is; RFC 5424 is turned into the line that a relay writes to a file; over TCP octet
counting and lines (RFC 6587). What is too much is dropped and counted: senders are nobody we know.
"""

from __future__ import annotations

import contextlib
import re
import selectors
import socket
import struct
from collections import Counter
from collections.abc import Sequence
from ipaddress import ip_address
from time import monotonic
from typing import Final

from msgspec import Struct

from analyzers.errors import SourceError
from analyzers.sources.feed import Feed, Line, Reading, SourceState
from analyzers.sources.syslog_header import plain_line

MOST_BYTES: Final = 8192
"""Of one message; RFC 5424 asks for 2048."""
MOST_SENDERS: Final = 64
MOST_CONNECTIONS: Final = 64
MOST_PER_SECOND: Final = 10_000
"""Messages of one sender."""
_DATAGRAM_BYTES: Final = 65_535
_FREE_PORT_TRIES: Final = 16
_RECEIVE_BYTES: Final = 64 << 20
"""What the kernel may hold for the UDP socket: some 80,000 short messages."""
# Linux, asm-generic/socket.h and linux/sock_diag.h: beyond the limit of the system, for root; and
# nine counters of a socket, the last of which is what was dropped; and when a datagram came.
_FORCE_RECEIVE_BYTES: Final = 33
_SOCKET_COUNTERS: Final = 55
_COUNTERS: Final = struct.Struct("=9I")
_TELL_ARRIVALS: Final = 35
_ARRIVAL: Final = struct.Struct("@ll")
_ARRIVAL_BYTES: Final = socket.CMSG_SPACE(_ARRIVAL.size)
_POLL_S: Final = 1.0
_AT_ONCE: Final = 512
_IDLE_S: Final = 600.0
_NO_ROOM: Final = "dropped by the kernel, whoever sent it: no room in the buffer of the socket"
_MANY_SENDERS: Final = f"dropped: more than {MOST_SENDERS} senders"
_MANY_CONNECTIONS: Final = f"a TCP connection was closed: more than {MOST_CONNECTIONS} at once"
_LONG: Final = f"cut: a message of more than {MOST_BYTES:,} bytes"
_COUNTED: Final = re.compile(rb"([1-9]\d{0,5}) ")


class SyslogListener:
    """One port, UDP and TCP."""

    kind = "syslog"
    remote = True

    def __init__(self, host: str, port: int) -> None:
        """`port` 0 takes any that is free."""
        self.name = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self.feed = Feed()
        self.port = port
        self._host = host
        self._selector = selectors.DefaultSelector()
        self._udp: socket.socket | None = None
        self._udp_dropped = 0
        self._tcp: socket.socket | None = None
        self._connections: dict[socket.socket, _Connection] = {}
        self._senders: dict[str, dict[int, _Bucket]] = {}
        """Of each sender: how much may still come over UDP and TCP, whose clocks are others."""
        self._waker, self._wake = socket.socketpair()
        self._selector.register(self._wake, selectors.EVENT_READ)
        self._reading = Reading(self.feed, self._run, f"syslog-{port}")

    def start(self) -> None:
        """Listen. Raises SourceError where the port cannot be had."""
        try:
            self._udp, self._tcp = self._listening()
        except OSError as error:
            self._release()
            hint = "ports below 1024 are for root" if isinstance(error, PermissionError) else ""
            message = f"cannot listen on {self.name}: {error.strerror or error}"
            raise SourceError(message, hint) from error
        self.port = int(self._udp.getsockname()[1])
        for listener in (self._udp, self._tcp):
            listener.setblocking(False)
            self._selector.register(listener, selectors.EVENT_READ)
        self.feed.tell(SourceState.OPEN)
        self._reading.start()

    def _listening(self) -> tuple[socket.socket, socket.socket]:
        """Sockets on one port. Raises OSError."""
        for _ in range(0 if self.port else _FREE_PORT_TRIES - 1):
            # A port that is free for UDP may be taken for TCP.
            with contextlib.suppress(OSError):
                return self._pair()
        return self._pair()

    def _pair(self) -> tuple[socket.socket, socket.socket]:
        found = socket.getaddrinfo(self._host, self.port, type=socket.SOCK_DGRAM)
        family, _, _, _, address = found[0]
        with contextlib.ExitStack() as undo:
            udp = undo.enter_context(socket.socket(family, socket.SOCK_DGRAM))
            _let_hold(udp, _RECEIVE_BYTES)
            with contextlib.suppress(OSError):
                udp.setsockopt(socket.SOL_SOCKET, _TELL_ARRIVALS, 1)
            udp.bind(address)
            tcp = undo.enter_context(socket.socket(family, socket.SOCK_STREAM))
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tcp.bind((address[0], udp.getsockname()[1], *address[2:]))
            tcp.listen(socket.SOMAXCONN)
            undo.pop_all()
            return udp, tcp

    def stop(self) -> None:
        """Ask it to stop; returns at once."""
        self.feed.stopping.set()
        with contextlib.suppress(OSError):
            self._waker.send(b"x")

    def close(self, timeout_s: float) -> None:
        """Wait until it has stopped."""
        self.stop()
        self._reading.close(timeout_s)
        self._release()

    def _release(self) -> None:
        for each in [*self._connections, self._udp, self._tcp, self._wake, self._waker]:
            if each is not None:
                each.close()
        self._connections.clear()
        self._udp = self._tcp = None
        self._selector.close()

    # --- the thread ------------------------------------------------------------------------

    def _run(self) -> None:
        while not self.feed.stopping.is_set():
            for key, _ in self._selector.select(_POLL_S):
                if key.fileobj is self._udp:
                    self._datagrams(self._udp)
                elif key.fileobj is self._tcp:
                    self._accept(self._tcp)
                elif key.fileobj in self._connections:
                    self._receive(key.fileobj)
            if self._udp is not None:
                self._count_dropped(self._udp)
            self._forget_idle()

    def _datagrams(self, udp: socket.socket) -> None:
        for _ in range(_AT_ONCE):
            try:
                data, beside, _, address = udp.recvmsg(_DATAGRAM_BYTES, _ARRIVAL_BYTES)
            except OSError:
                return
            self._message(str(address[0]), data, socket.SOCK_DGRAM, _arrived_s(beside))

    def _count_dropped(self, udp: socket.socket) -> None:
        """Count what the kernel had no room for."""
        dropped = _dropped_by_kernel(udp)
        if dropped is not None and dropped != self._udp_dropped:
            # A counter of 32 bits.
            self.feed.lose(_NO_ROOM, dropped=(dropped - self._udp_dropped) % (1 << 32))
            self._udp_dropped = dropped

    def _accept(self, tcp: socket.socket) -> None:
        try:
            connection, address = tcp.accept()
        except OSError:
            return
        if len(self._connections) >= MOST_CONNECTIONS:
            least = self._least_missed()
            self._receive(least)  # what it has said is not lost
            if least in self._connections:
                self._drop(least)
                self.feed.lose(_MANY_CONNECTIONS, dropped=1)
        connection.setblocking(False)
        self._selector.register(connection, selectors.EVENT_READ)
        self._connections[connection] = _Connection(str(address[0]), monotonic())

    def _receive(self, connection: socket.socket) -> None:
        state = self._connections[connection]
        try:
            data = connection.recv(_DATAGRAM_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        state.heard_s = monotonic()
        messages, lost = state.take(data)
        for message in messages:
            self._message(state.sender, message, socket.SOCK_STREAM, state.heard_s)
        if lost:
            self.feed.lose(_LONG, dropped=lost, sender=_plain(state.sender))
        if not data:
            self._drop(connection)

    def _drop(self, connection: socket.socket) -> None:
        self._selector.unregister(connection)
        del self._connections[connection]
        connection.close()

    def _least_missed(self) -> socket.socket:
        """The connection silent for longest, of the sender who has most of them."""
        held = Counter(state.sender for state in self._connections.values())

        def missed(connection: socket.socket) -> tuple[int, float]:
            state = self._connections[connection]
            return -held[state.sender], state.heard_s

        return min(self._connections, key=missed)

    def _forget_idle(self) -> None:
        now_s = monotonic()
        for connection, state in list(self._connections.items()):
            if now_s - state.heard_s > _IDLE_S:
                self._drop(connection)

    def _message(self, sender: str, data: bytes, transport: int, at_s: float) -> None:
        sender = _plain(sender)
        buckets = self._senders.get(sender)
        if buckets is None:
            if len(self._senders) >= MOST_SENDERS:
                self.feed.lose(_MANY_SENDERS, dropped=1)
                return
            buckets = self._senders[sender] = {}
        bucket = buckets.get(transport)
        if bucket is None:
            bucket = buckets[transport] = _Bucket(at_s)
        if not bucket.may_pass(at_s):
            why = f"dropped: more than {MOST_PER_SECOND:,} messages a second from one sender"
            self.feed.lose(why, dropped=1, sender=sender)
            return
        text = line_of(data)
        if text:
            self.feed.offer(Line(sender, text))


def _let_hold(udp: socket.socket, size: int) -> None:
    """Let the kernel hold so many bytes, or as many as the system allows."""
    for option in (socket.SO_RCVBUF, _FORCE_RECEIVE_BYTES):
        with contextlib.suppress(OSError):
            udp.setsockopt(socket.SOL_SOCKET, option, size)


def _dropped_by_kernel(udp: socket.socket) -> int | None:
    """Datagrams that a socket had no room for, modulo 2**32; None where the system tells none."""
    try:
        told = udp.getsockopt(socket.SOL_SOCKET, _SOCKET_COUNTERS, _COUNTERS.size)
    except OSError:
        return None
    return int(_COUNTERS.unpack(told)[-1]) if len(told) == _COUNTERS.size else None


def _arrived_s(beside: Sequence[tuple[int, int, bytes]]) -> float:
    """When a datagram came to this machine, by the kernel's clock, else by one of our own.

    A flood is worked off when there is time for it: when it came is something else.
    """
    for level, kind, told in beside:
        known = (level, kind, len(told)) == (socket.SOL_SOCKET, _TELL_ARRIVALS, _ARRIVAL.size)
        if known:
            seconds, nanoseconds = _ARRIVAL.unpack(told)
            return float(seconds + nanoseconds / 1e9)
    return monotonic()


def line_of(data: bytes) -> str:
    """A message as a line of a log file; what is beyond MOST_BYTES is cut."""
    text = data[:MOST_BYTES].decode("utf-8", "replace").rstrip("\r\n\0 ")
    # A message is one line, whatever its sender puts in it.
    text = text.replace("\r\n", " ").replace("\n", " ").replace("\0", " ")
    return plain_line(text)


class _Connection(Struct):
    """One TCP sender: its bytes that are no message yet."""

    sender: str
    heard_s: float
    rest: bytes = b""
    skip: int = 0
    """Bytes of a message that is too long, still to come."""
    skip_line: bool = False
    """The rest of a line that is too long is still to come."""

    def take(self, data: bytes) -> tuple[list[bytes], int]:
        """Whole messages, and how many had to be cut; empty `data` is the end."""
        rest = self.rest + data
        messages: list[bytes] = []
        lost = 0
        while rest:
            if self.skip:
                step = min(self.skip, len(rest))
                rest, self.skip = rest[step:], self.skip - step
                continue
            if self.skip_line:
                _, ended, rest = rest.partition(b"\n")
                self.skip_line = not ended
                continue
            counted = _COUNTED.match(rest)
            if counted is not None:
                size, start = int(counted[1]), counted.end()
                if size > MOST_BYTES and len(rest) >= start + MOST_BYTES:
                    messages.append(rest[start : start + MOST_BYTES])
                    rest, self.skip, lost = rest[start:], size, lost + 1
                elif len(rest) >= start + size:
                    messages.append(rest[start : start + size])
                    rest = rest[start + size :].removeprefix(b"\n")
                else:
                    break
                continue
            line, ended, behind = rest.partition(b"\n")
            if not ended and len(line) <= MOST_BYTES and data:
                break
            if len(line) > MOST_BYTES:
                lost, self.skip_line = lost + 1, not ended
            messages.append(line)
            rest = behind
        self.rest = rest if data else b""
        return [message for message in messages if message], lost


class _Bucket:
    """So many messages a second, and as many at once."""

    def __init__(self, at_s: float) -> None:
        self._left = float(MOST_PER_SECOND)
        self._at_s = at_s

    def may_pass(self, at_s: float) -> bool:
        """Whether another one may, which came then."""
        passed_s = max(0.0, at_s - self._at_s)
        self._left = min(MOST_PER_SECOND, self._left + passed_s * MOST_PER_SECOND)
        self._at_s = at_s
        if self._left < 1:
            return False
        self._left -= 1
        return True


def _plain(address: str) -> str:
    """An address as others write it: an IPv4 one that comes over IPv6 is IPv4."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    mapped = getattr(parsed, "ipv4_mapped", None)
    return str(mapped or parsed)
