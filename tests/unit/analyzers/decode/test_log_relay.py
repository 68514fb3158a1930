"""What the stamp of a relay tells of the one that the device wrote."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from analyzers.decode.log_relay import Relayed, relayed

NS = 1_000_000_000
HOUR_NS = 3600 * NS


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * NS


@pytest.mark.parametrize(
    ("line", "at", "zone_ns"),
    [
        ("2024-06-01T12:00:01+02:00 hub 77: Jun  1 12:00:00.881: x", "2024-06-01 10:00:01", 2),
        ("2024-06-01T10:00:01Z hub 77: *Jun  1 12:00:00.881: x", "2024-06-01 10:00:01", 2),
        ("2024-06-01T10:00:01Z hub Jun  1 15:30:00: x", "2024-06-01 10:00:01", 5.5),
        ("2024-12-31T23:00:05+00:00 hub Jan  1 00:00:00: x", "2024-12-31 23:00:05", 1),
        # Not the time of any zone: a clock that was never set, or not well.
        ("2024-06-01T10:00:01Z hub *Mar  1 00:12:00.881: x", "2024-06-01 10:00:01", None),
        ("2024-06-01T10:00:01Z hub Jun  1 10:05:00.881: x", "2024-06-01 10:00:01", None),
        # Kiwi: no zone, and tabs.
        ("2024-06-01 10:00:01\tLocal7.Debug\t192.0.2.1\t7: Jun  1 10:00:00.881: x",
         "2024-06-01 10:00:01", None),
    ],
)  # fmt: skip
def test_a_stamp_of_a_relay(line: str, at: str, zone_ns: float | None) -> None:
    zone = None if zone_ns is None else int(zone_ns * HOUR_NS)
    assert relayed([line]) == Relayed(ns(at), zone)


@pytest.mark.parametrize(
    "line",
    [
        "2024-06-01T10:00:01Z hub charon: 05[IKE] x",
        "2024-06-01T10:00:01Z hub Jun  1 2024 10:00:00: x",
        "Jun  1 10:00:01 hub 7: Jun  1 10:00:00.881: x",
        "Jun  1 10:00:00.881: x",
        "x",
    ],
)
def test_what_tells_nothing_of_it(line: str) -> None:
    assert relayed([line]) is None


def test_devices_of_several_zones_have_none_in_common() -> None:
    lines = [f"2024-06-01T10:00:01Z hub Jun  1 {hour}:00:00: x" for hour in (10, 12)]
    assert relayed(lines) == Relayed(ns("2024-06-01 10:00:01"), None)
