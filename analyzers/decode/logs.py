"""Log text to events: lines are joined, stamped, read in their dialects, and put together.

The clock of a log is its own here: years, zones and offsets are settled by the session once all
inputs are known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final

from analyzers.decode import log_gaps
from analyzers.decode.assembly.cisco_asa import CiscoAsaAssembly
from analyzers.decode.assembly.cisco_asa_ikev2 import CiscoAsaIkev2Assembly
from analyzers.decode.assembly.cisco_ios import CiscoIosAssembly
from analyzers.decode.assembly.devices import OfDevice
from analyzers.decode.assembly.direct import DirectAssembly
from analyzers.decode.assembly.fortigate import FortigateAssembly
from analyzers.decode.assembly.fortigate_events import FortigateEventsAssembly
from analyzers.decode.assembly.juniper_kmd import JuniperKmdAssembly
from analyzers.decode.assembly.lines import Assembly, LogLine, Pausing
from analyzers.decode.assembly.pluto import PlutoAssembly
from analyzers.decode.assembly.racoon import RacoonAssembly
from analyzers.decode.assembly.routeros import RouterosAssembly
from analyzers.decode.assembly.strongswan import StrongswanAssembly
from analyzers.decode.log_commands import without_commands
from analyzers.decode.log_order import Order, OrderProbe, Turned
from analyzers.decode.log_relay import Relayed, relayed
from analyzers.decode.log_shapes import LineShape, Shapes, Taker, TextShape
from analyzers.decode.log_tally import LogTally as LogTally
from analyzers.decode.log_time import LogTime
from analyzers.decode.log_wrap import SAMPLE as WRAP_SAMPLE
from analyzers.decode.log_wrap import Unwrapper, begins_with_stamp, split_long, wrap_width
from analyzers.dialects.dialect import Dialect, Outline, Reader
from analyzers.dialects.digits import zeroed
from analyzers.dialects.likeness import Likeness
from analyzers.dialects.logical_lines import (
    MAX_LINE,
    MAX_LINES,
    LineJoiner,
    LineKind,
    LogicalLine,
    stamp_at_start,
)
from analyzers.dialects.physical_lines import LineCutter
from analyzers.dialects.stamps import StampKind, read_stamp
from analyzers.model.log_events import LogEvent
from analyzers.model.records import Problem, ProblemKind, Ref, SourceInfo
from analyzers.model.time import NS_PER_SECOND
from analyzers.sources.syslog_header import plain_line

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
    "fortigate": FortigateAssembly,
    "fortigate-events": FortigateEventsAssembly,
    "racoon": RacoonAssembly,
    "routeros": RouterosAssembly,
    "juniper-kmd": JuniperKmdAssembly,
}
# Lines of a busy device may overtake each other by less than this.
_BACKWARDS_NS: Final = 2 * NS_PER_SECOND
_ALONE: Final = 1000
_KEPT_UNPARSED: Final = 1000
_MAX_HOSTS: Final = 256
# So many of the last lines are looked at for the time of the last one.
_LATEST: Final = 8
_MAX_TURNED_BYTES: Final = 32 << 20
_NOTHING: Final = (None, "", 0)
_DATED: Final = (StampKind.ABSOLUTE, StampKind.NO_YEAR)


class LogDecoder:
    """Reads one log; text goes in as it comes, events come out in order of time.

    That is the order of the lines, unless the log is newest-first: then nothing comes out before
    its end. A line is complete when the next one has begun, so its events come with that.
    """

    def __init__(
        self,
        info: SourceInfo,
        dialects: Sequence[Dialect],
        *,
        order: Order = Order.UNKNOWN,
        alone: int = _ALONE,
        on_lines: Callable[[int, Sequence[str]], None] | None = None,
    ) -> None:
        """Counts and problems go to `info`.

        An UNKNOWN order is found out by the first stamps; a log that is still being written is
        OLDEST_FIRST. Of the first `alone` lines each is looked at for itself, to the same end:
        only in a longer log it pays to know which are alike.

        `on_lines` hears of all physical lines as they end: the number of the first one, and what
        they say, with one NUL for each gap.
        """
        self.info = info
        self._source = info.id
        self.tally = LogTally()
        reader, likeness = _tables(tuple(dialects))
        self._joiner = LineJoiner(reader.tag)
        self._reader = reader
        self._shapes = Shapes(self._joiner, reader, likeness, _is_wanted)
        self._alone = alone
        self._assemblies: dict[tuple[str, str | None], Assembly] = {}
        """By dialect and host."""
        self._time = LogTime()
        self._said = ""
        """The stamp that told the time."""
        self._cutter = LineCutter()
        self._on_lines = on_lines
        self._tag = reader.tag
        self._first: tuple[list[int], list[str]] = ([], [])
        """Lines that wait for the width of a wrap to be known, and their numbers."""
        self._unwrapper: Unwrapper | None = None
        if order is not Order.UNKNOWN:
            self._unwrapper = Unwrapper(0, self._begins)  # a log that grows waits for nothing
        self._width = 0
        self._probe = OrderProbe(order)
        self._early: list[str] = []
        """Lines that wait for the order to be known."""
        self._turned: Turned | None = None
        self._record = 0
        self._gaps = False
        """Whether there were any NULs in the text so far."""
        self._framed = False
        """Whether there may have been a priority, with which a header of RFC 5424 begins."""
        self._held: tuple[LineShape | None, str, int] = _NOTHING
        """The last line, unless the joiner has it, and its number."""
        self._more: list[str] = []
        """Lines that go on with it."""
        self._latest: list[str] = []
        """The last lines, in the order in which they were written."""

    def feed(self, text: str) -> list[LogEvent]:
        """Take the next piece of text; a line may be cut anywhere."""
        events: list[LogEvent] = []
        self._gaps = self._gaps or log_gaps.NUL in text
        self._framed = self._framed or "<" in text
        self._take(self._cutter.feed(log_gaps.narrowed(text)), events)
        self._settle()
        self.info.lines = self._record
        return events

    def pause(self) -> list[LogEvent]:
        """Nothing has come for a while: a line that has ended goes on no more."""
        events: list[LogEvent] = []
        self._repair(events)
        for logical in self._joiner.finish():
            self._logical(logical, events)
        self._settle()
        return events

    def quiet(self) -> list[LogEvent]:
        """Nothing has come for a while: of what was told in part no more is told."""
        assemblies = dict.fromkeys(self._assemblies.values())
        told = [a.pause() for a in assemblies if isinstance(a, Pausing)]
        self._settle()
        return [event for events in told for event in events]

    def end_ns(self) -> int | None:
        """When the last line of a log that is over was written, understood or not, on the scale
        of its events; None if no stamp tells."""
        for line in reversed(self._latest):
            match = stamp_at_start(line)[0]
            stamp = None if match is None else read_stamp(match)
            if stamp is not None:
                self._time.take(stamp.kind, stamp.ns, stamp.resolution_ns)
                break
        return self._time.now_ns

    def relayed(self) -> Relayed | None:
        """What a relay tells of the clock of the device, by the last lines."""
        return relayed(reversed(self._latest))

    def finish(self) -> list[LogEvent]:
        """The log is over."""
        events: list[LogEvent] = []
        self._take(self._cutter.finish(), events)
        self._probe.finish()
        self._take([], events)
        self._unwrap(*self._first, events, last=True)
        if self._turned is not None:
            for records, lines in self._turned.backward():
                self._read(records, lines, events)
        self._repair(events)
        for logical in self._joiner.finish():
            self._logical(logical, events)
        for assembly in dict.fromkeys(self._assemblies.values()):
            events += assembly.finish()
        self._settle()
        if long_lines := max(self._joiner.long_lines, self._cutter.long_lines):
            text = "of these lines only the beginning was read"
            self.info.note(Problem(ProblemKind.LONG_LINE, text, None, long_lines))
        self.info.lines = self._record
        return events

    # --- physical lines --------------------------------------------------------------------

    def _take(self, lines: list[str], events: list[LogEvent]) -> None:
        """Read lines, or keep them until it is known in which order to read them."""
        if self._on_lines is not None and lines:
            self._on_lines(self._record + 1, lines)
        if self._gaps:
            for record, line in enumerate(lines, self._record + 1):
                if log_gaps.NUL in line:
                    self.info.note(log_gaps.problem(self.info.id, record))
        self._record += len(lines)
        if self._framed:
            lines = [plain_line(line) if line[:1] == "<" else line for line in lines]
        probe = self._probe
        if self._early or probe.order is Order.UNKNOWN:
            for line in lines:
                if probe.order is not Order.UNKNOWN:
                    break
                probe.look(line)
            self._early += lines
            if probe.order is Order.UNKNOWN:
                return
            lines, self._early = self._early, []
        if not lines:
            return
        if probe.order is Order.OLDEST_FIRST:
            numbers: Sequence[int] = range(self._record - len(lines) + 1, self._record + 1)
            if self._gaps and any(log_gaps.NUL in line for line in lines):
                numbers, lines = log_gaps.cut(numbers, lines)
            if self._unwrapper is None or self._width or max(map(len, lines)) > MAX_LINE:
                self._unwrap([*self._first[0], *numbers], [*self._first[1], *lines], events)
            else:
                self._read(numbers, lines, events)
            return
        if self._turned is None:
            self._turned = Turned(_MAX_TURNED_BYTES)
        for line in lines:
            self._turned.take(line)
        if self._turned.full:
            text = "newest first, and too long to be turned round"
            self.info.note(Problem(ProblemKind.TIME_BACKWARDS, text))
            for records, kept in self._turned.forward():
                self._read(records, kept, events)
            self._turned, probe.order = None, Order.OLDEST_FIRST

    def _unwrap(
        self, records: list[int], lines: list[str], events: list[LogEvent], *, last: bool = False
    ) -> None:
        """Put together what a terminal cut; the first lines wait until that is known."""
        if self._unwrapper is None:
            if len(lines) < WRAP_SAMPLE and not last:
                self._first = records, lines
                return
            width = wrap_width(lines[:WRAP_SAMPLE], self._begins)
            self._unwrapper, self._width = Unwrapper(width, self._begins), width
            self._first = [], []
        if self._width and self._unwrapper is not None:
            records, lines = self._unwrapper.take(records, lines)
            if last:
                rest = self._unwrapper.finish()
                records, lines = records + rest[0], lines + rest[1]
        if not lines:
            return
        if len(max(lines, key=len)) > MAX_LINE:
            records, lines = split_long(records, lines)
        self._read(records, lines, events)

    def _begins(self, line: str) -> bool:
        return begins_with_stamp(line) or self._tag.match(line) is not None

    def _read(self, records: Sequence[int], lines: list[str], events: list[LogEvent]) -> None:
        """Read physical lines, most of which are like others before them."""
        self._latest = [*self._latest, *lines[-_LATEST:]][-_LATEST:]
        if self._alone:
            count = min(self._alone, len(lines))
            self._alone -= count
            for record, line in zip(records[:count], lines, strict=False):
                self._repair(events, record, line)
            records, lines = records[count:], lines[count:]
            if not lines:
                return
        joiner, shapes = self._joiner, self._shapes
        learn = shapes.learn
        more = self._more
        last, begun, number = self._held
        keys = zeroed("\n".join(lines)).split(b"\n")
        known = map(shapes.known, keys)
        for record, line, key, found in zip(records, lines, keys, known, strict=True):
            shape = found
            if shape is None:
                shape = learn(line, key)
                self.tally.know_zone(shape.stamp, record)
            if shape.begins:
                if last is not None:
                    if more or not last.passes:
                        self._complete(last, begun, number, more, events)
                        more.clear()
                    elif last.count is not None:
                        last.count.lines += 1
                elif joiner.open or joiner.torn:
                    if joiner.torn or (shape.kind is LineKind.TAGGED and joiner.awaits_text):
                        self._repair(events, record, line)
                        continue
                    for logical in joiner.finish():
                        self._logical(logical, events)
                last, begun, number = shape, line, record
            elif shape.goes_on:
                if last is not None:
                    if len(more) < MAX_LINES - 1:
                        more.append(line)
                elif joiner.torn or (joiner.open and not joiner.full):
                    self._repair(events, record, line)
                elif not joiner.open:
                    last, begun, number = shape, line, record
            elif shape.kind is LineKind.ODD:
                self._held, last = (last, begun, number), None
                self._repair(events, record, line)
        self._held = last, begun, number

    def _repair(
        self, events: list[LogEvent], record: int | None = None, line: str | None = None
    ) -> None:
        """Give the held line, and another one, to the joiner."""
        joiner, (held, begun, number) = self._joiner, self._held
        if held is not None:
            self._held = _NOTHING
            for each in (begun, *self._more):
                for logical in joiner.feed(number, each):
                    self._logical(logical, events)
            self._more.clear()
        if line is not None and record is not None:
            for part in line.split("\r") if "\r" in line else (line,):
                for logical in joiner.feed(record, part):
                    self._logical(logical, events)

    # --- logical lines ---------------------------------------------------------------------

    def _complete(
        self, like: LineShape, line: str, record: int, more: list[str], events: list[LogEvent]
    ) -> None:
        """A line that needed no repair has ended."""
        shape, count = like.text, like.count
        text = line[like.text_at :]
        if more:
            text = without_commands("\n".join((text, *more)), self._reader)
            shape = self._shapes.text(text)
            if shape is not None:
                count = shape.counts.get(like.stamp) or self._shapes.count(shape, like.stamp)
        if shape is None or count is None:
            return
        count.lines += 1
        if shape.unparsed:
            self._sample(record, text)
        if not shape.takes:
            return
        stamp, time = like.stamp, self._time
        if stamp is not None:
            said = line[stamp.place]
            if said != self._said:
                ns = stamp.ns(line)
                if ns is None:
                    stamp = None
                    count.lines -= 1
                    self._shapes.count(shape, None).lines += 1
                else:
                    if not time.step(stamp.kind, ns, stamp.resolution_ns):
                        self._advance(stamp.kind, ns, stamp.resolution_ns, record)
                    self._said = said
        take = shape.take if like.host is None else None
        if take is None:
            host = None if like.host is None else line[like.host[0] : like.host[1]]
            take = self._taker(shape, text, host, stamped=stamp is not None)
        source, form = self._source, shape.form
        if made := take(LogLine(time.now_ns, time.resolution_ns, source, record, form, text)):
            events += made

    def _logical(self, logical: LogicalLine, events: list[LogEvent]) -> None:
        """A line that the joiner has put together."""
        text, stamp, record = logical.text, logical.stamp, logical.record
        text = without_commands(text, self._reader) if "\n" in text else text
        shape = self._shapes.text(text)
        if shape is None:
            return
        self._shapes.count(shape, stamp).lines += 1
        if shape.unparsed:
            self._sample(record, text)
        if not shape.takes:
            return
        self.tally.know_zone(stamp, record)
        time = self._time
        if stamp is not None:
            self._advance(stamp.kind, stamp.ns, stamp.resolution_ns, record)
        take = self._taker(shape, text, logical.host, stamped=stamp is not None)
        source, form = self._source, shape.form
        events += take(LogLine(time.now_ns, time.resolution_ns, source, record, form, text))

    def _sample(self, record: int, text: str) -> None:
        if len(self.tally.samples) < _KEPT_UNPARSED:
            self.tally.samples.append((record, text))

    def _advance(self, kind: StampKind, ns: int, resolution_ns: int, record: int) -> None:
        self._said = ""
        unset = self._time.unset
        back_ns = self._time.take(kind, ns, resolution_ns)
        if self._time.unset and not unset:
            text = (
                "the device started anew: until its clock is set its stamps count from 1 March, and"
                " are put behind what it had logged before"
            )
            self.info.note(Problem(ProblemKind.CLOCK_SET, text, Ref(self.info.id, record)))
        if back_ns is not None and back_ns > _BACKWARDS_NS:
            text = "a line is older than the one before it"
            ref = Ref(self.info.id, record)
            self.info.note(Problem(ProblemKind.TIME_BACKWARDS, text, ref))

    def _taker(self, shape: TextShape, text: str, host: str | None, *, stamped: bool) -> Taker:
        """What takes the lines of a dialect that one device writes."""
        if host is None and stamped and shape.host is not None:
            host = text[shape.host]
            if host.isdigit():
                host = None  # the rest of a stamp that was cut
        found = self._assemblies.get((shape.name, host))
        if found is None:
            found = self._assembly(shape.name, host)
        if host is None and shape.host is None:
            shape.take = found.take
        return found.take

    def _assembly(self, name: str, host: str | None) -> Assembly:
        """The assembly of a dialect; dialects of one device share theirs."""
        if host is not None and len(self._assemblies) >= _MAX_HOSTS:
            return self._assemblies.get((name, None)) or self._assembly(name, None)
        made_by = _ASSEMBLIES.get(name)
        found = None
        for (other, device), assembly in self._assemblies.items():
            if device == host and made_by is not None and _ASSEMBLIES.get(other) is made_by:
                found = assembly
        hosts = {device for _, device in self._assemblies} | {host}
        self.tally.hosts = len(hosts - {None})
        self.tally.first_host = self.tally.first_host or host
        if found is None:
            found = (made_by or DirectAssembly)()
            if host not in (None, self.tally.first_host):
                found = OfDevice(found, host)
        self._assemblies[name, host] = found
        return found

    def _settle(self) -> None:
        """Bring the tally up to date."""
        scale = self._time.kind
        for count in self._shapes.counts.values():
            if count.lines:
                kind = None if count.stamp is None else count.stamp[0]
                if kind is not None and kind is not StampKind.UPTIME and scale in _DATED:
                    kind = scale
                self.tally.add(count, kind)


@lru_cache(maxsize=4)
def _tables(dialects: tuple[Dialect, ...]) -> tuple[Reader, Likeness]:
    """What is made of the tables of dialects; the same for all logs."""
    return Reader(dialects), Likeness(dialects)


def _is_wanted(outline: Outline) -> bool:
    """Whether what puts the lines of a dialect together has any use for such a line."""
    made_by = _ASSEMBLIES.get(outline.dialect.name, DirectAssembly)
    if made_by is DirectAssembly:
        return outline.pattern is not None and outline.pattern.says is not None
    useless: frozenset[str] = getattr(made_by, "useless", frozenset())
    return ("" if outline.pattern is None else outline.pattern.id) not in useless
