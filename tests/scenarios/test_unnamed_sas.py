"""Logs that do not name the IKE SA of a line, beside a capture that shows several."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.model.exchange import Outcome
from analyzers.model.sa import SaEnd
from tests.scenarios.inputs import together
from tests.scenarios.logs import charon
from tests.scenarios.timeline import at, capture

A, B = "192.0.2.1", "192.0.2.2"

# A renewed IKE SA: its message IDs begin anew.
RENEWED = """
0 a>b v2 handshake
5 b>a liveness 0
5.01 a>b liveness 0 resp
9 b>a liveness 1
9.01 a>b liveness 1 resp
12 a>b create-child 2
12.02 b>a create-child 2 resp
12.05 a>b delete 3
12.07 b>a liveness 3 resp
"""
OWN = "".join(f"{t} a>b liveness 0 sa=2\n" for t in (17, 18, 19)) + "0.5..40/0.5 a>b esp out\n"


@pytest.mark.parametrize("first_s", [16.9, 17.5])
def test_retries_are_of_the_question_that_they_repeat(tmp_path: Path, first_s: float) -> None:
    """The capture shows the new SA by what a asks: after the question of b, or before."""
    lost = "".join(f"{first_s + late:.1f} b>a liveness 0 sa=2\n" for late in (0, 2, 4.8))
    log = charon(
        RENEWED + lost, "b", said=[(first_s + 8.7, "09[IKE] giving up after 2 retransmits")]
    )
    peer = together(tmp_path, capture(RENEWED + OWN), log).peer
    *earlier, last = (x for x in peer.exchanges if x.prober == B)
    assert [(x.outcome, x.retries) for x in earlier] == [(Outcome.ANSWERED, 0)] * 2
    assert (last.first_missing, last.retries) == (False, 2)
    assert last.verdict_ref is not None
    (policy,) = (p for p in peer.policies if p.holder == B)
    assert policy.retries == 2
    assert policy.retry_s == pytest.approx(2)


# Two of IKEv1, both asked on by b, which no answer reaches.
TWO = """
0 a>b v1 main-mode
0.1 a>b v1 quick
1 b>a v1 main-mode sa=2
1.1 b>a v1 quick sa=2
"""
ON_BOTH = """
5..16/4 b>a v1 info says=ruthere seq=7
6..17/4 b>a v1 info says=ruthere seq=7 sa=2
"""


@pytest.mark.parametrize("apart_s", [0.0, 1.0])
def test_each_ike_sa_that_is_given_up_has_its_verdict(tmp_path: Path, apart_s: float) -> None:
    """What was asked first is given up first: its timeout began with it."""
    said = [
        (at_s, "10[JOB] DPD check timed out, enforcing DPD action") for at_s in (19, 19 + apart_s)
    ]
    text = TWO + ON_BOTH
    peer = together(tmp_path, capture(text), charon(text, "b", said=said)).peer
    older, newer = (x for x in peer.exchanges if x.prober == B)
    assert older.first_ns == at(5)
    assert newer.first_ns == at(6)
    assert older.verdict_ns == pytest.approx(at(19), abs=5_000_000)
    assert newer.verdict_ns == pytest.approx(at(19 + apart_s), abs=5_000_000)
    assert None not in (older.verdict_ref, newer.verdict_ref)


def test_an_ike_sa_that_was_asked_on_no_more_is_not_given_up(tmp_path: Path) -> None:
    """The older of two was deleted as superfluous: the verdict is on the other one."""
    text = (
        TWO
        + """
        5..10/4 b>a v1 info says=ruthere seq=7
        6..25/4 b>a v1 info says=ruthere seq=7 sa=2
        """
    )
    said = [(27.0, "10[JOB] DPD check timed out, enforcing DPD action")]
    peer = together(tmp_path, capture(text), charon(text, "b", said=said)).peer
    older, newer = (x for x in peer.exchanges if x.prober == B)
    assert older.verdict_ref is None
    assert newer.verdict_ns == pytest.approx(at(27), abs=5_000_000)


def test_of_two_that_began_at_once_the_one_that_was_asked_in_vain_is_given_up(
    tmp_path: Path,
) -> None:
    """Whose name is whose the log does not say; what was asked tells."""
    text = """
    0 a>b v2 handshake sa=2
    0.001 b>a v2 handshake sa=3
    5 b>a liveness 0 sa=2
    5.003 b>a liveness 2 sa=3
    5.004 a>b liveness 2 sa=3 resp
    7 b>a liveness 0 sa=2
    9 b>a liveness 0 sa=2
    14 b>a liveness 3 sa=3
    14.01 a>b liveness 3 sa=3 resp
    """
    ends = "192.0.2.2[192.0.2.2]...192.0.2.1[192.0.2.1]"
    said = [
        (0.0305, f"09[IKE] IKE_SA gw[3] established between {ends}"),
        (0.0325, f"11[IKE] IKE_SA gw[2] established between {ends}"),
        (11.0, "10[IKE] giving up after 2 retransmits"),
        (11.0, "10[IKE] IKE_SA gw[3] state change: ESTABLISHED => DESTROYING"),
    ]
    peer = together(tmp_path, capture(text), charon(text, "b", said=said)).peer
    (vain,) = (x for x in peer.exchanges if x.retries)
    assert vain.first_ns == at(5)
    assert {sa.id for sa in peer.ike_sas if sa.end is SaEnd.DEAD_PEER} == {vain.ike_sa}
    assert vain.verdict_ns == pytest.approx(at(11), abs=5_000_000)
