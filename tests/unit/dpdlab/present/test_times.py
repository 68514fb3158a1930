"""Distances of time: no finer than what tells them."""

from __future__ import annotations

import pytest

from analyzers.model.records import Ref, SourceInfo
from analyzers.model.time import NS_PER_MS, NS_PER_SECOND
from dpdlab.present.times import TimeFormat, TimeMode, precision_ns, signed

SECOND, MS = NS_PER_SECOND, NS_PER_MS


@pytest.mark.parametrize(
    ("delta_ns", "precision", "said"),
    [
        (0, 1, "+0 s"),
        (1, 1, "+0 s"),
        (-1, 1, "+0 s"),
        (320_000, 1, "+0.32 ms"),
        (-16 * MS, 1, "-16 ms"),
        (10_048 * MS, 1, "+10.048 s"),
        (1, MS, "< 1 ms"),
        (320_000, MS, "< 1 ms"),
        (2_320_000, MS, "+2 ms"),
        (10_048 * MS, MS, "+10.048 s"),
        (999_600_000, 1, "+1.000 s"),
        (-999_400_000, 1, "-999 ms"),
        (10_048 * MS, 20 * MS, "+10.0 s"),
        (-2_020 * MS, 10 * MS, "-2.02 s"),
        (320 * MS, SECOND, "< 1 s"),
        (700 * MS, SECOND, "+1 s"),
        (10_048 * MS, SECOND, "+10 s"),
        (-10_048 * MS, 60 * SECOND, "-10 s"),
        (303 * SECOND + 1, SECOND, "+5 min 03 s"),
    ],
)
def test_a_difference_is_told_as_far_as_it_is_known(delta_ns: int, precision: int, said: str):
    assert signed(delta_ns, precision) == said


@pytest.mark.parametrize(
    ("delta_ms", "said"),
    [
        (0, "+0.000 s"),
        (267, "+0.267 s"),
        (-267, "-0.267 s"),
        (-99_123, "-99.123 s"),
        (303_123, "+5:03.123"),
        (-303_123, "-5:03.123"),
        (3_723_004, "+1:02:03.004"),
        (-90_000_500, "-25:00:00.500"),
        (-3 * 86_400_000 - 1, "-3 d 00:00:00.001"),
    ],
)
@pytest.mark.parametrize("mode", [TimeMode.RELATIVE, TimeMode.MARK])
def test_what_counts_from_one_moment_is_as_exact_long_before_and_after_it(
    mode: TimeMode, delta_ms: int, said: str
):
    zero_ns = 1_700_000_000 * SECOND
    times = TimeFormat(mode, zero_ns, zero_ns)
    assert times.at(zero_ns + delta_ms * MS) == said
    before_all = TimeFormat(TimeMode.DELTA, zero_ns)
    assert before_all.at(zero_ns + delta_ms * MS) == said


@pytest.mark.parametrize("mode", [TimeMode.RELATIVE, TimeMode.MARK])
def test_what_is_the_same_millisecond_after_one_moment_is_told_alike(mode: TimeMode):
    zero_ns = 1_700_000_000 * SECOND
    times = TimeFormat(mode, zero_ns, zero_ns)
    assert {times.at(zero_ns + apart_ns) for apart_ns in (-340_000, 0, 340_000)} == {"+0.000 s"}


@pytest.mark.parametrize(
    ("mode", "said"),
    [(TimeMode.UTC, "22:13:28"), (TimeMode.RELATIVE, "+8 s"), (TimeMode.MARK, "-5:12")],
)
def test_without_decimals_in_any_input_there_are_none(mode: TimeMode, said: str):
    zero_ns = 1_700_000_000 * SECOND
    times = TimeFormat(mode, zero_ns, zero_ns + 320 * SECOND, digits=0)
    assert times.at(zero_ns + 8 * SECOND) == said


def test_two_logs_are_told_apart_as_far_as_their_clocks_are():
    sources = {
        "s1": SourceInfo("s1", "hub.pcapng", "capture", "pcapng", clock_spread_ns=0),
        "s2": SourceInfo("s2", "fine", "log", "x", resolution_ns=MS, clock_spread_ns=40 * MS),
        "s3": SourceInfo("s3", "coarse", "log", "x", resolution_ns=SECOND, clock_spread_ns=MS),
    }
    frame, fine, coarse = Ref("s1", 1), Ref("s2", 7), Ref("s3", 9)
    assert precision_ns(sources, frame, frame) == 1
    assert precision_ns(sources, fine, Ref("s2", 8)) == MS
    assert precision_ns(sources, frame, fine) == 40 * MS
    assert precision_ns(sources, coarse, fine) == SECOND
    assert precision_ns(sources, None, coarse) == SECOND
    assert precision_ns(sources, None, Ref("gone", 1)) == 1


@pytest.mark.parametrize("mode", TimeMode)
def test_a_place_in_a_log_is_told_by_the_stamp_before_it(mode: TimeMode):
    times = TimeFormat(mode, not_before_ns=(None, 40_037 * SECOND))
    assert [times.at(place) for place in (1, 2)] == ["no time", ">= 11:07:17"]


def test_the_mode_that_counts_from_the_event_before_is_no_finer():
    times = TimeFormat(TimeMode.DELTA)
    at_ns = 1_700_000_000 * SECOND
    assert times.at(at_ns + 1, at_ns, SECOND) == "< 1 s"
    assert times.at(at_ns + 1, at_ns) == "+0 s"
