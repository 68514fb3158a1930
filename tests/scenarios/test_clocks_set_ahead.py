"""A capture whose clock was set ahead: no silence that nobody kept."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from analyzers.model.black_hole import BlackHoleClass
from analyzers.model.peer import PeerState
from analyzers.model.records import ProblemKind
from analyzers.session import Session
from tests.scenarios.conftest import Tell
from tests.scenarios.inputs import together
from tests.scenarios.test_addresses_and_order import SETUP
from tests.scenarios.timeline import at, capture

TRAFFIC = """
0.1..100/0.2 a>b esp out
0.15..100/0.2 b>a esp in
"""
ASKING = """
10..100/10 a>b liveness 2+
10.02..100/10 b>a liveness 2+ resp
"""
BOTH = (
    SETUP
    + TRAFFIC
    + ASKING
    + """
15..100/10 b>a liveness 0+
15.02..100/10 a>b liveness 0+ resp
"""
)


@pytest.mark.parametrize("ahead_s", [40, 3_600, 86_400 * 30])
@pytest.mark.parametrize("since", [50.01, 53.05, 65])
def test_everything_goes_on(tell: Tell, ahead_s: int, since: float) -> None:
    other, told = tell(BOTH), tell(BOTH + f"clock {ahead_s} from {since}")
    assert ProblemKind.CLOCK_SET in told.problems
    assert ProblemKind.CLOCK_SET not in other.problems
    assert not told.peer.black_holes
    assert told.peer.state is PeerState.ALIVE
    assert [round((x.first_ns - at(0)) / 1e9) for x in told.peer.exchanges] == [
        round((x.first_ns - at(0)) / 1e9) for x in other.peer.exchanges
    ]
    assert max(x.rtt_ns or 0 for x in told.peer.exchanges) < 300_000_000
    assert {f.rule for f in told.findings} <= {f.rule for f in other.findings} | {"dpd-late-ack"}


@pytest.mark.parametrize(
    "text",
    [
        # A capture that was stopped for as long lacks packets, whoever asks.
        BOTH + "unseen a>b 50..90\nunseen b>a 50..90",
        # A tunnel that nobody uses meanwhile, and whose questions come only with traffic.
        SETUP
        + "0.1..40/0.2 a>b esp out\n0.15..40/0.2 b>a esp in\n"
        + "80.1..120/0.2 a>b esp out\n80.15..120/0.2 b>a esp in\n"
        + "10..40/10 a>b liveness 2+\n10.02..40/10 b>a liveness 2+ resp\n"
        + "90..120/10 a>b liveness 5+\n90.02..120/10 b>a liveness 5+ resp\n",
        # One end alone asks: it may be the one that captures, and have stood still.
        SETUP + TRAFFIC + ASKING + "clock 3600 from 53.05",
        # Who asks was asked for an answer meanwhile, as its message IDs say.
        BOTH.replace("15..100/10 b>a", "15..50/10 b>a")
        + "55..100/10 b>a liveness 8+\nclock 3600 from 53.05",
    ],
    ids=["stopped", "not used", "one end asks", "asked meanwhile"],
)
def test_nobody_can_tell(tell: Tell, text: str) -> None:
    """What was silent stays so."""
    told = tell(text)
    assert ProblemKind.CLOCK_SET not in told.problems


def test_a_step_amid_an_outage_is_told_as_what_it_may_be(tmp_path: Path) -> None:
    dies = BOTH.replace("0.15..100", "0.15..52").replace("..100/10", "..50/10")
    retries = "".join(f"{t} a>b liveness 6\n" for t in (60, 64, 71, 83))
    told = together(tmp_path, capture(dies + retries + "clock 3600 from 75"))
    (hole,) = told.peer.black_holes
    assert hole.max_seconds > 3_600
    problem = told.problem(ProblemKind.CAPTURE_INSUFFICIENT)
    assert "the clock was set ahead" in problem.detail
    assert problem.ref is not None


def test_a_pipe_cannot_be_put_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(capture(BOTH + "clock 3600 from 53.05"))
    with path.open("rb") as file:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(file))
        session = Session()
        session.run(["-"])
    (problem,) = session.sources[0].problems
    assert "the clock was set ahead (a file, and no pipe" in problem.detail


def test_many_packets_were_on_their_way(tell: Tell) -> None:
    """They were sent before the step, and answered after it."""
    text = BOTH + "52.9..53.1/0.002 a>b esp fast\n52.95..53.15/0.002 b>a esp back\n"
    told = tell(text + "clock 3600 from 53.0")
    assert not told.peer.black_holes


def test_a_hub_knows_it_by_its_other_peers(tell: Tell) -> None:
    """Of a peer that falls silent then, the outage is as long as it was."""
    other = """
    0 c>b v2 handshake sa=3
    0.12..70/0.2 c>b esp out3
    0.17..52/0.2 b>c esp in3
    60 c>b liveness 2 sa=3
    62 c>b liveness 2 sa=3
    66 c>b liveness 2 sa=3
    """
    told = tell(BOTH + other + "sa 3 by c\nclock 3600 from 63")
    holes = [hole for peer in told.peers for hole in peer.black_holes]
    assert ProblemKind.CLOCK_SET in told.problems
    (hole,) = holes
    assert hole.max_seconds < 20
    assert hole.black_hole_class is not BlackHoleClass.TRANSIENT
