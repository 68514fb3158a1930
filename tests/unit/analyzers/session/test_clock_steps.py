"""Clocks that are set amid a log: where nothing unique tells, nothing is moved."""

from __future__ import annotations

import pytest

from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.observations import MessageKind
from analyzers.model.records import Ref, SourceInfo
from analyzers.model.time import NS_PER_SECOND
from analyzers.session.clock_steps import put_right
from analyzers.tracking.alignment import Fit
from tests.unit.analyzers.tracking.sighted import A, B, by_count, by_ends, by_id, by_spi, seen

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


def asked(at_s: float, number: int) -> LogEvent:
    made = LogEvent(LogEventKind.MESSAGE, round(at_s * NS_PER_SECOND), Ref("s2", number), "x")
    made.version, made.sent, made.message, made.response = 2, True, MessageKind.LIVENESS, False
    made.message_id, made.initiator_spi = number, "11" * 8
    made.local, made.remote = A, B
    return made


@pytest.mark.parametrize(
    ("fitted", "messages", "moved"),
    [
        (Fit(2, 0, 0, "SPIs and message IDs", strong=True), 2, True),
        (Fit(3, 0, 0, "addresses and message IDs"), 3, True),
        (Fit(3, 0, 0, "addresses and message IDs"), 2, False),
        (Fit(3, 0, 0, "message IDs in their order"), 3, True),
        (Fit(5, 0, 0, "rhythm of questions"), 3, False),
    ],
)
def test_what_ikev2_tells_of_a_clock_that_was_set(fitted: Fit, messages: int, moved: bool) -> None:
    """SPIs are unique; message IDs without them must be more."""
    source = info()
    numbers = range(2, 5 + messages)
    events = [asked(5 * n + (30 if n >= 5 else 0), n) for n in numbers]
    wire = [seen(5 * n, by_spi(n), by_ends(n), by_count(n), record=n, version=2) for n in numbers]
    put_right(events, wire, fitted, source)
    assert (events[-1].at_ns == 5 * numbers[-1] * NS_PER_SECOND) is moved
    assert bool(source.problems) is moved


def test_message_ids_of_another_session_come_more_often() -> None:
    """The capture has one of them: nobody can tell which."""
    source = info()
    events = [asked(at_s, n) for at_s in (0, 300) for n in (2, 3, 4)]
    put_right(
        [asked(1, 1), *events],
        [seen(n, by_ends(n), record=n, version=2) for n in (1, 2, 3, 4)],
        Fit(3, 0, 0, "addresses and message IDs"),
        source,
    )
    assert not source.problems
