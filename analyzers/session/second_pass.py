"""Reads the captures once more, for the packets of some flows within some windows of time.

The first pass folds ESP as it goes by and keeps no packet. Who needs the packets of a few silences
asks for them afterwards: they come batch by batch, on the same clock, in the same order, without
what was recorded twice, and nothing of them is kept here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from analyzers.decode.captures import CaptureReader
from analyzers.decode.flows import FlowIdentity
from analyzers.model.records import SourceInfo
from analyzers.session.joined import Joined
from analyzers.session.opening import capture_reader, info_of, shifted
from analyzers.session.options import Progress, SessionOptions
from analyzers.session.viewpoints import leaver_of
from analyzers.sources.inputs import Input, InputSpec, open_input
from analyzers.tracking.flows import FlowTable
from analyzers.tracking.ordering import OrderedBatch, Orderer
from analyzers.whatif.windows import Packets, Window
from analyzers.wire.frames import Int64Array


class CaptureAgain(Struct, frozen=True):
    """A capture that was read, and how it was put together with the others."""

    spec: InputSpec
    number: int
    """Of its source."""
    shift_ns: int = 0


def captures_again(
    specs: Sequence[InputSpec], sources: Sequence[SourceInfo], shifts: Mapping[int, int]
) -> list[CaptureAgain]:
    """The captures among the inputs of a session."""
    return [
        CaptureAgain(spec, number, shifts.get(number, 0))
        for number, (spec, info) in enumerate(zip(specs, sources, strict=True))
        if info.kind == "capture"
    ]


def packets_within(
    captures: Sequence[CaptureAgain],
    windows: Sequence[Window],
    joined: Joined | None,
    options: SessionOptions,
    progress: Callable[[Progress], None] | None = None,
) -> Iterator[Packets]:
    """The packets of each window. Raises SourceError where a capture cannot be read again."""
    if not windows or not captures:
        return
    chooser = _Chooser(windows)
    last_ns = max(window.end_ns for window in windows)
    items: list[Input] = []
    try:
        readers = []
        for capture in captures:
            item = open_input(capture.spec)
            items.append(item)
            info = info_of(item, capture.number, "capture")
            readers.append(capture_reader(item, capture.spec, info, options))
        leavers = [leaver_of(capture.number, joined or Joined()) for capture in captures]
        orderer = Orderer(len(readers))
        while (place := orderer.behind()) is not None:
            batch = readers[place].read()
            if batch is None:
                orderer.close(place)
            else:
                batch = shifted(batch, captures[place].shift_ns)
                leaver = leavers[place]
                batch = batch if leaver is None else leaver.rest(batch)
                batch.events, batch.event_key = [], []
                chooser.know(place, batch.new_flows)
                orderer.add(place, batch)
                if batch.watermark_ns > last_ns:
                    orderer.close(place)
            if progress is not None:
                progress(_progress(items, readers, place, done=orderer.behind() is None))
            ready = orderer.release(options.batch_rows)
            if ready is not None:
                yield from chooser.choose(ready)
    finally:
        for item in items:
            item.close()


def _progress(
    items: Sequence[Input], readers: Sequence[CaptureReader], place: int, *, done: bool
) -> Progress:
    sizes = [item.size_bytes for item in items]
    return Progress(
        path=items[place].path,
        read_bytes=sum(reader.position_bytes for reader in readers),
        total_bytes=None if None in sizes else sum(size or 0 for size in sizes),
        packets=sum(reader.info.packets for reader in readers),
        ike_messages=0,
        done=done,
    )


class _Chooser:
    """Picks the rows of windows out of ordered batches."""

    def __init__(self, windows: Sequence[Window]) -> None:
        self._windows = windows
        self._starts = np.array([w.start_ns for w in windows], np.int64)
        self._ends = np.array([w.end_ns for w in windows], np.int64)
        self._table = FlowTable()
        self._known = 0
        self._wanted = np.empty(0, np.bool_)
        """By number of the flow: whether any window is about it."""
        self._flows: list[NDArray[np.int64]] = [np.empty(0, np.int64) for _ in windows]
        self._asked: dict[tuple[str, str, int], list[int]] = {}
        for place, window in enumerate(windows):
            for flow in window.flows:
                self._asked.setdefault(flow, []).append(place)

    def know(self, source: int, new: list[FlowIdentity]) -> None:
        """Flows that a capture has numbered; their rows follow."""
        self._table.know(source, new)
        fresh = self._table.identities[self._known :]
        asking = [self._asked.get(identity[:3], []) for identity in fresh]
        self._wanted = np.append(self._wanted, np.array([bool(a) for a in asking], np.bool_))
        for flow, places in enumerate(asking, self._known):
            for place in places:
                self._flows[place] = np.append(self._flows[place], flow)
        self._known += len(fresh)

    def choose(self, batch: OrderedBatch) -> Iterator[Packets]:
        """The packets of a batch that lie in windows."""
        if not len(batch.esp):
            return
        flow = self._table.numbers(batch.esp, batch.esp_source)
        rows = np.flatnonzero(self._wanted[flow])
        if not len(rows):
            return
        esp, flow = batch.esp.take(rows), flow[rows]
        self._table.begin(esp, flow)
        once = np.flatnonzero(~self._table.fold(esp, flow).duplicate)
        at_ns, flow, sizes = esp.at_ns[once], flow[once], esp.length[once].astype(np.int64)
        if not len(at_ns):
            return
        touched = (self._starts <= at_ns.max()) & (self._ends >= at_ns.min())
        for place in np.flatnonzero(touched).tolist():
            found = self._of(place, at_ns, flow)
            if len(found):
                yield Packets(place, at_ns[found], sizes[found])

    def _of(self, place: int, at_ns: Int64Array, flow: Int64Array) -> NDArray[np.intp]:
        """Rows of one window, in the order of their times."""
        within = (at_ns >= self._starts[place]) & (at_ns <= self._ends[place])
        found = np.flatnonzero(within & np.isin(flow, self._flows[place]))
        return found[np.argsort(at_ns[found], kind="stable")]
