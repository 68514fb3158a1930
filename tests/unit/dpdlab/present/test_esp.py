from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analyzers.export.spans import Window
from analyzers.model.peer import Activity
from dpdlab.present.esp import EspTimes, packets_per_cell, packets_until
from dpdlab.present.scale import linear

COUNTS = (4, 0, 6)
SLICES = Activity(1_000, 100, COUNTS, ())


def until(after_ns: list[int], *without: tuple[int, int]) -> list[float]:
    windows = [Window(1_000 + first, 1_000 + last) for first, last in without]
    found: list[float] = packets_until(SLICES, COUNTS, np.array(after_ns, float), windows).tolist()
    return found


def test_a_slice_is_spread_over_that_of_it_in_which_packets_can_have_been():
    assert until([50, 100]) == [2, 4]
    assert until([49, 50, 75, 100], (0, 49)) == [0, 0, 2, 4]
    assert until([25, 50, 100], (50, 99), (200, 209)) == [2, 4, 4]
    assert until([210, 255, 300], (200, 209)) == [4, 7, 10]


def test_packets_of_a_slice_that_should_have_none_are_shown_nevertheless():
    assert until([50, 100, 300], (-10, 150)) == [2, 4, 10]


@given(st.lists(st.integers(-50, 350), min_size=2, max_size=8, unique=True))
def test_no_packet_is_lost_or_added(bounds: list[int]):
    ends = sorted(bounds)[: len(bounds) // 2 * 2]
    windows = [(a, b - 1) for a, b in zip(ends[::2], ends[1::2], strict=True)]
    assert np.allclose(until([0, 100, 200, 300], *windows), [0, 4, 4, 10])


@given(st.lists(st.integers(0, 1_000), max_size=30), st.integers(1, 70))
def test_exact_times_lie_in_the_cells_that_the_scale_puts_them_into(at: list[int], width: int):
    scale = linear(Window(100, 900), width)
    times = np.array(sorted(at), np.int64)
    counted = [0] * width
    for at_ns in at:
        if scale.holds(at_ns):
            counted[scale.at(at_ns)] += 1
    assert packets_per_cell(times, scale).tolist() == counted


def test_exact_times_are_those_of_their_window_alone():
    known = EspTimes(Window(0, 100), np.array([1, 50, 100]), np.array([], np.int64))
    assert known.cover(Window(0, 100))
    assert not known.cover(Window(0, 101))
    assert known.within(Window(1, 50)) == (2, 0)
