"""Axes tell times as the rows beside them do."""

from __future__ import annotations

import time

import pytest

from analyzers.export.formatting import UNICODE
from analyzers.model.time import NS_PER_SECOND
from dpdlab.present.axes import axis_in, axis_name
from dpdlab.present.times import TimeFormat, TimeMode

START = 1_700_000_000 * NS_PER_SECOND


def test_utc_is_the_axis_of_the_report():
    line = axis_in(TimeFormat(start_ns=START), START, START + 60 * NS_PER_SECOND, 60, UNICODE)
    assert "│22:13:30" in line


def test_local_times_are_those_of_the_rows(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    try:
        times = TimeFormat(TimeMode.LOCAL, START)
        line = axis_in(times, START, START + 60 * NS_PER_SECOND, 60, UNICODE)
        assert "│03:43:30" in line
        assert times.at(START + 10 * NS_PER_SECOND).startswith("03:43:30")
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    ("mode", "mark_s", "wanted"),
    [
        (TimeMode.RELATIVE, None, "│+15 s"),
        (TimeMode.DELTA, None, "│+15 s"),
        (TimeMode.MARK, 30, "│-15 s"),
        (TimeMode.MARK, None, "│+15 s"),
    ],
)
def test_distances_count_from_the_start_or_the_mark(mode, mark_s, wanted):
    mark_ns = None if mark_s is None else START + mark_s * NS_PER_SECOND
    times = TimeFormat(mode, START, mark_ns)
    line = axis_in(times, START, START + 60 * NS_PER_SECOND, 60, UNICODE)
    assert wanted in line
    assert len(line) == 60


@pytest.mark.parametrize(
    ("span_s", "wanted"), [(1, "+0.4 s"), (600, "+4:00"), (36_000, "+4 h 00"), (864_000, "+4 d")]
)
def test_distances_have_the_unit_of_their_length(span_s, wanted):
    times = TimeFormat(TimeMode.RELATIVE, START)
    line = axis_in(times, START, START + span_s * NS_PER_SECOND, 60, UNICODE)
    assert wanted in line


def test_every_axis_has_a_name():
    assert [axis_name(TimeFormat(mode, mark_ns=0)) for mode in TimeMode] == [
        "UTC", "local", "start", "start", "mark",
    ]  # fmt: skip


def test_without_a_mark_the_axis_counts_from_the_start():
    assert axis_name(TimeFormat(TimeMode.MARK)) == "start"
