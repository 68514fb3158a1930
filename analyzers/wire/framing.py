"""Capture file framing: which format it is, and the fold of repeated problems.

The two formats live in `pcap` and `pcapng`. All are push parsers over a buffer that someone
else fills, so a file, a pipe and a decompressor are read by the same code.
"""

from __future__ import annotations

from typing import Final, NamedTuple, Protocol

from analyzers.model.records import Problem, ProblemKind, Ref
from analyzers.wire.frames import FrameBlock
from analyzers.wire.watched import Span

# Wireshark refuses records above 256 KiB; offloaded frames and long snap lengths stay below this.
MAX_FRAME_BYTES: Final = 1 << 20


class Parsed(NamedTuple):
    """What a parser made of the buffer."""

    consumed: int
    """Bytes that need not be given again."""
    frames: FrameBlock | None
    stopped: bool = False
    """Nothing after this place can be read."""


class Framing(Protocol):
    """A parser of one capture format."""

    format: str
    addresses: set[str]
    """Of the machine that captured, as far as the capture says so."""
    interface_count: int
    """The most that a section has."""

    @property
    def until_ns(self) -> int | None:
        """Until when was captured, as the capture says."""

    @property
    def gaps_by_interface(self) -> dict[int, list[Span]]:
        """The same of each interface."""

    @property
    def gaps(self) -> list[Span]:
        """Times in which capturing was interrupted, as the capture says."""

    def parse(self, buffer: bytearray, start: int, end: int) -> Parsed:
        """Parse the complete records in `buffer[start:end]`."""

    def finish(self, leftover_bytes: int) -> None:
        """The input ended with this many bytes unparsed."""

    def take_problems(self) -> list[Problem]:
        """Problems met since the last call."""


class ProblemFold:
    """Folds repeats of one kind of problem into its first place and a count."""

    def __init__(self, source_id: str) -> None:
        self._source_id = source_id
        self._folded: dict[tuple[ProblemKind, str], Problem] = {}

    def add(self, kind: ProblemKind, detail: str, record: int | None, count: int = 1) -> None:
        """Note `count` occurrences; `record` is the frame of the first."""
        key = (kind, detail)
        known = self._folded.get(key)
        if known is None:
            ref = None if record is None else Ref(self._source_id, record)
            self._folded[key] = Problem(kind, detail, ref, count)
        else:
            self._folded[key] = Problem(kind, detail, known.ref, known.count + count)

    def take(self) -> list[Problem]:
        """What was folded since the last call."""
        problems = list(self._folded.values())
        self._folded.clear()
        return problems
