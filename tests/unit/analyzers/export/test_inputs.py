"""How the clocks of inputs stand, in words."""

from __future__ import annotations

import pytest

from analyzers.export.inputs import clock_phrases, span_of
from analyzers.model.alignment import Alignment, ClockBasis
from analyzers.model.records import SourceInfo
from analyzers.model.time import NS_PER_MS, NS_PER_SECOND, ClockQuality


@pytest.mark.parametrize(
    ("offset_ns", "spread_ns", "resolution_ns", "said"),
    [
        (0, 0, 1, "clock < 1 ms from that of s1, put right (by 6 IKEv1 message IDs, to < 1 ms)"),
        (0, 0, NS_PER_SECOND, "clock < 1 s from that of s1, put right (by 6 IKEv1 message IDs,"),
        (-5 * NS_PER_MS, 0, 1, "clock 5 ms behind s1, put right (by 6 IKEv1 message IDs, to < 1"),
        (7 * NS_PER_SECOND, NS_PER_MS, 1, "clock 7.0 s ahead of s1, put right (by 6 IKEv1"),
    ],
)
def test_clocks_agree_no_better_than_their_stamps_tell(
    offset_ns: int, spread_ns: int, resolution_ns: int, said: str
):
    source = SourceInfo("s2", "b.log", "log", "text", resolution_ns=resolution_ns)
    source.clock_basis = ClockBasis.MATCHED
    found = Alignment("s2", "s1", 6, offset_ns, spread_ns, 0.0, "IKEv1 message IDs")
    (told,) = clock_phrases(source, [found])
    assert told.startswith(said)


@pytest.mark.parametrize(
    ("uptime", "start_s", "said"),
    [
        (True, 753, ["uptime 00:12:33 to 00:13:03", "30.0 s"]),
        (True, 2 * 86_400 + 753, ["uptime 2 d 00:12:33 to 2 d 00:13:03", "30.0 s"]),
        (False, 753, ["time of an unknown day 00:12:33 to 00:13:03", "30.0 s"]),
        # What another input tells of its clock puts it on the calendar.
        (True, 1_700_000_000, ["2023-11-14 22:13:20 to 22:13:50 UTC", "30.0 s"]),
    ],
)
def test_times_that_are_on_no_calendar_have_no_date(
    uptime: bool, start_s: int, said: list[str]
) -> None:
    source = SourceInfo("s1", "b.log", "log", "text", uptime=uptime, clock=ClockQuality.RELATIVE)
    source.first_ns = start_s * NS_PER_SECOND
    source.last_ns = (start_s + 30) * NS_PER_SECOND
    assert span_of(source) == said
