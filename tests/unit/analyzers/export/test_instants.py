from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.export.instants import optional_utc, utc


@pytest.mark.parametrize(
    ("at_ns", "digits", "text"),
    [
        (0, 9, "1970-01-01T00:00:00.000000000Z"),
        (1_732_138_310_123_456_789, 9, "2024-11-20T21:31:50.123456789Z"),
        # Cut, not rounded: a moment is never shown later than it was.
        (1_732_138_310_999_999_999, 3, "2024-11-20T21:31:50.999Z"),
        (1_732_138_310_999_999_999, 0, "2024-11-20T21:31:50Z"),
        (-1, 3, "1969-12-31T23:59:59.999Z"),
        (1 << 80, 9, f"{1 << 80} ns"),
        (-(1 << 80), 9, f"{-(1 << 80)} ns"),
    ],
)
def test_utc(at_ns, digits, text):
    assert utc(at_ns, digits=digits) == text


@given(st.integers(-(1 << 90), 1 << 90))
def test_every_number_prints(at_ns):
    assert utc(at_ns)


def test_an_unknown_moment_has_its_own_sign():
    assert optional_utc(None, missing="–") == "–"
