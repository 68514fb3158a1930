"""A capture that comes from elsewhere may stall on its way: that is no silence of anybody."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.model.peer import PeerState
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
    watch.session.end(39.3)
