from __future__ import annotations

from datetime import UTC, datetime

import pytest

from analyzers.model.time import ClockQuality
from analyzers.snapshots.clock import read_clock
from analyzers.snapshots.durations import span_s


def ns(*parts: int, fraction_ns: int = 0) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp()) * 10**9 + fraction_ns  # type: ignore[arg-type,misc]


NOON = (2025, 3, 4, 14, 5, 22)


@pytest.mark.parametrize(
    ("text", "at_ns", "quality"),
    [
        ("14:05:22.123 UTC Tue Mar 4 2025", ns(*NOON, fraction_ns=123_000_000), "absolute"),
        ("*14:05:22.123 UTC Tue Mar 4 2025", ns(*NOON, fraction_ns=123_000_000), "unsynchronised"),
        (".14:05:22.5 UTC Tue Mar 4 2025", ns(*NOON, fraction_ns=500_000_000), "unsynchronised"),
        ("14:05:22.000 CET Tue Mar 4 2025", ns(*NOON), "no-zone"),
        ("Time source is NTP, 14:05:22.000 UTC Tue Mar 4 2025", ns(*NOON), "absolute"),
        ("Time source is hardware, *14:05:22.000 UTC Tue Mar 4 2025", ns(*NOON), "unsynchronised"),
        ("Tue Mar  4 14:05:22 UTC 2025", ns(*NOON), "absolute"),
        ("Tue Mar  4 02:05:22 PM UTC 2025", ns(*NOON), "absolute"),
        ("Tue 04 Mar 2025 02:05:22 PM UTC", ns(*NOON), "absolute"),
        ("Tue Mar  4 14:05:22 2025", ns(*NOON), "no-zone"),
        ("System time: Tue Mar  4 14:05:22 2025", ns(*NOON), "no-zone"),
        ("2025-03-04T14:05:22+00:00", ns(*NOON), "absolute"),
        ("2025-03-04T16:05:22.25+02:00", ns(*NOON, fraction_ns=250_000_000), "absolute"),
        ("2025-03-04 14:05:22", ns(*NOON), "no-zone"),
        (" 14:05:22 up 10 days,  3:12,  1 user,  load average: 0.00", None, "relative"),
    ],
)  # fmt: skip
def test_moments(text, at_ns, quality):
    reading = read_clock(text)
    assert reading is not None
    assert (reading.at_ns, reading.quality) == (at_ns, ClockQuality(quality))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "14:05:22",
        "25:05:22.123 UTC Tue Mar 4 2025",
        "14:05:22.123 UTC Tue Mar 32 2025",
        "14:05:22.123 UTC Tue Feb 29 2025",
        "14:05:22.123 UTC Tue Foo 4 2025",
        "14:05:22.123 UTC Tue Mar 4 0000",
        "2025-13-04 14:05:22",
        "2025-00-00 14:05:22",
        "*Mar  4 14:05:22.123: ISAKMP: something",
    ],
)
def test_no_moments(text):
    assert read_clock(text) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("23:07:14", 83_234),
        ("100:00:00", 360_000),
        ("1d02h", 93_600),
        ("3w4d", 2_160_000),
        ("10d 7h:26m:52s", 890_812),
        ("0h:04m:12s", 252),
        ("2 hours", 7200),
        ("42 minutes", 2520),
        ("1 second", 1),
        ("never", None),
        ("", None),
    ],
)
def test_spans(text, seconds):
    assert span_s(text) == seconds
