"""Brings the batches of one or several captures into one order of time.

Rows wait until no source can yield an earlier one. The result is the stable sort of everything
by (key, source, record), however the input was cut into batches; the records of a newest-first log
count downwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from operator import attrgetter, gt

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from analyzers.decode.captures import CaptureBatch, keys_of
from analyzers.decode.flows import EspRows, joined
from analyzers.model.log_events import LogEvent
from analyzers.model.observations import Datagram, IcmpHint
from analyzers.wire.frames import Int64Array


class OrderedEvent(Struct, frozen=True, gc=False):
    """A datagram or hint, its place among the ESP rows of the batch, and its time of order."""

    observation: Datagram | IcmpHint | LogEvent
    esp_before: int
    """Rows of `OrderedBatch.esp` that come before it."""
    key_ns: int
    source: int


class OrderedBatch(Struct):
    """ESP rows and events of all sources in the order of time."""

    esp: EspRows
    esp_source: NDArray[np.int16]
    events: list[OrderedEvent]
    now_ns: int
    """Everything up to here is in this or an earlier batch."""


class _Pending(Struct, frozen=True, gc=False):
    key: int
    source: int
    record: int
    observation: Datagram | IcmpHint | LogEvent


class Orderer:
    """Holds back what a later batch may still precede."""

    def __init__(self, sources: int) -> None:
        self._watermark: list[int | None] = [-(1 << 62)] * sources
        self._esp: list[tuple[int, EspRows, Int64Array]] = []
        self._events: list[_Pending] = []

    def add(self, source: int, batch: CaptureBatch) -> None:
        """Take a batch of a source."""
        if len(batch.esp):
            self._esp.append((source, batch.esp, keys_of(batch)))
        onwards = -1 if _is_turned(batch.events) else 1
        self._events += [
            _Pending(key, source, onwards * event.ref.record, event)
            for key, event in zip(batch.event_key, batch.events, strict=True)
        ]
        self._watermark[source] = max(self._watermark[source] or 0, batch.watermark_ns)

    def open(self) -> int:
        """The number of another source, which begins now."""
        self._watermark.append(-(1 << 62))
        return len(self._watermark) - 1

    def advance(self, source: int, watermark_ns: int) -> None:
        """No later batch of a source has a smaller key, whatever its last batch said."""
        known = self._watermark[source]
        if known is not None:
            self._watermark[source] = max(known, watermark_ns)

    def close(self, source: int) -> None:
        """A source has ended: it holds nothing back any more."""
        self._watermark[source] = None

    def behind(self) -> int | None:
        """The open source that holds the others back; None when all have ended."""
        open_sources = [(mark, s) for s, mark in enumerate(self._watermark) if mark is not None]
        return min(open_sources)[1] if open_sources else None

    @property
    def holds(self) -> bool:
        """Whether anything is held back."""
        return bool(self._esp or self._events)

    def release(self, at_least: int = 0) -> OrderedBatch | None:
        """Everything that no later batch can precede; None if that is nothing.

        While sources are open and fewer than `at_least` rows are waiting, they wait on: vector
        operations are cheaper on many rows at once.
        """
        marks = [mark for mark in self._watermark if mark is not None]
        limit = min(marks) if marks else None
        waiting = sum(len(esp) for _, esp, _ in self._esp) + len(self._events)
        if limit is not None and waiting < at_least:
            return None
        esp, source, keys = self._release_esp(limit)
        ready = [e for e in self._events if limit is None or e.key < limit]
        if not len(esp) and not ready:
            return None
        if limit is None:
            self._events = []
        else:
            self._events = [e for e in self._events if e.key >= limit]
        ready.sort(key=attrgetter("key", "source", "record"))
        events = [
            OrderedEvent(e.observation, before, e.key, e.source)
            for e, before in zip(ready, _rows_before(ready, esp, source, keys), strict=True)
        ]
        last = [e.key for e in ready[-1:]] + [int(k) for k in keys[-1:]]
        return OrderedBatch(esp, source, events, max(last))

    def _release_esp(self, limit: int | None) -> tuple[EspRows, NDArray[np.int16], Int64Array]:
        parts = self._esp
        esp = joined([p[1] for p in parts])
        if not parts:
            return esp, np.empty(0, np.int16), np.empty(0, np.int64)
        keys = np.concatenate([p[2] for p in parts])
        source = np.concatenate([np.full(len(p[1]), p[0], np.int16) for p in parts])
        self._esp = []
        # The batches of one source come in its order.
        if len({p[0] for p in parts}) > 1 or (keys[1:] < keys[:-1]).any():
            order = np.lexsort((esp.record, source, keys))
            esp, keys, source = esp.take(order), keys[order], source[order]
        if limit is None:
            return esp, source, keys
        cut = int(np.searchsorted(keys, limit, side="left"))
        if cut < len(keys):
            # Held-back rows are stored by source: merging sorts them again.
            rest = slice(cut, None)
            for number in np.unique(source[rest]):
                rows = cut + np.flatnonzero(source[rest] == number)
                self._esp.append((int(number), esp.take(rows), keys[rows]))
        first = slice(0, cut)
        return esp.take(first), source[first], keys[first]


def _is_turned(events: Sequence[Datagram | IcmpHint | LogEvent]) -> bool:
    """Whether these are the events of a newest-first log, in the order of time."""
    if not events or not isinstance(events[0], LogEvent):
        return False
    records = [event.ref.record for event in events]
    return bool(2 * sum(map(gt, records, islice(records, 1, None))) > len(records))


def _rows_before(
    events: list[_Pending], esp: EspRows, source: NDArray[np.int16], keys: Int64Array
) -> list[int]:
    """For each event, how many ESP rows come before it in (key, source, record) order."""
    if not len(esp):
        return [0] * len(events)
    places: list[int] = []
    wanted = np.array([event.key for event in events], dtype=np.int64)
    lows = np.searchsorted(keys, wanted, side="left").tolist()
    highs = np.searchsorted(keys, wanted, side="right").tolist()
    for event, low, high in zip(events, lows, highs, strict=True):
        if low < high:
            same = slice(low, high)
            earlier = (source[same] < event.source) | (
                (source[same] == event.source) & (esp.record[same] < event.record)
            )
            places.append(low + int(earlier.sum()))
        else:
            places.append(low)
    return places
