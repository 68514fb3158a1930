"""IKEv1: a phase 1 of who has asked in vain renews an SA, or sets up one with a peer given up."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.model.exchange import Outcome
from analyzers.model.finding import Severity
from analyzers.model.peer import PeerState
from tests.scenarios.conftest import Tell, Told
from tests.scenarios.inputs import together
from tests.scenarios.logs import charon
from tests.scenarios.timeline import at, capture

IDLE = "05[KNL] getting a local address in traffic selector"
UP = """
0 a>b v1 main-mode
0.1 a>b v1 quick
3 a>b v1 info 108
3.01 b>a v1 info 108
6 a>b v1 info 108
6.01 b>a v1 info 108
"""
RENEWED = """
18 a>b v1 main-mode sa=2
21 a>b v1 info 108 sa=2
21.01 b>a v1 info 108 sa=2
24 a>b v1 info 108 sa=2
24.01 b>a v1 info 108 sa=2
"""


def expect_no_verdict(told: Told) -> None:
    assert not [x for x in told.peer.exchanges if x.verdict_ns is not None]
    assert PeerState.DEAD not in {s.state for s in told.peer.states}
    assert Severity.ERROR not in {f.severity for f in told.findings}
    assert told.peer.black_holes == ()


def test_one_question_before_a_renewal_is_no_verdict(tell: Tell) -> None:
    answered = "9..13/3 a>b v1 info 108\n9.01..13/3 b>a v1 info 108\n"
    told = tell(UP + answered + "15 a>b v1 info 108\n" + RENEWED)
    expect_no_verdict(told)
    (asked,) = [x for x in told.peer.exchanges if x.first_ns == at(15)]
    assert asked.outcome is not Outcome.ANSWERED


def test_a_peer_that_asks_itself_before_a_renewal_was_not_given_up(tell: Tell) -> None:
    lives = "17.5 b>a v1 info 108\n17.51 a>b v1 info 108\n"
    expect_no_verdict(tell(UP + "9..15.1/3 a>b v1 info 108\n" + lives + RENEWED))


@pytest.mark.parametrize("asked", ["9..15.1", "10.5..16.6"])
def test_a_renewal_when_the_lifetime_nears_its_end_is_no_verdict(tell: Tell, asked: str) -> None:
    """Timers of one daemon run out at the same second."""
    up = UP.replace("main-mode", "main-mode lifetime=23")
    expect_no_verdict(tell(f"{up}{asked}/3 a>b v1 info 108\n{RENEWED}"))


def test_a_renewal_that_is_as_vain_as_the_questions_before_it_is_a_verdict(tell: Tell) -> None:
    """strongSwan goes on waiting for its answer while it renews the SA."""
    up = UP.replace("main-mode", "main-mode lifetime=23")
    asked = "9..15.1/3 a>b v1 info 108\n"
    told = tell(up + asked + "17..40/4 a>b v1 mm1 sa=2\n44 a>b v1 main-mode sa=3\n")
    assert [x.verdict_ns for x in told.peer.exchanges if x.verdict_ns is not None] == [at(17)]


def test_a_phase_1_long_before_that_is_one(tell: Tell) -> None:
    told = tell(UP + "9..15.1/3 a>b v1 info 108\n" + RENEWED)
    assert [x.verdict_ns for x in told.peer.exchanges if x.verdict_ns is not None] == [at(18)]


def test_the_delete_of_an_sa_that_is_renewed_is_no_retry(tell: Tell) -> None:
    """It comes when the lifetime is over, long after the questions that were asked in time."""
    up = UP.replace("main-mode", "main-mode lifetime=23")
    told = tell(
        up
        + """
        9 a>b v1 info 108
        12 a>b v1 info 108
        14.5..16.6/2 a>b v1 mm1 sa=2
        18.5 a>b v1 info 108
        19.8 a>b v1 main-mode sa=2
        22.8 a>b v1 info 108 sa=2
        22.81 b>a v1 info 108 sa=2
        """
    )
    expect_no_verdict(told)
    asked = [[t.at_ns for t in x.transmissions] for x in told.peer.exchanges]
    assert asked == [[at(3)], [at(6)], [at(9), at(12)], [at(22.8)]]


def test_an_sa_ends_no_sooner_than_it_is_set_up(tell: Tell) -> None:
    """Both ends renew at once."""
    lines = [
        f"{18 + number / 100 + late} {way} v1 mm{number} sa={name}"
        for name, late, ways in ((2, 0.0, ("a>b", "b>a")), (3, 0.005, ("b>a", "a>b")))
        for number, way in enumerate(ways * 3, 1)
    ]
    sas = tell(UP + "\n".join(["sa 3 by b", *lines])).peer.ike_sas
    assert len(sas) == 3
    assert all(sa.ended_ns >= sa.established_ns for sa in sas if sa.ended_ns and sa.established_ns)


def test_who_goes_on_asking_while_it_renews_asks_the_same(tell: Tell) -> None:
    """Phase 1 is as vain as the questions, which keep their distance."""
    asked = "9..24.1/3 a>b v1 info 108\n"
    told = tell(f"{UP}{asked}16..25/4 a>b v1 mm1 sa=2\n40 a>b v1 main-mode sa=3\n")
    last = next(x for x in told.peer.exchanges if x.first_ns == at(9))
    assert [t.at_ns for t in last.transmissions] == [at(second) for second in range(9, 25, 3)]


@pytest.mark.parametrize("verdict", [True, False])
def test_a_delete_after_few_questions_is_one_if_the_own_log_says_so(
    tmp_path: Path, verdict: bool
) -> None:
    """An SA that was renewed before is deleted when it is due, whatever was asked on it."""
    text = """
        0 a>b v1 main-mode
        0.1 a>b v1 quick
        3..6/3 a>b v1 info 108 says=ruthere
        3.01..6.01/3 b>a v1 info 108 says=ack
        15..17.1/2 a>b v1 info 108 says=ruthere
        19 a>b v1 info 108 says=delete
    """
    said = [(19, "08[JOB] DPD check timed out, enforcing DPD action")] if verdict else []
    peer = together(tmp_path, capture(text), charon(text, "a", said=[*said, (60, IDLE)])).peer
    assert any(x.verdict_ns is not None for x in peer.exchanges) is verdict
