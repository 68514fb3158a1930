"""The calendar of a log: years that stamps lack, zones they do not name, what it is worth."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from analyzers.decode.log_clock import ClockHints, in_zone, main_kind, place, quality
from analyzers.decode.logs import LogTally
from analyzers.dialects.stamps import StampKind
from analyzers.model.log_events import LogEvent, LogEventKind
from analyzers.model.time import ClockQuality
from tests.log_text import decoder

NS = 1_000_000_000


def ns(text: str) -> int:
    """`2024-02-29 12:00:00`, UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * NS


def date(at_ns: int | None) -> str:
    assert at_ns is not None
    return f"{datetime.fromtimestamp(at_ns // NS, UTC):%Y-%m-%d %H:%M:%S}"


def read(*stamps: str) -> tuple[list[LogEvent], LogTally]:
    """The events of a log with one line for each stamp."""
    lines = "".join(
        f"{stamp}ISAKMP:({1000 + n}):peer 192.0.2.{n} not responding!\n"
        for n, stamp in enumerate(stamps)
    )
    reader, events = decoder(lines)
    return events, reader.tally


def placed(*stamps: str, hints: ClockHints) -> tuple[list[str], bool]:
    events, tally = read(*stamps)
    sure = place(events, tally, hints)
    return [date(e.at_ns) for e in events], sure


def near(text: str, *, is_input: bool = True) -> ClockHints:
    return ClockHints(near_ns=ns(text), near_is_input=is_input)


# --- years ---------------------------------------------------------------------------------------


def test_the_year_that_is_given() -> None:
    found = placed("Nov 14 22:13:20.000: ", hints=ClockHints(year=2019))
    assert found == (["2019-11-14 22:13:20"], True)


def test_a_given_year_is_that_of_the_first_line() -> None:
    times, _ = placed("Dec 31 23:59:58.000: ", "Jan  1 00:00:02.000: ", hints=ClockHints(year=2019))
    assert times == ["2019-12-31 23:59:58", "2020-01-01 00:00:02"]


@pytest.mark.parametrize(
    ("stamp", "other", "year"),
    [
        ("Nov 14 22:13:20", "2023-11-14 22:20:00", 2023),
        ("Dec 31 23:50:00", "2024-01-01 00:05:00", 2023),
        ("Jan  1 00:10:00", "2023-12-31 23:58:00", 2024),
        ("Nov 20 08:00:00", "2023-11-14 22:20:00", 2023),
        ("Mar  1 00:00:10", "2023-11-14 22:20:00", 2023),
    ],
)
def test_the_year_of_another_input(stamp: str, other: str, year: int) -> None:
    """Whichever year brings the log close to it: logs go on after captures end."""
    (time,), sure = placed(f"{stamp}.000: ", hints=near(other))
    assert (time[:4], sure) == (str(year), True)


def test_a_log_around_another_input() -> None:
    """It began months before, and ends months after."""
    times, _ = placed(
        "Aug  1 08:00:00.000: ",
        "Nov 14 22:13:20.000: ",
        "Feb 10 08:00:00.000: ",
        hints=near("2023-11-14 22:20:00"),
    )
    assert [t[:10] for t in times] == ["2023-08-01", "2023-11-14", "2024-02-10"]


@pytest.mark.parametrize(
    ("stamp", "written", "year"),
    [
        ("Nov 14 22:13:20", "2023-11-14 22:20:00", 2023),
        ("Nov 14 22:13:20", "2023-11-14 12:20:00", 2023),
        ("Nov 20 22:13:20", "2023-11-14 22:20:00", 2022),
        ("Dec 31 22:13:20", "2024-01-05 22:20:00", 2023),
    ],
)
def test_a_file_is_written_after_what_is_in_it(stamp: str, written: str, year: int) -> None:
    """A day of grace is for zones; and its time may be that of a copy."""
    (time,), sure = placed(f"{stamp}.000: ", hints=near(written, is_input=False))
    assert (time[:4], sure) == (str(year), False)


def test_nothing_tells_the_year() -> None:
    (time,), sure = placed("Nov 14 22:13:20.000: ", hints=ClockHints())
    assert (time, sure) == ("2000-11-14 22:13:20", False)


def test_a_leap_day_is_of_a_leap_year() -> None:
    for other in ("2025-02-27 10:00:00", "2024-03-02 10:00:00", "2025-06-01 10:00:00"):
        times, _ = placed("Feb 29 10:00:00.000: ", "Mar  1 10:00:00.000: ", hints=near(other))
        assert times == ["2024-02-29 10:00:00", "2024-03-01 10:00:00"], other
    times, _ = placed("Feb 29 10:00:00.000: ", hints=near("2026-05-01 10:00:00", is_input=False))
    assert times == ["2024-02-29 10:00:00"]


def test_a_leap_day_of_a_year_that_has_none() -> None:
    """The user says so."""
    times, _ = placed("Feb 29 10:00:00.000: ", hints=ClockHints(year=2023))
    assert times == ["2023-03-01 10:00:00"]


def test_years_are_not_touched_where_stamps_have_them() -> None:
    times, sure = placed("Nov 14 2023 22:13:20.000: ", hints=ClockHints(year=1999))
    assert (times, sure) == (["2023-11-14 22:13:20"], True)


# --- zones ---------------------------------------------------------------------------------------

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("stamp", "utc"),
    [
        ("Nov 14 2023 22:13:20.000: ", "2023-11-14 21:13:20"),
        ("Jul 14 2023 22:13:20.000: ", "2023-07-14 20:13:20"),
        ("Nov 14 2023 22:13:20.000 UTC: ", "2023-11-14 22:13:20"),
        ("Nov 14 2023 22:13:20.000 CET: ", "2023-11-14 21:13:20"),
    ],
)
def test_wall_time_of_a_zone(stamp: str, utc: str) -> None:
    times, _ = placed(stamp, hints=ClockHints(zone=BERLIN))
    assert times == [utc]


