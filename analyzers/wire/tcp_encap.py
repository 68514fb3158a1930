"""IKE and ESP in TCP (RFC 8229, RFC 9329): byte streams back to messages, one per direction.

A stream starts with `IKETCP` (originator only), then come messages behind a 16-bit length that
counts itself. Where a capture starts inside a stream, or loses a part of it, the framing is found
again by trial and only believed once it is verified.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final

from msgspec import Struct, field

from analyzers.model.time import NS_PER_SECOND
from analyzers.wire.tcp_framing import (
    LENGTH_BYTES,
    STREAM_PREFIX,
    find_esp,
    find_ike,
    is_message,
    reach,
)

# Directions of connections known at a time; the longest unused one is forgotten first.
MAX_STREAMS: Final = 4096
# Bytes held for all of them together.
MAX_HELD_BYTES: Final = 8 << 20
# Segments ahead of a hole: more than a fast retransmission needs to fill it. A hole that is still
# there was made by the capture.
MAX_WAITING_SEGMENTS: Final = 64
MAX_WAITING_BYTES: Final = 256 << 10
MAX_WAITING_NS: Final = NS_PER_SECOND
# Further from what is expected than any window: another connection, or a long hole.
MAX_JUMP_BYTES: Final = 16 << 20
# Bytes in which the framing is looked for; then a stream carries something else.
MAX_SEARCH_BYTES: Final = 512 << 10
# While searching: the longest message twice.
_SEARCH_WINDOW_BYTES: Final = 2 * 65535
# Places that may start a message and are followed until something speaks against them.
_MAX_CANDIDATES: Final = 8
# Looking for ESP packets costs as much for one new byte as for many.
_COMPARE_STEP_BYTES: Final = 128
# What a waiting segment costs beside its payload.
_SEGMENT_OVERHEAD_BYTES: Final = 256
_HOLE_OVERHEAD_BYTES: Final = 128

_SYN, _RST, _ACK = 0x02, 0x04, 0x10
Address = tuple[bytes, bytes, int, int]
"""Source and destination address, source and destination port: one direction."""


class TcpSegment(Struct):
    """One TCP segment; `payload` is what was captured of `length` bytes."""

    direction: Address
    sequence: int
    acknowledgment: int
    flags: int
    payload: bytes
    length: int
    at_ns: int
    record: int


class TcpMessage(Struct):
    """One message of a stream and where it became readable."""

    direction: Address
    payload: bytes
    """Without the length; starts with the non-ESP marker if it is IKE."""
    length: int
    """Bytes on the wire."""
    at_ns: int
    record: int


class _State(Enum):
    START = auto()
    """The prefix may come."""
    FRAMED = auto()
    SEARCHING = auto()
    FOREIGN = auto()
    """Something else than IKE in TCP, until the next SYN."""


class _Stream(Struct):
    next_sequence: int
    state: _State = _State.START
    initial_sequence: int | None = None
    buffer: bytearray = field(default_factory=bytearray)
    holes: list[tuple[int, int]] = field(default_factory=list)
    """(start, end) in `buffer` of bytes that the snap length cut off."""
    candidates: list[tuple[int, int]] = field(default_factory=list)
    """(start of a segment in `buffer`, end of the believable messages that follow it)."""
    waiting: dict[int, TcpSegment] = field(default_factory=dict)
    waiting_bytes: int = 0
    waiting_since_ns: int = 0
    scanned: int = 0
    """Up to here no IKE message starts."""
    compared: int = 0
    """Size of the buffer when ESP packets were last looked for."""
    searched_bytes: int = 0

    @property
    def held_bytes(self) -> int:
        return len(self.buffer) + self.waiting_bytes + len(self.holes) * _HOLE_OVERHEAD_BYTES

    def lowest_waiting(self) -> int:
        return min(self.waiting, key=lambda sequence: _distance(sequence, self.next_sequence))

    def drop(self, count: int) -> None:
        """Forget the first bytes of the buffer."""
        del self.buffer[:count]
        if self.holes:
            self.holes = [(max(a - count, 0), b - count) for a, b in self.holes if b > count]
        self.scanned = max(self.scanned - count, 0)
        self.compared = max(self.compared - count, 0)
        self.candidates = [(a - count, b - count) for a, b in self.candidates if a >= count]


def _distance(sequence: int, reference: int) -> int:
    """How far ahead a sequence number is, negative if behind (RFC 9293 section 3.4)."""
    return ((sequence - reference + 0x80000000) & 0xFFFFFFFF) - 0x80000000


class TcpStreams:
    """All streams of one capture. State depends only on the order of segments."""

    def __init__(self) -> None:
        self._streams: dict[Address, _Stream] = {}
        self._held_bytes = 0
        self._gaps: list[str] = []

    @property
    def held_bytes(self) -> int:
        """Payload bytes held at present."""
        return self._held_bytes

    def take_gaps(self) -> list[str]:
        """Descriptions of gaps since the last call; at most a few a segment."""
        gaps, self._gaps = self._gaps, []
        return gaps

    def is_foreign(self, direction: Address) -> bool:
        """Whether a direction carries something else."""
        stream = self._streams.get(direction)
        return stream is not None and stream.state is _State.FOREIGN

    def add(self, segment: TcpSegment) -> list[TcpMessage]:
        """Take one segment; all messages that it makes readable."""
        found: list[TcpMessage] = []
        if segment.flags & _ACK:
            self._acknowledge(segment, found)
        direction = segment.direction
        if segment.flags & _RST:
            self._remove(direction)
            return found
        stream = self._streams.pop(direction, None)
        held = stream.held_bytes if stream else 0
        if segment.flags & _SYN:
            stream = _after_syn(stream, segment)
        elif stream is None:
            if not segment.length:
                return found
            stream = _Stream(segment.sequence)
        self._streams[direction] = stream  # last: most recently used
        if segment.length and stream.state is not _State.FOREIGN:
            self._take(stream, segment, found)
        self._held_bytes += stream.held_bytes - held
        while len(self._streams) > MAX_STREAMS or self._held_bytes > MAX_HELD_BYTES:
            oldest = next(iter(self._streams))
            if self._streams[oldest].held_bytes:
                self._gaps.append("too many TCP streams at a time; a part of one is lost")
            self._remove(oldest)
        return found

    def finish(self) -> list[TcpMessage]:
        """What lies behind holes that were never filled."""
        found: list[TcpMessage] = []
        for stream in self._streams.values():
            while stream.waiting:
                last = stream.waiting[next(reversed(stream.waiting))]
                self._skip_hole(stream, last, found)
        self._streams.clear()
        self._held_bytes = 0
        return found

    def _remove(self, direction: Address) -> None:
        stream = self._streams.pop(direction, None)
        if stream is not None:
            self._held_bytes -= stream.held_bytes

    def _acknowledge(self, segment: TcpSegment, found: list[TcpMessage]) -> None:
        """What the receiver acknowledges beyond a hole, only the capture has missed."""
        src, dst, sport, dport = segment.direction
        other = self._streams.get((dst, src, dport, sport))
        if other is None or not other.waiting:
            return
        held = other.held_bytes
        while other.waiting and (
            _distance(segment.acknowledgment, other.lowest_waiting()) > 0
            and _distance(other.lowest_waiting(), other.next_sequence) > 0
        ):
            self._skip_hole(other, segment, found)
        self._held_bytes += other.held_bytes - held

    def _take(self, stream: _Stream, segment: TcpSegment, found: list[TcpMessage]) -> None:
        ahead = _distance(segment.sequence, stream.next_sequence)
        if abs(ahead) > MAX_JUMP_BYTES:
            self._lose(stream, "a TCP stream jumps; the bytes between were not captured")
            stream.waiting.clear()
            stream.waiting_bytes = 0
            stream.next_sequence = segment.sequence
            ahead = 0
        if ahead <= 0:
            self._consume(stream, segment, segment, found)
            self._drain(stream, segment, found)
            return
        known = stream.waiting.get(segment.sequence)
        if known is not None and known.length >= segment.length:
            return
        if not stream.waiting:
            stream.waiting_since_ns = segment.at_ns
        stream.waiting[segment.sequence] = segment
        stream.waiting_bytes += _cost(segment) - (_cost(known) if known else 0)
        while stream.waiting and (
            len(stream.waiting) > MAX_WAITING_SEGMENTS
            or stream.waiting_bytes > MAX_WAITING_BYTES
            or segment.at_ns - stream.waiting_since_ns > MAX_WAITING_NS
        ):
            self._skip_hole(stream, segment, found)

    def _skip_hole(self, stream: _Stream, now: TcpSegment, found: list[TcpMessage]) -> None:
        lowest = stream.lowest_waiting()
        missing = _distance(lowest, stream.next_sequence)
        if missing > 0:
            self._lose(stream, "a part of a TCP stream was not captured")
            stream.next_sequence = lowest
        self._drain(stream, now, found)

    def _lose(self, stream: _Stream, detail: str) -> None:
        self._gaps.append(detail)
        stream.drop(len(stream.buffer))
        stream.state = _State.SEARCHING

    def _drain(self, stream: _Stream, now: TcpSegment, found: list[TcpMessage]) -> None:
        while stream.waiting:
            lowest = stream.lowest_waiting()
            if _distance(lowest, stream.next_sequence) > 0:
                stream.waiting_since_ns = stream.waiting[lowest].at_ns
                return
            segment = stream.waiting.pop(lowest)
            stream.waiting_bytes -= _cost(segment)
            self._consume(stream, segment, now, found)

    def _consume(
        self, stream: _Stream, segment: TcpSegment, now: TcpSegment, found: list[TcpMessage]
    ) -> None:
        """Append what is new of a segment that starts at or before what is expected."""
        skip = -_distance(segment.sequence, stream.next_sequence)
        if skip >= segment.length:
            return  # retransmitted, or a TCP keepalive
        start = len(stream.buffer)
        stream.candidates.append((start, start))
        stream.buffer += segment.payload[skip:]
        captured_end = len(stream.buffer)
        end = start + segment.length - skip
        if captured_end < end:
            stream.holes.append((captured_end, end))
            stream.buffer += bytes(end - captured_end)
        stream.next_sequence = (stream.next_sequence + segment.length - skip) & 0xFFFFFFFF
        if stream.state is _State.START:
            _start(stream)
        if stream.state is _State.SEARCHING:
            _search(stream)
        if stream.state is _State.FRAMED and not _frame(stream, segment.direction, now, found):
            stream.state = _State.SEARCHING
            self._gaps.append("the framing of a TCP stream is lost")


def _cost(segment: TcpSegment) -> int:
    return len(segment.payload) + _SEGMENT_OVERHEAD_BYTES


def _frame(stream: _Stream, direction: Address, now: TcpSegment, found: list[TcpMessage]) -> bool:
    """Take all complete messages off the buffer; False where what follows is none."""
    buffer, position, believable = stream.buffer, 0, True
    holes = iter(stream.holes)
    hole = next(holes, None)
    while position + LENGTH_BYTES <= len(buffer):
        while hole is not None and hole[1] <= position:
            hole = next(holes, None)
        start = position + LENGTH_BYTES
        end = position + (buffer[position] << 8 | buffer[position + 1])
        cut_at = min(end, hole[0]) if hole is not None else end
        if cut_at < start:
            believable = False
            break
        if end > len(buffer):
            break
        payload = bytes(buffer[start:cut_at])
        if not is_message(payload, end - start):
            believable = False
            break
        found.append(TcpMessage(direction, payload, end - start, now.at_ns, now.record))
        position = end
    stream.drop(position)
    if believable:
        stream.candidates.clear()
    else:
        # One of the segments after the damage may start with a message.
        stream.candidates = [(a, a) for a, _ in stream.candidates if a > 0]
        stream.scanned, stream.compared = 1, 0
    return believable


def _after_syn(stream: _Stream | None, segment: TcpSegment) -> _Stream:
    if stream is not None and stream.initial_sequence == segment.sequence:
        return stream
    following = (segment.sequence + 1) & 0xFFFFFFFF
    segment.sequence = following  # data in a SYN comes after it
    return _Stream(following, initial_sequence=(following - 1) & 0xFFFFFFFF)


def _start(stream: _Stream) -> None:
    head = bytes(stream.buffer[: len(STREAM_PREFIX)])
    if head == STREAM_PREFIX:
        stream.drop(len(STREAM_PREFIX))
        stream.state = _State.FRAMED
    elif not STREAM_PREFIX.startswith(head):
        stream.state = _State.SEARCHING


def _search(stream: _Stream) -> None:
    """Find where a message starts and drop what is before it, or wait for more bytes.

    Believed are: the stream prefix; the marker and an IKE header whose length agrees with the
    framing; two ESP packets of one SA in a row; messages from the start of a segment on that end
    exactly where the bytes end.
    """
    buffer = stream.buffer
    best, stream.scanned = find_ike(buffer, stream.scanned)
    if best < 0 and len(buffer) - stream.compared >= _COMPARE_STEP_BYTES:
        best = find_esp(buffer)
        stream.compared = len(buffer)
    alive: list[tuple[int, int]] = []
    for start, reached in stream.candidates[-_MAX_CANDIDATES:]:
        if buffer.startswith(STREAM_PREFIX, start):
            start = reached = start + len(STREAM_PREFIX)
            complete = True
        else:
            reached = reach(buffer, reached)
            complete = reached == len(buffer)
        if complete and (best < 0 or start < best):
            best = start
        if reached >= 0:
            alive.append((start, reached))
    stream.candidates = alive
    if best >= 0:
        stream.drop(best)
        stream.scanned = stream.compared = stream.searched_bytes = 0
        stream.state = _State.FRAMED
        return
    if len(buffer) > 2 * _SEARCH_WINDOW_BYTES:
        surplus = len(buffer) - _SEARCH_WINDOW_BYTES
        stream.drop(surplus)
        stream.searched_bytes += surplus
    if stream.searched_bytes > MAX_SEARCH_BYTES:
        stream.drop(len(buffer))
        stream.state = _State.FOREIGN
