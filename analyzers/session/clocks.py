"""One clock for all inputs: years and zones, identical facts, and what the user says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from operator import add
from pathlib import PurePath
from typing import Final, TypeVar

from analyzers.decode.log_clock import ClockHints, main_kind, place, quality
from analyzers.model.alignment import Alignment, ClockBasis
from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.observations import MessageKind
from analyzers.model.records import Problem, ProblemKind, Ref, SourceInfo
from analyzers.model.time import ORDER_LIMIT_NS, ClockQuality
from analyzers.session.options import ClockOptions
from analyzers.session.texts import LogSource
from analyzers.tracking.alignment import Fit, fit, pairs
from analyzers.tracking.logs import UNKNOWN_LOCAL, LogReach
from analyzers.tracking.sightings import Sighting, of_event
from analyzers.tracking.witnesses import (
    LIVENESS,
    Reach,
    Witnesses,
    belongs,
    reach_of_capture,
    reach_of_log,
)

T = TypeVar("T")
# The names in a log stand for the addresses on the wire if nearly all matches agree.
_AGREE: Final = 0.8
# Two captures whose clocks differ by less are left as they are: it may be the way between them.
_SAME_CLOCK_NS: Final = 20_000_000
# Lines may overtake each other by less; a clock is set back by no more than this.
_JITTER_NS: Final = 2_000_000_000
_SET_BACK_NS: Final = 2 * 3600 * 1_000_000_000


@dataclass(slots=True)
class CaptureClock:
    """A capture and the messages in it, for alignment."""

    number: int
    name: str
    info: SourceInfo
    sightings: list[Sighting]
    first_ns: int
    last_ns: int
    shift_ns: int = 0
    """Added to all its times."""


@dataclass(slots=True)
class Joined:
    """What the session feeds beside the captures."""

    witnesses: Witnesses = field(default_factory=Witnesses)
    streams: dict[int, list[LogEvent]] = field(default_factory=dict)
    """Events by number of the source, in the order of the common clock."""
    evidence: set[int] = field(default_factory=set)
    reaches: list[LogReach] = field(default_factory=list)
    spans: list[tuple[int, int]] = field(default_factory=list)
    """First and last time of each capture, on the common clock."""
    devices: list[str] = field(default_factory=list)
    """Addresses of the devices that wrote the logs."""
    alignments: list[Alignment] = field(default_factory=list)


class ClockJoiner:
    """Puts logs and captures on one clock and finds what several of them saw."""

    def __init__(self, options: ClockOptions) -> None:
        self._options = options
        self._aligned: list[tuple[SourceInfo, list[Sighting], int]] = []
        """Inputs on the common clock: sightings and resolution."""

    def join(self, captures: list[CaptureClock], logs: list[LogSource]) -> Joined:
        """Align everything to the first capture, or to the best log."""
        joined = Joined()
        for capture in captures:
            self._align_capture(capture, joined)
        for log in logs:
            self._date(log, captures, logs)
        if not captures and len(logs) == 1:
            self._alone(logs[0], joined)
            return joined
        for log in sorted(logs, key=_rank):
            self._align_log(log, joined)
        self._match(captures, logs, joined)
        return joined

    @staticmethod
    def _alone(log: LogSource, joined: Joined) -> None:
        """One log and nothing else: there is nothing to compare it with."""
        if log.info.clock_basis is not ClockBasis.MANUAL and main_kind(log.tally) is not None:
            log.info.clock_basis, log.info.clock_spread_ns = ClockBasis.REFERENCE, 0
        _settle_untimed(log, ())
        _name_local(log, (), (log,))
        joined.streams[log.number] = _stream(log, (), set(), set(), joined.evidence)
        joined.devices += dict.fromkeys(e.local for e in log.events if e.local is not None)

    # --- calendars -------------------------------------------------------------------------

    def _date(
        self, log: LogSource, captures: Sequence[CaptureClock], logs: Sequence[LogSource]
    ) -> None:
        near, is_input = log.modified_ns, False
        ends = [s.at_ns for c in captures for s in c.sightings[-1:]]
        ends += [
            e.at_ns
            for other in logs
            if other is not log and quality(other.tally) is ClockQuality.ABSOLUTE
            for e in other.events[-1:]
            if e.at_ns is not None
        ]
        # The output of `show clock` has the year that the debug around it lacks.
        ends += [s.at_ns for s in log.snapshots if s.at_ns is not None]
        if ends:
            near, is_input = max(ends), True
        options = self._options
        hints = ClockHints(
            _of(options.years, log.name, options.year),
            _of(options.zones, log.name, options.zone),
            near,
            is_input,
        )
        info = log.info
        info.clock = quality(log.tally)
        if not place(log.events, log.tally, hints):
            info.note(
                Problem(
                    ProblemKind.CLOCK_GUESSED,
                    "the stamps have no year: it is taken from the time of the file"
                    if near is not None
                    else "the stamps have no year: give it with --year",
                )
            )
        if main_kind(log.tally) is None and log.events:
            info.note(
                Problem(ProblemKind.NO_TIMES, "no line has a time: only their order is known")
            )
        shift_ns = _of(options.offsets_ns, log.name, None)
        if shift_ns is not None:
            _shift(log.events, shift_ns)
            log.to_common = partial(add, shift_ns)
            info.clock_basis, info.clock_offset_ns = ClockBasis.MANUAL, -shift_ns

    # --- offsets ---------------------------------------------------------------------------

    def _align_capture(self, capture: CaptureClock, joined: Joined) -> None:
        info = capture.info
        manual = _of(self._options.offsets_ns, capture.name, None)
        if manual is not None:
            capture.shift_ns = manual
            info.clock_basis, info.clock_offset_ns = ClockBasis.MANUAL, -manual
        elif not self._aligned:
            info.clock_basis, info.clock_spread_ns = ClockBasis.REFERENCE, 0
        else:
            found = self._fit(capture.sightings, 1)
            if found is not None and abs(found[1].offset_ns) > _SAME_CLOCK_NS:
                against, fitted = found
                capture.shift_ns = -fitted.offset_ns
                self._note(info, against, fitted, joined)
        capture.sightings = [
            s._replace(at_ns=s.at_ns + capture.shift_ns) for s in capture.sightings
        ]
        self._aligned.append((info, capture.sightings, 1))

    def _align_log(self, log: LogSource, joined: Joined) -> None:
        info = log.info
        sightings = _sightings(log.events)
        resolution = log.tally.resolution_ns or 1
        if info.clock_basis is ClockBasis.MANUAL or main_kind(log.tally) is None:
            pass
        elif not self._aligned:
            info.clock_basis, info.clock_spread_ns = ClockBasis.REFERENCE, 0
        elif self._options.align:
            found = self._fit(sightings, resolution)
            if found is not None:
                against, fitted = found
                log.to_common = fitted.to_other
                for event in log.events:
                    if event.at_ns is not None:
                        event.at_ns = fitted.to_other(event.at_ns)
                sightings = _sightings(log.events)
                self._note(info, against, fitted, joined)
            elif sightings:
                info.note(
                    Problem(
                        ProblemKind.NOT_ALIGNED,
                        "no message of it is in another input: its own clock is used as it is",
                    )
                )
        self._aligned.append((info, sightings, resolution))

    def _fit(self, own: list[Sighting], resolution_ns: int) -> tuple[SourceInfo, Fit] | None:
        if not self._options.align:
            return None
        for info, sightings, other_resolution in self._aligned:
            fitted = fit(own, sightings, max(resolution_ns, other_resolution))
            if fitted is not None:
                return info, fitted
        return None

    @staticmethod
    def _note(info: SourceInfo, against: SourceInfo, fitted: Fit, joined: Joined) -> None:
        info.clock_basis = ClockBasis.MATCHED
        info.clock_offset_ns, info.clock_spread_ns = fitted.offset_ns, fitted.spread_ns
        joined.alignments.append(
            Alignment(
                info.id,
                against.id,
                fitted.matched,
                fitted.offset_ns,
                fitted.spread_ns,
                round(fitted.drift * 1e6, 3),
                fitted.evidence,
            )
        )

    # --- identical messages ----------------------------------------------------------------

    def _match(self, captures: list[CaptureClock], logs: list[LogSource], joined: Joined) -> None:
        """Pair the messages of logs with those of captures, then with those of other logs."""
        wire = [s for c in captures for s in c.sightings]
        matched: set[int] = set()
        told: set[int] = set()
        for log in logs:
            _settle_untimed(log, wire)
            found = self._pairs(log, wire)
            _rename(log, found)
            for event, sighting in found:
                joined.witnesses.add(sighting.ref, event)
                matched.add(id(event))
        for log in logs:
            _name_local(log, captures, logs)
        reaches = [
            reach_of_capture(c.sightings, c.first_ns + c.shift_ns, c.last_ns + c.shift_ns)
            for c in captures
        ]
        joined.spans = [(r.first_ns, r.last_ns) for r in reaches]
        for number, log in enumerate(logs):
            for other in logs[number + 1 :]:
                self._match_logs(log, other, matched, told, joined)
        for log in logs:
            others = [*reaches]
            others += [r for o in logs if o is not log and (r := _reach(o)) is not None]
            if _is_adrift(log):
                # Its places cannot be told from times, and nothing ties it to the other inputs.
                joined.streams[log.number] = []
                text = "no line has a time, and none names a message of another input: left out"
                log.info.note(Problem(ProblemKind.NOT_ALIGNED, text, None, len(log.events)))
                continue
            joined.streams[log.number] = _stream(log, others, matched, told, joined.evidence)
            own_addresses = dict.fromkeys(e.local for e in log.events if e.local is not None)
            joined.devices += [a for a in own_addresses if a not in joined.devices]
            own = _reach(log)
            if own is not None:
                joined.reaches += [LogReach(a, own.first_ns, own.last_ns) for a in own.own]

    def _pairs(self, log: LogSource, wire: Sequence[Sighting]) -> list[tuple[LogEvent, Sighting]]:
        if not wire:
            return []
        events = _by_ref(log.events)
        same = _same_clock(log)
        return [
            (events[one.ref, one.at_ns], two)
            for one, two in pairs(_sightings(log.events), wire, same)
        ]

    def _match_logs(
        self,
        log: LogSource,
        other: LogSource,
        matched: set[int],
        told: set[int],
        joined: Joined,
    ) -> None:
        """One message in the logs of both ends: the asking end's line is the message.

        The others are `matched`, and it is `told` whatever other inputs cover.
        """
        mine = [e for e in log.events if id(e) not in matched]
        theirs = [e for e in other.events if id(e) not in matched]
        events = _by_ref(mine) | _by_ref(theirs)
        same = _same_clock(log, other)
        for one, two in pairs(_sightings(mine), _sightings(theirs), same):
            left, right = events[one.ref, one.at_ns], events[two.ref, two.at_ns]
            answers = left.message is MessageKind.R_U_THERE_ACK or bool(left.response)
            first = right if bool(left.sent) is answers else left
            second = right if first is left else left
            joined.witnesses.add(first.ref, second)
            matched.add(id(second))
            told.add(id(first))


def _of(values: Mapping[str, T], name: str, default: T | None) -> T | None:
    """The value for an input, which may be named by its path or by its last part."""
    path = name.partition(":")[2] or name
    for key in (name, path, PurePath(path).name):
        if key in values:
            return values[key]
    return default


def _rank(log: LogSource) -> tuple[int, int]:
    order = [
        ClockQuality.ABSOLUTE,
        ClockQuality.NO_ZONE,
        ClockQuality.NO_YEAR,
        ClockQuality.UNSYNCHRONISED,
        ClockQuality.RELATIVE,
    ]
    return order.index(log.info.clock), log.number


def _sightings(events: Sequence[LogEvent]) -> list[Sighting]:
    return [s for s in map(of_event, events) if s is not None]


def _by_ref(events: Sequence[LogEvent]) -> dict[tuple[Ref, int], LogEvent]:
    """Messages by their place and time; a line tells of one message."""
    return {
        (e.ref, e.at_ns): e
        for e in reversed(events)
        if e.kind is LogEventKind.MESSAGE and e.at_ns is not None
    }


def _same_clock(*logs: LogSource) -> Fit:
    spread = max((log.info.clock_spread_ns or 0) for log in logs)
    resolution = max((log.tally.resolution_ns or 1) for log in logs)
    return Fit(0, 0, spread, "", resolution_ns=resolution)


def _settle_untimed(log: LogSource, wire: Sequence[Sighting]) -> None:
    """Lines without any time take it from the packets they name, and from their order."""
    if main_kind(log.tally) is not None or not log.events:
        return
    times: dict[object, int] = {}
    for sighting in wire:
        for key in sighting.keys:
            times.setdefault(key, sighting.at_ns)
    last: int | None = None
    for order, event in enumerate(log.events):
        named = of_event(replace(event, at_ns=0))
        found = [times[k] for k in named.keys if k in times] if named is not None else []
        if found and (last is None or found[0] >= last):
            last = found[0]
        event.at_ns = order + 1 if last is None else last
    if last is not None:
        first = next(e.at_ns for e in log.events if e.at_ns and e.at_ns > len(log.events))
        for event in log.events:
            if event.at_ns is not None and event.at_ns <= len(log.events):
                event.at_ns = first


def _rename(log: LogSource, found: Sequence[tuple[LogEvent, Sighting]]) -> None:
    """Masked and translated addresses of a log become those on the wire."""
    names: dict[str, Counter[str]] = {}
    for event, sighting in found:
        ends = (sighting.src, sighting.dst) if event.sent else (sighting.dst, sighting.src)
        for written, real in zip((event.local, event.remote), ends, strict=True):
            if written is not None and real is not None:
                names.setdefault(written, Counter())[real] += 1
            elif real is not None and written is None:
                names.setdefault("", Counter())[real] += 0
        if event.local is None:
            event.local = ends[0]
        if event.remote is None:
            event.remote = ends[1]
    certain = {
        written: seen.most_common(1)[0][0]
        for written, seen in names.items()
        if seen and written and seen.most_common(1)[0][1] >= _AGREE * seen.total()
    }
    for event in log.events:
        event.local = certain.get(event.local or "", event.local)
        event.remote = certain.get(event.remote or "", event.remote)


def _name_local(
    log: LogSource, captures: Sequence[CaptureClock], logs: Sequence[LogSource]
) -> None:
    """Give the log's own device an address: from its other lines, else from other inputs."""
    own = Counter(e.local for e in log.events if e.local is not None)
    by_remote = {e.remote: e.local for e in log.events if e.local is not None}
    elsewhere: dict[str, set[str]] = {}
    for capture in captures:
        for s in capture.sightings:
            if s.src is not None and s.dst is not None:
                elsewhere.setdefault(s.src, set()).add(s.dst)
                elsewhere.setdefault(s.dst, set()).add(s.src)
    remotes = {e.remote for e in log.events if e.remote is not None}
    lone = next(iter(remotes)) if len(remotes) == 1 else None
    nameless = UNKNOWN_LOCAL if len(logs) == 1 else f"{UNKNOWN_LOCAL}-{log.info.id}"
    for event in log.events:
        if event.remote is None:
            event.remote = lone
        if event.local is not None:
            continue
        seen = elsewhere.get(event.remote or "", set())
        event.local = by_remote.get(event.remote)
        if event.local is None and len(seen) == 1:
            event.local = next(iter(seen))
        if event.local is None:
            event.local = next(iter(own)) if len(own) == 1 else nameless


