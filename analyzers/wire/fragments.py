"""Reassembly of IPv4 and IPv6 fragments, bounded in datagrams, bytes, pieces and event time.

Fragments of datagrams that cannot matter are recognised by their first fragment and cost no
memory; of ESP and AH only the header is kept. The first of overlapping fragments wins.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from enum import StrEnum
from typing import Final

from msgspec import Struct, field

from analyzers.model.time import NS_PER_SECOND
from analyzers.wire.ip import AH, ESP, IpPacket

# What the receivers allow: RFC 8200 section 4.5 gives 60 s, Linux 30 s.
MAX_AGE_NS: Final = 30 * NS_PER_SECOND
# Incomplete datagrams at a time. Fragments of one datagram follow each other at once, so this many
# senders may interleave.
MAX_DATAGRAMS: Final = 256
# Copies that a mirror makes of fragments follow the originals within this.
MAX_ECHO_NS: Final = NS_PER_SECOND
MAX_BYTES: Final = 4 << 20
# 64 KiB in fragments of the smallest MTU an IPv4 link may have with some sense (576) are 119.
MAX_PIECES: Final = 256
MAX_DATAGRAM_BYTES: Final = 65535
# Keys remembered without content: datagrams of no interest, and those just completed.
MAX_KNOWN_KEYS: Final = 1024
# Of ESP and AH, no more than the SPI and the sequence number is of use.
_HEADER_ONLY_BYTES: Final = 16

Key = tuple[bytes, bytes, int, int]


class Whole(Struct):
    """A reassembled datagram."""

    payload: bytes
    """What was captured of it, up to the first byte that was not."""
    length: int
    """Bytes on the wire."""
    protocol: int
    """As the first fragment says."""


class LossCause(StrEnum):
    """Why a datagram was given up."""

    AGE = "age"
    LIMIT = "limit"
    END = "end"


class LostDatagram(Struct):
    """A datagram that was given up; `head` is empty if its first fragment was not seen."""

    src: bytes
    dst: bytes
    protocol: int
    head: bytes
    length: int
    """Bytes on the wire as far as known."""
    fragments: int
    first_ns: int
    first_record: int
    cause: LossCause


class _Open(Struct):
    protocol: int
    first_ns: int
    first_record: int
    echo: bool
    """Its datagram was completed just before: these are copies that the capture made."""
    starts: list[int] = field(default_factory=list)
    pieces: list[tuple[int, bytes]] = field(default_factory=list)
    """(end on the wire, captured bytes) for each of `starts`, ascending, not overlapping."""
    fragments: int = 0
    held_bytes: int = 0
    total: int | None = None

    def is_complete(self) -> bool:
        position = 0
        for start, (end, _) in zip(self.starts, self.pieces, strict=True):
            if start != position:
                return False
            position = end
        return position == self.total

    def captured_prefix(self) -> bytes:
        parts: list[bytes] = []
        position = 0
        for start, (end, captured) in zip(self.starts, self.pieces, strict=True):
            if start != position:
                break
            parts.append(captured)
            if len(captured) < end - start:
                break
            position = end
        return b"".join(parts)

    def insert(self, start: int, end: int, captured: bytes) -> bool:
        """Add what is not covered yet; False if it overlaps a part of what is."""
        place = bisect_right(self.starts, start)
        if place and self.pieces[place - 1][0] > start:
            covered = self.pieces[place - 1][0]
            if covered >= end:
                # Nothing new: a copy, unless it is shorter than what it repeats.
                return self.starts[place - 1] == start and covered == end
            self._add(place, covered, end, captured[covered - start :])
            return False
        return self._add(place, start, end, captured)

    def _add(self, place: int, start: int, end: int, captured: bytes) -> bool:
        clean = True
        if place < len(self.starts) and self.starts[place] < end:
            # What lies behind the next piece is given up: no sender makes such fragments.
            end, clean = self.starts[place], False
            captured = captured[: end - start]
        if end > start:
            self.starts.insert(place, start)
            self.pieces.insert(place, (end, captured))
            self.held_bytes += len(captured)
        return clean


class Reassembler:
    """All incomplete datagrams of one capture. State depends only on the order of calls."""

    def __init__(self, is_wanted: Callable[[int, bytes], bool]) -> None:
        """`is_wanted` judges a protocol number and the captured head of a first fragment."""
        self._is_wanted = is_wanted
        self._open: dict[Key, _Open] = {}
        self._unwanted: dict[Key, None] = {}
        self._completed: dict[Key, int] = {}
        self._held_bytes = 0
        self._lost: list[LostDatagram] = []
        self.overlaps = 0
        """Fragments that overlapped others; the caller resets it."""
        self.bad_lengths = 0
        """Fragments with impossible lengths, ignored; the caller resets it."""

    @property
    def held_bytes(self) -> int:
        """Captured bytes held at present."""
        return self._held_bytes

    def add(self, packet: IpPacket, captured: bytes, at_ns: int, record: int) -> Whole | None:
        """Take one fragment; its datagram if that is now complete.

        `captured` is the payload of `packet`, which must be a fragment.
        """
        part = packet.fragment
        assert part is not None
        self._expire(at_ns)
        ident_scope = -1 if packet.is_ipv6 else packet.protocol
        key = (packet.src, packet.dst, part.ident, ident_scope)
        length = packet.end - packet.start
        end = part.offset + length
        if length <= 0 or end > MAX_DATAGRAM_BYTES or (part.more and length % 8):
            self.bad_lengths += 1
            return None
        if part.offset == 0:
            if not self._is_wanted(packet.protocol, captured):
                self._forget(key)
                return None
            self._unwanted.pop(key, None)
        elif key in self._unwanted:
            return None
        entry = self._open.get(key)
        if entry is None:
            age_ns = at_ns - self._completed.get(key, at_ns - MAX_AGE_NS)
            entry = _Open(packet.protocol, at_ns, record, echo=age_ns <= MAX_ECHO_NS)
            self._open[key] = entry
        if part.offset == 0:
            entry.protocol = packet.protocol  # IPv6: only the first fragment's counts
        self._store(entry, part.offset, end, captured[:length], last=not part.more)
        if entry.total is not None and entry.is_complete():
            return self._complete(key, entry, at_ns)
        if entry.fragments > MAX_PIECES:
            self._give_up(key, LossCause.LIMIT)
        while self._held_bytes > MAX_BYTES or len(self._open) > MAX_DATAGRAMS:
            self._give_up(next(iter(self._open)), LossCause.LIMIT)
        return None

    def _store(self, entry: _Open, start: int, end: int, captured: bytes, *, last: bool) -> None:
        if last and entry.total is None:
            entry.total = end
        if entry.protocol in (ESP, AH):
            captured = captured[:_HEADER_ONLY_BYTES] if start == 0 else b""
        before = entry.held_bytes
        entry.fragments += 1
        if not entry.insert(start, end, captured):
            self.overlaps += 1
        self._held_bytes += entry.held_bytes - before

    def _complete(self, key: Key, entry: _Open, at_ns: int) -> Whole:
        assert entry.total is not None
        self._remove(key)
        self._completed.pop(key, None)
        self._completed[key] = at_ns
        if len(self._completed) > MAX_KNOWN_KEYS:
            del self._completed[next(iter(self._completed))]
        return Whole(entry.captured_prefix(), entry.total, entry.protocol)

    def _remove(self, key: Key) -> _Open:
        entry = self._open.pop(key)
        self._held_bytes -= entry.held_bytes
        return entry

    def _forget(self, key: Key) -> None:
        if key in self._open:
            self._remove(key)
        self._unwanted[key] = None
        if len(self._unwanted) > MAX_KNOWN_KEYS:
            del self._unwanted[next(iter(self._unwanted))]

    def _expire(self, at_ns: int) -> None:
        while self._open:
            key, entry = next(iter(self._open.items()))
            if at_ns - entry.first_ns <= MAX_AGE_NS:
                return
            self._give_up(key, LossCause.AGE)

    def _give_up(self, key: Key, cause: LossCause) -> None:
        entry = self._remove(key)
        if entry.echo:
            return
        length = entry.total or max((end for end, _ in entry.pieces), default=0)
        self._lost.append(
            LostDatagram(
                key[0],
                key[1],
                entry.protocol,
                entry.captured_prefix()[:_HEADER_ONLY_BYTES],
                length,
                entry.fragments,
                entry.first_ns,
                entry.first_record,
                cause,
            )
        )

    def finish(self) -> None:
        """Give up everything that is still incomplete."""
        while self._open:
            self._give_up(next(iter(self._open)), LossCause.END)

    def take_lost(self) -> list[LostDatagram]:
        """What was given up since the last call; call it after every `add`."""
        lost, self._lost = self._lost, []
        return lost
