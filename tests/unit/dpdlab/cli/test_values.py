from __future__ import annotations

import argparse
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpdlab.cli.values import Moment, address, duration_s, moment, port, positive_duration_s


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30", 30.0), ("2.5", 2.5), ("1m30s", 90.0), ("500ms", 0.5), ("2h", 7200.0),
        ("1d1s", 86_401.0), ("0", 0.0), ("1.5m", 90.0),
    ],
)  # fmt: skip
def test_durations(text, seconds):
    assert duration_s(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "x", "-1", "1x", "nan", "inf", "1e9", "1 m", "m", "９", "9" * 400, "1m30"]
)
def test_what_is_no_duration(text):
    with pytest.raises(argparse.ArgumentTypeError, match="no duration"):
        duration_s(text)


def test_a_budget_of_nothing_is_refused():
    with pytest.raises(argparse.ArgumentTypeError, match="more than 0"):
        positive_duration_s("0s")


@pytest.mark.parametrize(
    ("text", "ns", "relative"),
    [
        ("2024-11-20T21:31:50Z", 1_732_138_310_000_000_000, False),
        ("2024-11-20T21:31:50", 1_732_138_310_000_000_000, False),
        ("2024-11-20 21:31:50", 1_732_138_310_000_000_000, False),
        ("2024-11-20T22:31:50+01:00", 1_732_138_310_000_000_000, False),
        ("2024-11-20T21:31:50.123456789Z", 1_732_138_310_123_456_789, False),
        ("2024-11-20T21:31:50,5", 1_732_138_310_500_000_000, False),
        ("2024-11-20", 1_732_060_800_000_000_000, False),
        ("1732138310", 1_732_138_310_000_000_000, False),
        ("1732138310.000000001", 1_732_138_310_000_000_001, False),
        ("-0.5", -500_000_000, False),
        ("+90", 90_000_000_000, True),
        ("+1m30s", 90_000_000_000, True),
        ("+0", 0, True),
        ("+250ms", 250_000_000, True),
    ],
)
def test_moments(text, ns, relative):
    assert moment(text) == Moment(ns, relative)


@pytest.mark.parametrize(
    "text", ["", "now", "21:31", "2024-13-01", "+", "+x", "++1", "9999999999999", "0001-01-01T24"]
)
def test_what_is_no_moment(text):
    with pytest.raises(argparse.ArgumentTypeError, match="no time"):
        moment(text)


@given(st.text(max_size=40))
def test_any_text_is_a_value_or_a_reason(text):
    for parse in (duration_s, moment, address, port):
        with contextlib.suppress(argparse.ArgumentTypeError):
            parse(text)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
    ],
)
def test_addresses(text, canonical):
    assert address(text) == canonical


@pytest.mark.parametrize("text", ["hub", "192.0.2.256", "", "192.0.2.0/24"])
def test_what_is_no_address(text):
    with pytest.raises(argparse.ArgumentTypeError, match="no IP address"):
        address(text)


def test_a_prefix_is_told_apart():
    with pytest.raises(argparse.ArgumentTypeError, match="no prefix length"):
        address("192.0.2.0/24")


def test_ports():
    assert port("4501") == 4501
    for text in ("0", "65536", "-1", "x", "", "１"):
        with pytest.raises(argparse.ArgumentTypeError, match="no port"):
            port(text)