def _reach(log: LogSource) -> Reach | None:
    times = [e.at_ns for e in log.events if e.at_ns is not None]
    if not times or main_kind(log.tally) is None:
        return None
    return reach_of_log(log.events, min(times), max(times))


def _stream(
    log: LogSource,
    others: Sequence[Reach],
    matched: set[int],
    told: set[int],
    evidence: set[int],
) -> list[LogEvent]:
    """What of a log is tracked, in the order of the common clock."""
    stream = []
    for event in log.events:
        if id(event) in matched or event.at_ns is None:
            continue
        reaches = [r for r in others if not r.own] if id(event) in told else others
        if not belongs(event, reaches):
            evidence.add(id(event))
        stream.append(event)
    stream = _in_order(stream)
    edge = sum(
        e.message in LIVENESS
        and id(e) in evidence
        and any(r.at_edge(e) for r in others if not r.own)
        for e in stream
    )
    if edge:
        log.info.note(
            Problem(
                ProblemKind.CAPTURE_EDGE,
                "questions and answers within 5 s before or after the capture are left out: it may"
                " have lost them when it began or ended",
                None,
                edge,
            )
        )
    return stream


def _is_adrift(log: LogSource) -> bool:
    """Whether a log has places in its own order only."""
    times = [e.at_ns for e in log.events if e.at_ns is not None]
    return bool(times) and max(times) < ORDER_LIMIT_NS


def _in_order(events: list[LogEvent]) -> list[LogEvent]:
    """Events in the order of time; where the clock was set back the order of the lines holds.

    The end of daylight saving repeats an hour: what follows is moved on, so that durations hold.
    Lines that are older still come from elsewhere, and take their own place.
    """
    by_ns, last_ns = 0, None
    for event in events:
        if event.at_ns is None:
            continue
        at_ns = event.at_ns + by_ns
        if last_ns is not None and _JITTER_NS < last_ns - at_ns <= _SET_BACK_NS:
            by_ns += last_ns - at_ns
            at_ns = last_ns
        elif last_ns is not None and last_ns - at_ns > _SET_BACK_NS:
            by_ns, at_ns = 0, event.at_ns
        event.at_ns = last_ns = at_ns
    return sorted(events, key=lambda e: e.at_ns or 0)


def _shift(events: Sequence[LogEvent], shift_ns: int) -> None:
    for event in events:
        if event.at_ns is not None:
            event.at_ns += shift_ns
