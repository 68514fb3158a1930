"""What several inputs show of one message: it is told once, and all of them are its witnesses.

A capture is the measure where it has a message; without one the log of the end that knows it best:
the asking end for a question, the end that it reached for an answer.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from analyzers.decode.log_clock import main_kind
from analyzers.model.alignment import ClockBasis
from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.observations import MessageKind
from analyzers.model.peer import LoggedEnd
from analyzers.model.records import Problem, ProblemKind, Ref
from analyzers.session.behind_address import tell_apart
from analyzers.session.devices_of_log import (
    are_of_one_log,
    have_a_tunnel,
    in_common,
    named,
    sightings_of,
)
from analyzers.session.joined import CaptureClock, Joined
from analyzers.session.naming import (
    ends_by_other,
    name_by_children,
    name_local,
    rename,
    told_to_peers,
)
from analyzers.session.refused import answers_among, refused_messages
from analyzers.session.texts import LogSource
from analyzers.session.unread import MAY_ANSWER, complains, unread_messages
from analyzers.session.untimed import bracket, by_time, give_places, in_order, settle
from analyzers.session.viewpoints import own_sightings
from analyzers.tracking.alignment import Fit
from analyzers.tracking.logs import UNKNOWN_LOCAL
from analyzers.tracking.pairing import pairs
from analyzers.tracking.sightings import Key, KeyFamily, Relation, Sighting, of_event
from analyzers.tracking.witnesses import (
    LIVENESS,
    Reach,
    belongs,
    is_astray,
    reach_of_capture,
    reach_of_log,
    shows_what_comes,
)


def facts_of(logs: Sequence[LogSource]) -> set[tuple[KeyFamily, Key]]:
    """Everything by which a message of the logs can be found elsewhere."""
    events = (e if e.at_ns is not None else replace(e, at_ns=0) for x in logs for e in x.events)
    named = map(of_event, events)
    facts = {key for sighting in named if sighting is not None for key in sighting.keys}
    if any(complains(event) for log in logs for event in log.events):
        facts |= MAY_ANSWER
    return facts


def match_messages(
    captures: Sequence[CaptureClock], logs: Sequence[LogSource], joined: Joined
) -> dict[int, int]:
    """Find the messages that several inputs show, all of which are on the common clock.

    How many of each log another input shows too, by its number.
    """
    return Matcher(captures, logs, joined).run()


def take_alone(log: LogSource, joined: Joined) -> None:
    """All of a log that is the only input."""
    if main_kind(log.tally) is None:
        give_places(log)
    name_local(log, (), UNKNOWN_LOCAL)
    tell_apart(log.events)
    stream = by_time([e for e in log.events if e.at_ns is not None])
    joined.evidence |= answers_among(refused_messages(log.events))
    joined.streams[log.number] = _to_peers(stream, log)
    joined.devices += dict.fromkeys(e.local for e in log.about_peers if e.local is not None)


class Matcher:
    """Pairs the messages of logs with those of captures, then with those of other logs."""

    def __init__(
        self, captures: Sequence[CaptureClock], logs: Sequence[LogSource], joined: Joined
    ) -> None:
        self._captures = captures
        self._logs = logs
        self._joined = joined
        self._wire = [s for c in captures for s in own_sightings(c, joined)]
        self._matched: set[int] = set()
        """Ids (`id()`) of events that another input tells."""
        self._captured: dict[int, dict[int, Ref]] = {log.number: {} for log in logs}
        """Places in captures of a log's messages, by its number and the `id()` of each."""
        self._told: set[int] = set()
        """Of events that tell for the other end's log too."""
        self._times: dict[int, dict[int, int]] = {log.number: {} for log in logs}
        """For each log the times of messages that another input is the measure of, by `id()`."""
        self._names = {log.number: f"{UNKNOWN_LOCAL}-{log.info.id}" for log in logs}
        """What the device of a log is called if nothing says its address."""

    def run(self) -> dict[int, int]:
        """Pair, name, and settle what of each log is tracked; the messages that each one shares."""
        timed = [log for log in self._logs if main_kind(log.tally) is not None]
        for log in timed:
            self._with_wire(log)
        messages = {log.number: named(log) for log in timed}
        for number, log in enumerate(timed):
            for other in timed[:number]:
                if not are_of_one_log(other, log):
                    self._with_log(other, log)
                    continue
                both = in_common(messages[other.number], messages[log.number])
                if both[0]:
                    self._with_device(other, log, *both)
        for log in timed:
            self._order(log)
        for log in self._logs:
            if log not in timed:
                self._without_times(log, timed)
        if len({self._names[log.number] for log in self._logs if log.events}) < 2:
            self._names = dict.fromkeys(self._names, UNKNOWN_LOCAL)
        for log in self._logs:
            name_local(log, self._captures, self._names[log.number])
        # By what the others are called by now a log that names nobody may be known, too.
        name_by_children(self._logs, self._captures, labels=True)
        shared = {
            log.number: sum(
                id(e) in self._matched or id(e) in self._times[log.number] for e in log.events
            )
            for log in self._logs
        }
        for log in self._logs:
            tell_apart(log.events)
        self._settle_streams()
        return shared

    # --- pairs -----------------------------------------------------------------------------

    def _with_wire(self, log: LogSource) -> None:
        found = _paired(log, self._wire)
        self._take(log, found)
        self._times[log.number] = {id(event): sighting.at_ns for event, sighting in found}
        if log.denied is None:  # else its own lines stay where the user has put them
            self._order(log)

    def _order(self, log: LogSource) -> None:
        """Move what only this log tells between the messages around it."""
        moved = bracket(log.events, self._times[log.number], _clock(log).tolerance_ns)
        for event, by_ns in moved.items():
            log.moved_ns[event] = log.moved_ns.get(event, 0) + by_ns

    def _take(self, log: LogSource, found: Sequence[tuple[LogEvent, Sighting]]) -> None:
        """The wire has these messages of a log."""
        for event, sighting in found:
            self._joined.witnesses.add(sighting.ref, event)
            self._matched.add(id(event))
            self._captured[log.number][id(event)] = sighting.ref
        rename(
            log,
            [(event, (s.src, s.dst) if event.sent else (s.dst, s.src)) for event, s in found],
        )

    def _with_log(self, log: LogSource, other: LogSource) -> None:
        """Messages in two logs: of both ends, or of one device that wrote both."""
        mine = [e for e in log.events if id(e) not in self._matched]
        theirs = [e for e in other.events if id(e) not in self._matched]
        clock = _clock(log, other)
        own, others = sightings_of(mine), sightings_of(theirs)
        ends = pairs(own, others, clock)
        copies = pairs(own, others, clock, Relation.COPIES)
        events = _messages(mine) | _messages(theirs)
        if len(copies) > len(ends) or (not ends and _one_device(log, other)):
            self._drop([(events[a.ref, a.at_ns], events[b.ref, b.at_ns]) for a, b in copies])
            self._drop(_repeats(mine, theirs, clock.tolerance_ns))
            self._names[other.number] = self._names[log.number]
            return
        self._tell_once(
            log, other, [(events[a.ref, a.at_ns], events[b.ref, b.at_ns]) for a, b in ends]
        )

    def _with_device(
        self,
        log: LogSource,
        other: LogSource,
        mine: Sequence[LogEvent],
        theirs: Sequence[LogEvent],
    ) -> None:
        """Messages of two devices in one log, which may be both ends of a tunnel."""
        own, others = (
            sightings_of(e for e in events if id(e) not in self._matched)
            for events in (mine, theirs)
        )
        ends = pairs(own, others, _clock(log, other))
        if have_a_tunnel(ends):
            here, there = _messages(mine), _messages(theirs)
            self._tell_once(
                log, other, [(here[a.ref, a.at_ns], there[b.ref, b.at_ns]) for a, b in ends]
            )

    def _tell_once(
        self, log: LogSource, other: LogSource, found: Sequence[tuple[LogEvent, LogEvent]]
    ) -> None:
        """Both ends tell of these messages."""
        for left, right in found:
            first = left if bool(left.sent) is not _is_answer(left) else right
            second = right if first is left else left
            self._joined.witnesses.add(first.ref, second)
            self._matched.add(id(second))
            self._told.add(id(first))
            numbers = (log.number, other.number)
            of_first, of_second = numbers if first is left else numbers[::-1]
            self._times[of_first][id(first)] = self._times[of_second][id(second)] = first.at_ns or 0
        by_other = [(left, ends_by_other(left, right)) for left, right in found]
        back = [(right, ends_by_other(right, left)) for left, right in found]
        rename(log, by_other)
        rename(other, back)

    def _drop(self, found: Iterable[tuple[LogEvent, LogEvent]]) -> None:
        """The second of each two is the first once more."""
        for first, second in found:
            if first.kind is LogEventKind.MESSAGE:
                self._joined.witnesses.add(first.ref, second.ref)
            self._matched.add(id(second))

    def _without_times(self, log: LogSource, timed: Sequence[LogSource]) -> None:
        """Lines without stamps take their times from the messages that other inputs show."""
        found = in_order(log.events, self._wire, Relation.ENDS)
        self._take(log, found)
        times = {id(event): sighting.at_ns for event, sighting in found}
        for other in timed if not found else ():
            here = _messages(other.events)
            known = sightings_of(other.events)
            by_relation = [(in_order(log.events, known, r), r) for r in Relation]
            paired, relation = max(by_relation, key=lambda item: len(item[0]))
            if not paired:
                continue
            if relation is Relation.COPIES:
                self._names[log.number] = self._names[other.number]
            for event, sighting in paired:
                self._joined.witnesses.add(here[sighting.ref, sighting.at_ns].ref, event)
                self._matched.add(id(event))
                times[id(event)] = sighting.at_ns
            break
        if not times:
            self._adrift(log)
            return
        left_out = settle(log.events, times)
        log.info.clock_basis = ClockBasis.MATCHED
        if left_out:
            text = "lines without a time, and none near that another input has: left out"
            log.info.note(Problem(ProblemKind.NO_TIMES, text, None, left_out))

    def _adrift(self, log: LogSource) -> None:
        """Nothing ties a log without times to the other inputs."""
        if not self._captures and all(main_kind(other.tally) is None for other in self._logs):
            give_places(log)
        elif log.events:
            self._matched.update(id(e) for e in log.events)
            text = "no line has a time, and none names a message of another input: left out"
            log.info.note(Problem(ProblemKind.NOT_ALIGNED, text, None, len(log.events)))

    # --- what is tracked ---------------------------------------------------------------------

    def _unlogged(self, reach: Reach | None, known: Mapping[int, Ref]) -> set[Ref]:
        """Captured messages to the device of a log that has none of them: it did not get them."""
        if reach is None:
            return set()
        logged = frozenset(known.values())
        return {
            s.ref
            for s in self._wire
            if s.dst in reach.own
            and s.ref not in logged
            and reach.first_ns <= s.at_ns <= reach.last_ns
        }

    def _settle_streams(self) -> None:
        joined = self._joined
        captured = [
            reach_of_capture(c.ends, c.first_ns + c.shift_ns, c.last_ns + c.shift_ns)
            for c in self._captures
        ]
        joined.spans = [(r.first_ns, r.last_ns) for r in captured]
        if captured:
            joined.unaligned = frozenset(x.info.id for x in self._logs if self._is_stranger(x))
        reaches = {log.number: _reach(log) for log in self._logs}
        for log in self._logs:
            known = self._captured[log.number]
            if shows_what_comes(log.events):
                joined.witnesses.unread.update(unread_messages(log.events, self._wire, known))
                joined.witnesses.came -= self._unlogged(reaches[log.number], known)
        for log in self._logs:
            others = list(captured)
            remotes = {event.remote for event in log.events}
            others += [
                r
                for number, r in reaches.items()
                if r is not None and number != log.number and not r.own.isdisjoint(remotes)
            ]
            if self._is_stranger(log):
                self._leave_out(log, captured)
            joined.streams[log.number] = self._stream(log, others)
            own = dict.fromkeys(e.local for e in log.about_peers if e.local is not None)
            joined.devices += [a for a in own if a not in joined.devices]
            reach = reaches[log.number]
            if reach is not None:
                first_ns, last_ns = reach.first_ns, reach.last_ns
                end_ns = max(last_ns, log.end_ns or last_ns)
                resolution_ns = log.tally.resolution_ns or 1
                joined.reaches += [
                    LoggedEnd(a, first_ns, last_ns, end_ns, resolution_ns, reach.reads)
                    for a in reach.own
                ]

    def _is_stranger(self, log: LogSource) -> bool:
        """Whether a clock is used as it is although no message of the log is in a capture."""
        return (
            log.fit is None
            and log.info.clock_basis is ClockBasis.NONE
            and not self._captured[log.number]
            and main_kind(log.tally) is not None
        )

    def _leave_out(self, log: LogSource, captured: Sequence[Reach]) -> None:
        """A capture that covers a log and has none of its messages says that its times are wrong.

        Then nothing of it can be told beside the capture. What the device's own system did not
        take can be in no capture.
        """
        refused = {id(event) for event in refused_messages(log.events)}
        covered = [
            e
            for e in log.events
            if id(e) not in self._matched
            and any(r.covers(e) and not r.at_edge(e) for r in captured)
        ]
        if not any(of_event(e) is not None and id(e) not in refused for e in covered):
            return
        self._matched.update(id(e) for e in covered)
        text = "left out: by its own clock it falls into a capture that shows none of its messages"
        log.info.note(Problem(ProblemKind.NOT_ALIGNED, text, covered[0].ref, len(covered)))

    def _absurd(self, log: LogSource) -> set[int]:
        """What a clock that messages contradict has at times which the capture rules out.

        The capture shows when an SA came up; and what a log has after a message was not before it.
        """
        if log.denied is None or not self._captured[log.number]:
            return set()
        found, wire_ns, times = set(), 0, self._times[log.number]
        for event in log.events:
            wire_ns = max(wire_ns, times.get(id(event), 0))
            if event.kind is LogEventKind.MESSAGE or event.at_ns is None:
                continue
            if event.kind is LogEventKind.IKE_SA_UP or event.at_ns < wire_ns:
                found.add(id(event))
        return found

    def _stream(self, log: LogSource, others: Sequence[Reach]) -> list[LogEvent]:
        """What of a log is tracked, in the order of the common clock."""
        joined = self._joined
        stream = []
        edge = 0
        # What never left was lost by no capture.
        never_sent = refused_messages(log.events)
        refused, absurd = answers_among(never_sent), self._absurd(log)
        unsent = {id(event) for event in never_sent} - refused
        for event in log.events:
            if id(event) in self._matched or event.at_ns is None:
                continue
            reaches = [r for r in others if not r.own] if id(event) in self._told else others
            left_out = id(event) in refused or id(event) in absurd
            if left_out or not (id(event) in unsent or belongs(event, reaches)):
                joined.evidence.add(id(event))
                if event.message in LIVENESS:
                    edge += any(r.at_edge(event) for r in others if not r.own)
            elif id(event) in unsent or is_astray(event, reaches):
                joined.astray.add(id(event))
            stream.append(event)
        stream = by_time(stream)
        if edge:
            log.info.note(
                Problem(
                    ProblemKind.CAPTURE_EDGE,
                    "questions and answers within 5 s before or after the capture are left out: it"
                    " may have lost them when it began or ended",
                    None,
                    edge,
                )
            )
        return _to_peers(stream, log)


