"""One capture, read chunk by chunk: bytes to ESP columns and IKE datagrams with their times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct

from analyzers.decode.flows import MAX_SPIS, EspRows, FlowIdentity, FlowIndex, Moved, joined
from analyzers.decode.interface_clocks import InterfaceClocks
from analyzers.decode.set_clock import SetClock
from analyzers.errors import SourceError
from analyzers.model.log_events import LogEvent
from analyzers.model.observations import Datagram, EspPacket, IcmpHint
from analyzers.model.records import ClockAhead, Interfaces, ProblemKind, SourceInfo
from analyzers.sources.streams import ByteStream
from analyzers.wire.columns import (
    IKE_PORT,
    NAT_T_PORT,
    ColumnClassifier,
    EspColumns,
    concatenate,
    take,
)
from analyzers.wire.frames import BUFFER_SLACK_BYTES, FrameBlock, Int64Array
from analyzers.wire.framing import Framing, ProblemFold
from analyzers.wire.odd_frames import Observation, OddFrameDecoder
from analyzers.wire.pcap import PcapFraming, is_pcap
from analyzers.wire.pcapng import PcapngFraming, is_pcapng
from analyzers.wire.plain_frames import ETHERNET, PlainFrames

# Larger chunks leave the cache and get slower; smaller ones pay more for each vector operation.
CHUNK_BYTES: Final = 4 << 20
# A frame that is earlier than its predecessors by no more than this was reordered on its way into
# the file (several queues, several interfaces); one that is earlier still shows a clock step.
LATENESS_NS: Final = 100_000_000
# Of addresses whose interfaces are remembered.
_MOST_PAIRS: Final = 1 << 16
# A capture without packets goes on no longer than this; later ends are damage.
_LONGEST_REST_NS: Final = 7 * 86_400 * 1_000_000_000


def capture_format(head: bytes) -> str | None:
    """ "pcap", "pcapng" or None, by the first bytes."""
    if is_pcap(head):
        return PcapFraming.format
    if is_pcapng(head):
        return PcapngFraming.format
    return None


class CaptureBatch(Struct):
    """Observations of a chunk, in file order, each with the key that orders it in time.

    The key is the frame's time, except where the clock stepped back: there it is the latest time
    before the frame, so that the order of the file holds.
    """

    esp: EspRows
    esp_key: Int64Array | None
    """None: the times of the rows are their keys."""
    new_flows: list[FlowIdentity]
    """The flows numbered since the batch before, in order of number."""
    events: Sequence[Datagram | IcmpHint | LogEvent]
    event_key: Sequence[int]
    watermark_ns: int
    """No later batch of this source has a smaller key."""
    moves: list[Moved] = []
    """Flows that went on between other ports."""


class CaptureReader:
    """Reads one capture; updates its `SourceInfo` as it goes."""

    def __init__(
        self,
        stream: ByteStream,
        head: bytes,
        info: SourceInfo,
        extra_ports: frozenset[int] = frozenset(),
        chunk_bytes: int = CHUNK_BYTES,
        *,
        growing: bool = False,
        piped: bool = False,
        local_clock: bool = False,
        interfaces: frozenset[int] | None = None,
        ahead: ClockAhead | None = None,
    ) -> None:
        """`growing`: a stream that gives nothing has not ended; `end` says that it has.
        `piped`: it gives what is there, and nothing only at its end.
        `local_clock`: the stamps are those of the caller's clock, also where that is set.
        `interfaces`: those whose packets are told; None: all.
        `ahead`: where the clock is known to have been set ahead.

        Raises SourceError if the head is no capture's.
        """
        framing = capture_format(head)
        if framing is None:
            raise SourceError(f"{info.path} is no capture")
        ports = frozenset({IKE_PORT, NAT_T_PORT}) | extra_ports
        self.info = info
        self._stream = stream
        self._framing: Framing = (
            PcapFraming(info.id)
            if framing == PcapFraming.format
            else PcapngFraming(info.id, interfaces)
        )
        info.format = framing
        self._classifier = ColumnClassifier(ports)
        self._plain = PlainFrames(info.id)
        self._odd = OddFrameDecoder(info.id, ports)
        self._problems = ProblemFold(info.id)
        self._clock = None if local_clock else SetClock(self._problems, ahead)
        self._flows = FlowIndex()
        self._interfaces = Interfaces()
        self._interface_clocks = None if growing or interfaces else InterfaceClocks()
        self._buffer = bytearray(chunk_bytes + BUFFER_SLACK_BYTES)
        self._chunk_bytes = chunk_bytes
        self._start = 0  # unparsed bytes are buffer[start:end]
        self._end = 0
        self._latest_ns = 0
        self._stepped_back = False
        self._growing = growing
        self._piped = piped
        self._at_end = False
        self._dry = False
        """The growing stream had nothing more to give."""
        self._done = False

    @property
    def position_bytes(self) -> int:
        """Bytes of the file read so far."""
        return self._stream.position

    def read(self) -> CaptureBatch | None:
        """The next batch; None at the end, or where a growing stream has no more for now."""
        self._dry = False
        while not (self._done or self._dry):
            batch = self._parse()
            if batch is not None:
                return batch
        return None

    def end(self) -> None:
        """A growing stream grows no more: what it gives from now on is all."""
        self._growing = False

    def _parse(self) -> CaptureBatch | None:
        parsed = self._framing.parse(self._buffer, self._start, self._end)
        if len(self._framing.addresses) > len(self.info.addresses):
            self.info.addresses = frozenset(self._framing.addresses)
        batch = None if parsed.frames is None else self._observe(parsed.frames)
        self._start += parsed.consumed
        if parsed.stopped:
            return self._finish(0, batch)
        if not parsed.consumed:
            if self._at_end:
                return self._finish(self._end - self._start, batch)
            self._fill()
        self._take_problems()
        return batch

    def _fill(self) -> None:
        left = self._end - self._start
        self._buffer[:left] = self._buffer[self._start : self._end]
        self._start, self._end = 0, left
        if left == self._chunk_bytes:
            self._grow()
        view = memoryview(self._buffer)[left : self._chunk_bytes]
        count = self._stream.read_into(view)
        self._end += count
        # A short read is the end: other streams than pipes fill what they are given.
        short = not count if self._piped else count < len(view)
        self._at_end = short and not self._growing
        self._dry = self._growing and not count

    def _grow(self) -> None:
        """Make room for a record longer than the buffer; framing bounds its length."""
        self._chunk_bytes *= 2
        grown = bytearray(self._chunk_bytes + BUFFER_SLACK_BYTES)
        grown[: self._end] = self._buffer[: self._end]
        self._buffer = grown

    def _finish(self, leftover_bytes: int, batch: CaptureBatch | None) -> CaptureBatch | None:
        self._done = True
        self._framing.finish(leftover_bytes)
        if self._stream.damage:
            self._problems.add(ProblemKind.BAD_COMPRESSION, self._stream.damage, None)
        late = self._odd.finish()
        self._take_problems()
        offset_ns = 0
        if self._clock is not None:
            offset_ns = self._clock.offset_ns - self._clock.ahead_ns
        until_ns, last_ns = (self._framing.until_ns or 0) + offset_ns, self.info.last_ns
        if last_ns and last_ns <= until_ns <= last_ns + _LONGEST_REST_NS:
            self.info.until_ns = until_ns
        for start_ns, end_ns in self._framing.gaps:
            self.info.note_gap(start_ns, end_ns)
        self._interfaces.gaps = self._framing.gaps_by_interface
        if offset_ns:
            # Nobody can tell whether an interruption was before the clock was set or after that.
            for gaps in (self.info.gaps, *self._interfaces.gaps.values()):
                gaps[:] = sorted([*gaps, *((s + offset_ns, e + offset_ns) for s, e in gaps)])
        if any(self._interfaces.gaps.values()) and self._interfaces.shown:
            self.info.interfaces = self._interfaces
        self.info.protocols = dict(self._classifier.protocols + Counter(self._odd.protocols))
        if not late:
            return batch
        final = self._batch(None, late, self._latest_ns)
        return final if batch is None else _join(batch, final)

    def _observe(self, frames: FrameBlock) -> CaptureBatch:
        info = self.info
        if self._clock is not None:
            self._clock.put_right(frames)
            info.leap = self._clock.leap
        key = self._keys(frames)
        classified = self._classifier.classify(frames)
        found = self._looked_at(frames, classified.closer_look)
        info.packets += frames.packets
        first, last = int(frames.at_ns.min()), int(frames.at_ns.max())
        info.first_ns = first if info.first_ns is None else min(info.first_ns, first)
        info.last_ns = last if info.last_ns is None else max(info.last_ns, last)
        info.nat_keepalives += classified.nat_keepalives + self._odd.nat_keepalives
        self._odd.nat_keepalives = 0
        batch = self._batch(classified.esp, found, int(key[-1]), key, frames.first_record)
        if frames.interfaces is not None:
            self._note_interfaces(batch, frames.interfaces, frames.first_record)
        return batch

    def _note_interfaces(
        self, batch: CaptureBatch, interfaces: Int64Array, first_record: int
    ) -> None:
        """On which interface each pair of addresses is seen; of ESP the first packet tells."""
        seen = [(e.src, e.dst, e.ref.record) for e in batch.events if isinstance(e, Datagram)]
        if self._interface_clocks is not None:
            for event in batch.events:
                place = event.ref.record - first_record
                if isinstance(event, Datagram) and 0 <= place < len(interfaces):
                    self._interface_clocks.note(event, int(interfaces[place]))
            self.info.clocks = self._interface_clocks.told(self._framing.interface_count)
        if batch.new_flows:
            first = np.unique(batch.esp.flow, return_index=True)[1]
            places = first[-len(batch.new_flows) :]
            records = batch.esp.record[places].tolist()
            seen += [(f.src, f.dst, r) for f, r in zip(batch.new_flows, records, strict=False)]
        shown = self._interfaces.shown
        for src, dst, record in seen:
            if 0 <= record - first_record < len(interfaces) and len(shown) < _MOST_PAIRS:
                shown.setdefault((src, dst), set()).add(int(interfaces[record - first_record]))

    def _looked_at(self, frames: FrameBlock, chosen: Int64Array) -> list[Observation]:
        """What the frames tell that are no ESP of the usual kind."""
        found: list[Observation] = []
        plain, odd = self._plain.ike, self._odd.decode
        times, lengths = frames.at_ns[chosen].tolist(), frames.wire[chosen].tolist()
        for index, at_ns, wire_length in zip(chosen.tolist(), times, lengths, strict=True):
            frame, link_type = frames.frame(index), frames.link_type(index)
            record = frames.first_record + index
            message = plain(frame, at_ns, record) if link_type == ETHERNET else None
            if message is None:
                found += odd(frame, link_type, at_ns, record, wire_length)
            else:
                found.append(message)
        return found

    def _batch(
        self,
        esp: EspColumns | None,
        found: list[Observation],
        latest_ns: int,
        key: Int64Array | None = None,
        first_record: int = 0,
    ) -> CaptureBatch:
        packets = [f for f in found if isinstance(f, EspPacket)]
        parts = [] if esp is None else [esp]
        if packets:
            parts.append(_columns(packets))
        merged = concatenate(parts)
        if len(parts) > 1:
            merged = take(merged, np.argsort(merged.record, kind="stable"))
        events = [f for f in found if not isinstance(f, EspPacket)]
        rows, new, moves = self._flows.rows(merged)
        self._note_crowds()
        esp_key: Int64Array | None = None
        if key is None:
            esp_key = np.full(len(rows), latest_ns, dtype=np.int64)
            event_key = [latest_ns] * len(events)
        else:
            if self._stepped_back:
                esp_key = key[rows.record - first_record]
            event_key = [int(key[e.ref.record - first_record]) for e in events]
        self.info.esp_packets += len(rows)
        watermark_ns = self._latest_ns - LATENESS_NS
        return CaptureBatch(rows, esp_key, new, events, event_key, watermark_ns, moves)

    def _note_crowds(self) -> None:
        for (src, dst), record in self._flows.crowded:
            self._problems.add(
                ProblemKind.FLOW_LIMIT,
                f"more than {MAX_SPIS} SPIs from {src} to {dst}: packets of further ones are"
                " counted together as SPI 0",
                record,
            )
        self._flows.crowded.clear()

    def _keys(self, frames: FrameBlock) -> Int64Array:
        """(n,) the time that orders each frame."""
        at_ns = frames.at_ns
        previous = self._latest_ns
        highest = np.maximum.accumulate(at_ns)
        if previous:
            np.maximum(highest, previous, out=highest)
        self._latest_ns = int(highest[-1])
        stepped_back = at_ns < highest - LATENESS_NS
        self._stepped_back = bool(stepped_back.any())
        if not self._stepped_back:
            return at_ns
        before = np.concatenate(([previous or at_ns[0]], at_ns[:-1]))
        first = int(np.argmax(stepped_back))
        self._problems.add(
            ProblemKind.TIME_BACKWARDS,
            "times run backwards; the order of the file is kept",
            frames.first_record + first,
            int((stepped_back & (at_ns < before)).sum()) or 1,
        )
        return np.where(stepped_back, highest, at_ns)

    def _take_problems(self) -> None:
        for problem in [*self._framing.take_problems(), *self._odd.take_problems()]:
            self.info.note(problem)
        for problem in self._problems.take():
            self.info.note(problem)

    def close(self) -> None:
        """Nothing to release: the stream belongs to whoever opened it."""


def _columns(packets: list[EspPacket]) -> EspColumns:
    """Slow-path ESP packets as rows."""
    address = np.zeros((len(packets), 32), dtype=np.uint8)
    for row, packet in enumerate(packets):
        for start, text in ((0, packet.src), (16, packet.dst)):
            raw = _packed(text)
            address[row, start : start + len(raw)] = np.frombuffer(raw, dtype=np.uint8)
    return EspColumns(
        at_ns=np.array([p.at_ns for p in packets], dtype=np.int64),
        record=np.array([p.record for p in packets], dtype=np.int64),
        address=address,
        ipv6=np.array([":" in p.src for p in packets], dtype=np.bool_),
        source_port=np.array([p.sport for p in packets], dtype=np.uint16),
        destination_port=np.array([p.dport for p in packets], dtype=np.uint16),
        spi=np.array([p.spi for p in packets], dtype=np.uint32),
        sequence=np.array([p.sequence for p in packets], dtype=np.uint32),
        length=np.array([p.length for p in packets], dtype=np.int64),
    )


def _packed(address: str) -> bytes:
    import socket  # only frames of the slow path need it

    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


def _join(first: CaptureBatch, second: CaptureBatch) -> CaptureBatch:
    return CaptureBatch(
        joined([first.esp, second.esp]),
        np.concatenate([keys_of(first), keys_of(second)]),
        first.new_flows + second.new_flows,
        [*first.events, *second.events],
        [*first.event_key, *second.event_key],
        max(first.watermark_ns, second.watermark_ns),
        first.moves + second.moves,
    )


def keys_of(batch: CaptureBatch) -> Int64Array:
    """(n,) the keys that order the ESP rows."""
    return batch.esp.at_ns if batch.esp_key is None else batch.esp_key
