"""How the clocks of inputs stand, in words."""

from __future__ import annotations

import pytest

from analyzers.export.inputs import clock_phrases
from analyzers.model.alignment import Alignment, ClockBasis
from analyzers.model.records import SourceInfo
from analyzers.model.time import NS_PER_MS, NS_PER_SECOND


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
