from __future__ import annotations

import pytest

from analyzers.configs.durations import duration_s, spoken_s


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("5s", 5), ("2m", 120), ("1h", 3600), ("1d", 86_400), ("90", 90), ("0s", 0), (" 10 S ", 10)],
)
def test_units(text, seconds):
    assert duration_s(text) == seconds


def test_fractions_and_the_unit_of_bare_numbers():
    assert duration_s("1.5s") == 1.5
    assert duration_s("500", "ms") == 0.5
    assert duration_s("2s", "ms") == 2


@pytest.mark.parametrize(
    "text", ["", "s", "-5s", "5 min", "5w", "1e3", "0x10", "٥s", "9" * 11, "5s5"]
)
def test_anything_else_is_none(text):
    assert duration_s(text) is None


def test_spoken():
    assert [spoken_s(s) for s in (20.0, 0.5, 165.0612, 86_400)] == [
        "20 s",
        "0.5 s",
        "165.061 s",
        "86,400 s",
    ]
