"""Copies the packets behind a report out of their captures, each with its comments.

The captures are read again, by frame number. ESP is chosen by the bounds of the black holes.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

import numpy as np

from analyzers.decode.flows import EspRows, FlowIdentity
from analyzers.errors import SourceError
from analyzers.export.annotations import Comments, comments_on
from analyzers.export.content import Content
from analyzers.export.formatting import counted
from analyzers.export.pcapng_writer import PcapngWriter
from analyzers.export.spans import exposed_ns
from analyzers.model.black_hole import BlackHole
from analyzers.model.peer import PeerView
from analyzers.model.records import Ref, source_id
from analyzers.model.time import nanoseconds
from analyzers.session.opening import capture_reader, info_of, shifted
from analyzers.session.options import SessionOptions
from analyzers.session.second_pass import CaptureAgain
from analyzers.sources.inputs import Input, open_input
from analyzers.wire.raw_packets import RawPacket, raw_packets


class EspChoice(StrEnum):
    """Which ESP packets of black holes are copied."""

    NONE = "none"
    EDGES = "edges"
    """The last before and the first after each bound, both ways."""
    ALL = "all"
    """Everything from the last proof to the end of the loss, both ways."""


class _Bound(NamedTuple):
    """A moment of a black hole, in one direction, and what the packets beside it are."""

    at_ns: int
    before: str
    after: str


class _Way(NamedTuple):
    """One direction of a black hole."""

    sender: str
    receiver: str
    spis: frozenset[int]
    """Empty: all of them."""
    bounds: tuple[_Bound, ...]
    start_ns: int
    end_ns: int


def annotated_packets(
    captures: Sequence[CaptureAgain],
    content: Content,
    options: SessionOptions,
    esp: EspChoice = EspChoice.EDGES,
    *,
    whole: Sequence[PeerView] = (),
) -> Iterator[bytes]:
    """A pcapng file, piece by piece: the packets behind `content`, which may be narrowed.

    `whole`: the peers before that, so that a packet is called what it is.

    Raises SourceError where a capture cannot be read again.
    """
    comments = comments_on(content, whole)
    if esp is EspChoice.NONE:
        # A finding about traffic names the first packet of its flow, or into a black hole.
        for peer in content.peers:
            first = [flow.ref for flow in peer.esp_flows]
            first += [hole.first_exposed_ref for hole in peer.black_holes]
            for ref in first:
                if ref is not None:
                    comments.pop(ref, None)
    else:
        _add_esp(comments, captures, content, options, esp)
        for said in comments.values():
            if not said:
                said.append("ESP beside or in a black hole")
    paths = {source.id: source.path for source in content.sources}
    writer = PcapngWriter()
    named = ", ".join(paths[source_id(capture.number)] for capture in captures)
    yield writer.section(f"dpdlab {content.version}", f"The packets behind the report on {named}")
    several = len(captures) > 1
    items: list[Input] = []
    try:
        streams = []
        for capture in captures:
            item = open_input(capture.spec)
            items.append(item)
            streams.append(_packets(capture, item, _records(comments, capture.number)))
        for _, number, packet in heapq.merge(*streams, key=_order):
            source = source_id(number)
            said = comments.get(Ref(source, packet.record), [])
            yield writer.packet(packet, said, paths[source] if several else "")
    finally:
        for item in items:
            item.close()


_Ordered = tuple[int, int, RawPacket]


def _order(entry: _Ordered) -> tuple[int, int, int]:
    at_ns, number, packet = entry
    return at_ns, number, packet.record


def _packets(capture: CaptureAgain, item: Input, records: frozenset[int]) -> Iterator[_Ordered]:
    """The chosen packets of a capture in the order of the file, at times of the common clock.

    Raises SourceError where not all of them are there: the file is not what was read.
    """
    latest_ns, found = 0, 0
    for packet in raw_packets(item.stream, item.head, records):
        found += 1
        # Merging wants rising times; where the clock stepped back, the order of the file holds.
        latest_ns = max(latest_ns, packet.at_ns + capture.shift_ns)
        yield latest_ns, capture.number, packet
    if found < len(records):
        name = capture.spec.name or capture.spec.path
        missing = f"{len(records) - found:,} of {counted(len(records), 'packet')}"
        raise SourceError(
            f"{name}: {missing} behind the report are not there any more",
            "the capture has changed since it was read: read it again",
        )


def _records(comments: Comments, number: int) -> frozenset[int]:
    source = source_id(number)
    return frozenset(ref.record for ref in comments if ref.source == source)


# --- ESP ------------------------------------------------------------------------------------


def _add_esp(
    comments: Comments,
    captures: Sequence[CaptureAgain],
    content: Content,
    options: SessionOptions,
    esp: EspChoice,
) -> None:
    ways = [way for peer in content.peers for hole in peer.black_holes for way in _ways(hole)]
    if not ways:
        return
    for capture in captures:
        chooser = _Chooser(ways, esp, source_id(capture.number), comments)
        item = open_input(capture.spec)
        try:
            info = info_of(item, capture.number, "capture")
            reader = capture_reader(item, capture.spec, info, options)
            while (batch := reader.read()) is not None:
                batch = shifted(batch, capture.shift_ns)
                chooser.know(batch.new_flows)
                chooser.look(batch.esp)
        finally:
            item.close()
        chooser.finish()


def _ways(hole: BlackHole) -> Iterator[_Way]:
    if hole.max_seconds <= 0 or not hole.traffic_known:
        return
    start_ns = exposed_ns(hole) if hole.first_exposed_ns is None else hole.first_exposed_ns
    spis = frozenset(int(spi, 16) for spi in hole.spis if _is_hex(spi))
    name = f"black hole {hole.id}"
    out = [_Bound(start_ns, "", f"{name}: the first packet that may be in vain")]
    if hole.min_seconds > 0:
        certain_ns = hole.stop_ns - nanoseconds(hole.min_seconds)
        out.append(_Bound(certain_ns, "", f"{name}: certainly in vain from here on"))
    # What is sent at the last moment belongs to it.
    behind_ns = hole.stop_ns + 1
    out.append(_Bound(behind_ns, f"{name}: the last packet sent into it", ""))
    back = (
        _Bound(start_ns, f"the last ESP packet before {name}", ""),
        _Bound(behind_ns, "", f"the first ESP packet after {name}"),
    )
    first_ns = min(start_ns, start_ns if hole.last_proof_ns is None else hole.last_proof_ns)
    last_ns = max(hole.stop_ns, hole.recovered_ns or 0)
    yield _Way(hole.sender, hole.receiver, spis, tuple(out), first_ns, last_ns)
    yield _Way(hole.receiver, hole.sender, spis, back, first_ns, last_ns)


def _is_hex(text: str) -> bool:
    return 0 < len(text) <= 8 and all(c in "0123456789abcdef" for c in text)


_NONE: Final = -1


class _Chooser:
    """Finds the packets beside the bounds, batch by batch."""

    def __init__(
        self, ways: Sequence[_Way], esp: EspChoice, source: str, comments: Comments
    ) -> None:
        self._ways = ways
        self._all = esp is EspChoice.ALL
        self._source = source
        self._comments = comments
        self._by_ends: dict[tuple[str, str], list[int]] = {}
        for place, way in enumerate(ways):
            self._by_ends.setdefault((way.sender, way.receiver), []).append(place)
        self._flows: dict[int, list[int]] = {}
        """Ways by number of the flow."""
        self._known = 0
        self._before = [[(_NONE, _NONE)] * len(way.bounds) for way in ways]
        """(time, record) of the last packet before each bound."""
        self._after = [[(_NONE, _NONE)] * len(way.bounds) for way in ways]

    def know(self, new: Sequence[FlowIdentity]) -> None:
        """Flows that the capture has numbered; their rows follow."""
        for flow, identity in enumerate(new, self._known):
            for place in self._by_ends.get((identity.src, identity.dst), ()):
                spis = self._ways[place].spis
                if not spis or identity.spi in spis:
                    self._flows.setdefault(flow, []).append(place)
        self._known += len(new)

    def look(self, esp: EspRows) -> None:
        """The packets of a batch."""
        rows_of: dict[int, list[int]] = {}
        for flow in np.unique(esp.flow).tolist():
            for place in self._flows.get(flow, ()):
                rows_of.setdefault(place, []).append(flow)
        for place, flows in rows_of.items():
            rows = np.flatnonzero(np.isin(esp.flow, flows))
            rows = rows[np.argsort(esp.at_ns[rows], kind="stable")]
            self._look(place, esp.at_ns[rows].tolist(), esp.record[rows].tolist())

    def _look(self, place: int, at_ns: Sequence[int], records: Sequence[int]) -> None:
        way = self._ways[place]
        times = np.asarray(at_ns)
        if self._all:
            start, end = np.searchsorted(times, (way.start_ns, way.end_ns + 1)).tolist()
            for record in records[start:end]:
                self._comments.setdefault(Ref(self._source, record), [])
        for index, bound in enumerate(way.bounds):
            split = int(np.searchsorted(times, bound.at_ns))
            if split:
                held = self._before[place][index]
                self._before[place][index] = max(held, (at_ns[split - 1], records[split - 1]))
            if split < len(at_ns):
                held = self._after[place][index]
                found = (at_ns[split], records[split])
                self._after[place][index] = found if held[1] == _NONE else min(held, found)

    def finish(self) -> None:
        """Note the packets beside the bounds."""
        for place, way in enumerate(self._ways):
            for index, bound in enumerate(way.bounds):
                self._note(self._before[place][index][1], bound.before)
                self._note(self._after[place][index][1], bound.after)

    def _note(self, record: int, text: str) -> None:
        if record == _NONE:
            return
        said = self._comments.setdefault(Ref(self._source, record), [])
        if text and text not in said:
            said.append(text)


__all__ = ["EspChoice", "annotated_packets"]
