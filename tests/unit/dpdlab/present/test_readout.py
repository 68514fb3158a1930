"""What a column of the timeline stands for."""

from __future__ import annotations

from msgspec.structs import replace

from analyzers.export.spans import Window
from analyzers.model.peer import Activity
from analyzers.model.time import NS_PER_SECOND as SECOND
from dpdlab.present.readout import column
from dpdlab.present.scale import linear
from tests.model_builders import peer
from tests.unit.dpdlab.present.stories import dead_peer


def test_packets_of_a_short_column_are_those_of_the_slices_it_lies_in():
    seen = peer(activity=Activity(0, SECOND, (5, 7), (0, 1)))
    short = column(seen, [], linear(Window(SECOND // 2, SECOND), 100), 3)
    assert (short.packets, short.within_ns) == ((5, 0), SECOND)
    both = column(seen, [], linear(Window(0, 2 * SECOND), 1), 0)
    assert both.packets == (12, 1)


def test_a_death_is_told_as_the_lane_tells_it():
    dead = dead_peer()
    died_ns = dead.states[-1].start_ns
    span = linear(Window(died_ns - SECOND, died_ns + SECOND), 2)
    assert column(dead, [], span, 0).states == ["probing"]
    assert column(dead, [], span, 1).states == ["given up"]
    (asked,) = dead.exchanges
    theirs = replace(asked, prober=asked.responder, responder=asked.prober)
    them = replace(dead, exchanges=(theirs,), black_holes=())
    assert column(them, [], span, 1).states[-1] == "gave us up"
