"""The slope of two clocks, from a part of the line that shows it."""

from __future__ import annotations

import numpy as np
import pytest

from analyzers.tracking.drift import MAX_DRIFT, Floats, followed, theil_sen

SECOND = 1e9


def every(gap_s: float, count: int) -> Floats:
    """Times of a rhythm, in ns."""
    return np.arange(count, dtype=np.float64) * (gap_s * SECOND)


def test_the_median_slope_ignores_strays() -> None:
    times = every(1, 50)
    differences = times * 1e-4
    differences[7] += 40 * SECOND
    differences[31] -= 2 * SECOND
    assert theil_sen(times, differences) == pytest.approx(1e-4, rel=1e-3)


def test_no_slope_of_one_moment() -> None:
    assert theil_sen(np.zeros(5), every(1, 5)) is None


def test_more_than_any_clock_gains() -> None:
    times = every(1, 50)
    assert theil_sen(times, times * MAX_DRIFT * 1.5) is None


def test_the_order_of_the_points_does_not_matter() -> None:
    times = every(1, 900)
    differences = times * 2e-4
    mixed = np.random.default_rng(1).permutation(900)
    assert theil_sen(times[mixed], differences[mixed]) == pytest.approx(2e-4)


def line(ppm: float, count: int = 480) -> tuple[Floats, Floats]:
    times = every(30, count)
    return times, times * ppm * 1e-6


def test_a_line_is_followed_from_its_part() -> None:
    times, differences = line(200)
    seed = (differences >= 0.9 * SECOND) & (differences <= 1.2 * SECOND)
    assert 40 < seed.sum() < 60
    slope = followed(times, differences, np.arange(480), seed, 0.3 * SECOND)
    assert slope == pytest.approx(200e-6, rel=1e-3)


def test_a_heap_without_a_line_stays_a_heap() -> None:
    chance = np.random.default_rng(2)
    times = every(30, 400)
    differences = chance.uniform(-1e4, 1e4, 400) * SECOND
    differences[:20] = chance.uniform(0, 0.3, 20) * SECOND
    slope = followed(times, differences, np.arange(400), differences < 0.3 * SECOND, 0.3 * SECOND)
    assert slope is None or abs(slope) < 1e-3


def test_one_fact_many_times_is_no_line() -> None:
    times, differences = line(200)
    seed = np.ones(480, np.bool_)
    assert followed(times, differences, np.zeros(480, np.int64), seed, 0.3 * SECOND) is None


def test_too_short_a_time_shows_jitter_only() -> None:
    times = every(1, 40)
    seed = np.ones(40, np.bool_)
    assert followed(times, times * 2e-4, np.arange(40), seed, 0.3 * SECOND) is None
