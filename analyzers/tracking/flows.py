"""ESP flows: one direction of one Child SA each, folded into columns as packets go by.

Memory grows with the number of flows, never with the number of packets.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analyzers.model.time import NS_PER_MS
from analyzers.wire.columns import EspColumns
from analyzers.wire.frames import Int64Array

# A mirror port that sees both directions, or two capture points on one host, records a packet
# twice within this time; the fastest retransmission timers in use are 50 times as long.
DUPLICATE_NS: Final = 10 * NS_PER_MS

_HASH_FACTORS: Final = np.array(
    [0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5],
    dtype=np.uint64,
)
_CHECK_FACTORS: Final = np.array(
    [0xD6E8FEB86659FD93, 0xA5A5A5A5A5A5A5A7, 0xE7037ED1A0B428DB, 0x8EBC6AF09C88C6E3],
    dtype=np.uint64,
)
_SPI_FACTOR: Final = np.uint64(0xFF51AFD7ED558CCD)
_SEQUENCE_FACTOR: Final = np.uint64(0xC4CEB9FE1A85EC53)
# Sequence numbers are unwrapped to 64 bits; this keeps the flows of a batch apart in one scan.
_SEQUENCE_SPAN: Final = 1 << 40
_GROW: Final = 256


def sort_by_number(numbers: Int64Array, limit: int) -> NDArray[np.intp]:
    """Stable order of small numbers below `limit`; 16-bit ones are sorted by radix."""
    if limit <= 1 << 16:
        return np.argsort(numbers.astype(np.uint16), kind="stable")
    return np.argsort(numbers, kind="stable")


def segments(ordered: Int64Array) -> tuple[Int64Array, Int64Array]:
    """Starts of the runs of equal values, and for every row the number of its run."""
    changes = np.empty(len(ordered), np.bool_)
    changes[:1] = True
    np.not_equal(ordered[1:], ordered[:-1], out=changes[1:])
    return np.flatnonzero(changes), np.cumsum(changes) - 1


class FlowIdentity(NamedTuple):
    """What names a flow: ends, SPI, and the ports of its first packet (0 over IP)."""

    src: str
    dst: str
    spi: int
    sport: int
    dport: int
    first_ns: int
    row: int
    """Row of the batch that brought it."""
    record: int


@dataclass(slots=True)
class FlowRows:
    """The rows of a batch with their flows."""

    flow: Int64Array
    fresh: NDArray[np.bool_]
    """Sequence number above all before it: a proof that the sender lives (RFC 7296 2.4)."""
    duplicate: NDArray[np.bool_]
    """Recorded twice by the capture."""


class FlowTable:
    """All flows seen so far."""

    def __init__(self) -> None:
        self.count = 0
        self.identities: list[FlowIdentity] = []
        self._sorted_hash = np.empty(0, np.uint64)
        self._sorted_flow = np.empty(0, np.int64)
        self.check = np.empty(0, np.uint64)
        self.highest = np.empty(0, np.int64)
        self.lowest = np.empty(0, np.int64)
        self.packets = np.empty(0, np.int64)
        self.bytes = np.empty(0, np.int64)
        self.first_ns = np.empty(0, np.int64)
        self.last_ns = np.empty(0, np.int64)
        self.duplicates = 0
        self._recent: tuple[NDArray[np.uint64], Int64Array] = (
            np.empty(0, np.uint64),
            np.empty(0, np.int64),
        )

    def lookup(self, esp: EspColumns) -> tuple[Int64Array, list[int]]:
        """(n,) flow number of every row; and the numbers of flows that are new."""
        address = esp.address.view(np.uint64).reshape(-1, 4)
        spi = esp.spi.astype(np.uint64)
        spi_and_family = (spi << np.uint64(1)) | esp.ipv6
        hashed = address @ _HASH_FACTORS + spi_and_family * _SPI_FACTOR
        hashed ^= hashed >> np.uint64(29)
        check = address @ _CHECK_FACTORS + spi_and_family * _SEQUENCE_FACTOR
        flow = self._find(hashed, check)
        unknown = np.flatnonzero(flow < 0)
        if not len(unknown):
            return flow, []
        _, first = np.unique(hashed[unknown], return_index=True)
        rows = np.sort(unknown[first])
        new = [self._add(esp, int(row)) for row in rows]
        self._index(hashed[rows], check[rows], new)
        flow[unknown] = self._find(hashed[unknown], check[unknown])
        # Two flows with one hash: so rare that joining them by the first is accepted openly.
        flow[flow < 0] = new[0]
        return flow, new

    def fold(self, esp: EspColumns, flow: Int64Array) -> FlowRows:
        """Add the rows to their flows."""
        sequence = esp.sequence.astype(np.int64)
        order = sort_by_number(flow, self.count)
        sorted_flow = flow[order]
        starts, segment = segments(sorted_flow)
        owner = sorted_flow[starts]
        known = self.highest[owner]
        base = np.where(known >= 0, known, sequence[order][starts])[segment]
        half, whole = np.int64(1 << 31), np.int64(1 << 32)
        extended = base + ((sequence[order] - base + half) % whole) - half
        lifted = extended + segment * np.int64(_SEQUENCE_SPAN)
        top = np.maximum.accumulate(lifted) - segment * np.int64(_SEQUENCE_SPAN)
        before = np.empty_like(top)
        before[1:] = top[:-1]
        before[starts] = known
        before = np.maximum(before, known[segment])
        fresh_sorted = extended > before
        fresh = np.empty(len(flow), np.bool_)
        fresh[order] = fresh_sorted
        duplicate = self._duplicates(esp, flow, fresh)

        counted = ~duplicate
        touched = flow[counted]
        self.packets[: self.count] += np.bincount(touched, minlength=self.count)
        self.bytes[: self.count] += np.bincount(
            touched, weights=esp.length[counted], minlength=self.count
        ).astype(np.int64)
        ends = np.append(starts[1:], len(order)) - 1
        self.highest[owner] = np.maximum(known, top[ends])
        lowest = np.minimum.reduceat(extended, starts)
        earlier = self.lowest[owner]
        self.lowest[owner] = np.where(earlier < 0, lowest, np.minimum(earlier, lowest))
        self.last_ns[owner] = np.maximum(
            self.last_ns[owner], np.maximum.reduceat(esp.at_ns[order], starts)
        )
        return FlowRows(flow, fresh, duplicate)

    def missing(self, flow: int) -> int:
        """Sequence numbers inside the observed range that were not seen."""
        if self.packets[flow] == 0:
            return 0
        span = int(self.highest[flow] - self.lowest[flow]) + 1
        return max(0, span - int(self.packets[flow]))

    def _duplicates(
        self, esp: EspColumns, flow: Int64Array, fresh: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        """Rows that repeat flow and sequence number of a row at most DUPLICATE_NS before."""
        mixed = flow.astype(np.uint64) * _SPI_FACTOR + esp.sequence * _SEQUENCE_FACTOR
        recent, recent_ns = self._recent
        duplicate = np.zeros(len(flow), np.bool_)
        if not fresh.all():
            keys = np.concatenate([recent, mixed])
            times = np.concatenate([recent_ns, esp.at_ns])
            order = np.argsort(keys, kind="stable")
            same = (keys[order][1:] == keys[order][:-1]) & (
                np.abs(times[order][1:] - times[order][:-1]) <= DUPLICATE_NS
            )
            marked = order[1:][same] - len(recent)
            duplicate[marked[marked >= 0]] = True
            duplicate &= ~fresh
            self.duplicates += int(duplicate.sum())
        keep = esp.at_ns >= esp.at_ns[-1] - DUPLICATE_NS
        keep_old = recent_ns >= esp.at_ns[-1] - DUPLICATE_NS
        self._recent = (
            np.concatenate([recent[keep_old], mixed[keep]]),
            np.concatenate([recent_ns[keep_old], esp.at_ns[keep]]),
        )
        return duplicate

    def _find(self, hashed: NDArray[np.uint64], check: NDArray[np.uint64]) -> Int64Array:
        if not self.count:
            return np.full(len(hashed), -1, np.int64)
        place = np.searchsorted(self._sorted_hash, hashed)
        place[place == len(self._sorted_hash)] = 0
        flow = self._sorted_flow[place]
        match = (self._sorted_hash[place] == hashed) & (self.check[flow] == check)
        return np.where(match, flow, -1)

    def _index(
        self, hashed: NDArray[np.uint64], check: NDArray[np.uint64], flows: list[int]
    ) -> None:
        numbers = np.array(flows, np.int64)
        self.check[numbers] = check
        merged = np.concatenate([self._sorted_hash, hashed])
        owner = np.concatenate([self._sorted_flow, numbers])
        order = np.argsort(merged, kind="stable")
        self._sorted_hash, self._sorted_flow = merged[order], owner[order]

    def _add(self, esp: EspColumns, row: int) -> int:
        number = self.count
        if number == len(self.packets):
            self._grow()
        size, family = (16, socket.AF_INET6) if esp.ipv6[row] else (4, socket.AF_INET)
        raw = esp.address[row].tobytes()
        self.identities.append(
            FlowIdentity(
                src=socket.inet_ntop(family, raw[:size]),
                dst=socket.inet_ntop(family, raw[16 : 16 + size]),
                spi=int(esp.spi[row]),
                sport=int(esp.source_port[row]),
                dport=int(esp.destination_port[row]),
                first_ns=int(esp.at_ns[row]),
                row=row,
                record=int(esp.record[row]),
            )
        )
        self.first_ns[number] = esp.at_ns[row]
        self.last_ns[number] = esp.at_ns[row]
        self.count += 1
        return number

    def _grow(self) -> None:
        extra = max(_GROW, len(self.packets))
        for name, fill, kind in (
            ("check", 0, np.uint64),
            ("highest", -1, np.int64),
            ("lowest", -1, np.int64),
            ("packets", 0, np.int64),
            ("bytes", 0, np.int64),
            ("first_ns", 0, np.int64),
            ("last_ns", 0, np.int64),
        ):
            grown = np.concatenate([getattr(self, name), np.full(extra, fill, kind)])
            setattr(self, name, grown)