def test_a_zone_of_a_log_without_years() -> None:
    hints = ClockHints(2023, timezone(timedelta(hours=-8)))
    times, _ = placed("Dec 31 20:00:00.000: ", hints=hints)
    assert times == ["2024-01-01 04:00:00"]


@pytest.mark.parametrize("mark", ["", "*"])
def test_a_zone_that_a_stamp_names_is_its_zone_also_without_a_year(mark: str) -> None:
    hints = ClockHints(2024, ZoneInfo("America/New_York"))
    times, _ = placed(f"{mark}Jun 28 12:00:00.000 JST: ", hints=hints)
    assert times == ["2024-06-28 03:00:00"]
    times, _ = placed(f"{mark}Jun 28 12:00:00.000 XYZ: ", hints=hints)
    assert times == ["2024-06-28 16:00:00"]


def test_one_stamp_with_a_zone_does_not_spoil_the_others() -> None:
    plain = [f"Nov 14 2023 22:13:{n:02}.000: " for n in range(20)]
    times, _ = placed(*plain, "Nov 14 2023 22:13:30.000 UTC: ", hints=ClockHints(zone=BERLIN))
    assert times[0] == "2023-11-14 21:13:00"


def test_the_hour_that_comes_twice_at_the_end_of_summer_time() -> None:
    stamps = [f"Oct 27 {at}:00: " for at in ("01:50", "02:10", "02:50", "02:00", "02:50", "03:00")]
    times, _ = placed(*stamps, hints=ClockHints(2024, BERLIN))
    assert times == [
        f"2024-10-{at}:00"
        for at in ("26 23:50", "27 00:10", "27 00:50", "27 01:00", "27 01:50", "27 02:00")
    ]


@pytest.mark.parametrize(
    ("day", "walls", "utc"),
    [
        # A line that was overtaken, and a clock that was set back by more than an hour.
        ("Oct 27", ("02:10:01", "02:10:00", "02:11:00"), ("00:10:01", "00:10:00", "00:11:00")),
        ("Oct 27", ("04:30:00", "02:10:00", "02:20:00"), ("03:30:00", "00:10:00", "00:20:00")),
        # On any other day, and in the hour that summer time leaves out.
        ("Oct 28", ("02:50:00", "02:00:00", "02:50:00"), ("01:50:00", "01:00:00", "01:50:00")),
        ("Mar 31", ("02:50:00", "02:00:00", "03:10:00"), ("01:50:00", "01:00:00", "01:10:00")),
    ],
)
def test_no_other_step_back_repeats_an_hour(
    day: str, walls: tuple[str, ...], utc: tuple[str, ...]
) -> None:
    times, _ = placed(*(f"{day} {at}: " for at in walls), hints=ClockHints(2024, BERLIN))
    assert tuple(time[11:] for time in times) == utc


def test_a_moment_in_a_zone() -> None:
    assert date(in_zone(ns("2023-11-14 22:13:20"), BERLIN)) == "2023-11-14 21:13:20"
    assert date(in_zone(ns("2023-07-14 00:30:00"), BERLIN)) == "2023-07-13 22:30:00"


def test_logs_without_dates_have_no_zone() -> None:
    events, tally = read("22:13:20.000 ", "22:13:30.000 ")
    before = [e.at_ns for e in events]
    assert place(events, tally, ClockHints(2023, BERLIN))
    assert [e.at_ns for e in events] == before


# --- quality -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        ("Nov 14 2023 22:13:20.000 UTC: ", ClockQuality.ABSOLUTE),
        ("2023-11-14T22:13:20.000Z gw1 ", ClockQuality.ABSOLUTE),
        ("Nov 14 2023 22:13:20.000: ", ClockQuality.NO_ZONE),
        ("Nov 14 22:13:20.000: ", ClockQuality.NO_YEAR),
        ("*Nov 14 22:13:20.000: ", ClockQuality.UNSYNCHRONISED),
        (".Nov 14 2023 22:13:20.000 UTC: ", ClockQuality.UNSYNCHRONISED),
        ("22:13:20.000 ", ClockQuality.RELATIVE),
        ("1w2d: ", ClockQuality.RELATIVE),
        ("", ClockQuality.RELATIVE),
    ],
)
def test_how_far_a_clock_can_be_trusted(stamp: str, expected: ClockQuality) -> None:
    assert quality(read(stamp, stamp, stamp)[1]) is expected


def test_most_lines_decide() -> None:
    plain = ["Nov 14 2023 22:13:20.000 UTC: "] * 5
    assert quality(read(*plain, "*Nov 14 2023 22:13:20.000 UTC: ")[1]) is ClockQuality.ABSOLUTE
    mixed = ["*Nov 14 2023 22:13:20.000 UTC: "] * 6
    assert quality(read(*plain, *mixed)[1]) is ClockQuality.UNSYNCHRONISED


def test_main_kind() -> None:
    assert main_kind(read("Nov 14 22:13:20.000: ")[1]) is StampKind.NO_YEAR
    assert main_kind(read("")[1]) is None
    assert main_kind(LogTally()) is None
    assert place([], LogTally(), ClockHints())


def test_events_without_a_time_stay_without() -> None:
    events, tally = read("Nov 14 22:13:20.000: ")
    bare = LogEvent(LogEventKind.HINT, None, events[0].ref, "cisco-isakmp")
    place([bare, *events], tally, ClockHints(2023, BERLIN))
    assert bare.at_ns is None
