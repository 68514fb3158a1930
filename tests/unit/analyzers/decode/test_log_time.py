"""The time of a log along its lines: years, days, kinds of stamps, and lines that are late."""

from __future__ import annotations

import copy
import itertools

import pytest

from analyzers.decode.log_time import LogTime
from analyzers.dialects.stamps import NS_PER_DAY, STAMP_AT_START, StampKind, read_stamp
from analyzers.model.time import NS_PER_SECOND

YEAR_NS = 366 * NS_PER_DAY


def run(*lines: str) -> tuple[LogTime, list[int | None], list[int | None]]:
    """The clock, where it stood at each stamp, and how far each went back."""
    clock = LogTime()
    times, back = [], []
    for line in lines:
        match = STAMP_AT_START.match(line + " x")
        assert match is not None
        stamp = read_stamp(match)
        assert stamp is not None
        stepped = copy.copy(clock)
        back.append(clock.take(stamp.kind, stamp.ns, stamp.resolution_ns))
        if stepped.step(stamp.kind, stamp.ns, stamp.resolution_ns):
            # The short way leads to the same.
            assert stepped == clock
        times.append(clock.now_ns)
    return clock, times, back


def deltas(*lines: str) -> list[float]:
    """Seconds from each stamp to the next."""
    times = [at for at in run(*lines)[1] if at is not None]
    return [(b - a) / NS_PER_SECOND for a, b in itertools.pairwise(times)]


def test_new_year() -> None:
    assert deltas("Dec 31 23:59:59: ", "Jan 1 00:00:01: ") == [2]
    assert deltas("Dec 31 23:59:59.5: ", "Jan 1 00:00:00: ", "Jan 1 00:00:00.5: ") == [0.5, 0.5]


def test_several_new_years() -> None:
    _, times, back = run("Nov 1 00:00:00: ", "Jan 2 00:00:00: ", "Nov 1 00:00:00: ",
                         "Jan 1 00:00:00: ")  # fmt: skip
    assert times[0] is not None
    base = times[0] // YEAR_NS * 0 + 10_957 * NS_PER_DAY
    years = [(at - base) // YEAR_NS for at in times if at is not None]
    assert years == [0, 1, 1, 2]
    # The place in the year stays what the stamp says.
    days = [(at - base) % YEAR_NS // NS_PER_DAY for at in times if at is not None]
    assert days == [305, 1, 305, 0]
    assert back == [0, 0, 0, 0]


def test_a_line_that_is_late_over_new_year_is_of_the_old_one() -> None:
    lines = ("Dec 31 23:59:58: ", "Jan 1 00:00:01: ", "Dec 31 23:59:59: ", "Jan 1 00:00:02: ")
    assert deltas(*lines) == [3, -2, 3]
    assert run(*lines)[2] == [0, 0, 2 * NS_PER_SECOND, 0]


def test_leap_day() -> None:
    assert deltas("Feb 28 23:59:59: ", "Feb 29 00:00:00: ", "Mar 1 00:00:00: ") == [1, 86_400]


def test_midnight_of_logs_without_dates() -> None:
    assert deltas("23:59:59", "00:00:01") == [2]
    assert deltas("23:59:58", "00:00:01", "23:59:59", "00:00:02") == [3, -2, 3]


def test_years_that_are_written_are_not_counted() -> None:
    assert deltas("Dec 31 2024 23:59:59: ", "Jan 1 2025 00:00:01: ") == [2]
    _, _, back = run("Jan 2 2025 00:00:00: ", "Jan 1 2025 00:00:00: ")
    assert back == [0, NS_PER_DAY]


def test_uptime_goes_on_from_hours_to_days() -> None:
    clock, times, _ = run("23:59:58: ", "1d00h: ", "1w0d: ", "1w0d: ")
    assert [at // NS_PER_SECOND for at in times if at is not None] == [
        86_398, 86_400, 604_800, 604_800,
    ]  # fmt: skip
    assert (clock.kind, clock.resolution_ns) == (StampKind.UPTIME, NS_PER_DAY)


@pytest.mark.parametrize(
    ("lines", "seconds"),
    [
        # The year of the lines beside it.
        (("Jun 10 2010 17:36:05: ", "Jun 10 17:36:13 "), [8]),
        (("Dec 31 2010 23:59:59: ", "Jan 1 00:00:01: "), [2]),
        (("Jan 1 2011 00:00:01: ", "Dec 31 23:59:59: "), [-2]),
        (("Jun 10 17:36:05: ", "Jun 10 2010 17:36:13: ", "Jun 10 17:36:14: "), [8, 1]),
        # The day of the line before it.
        (("Mar 25 15:47:37: ", "*15:47:45.5: ", "Mar 25 15:47:46: "), [8.5, 0.5]),
        (("Mar 25 23:59:59: ", "00:00:01.0: ", "Mar 26 00:00:02: "), [2, 1]),
        (("Mar 26 00:00:01: ", "23:59:59.0: ", "Mar 26 00:00:02: "), [-2, 3]),
        # What cannot be placed is left out.
        (("Mar 25 15:47:37: ", "1d02h: ", "Mar 25 15:47:38: "), [0, 1]),
        (("1d02h: ", "15:47:37 "), [0]),
    ],
)
def test_stamps_of_several_kinds(lines: tuple[str, ...], seconds: list[float]) -> None:
    assert deltas(*lines) == seconds


def test_a_date_counts_more_than_a_time() -> None:
    clock, times, back = run("15:47:37 ", "Mar 25 15:47:38: ", "Mar 25 15:47:39: ")
    assert clock.kind is StampKind.NO_YEAR
    assert times[1] is not None
    assert times[2] == times[1] + NS_PER_SECOND
    assert back == [0, 0, 0]


def test_what_has_no_place_does_not_move_the_clock() -> None:
    clock, _, back = run("Mar 25 15:47:37: ", "1d02h: ")
    assert back == [0, None]
    assert clock.resolution_ns == NS_PER_SECOND


def test_a_device_that_starts_counts_from_1_march_until_its_clock_is_set() -> None:
    """Only the order is known meanwhile; no year begins, neither then nor afterwards."""
    stamps = ("*Nov 20 10:00:00: ", "*Nov 20 10:00:20: ", "*Mar 1 00:00:40: ", "*Mar 1 00:01:12: ")
    assert deltas(*stamps) == [20, 0, 32]
    assert deltas(*stamps, "Nov 20 10:04:12: ") == [20, 0, 32, 200]
    assert deltas(*stamps, "Nov 20 10:04:12: ", "*Mar 1 00:00:40: ") == [20, 0, 32, 200, 0]
    pairs = zip(stamps, (2026, 2026, 2002, 2002), strict=True)
    assert deltas(*(f"{stamp[:-10]}{year} {stamp[-10:]}" for stamp, year in pairs)) == [20, 0, 32]


def test_the_first_of_march_is_a_day_like_others() -> None:
    assert deltas("Feb 29 23:59:59: ", "Mar 1 00:00:01: ") == [2]
    assert deltas("Feb 20 10:00:00: ", "Mar 1 10:00:00: ") == [10 * 86_400]
    assert deltas("*Mar 1 00:00:40: ", "*Mar 1 00:01:12: ", "*Mar 3 00:01:12: ") == [32, 172_800]
