"""ESP columns to rows of numbered flows: a flow is source, destination and SPI.

Numbers are dense and given in the order of appearance, so that everything behind this module
works on small integers instead of addresses.
"""

from __future__ import annotations

import socket
from collections import Counter
from typing import Final, NamedTuple

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from analyzers.wire.columns import EspColumns
from analyzers.wire.frames import Int64Array

_HASH_FACTORS: Final = np.array(
    [0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5],
    dtype=np.uint64,
)
_CHECK_FACTORS: Final = np.array(
    [0xD6E8FEB86659FD93, 0xA5A5A5A5A5A5A5A7, 0xE7037ED1A0B428DB, 0x8EBC6AF09C88C6E3],
    dtype=np.uint64,
)
_SPI_HASH: Final = np.uint64(0xFF51AFD7ED558CCD)
_SPI_CHECK: Final = np.uint64(0xC4CEB9FE1A85EC53)
_GROW: Final = 256


# A flow that moves more often than this between ports is sent by something that spreads it.
_MAX_MOVES: Final = 64
MAX_SPIS: Final = 1 << 14
"""Of one pair of addresses, one way: two months of an SA that is renewed every five minutes."""


class FlowIdentity(NamedTuple):
    """What names a flow, and the ports of its first packet (0 directly over IP)."""

    src: str
    dst: str
    spi: int
    sport: int
    dport: int


class Moved(NamedTuple):
    """A flow goes on between other UDP ports: a NAT on the way has forgotten its mapping."""

    flow: int
    at_ns: int
    sport: int
    dport: int


class EspRows(Struct):
    """ESP packets, one row each."""

    at_ns: Int64Array
    record: Int64Array
    flow: NDArray[np.int32]
    sequence: NDArray[np.uint32]
    length: NDArray[np.int32]
    """Bytes from the ESP header on, as on the wire."""

    def __len__(self) -> int:
        return len(self.record)

    def take(self, rows: NDArray[np.intp] | slice) -> EspRows:
        """The chosen rows, in the order chosen."""
        return EspRows(
            self.at_ns[rows],
            self.record[rows],
            self.flow[rows],
            self.sequence[rows],
            self.length[rows],
        )


class _Crowd(Struct):
    """The flow of packets with ever new SPIs."""

    number: int
    packets: int = 0


def no_rows() -> EspRows:
    """Rows without a row."""
    return EspRows(
        np.empty(0, np.int64),
        np.empty(0, np.int64),
        np.empty(0, np.int32),
        np.empty(0, np.uint32),
        np.empty(0, np.int32),
    )


def joined(parts: list[EspRows]) -> EspRows:
    """One after the other."""
    if not parts:
        return no_rows()
    if len(parts) == 1:
        return parts[0]
    return EspRows(
        np.concatenate([p.at_ns for p in parts]),
        np.concatenate([p.record for p in parts]),
        np.concatenate([p.flow for p in parts]),
        np.concatenate([p.sequence for p in parts]),
        np.concatenate([p.length for p in parts]),
    )


