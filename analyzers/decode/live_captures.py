"""A capture that grows: what its source has read becomes whole blocks, and these observations."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Final

from analyzers.decode.captures import CaptureBatch, CaptureReader
from analyzers.model.records import Problem, ProblemKind, SourceInfo
from analyzers.model.time import NS_PER_SECOND
from analyzers.sources.feed import CapturedOn, Piece, Restart
from analyzers.wire.block_cutter import BlockCutter
from analyzers.wire.pcapng import SECTION_HEADER

_CHUNK_BYTES: Final = 1 << 20
# ssh and buffers hold packets back this long; an answer may be among them.
_STALL_NS: Final = NS_PER_SECOND


class _Growing:
    """Bytes that are there by now, as a stream."""

    damage = None

    def __init__(self) -> None:
        self.position = 0
        self._data = b""
        self._start = 0

    def give(self, data: bytes) -> None:
        """More of the stream; what was given before is read by then, or is kept."""
        self._data = self._data[self._start :] + data
        self._start = 0

    def read_into(self, view: memoryview) -> int:
        """Fill `view` as far as possible; 0 where there is nothing now."""
        count = min(len(view), len(self._data) - self._start)
        view[:count] = memoryview(self._data)[self._start : self._start + count]
        self._start += count
        self.position += count
        return count


class LiveCapture:
    """Decodes one capture source, without ever waiting."""

    def __init__(self, info: SourceInfo, ports: frozenset[int], *, local_clock: bool) -> None:
        """`local_clock`: the packets are stamped by this machine, as the caller's time is."""
        self.info = info
        self._local_clock = local_clock
        self._cutter = BlockCutter()
        self._stream = _Growing()
        head = struct.pack("<I", SECTION_HEADER)
        self._reader = CaptureReader(
            self._stream, head, info, ports, _CHUNK_BYTES, growing=True, local_clock=local_clock
        )
        self._read_at_ns: int | None = None
        """When the latest packet was read, on the caller's clock."""

    @property
    def damage(self) -> str:
        """Why nothing more of this stream can be read; empty while it can."""
        return self._cutter.damage

    def take(self, pieces: Sequence[Piece], now_ns: int) -> tuple[bytes, list[CaptureBatch]]:
        """The whole blocks of what was read, and what is in them."""
        made: list[bytes] = []
        for piece in pieces:
            if isinstance(piece, bytes):
                made.append(self._cutter.feed(piece))
            elif isinstance(piece, Restart):
                self._break_off()
            elif isinstance(piece, CapturedOn):
                self._cutter.addresses = piece.addresses
        blocks = b"".join(made)
        if not blocks:
            return blocks, []
        packets = self.info.packets
        self._stream.give(blocks)
        batches = list(self._batches())
        if self.info.packets > packets:
            self._read_at_ns = now_ns
        return blocks, batches

    def end(self) -> list[CaptureBatch]:
        """Nothing more comes."""
        self._break_off()
        self._reader.end()
        return list(self._batches())

    def event_ns(self, now_ns: int) -> int:
        """The time of the source: the caller's, or that of its latest packet and what passed since.

        A capture that is piped in from elsewhere has the clock of that machine.
        """
        last_ns = self.info.last_ns
        if self._local_clock or last_ns is None or self._read_at_ns is None:
            return now_ns
        return last_ns + max(0, now_ns - self._read_at_ns)

    def watched_ns(self, now_ns: int) -> int:
        """Up to when it would have shown what came by; a pipe may stall without anybody knowing."""
        last_ns = self.info.last_ns
        if self._local_clock or last_ns is None:
            return now_ns
        return max(last_ns, self.event_ns(now_ns) - _STALL_NS)

    def _batches(self) -> Iterator[CaptureBatch]:
        while (batch := self._reader.read()) is not None:
            yield batch

    def _break_off(self) -> None:
        damage = self._cutter.damage
        lost = self._cutter.restart()
        if damage:
            self.info.note(Problem(ProblemKind.BAD_BLOCK, damage))
        elif lost:
            text = "the stream broke off inside a packet"
            self.info.note(Problem(ProblemKind.TRUNCATED_TAIL, text))