def _to_peers(stream: Iterable[LogEvent], log: LogSource) -> list[LogEvent]:
    # What it was called first: by then the peer has no other name.
    ends: dict[str, str | None] = {}
    for event in log.about_peers:
        if event.remote is not None:
            ends.setdefault(event.remote, event.local)
    return list(told_to_peers(stream, ends, log.tally.hosts))


def _messages(events: Iterable[LogEvent]) -> dict[tuple[Ref, int], LogEvent]:
    """Messages by their place and time; a line tells of one message."""
    return {
        (e.ref, e.at_ns): e
        for e in reversed(list(events))
        if e.kind is LogEventKind.MESSAGE and e.at_ns is not None
    }


def _clock(*logs: LogSource) -> Fit:
    """What is left of the differences between clocks once they are one."""
    return Fit(
        0,
        0,
        max((log.info.clock_spread_ns or 0) for log in logs),
        "",
        resolution_ns=max((log.tally.resolution_ns or 1) for log in logs),
        strong=any(log.fit is not None and log.fit.strong for log in logs),
    )


def _paired(log: LogSource, wire: Sequence[Sighting]) -> list[tuple[LogEvent, Sighting]]:
    """The messages of a log that captures show.

    A clock that the user has set, and that the messages themselves contradict, is no reason to
    tell them twice: they are found by the clock that they tell.
    """
    events, clock = _messages(log.events), log.denied or _clock(log)
    found = pairs(sightings_of(log.events), wire, clock)
    return [(events[own.ref, own.at_ns], other) for own, other in found]


