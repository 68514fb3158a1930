"""Events of one log in the order of time, whatever the order in which its lines were understood."""

from __future__ import annotations

from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.records import Ref
from analyzers.model.time import NS_PER_SECOND
from analyzers.session.untimed import by_time

_HOUR_S = 3600


def _events(*places: tuple[int, float]) -> list[LogEvent]:
    """Lines and their times, s."""
    return [
        LogEvent(LogEventKind.HINT, round(at_s * NS_PER_SECOND), Ref("s1", line), "strongswan")
        for line, at_s in places
    ]


def _told(events: list[LogEvent]) -> list[tuple[int, float]]:
    return [(e.ref.record, (e.at_ns or 0) / NS_PER_SECOND) for e in by_time(events)]


def test_a_line_that_is_understood_late_moves_nothing():
    """It waits for what belongs to it, while other lines are told."""
    told = _told(_events((1, 10), (3, 16), (4, 17), (2, 11), (5, 18)))
    assert told == [(1, 10), (2, 11), (3, 16), (4, 17), (5, 18)]


def test_what_follows_a_clock_that_was_set_back_is_moved_on():
    told = _told(_events((1, 0), (2, _HOUR_S), (3, 10), (4, 11)))
    assert told == [(1, 0), (2, _HOUR_S), (3, _HOUR_S), (4, _HOUR_S + 1)]


def test_a_log_with_its_newest_line_first_is_read_from_its_end():
    """Its clock, too, may have been set back, and its lines may be understood late."""
    told = _told(_events((9, 0), (8, _HOUR_S), (7, 10), (5, 14), (4, 15), (6, 11), (3, 16)))
    assert [line for line, _ in told] == [9, 8, 7, 6, 5, 4, 3]
    assert told[-1] == (3, _HOUR_S + 6)
