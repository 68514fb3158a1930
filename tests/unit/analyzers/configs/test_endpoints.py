from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.configs.endpoints import endpoints, one_address


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("192.0.2.1", ("192.0.2.1",)),
        ("192.0.2.1, 2001:db8::1 ,192.0.2.1", ("192.0.2.1", "2001:db8::1")),
        ("198.51.100.9/24", ("198.51.100.0/24",)),
        ("192.0.2.4-192.0.2.7", ("192.0.2.4/30",)),
        ("192.0.2.4-192.0.2.4", ("192.0.2.4",)),
        ("192.0.2.7-192.0.2.4", ()),
        ("gw-1.example.net", ("gw-1.example.net",)),
        ("%any", ()),
        ("192.0.2.1, %any", ()),
        ("%defaultroute", ()),
        ("", ()),
        ("192.0.2.1/99", ("192.0.2.1/99",)),
    ],
)
def test_lists_of_ends(text, found):
    assert endpoints(text) == found


def test_a_wide_range_and_a_long_list_stay_bounded():
    assert len(endpoints("::1-ffff::")) <= 200
    assert len(endpoints(",".join(f"10.0.{i}.{j}" for i in range(9) for j in range(99)))) == 200


def test_one_address():
    assert one_address(("192.0.2.1",)) == "192.0.2.1"
    assert one_address(("gw.example.net",)) is None
    assert one_address(("192.0.2.1", "192.0.2.2")) is None
    assert one_address(()) is None


@given(st.text(max_size=60))
def test_any_text(text):
    endpoints(text)
