"""Captures whose clock was set back: the report is that of a clock that ran on."""

from __future__ import annotations

import pytest

from analyzers.model.finding import Severity
from analyzers.model.peer import PeerState
from analyzers.model.records import Confidence, ProblemKind
from analyzers.session import SessionOptions
from tests.scenarios.conftest import Tell
from tests.scenarios.test_addresses_and_order import DEAD, HEALTHY, SETUP, expect_healthy
from tests.scenarios.timeline import at

DIES = (
    SETUP
    + """
    0.1..45/0.2 a>b esp out
    0.15..20/0.2 b>a esp in
    5..20/5 a>b liveness 2+
    5.02..20/5 b>a liveness 2+ resp
    25 a>b liveness 5
    27 a>b liveness 5
    29 a>b liveness 5
    31 a>b liveness 5
    33 a>b liveness 5
    35 a>b delete 6
    60 c:4500>a:4500 keepalive
    """
)


@pytest.mark.parametrize("step", [-25, -3_600, -86_400])
@pytest.mark.parametrize("since", [10.01, 17, 19.97, 22, 26])
def test_a_peer_dies_after_or_before_the_clock_steps_back(
    tell: Tell, step: int, since: float
) -> None:
    """The report is that of a clock that ran on, but for what passed at the step itself."""
    other = tell(DIES)
    told = tell(DIES + f"clock {step} from {since}")
    peer = told.peer
    assert ProblemKind.TIME_BACKWARDS in told.problems
    assert peer.state is other.peer.state is PeerState.DEAD
    assert [s.state for s in peer.states] == [s.state for s in other.peer.states]
    assert [(x.outcome, x.retries) for x in peer.exchanges] == [
        (x.outcome, x.retries) for x in other.peer.exchanges
    ]
    (hole,), (whole,) = peer.black_holes, other.peer.black_holes
    assert hole.black_hole_class is whole.black_hole_class
    assert (hole.min_packets, hole.max_packets) == (whole.min_packets, whole.max_packets)
    assert abs(hole.duration_s - whole.duration_s) < 0.25
    errors = {finding.rule for finding in told.findings if finding.severity is Severity.ERROR}
    assert errors <= {finding.rule for finding in other.findings}
    (sa,) = peer.ike_sas
    assert sa.ended_ns is None or sa.first_ns < sa.ended_ns


@pytest.mark.parametrize("step", [-25, -3_600])
def test_one_of_two_ends_has_a_clock_that_steps_back(tell: Tell, step: int) -> None:
    other = tell(DIES, DIES).peer
    peer = tell(DIES, DIES + f"clock {step} from 16.03").peer
    assert [s.state for s in peer.states] == [s.state for s in other.states]
    assert [f.packets for f in peer.esp_flows] == [f.packets for f in other.esp_flows]
    (hole,), (whole,) = peer.black_holes, other.black_holes
    assert (hole.min_packets, hole.max_packets) == (whole.min_packets, whole.max_packets)


def test_a_delete_comes_after_the_clock_stepped_back(tell: Tell) -> None:
    peer = tell(
        HEALTHY.replace("..100", "..40")
        + """
        41 a>b delete 5
        41.02 b>a delete 5 resp next=0
        clock -25 from 40.5
        """
    ).peer
    assert peer.state is PeerState.DELETED
    assert not peer.black_holes


def test_a_step_back_makes_no_errors(tell: Tell) -> None:
    told = tell(HEALTHY + "clock -25 from 55")
    expect_healthy(told.peer)
    assert {f.severity for f in told.findings} <= {Severity.INFO}


@pytest.mark.parametrize("step", [0, -1, -25])
def test_no_interval_across_a_step_back_is_certain(tell: Tell, step: int) -> None:
    told = tell(DEAD.replace("10.02 b>a", "17.5 b>a") + f"clock {step} from 15.05")
    (late,) = told.of("dpd-late-ack")
    assert late.confidence is (Confidence.INFERRED if step else Confidence.CERTAIN)


def test_a_clock_that_was_wrong_for_a_while(tell: Tell) -> None:
    """Behind, and put right: what came after is at its own times."""
    told = tell(HEALTHY + "clock -3600 from 41\nclock 3600 from 61")
    expect_healthy(told.peer)
    assert told.peer.exchanges[-1].first_ns == at(90)
    assert {ProblemKind.TIME_BACKWARDS, ProblemKind.CLOCK_SET} <= told.problems


def test_the_times_to_look_at_are_those_that_are_told(tell: Tell) -> None:
    options = SessionOptions(since_ns=at(56), until_ns=at(95))
    peer = tell(HEALTHY + "clock -3600 from 55", options=options).peer
    assert [round((x.first_ns - at(0)) / 1e9) for x in peer.exchanges] == [60, 70, 80, 90]
