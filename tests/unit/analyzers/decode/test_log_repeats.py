"""Events that a log tells again."""

from __future__ import annotations

from analyzers.decode.log_repeats import told_once
from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.observations import MessageKind
from analyzers.model.records import Ref
from analyzers.model.time import NS_PER_SECOND


def said(*times_s: float | None, message_id: int | None = None) -> list[LogEvent]:
    return [
        LogEvent(
            LogEventKind.MESSAGE,
            None if at_s is None else int(at_s * NS_PER_SECOND),
            Ref("s1", line),
            "cisco-isakmp",
            message=MessageKind.R_U_THERE,
            message_id=message_id,
        )
        for line, at_s in enumerate(times_s, 1)
    ]


def kept(events: list[LogEvent]) -> list[int]:
    return [event.ref.record for event in told_once(events)]


def test_what_only_goes_on_is_told_as_often_as_it_stands_there():
    assert kept(said(1, 1, 2, 2, 2, 3)) == [1, 2, 3, 4, 5, 6]


def test_a_second_printout_adds_what_is_new_in_it():
    assert kept(said(10, 20, 30, 10, 20, 30)) == [1, 2, 3]
    assert kept(said(10, 20, 30, 20, 30, 40, 50)) == [1, 2, 3, 6, 7]
    assert kept(said(10, 20, 30, 10, 10, 20, 20)) == [1, 2, 3, 5, 7]


def test_lines_that_overtake_each_other_begin_no_printout():
    assert kept(said(10, 9, 10, 8.5, 10)) == [1, 2, 3, 4, 5]


def test_other_events_of_the_same_times_are_new():
    assert len(told_once(said(10, 20, 30) + said(10, 20, 30, message_id=7))) == 6


def test_without_times_nothing_is_known_to_be_a_repeat():
    assert kept(said(None, None, 10, None, 1, None, 10)) == [1, 2, 3, 4, 5, 6]
