"""A capture that comes from elsewhere may stall on its way: that is no silence of anybody."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.model.peer import PeerState
from tests.scenarios.timeline import at
from tests.unit.analyzers.session.test_live_gaps import UP, Watch, pieces

ASKED = (
    UP + "10..20/10 a>b liveness 2+\n10.02..20.02/10 b>a liveness 2+ resp\n"
    "30..38/2 a>b liveness 4\n38.02 b>a liveness 4 resp\n"
)


@pytest.mark.parametrize(("remote", "state"), [(False, PeerState.DEAD), (True, PeerState.PROBING)])
def test_a_verdict_waits_for_what_a_pipe_may_hold_back(
    tmp_path: Path, *, remote: bool, state: PeerState
) -> None:
    before, held_back = pieces(ASKED, 37)
    watch = Watch(tmp_path, remote=remote)
    watch.take(before, 36.0)
    assert watch.now(38.9).state is state
    watch.take(held_back[24:], 38.95)
    assert watch.now(39.2).state is PeerState.ALIVE
    watch.session.end(at(39.3))


GOES_ON = (
    UP + "0.1..50/0.1 a>b esp out1\n0.15..27/0.1 b>a esp in1\n10 a>b liveness 2+\n"
    "10.02 b>a liveness 2+ resp\n30..48/2 a>b liveness 3\n"
)


@pytest.mark.parametrize("now_s", [37.95, 39.95, 41.95])
def test_the_last_packet_so_far_is_no_end_of_traffic(tmp_path: Path, now_s: float) -> None:
    """Of a file that ends just before a retry is due the same would be a verdict."""
    before, _ = pieces(GOES_ON, now_s)
    watch = Watch(tmp_path, remote=True)
    watch.take(before, now_s)
    assert watch.now(now_s + 0.2).state is PeerState.PROBING
    watch.session.end(at(now_s + 0.3))
