"""One clock for all inputs: years and zones, identical facts, and what the user says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta, timezone, tzinfo
from functools import partial
from operator import add
from pathlib import PurePath
from typing import Final, NamedTuple, TypeVar

from msgspec.structs import replace

from analyzers.decode.log_clock import (
    ClockHints,
    in_zone,
    main_kind,
    missing_leap_day,
    place,
    quality,
)
from analyzers.dialects.stamps import StampKind
from analyzers.export.formatting import clock_distance, counted
from analyzers.model.alignment import Alignment, ClockBasis
from analyzers.model.log_events import LogEvent
from analyzers.model.records import Problem, ProblemKind, Ref, SourceInfo
from analyzers.model.snapshot import Snapshot
from analyzers.model.time import NS_PER_MS, NS_PER_SECOND, ClockQuality
from analyzers.session import clock_jumps, clock_steps
from analyzers.session.child_sas import HANDSHAKE_NS, apart_ns
from analyzers.session.devices_of_log import (
    align,
    are_of_one_log,
    as_they_came,
    by_device,
    sightings_of,
)
from analyzers.session.joined import CaptureClock, Joined
from analyzers.session.one_session import Shown, is_one_session
from analyzers.session.options import ClockOptions
from analyzers.session.same_messages import match_messages, take_alone
from analyzers.session.texts import LogSource
from analyzers.session.viewpoints import WAY_NS, leave_to_first
from analyzers.tracking.alignment import RHYTHM, Fit, fit, least_off, steady_s
from analyzers.tracking.sightings import Relation, Sighting

T = TypeVar("T")
# Writing a line may take as long: a clock that is off by less is not.
_WRITING_NS: Final = 500 * NS_PER_MS
# Two captures whose clocks differ by less are left as they are: the ways may differ so much.
_SAME_CLOCK_NS: Final = 20 * NS_PER_MS
# A clock that is set is off by a zone (and summer time) at most, if it is off.
_BELIEVABLE_NS: Final = 15 * 3600 * NS_PER_SECOND
# Zones differ by quarters of an hour; a clock that is set is right to this, as a rule.
_ZONES_NS: Final = 15 * 60 * NS_PER_SECOND
_ODD_NS: Final = 2 * NS_PER_SECOND
_WITHOUT_ZONE: Final = frozenset({ClockQuality.NO_ZONE, ClockQuality.NO_YEAR})
_DATED: Final = frozenset({ClockQuality.ABSOLUTE, ClockQuality.NO_ZONE})
PUT_TO_ARRIVAL: Final = (
    "its stamps are in another zone, or its clock is off: put to when its lines arrive"
)
_SET: Final = frozenset({ClockQuality.ABSOLUTE, ClockQuality.NO_ZONE, ClockQuality.NO_YEAR})


class _Clock(NamedTuple):
    """An input on the common clock."""

    info: SourceInfo
    shown: Shown
    resolution_ns: int

    @property
    def is_log(self) -> bool:
        """Whether it is no capture."""
        return self.shown.capture is None


class ClockJoiner:
    """Puts logs and captures on one clock and finds what several of them saw."""

    def __init__(self, options: ClockOptions) -> None:
        self._options = options
        self._aligned: list[_Clock] = []
        self._unaligned: list[tuple[LogSource, int | None]] = []
        """Logs whose clock nothing tells, each with the period of its questions, in seconds."""

    def join(self, captures: list[CaptureClock], logs: list[LogSource]) -> Joined:
        """Align everything to the first capture, or to the best log."""
        joined = Joined()
        for capture in captures:
            self._align_capture(capture, joined)
        leave_to_first(captures, joined)
        for log in logs:
            self._date(log, captures, logs)
        if not captures and len(logs) == 1 and len(by_device(logs)) == 1:
            _alone(logs[0], joined)
            return joined
        for log in sorted(logs, key=_rank):
            self._align_log(log, joined)
        devices = by_device(logs)
        alone = not captures and len(logs) == 1
        if alone and self._options.align and logs[0].info.clock_basis is not ClockBasis.MANUAL:
            align(devices)
        shared = match_messages(captures, devices, joined)
        for log, period_s in self._unaligned:
            of_log = sum(shared[one.number] for one in devices if are_of_one_log(one, log))
            _tell_unaligned(log.info, period_s, of_log)
        as_they_came(logs, devices, joined)
        return joined

    # --- calendars -------------------------------------------------------------------------

    def _date(
        self, log: LogSource, captures: Sequence[CaptureClock], logs: Sequence[LogSource]
    ) -> None:
        near, is_input = log.modified_ns, False
        options = self._options
        ends = [c.last_ns + c.shift_ns for c in captures if c.last_ns]
        ends += [
            e.at_ns
            for other in logs
            if other is not log and quality(other.tally) in _DATED
            for e in other.events[-1:]
            if e.at_ns is not None
        ]
        # The output of `show clock` has the year that the debug around it lacks, and knows it
        # better than another input.
        ends = [s.at_ns for s in log.snapshots if s.at_ns is not None] or ends
        # Where a live session has placed a log, it did so as it came.
        relayed = log.relayed if log.kept_clock is None else None
        if relayed is not None:
            ends = [relayed.at_ns]
        if ends:
            near, is_input = max(ends), True
        info = log.info
        year = value_of(options.years, log.name, options.year, info.id)
        zone = value_of(options.zones, log.name, options.zone, info.id)
        shift_ns = value_of(options.offsets_ns, log.name, None, info.id)
        if (year, zone, shift_ns) != (None, None, None):
            log.kept_clock = None
        elif log.kept_clock is not None and not ends:
            near, is_input = log.kept_clock.near_ns, True
        if zone is None and relayed is not None and relayed.zone_ns is not None:
            zone = timezone(timedelta(microseconds=relayed.zone_ns // 1000))
        hints = ClockHints(year, zone, near, is_input)
        info.clock = quality(log.tally)
        info.uptime = main_kind(log.tally) is StampKind.UPTIME
        if hints.zone is not None:
            log.snapshots = tuple(_in_zone(s, hints.zone) for s in log.snapshots)
        _tell_doubts(log, hints)
        if not place(log.events, log.tally, hints):
            info.note(
                Problem(
                    ProblemKind.CLOCK_GUESSED,
                    "the stamps have no year: it is taken from the time of the file"
                    if near is not None
                    else "the stamps have no year: give it with --year",
                )
            )
        clock_jumps.put_right(log.events, info)
        if log.tally.repeated is not None:
            _tell_repeated(info, log.tally.repeated)
        if main_kind(log.tally) is None and log.events:
            info.note(Problem(ProblemKind.NO_TIMES, _why_no_times(log)))
        if shift_ns is not None:
            _shift(log.events, shift_ns)
            log.to_common = partial(add, shift_ns)
            info.clock_basis, info.clock_offset_ns = ClockBasis.MANUAL, -shift_ns

    # --- offsets ---------------------------------------------------------------------------

    def _align_capture(self, capture: CaptureClock, joined: Joined) -> None:
        info = capture.info
        manual = value_of(self._options.offsets_ns, capture.name, None, info.id)
        if manual is not None:
            capture.shift_ns = manual
            info.clock_basis, info.clock_offset_ns = ClockBasis.MANUAL, -manual
            moved = [s._replace(at_ns=s.at_ns + manual) for s in capture.sightings]
            self._doubt(info, Shown(moved, capture=capture), WAY_NS)
        elif not self._aligned:
            info.clock_basis, info.clock_spread_ns = ClockBasis.REFERENCE, 0
        elif self._options.align:
            found = self._fit(info, Shown(capture.sightings, capture=capture), WAY_NS)
            if found is not None and _is_another_clock(found[1]):
                against, fitted = found
                capture.shift_ns = -fitted.offset_ns
                _note(info, against, fitted, joined)
        else:
            self._doubt(info, Shown(capture.sightings, capture=capture), WAY_NS)
        capture.sightings = [
            s._replace(at_ns=s.at_ns + capture.shift_ns) for s in capture.sightings
        ]
        self._aligned.append(_Clock(info, Shown(capture.sightings, capture=capture), 1))

    def _align_log(self, log: LogSource, joined: Joined) -> None:
        info = log.info
        sightings = sightings_of(log.events)
        resolution = log.tally.resolution_ns or 1
        if main_kind(log.tally) is None:
            return
        by_hand = info.clock_basis is ClockBasis.MANUAL
        if by_hand or (self._aligned and not self._options.align):
            own = Shown(sightings, log.events)
            log.denied = self._doubt(info, own, resolution)
            if not info.clock_contradicted_ns:
                self._doubt_by_children(info, own)
        elif not self._aligned:
            info.clock_basis, info.clock_spread_ns = ClockBasis.REFERENCE, 0
            _take_as_kept(log)
            sightings = sightings_of(log.events)
        else:
            found = self._fit(info, Shown(sightings, log.events), resolution)
            found = found or self._follow(info, sightings, resolution)
            if found is not None:
                against, fitted = found
                log.fit, log.to_common = fitted, fitted.to_other
                for event in log.events:
                    if event.at_ns is not None:
                        event.at_ns = fitted.to_other(event.at_ns)
                _note(info, against, fitted, joined)
                if against.kind == "capture":
                    (wire,) = (c.shown.sightings for c in self._aligned if c.info is against)
                    clock_steps.put_right(log.events, wire, fitted, info)
                sightings = sightings_of(log.events)
            elif _take_as_kept(log):
                sightings = sightings_of(log.events)
            elif sightings:
                others = (clock.shown.sightings for clock in self._aligned)
                periods = (steady_s(sightings, other) for other in others)
                self._unaligned.append((log, next(filter(None, periods), None)))
        self._aligned.append(_Clock(info, Shown(sightings, log.events), resolution))

    def _follow(
        self, info: SourceInfo, own: list[Sighting], resolution_ns: int
    ) -> tuple[SourceInfo, Fit] | None:
        """What tells a clock once it is moved like one that the user has moved.

        Few messages tell it only where the clocks agree of themselves.
        """
        moved = (clock.info for clock in self._aligned if not clock.is_log)
        for offset_ns in dict.fromkeys(other.clock_offset_ns for other in moved):
            if not offset_ns:
                continue
            there = [s._replace(at_ns=s.at_ns - offset_ns) for s in own]
            found = self._fit(info, Shown(there), resolution_ns)
            if found is not None:
                against, fitted = found
                own_ns = fitted.offset_ns + offset_ns, fitted.drift_from_ns + offset_ns
                return against, replace(fitted, offset_ns=own_ns[0], drift_from_ns=own_ns[1])
        return None

    def _fit(
        self, info: SourceInfo, own: Shown, resolution_ns: int
    ) -> tuple[SourceInfo, Fit] | None:
        """The best of what the inputs before tell of a clock."""
        best: tuple[SourceInfo, Fit] | None = None
        for other in self._aligned:
            relations = [Relation.ENDS]
            if own.capture is None and other.is_log:
                relations.append(Relation.COPIES)
            believable = _BELIEVABLE_NS if {info.clock, other.info.clock} <= _SET else None
            for relation in relations:
                fitted = fit(
                    own.sightings,
                    other.shown.sightings,
                    max(resolution_ns, other.resolution_ns),
                    relation=relation,
                    believable_ns=believable,
                )
                if fitted is None or (best is not None and not _better(fitted, best[1])):
                    continue
                told = is_one_session(own, other.shown, fitted, relation)
                if told is None:
                    fitted = replace(fitted, unsure=not _is_zone(info, fitted))
                if told is not False and (best is None or _better(fitted, best[1])):
                    best = (other.info, fitted)
        return best

    def _doubt(self, info: SourceInfo, own: Shown, resolution_ns: int) -> Fit | None:
        """Say where the clock that the user has set cannot be right; the clock by messages then."""
        found = self._fit(info, own, resolution_ns)
        if found is None:
            self._doubt_at_least(info, own.sightings, resolution_ns)
        if found is None or found[1].unsure:
            return None
        against, fitted = found
        if fitted.evidence != RHYTHM and abs(fitted.offset_ns) > fitted.tolerance_ns:
            said = (
                f"contradicts {fitted.matched:,} {fitted.evidence} of {against.id}"
                f" by {clock_distance(abs(fitted.offset_ns))}"
            )
            info.clock_contradicted_ns = abs(fitted.offset_ns)
            info.note(Problem(ProblemKind.CLOCK_CONTRADICTED, said))
            return fitted
        return None

    def _doubt_at_least(
        self, info: SourceInfo, own: Sequence[Sighting], resolution_ns: int
    ) -> None:
        """The same where several offsets fit alike, and the one that the user set does not."""
        for other in self._aligned:
            known, unit_ns = other.shown.sightings, max(resolution_ns, other.resolution_ns)
            least_ns = least_off(own, known, unit_ns)
            if least_ns:
                said = (
                    f"contradicts the messages of {other.info.id} by at least"
                    f" {clock_distance(least_ns)}"
                )
                info.clock_contradicted_ns = least_ns
                info.note(Problem(ProblemKind.CLOCK_CONTRADICTED, said))
                return

    def _doubt_by_children(self, info: SourceInfo, own: Shown) -> None:
        """The same where messages fit, or none is left to fit: they are those of another SA."""
        for other in self._aligned:
            off_ns = apart_ns(own.children, other.shown.children)
            if off_ns is None or abs(off_ns) <= HANDSHAKE_NS:
                continue
            said = (
                f"contradicts the SPIs of Child SAs in {other.info.id} by"
                f" {clock_distance(abs(off_ns))}"
            )
            info.clock_contradicted_ns = abs(off_ns)
            info.note(Problem(ProblemKind.CLOCK_CONTRADICTED, said))
            return


def _tell_doubts(log: LogSource, hints: ClockHints) -> None:
    """What stamps say and nobody can place: zones without an offset, days that never were."""
    info = log.info
    if hints.zone is None:
        for zone, record in log.tally.unknown_zones.items():
            said = f"{zone} is no zone with one known offset: taken as UTC, unless --tz says which"
            info.note(Problem(ProblemKind.CLOCK_GUESSED, said, Ref(info.id, record)))
    if hints.year is not None:
        event = missing_leap_day(log.events, log.tally, hints.year)
        if event is not None:
            said = f"29 February is in the log, and not in {hints.year}: taken as 1 March"
            info.note(Problem(ProblemKind.CLOCK_CONTRADICTED, said, event.ref))


def _tell_repeated(info: SourceInfo, between: tuple[int, int]) -> None:
    """The hour that the end of summer time repeats: no time runs backwards for that."""
    first, second = between
    back = [
        p
        for p in info.problems
        if p.kind is ProblemKind.TIME_BACKWARDS and p.count == 1 and p.ref is not None
    ]
    for problem in back:
        if problem.ref is not None and first < problem.ref.record <= second:
            info.problems.remove(problem)
    said = "the end of summer time repeats an hour, which begins again here"
    info.note(Problem(ProblemKind.CLOCK_SET, said, Ref(info.id, second)))


def _why_no_times(log: LogSource) -> str:
    stamps = log.tally.stamps
    stamped = sum(stamps.values()) - stamps.get(None, 0)
    if log.tally.coarse:
        return "stamps that tell hours at best: only the order of the lines is known"
    if not stamped:
        return "no line has a time: only their order is known"
    lines = f"{stamped:,} of {sum(stamps.values()):,} lines that say something"
    have = "has" if stamped == 1 else "have"
    return f"only {lines} {have} a time: of the others only the order is known"


def _alone(log: LogSource, joined: Joined) -> None:
    """One log and nothing else: there is nothing to compare it with."""
    if log.info.clock_basis is not ClockBasis.MANUAL and main_kind(log.tally) is not None:
        log.info.clock_basis, log.info.clock_spread_ns = ClockBasis.REFERENCE, 0
        _take_as_kept(log)
    take_alone(log, joined)


def _tell_unaligned(info: SourceInfo, period_s: int | None, shared: int) -> None:
    """Why a clock stays as it is; `shared`: how many messages another input shows at its times."""
    if period_s is not None:
        why = f"its questions come every {period_s} s, which fits another input at several offsets"
    elif shared:
        why = "what it has in common with another input tells no offset for sure"
    else:
        why = "no message of it is in another input"
    there = f", by which {counted(shared, 'message')} of it are in another input" if shared else ""
    said = f"{why}; its own clock is used as it is{there}"
    info.note(Problem(ProblemKind.NOT_ALIGNED, said))


def _take_as_kept(log: LogSource) -> bool:
    """Put a log that a live session kept, and nothing else places, on its clock of then."""
    if log.kept_clock is None:
        return False
    shift_ns = log.kept_clock.shift_ns
    _shift(log.events, shift_ns)
    log.to_common = partial(add, shift_ns)
    if abs(shift_ns) > _WRITING_NS:
        log.info.note(Problem(ProblemKind.CLOCK_GUESSED, PUT_TO_ARRIVAL))
    return True


def _in_zone(snapshot: Snapshot, zone: tzinfo) -> Snapshot:
    """An output whose time names no zone that is known."""
    if snapshot.at_ns is None or snapshot.clock is ClockQuality.ABSOLUTE:
        return snapshot
    return replace(snapshot, at_ns=in_zone(snapshot.at_ns, zone))


def _is_another_clock(fitted: Fit) -> bool:
    """Whether two captures differ by more than the way between them."""
    return abs(fitted.offset_ns) > (_SAME_CLOCK_NS if fitted.both_ways else WAY_NS)


def _better(one: Fit, two: Fit) -> bool:
    return (one.strong, not one.unsure, one.matched) > (two.strong, not two.unsure, two.matched)


def _is_zone(info: SourceInfo, fitted: Fit) -> bool:
    """Whether stamps without a zone are off by what zones differ by."""
    if info.clock not in _WITHOUT_ZONE:
        return False
    off_ns = abs(fitted.offset_ns)
    odd_ns = abs(off_ns - round(off_ns / _ZONES_NS) * _ZONES_NS)
    return off_ns <= _BELIEVABLE_NS and odd_ns <= max(_ODD_NS, fitted.tolerance_ns)


def _note(info: SourceInfo, against: SourceInfo, fitted: Fit, joined: Joined) -> None:
    if fitted.unsure:
        info.clock_unsure = True
        said = (
            f"put to {against.id} by message IDs and timers alone, from"
            f" {clock_distance(abs(fitted.offset_ns))} off: any session of the tunnel would fit so;"
            " --offset says for sure where it belongs"
        )
        info.note(Problem(ProblemKind.CLOCK_GUESSED, said))
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


def value_of(values: Mapping[str, T], name: str, default: T | None, source: str = "") -> T | None:
    """The value for an input, which may be named by its path, by its last part, or by its id."""
    path = name.partition(":")[2] or name
    for key in (name, path, PurePath(path).name, source):
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


def _shift(events: Sequence[LogEvent], shift_ns: int) -> None:
    for event in events:
        if event.at_ns is not None:
            event.at_ns += shift_ns