def _is_answer(event: LogEvent) -> bool:
    return bool(event.response) or event.message is MessageKind.R_U_THERE_ACK


def _one_device(log: LogSource, other: LogSource) -> bool:
    own = {e.local for e in log.events if e.local is not None}
    return any(e.local in own for e in other.events)


def _repeats(
    mine: Sequence[LogEvent], theirs: Sequence[LogEvent], tolerance_ns: int
) -> list[tuple[LogEvent, LogEvent]]:
    """What two logs of one device both say, beside messages: each is used once."""
    known: dict[object, list[tuple[int, int, LogEvent]]] = defaultdict(list)
    for number, event in enumerate(mine):
        if event.kind is not LogEventKind.MESSAGE and event.at_ns is not None:
            known[_said(event)].append((event.at_ns, number, event))
    for places in known.values():
        places.sort(key=lambda item: item[:2])
    found = []
    for event in theirs:
        if event.kind is LogEventKind.MESSAGE or event.at_ns is None:
            continue
        places = known.get(_said(event), [])
        place = bisect_left(places, (event.at_ns - tolerance_ns, -1), key=lambda item: item[:2])
        if place < len(places) and places[place][0] <= event.at_ns + tolerance_ns:
            found.append((places.pop(place)[2], event))
    return found


def _said(event: LogEvent) -> tuple[object, ...]:
    return (event.kind, event.remote, event.sent, event.spis, event.protocol, event.reason)


def _reach(log: LogSource) -> Reach | None:
    # When a device starts it knows none of the SAs that a message could be missing of.
    events = log.about_peers
    times = [e.at_ns for e in events if e.at_ns is not None]
    if not times or main_kind(log.tally) is None:
        return None
    return reach_of_log(events, min(times), max(times))