class FlowIndex:
    """Numbers the flows of one capture.

    Of two addresses more than `MAX_SPIS` one way are no rekeying but noise, or an attack: what has
    a further SPI is counted as one flow, whose SPI is 0, which no Child SA can have (RFC 4303 2.1).
    """

    def __init__(self) -> None:
        self.crowded: list[tuple[tuple[str, str], int]] = []
        """Addresses and frame of what was counted so since this was last cleared."""
        self._spis: Counter[tuple[str, str]] = Counter()
        self._crowds: dict[tuple[str, str], _Crowd] = {}
        self._count = 0
        self._hash = np.empty(0, np.uint64)
        self._check = np.empty(0, np.uint64)
        self._number = np.empty(0, np.int32)
        self._ports = np.empty(0, np.uint32)
        """Of each flow, as they were last."""
        self._moves = np.empty(0, np.int32)

    def rows(self, esp: EspColumns) -> tuple[EspRows, list[FlowIdentity], list[Moved]]:
        """The rows with their flow numbers, the flows that are new, in order of number, and those
        that moved to other ports, in order of time.
        """
        if not len(esp):
            return no_rows(), [], []
        address = esp.address.view(np.uint64).reshape(-1, 4)
        spi_and_family = (esp.spi.astype(np.uint64) << np.uint64(1)) | esp.ipv6
        hashed = address @ _HASH_FACTORS + spi_and_family * _SPI_HASH
        hashed ^= hashed >> np.uint64(29)
        check = address @ _CHECK_FACTORS + spi_and_family * _SPI_CHECK
        flow = self._find(hashed, check)
        new: list[FlowIdentity] = []
        unknown = np.flatnonzero(flow < 0)
        if len(unknown):
            _, first = np.unique(hashed[unknown], return_index=True)
            rows = np.sort(unknown[first])
            found = [_identity(esp, row) for row in rows.tolist()]
            kept = [self._has_room(identity) for identity in found]
            new = [identity for identity, room in zip(found, kept, strict=True) if room]
            self._add(hashed[rows[kept]], check[rows[kept]])
            flow[unknown] = self._find(hashed[unknown], check[unknown])
            if not all(kept):
                new += self._crowd(esp, flow)
            # Two flows with one hash: so rare that joining them by the first is accepted openly.
            flow[flow < 0] = self._count - 1
        numbered = EspRows(esp.at_ns, esp.record, flow, esp.sequence, esp.length.astype(np.int32))
        return numbered, new, self._moved(esp, flow, new)

    def _moved(
        self, esp: EspColumns, flow: NDArray[np.int32], new: list[FlowIdentity]
    ) -> list[Moved]:
        """Where a flow goes on between other ports than before."""
        first = np.array([i.sport << 16 | i.dport for i in new], np.uint32)
        self._ports = np.concatenate([self._ports, first])
        self._moves = np.concatenate([self._moves, np.zeros(len(new), np.int32)])
        ports = esp.source_port.astype(np.uint32) << np.uint32(16) | esp.destination_port
        other = (ports != self._ports[flow]) & (self._moves[flow] < _MAX_MOVES)
        found: list[Moved] = []
        if not other.any():
            return found
        # It may be back between the first ones before the batch is over.
        rows = np.flatnonzero(np.isin(flow, flow[other]))
        rows = rows[np.argsort(flow[rows], kind="stable")]
        before = np.roll(ports[rows], 1)
        starts = np.diff(flow[rows], prepend=-1) != 0
        before[starts] = self._ports[flow[rows[starts]]]
        for row in np.sort(rows[ports[rows] != before]).tolist():
            number, here = int(flow[row]), int(ports[row])
            if here != self._ports[number] and self._moves[number] < _MAX_MOVES:
                self._ports[number] = here
                self._moves[number] += 1
                found.append(Moved(number, int(esp.at_ns[row]), here >> 16, here & 0xFFFF))
        return found

    def _has_room(self, identity: FlowIdentity) -> bool:
        """Whether a new flow gets a number of its own."""
        pair = identity.src, identity.dst
        self._spis[pair] += 1
        return self._spis[pair] <= MAX_SPIS

    def _crowd(self, esp: EspColumns, flow: NDArray[np.int32]) -> list[FlowIdentity]:
        """Put what has no number into the crowd of its addresses; returns the crowds that are new.

        A crowd has sequence numbers of its own: those of its packets belong to many SAs.
        """
        new: list[FlowIdentity] = []
        for row in np.flatnonzero(flow < 0).tolist():
            identity = _identity(esp, row)
            pair = identity.src, identity.dst
            if self._spis[pair] <= MAX_SPIS:
                continue
            crowd = self._crowds.get(pair)
            if crowd is None:
                crowd = self._crowds[pair] = _Crowd(self._count)
                self._count += 1
                new.append(identity._replace(spi=0))
            crowd.packets += 1
            flow[row], esp.sequence[row] = crowd.number, crowd.packets & 0xFFFFFFFF
            self.crowded.append((pair, int(esp.record[row])))
        return new

    def _find(self, hashed: NDArray[np.uint64], check: NDArray[np.uint64]) -> NDArray[np.int32]:
        if not self._count:
            return np.full(len(hashed), -1, np.int32)
        place = np.searchsorted(self._hash, hashed)
        place[place == len(self._hash)] = 0
        match = (self._hash[place] == hashed) & (self._check[place] == check)
        return np.where(match, self._number[place], np.int32(-1))

    def _add(self, hashed: NDArray[np.uint64], check: NDArray[np.uint64]) -> None:
        numbers = np.arange(self._count, self._count + len(hashed), dtype=np.int32)
        self._count += len(hashed)
        order = np.argsort(np.concatenate([self._hash, hashed]), kind="stable")
        self._hash = np.concatenate([self._hash, hashed])[order]
        self._check = np.concatenate([self._check, check])[order]
        self._number = np.concatenate([self._number, numbers])[order]


def _identity(esp: EspColumns, row: int) -> FlowIdentity:
    size, family = (16, socket.AF_INET6) if esp.ipv6[row] else (4, socket.AF_INET)
    raw = esp.address[row].tobytes()
    return FlowIdentity(
        src=socket.inet_ntop(family, raw[:size]),
        dst=socket.inet_ntop(family, raw[16 : 16 + size]),
        spi=int(esp.spi[row]),
        sport=int(esp.source_port[row]),
        dport=int(esp.destination_port[row]),
    )
