"""What a column of the timeline stands for."""

from __future__ import annotations

from analyzers.export.spans import Window
from analyzers.model.peer import Activity
from analyzers.model.time import NS_PER_SECOND as SECOND
from dpdlab.present.readout import column
from dpdlab.present.scale import linear
from tests.model_builders import peer


def test_packets_of_a_short_column_are_those_of_the_slices_it_lies_in():
    seen = peer(activity=Activity(0, SECOND, (5, 7), (0, 1)))
    short = column(seen, [], linear(Window(SECOND // 2, SECOND), 100), 3)
    assert (short.packets, short.within_ns) == ((5, 0), SECOND)
    both = column(seen, [], linear(Window(0, 2 * SECOND), 1), 0)
    assert both.packets == (12, 1)
