"""Clocks that are set amid a log: where nothing unique tells, nothing is moved."""

from __future__ import annotations

from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.observations import MessageKind
from analyzers.model.records import Ref, SourceInfo
from analyzers.model.time import NS_PER_SECOND
from analyzers.session.clock_steps import put_right
from analyzers.tracking.alignment import Fit
from tests.unit.analyzers.tracking.sighted import by_id, seen

FIT = Fit(1, 0, 0, "IKEv1 message IDs", strong=True)


def sent(at_s: float, message_id: int) -> LogEvent:
    made = LogEvent(LogEventKind.MESSAGE, round(at_s * NS_PER_SECOND), Ref("s2", 1), "strongswan")
    made.version, made.sent, made.message = 1, True, MessageKind.R_U_THERE
    made.message_id = message_id
    return made


def info() -> SourceInfo:
    return SourceInfo("s2", "a.log", "log", "strongswan")


def test_without_a_message_in_common_nothing_is_moved() -> None:
    events = [sent(5, 77)]
    put_right(events, [seen(5, by_id(78))], FIT, info())
    put_right([], [], FIT, info())
    assert [event.at_ns for event in events] == [5 * NS_PER_SECOND]


def test_a_clock_that_is_off_for_a_moment_was_not_set() -> None:
    """Two messages of the same moment tell no more than one."""
    source = info()
    events = [sent(5, 77), sent(5.1, 78)]
    put_right(events, [seen(95, by_id(77)), seen(95.1, by_id(78), record=2)], FIT, source)
    assert [event.at_ns for event in events] == [5 * NS_PER_SECOND, 5_100_000_000]
    assert not source.problems
