"""The rows of a batch that the silence clocks are run over, and the order of arrival in it."""

from __future__ import annotations

from functools import cached_property
from typing import Final, overload

import numpy as np
from msgspec import Struct, field
from numpy.typing import NDArray

from analyzers.model.records import Ref, source_id
from analyzers.tracking.flows import segments
from analyzers.wire.frames import Int64Array

Bool = NDArray[np.bool_]


class SilenceRows(Struct, dict=True):
    """Rows of a batch, sorted by key and then by order of arrival.

    ESP rows, and proofs that are no ESP (IKE messages) as rows of their own.
    """

    key: Int64Array
    place: Int64Array
    """Order of arrival within the batch, see `esp_place` and `event_place`."""
    at_ns: Int64Array
    bytes: Int64Array
    esp: Bool
    direction: Int64Array
    """ESP: 0 sent by side a, 1 by side b. Other proofs: the role that is proven something."""
    proof: Bool
    """ESP: fresh. Others: True."""
    ref: Int64Array
    """Where ESP rows stand, see `packed_ref`; of others it is not asked."""

    _sent: dict[int, Sent] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.key)

    def sent(self, role: int) -> Sent:
        """What a role sent; computed once for all clocks."""
        if role not in self._sent:
            self._sent[role] = Sent(self, role, self._runs)
        return self._sent[role]

    @cached_property
    def _runs(self) -> tuple[Int64Array, Int64Array]:
        return segments(self.key)

    @cached_property
    def segments(self) -> dict[int, tuple[int, int, int]]:
        """By key: the number of its segment, its first row, and the row after its last."""
        starts = self._runs[0]
        keys, begins = self.key[starts].tolist(), starts.tolist()
        ends = [*begins[1:], len(self.key)][: len(begins)]
        numbered = zip(range(len(keys)), begins, ends, strict=True)
        return dict(zip(keys, numbered, strict=True))

    # Single values: a memoryview gives them as Python integers, several times as fast.

    @cached_property
    def places(self) -> memoryview:
        """`place`, to look up single values."""
        return self.place.data

    @cached_property
    def times(self) -> memoryview:
        """`at_ns`, to look up single values."""
        return self.at_ns.data


def no_rows() -> SilenceRows:
    """Rows without a row."""
    empty, none = np.empty(0, np.int64), np.empty(0, np.bool_)
    return SilenceRows(empty, empty, empty, empty, none, empty, none, empty)


# No input has as many records.
_RECORDS: Final = 1 << 48


def packed_ref(source: NDArray[np.int16], record: Int64Array) -> Int64Array:
    """Places of packets as numbers, from 0 on: source and record of each."""
    packed: Int64Array = source.astype(np.int64) * _RECORDS + record
    return packed


def ref_of(packed: int) -> Ref | None:
    """A place again; None of a negative number."""
    source, record = divmod(packed, _RECORDS)
    return None if packed < 0 else Ref(source_id(source), record)


# Events between two ESP rows are told apart by their ordinal; no batch holds this many.
_PLACES: Final = 1 << 24


@overload
def esp_place(row: int) -> int: ...
@overload
def esp_place(row: Int64Array) -> Int64Array: ...
def esp_place(row: int | Int64Array) -> int | Int64Array:
    """The place of ESP rows in the order of arrival."""
    return (row + 1) * _PLACES


def event_place(esp_before: int, ordinal: int) -> int:
    """The place of the batch's `ordinal`-th event, which comes after `esp_before` ESP rows."""
    return esp_before * _PLACES + ordinal + 1


class Sent:
    """What one role sent in a batch, for both clocks: raw running counts and how to read them."""

    def __init__(self, rows: SilenceRows, role: int, parts: tuple[Int64Array, Int64Array]) -> None:
        self.starts, self.segment = parts
        self.keys = rows.key[self.starts]
        out = rows.esp & (rows.direction == role)
        self.out_rows = np.flatnonzero(out)
        self.received = rows.esp & (rows.direction != role)
        self._packets = np.cumsum(out)
        self._bytes = np.cumsum(rows.bytes * out)
        self._before = np.zeros((2, len(self.starts)), np.int64)
        self._values = self._packets.data, self._bytes.data, self._before.data
        self.out = self.out_rows.data
        """`out_rows`, to look up single values."""
        if len(self.starts):
            self._before[0, 1:] = self._packets[self.starts[1:] - 1]
            self._before[1, 1:] = self._bytes[self.starts[1:] - 1]

    def packets(self, row: Int64Array) -> Int64Array:
        """Packets of the row's key up to and with the row, in this batch."""
        count: Int64Array = self._packets[row] - self._before[0, self.segment[row]]
        return count

    def so_far(self, row: int, segment: int, base: tuple[int, int]) -> tuple[int, int]:
        """Packets and bytes up to and with one row, counted from a base."""
        packets, size, before = self._values
        return (
            packets[row] - before[0, segment] + base[0],
            size[row] - before[1, segment] + base[1],
        )

    def bytes(self, row: Int64Array) -> Int64Array:
        """Bytes of the row's key up to and with the row, in this batch."""
        count: Int64Array = self._bytes[row] - self._before[1, self.segment[row]]
        return count
