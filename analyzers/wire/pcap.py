"""Classic pcap framing: micro- and nanoseconds, both byte orders, the modified record header.

Record headers are walked in many places of a chunk at once, and one by one where there is little
of it; everything else of them is gathered in one vector operation a chunk.
"""

from __future__ import annotations

import struct
from typing import Final

import numpy as np

from analyzers.model.records import Problem, ProblemKind
from analyzers.wire.frames import FrameBlock, Int64Array
from analyzers.wire.framing import MAX_FRAME_BYTES, Parsed, ProblemFold
from analyzers.wire.lanes import WORTHWHILE_BYTES, Lanes, PcapGuess
from analyzers.wire.watched import Span

FILE_HEADER_BYTES: Final = 24
_CAPTURED_AT: Final = 8
"""Where in a record header the captured length stands."""

# magic as little-endian number -> (byte order, record header bytes, nanoseconds per tick)
MAGICS: Final = {
    0xA1B2C3D4: ("<", 16, 1000),
    0xA1B23C4D: ("<", 16, 1),
    0xA1B2CD34: ("<", 24, 1000),  # Kuznetzov's patch: interface index and type behind the lengths
    0xD4C3B2A1: (">", 16, 1000),
    0x4D3CB2A1: (">", 16, 1),
    0x34CDB2A1: (">", 24, 1000),
}


def is_pcap(head: bytes) -> bool:
    """Whether the first four bytes are a pcap magic."""
    return len(head) >= 4 and struct.unpack_from("<I", head)[0] in MAGICS


class PcapFraming:
    """Parser of one pcap stream (draft-ietf-opsawg-pcap)."""

    format = "pcap"

    def __init__(self, source_id: str) -> None:
        self._problems = ProblemFold(source_id)
        self._order = ""
        self._header_bytes = 16
        self._tick_ns = 1000
        self._link_type = 0
        self._records = 0
        self._stopped = False
        self.until_ns: int | None = None
        self.gaps: list[Span] = []
        """This format does not say until when was captured."""
        self.gaps_by_interface: dict[int, list[Span]] = {}
        self.addresses: set[str] = set()
        """Nor by whom."""
        self.interface_count = 1

    def take_problems(self) -> list[Problem]:
        """Problems met since the last call."""
        return self._problems.take()

    def finish(self, leftover_bytes: int) -> None:
        """The input ended with this many bytes unparsed."""
        if leftover_bytes and not self._stopped:
            self._problems.add(
                ProblemKind.TRUNCATED_TAIL,
                f"the file ends inside a record ({leftover_bytes} bytes left over)",
                self._records + 1,
            )

    def parse(self, buffer: bytearray, start: int, end: int) -> Parsed:
        """Parse the complete records in `buffer[start:end]`."""
        records = start
        if not self._order:
            if end - start < FILE_HEADER_BYTES:
                return Parsed(0, None)
            self._read_file_header(buffer, start)
            records += FILE_HEADER_BYTES
        offset, stop = self._walk(buffer, records, end)
        frames = self._frames(buffer, offset) if len(offset) else None
        self._records += len(offset)
        bad = self._bad_record_at(buffer, stop, end)
        if bad is not None:
            self._stopped = True
            self._problems.add(ProblemKind.BAD_RECORD, bad, self._records + 1)
            return Parsed(end - start, frames, stopped=True)
        return Parsed(stop - start, frames)

    def _read_file_header(self, buffer: bytearray, start: int) -> None:
        magic = struct.unpack_from("<I", buffer, start)[0]
        self._order, self._header_bytes, self._tick_ns = MAGICS[magic]
        # The upper bits of the link type field carry FCS information.
        self._link_type = struct.unpack_from(self._order + "I", buffer, start + 20)[0] & 0xFFFF

    def _walk(self, buffer: bytearray, start: int, end: int) -> tuple[Int64Array, int]:
        """Offsets of the record headers whose records are complete, and where the walk ended."""
        parts: list[Int64Array] = []
        if end - start >= WORTHWHILE_BYTES:
            guess = PcapGuess(buffer, start, self._order, self._header_bytes)
            lanes = Lanes(self._order, _CAPTURED_AT, self._header_bytes)
            offset, start = lanes.walk(buffer, start, end, guess)
            parts.append(offset)
        fields, stop = self._walk_on(buffer, start, end)
        parts.append(np.array(fields, dtype=np.int64) - _CAPTURED_AT)
        return np.concatenate(parts), stop

    def _walk_on(self, buffer: bytearray, start: int, end: int) -> tuple[list[int], int]:
        """One by one: offsets of the length fields, and where the walk ended."""
        # The walk goes from length field to length field, which stand 8 bytes into the header. A
        # record is complete if the next one's field lies within the bound; for a header that is
        # cut off even a length of 0, or what stands in the buffer's slack, goes beyond it.
        fields: list[int] = []
        append = fields.append
        header = self._header_bytes
        bound = end + _CAPTURED_AT
        field = start + _CAPTURED_AT
        if field > end:
            return fields, start
        if self._order == "<":
            # Records are not aligned: four shifted views make every 32-bit read an index.
            whole = memoryview(buffer)
            stop = len(buffer) & ~3
            shifted = [whole[k : stop - 4 + k].cast("I") for k in range(4)]
            while (following := field + header + shifted[field & 3][field >> 2]) <= bound:
                append(field)
                field = following
        else:
            read = struct.Struct(">I").unpack_from
            while (following := field + header + read(buffer, field)[0]) <= bound:
                append(field)
                field = following
        return fields, field - _CAPTURED_AT

    def _bad_record_at(self, buffer: bytearray, position: int, end: int) -> str | None:
        if position + self._header_bytes > end:
            return None
        captured = struct.unpack_from(self._order + "I", buffer, position + 8)[0]
        if captured <= MAX_FRAME_BYTES:
            return None
        return f"a record of {captured} bytes cannot be; nothing after it can be read"

    def _frames(self, buffer: bytearray, offset: Int64Array) -> FrameBlock:
        at = np.ndarray((len(buffer) - 15,), dtype="V16", buffer=buffer, strides=(1,))[offset]
        fields = at.view(self._order + "u4").reshape(-1, 4).astype(np.int64)
        fraction = fields[:, 1]
        wrong = fraction >= 1_000_000_000 // self._tick_ns
        if wrong.any():
            self._problems.add(
                ProblemKind.BAD_TIMESTAMP,
                "the sub-second part of a time is out of range",
                self._records + 1 + int(np.argmax(wrong)),
                int(wrong.sum()),
            )
        captured: Int64Array = fields[:, 2]
        return FrameBlock(
            buffer=buffer,
            first_record=self._records + 1,
            offset=offset + self._header_bytes,
            captured=captured,
            wire=np.maximum(fields[:, 3], captured),
            at_ns=fields[:, 0] * 1_000_000_000 + fraction * self._tick_ns,
            link_types=self._link_type,
        )
