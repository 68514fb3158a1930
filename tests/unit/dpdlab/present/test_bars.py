"""Bars that are compared: so many cells for so many seconds."""

from __future__ import annotations

import pytest

from dpdlab.present.policies import Bar, Scale, longest_of

HOURS = 4 * 3600.0


@pytest.mark.parametrize(
    ("lengths", "longest"),
    [
        ([], 0.0),
        ([20.0], 20.0),
        ([16.7, 16.9, 19.8, 20.0, 112.8], 20.0),
        ([4.6, HOURS], 4.6),
        ([20.1, 20.1, HOURS, 18.0, 80.0, 150.0, 20.0], 20.1),
        ([10.0, 20.0, 30.0], 30.0),
    ],
)
def test_the_scale_is_that_of_most(lengths: list[float], longest: float):
    assert longest_of(lengths) == longest


def test_what_has_no_room_goes_on_past_the_end():
    scale = Scale(20.0, 10)
    assert scale.bar(20.0, 20.0) == Bar(10, 0)
    assert scale.bar(10.0, 20.0) == Bar(5, 5)
    assert scale.bar(HOURS, HOURS) == Bar(9, 0, unending=True)
    assert scale.bar(10.0, HOURS) == Bar(5, 4, unending=True)
    assert scale.bar(10.0, None) == Bar(9, 0, unending=True)
