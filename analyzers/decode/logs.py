"""Log text to events: lines are joined, stamped, read in their dialects, and put together.

The clock of a log is its own here: years, zones and offsets are settled by the session once all
inputs are known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from analyzers.decode.assembly.cisco_asa import CiscoAsaAssembly
from analyzers.decode.assembly.cisco_asa_ikev2 import CiscoAsaIkev2Assembly
from analyzers.decode.assembly.cisco_ios import CiscoIosAssembly
from analyzers.decode.assembly.direct import DirectAssembly
from analyzers.decode.assembly.lines import Assembly, LogLine
from analyzers.decode.assembly.pluto import PlutoAssembly
from analyzers.decode.assembly.strongswan import StrongswanAssembly
from analyzers.dialects.dialect import Dialect, Reader
from analyzers.dialects.logical_lines import LineJoiner, LogicalLine
from analyzers.dialects.stamps import NS_PER_DAY, Stamp, StampKind
from analyzers.model.log_events import LogEvent
from analyzers.model.records import Problem, ProblemKind, Ref, SourceInfo
from analyzers.model.time import NS_PER_SECOND

_ASSEMBLIES: Final[dict[str, Callable[[], Assembly]]] = {
    "cisco-isakmp": CiscoIosAssembly,
    "cisco-ikev2": CiscoIosAssembly,
    "cisco-ipsec": CiscoIosAssembly,
    "cisco-trace": CiscoIosAssembly,
    "cisco-syslog": CiscoIosAssembly,
    "strongswan": StrongswanAssembly,
    "cisco-asa": CiscoAsaAssembly,
    "cisco-asa-ikev2": CiscoAsaIkev2Assembly,
    "pluto": PlutoAssembly,
}
# A year-less stamp this much earlier than the one before is of the next year.
_NEW_YEAR_NS: Final = 180 * NS_PER_DAY
_LEAP_YEAR_NS: Final = 366 * NS_PER_DAY
_NEW_DAY_NS: Final = 12 * 3600 * NS_PER_SECOND
# Lines of a busy device may overtake each other by less than this.
_BACKWARDS_NS: Final = 2 * NS_PER_SECOND
_MAX_LINE: Final = 1 << 16
_KEPT_UNPARSED: Final = 1000


@dataclass(slots=True)
class LogTally:
    """What was read from a log; grows with it."""

    dialects: Counter[str] = field(default_factory=Counter)
    """Lines of each dialect."""
    matched: int = 0
    """Lines that a pattern knows."""
    unparsed: int = 0
    """Lines of a known dialect that nothing knows."""
    samples: list[tuple[int, str]] = field(default_factory=list)
    """Some of those, with their line numbers."""
    stamps: Counter[StampKind | None] = field(default_factory=Counter)
    unsynchronised: int = 0
    zoned: int = 0
    resolution_ns: int = 0
    """The finest resolution of its stamps."""


class LogDecoder:
    """Reads one log; text goes in as it comes, events come out in the order of the lines."""

    def __init__(self, info: SourceInfo, dialects: Sequence[Dialect]) -> None:
        """Counts and problems go to `info`."""
        self.info = info
        self.tally = LogTally()
        self._reader = Reader(dialects)
        self._joiner = LineJoiner(self._reader.tag)
        self._assemblies: dict[str, Assembly] = {}
        self._rest = ""
        self._rest_cut = False
        self._record = 0
        self._clock = _Clock()

    def feed(self, text: str) -> list[LogEvent]:
        """Take the next piece of text; a line may be cut anywhere."""
        text = self._rest + text
        lines = text.split("\n")
        self._rest = lines.pop()
        if len(self._rest) > _MAX_LINE:
            # Nothing is read beyond the first part of such a line.
            self._rest = self._rest[:_MAX_LINE]
        events: list[LogEvent] = []
        for line in lines:
            self._record += 1
            self._physical(line, events)
        return events

    def finish(self) -> list[LogEvent]:
        """The log is over."""
        events: list[LogEvent] = []
        if self._rest:
            self._record += 1
            self._physical(self._rest, events)
            self._rest = ""
        for logical in self._joiner.finish():
            events += self._logical(logical)
        for assembly in dict.fromkeys(self._assemblies.values()):
            events += assembly.finish()
        if self._joiner.long_lines:
            self.info.note(
                Problem(
                    ProblemKind.LONG_LINE,
                    "of these lines only the beginning was read",
                    None,
                    self._joiner.long_lines,
                )
            )
        self.info.lines = self._record
        return events

    def _physical(self, line: str, events: list[LogEvent]) -> None:
        if line.endswith("\r"):
            line = line.rstrip("\r")
        parts = line.split("\r") if "\r" in line else (line,)
        for part in parts:
            for logical in self._joiner.feed(self._record, part):
                events += self._logical(logical)

    def _logical(self, logical: LogicalLine) -> Iterable[LogEvent]:
        tag = logical.tag
        if tag is None:
            return ()
        reading = self._reader.read_tagged(logical.text, tag)
        tally = self.tally
        name = reading.dialect.name
        tally.dialects[name] += 1
        if reading.pattern is not None:
            tally.matched += 1
        elif not reading.ignored:
            tally.unparsed += 1
            if len(tally.samples) < _KEPT_UNPARSED:
                tally.samples.append((logical.record, logical.text))
        at_ns = self._at(logical)
        assembly = self._assemblies.get(name) or self._assembly(name)
        resolution = self._clock.resolution_ns
        ref = Ref(self.info.id, logical.record)
        return assembly.take(LogLine(at_ns, resolution, ref, reading, logical.text))

    def _assembly(self, name: str) -> Assembly:
        """The assembly of a dialect; dialects of one device share theirs."""
        factory = _ASSEMBLIES.get(name)
        shared = (a for n, a in self._assemblies.items() if _ASSEMBLIES.get(n) is factory)
        found = None if factory is None else next(shared, None)
        self._assemblies[name] = found or (factory or DirectAssembly)()
        return self._assemblies[name]

    def _at(self, logical: LogicalLine) -> int | None:
        stamp, tally = logical.stamp, self.tally
        tally.stamps[None if stamp is None else stamp.kind] += 1
        if stamp is not None:
            tally.unsynchronised += stamp.unsynchronised
            tally.zoned += stamp.zone
            finest = tally.resolution_ns
            tally.resolution_ns = min(finest or stamp.resolution_ns, stamp.resolution_ns)
            back_ns = self._clock.take(stamp)
            if back_ns > _BACKWARDS_NS:
                self.info.note(
                    Problem(
                        ProblemKind.TIME_BACKWARDS,
                        "a line is older than the one before it",
                        Ref(self.info.id, logical.record),
                    )
                )
        return self._clock.now_ns


@dataclass(slots=True)
class _Clock:
    """The log's own time: years and days that stamps do not name are counted."""

    now_ns: int | None = None
    """Time of the last stamp; lines without one happen at it."""
    resolution_ns: int = NS_PER_SECOND
    _shift_ns: int = 0
    _last_ns: int | None = None

    def take(self, stamp: Stamp) -> int:
        """Advance to a stamp; returns how far it goes back."""
        last, ns = self._last_ns, stamp.ns
        if last is not None:
            if stamp.kind is StampKind.NO_YEAR and last - ns > _NEW_YEAR_NS:
                self._shift_ns += _LEAP_YEAR_NS
            elif stamp.kind is StampKind.TIME_ONLY and last - ns > _NEW_DAY_NS:
                self._shift_ns += NS_PER_DAY
        self._last_ns = ns
        before, self.now_ns = self.now_ns, ns + self._shift_ns
        self.resolution_ns = stamp.resolution_ns
        return 0 if before is None else max(0, before - self.now_ns)
