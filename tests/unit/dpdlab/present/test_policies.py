"""What policies would have left, in numbers below one another."""

from __future__ import annotations

import pytest

from dpdlab.present.policies import tenths


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(14.26, "14.3 s"), (-999.0, "-999.0 s"), (1005.0, "17 min"), (15_797.0, "4.4 h"),
     (-15_797.0, "-4.4 h")],
)  # fmt: skip
def test_what_is_much_longer_than_the_others_has_room_beside_them(seconds: float, told: str):
    assert tenths(seconds) == told


def test_beside_minutes_there_are_minutes():
    assert tenths(1733.0, minutes=True) == "28 min 53 s"
